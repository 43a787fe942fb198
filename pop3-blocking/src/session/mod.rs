//! TRANSACTION: a session on a maildrop (RFC 1939, section 5).

mod extensions;
mod maildrop;
mod messages;

use std::io::{Read, Write};

use pop3_proto::drive::{LogEntry, Timeouts};

use crate::QuitError;
use crate::driver::Driver;

/// A session on a maildrop, until [`quit`](Self::quit).
///
/// Message numbers are 1-based and valid only in this session; a call with 0 fails before anything is sent. Messages
/// are deleted when `quit` succeeds: if you drop the session or [abandon](Self::abandon) it, or if the connection is
/// lost, nothing is deleted (RFC 1939, section 6).
///
/// ```no_run
/// use pop3_blocking::{Connect, connect};
///
/// let mut session = connect("pop3s://mrose@pop.example.org".parse::<Connect>()?)?; // the password is in ~/.netrc
/// for listing in session.list()? {
///     let header = session.header(listing.number)?;
///     println!("{}: {} octets, {:?}", listing.number, listing.octets, header.view().get("subject"));
/// }
/// session.delete(1)?;
/// session.quit()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Session<S> {
    pub(crate) driver: Driver<S>,
}

impl<S> std::fmt::Debug for Session<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Session").field(&self.driver).finish()
    }
}

impl<S: Read + Write> Session<S> {
    pub(crate) fn new(driver: Driver<S>) -> Session<S> {
        Session { driver }
    }

    /// Sets a log that receives the conversation from now on. Secrets are replaced, and bodies are logged as a number
    /// of octets.
    ///
    /// ```
    /// # fn example(session: &mut pop3_blocking::Session<std::net::TcpStream>) -> Result<(), pop3_blocking::Error> {
    /// session.set_log(|entry| eprintln!("{entry}"));
    /// session.noop()?; // the log gets `C: NOOP`, and the answer
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
    /// # fn example(session: &mut pop3_blocking::Session<std::net::TcpStream>) -> Result<(), pop3_blocking::Error> {
    /// session.set_window(0); // one command at a time
    /// let messages = session.retrieve_all()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_window(&mut self, octets: usize) {
        self.driver.window = octets;
    }

    /// Limits future waits.
    ///
    /// ```
    /// # fn example(session: &mut pop3_blocking::Session<std::net::TcpStream>) -> Result<(), pop3_blocking::Error> {
    /// use std::time::Duration;
    /// use pop3_blocking::Timeouts;
    ///
    /// session.set_timeouts(Timeouts::new().answer(Duration::from_secs(300)));
    /// session.delete(1)?; // this server is slow
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_timeouts(&mut self, timeouts: Timeouts) {
        self.driver.deadlines.set_timeouts(timeouts);
    }

    /// Returns the memory of the session's buffers in octets: 0 while the session is idle. This does not include the
    /// memory of TLS, about 10 KiB.
    ///
    /// ```
    /// # fn example(session: &mut pop3_blocking::Session<std::net::TcpStream>) -> Result<(), pop3_blocking::Error> {
    /// session.noop()?;
    /// assert_eq!(session.buffered(), 0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn buffered(&self) -> usize {
        self.driver.conversation.buffered()
    }

    /// Commits the deletions and ends the session, with QUIT (RFC 1939, section 6).
    ///
    /// # Errors
    ///
    /// [`QuitError`], which distinguishes a refusal from a missing answer.
    ///
    /// ```
    /// # fn example(mut session: pop3_blocking::Session<std::net::TcpStream>) -> Result<(), pop3_blocking::Error> {
    /// session.delete(1)?;
    /// match session.quit() {
    ///     Ok(()) => println!("message 1 is deleted"),
    ///     Err(error) => println!("{error}"), // it says whether it may have been
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn quit(mut self) -> Result<(), QuitError> {
        self.driver.quit()
    }

    /// Returns the stream.
    ///
    /// ```
    /// # fn example(session: &mut pop3_blocking::Session<pop3_blocking::Tcp>) -> Result<(), pop3_blocking::Error> {
    /// println!("the server is {:?}", session.get_ref().get_ref().peer_addr());
    /// # Ok(())
    /// # }
    /// ```
    pub fn get_ref(&self) -> &S {
        self.driver.transport.get_ref()
    }

    /// Ends the session without QUIT: nothing is deleted. Returns the stream, for you to close.
    ///
    /// ```
    /// # fn example(mut session: pop3_blocking::Session<std::net::TcpStream>) -> Result<(), pop3_blocking::Error> {
    /// session.delete(1)?;
    /// let stream = session.abandon(); // message 1 stays
    /// # Ok(())
    /// # }
    /// ```
    pub fn abandon(self) -> S {
        self.driver.transport.into_stream()
    }
}
