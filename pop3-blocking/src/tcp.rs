//! A TCP stream that keeps time, and never blocks in writing.
//!
//! The core has no clock, so this is where patience ends. A server need not read while it writes (RFC 2449, section 6.6),
//! so neither may a client insist on writing: what the socket does not take at once waits until an answer was read.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// A TCP connection with a limit on each wait, and perhaps a deadline for all of them.
///
/// [`Write`] takes what the socket has room for, and gives [`WouldBlock`](ErrorKind::WouldBlock) if that is nothing:
/// then read first. A session does so; with commands in flight there is always something to be read.
#[derive(Debug)]
pub struct Tcp {
    stream: TcpStream,
    timeout: Duration,
    deadline: Option<Instant>,
}

impl Tcp {
    /// Takes a connected stream; each read may take as long as `timeout`.
    ///
    /// # Errors
    ///
    /// What the operating system says, or that the time-out is zero.
    pub fn new(stream: TcpStream, timeout: Duration) -> io::Result<Tcp> {
        // A batch writes many commands at once, and what it writes last must not wait for an acknowledgement.
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(timeout))?;
        Ok(Tcp { stream, timeout, deadline: None })
    }

    /// The socket.
    pub fn get_ref(&self) -> &TcpStream {
        &self.stream
    }

    /// Has everything fail that is not done by then, or lifts the deadline.
    pub(crate) fn set_deadline(&mut self, deadline: Option<Instant>) -> io::Result<()> {
        self.deadline = deadline;
        self.stream.set_read_timeout(Some(self.timeout))
    }

    /// Reads what is there without waiting, or gives [`WouldBlock`](ErrorKind::WouldBlock).
    pub(crate) fn look(&mut self, space: &mut [u8]) -> io::Result<usize> {
        self.at_once(|mut stream| stream.read(space))
    }

    fn at_once<T>(&self, act: impl FnOnce(&TcpStream) -> io::Result<T>) -> io::Result<T> {
        self.stream.set_nonblocking(true)?;
        let result = act(&self.stream);
        self.stream.set_nonblocking(false)?;
        result
    }

    fn keep_deadline(&self) -> io::Result<()> {
        let Some(deadline) = self.deadline else { return Ok(()) };
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::Error::new(ErrorKind::TimedOut, "the login took too long"));
        }
        self.stream.set_read_timeout(Some(left.min(self.timeout)))
    }

    fn explain(&self, error: io::Error) -> io::Error {
        match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => {
                let late = self.deadline.is_some_and(|deadline| deadline <= Instant::now());
                let what = if late {
                    "the login took too long".to_owned()
                } else {
                    format!("the server sent nothing for {} s", self.timeout.as_secs_f32())
                };
                io::Error::new(ErrorKind::TimedOut, what)
            }
            _ => error,
        }
    }
}

impl Read for Tcp {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        self.keep_deadline()?;
        self.stream.read(space).map_err(|error| self.explain(error))
    }
}

impl Write for Tcp {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.at_once(|mut stream| stream.write(octets))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
