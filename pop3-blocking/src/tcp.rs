//! A TCP stream that limits the time of its reads and writes.
//!
//! A server need not read while it writes (RFC 2449, section 6.6), so a client must not wait until its write is
//! complete. If the socket accepts no more, the rest is written after the next read, or after 10 ms.
//!
//! A write that does not wait takes three system calls, because std has no flag for one write. Where the server waits
//! for the command, it is written with a time limit instead, in one.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::transport::Abilities;

/// The time for which a read waits before the next attempt to write, and the limit of a write that waits.
pub(crate) const STEP: Duration = Duration::from_millis(10);

/// A TCP connection of a [`Session`](crate::Session), which limits each wait.
///
/// [`Write`] writes what fits into the socket's buffer, and returns [`WouldBlock`](ErrorKind::WouldBlock) if nothing
/// fits: then read first. [`Read`] has no time limit. It returns [`Interrupted`](ErrorKind::Interrupted) when you
/// should try to write again.
///
/// ```no_run
/// use pop3_blocking::{Connect, connect};
///
/// let session = connect(Connect::new().host("pop.example.org").user("mrose"))?;
/// println!("the server is {:?}", session.get_ref().get_ref().peer_addr());
/// # Ok::<(), pop3_blocking::Error>(())
/// ```
#[derive(Debug)]
pub struct Tcp {
    stream: TcpStream,
    /// The read timeout currently set on the socket; [`Duration::MAX`] for none.
    told: Duration,
    /// The write timeout currently set on the socket; [`Duration::MAX`] for none.
    told_write: Duration,
    /// The socket did not accept the last write.
    full: bool,
}

impl Tcp {
    /// The abilities that a session uses.
    pub(crate) const ABILITIES: Abilities<Tcp> = Abilities {
        read_within: Tcp::read_within,
        write_within: Tcp::write_within,
        // A read returns what has arrived, as far as there is space.
        is_drained: |_| true,
    };

    pub(crate) fn new(stream: TcpStream) -> io::Result<Tcp> {
        // The last command of a batch must not wait for an acknowledgement.
        stream.set_nodelay(true)?;
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(None)?;
        stream.set_write_timeout(None)?;
        Ok(Tcp { stream, told: Duration::MAX, told_write: Duration::MAX, full: false })
    }

    /// Returns the socket.
    pub fn get_ref(&self) -> &TcpStream {
        &self.stream
    }

    /// Returns the socket, with the timeouts of the last read and write.
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

    /// Writes, and waits for at most `limit`, which should always be the same or zero. With a limit of zero, it writes
    /// only what fits into the socket's buffer.
    fn write_within(&mut self, octets: &[u8], limit: Duration) -> io::Result<usize> {
        let result = if limit.is_zero() {
            self.at_once(|mut stream| stream.write(octets))
        } else {
            if self.told_write != limit {
                self.stream.set_write_timeout(Some(limit))?;
                self.told_write = limit;
            }
            self.stream
                .write(octets)
                .map_err(|error| if is_late(&error) { ErrorKind::WouldBlock.into() } else { error })
        };
        self.full = result.as_ref().is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
        result
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
        self.write_within(octets, Duration::ZERO)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// Returns true if the error means that nothing arrived in time.
pub(crate) fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
