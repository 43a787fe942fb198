//! A TCP stream that keeps time, and never blocks in writing.
//!
//! A server need not read while it writes (RFC 2449, section 6.6), so neither may a client insist on writing: what the
//! socket does not take at once waits until an answer was read, or a moment has passed.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::transport::Abilities;

/// How long a read waits before it is time to try and write again.
const STEP: Duration = Duration::from_millis(10);

/// A TCP connection with a limit on each wait.
///
/// [`Write`] takes what the socket has room for, and gives [`WouldBlock`](ErrorKind::WouldBlock) if that is nothing: then
/// read first. [`Read`] gives [`Interrupted`](ErrorKind::Interrupted) when it is time to try and write again. A session does
/// so.
#[derive(Debug)]
pub struct Tcp {
    stream: TcpStream,
    timeout: Duration,
    /// What the socket knows of it.
    told: Duration,
    /// The socket did not take what was last to be written.
    full: bool,
    /// Waited in vain since then.
    waited: Duration,
}

impl Tcp {
    /// What a session can ask of it.
    pub(crate) const ABILITIES: Abilities<Tcp> =
        Abilities { read_within: Tcp::read_within, write_at_once: <Tcp as Write>::write };

    /// Takes a connected stream; each read may take as long as `timeout`.
    ///
    /// # Errors
    ///
    /// What the operating system says, or that the time-out is zero.
    pub fn new(stream: TcpStream, timeout: Duration) -> io::Result<Tcp> {
        // A batch writes many commands at once, and what it writes last must not wait for an acknowledgement.
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(timeout))?;
        Ok(Tcp { stream, timeout, told: timeout, full: false, waited: Duration::ZERO })
    }

    /// The socket.
    pub fn get_ref(&self) -> &TcpStream {
        &self.stream
    }

    /// Reads, and waits no longer than that, nor longer than it is good to wait before writing again. Only what is there
    /// already is read if the limit is zero.
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

/// Whether it says that nothing came in time.
pub(crate) fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
