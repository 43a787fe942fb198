//! A TCP stream that limits the time of its reads, and never blocks in writes.
//!
//! A server need not read while it writes (RFC 2449, section 6.6), so a client must not wait until its write is
//! complete. If the socket accepts no more, the rest is written after the next read, or after 10 ms.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::transport::Abilities;

/// The time for which a read waits before the next attempt to write.
const STEP: Duration = Duration::from_millis(10);

/// A TCP connection of a [`Session`](crate::Session), which limits each wait.
///
/// [`Write`] writes what fits into the socket's buffer, and returns [`WouldBlock`](ErrorKind::WouldBlock) if nothing
/// fits: then read first. [`Read`] has no time limit. It returns [`Interrupted`](ErrorKind::Interrupted) when you
/// should try to write again.
#[derive(Debug)]
pub struct Tcp {
    stream: TcpStream,
    /// The read timeout currently set on the socket; [`Duration::MAX`] for none.
    told: Duration,
    /// The socket did not accept the last write.
    full: bool,
}

impl Tcp {
    /// The abilities that a session uses.
    pub(crate) const ABILITIES: Abilities<Tcp> = Abilities {
        read_within: Tcp::read_within,
        #[cfg(feature = "tls")]
        write_at_once: <Tcp as Write>::write,
    };

    pub(crate) fn new(stream: TcpStream) -> io::Result<Tcp> {
        // The last command of a batch must not wait for an acknowledgement.
        stream.set_nodelay(true)?;
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(None)?;
        Ok(Tcp { stream, told: Duration::MAX, full: false })
    }

    /// Returns the socket.
    pub fn get_ref(&self) -> &TcpStream {
        &self.stream
    }

    /// Returns the socket, with the read timeout of the last read.
    pub fn into_inner(self) -> TcpStream {
        self.stream
    }

    /// Reads, and waits for at most `limit`, or less if a write is pending. With a limit of zero, it reads only what
    /// has already arrived.
    fn read_within(&mut self, space: &mut [u8], limit: Duration) -> io::Result<usize> {
        if limit.is_zero() {
            return self.at_once(|mut stream| stream.read(space));
        }
        let step = if self.full { limit.min(STEP) } else { limit };
        if self.told != step {
            self.stream.set_read_timeout(Some(step).filter(|step| *step != Duration::MAX))?;
            self.told = step;
        }
        match self.stream.read(space) {
            Err(error) if is_late(&error) && step < limit => Err(ErrorKind::Interrupted.into()),
            result => result,
        }
    }

    fn at_once<T>(&self, act: impl FnOnce(&TcpStream) -> io::Result<T>) -> io::Result<T> {
        self.stream.set_nonblocking(true)?;
        let result = act(&self.stream);
        self.stream.set_nonblocking(false)?;
        result
    }
}

impl Read for Tcp {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        self.read_within(space, Duration::MAX)
    }
}

impl Write for Tcp {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let result = self.at_once(|mut stream| stream.write(octets));
        self.full = result.as_ref().is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
        result
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// Returns true if the error means that nothing arrived in time.
pub(crate) fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
