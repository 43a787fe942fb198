//! TRANSACTION: a login on a maildrop (RFC 1939, section 5).

use std::io::{Read, Write};
use std::num::NonZeroU32;

use pop3_proto::Command;
use pop3_proto::drive::{
    Acknowledge, Batch, BatchCommand, Capabilities, Language, Last, Lines, ListAll, ListOne, LogEntry, OwnedUniqueId,
    Retrieval, Selection, Stat, UidlAll, UidlOne,
};
use pop3_proto::message::Message as WholeMessage;
use pop3_proto::wire::{DropListing, ScanListing};

use crate::batch::{Deletions, Headers, Messages};
use crate::driver::Driver;
use crate::message::Message;
use crate::{Error, QuitError};

/// A session on a maildrop, until [`quit`](Self::quit).
///
/// Message numbers begin at 1 and hold for this session only. Deletions happen when `quit` succeeds: dropping a session,
/// [abandoning](Self::abandon) it, or losing the connection deletes nothing (RFC 1939, section 6).
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

    /// Has `log` receive the conversation from now on: secrets replaced, bodies as a count of octets.
    pub fn set_log(&mut self, log: impl FnMut(LogEntry<'_>) + Send + 'static) {
        self.driver.set_log(log);
    }

    /// The octets of memory that the session's buffers hold: none while it is idle, so that many idle sessions cost little.
    /// What TLS holds beside is not counted: less than 10 KiB.
    pub fn buffered(&self) -> usize {
        self.driver.conversation.buffered()
    }

    /// STAT: how many messages there are, and their octets. Those marked as deleted do not count.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause), as with all calls of a session; [`Error::is_recoverable`] tells what it means.
    pub fn stat(&mut self) -> Result<DropListing, Error> {
        self.driver.call(Stat)
    }

    /// LIST: the scan listings of all messages that are not marked as deleted, in the server's order.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause).
    pub fn list(&mut self) -> Result<Vec<ScanListing>, Error> {
        self.driver.call(ListAll::new())
    }

    /// LIST with a number: the scan listing of one message.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause); malformed if the answer is for another message.
    pub fn list_one(&mut self, number: NonZeroU32) -> Result<ScanListing, Error> {
        self.driver.call(ListOne(number))
    }

    /// UIDL: the unique-ids of all messages that are not marked as deleted, in the server's order. Servers send empty
    /// and doubled ones; UIDL may be refused altogether (RFC 1939, section 7).
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause).
    pub fn unique_ids(&mut self) -> Result<Vec<(NonZeroU32, OwnedUniqueId)>, Error> {
        self.driver.call(UidlAll::new())
    }

    /// UIDL with a number: the unique-id of one message.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause); malformed if the answer is for another message.
    pub fn unique_id(&mut self, number: NonZeroU32) -> Result<OwnedUniqueId, Error> {
        self.driver.call(UidlOne(number))
    }

    /// RETR: a message, to be read while it arrives.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause); refused if there is no such message.
    pub fn retrieve(&mut self, number: NonZeroU32) -> Result<Message<'_, S>, Error> {
        Message::open(&mut self.driver, number, Retrieval::new(Command::Retr(number)))
    }

    /// TOP: the header of a message and the first `lines` lines of its body, to be read while they arrive.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause); refused if there is no such message, or no TOP.
    pub fn top(&mut self, number: NonZeroU32, lines: u32) -> Result<Message<'_, S>, Error> {
        Message::open(&mut self.driver, number, Retrieval::new(Command::Top { number, lines }))
    }

    /// TOP without body: the header of a message.
    ///
    /// # Errors
    ///
    /// Those of [`top`](Self::top).
    pub fn retrieve_headers(&mut self, number: NonZeroU32) -> Result<WholeMessage, Error> {
        self.top(number, 0)?.into_message()
    }

    /// Retrieves every message that is not marked as deleted, pipelined where the server permits it.
    ///
    /// # Errors
    ///
    /// Those of [`list`](Self::list), which tells what there is.
    pub fn retrieve_all(&mut self) -> Result<Messages<'_, S>, Error> {
        let selection = Selection::listed(self.list()?);
        Ok(self.messages(BatchCommand::Retrieve, selection))
    }

    /// Retrieves these messages, pipelined where the server permits it.
    pub fn retrieve_many(&mut self, numbers: impl IntoIterator<Item = NonZeroU32>) -> Messages<'_, S> {
        self.messages(BatchCommand::Retrieve, Selection::numbered(numbers))
    }

    /// The headers of every message that is not marked as deleted.
    ///
    /// # Errors
    ///
    /// Those of [`list`](Self::list), which tells what there is.
    pub fn headers_all(&mut self) -> Result<Headers<'_, S>, Error> {
        let selection = Selection::numbered(self.list()?.into_iter().map(|listing| listing.number));
        Ok(Headers::new(self.messages(BatchCommand::Top(0), selection)))
    }

    /// The headers of these messages.
    pub fn headers_many(&mut self, numbers: impl IntoIterator<Item = NonZeroU32>) -> Headers<'_, S> {
        Headers::new(self.messages(BatchCommand::Top(0), Selection::numbered(numbers)))
    }

    /// Marks every message as deleted. An iterator: nothing is sent until it is driven.
    ///
    /// # Errors
    ///
    /// Those of [`list`](Self::list), which tells what there is.
    pub fn delete_all(&mut self) -> Result<Deletions<'_, S>, Error> {
        let numbers: Vec<_> = self.list()?.into_iter().map(|listing| listing.number).collect();
        Ok(self.delete_many(numbers))
    }

    /// Marks these messages as deleted. An iterator: nothing is sent until it is driven.
    pub fn delete_many(&mut self, numbers: impl IntoIterator<Item = NonZeroU32>) -> Deletions<'_, S> {
        let batch = Batch::new(BatchCommand::Delete, Selection::numbered(numbers), self.driver.window);
        Deletions::new(&mut self.driver, batch)
    }

    fn messages(&mut self, each: BatchCommand, selection: Selection) -> Messages<'_, S> {
        let batch = Batch::new(each, selection, self.driver.window);
        Messages::new(&mut self.driver, batch)
    }

    /// LAST: the highest message number accessed, 0 for none. Gone from POP3 since RFC 1725; most servers refuse.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause).
    pub fn last(&mut self) -> Result<u32, Error> {
        self.driver.call(Last)
    }

    /// DELE: marks a message as deleted. It is deleted when [`quit`](Self::quit) succeeds.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause); refused if it is marked already.
    pub fn delete(&mut self, number: NonZeroU32) -> Result<(), Error> {
        self.driver.call(Acknowledge(Command::Dele(number)))
    }

    /// RSET: unmarks all messages.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause).
    pub fn reset(&mut self) -> Result<(), Error> {
        self.driver.call(Acknowledge(Command::Rset))
    }

    /// NOOP: keeps the session alive.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause).
    pub fn noop(&mut self) -> Result<(), Error> {
        self.driver.call(Acknowledge(Command::Noop))
    }

    /// CAPA: what the server announces after the login (RFC 2449, section 5).
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause); an old server refuses.
    pub fn capabilities(&mut self) -> Result<&Capabilities, Error> {
        let lines = self.driver.call(Lines::new(Command::Capa))?;
        Ok(self.driver.conversation.learn(Capabilities::new(lines)))
    }

    /// LANG: the languages in which the server can speak, each as a tag, and perhaps a blank and a description (RFC 6856,
    /// section 3.1).
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause). [`UsageError::NotAnnounced`](pop3_proto::UsageError::NotAnnounced) if the capabilities that
    /// were learnt last lack LANG: nothing was sent.
    pub fn languages(&mut self) -> Result<Vec<Box<[u8]>>, Error> {
        self.driver.call(Lines::new(Command::LangList))
    }

    /// LANG with a language range, or `*` for the server's own: has the server's texts come in that language, and gives
    /// the tag of the one that it chose (RFC 6856, section 3.1).
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause); refused if the server does not speak it.
    pub fn set_language(&mut self, range: &str) -> Result<Box<[u8]>, Error> {
        self.driver.call(Language(range))
    }

    /// A command of an extension, without its CRLF, and the lines of its answer: none unless it is `multi`-line.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause); rejected if there is a call for the command.
    pub fn raw(&mut self, line: &str, multi: bool) -> Result<Vec<Box<[u8]>>, Error> {
        let command = Command::Raw { line, multi };
        if multi {
            self.driver.call(Lines::new(command))
        } else {
            self.driver.call(Acknowledge(command)).map(|()| Vec::new())
        }
    }

    /// QUIT: commits the deletions and ends the session (RFC 1939, section 6).
    ///
    /// # Errors
    ///
    /// [`QuitError`] tells a refusal from an answer that never came.
    pub fn quit(mut self) -> Result<(), QuitError> {
        self.driver.quit()
    }

    /// Ends the session without QUIT: nothing is deleted. Gives the stream back, to be closed.
    pub fn abandon(self) -> S {
        self.driver.transport.into_stream()
    }
}
