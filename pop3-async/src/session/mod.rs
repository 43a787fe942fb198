//! TRANSACTION: a session on a maildrop (RFC 1939, section 5).

mod extensions;
mod maildrop;
mod messages;

use pop3_proto::drive::{LogEntry, Timeouts};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::QuitError;
use crate::driver::Driver;

/// A session on a maildrop, until [`quit`](Self::quit).
///
/// Message numbers are 1-based and valid only in this session; a call with 0 fails before anything is sent. Messages
/// are deleted when `quit` succeeds: if you drop the session or [abandon](Self::abandon) it, or if the connection is
/// lost, nothing is deleted (RFC 1939, section 6).
///
/// A future that is dropped before its first poll has done nothing. Each method documents the effect of dropping its
/// future later. In either case, the next call gets its own answer.
///
/// ```no_run
/// use pop3_async::{Connect, connect};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let mut session = connect("pop3s://mrose@pop.example.org".parse::<Connect>()?).await?; // the password is in ~/.netrc
/// for listing in session.list().await? {
///     let header = session.header(listing.number).await?;
///     println!("{}: {} octets, {:?}", listing.number, listing.octets, header.view().get("subject"));
/// }
/// session.delete(1).await?;
/// session.quit().await?;
/// # Ok(())
/// # }
/// ```
pub struct Session<S> {
    pub(crate) driver: Box<Driver<S>>,
}

impl<S> std::fmt::Debug for Session<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Session").field(&self.driver).finish()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    pub(crate) fn new(mut driver: Box<Driver<S>>) -> Session<S> {
        driver.clock.rest();
        driver.tls = None;
        Session { driver }
    }

    /// Sets a log that receives the conversation from now on. Secrets are replaced, and bodies are logged as a number
    /// of octets.
    ///
    /// ```
    /// # async fn example(session: &mut pop3_async::Session<tokio::net::TcpStream>) -> Result<(), pop3_async::Error> {
    /// session.set_log(|entry| eprintln!("{entry}"));
    /// session.noop().await?; // the log gets `C: NOOP`, and the answer
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_log(&mut self, log: impl FnMut(LogEntry<'_>) + Send + 'static) {
        self.driver.conversation.set_log(log);
    }

    /// Sets the number of octets of commands that a batch keeps in flight: see
    /// [`Connect::window`](crate::Connect::window).
    ///
    /// ```
    /// # async fn example(session: &mut pop3_async::Session<tokio::net::TcpStream>) -> Result<(), pop3_async::Error> {
    /// session.set_window(0); // one command at a time
    /// let messages = session.retrieve_all().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_window(&mut self, octets: usize) {
        self.driver.window = octets;
    }

    /// Limits future waits: see [`Connection::set_timeouts`](crate::Connection::set_timeouts).
    ///
    /// ```
    /// # async fn example(session: &mut pop3_async::Session<tokio::net::TcpStream>) -> Result<(), pop3_async::Error> {
    /// use std::time::Duration;
    /// use pop3_async::Timeouts;
    ///
    /// session.set_timeouts(Timeouts::new().answer(Duration::from_secs(300)));
    /// session.delete(1).await?; // this server is slow
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_timeouts(&mut self, timeouts: Timeouts) {
        self.driver.clock.set_timeouts(timeouts);
    }

    /// Returns the memory of the session's buffers in octets: 0 while the session is idle. This does not include the
    /// memory of TLS, about 10 KiB.
    ///
    /// ```
    /// # async fn example(session: &mut pop3_async::Session<tokio::net::TcpStream>) -> Result<(), pop3_async::Error> {
    /// session.noop().await?;
    /// assert_eq!(session.buffered(), 0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn buffered(&self) -> usize {
        self.driver.conversation.buffered()
    }

    /// Commits the deletions and ends the session, with QUIT (RFC 1939, section 6).
    ///
    /// If you drop the future, the connection is closed, and it is unknown whether the marked messages are deleted.
    ///
    /// # Errors
    ///
    /// [`QuitError`], which distinguishes a refusal from a missing answer.
    ///
    /// ```
    /// # async fn example(mut session: pop3_async::Session<tokio::net::TcpStream>) -> Result<(), pop3_async::Error> {
    /// session.delete(1).await?;
    /// match session.quit().await {
    ///     Ok(()) => println!("message 1 is deleted"),
    ///     Err(error) => println!("{error}"), // it says whether it may have been
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn quit(mut self) -> Result<(), QuitError> {
        self.driver.quit().await
    }

    /// Returns the stream.
    ///
    /// ```
    /// # async fn example(session: &mut pop3_async::Session<tokio::net::TcpStream>) -> Result<(), pop3_async::Error> {
    /// println!("the server is {:?}", session.get_ref().peer_addr());
    /// # Ok(())
    /// # }
    /// ```
    pub fn get_ref(&self) -> &S {
        self.driver.stream.get_ref()
    }

    /// Ends the session without QUIT: nothing is deleted. Returns the stream, for you to close.
    ///
    /// ```
    /// # async fn example(mut session: pop3_async::Session<tokio::net::TcpStream>) -> Result<(), pop3_async::Error> {
    /// session.delete(1).await?;
    /// let stream = session.abandon(); // message 1 stays
    /// # Ok(())
    /// # }
    /// ```
    pub fn abandon(self) -> S {
        self.driver.stream.into_inner()
    }
}
