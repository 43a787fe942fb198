//! A stream in memory with a server at its other end, for [`Connection::over`](crate::Connection::over).
//!
//! The server works whenever the client reads or writes, so a test needs no thread and no socket. A
//! [`Schedule`] cuts and delays the octets, and ends the connection where you want. Delays pass on the clock of the
//! link: a test of a time limit takes no time.
//!
//! ```
//! use pop3_blocking::pop3_proto::serve::MailStore;
//! use pop3_blocking::testing::link::{self, Direction, Schedule};
//! use pop3_blocking::{Connect, Connection, Security, ServerConfig};
//!
//! let store = MailStore::new();
//! store.add_user("mrose", "tanstaaf");
//! store.deliver("mrose", "Subject: hello\r\n\r\nworld\r\n");
//!
//! let schedule = Schedule::new().both(Direction::new().cuts([1, 2, 3]).writes([5]));
//! let stream = link::serve(store.maildrop(), ServerConfig::new().plaintext_login(true), schedule);
//! let connect = Connect::new().security(Security::Plaintext).allow_plaintext(true).user("mrose").password("tanstaaf");
//! let mut session = Connection::over(stream, connect)?.login()?;
//! assert_eq!(session.stat()?.messages, 1);
//! session.quit()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A server that stops sending meets the [time limits](crate::Timeouts) on the clock of the link:
//!
//! ```
//! use std::time::Duration;
//! use pop3_blocking::pop3_proto::serve::MailStore;
//! use pop3_blocking::testing::link::{self, Direction, Schedule};
//! use pop3_blocking::{Connect, Connection, ErrorKind, Security, ServerConfig};
//!
//! let store = MailStore::new();
//! let schedule = Schedule::new().to_client(Direction::new().stall_after(10, Duration::from_secs(3600)));
//! let stream = link::serve(store.maildrop(), ServerConfig::new(), schedule);
//! let connect = Connect::new().security(Security::Plaintext).allow_plaintext(true);
//! let error = Connection::over(stream, connect).unwrap_err();
//! assert_eq!(error.kind(), ErrorKind::TimedOut);
//! assert_eq!(error.to_string(), "reading the greeting failed: the server sent no greeting for 60 s");
//! ```

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
#[cfg(feature = "tls")]
use std::sync::Arc;
use std::time::Duration;

use pop3_proto::ServerConfig;
use pop3_proto::serve::Maildrop;
#[cfg(feature = "tls")]
pub use pop3_proto::testing::link::Encrypted;
pub use pop3_proto::testing::link::{
    Corruption, Direction, Fault, Halt, Line, Link, Record, Responder, Schedule, Side,
};
use pop3_proto::testing::personality::QuirkyService;
pub use pop3_proto::testing::script::{Mismatch, ScriptedServer, Verdict};
#[cfg(feature = "tls")]
use pop3_proto::tls::rustls;

use crate::transport::{Abilities, Transport};
use crate::{Connect, Connection, Error, Tcp};

/// The most time that passes in a read without a limit of its own. It limits how late a deadline can be noticed.
const STEP: Duration = Duration::from_secs(1);

impl<R: Responder> Connection<LinkStream<R>> {
    /// Waits for the greeting on a stream in memory. Unlike [`over`](Connection::over), it behaves as over TCP: limits
    /// are exact, the window is larger, and octets that arrive while no answer is awaited are noticed before the next
    /// command is sent.
    ///
    /// # Errors
    ///
    /// The errors of [`Connection::over`].
    pub fn over_link(stream: LinkStream<R>, connect: Connect) -> Result<Self, Error> {
        let transport = Transport::new(stream, Some(LinkStream::ABILITIES));
        Connection::over_transport(transport, connect, Connection::<Tcp>::WINDOW)
    }
}

/// Returns a stream to a server for this maildrop.
///
/// The server offers what `config` says, and APOP. SCRAM, which a client prefers if the maildrop supports it, takes a
/// noticeable time: choose another [`Method`](crate::Method) if you have many tests. The server closes the connection
/// instead of beginning TLS: for that, use `serve_tls`, with the feature `tls`.
pub fn serve<M: Maildrop>(maildrop: M, config: ServerConfig, schedule: Schedule) -> LinkStream<QuirkyService<M>> {
    LinkStream::new(Line::serving(maildrop, config, schedule))
}

/// Returns a stream to a server for this maildrop, with TLS from the beginning if `config` says
/// [`inside_tls`](ServerConfig::inside_tls), or else after STLS. The rest is as with [`serve`]. The schedule is that of
/// the encrypted octets.
///
/// ```
/// use pop3_blocking::pop3_proto::serve::MailStore;
/// use pop3_blocking::testing::link::{self, Direction, Schedule};
/// use pop3_blocking::testing::authority::{Authority, valid_for};
/// use pop3_blocking::{Connect, Connection, Method, Security, ServerConfig};
///
/// let store = MailStore::new();
/// store.add_user("mrose", "tanstaaf");
/// let authority = Authority::new();
/// let tls = authority.issue(valid_for(&["pop.example.org"])).server();
/// let schedule = Schedule::new().both(Direction::new().cuts([7]));
/// let stream = link::serve_tls(store.maildrop(), ServerConfig::new().stls(true), tls, schedule);
///
/// let connect = Connect::new().host("pop.example.org").security(Security::StartTls).tls(authority.trusted());
/// let connect = connect.user("mrose").password("tanstaaf").methods([Method::UserPass]);
/// Connection::over(stream, connect)?.login()?.quit()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Panics
///
/// Panics, also later, if the settings for TLS cannot be used.
#[cfg(feature = "tls")]
pub fn serve_tls<M: Maildrop>(
    maildrop: M,
    config: ServerConfig,
    tls: Arc<rustls::ServerConfig>,
    schedule: Schedule,
) -> LinkStream<Encrypted<QuirkyService<M>>> {
    LinkStream::new(Line::serving_tls(maildrop, config, tls, schedule))
}

/// Returns a stream to a server that plays a [script](pop3_proto::testing::script), and whether the client has kept to
/// it.
///
/// ```
/// use pop3_blocking::pop3_proto::testing::script::LOGIN;
/// use pop3_blocking::testing::link::{self, Schedule};
/// use pop3_blocking::{Connect, Connection, Security};
///
/// let script = format!("{LOGIN}C: STAT\nS: +OK 2 320\n-- wait 30 s\nC: QUIT\nS: -ERR [SYS/TEMP] the disk is full\n");
/// let (stream, verdict) = link::script(&script, Schedule::new());
/// let connect = Connect::new().security(Security::Plaintext).allow_plaintext(true).user("mrose").password("tanstaaf");
/// let mut session = Connection::over(stream, connect)?.login()?;
/// assert_eq!(session.stat()?.messages, 2);
/// assert!(session.quit().is_err());
/// verdict.done();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Panics
///
/// Panics if a line is not a line of a script.
pub fn script(script: &str, schedule: Schedule) -> (LinkStream<ScriptedServer>, Verdict) {
    let server = ScriptedServer::new(script);
    let verdict = server.verdict();
    (LinkStream::new(Line::new(server, schedule)), verdict)
}

/// The client's end of a link in memory. See the [module](self) for an example.
///
/// [`Read`] and [`Write`] never block:
///
/// - Reading advances the clock of the link if there is nothing to read, by at most one second. It returns
///   [`Interrupted`](ErrorKind::Interrupted) if something will arrive by itself, and
///   [`TimedOut`](ErrorKind::TimedOut) if not, since the client would wait forever.
/// - Writing returns [`WouldBlock`](ErrorKind::WouldBlock) if the server does not read until the client reads.
///
/// When you drop the stream, the server sees the end of the connection after the octets that were written.
#[derive(Debug)]
pub struct LinkStream<R: Responder> {
    line: Line<R>,
}

impl<R: Responder> LinkStream<R> {
    /// The abilities that a session uses.
    pub(crate) const ABILITIES: Abilities<LinkStream<R>> = Abilities {
        read_within: LinkStream::read_within,
        write_within: |stream, octets, _| stream.write(octets),
        is_drained: |stream| {
            let link = stream.line.link();
            link.next_arrival(Side::Client).is_none_or(|arrival| arrival > link.now())
        },
    };

    /// Creates the stream of a line.
    pub const fn new(line: Line<R>) -> LinkStream<R> {
        LinkStream { line }
    }

    /// Returns the line, with the link and the server.
    pub const fn line(&self) -> &Line<R> {
        &self.line
    }

    /// Returns the line, to change the server or to advance the clock.
    pub const fn line_mut(&mut self) -> &mut Line<R> {
        &mut self.line
    }

    /// Reads, and lets at most `limit` pass on the clock if there is nothing to read.
    fn read_within(&mut self, space: &mut [u8], limit: Duration) -> io::Result<usize> {
        let (kind, left) = match self.line.read(space) {
            Err(Halt::Stalled { until }) => (ErrorKind::Interrupted, until.saturating_sub(self.line.link().now())),
            Err(Halt::Blocked) => (ErrorKind::TimedOut, Duration::MAX),
            read => return read.map_err(failure),
        };
        let waited = left.min(limit);
        match waited {
            Duration::ZERO => return Err(ErrorKind::WouldBlock.into()),
            // Nothing will ever arrive, and the client would wait without a limit.
            Duration::MAX => {}
            waited => self.line.advance(waited),
        }
        Err(io::Error::new(kind, Waited(waited)))
    }
}

impl<R: Responder> Read for LinkStream<R> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        self.read_within(space, STEP)
    }
}

impl<R: Responder> Write for LinkStream<R> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.line.write(octets).map_err(failure)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.line.flush().map_err(failure)
    }
}

impl<R: Responder> Drop for LinkStream<R> {
    fn drop(&mut self) {
        self.line.close();
    }
}

fn failure(halt: Halt) -> io::Error {
    let kind = match halt {
        Halt::Interrupted => ErrorKind::Interrupted,
        Halt::Blocked | Halt::Stalled { .. } => ErrorKind::WouldBlock,
        Halt::Reset => ErrorKind::ConnectionReset,
        Halt::Closed => ErrorKind::BrokenPipe,
    };
    kind.into()
}

/// The time that passed in a read on the clock of a link. It travels in the error, because the driver knows no clock.
#[derive(Debug)]
struct Waited(Duration);

impl fmt::Display for Waited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Duration::MAX => f.write_str("the client would wait forever: the server waits for the client, or is gone"),
            waited => write!(f, "nothing arrived for {waited:?} on the clock of the link"),
        }
    }
}

impl std::error::Error for Waited {}

/// Returns the time that passed on the clock of a link in a read that failed with this error.
pub(crate) fn waited(error: &io::Error) -> Option<Duration> {
    error.get_ref().and_then(|error| error.downcast_ref::<Waited>()).map(|waited| waited.0)
}
