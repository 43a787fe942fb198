//! TRANSACTION: a login on a maildrop (RFC 1939, section 5).

use std::num::NonZeroU32;

use pop3_proto::Command;
use pop3_proto::drive::{
    Acknowledge, Batch, BatchCommand, Capabilities, Language, Last, Lines, ListAll, ListOne, LogEntry, OwnedUniqueId,
    Retrieval, Selection, Stat, UidlAll, UidlOne,
};
use pop3_proto::message::Message as WholeMessage;
use pop3_proto::wire::{DropListing, ScanListing};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::batch::{Deletions, Headers, Messages};
use crate::driver::Driver;
use crate::message::Message;
use crate::{Error, QuitError};

/// A session on a maildrop, until [`quit`](Self::quit).
///
/// Message numbers begin at 1 and hold for this session only. Deletions happen when `quit` succeeds: dropping a session,
/// [abandoning](Self::abandon) it, or losing the connection deletes nothing (RFC 1939, section 6).
///
/// A future dropped before its first poll has done nothing. What a future dropped later has done stands with each method;
/// whatever it was, the next call gets its own answer.
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

    /// Has `log` receive the conversation from now on: secrets replaced, bodies as a count of octets.
    pub fn set_log(&mut self, log: impl FnMut(LogEntry<'_>) + Send + 'static) {
        self.driver.set_log(log);
    }

    /// The octets of memory that the session's buffers hold: none while it is idle, so that many idle sessions cost little.
    /// What TLS holds beside is not counted: some 10 KiB.
    pub fn buffered(&self) -> usize {
        self.driver.conversation.buffered()
    }

    /// STAT: how many messages there are, and their octets. Those marked as deleted do not count.
    ///
    /// Dropped: the answer is skipped by the next call.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause), as with all calls of a session; [`Error::is_recoverable`] tells what it means.
    pub async fn stat(&mut self) -> Result<DropListing, Error> {
        self.driver.call(Stat).await
    }

    /// LIST: the scan listings of all messages that are not marked as deleted, in the server's order.
    ///
    /// Dropped: the answer is skipped by the next call.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause).
    pub async fn list(&mut self) -> Result<Vec<ScanListing>, Error> {
        self.driver.call(ListAll::new()).await
    }

    /// LIST with a number: the scan listing of one message.
    ///
    /// Dropped: the answer is skipped by the next call.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause); malformed if the answer is for another message.
    pub async fn list_one(&mut self, number: NonZeroU32) -> Result<ScanListing, Error> {
        self.driver.call(ListOne(number)).await
    }

    /// UIDL: the unique-ids of all messages that are not marked as deleted, in the server's order. Servers send empty
    /// and doubled ones; UIDL may be refused altogether (RFC 1939, section 7).
    ///
    /// Dropped: the answer is skipped by the next call.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause).
    pub async fn unique_ids(&mut self) -> Result<Vec<(NonZeroU32, OwnedUniqueId)>, Error> {
        self.driver.call(UidlAll::new()).await
    }

    /// UIDL with a number: the unique-id of one message.
    ///
    /// Dropped: the answer is skipped by the next call.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause); malformed if the answer is for another message.
    pub async fn unique_id(&mut self, number: NonZeroU32) -> Result<OwnedUniqueId, Error> {
        self.driver.call(UidlOne(number)).await
    }

    /// RETR: a message, to be read while it arrives.
    ///
    /// Dropped: the whole message is skipped by the next call.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause); refused if there is no such message.
    pub async fn retrieve(&mut self, number: NonZeroU32) -> Result<Message<'_, S>, Error> {
        Message::open(&mut self.driver, number, Retrieval::new(Command::Retr(number))).await
    }

    /// TOP: the header of a message and the first `lines` lines of its body, to be read while they arrive.
    ///
    /// Dropped: the whole message is skipped by the next call.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause); refused if there is no such message, or no TOP.
    pub async fn top(&mut self, number: NonZeroU32, lines: u32) -> Result<Message<'_, S>, Error> {
        Message::open(&mut self.driver, number, Retrieval::new(Command::Top { number, lines })).await
    }

    /// TOP without body: the header of a message.
    ///
    /// Dropped: the header is skipped by the next call.
    ///
    /// # Errors
    ///
    /// Those of [`top`](Self::top).
    pub async fn retrieve_headers(&mut self, number: NonZeroU32) -> Result<WholeMessage, Error> {
        self.top(number, 0).await?.into_message().await
    }

    /// Retrieves every message that is not marked as deleted, pipelined where the server permits it.
    ///
    /// Dropped: the list is skipped by the next call, and no message was asked for.
    ///
    /// # Errors
    ///
    /// Those of [`list`](Self::list), which tells what there is.
    pub async fn retrieve_all(&mut self) -> Result<Messages<'_, S>, Error> {
        let selection = Selection::listed(self.list().await?);
        Ok(self.messages(BatchCommand::Retrieve, selection))
    }

    /// Retrieves these messages, pipelined where the server permits it.
    pub fn retrieve_many(&mut self, numbers: impl IntoIterator<Item = NonZeroU32>) -> Messages<'_, S> {
        self.messages(BatchCommand::Retrieve, Selection::numbered(numbers))
    }

    /// The headers of every message that is not marked as deleted.
    ///
    /// Dropped: the list is skipped by the next call, and no message was asked for.
    ///
    /// # Errors
    ///
    /// Those of [`list`](Self::list), which tells what there is.
    pub async fn headers_all(&mut self) -> Result<Headers<'_, S>, Error> {
        let selection = Selection::numbered(self.list().await?.into_iter().map(|listing| listing.number));
        Ok(Headers::new(self.messages(BatchCommand::Top(0), selection)))
    }

    /// The headers of these messages.
    pub fn headers_many(&mut self, numbers: impl IntoIterator<Item = NonZeroU32>) -> Headers<'_, S> {
        Headers::new(self.messages(BatchCommand::Top(0), Selection::numbered(numbers)))
    }

    /// Marks every message as deleted. A stream: nothing is sent for a message until it is driven.
    ///
    /// Dropped: the list is skipped by the next call, and nothing is marked.
    ///
    /// # Errors
    ///
    /// Those of [`list`](Self::list), which tells what there is.
    pub async fn delete_all(&mut self) -> Result<Deletions<'_, S>, Error> {
        let numbers: Vec<_> = self.list().await?.into_iter().map(|listing| listing.number).collect();
        Ok(self.delete_many(numbers))
    }

    /// Marks these messages as deleted. A stream: nothing is sent until it is driven.
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
    /// Dropped: the answer is skipped by the next call.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause).
    pub async fn last(&mut self) -> Result<u32, Error> {
        self.driver.call(Last).await
    }

    /// DELE: marks a message as deleted. It is deleted when [`quit`](Self::quit) succeeds.
    ///
    /// Dropped: the message may be marked or not; [`list`](Self::list) tells, [`reset`](Self::reset) unmarks it.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause); refused if it is marked already.
    pub async fn delete(&mut self, number: NonZeroU32) -> Result<(), Error> {
        self.driver.call(Acknowledge(Command::Dele(number))).await
    }

    /// RSET: unmarks all messages.
    ///
    /// Dropped: the messages may be unmarked or not; [`list`](Self::list) tells which are marked.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause).
    pub async fn reset(&mut self) -> Result<(), Error> {
        self.driver.call(Acknowledge(Command::Rset)).await
    }

    /// NOOP: keeps the session alive.
    ///
    /// Dropped: the answer is skipped by the next call.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause).
    pub async fn noop(&mut self) -> Result<(), Error> {
        self.driver.call(Acknowledge(Command::Noop)).await
    }

    /// CAPA: what the server announces after the login (RFC 2449, section 5).
    ///
    /// Dropped: the answer is skipped by the next call, and nothing learnt from it.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause); an old server refuses.
    pub async fn capabilities(&mut self) -> Result<&Capabilities, Error> {
        let lines = self.driver.call(Lines::new(Command::Capa)).await?;
        Ok(self.driver.conversation.learn(Capabilities::new(lines)))
    }

    /// LANG: the languages in which the server can speak, each as a tag, and perhaps a blank and a description (RFC 6856,
    /// section 3.1).
    ///
    /// Dropped: the answer is skipped by the next call.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause). [`UsageError::NotAnnounced`](pop3_proto::UsageError::NotAnnounced) if the capabilities that
    /// were learnt last lack LANG: nothing was sent.
    pub async fn languages(&mut self) -> Result<Vec<Box<[u8]>>, Error> {
        self.driver.call(Lines::new(Command::LangList)).await
    }

    /// LANG with a language range, or `*` for the server's own: has the server's texts come in that language, and gives
    /// the tag of the one that it chose (RFC 6856, section 3.1).
    ///
    /// Dropped: the server may have changed its language or not.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause); refused if the server does not speak it.
    pub async fn set_language(&mut self, range: &str) -> Result<Box<[u8]>, Error> {
        self.driver.call(Language(range)).await
    }

    /// A command of an extension, without its CRLF, and the lines of its answer: none unless it is `multi`-line.
    ///
    /// Dropped: the command may have its effect, and its answer is skipped by the next call.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause); rejected if there is a call for the command.
    pub async fn raw(&mut self, line: &str, multi: bool) -> Result<Vec<Box<[u8]>>, Error> {
        let command = Command::Raw { line, multi };
        if multi {
            self.driver.call(Lines::new(command)).await
        } else {
            self.driver.call(Acknowledge(command)).await.map(|()| Vec::new())
        }
    }

    /// QUIT: commits the deletions and ends the session (RFC 1939, section 6).
    ///
    /// Dropped: the connection is closed, and it is unknown whether the marked messages are deleted.
    ///
    /// # Errors
    ///
    /// [`QuitError`] tells a refusal from an answer that never came.
    pub async fn quit(mut self) -> Result<(), QuitError> {
        self.driver.quit().await
    }

    /// Ends the session without QUIT: nothing is deleted. Gives the stream back, to be closed.
    pub fn abandon(self) -> S {
        self.driver.stream.into_inner()
    }
}
