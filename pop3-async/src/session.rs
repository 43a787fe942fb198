//! TRANSACTION: a session on a maildrop (RFC 1939, section 5).

use pop3_proto::Command;
use pop3_proto::drive::{
    Acknowledge, Batch, Capa, Capabilities, Language, LanguageTag, Languages, Last, ListAll, ListOne, Listing,
    LogEntry, OwnedUniqueId, RawListing, Retrieval, Selection, SetLanguage, Stat, Timeouts, UidlAll, UidlOne,
};
use pop3_proto::message::Message;
use pop3_proto::wire::{DropListing, ScanListing};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::batch::{Deletions, Headers, Messages};
use crate::driver::Driver;
use crate::message::MessageReader;
use crate::{Error, QuitError};

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
    pub fn set_log(&mut self, log: impl FnMut(LogEntry<'_>) + Send + 'static) {
        self.driver.conversation.set_log(log);
    }

    /// Sets the number of octets of commands that a batch keeps in flight: see
    /// [`Connect::window`](crate::Connect::window).
    pub fn set_window(&mut self, octets: usize) {
        self.driver.window = octets;
    }

    /// Limits future waits: see [`Connection::set_timeouts`](crate::Connection::set_timeouts).
    pub fn set_timeouts(&mut self, timeouts: Timeouts) {
        self.driver.clock.set_timeouts(timeouts);
    }

    /// Returns the memory of the session's buffers in octets: 0 while the session is idle. This does not include the
    /// memory of TLS, about 10 KiB.
    pub fn buffered(&self) -> usize {
        self.driver.conversation.buffered()
    }

    /// Returns the number of messages and their total size, with STAT. Messages marked as deleted do not count.
    ///
    /// If you drop the future, the next call skips the answer.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause), as for all calls of a session; [`Error::is_recoverable`] returns true if the
    /// session is still usable.
    #[doc(alias = "STAT")]
    pub async fn stat(&mut self) -> Result<DropListing, Error> {
        self.driver.call(Stat).await
    }

    /// Returns the scan listings of all messages that are not marked as deleted, in the server's order, with LIST.
    ///
    /// If you drop the future, the next call skips the answer.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause).
    #[doc(alias = "LIST")]
    pub async fn list(&mut self) -> Result<Vec<ScanListing>, Error> {
        self.driver.call(ListAll::default()).await
    }

    /// Returns the scan listing of one message, with LIST.
    ///
    /// If you drop the future, the next call skips the answer.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause), such as [`Cause::Malformed`](crate::Cause::Malformed) if the answer is for another
    /// message.
    #[doc(alias = "LIST")]
    pub async fn list_one(&mut self, number: u32) -> Result<ScanListing, Error> {
        self.driver.call(ListOne(number)).await
    }

    /// Returns the unique-ids of all messages that are not marked as deleted, in the server's order, with UIDL. Servers
    /// send empty and duplicate ids, and may refuse UIDL altogether (RFC 1939, section 7).
    ///
    /// If you drop the future, the next call skips the answer.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause).
    ///
    /// ```
    /// # async fn example(session: &mut pop3_async::Session<tokio::net::TcpStream>) -> Result<(), pop3_async::Error> {
    /// for (number, id) in session.uidl().await? {
    ///     println!("message {number} is {id}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "UIDL")]
    pub async fn uidl(&mut self) -> Result<Vec<(u32, OwnedUniqueId)>, Error> {
        self.driver.call(UidlAll::default()).await
    }

    /// Returns the unique-id of one message, with UIDL.
    ///
    /// If you drop the future, the next call skips the answer.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause), such as [`Cause::Malformed`](crate::Cause::Malformed) if the answer is for another
    /// message.
    #[doc(alias = "UIDL")]
    pub async fn uidl_one(&mut self, number: u32) -> Result<OwnedUniqueId, Error> {
        self.driver.call(UidlOne(number)).await
    }

    /// Retrieves a message, with RETR. You can read it while it arrives.
    ///
    /// If you drop the future, the next call skips the whole message.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause), such as [`Cause::Refused`](crate::Cause::Refused) if there is no such message.
    ///
    /// ```
    /// # async fn example(session: &mut pop3_async::Session<tokio::net::TcpStream>) -> std::io::Result<()> {
    /// let mut message = session.retrieve(1).await.map_err(std::io::Error::other)?;
    /// tokio::io::copy(&mut message, &mut tokio::fs::File::create("1.eml").await?).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "RETR")]
    pub async fn retrieve(&mut self, number: u32) -> Result<MessageReader<'_, S>, Error> {
        MessageReader::open(&mut self.driver, number, Retrieval::retr(number)).await
    }

    /// Retrieves the header of a message and the first `lines` lines of its body, with TOP. You can read them while
    /// they arrive.
    ///
    /// If you drop the future, the next call skips the whole answer.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause); refused if there is no such message, or if the server does not support TOP.
    pub async fn top(&mut self, number: u32, lines: u32) -> Result<MessageReader<'_, S>, Error> {
        MessageReader::open(&mut self.driver, number, Retrieval::top(number, lines)).await
    }

    /// Retrieves the header of a message, with TOP.
    ///
    /// If you drop the future, the next call skips the header.
    ///
    /// # Errors
    ///
    /// The errors of [`top`](Self::top).
    #[doc(alias = "TOP")]
    pub async fn header(&mut self, number: u32) -> Result<Message, Error> {
        self.top(number, 0).await?.into_message().await
    }

    /// Retrieves all messages that are not marked as deleted, pipelined if the server permits it.
    ///
    /// If you drop the future, the next call skips the list, and no message is requested.
    ///
    /// # Errors
    ///
    /// The errors of [`list`](Self::list), which this calls first.
    #[doc(alias = "RETR")]
    pub async fn retrieve_all(&mut self) -> Result<Messages<'_, S>, Error> {
        let selection = Selection::listed(self.list().await?);
        let batch = Batch::retrieve(selection, self.driver.window);
        Ok(Messages::new(&mut self.driver, batch))
    }

    /// Retrieves these messages, pipelined if the server permits it.
    ///
    /// ```
    /// # async fn example(session: &mut pop3_async::Session<tokio::net::TcpStream>) -> Result<(), pop3_async::Error> {
    /// let mut messages = session.retrieve_many([1, 3, 5]);
    /// while let Some(message) = messages.next().await? {
    ///     println!("message {}", message.number());
    ///     let octets = message.into_message().await?.into_bytes();
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "RETR")]
    pub fn retrieve_many(&mut self, numbers: impl IntoIterator<Item = u32>) -> Messages<'_, S> {
        let batch = Batch::retrieve(Selection::numbered(numbers), self.driver.window);
        Messages::new(&mut self.driver, batch)
    }

    /// Retrieves the headers of all messages that are not marked as deleted.
    ///
    /// If you drop the future, the next call skips the list, and no header is requested.
    ///
    /// # Errors
    ///
    /// The errors of [`list`](Self::list), which this calls first.
    #[doc(alias = "TOP")]
    pub async fn headers_all(&mut self) -> Result<Headers<'_, S>, Error> {
        let selection = Selection::numbered(self.list().await?.into_iter().map(|listing| listing.number));
        Ok(self.header_batch(selection))
    }

    /// Retrieves the headers of these messages.
    ///
    /// ```
    /// # async fn example(session: &mut pop3_async::Session<tokio::net::TcpStream>) -> Result<(), pop3_async::Error> {
    /// let mut headers = session.headers_many(1..=10);
    /// while let Some(header) = headers.next().await {
    ///     let (number, header) = header?;
    ///     println!("{number}: {:?}", header.view().get("subject"));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "TOP")]
    pub fn headers_many(&mut self, numbers: impl IntoIterator<Item = u32>) -> Headers<'_, S> {
        self.header_batch(Selection::numbered(numbers))
    }

    /// Retrieves the headers of these messages and the first `lines` lines of each body, pipelined if the server
    /// permits it. You can read each while it arrives, which limits the memory for headers of any length.
    #[doc(alias = "TOP")]
    pub fn top_many(&mut self, numbers: impl IntoIterator<Item = u32>, lines: u32) -> Messages<'_, S> {
        let batch = Batch::top(lines, Selection::numbered(numbers), self.driver.window);
        Messages::new(&mut self.driver, batch)
    }

    /// Marks all messages as deleted. Sends LIST, and returns a stream that sends the DELE commands as you poll it.
    ///
    /// If you drop the future, the next call skips the list, and nothing is marked.
    ///
    /// # Errors
    ///
    /// The errors of [`list`](Self::list), which this calls first.
    #[doc(alias = "DELE")]
    pub async fn delete_all(&mut self) -> Result<Deletions<'_, S>, Error> {
        let numbers: Vec<_> = self.list().await?.into_iter().map(|listing| listing.number).collect();
        Ok(self.delete_many(numbers))
    }

    /// Marks these messages as deleted. Returns a stream: nothing is sent until you poll it.
    ///
    /// ```
    /// # async fn example(session: &mut pop3_async::Session<tokio::net::TcpStream>) -> Result<(), pop3_async::Error> {
    /// let mut deletions = session.delete_many([1, 3, 5]);
    /// while let Some(deletion) = deletions.next().await {
    ///     println!("message {} is marked", deletion?);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "DELE")]
    pub fn delete_many(&mut self, numbers: impl IntoIterator<Item = u32>) -> Deletions<'_, S> {
        let batch = Batch::delete(numbers, self.driver.window);
        Deletions::new(&mut self.driver, batch)
    }

    fn header_batch(&mut self, selection: Selection) -> Headers<'_, S> {
        let batch = Batch::top(0, selection, self.driver.window);
        Headers::new(Messages::new(&mut self.driver, batch))
    }

    /// Returns the highest number of a message that was accessed, or 0 if there is none, with LAST. RFC 1725 removed
    /// LAST from POP3; most servers refuse it.
    ///
    /// If you drop the future, the next call skips the answer.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause).
    pub async fn last(&mut self) -> Result<u32, Error> {
        self.driver.call(Last).await
    }

    /// Marks a message as deleted, with DELE. The message is deleted when [`quit`](Self::quit) succeeds.
    ///
    /// If you drop the future, the message may or may not be marked; call [`list`](Self::list) to find out, or
    /// [`reset`](Self::reset) to unmark all messages.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause); refused if the message is already marked.
    #[doc(alias = "DELE")]
    pub async fn delete(&mut self, number: u32) -> Result<(), Error> {
        self.driver.call(Acknowledge(Command::Dele(number))).await
    }

    /// Unmarks all messages, with RSET.
    ///
    /// If you drop the future, the messages may or may not be unmarked; find out with [`list`](Self::list).
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause).
    #[doc(alias = "RSET")]
    pub async fn reset(&mut self) -> Result<(), Error> {
        self.driver.call(Acknowledge(Command::Rset)).await
    }

    /// Keeps the session alive, with NOOP.
    ///
    /// If you drop the future, the next call skips the answer.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause).
    pub async fn noop(&mut self) -> Result<(), Error> {
        self.driver.call(Acknowledge(Command::Noop)).await
    }

    /// Asks for the capabilities after the login, with CAPA (RFC 2449, section 5).
    ///
    /// If you drop the future, the next call skips the answer, which is not recorded.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause); old servers refuse the command.
    #[doc(alias = "CAPA")]
    pub async fn capabilities(&mut self) -> Result<&Capabilities, Error> {
        let capabilities = self.driver.call(Capa::default()).await?;
        Ok(self.driver.conversation.learn(capabilities))
    }

    /// Returns the languages that the server supports, with LANG (RFC 6856, section 3.1).
    ///
    /// If you drop the future, the next call skips the answer.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause). [`UsageError::NotAnnounced`](pop3_proto::UsageError::NotAnnounced) if the most
    /// recent capabilities lack LANG: nothing was sent.
    #[doc(alias = "LANG")]
    pub async fn languages(&mut self) -> Result<Vec<Language>, Error> {
        self.driver.call(Languages::default()).await
    }

    /// Selects the language of the server's texts, with LANG, and returns the tag of the language that the server chose
    /// (RFC 6856, section 3.1). `range` is a language range, or `*` for the server's default.
    ///
    /// If you drop the future, the server may or may not have changed its language.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause); refused if the server does not support the language.
    #[doc(alias = "LANG")]
    pub async fn set_language(&mut self, range: &str) -> Result<LanguageTag, Error> {
        self.driver.call(SetLanguage(range)).await
    }

    /// Sends a command of an extension that has a single-line answer. `line` is the command without its CRLF.
    ///
    /// If you drop the future, the command may take effect, and the next call skips the answer.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause), such as [`Cause::Usage`](crate::Cause::Usage) if this type has a method for the
    /// command.
    pub async fn raw(&mut self, line: &str) -> Result<(), Error> {
        self.driver.call(Acknowledge(Command::Raw(line))).await
    }

    /// Sends a command of an extension that has a multi-line answer, and returns the lines. `line` is the command
    /// without its CRLF.
    ///
    /// If you drop the future, the command may take effect, and the next call skips the answer.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause), such as [`Cause::Usage`](crate::Cause::Usage) if this type has a method for the
    /// command.
    pub async fn raw_listing(&mut self, line: &str) -> Result<Listing, Error> {
        self.driver.call(RawListing::new(line)).await
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
    pub fn get_ref(&self) -> &S {
        self.driver.stream.get_ref()
    }

    /// Ends the session without QUIT: nothing is deleted. Returns the stream, for you to close.
    pub fn abandon(self) -> S {
        self.driver.stream.into_inner()
    }
}
