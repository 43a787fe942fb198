//! A TCP stream that keeps time: the core has no clock, so this is where patience ends.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// A TCP connection with a limit on each read and write, and perhaps a deadline for all of them.
#[derive(Debug)]
pub struct Tcp {
    stream: TcpStream,
    timeout: Duration,
    deadline: Option<Instant>,
}

impl Tcp {
    /// Takes a connected stream; each read and each write may take as long as `timeout`.
    ///
    /// # Errors
    ///
    /// What the operating system says, or that the time-out is zero.
    pub fn new(stream: TcpStream, timeout: Duration) -> io::Result<Tcp> {
        // A batch writes many commands at once, and what it writes last must not wait for an acknowledgement.
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(timeout))?;
        stream.set_write_timeout(Some(timeout))?;
        Ok(Tcp { stream, timeout, deadline: None })
    }

    /// The socket.
    pub fn get_ref(&self) -> &TcpStream {
        &self.stream
    }

    /// Has everything fail that is not done by then, or lifts the deadline.
    pub(crate) fn set_deadline(&mut self, deadline: Option<Instant>) -> io::Result<()> {
        self.deadline = deadline;
        self.set_timeouts(self.timeout)
    }

    fn set_timeouts(&self, timeout: Duration) -> io::Result<()> {
        self.stream.set_read_timeout(Some(timeout))?;
        self.stream.set_write_timeout(Some(timeout))
    }

    fn keep_deadline(&self) -> io::Result<()> {
        let Some(deadline) = self.deadline else { return Ok(()) };
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::Error::new(ErrorKind::TimedOut, "the login took too long"));
        }
        self.set_timeouts(left.min(self.timeout))
    }

    fn explain(&self, error: io::Error, verb: &str) -> io::Error {
        match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => {
                let late = self.deadline.is_some_and(|deadline| deadline <= Instant::now());
                let what = if late {
                    "the login took too long".to_owned()
                } else {
                    format!("the server did not {verb} for {} s", self.timeout.as_secs_f32())
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
        self.stream.read(space).map_err(|error| self.explain(error, "send anything"))
    }
}

impl Write for Tcp {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.keep_deadline()?;
        self.stream.write(octets).map_err(|error| self.explain(error, "take anything"))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
