//! A stream in memory with a server at its other end, for [`Connection::over`](crate::Connection::over).
//!
//! The server works whenever the client reads or writes, so a test needs no task and no socket for it. A [`Schedule`]
//! cuts and delays the octets, and ends the connection where you want. The clock of the link is tokio's: if you pause
//! it, as with `#[tokio::test(start_paused = true)]`, a test of a time limit takes no time.
//!
//! ```
//! use pop3_async::pop3_proto::serve::MailStore;
//! use pop3_async::testing::link::{self, Direction, Schedule};
//! use pop3_async::{Connect, Connection, Security, ServerConfig};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = MailStore::new();
//! store.add_user("mrose", "tanstaaf");
//! store.deliver("mrose", "Subject: hello\r\n\r\nworld\r\n");
//!
//! let schedule = Schedule::new().both(Direction::new().cuts([1, 2, 3]).writes([5]));
//! let stream = link::serve(store.maildrop(), ServerConfig::new().plaintext_login(true), schedule);
//! let connect = Connect::new().security(Security::Plaintext).allow_plaintext(true).user("mrose").password("tanstaaf");
//! let mut session = Connection::over(stream, connect).await?.login().await?;
//! assert_eq!(session.stat().await?.messages, 1);
//! session.quit().await?;
//! # Ok(())
//! # }
//! ```
//!
//! A server that stops sending meets the [time limits](crate::Timeouts) while the clock is paused:
//!
//! ```
//! use std::time::Duration;
//! use pop3_async::pop3_proto::serve::MailStore;
//! use pop3_async::testing::link::{self, Direction, Schedule};
//! use pop3_async::{Connect, Connection, ErrorKind, Security, ServerConfig};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! let store = MailStore::new();
//! let schedule = Schedule::new().to_client(Direction::new().stall_after(10, Duration::from_secs(3600)));
//! let stream = link::serve(store.maildrop(), ServerConfig::new(), schedule);
//! let connect = Connect::new().security(Security::Plaintext).allow_plaintext(true);
//! let error = Connection::over(stream, connect).await.unwrap_err();
//! assert_eq!(error.kind(), ErrorKind::TimedOut);
//! assert_eq!(error.to_string(), "reading the greeting failed: the server sent no greeting for 60 s");
//! # }
//! ```

use std::future::Future;
use std::io::{self, ErrorKind};
use std::pin::Pin;
#[cfg(feature = "tls")]
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

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
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

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
/// use pop3_async::pop3_proto::serve::MailStore;
/// use pop3_async::testing::link::{self, Direction, Schedule};
/// use pop3_blocking::testing::authority::{Authority, valid_for};
/// use pop3_async::{Connect, Connection, Method, Security, ServerConfig};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = MailStore::new();
/// store.add_user("mrose", "tanstaaf");
/// let authority = Authority::new();
/// let tls = authority.issue(valid_for(&["pop.example.org"])).server();
/// let schedule = Schedule::new().both(Direction::new().cuts([7]));
/// let stream = link::serve_tls(store.maildrop(), ServerConfig::new().stls(true), tls, schedule);
///
/// let connect = Connect::new().host("pop.example.org").security(Security::StartTls).tls(authority.trusted());
/// let connect = connect.user("mrose").password("tanstaaf").methods([Method::UserPass]);
/// Connection::over(stream, connect).await?.login().await?.quit().await?;
/// # Ok(())
/// # }
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
/// use pop3_async::pop3_proto::testing::script::LOGIN;
/// use pop3_async::testing::link::{self, Schedule};
/// use pop3_async::{Connect, Connection, Security};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] // so that the wait takes no time
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let script = format!("{LOGIN}C: STAT\nS: +OK 2 320\n-- wait 30 s\nC: QUIT\nS: -ERR [SYS/TEMP] the disk is full\n");
/// let (stream, verdict) = link::script(&script, Schedule::new());
/// let connect = Connect::new().security(Security::Plaintext).allow_plaintext(true).user("mrose").password("tanstaaf");
/// let mut session = Connection::over(stream, connect).await?.login().await?;
/// assert_eq!(session.stat().await?.messages, 2);
/// assert!(session.quit().await.is_err());
/// verdict.done();
/// # Ok(())
/// # }
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
/// A read that is [interrupted](Halt::Interrupted) by the schedule is pending, and wakes its task at once. A read that
/// nothing will ever satisfy is pending forever, as on a socket. When you drop the stream, the server sees the end of
/// the connection after the octets that were written.
#[derive(Debug)]
pub struct LinkStream<R: Responder> {
    line: Line<R>,
    /// The time at which the clock of the link was zero.
    start: Instant,
    /// Fires when something arrives.
    alarm: Option<Pin<Box<Sleep>>>,
    /// The task that waits to read, and the one that waits to write: each can be what the other waits for.
    waiting: [Option<Waker>; 2],
}

impl<R: Responder> LinkStream<R> {
    /// Creates the stream of a line.
    pub fn new(line: Line<R>) -> LinkStream<R> {
        let start = Instant::now() - line.link().now();
        LinkStream { line, start, alarm: None, waiting: [None, None] }
    }

    /// Returns the line, with the link and the server.
    pub const fn line(&self) -> &Line<R> {
        &self.line
    }

    /// Returns the line, to change the server. Its clock follows tokio's.
    pub const fn line_mut(&mut self) -> &mut Line<R> {
        &mut self.line
    }

    /// Calls the line at the current time, until it has a result or the task has to wait.
    fn poll_line(
        &mut self,
        cx: &mut Context<'_>,
        way: Way,
        mut call: impl FnMut(&mut Line<R>) -> Result<usize, Halt>,
    ) -> Poll<io::Result<usize>> {
        loop {
            self.line.advance_to(self.start.elapsed());
            let until = match call(&mut self.line) {
                Ok(octets) => {
                    self.wake();
                    return Poll::Ready(Ok(octets));
                }
                Err(Halt::Interrupted) => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Err(Halt::Reset) => return Poll::Ready(Err(ErrorKind::ConnectionReset.into())),
                Err(Halt::Closed) => return Poll::Ready(Err(ErrorKind::BrokenPipe.into())),
                Err(Halt::Blocked) => None,
                Err(Halt::Stalled { until }) => Some(until),
            };
            self.waiting[way as usize] = Some(cx.waker().clone());
            let Some(until) = until.and_then(|until| self.start.checked_add(until)) else { return Poll::Pending };
            let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(until)));
            if alarm.deadline() != until {
                alarm.as_mut().reset(until);
            }
            ready!(alarm.as_mut().poll(cx));
            self.wake();
        }
    }

    fn wake(&mut self) {
        self.waiting.iter_mut().filter_map(Option::take).for_each(Waker::wake);
    }
}

/// A direction, as the client sees it.
#[derive(Clone, Copy)]
enum Way {
    Read,
    Write,
}

impl<R: Responder + Unpin> AsyncRead for LinkStream<R> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, space: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if space.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let unfilled = space.initialize_unfilled();
        let read = self.poll_line(cx, Way::Read, |line| line.read(unfilled));
        read.map_ok(|octets| space.advance(octets))
    }
}

impl<R: Responder + Unpin> AsyncWrite for LinkStream<R> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_line(cx, Way::Write, |line| line.write(octets))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_line(cx, Way::Write, |line| line.flush().map(|()| 0)).map_ok(drop)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let close = |line: &mut Line<R>| {
            line.flush()?;
            line.close();
            Ok(0)
        };
        self.poll_line(cx, Way::Write, close).map_ok(drop)
    }
}

impl<R: Responder> Drop for LinkStream<R> {
    fn drop(&mut self) {
        self.line.close();
    }
}
