//! A link with a server at its other end.

use std::time::Duration;
use std::vec::Vec;

use zeroize::Zeroizing;

use super::{Halt, Link, Record, Schedule, Side};

/// A server without I/O at the end of a [`Line`]: a [`QuirkyService`](crate::testing::personality::QuirkyService), a
/// [`ScriptedServer`](crate::testing::script::ScriptedServer), or your own.
pub trait Responder {
    /// Returns the space for octets from the client. It is empty if the server does not read now.
    fn spare(&mut self) -> &mut [u8];

    /// Processes the first `len` octets of [`spare`](Self::spare).
    fn filled(&mut self, len: usize);

    /// Returns the octets to send to the client.
    fn pending(&self) -> &[u8];

    /// Reports that the first `len` octets of [`pending`](Self::pending) were sent.
    fn written(&mut self, len: usize);

    /// Returns true if the server closes the connection now. Octets that are [`pending`](Self::pending) are sent first.
    fn is_over(&self) -> bool;

    /// Returns true if TLS begins now. A [`Line`] closes the connection then, unless the server is
    #[cfg_attr(feature = "tls", doc = "[`Encrypted`](super::Encrypted).")]
    #[cfg_attr(not(feature = "tls"), doc = "`Encrypted`, with the feature `tls`.")]
    fn wants_tls(&self) -> bool {
        false
    }

    /// Reports that the handshake is complete, with the channel binding `tls-exporter` (RFC 9266), if there is one.
    fn tls_established(&mut self, exporter: Option<Zeroizing<Vec<u8>>>) {
        let _ = exporter;
    }

    /// Reports that the client has closed the connection, or that it was reset.
    fn closed(&mut self) {}

    /// Reports the time on the clock of the link. This is called before the other methods whenever the client acts.
    fn tick(&mut self, now: Duration) {
        let _ = now;
    }

    /// Returns the time at which the server acts even if it receives nothing, such as the end of its patience.
    fn alarm(&self) -> Option<Duration> {
        None
    }
}

/// The client's end of a [`Link`], with a server at the other end. The server works whenever the client reads or
/// writes, so it needs no thread.
///
/// ```
/// use pop3_proto::ServerConfig;
/// use pop3_proto::serve::MailStore;
/// use pop3_proto::testing::link::{Halt, Line, Schedule};
///
/// let store = MailStore::new();
/// store.add_user("mrose", "tanstaaf");
/// let config = ServerConfig::new().plaintext_login(true);
/// let mut line = Line::serving(store.maildrop(), config, Schedule::new());
///
/// let mut space = [0; 1024];
/// let len = line.read(&mut space)?;
/// assert!(space[..len].starts_with(b"+OK POP3 server ready"));
/// assert_eq!(line.read(&mut space), Err(Halt::Blocked), "the server waits for the client");
///
/// line.write(b"USER mrose\r\nPASS tanstaaf\r\nSTAT\r\n")?;
/// let len = line.read(&mut space)?;
/// assert!(space[..len].ends_with(b"+OK 0 0\r\n"));
/// # Ok::<(), Halt>(())
/// ```
#[derive(Clone, Debug)]
pub struct Line<R> {
    link: Link,
    responder: R,
    /// The server has closed its end, or has seen the end of the connection.
    is_over: bool,
}

impl<R: Responder> Line<R> {
    /// Creates a line to any server.
    pub fn new(responder: R, schedule: Schedule) -> Line<R> {
        Line { link: Link::new(schedule), responder, is_over: false }
    }

    /// Reads octets of the server, and returns how many: 0 at the end of the stream.
    ///
    /// # Errors
    ///
    /// Any [`Halt`] except [`Closed`](Halt::Closed). [`Blocked`](Halt::Blocked) means that nothing arrives until you
    /// write: a client that waits would wait forever.
    ///
    /// # Panics
    ///
    /// Panics if there is no space for an octet.
    pub fn read(&mut self, space: &mut [u8]) -> Result<usize, Halt> {
        self.work();
        let read = self.link.read(Side::Client, space);
        // There is room for more.
        self.work();
        self.waiting(read)
    }

    /// Writes octets for the server, and returns how many the link took.
    ///
    /// # Errors
    ///
    /// Any [`Halt`]. [`Blocked`](Halt::Blocked) means that the server does not read until you read.
    pub fn write(&mut self, octets: &[u8]) -> Result<usize, Halt> {
        self.work();
        let mut written = self.link.write(Side::Client, octets);
        self.work();
        // The server has made room for what was kept back until a flush.
        if written == Err(Halt::Blocked) {
            written = self.link.write(Side::Client, octets);
            self.work();
        }
        self.waiting(written)
    }

    /// Sends octets that [`Direction::until_flush`](super::Direction::until_flush) keeps back.
    ///
    /// # Errors
    ///
    /// [`Halt::Interrupted`], if [`Direction::interrupted_flushes`](super::Direction::interrupted_flushes) says so.
    pub fn flush(&mut self) -> Result<(), Halt> {
        let flushed = self.link.flush(Side::Client);
        self.work();
        flushed
    }

    /// Closes the client's end.
    pub fn close(&mut self) {
        self.link.close(Side::Client);
        self.work();
    }

    /// Advances the clock of the link.
    pub fn advance(&mut self, by: Duration) {
        self.link.advance(by);
        self.work();
    }

    /// Advances the clock of the link to a time, such as that of [`Halt::Stalled`]. A time in the past has no effect.
    pub fn advance_to(&mut self, at: Duration) {
        self.link.advance_to(at);
        self.work();
    }

    /// Returns a record of the octets that an end writes and reads from now on.
    pub fn record(&mut self, side: Side) -> Record {
        self.link.record(side)
    }

    /// Returns the link.
    pub const fn link(&self) -> &Link {
        &self.link
    }

    /// Returns the server.
    pub const fn responder(&self) -> &R {
        &self.responder
    }

    /// Returns the server, to change its behaviour.
    pub const fn responder_mut(&mut self) -> &mut R {
        &mut self.responder
    }

    /// A client that is blocked waits only until the server acts by itself.
    fn waiting(&self, result: Result<usize, Halt>) -> Result<usize, Halt> {
        let (Err(Halt::Blocked | Halt::Stalled { .. }), now) = (&result, self.link.now()) else { return result };
        let alarm = if self.is_over { None } else { self.responder.alarm() };
        let times = [alarm, self.link.next_arrival(Side::Client), self.link.next_arrival(Side::Server)];
        match times.into_iter().flatten().filter(|time| *time > now).min() {
            Some(until) => Err(Halt::Stalled { until }),
            None => Err(Halt::Blocked),
        }
    }

    /// Lets the server work until it waits for the client or for the clock.
    fn work(&mut self) {
        self.responder.tick(self.link.now());
        while !self.is_over && (self.send() || self.receive()) {}
    }

    /// Sends what the server has to say. Returns true if there may be more to do.
    fn send(&mut self) -> bool {
        let pending = self.responder.pending();
        if pending.is_empty() {
            if self.responder.is_over() || self.responder.wants_tls() {
                self.link.close(Side::Server);
                self.is_over = true;
            }
            return false;
        }
        match self.link.write(Side::Server, pending) {
            Ok(len) => {
                self.responder.written(len);
                while self.link.flush(Side::Server).is_err() {}
            }
            Err(Halt::Interrupted) => {}
            Err(Halt::Reset | Halt::Closed) => self.lose(),
            Err(Halt::Blocked | Halt::Stalled { .. }) => return false,
        }
        true
    }

    /// Passes what has arrived to the server. Returns true if there may be more to do.
    fn receive(&mut self) -> bool {
        let spare = self.responder.spare();
        if spare.is_empty() || self.is_over {
            return false;
        }
        match self.link.read(Side::Server, spare) {
            Ok(0) | Err(Halt::Reset | Halt::Closed) => self.lose(),
            Ok(len) => self.responder.filled(len),
            Err(Halt::Interrupted) => {}
            Err(Halt::Blocked | Halt::Stalled { .. }) => return false,
        }
        true
    }

    /// The server learns that the connection is over.
    fn lose(&mut self) {
        self.responder.closed();
        self.link.close(Side::Server);
        self.is_over = true;
    }
}
