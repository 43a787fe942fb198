//! TRANSACTION: a session on a maildrop (RFC 1939, section 5).

use std::io::{Read, Write};

use pop3_proto::Command;
use pop3_proto::drive::{
    Acknowledge, Batch, Capa, Capabilities, Language, LanguageTag, Languages, Last, ListAll, ListOne, Listing,
    LogEntry, OwnedUniqueId, RawListing, Retrieval, Selection, SetLanguage, Stat, Timeouts, UidlAll, UidlOne,
};
use pop3_proto::message::Message;
use pop3_proto::wire::{DropListing, ScanListing};

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
    pub fn set_log(&mut self, log: impl FnMut(LogEntry<'_>) + Send + 'static) {
        self.driver.conversation.set_log(log);
    }

    /// Sets the number of octets of commands that a batch keeps in flight: see
    /// [`Connect::window`](crate::Connect::window).
    pub fn set_window(&mut self, octets: usize) {
        self.driver.window = octets;
    }

    /// Limits future waits.
    pub fn set_timeouts(&mut self, timeouts: Timeouts) {
        self.driver.deadlines.set_timeouts(timeouts);
    }

    /// Returns the memory of the session's buffers in octets: 0 while the session is idle. This does not include the
    /// memory of TLS, about 10 KiB.
    pub fn buffered(&self) -> usize {
        self.driver.conversation.buffered()
    }

    /// Returns the number of messages and their total size, with STAT. Messages marked as deleted do not count.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause), as for all calls of a session; [`Error::is_recoverable`] returns true if the
    /// session is still usable.
    ///
    /// ```
    /// # fn example(session: &mut pop3_blocking::Session<std::net::TcpStream>) -> Result<(), pop3_blocking::Error> {
    /// let maildrop = session.stat()?;
    /// println!("{} messages, {} octets", maildrop.messages, maildrop.octets);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "STAT")]
    pub fn stat(&mut self) -> Result<DropListing, Error> {
        self.driver.call(Stat)
    }

    /// Returns the scan listings of all messages that are not marked as deleted, in the server's order, with LIST.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause).
    ///
    /// ```
    /// # fn example(session: &mut pop3_blocking::Session<std::net::TcpStream>) -> Result<(), pop3_blocking::Error> {
    /// for listing in session.list()? {
    ///     println!("message {}: {} octets", listing.number, listing.octets);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "LIST")]
    pub fn list(&mut self) -> Result<Vec<ScanListing>, Error> {
        self.driver.call(ListAll::default())
    }

    /// Returns the scan listing of one message, with LIST.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause), such as [`Cause::Malformed`](crate::Cause::Malformed) if the answer is for another
    /// message.
    #[doc(alias = "LIST")]
    pub fn list_one(&mut self, number: u32) -> Result<ScanListing, Error> {
        self.driver.call(ListOne(number))
    }

    /// Returns the unique-ids of all messages that are not marked as deleted, in the server's order, with UIDL. Servers
    /// send empty and duplicate ids, and may refuse UIDL altogether (RFC 1939, section 7).
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause).
    ///
    /// ```
    /// # fn example(session: &mut pop3_blocking::Session<std::net::TcpStream>) -> Result<(), pop3_blocking::Error> {
    /// for (number, id) in session.uidl()? {
    ///     println!("message {number} is {id}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "UIDL")]
    pub fn uidl(&mut self) -> Result<Vec<(u32, OwnedUniqueId)>, Error> {
        self.driver.call(UidlAll::default())
    }

    /// Returns the unique-id of one message, with UIDL.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause), such as [`Cause::Malformed`](crate::Cause::Malformed) if the answer is for another
    /// message.
    #[doc(alias = "UIDL")]
    pub fn uidl_one(&mut self, number: u32) -> Result<OwnedUniqueId, Error> {
        self.driver.call(UidlOne(number))
    }

    /// Retrieves a message, with RETR. You can read it while it arrives.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause), such as [`Cause::Refused`](crate::Cause::Refused) if there is no such message.
    ///
    /// ```
    /// # fn example(session: &mut pop3_blocking::Session<std::net::TcpStream>) -> std::io::Result<()> {
    /// let mut message = session.retrieve(1).map_err(std::io::Error::other)?;
    /// std::io::copy(&mut message, &mut std::fs::File::create("1.eml")?)?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "RETR")]
    pub fn retrieve(&mut self, number: u32) -> Result<MessageReader<'_, S>, Error> {
        MessageReader::open(&mut self.driver, number, Retrieval::retr(number))
    }

    /// Retrieves the header of a message and the first `lines` lines of its body, with TOP. You can read them while
    /// they arrive.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause); refused if there is no such message, or if the server does not support TOP.
    ///
    /// ```
    /// # fn example(session: &mut pop3_blocking::Session<std::net::TcpStream>) -> Result<(), pop3_blocking::Error> {
    /// let beginning = session.top(1, 10)?.into_message()?;
    /// println!("{}", String::from_utf8_lossy(beginning.as_bytes()));
    /// # Ok(())
    /// # }
    /// ```
    pub fn top(&mut self, number: u32, lines: u32) -> Result<MessageReader<'_, S>, Error> {
        MessageReader::open(&mut self.driver, number, Retrieval::top(number, lines))
    }

    /// Retrieves the header of a message, with TOP.
    ///
    /// # Errors
    ///
    /// The errors of [`top`](Self::top).
    #[doc(alias = "TOP")]
    pub fn header(&mut self, number: u32) -> Result<Message, Error> {
        self.top(number, 0)?.into_message()
    }

    /// Retrieves all messages that are not marked as deleted, pipelined if the server permits it.
    ///
    /// # Errors
    ///
    /// The errors of [`list`](Self::list), which this calls first.
    #[doc(alias = "RETR")]
    pub fn retrieve_all(&mut self) -> Result<Messages<'_, S>, Error> {
        let selection = Selection::listed(self.list()?);
        let batch = Batch::retrieve(selection, self.driver.window);
        Ok(Messages::new(&mut self.driver, batch))
    }

    /// Retrieves these messages, pipelined if the server permits it.
    ///
    /// ```
    /// # fn example(session: &mut pop3_blocking::Session<std::net::TcpStream>) -> Result<(), pop3_blocking::Error> {
    /// let mut messages = session.retrieve_many([1, 3, 5]);
    /// while let Some(message) = messages.next()? {
    ///     println!("message {}", message.number());
    ///     let octets = message.into_message()?.into_bytes();
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
    /// # Errors
    ///
    /// The errors of [`list`](Self::list), which this calls first.
    #[doc(alias = "TOP")]
    pub fn headers_all(&mut self) -> Result<Headers<'_, S>, Error> {
        let selection = Selection::numbered(self.list()?.into_iter().map(|listing| listing.number));
        Ok(self.header_batch(selection))
    }

    /// Retrieves the headers of these messages.
    ///
    /// ```
    /// # fn example(session: &mut pop3_blocking::Session<std::net::TcpStream>) -> Result<(), pop3_blocking::Error> {
    /// for header in session.headers_many(1..=10) {
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

    /// Marks all messages as deleted. Sends LIST, and returns an iterator that sends the DELE commands as you advance
    /// it.
    ///
    /// # Errors
    ///
    /// The errors of [`list`](Self::list), which this calls first.
    #[doc(alias = "DELE")]
    pub fn delete_all(&mut self) -> Result<Deletions<'_, S>, Error> {
        let numbers: Vec<_> = self.list()?.into_iter().map(|listing| listing.number).collect();
        Ok(self.delete_many(numbers))
    }

    /// Marks these messages as deleted. Returns an iterator, which sends nothing until you advance it.
    ///
    /// ```
    /// # fn example(session: &mut pop3_blocking::Session<std::net::TcpStream>) -> Result<(), pop3_blocking::Error> {
    /// for deletion in session.delete_many([1, 3, 5]) {
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
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause).
    pub fn last(&mut self) -> Result<u32, Error> {
        self.driver.call(Last)
    }

    /// Marks a message as deleted, with DELE. The message is deleted when [`quit`](Self::quit) succeeds.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause); refused if the message is already marked.
    #[doc(alias = "DELE")]
    pub fn delete(&mut self, number: u32) -> Result<(), Error> {
        self.driver.call(Acknowledge(Command::Dele(number)))
    }

    /// Unmarks all messages, with RSET.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause).
    #[doc(alias = "RSET")]
    pub fn reset(&mut self) -> Result<(), Error> {
        self.driver.call(Acknowledge(Command::Rset))
    }

    /// Keeps the session alive, with NOOP.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause).
    pub fn noop(&mut self) -> Result<(), Error> {
        self.driver.call(Acknowledge(Command::Noop))
    }

    /// Asks for the capabilities after the login, with CAPA (RFC 2449, section 5).
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause); old servers refuse the command.
    #[doc(alias = "CAPA")]
    pub fn capabilities(&mut self) -> Result<&Capabilities, Error> {
        let capabilities = self.driver.call(Capa::default())?;
        Ok(self.driver.conversation.learn(capabilities))
    }

    /// Returns the languages that the server supports, with LANG (RFC 6856, section 3.1).
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause). [`UsageError::NotAnnounced`](pop3_proto::UsageError::NotAnnounced) if the most
    /// recent capabilities lack LANG: nothing was sent.
    #[doc(alias = "LANG")]
    pub fn languages(&mut self) -> Result<Vec<Language>, Error> {
        self.driver.call(Languages::default())
    }

    /// Selects the language of the server's texts, with LANG, and returns the tag of the language that the server chose
    /// (RFC 6856, section 3.1). `range` is a language range, or `*` for the server's default.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause); refused if the server does not support the language.
    #[doc(alias = "LANG")]
    pub fn set_language(&mut self, range: &str) -> Result<LanguageTag, Error> {
        self.driver.call(SetLanguage(range))
    }

    /// Sends a command of an extension that has a single-line answer. `line` is the command without its CRLF.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause), such as [`Cause::Usage`](crate::Cause::Usage) if this type has a method for the
    /// command.
    pub fn raw(&mut self, line: &str) -> Result<(), Error> {
        self.driver.call(Acknowledge(Command::Raw(line)))
    }

    /// Sends a command of an extension that has a multi-line answer, and returns the lines. `line` is the command
    /// without its CRLF.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause), such as [`Cause::Usage`](crate::Cause::Usage) if this type has a method for the
    /// command.
    pub fn raw_listing(&mut self, line: &str) -> Result<Listing, Error> {
        self.driver.call(RawListing::new(line))
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
    pub fn get_ref(&self) -> &S {
        self.driver.transport.get_ref()
    }

    /// Ends the session without QUIT: nothing is deleted. Returns the stream, for you to close.
    pub fn abandon(self) -> S {
        self.driver.transport.into_stream()
    }
}
