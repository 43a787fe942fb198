//! A TCP stream that limits its waits, and never blocks in writes.
//!
//! A server need not read while it writes (RFC 2449, section 6.6), so a client must not block until its write
//! completes: if the socket does not accept a write, the rest waits until something was read or a moment has passed.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::transport::Abilities;

/// The time for which a read waits before the next attempt to write.
const STEP: Duration = Duration::from_millis(10);

/// A TCP connection with a limit on each wait.
///
/// [`Write`] writes what fits into the socket's buffer, and returns [`WouldBlock`](ErrorKind::WouldBlock) if nothing
/// fits: then read first. [`Read`] returns [`Interrupted`](ErrorKind::Interrupted) when you should try to write again.
/// A [`Session`](crate::Session) does both.
#[derive(Debug)]
pub struct Tcp {
    stream: TcpStream,
    timeout: Duration,
    /// The read time-out currently set on the socket.
    told: Duration,
    /// The socket did not accept the last write.
    full: bool,
    /// The time waited in vain since then.
    waited: Duration,
}

impl Tcp {
    /// The abilities that a session uses.
    pub(crate) const ABILITIES: Abilities<Tcp> =
        Abilities { read_within: Tcp::read_within, write_at_once: <Tcp as Write>::write };

    /// Wraps a connected stream; each read may take up to `timeout`.
    ///
    /// # Errors
    ///
    /// Errors of the operating system, or a time-out of zero.
    pub fn new(stream: TcpStream, timeout: Duration) -> io::Result<Tcp> {
        // The last command of a batch must not wait for an acknowledgement.
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(timeout))?;
        Ok(Tcp { stream, timeout, told: timeout, full: false, waited: Duration::ZERO })
    }

    /// Returns the socket.
    pub fn get_ref(&self) -> &TcpStream {
        &self.stream
    }

    /// Reads, and waits for at most `limit`, or less if a write is pending. With a limit of zero, it reads only what
    /// has already arrived.
    fn read_within(&mut self, space: &mut [u8], limit: Duration) -> io::Result<usize> {
        if limit.is_zero() {
            return self.at_once(|mut stream| stream.read(space));
        }
        let step = if self.full { limit.min(STEP) } else { limit };
        if self.told != step {
            self.stream.set_read_timeout(Some(step))?;
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
        let begin = Instant::now();
        let left = self.timeout.saturating_sub(self.waited).max(STEP / 10);
        match self.read_within(space, left) {
            Ok(octets) => {
                self.waited = Duration::ZERO;
                Ok(octets)
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {
                self.waited = self.waited.saturating_add(begin.elapsed());
                Err(error)
            }
            Err(error) if is_late(&error) => {
                let what = format!("the server sent nothing for {} s", self.timeout.as_secs_f32());
                Err(io::Error::new(ErrorKind::TimedOut, what))
            }
            Err(error) => Err(error),
        }
    }
}

impl Write for Tcp {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let result = self.at_once(|mut stream| stream.write(octets));
        self.full = result.as_ref().is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
        if !self.full {
            self.waited = Duration::ZERO;
        }
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
