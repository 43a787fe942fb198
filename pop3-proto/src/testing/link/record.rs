//! A record of the octets at one end of a link.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::vec::Vec;

/// A handle to the octets that one end of a [`Link`](super::Link) has written and read, even after the link is gone.
/// You get it from [`Link::record`](super::Link::record) or [`Line::record`](super::Line::record).
///
/// ```
/// use pop3_proto::testing::link::{Line, Schedule, Side};
/// use pop3_proto::testing::script::ScriptedServer;
///
/// let mut line = Line::new(ScriptedServer::new("S: +OK\nC: QUIT\nS: +OK bye\n"), Schedule::new());
/// let record = line.record(Side::Client);
/// line.write(b"QUIT\r\n")?;
/// line.read(&mut [0; 64])?;
/// drop(line);
/// assert_eq!((record.written(), record.read()), (b"QUIT\r\n".to_vec(), b"+OK\r\n+OK bye\r\n".to_vec()));
/// # Ok::<(), pop3_proto::testing::link::Halt>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Record(Arc<Mutex<Octets>>);

#[derive(Debug, Default)]
struct Octets {
    written: Vec<u8>,
    read: Vec<u8>,
}

impl Record {
    /// Returns the octets that the link took, including those that were lost after a fault.
    pub fn written(&self) -> Vec<u8> {
        self.lock().written.clone()
    }

    /// Returns the octets that were read.
    pub fn read(&self) -> Vec<u8> {
        self.lock().read.clone()
    }

    pub(super) fn add_written(&self, octets: &[u8]) {
        self.lock().written.extend(octets);
    }

    pub(super) fn add_read(&self, octets: &[u8]) {
        self.lock().read.extend(octets);
    }

    /// Locks the record. A test that panicked cannot have left it in an inconsistent state.
    fn lock(&self) -> MutexGuard<'_, Octets> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
