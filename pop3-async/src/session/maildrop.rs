//! Calls about the maildrop: its listings, and the marks for deletion (RFC 1939, section 5).

use pop3_proto::Command;
use pop3_proto::drive::{Acknowledge, Batch, Last, ListAll, ListOne, OwnedUniqueId, Stat, UidlAll, UidlOne};
use pop3_proto::wire::{DropListing, ScanListing};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::batch::Deletions;
use crate::{Error, Session};

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    /// Returns the number of messages and their total size, with STAT. Messages marked as deleted do not count.
    ///
    /// If you drop the future, the next call skips the answer.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause), as for all calls of a session; [`Error::is_recoverable`] returns true if the
    /// session is still usable.
    ///
    /// ```
    /// # async fn example(session: &mut pop3_async::Session<tokio::net::TcpStream>) -> Result<(), pop3_async::Error> {
    /// let maildrop = session.stat().await?;
    /// println!("{} messages, {} octets", maildrop.messages, maildrop.octets);
    /// # Ok(())
    /// # }
    /// ```
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
    ///
    /// ```
    /// # async fn example(session: &mut pop3_async::Session<tokio::net::TcpStream>) -> Result<(), pop3_async::Error> {
    /// for listing in session.list().await? {
    ///     println!("message {}: {} octets", listing.number, listing.octets);
    /// }
    /// # Ok(())
    /// # }
    /// ```
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
    ///
    /// ```
    /// # async fn example(session: &mut pop3_async::Session<tokio::net::TcpStream>) -> Result<(), pop3_async::Error> {
    /// if session.list_one(1).await?.octets < 1_000_000 {
    ///     let message = session.retrieve(1).await?.into_message().await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
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
    ///
    /// ```
    /// # async fn example(session: &mut pop3_async::Session<tokio::net::TcpStream>) -> Result<(), pop3_async::Error> {
    /// let id = session.uidl_one(1).await?;
    /// println!("message 1 is {id}");
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "UIDL")]
    pub async fn uidl_one(&mut self, number: u32) -> Result<OwnedUniqueId, Error> {
        self.driver.call(UidlOne(number)).await
    }

    /// Returns the highest number of a message that was accessed, or 0 if there is none, with LAST. RFC 1725 removed
    /// LAST from POP3; most servers refuse it.
    ///
    /// If you drop the future, the next call skips the answer.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause).
    ///
    /// ```
    /// # async fn example(session: &mut pop3_async::Session<tokio::net::TcpStream>) -> Result<(), pop3_async::Error> {
    /// println!("the highest number was {}", session.last().await?);
    /// # Ok(())
    /// # }
    /// ```
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
    ///
    /// ```
    /// # type Done = Result<(), Box<dyn std::error::Error>>;
    /// # async fn example(mut session: pop3_async::Session<tokio::net::TcpStream>) -> Done {
    /// session.delete(1).await?; // marked
    /// session.quit().await?; // deleted
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "DELE")]
    pub async fn delete(&mut self, number: u32) -> Result<(), Error> {
        self.driver.call(Acknowledge(Command::Dele(number))).await
    }

    /// Marks all messages as deleted. Sends LIST, and returns a stream that sends the DELE commands as you poll it.
    ///
    /// If you drop the future, the next call skips the list, and nothing is marked.
    ///
    /// # Errors
    ///
    /// The errors of [`list`](Self::list), which this calls first.
    ///
    /// ```
    /// # async fn example(session: &mut pop3_async::Session<tokio::net::TcpStream>) -> Result<(), pop3_async::Error> {
    /// let mut deletions = session.delete_all().await?;
    /// while let Some(deletion) = deletions.next().await {
    ///     println!("message {} is marked", deletion?);
    /// }
    /// # Ok(())
    /// # }
    /// ```
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

    /// Unmarks all messages, with RSET.
    ///
    /// If you drop the future, the messages may or may not be unmarked; find out with [`list`](Self::list).
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause).
    ///
    /// ```
    /// # async fn example(session: &mut pop3_async::Session<tokio::net::TcpStream>) -> Result<(), pop3_async::Error> {
    /// session.delete(1).await?;
    /// session.reset().await?; // message 1 stays
    /// # Ok(())
    /// # }
    /// ```
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
    ///
    /// ```
    /// # async fn example(session: &mut pop3_async::Session<tokio::net::TcpStream>) -> Result<(), pop3_async::Error> {
    /// session.noop().await?; // the server begins to count its idle time anew
    /// # Ok(())
    /// # }
    /// ```
    pub async fn noop(&mut self) -> Result<(), Error> {
        self.driver.call(Acknowledge(Command::Noop)).await
    }
}
