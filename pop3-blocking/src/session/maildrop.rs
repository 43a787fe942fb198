//! Calls about the maildrop: its listings, and the marks for deletion (RFC 1939, section 5).

use std::io::{Read, Write};

use pop3_proto::Command;
use pop3_proto::drive::{Acknowledge, Batch, Last, ListAll, ListOne, OwnedUniqueId, Stat, UidlAll, UidlOne};
use pop3_proto::wire::{DropListing, ScanListing};

use crate::batch::Deletions;
use crate::{Error, Session};

impl<S: Read + Write> Session<S> {
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
    ///
    /// ```
    /// # fn example(session: &mut pop3_blocking::Session<std::net::TcpStream>) -> Result<(), pop3_blocking::Error> {
    /// if session.list_one(1)?.octets < 1_000_000 {
    ///     let message = session.retrieve(1)?.into_message()?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
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
    ///
    /// ```
    /// # fn example(session: &mut pop3_blocking::Session<std::net::TcpStream>) -> Result<(), pop3_blocking::Error> {
    /// let id = session.uidl_one(1)?;
    /// println!("message 1 is {id}");
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "UIDL")]
    pub fn uidl_one(&mut self, number: u32) -> Result<OwnedUniqueId, Error> {
        self.driver.call(UidlOne(number))
    }

    /// Returns the highest number of a message that was accessed, or 0 if there is none, with LAST. RFC 1725 removed
    /// LAST from POP3; most servers refuse it.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause).
    ///
    /// ```
    /// # fn example(session: &mut pop3_blocking::Session<std::net::TcpStream>) -> Result<(), pop3_blocking::Error> {
    /// println!("the highest number was {}", session.last()?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn last(&mut self) -> Result<u32, Error> {
        self.driver.call(Last)
    }

    /// Marks a message as deleted, with DELE. The message is deleted when [`quit`](Self::quit) succeeds.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause); refused if the message is already marked.
    ///
    /// ```
    /// # type Done = Result<(), Box<dyn std::error::Error>>;
    /// # fn example(mut session: pop3_blocking::Session<std::net::TcpStream>) -> Done {
    /// session.delete(1)?; // marked
    /// session.quit()?; // deleted
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "DELE")]
    pub fn delete(&mut self, number: u32) -> Result<(), Error> {
        self.driver.call(Acknowledge(Command::Dele(number)))
    }

    /// Marks all messages as deleted. Sends LIST, and returns an iterator that sends the DELE commands as you advance
    /// it.
    ///
    /// # Errors
    ///
    /// The errors of [`list`](Self::list), which this calls first.
    ///
    /// ```
    /// # fn example(session: &mut pop3_blocking::Session<std::net::TcpStream>) -> Result<(), pop3_blocking::Error> {
    /// for deletion in session.delete_all()? {
    ///     println!("message {} is marked", deletion?);
    /// }
    /// # Ok(())
    /// # }
    /// ```
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

    /// Unmarks all messages, with RSET.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause).
    ///
    /// ```
    /// # fn example(session: &mut pop3_blocking::Session<std::net::TcpStream>) -> Result<(), pop3_blocking::Error> {
    /// session.delete(1)?;
    /// session.reset()?; // message 1 stays
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "RSET")]
    pub fn reset(&mut self) -> Result<(), Error> {
        self.driver.call(Acknowledge(Command::Rset))
    }

    /// Keeps the session alive, with NOOP.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause).
    ///
    /// ```
    /// # fn example(session: &mut pop3_blocking::Session<std::net::TcpStream>) -> Result<(), pop3_blocking::Error> {
    /// session.noop()?; // the server begins to count its idle time anew
    /// # Ok(())
    /// # }
    /// ```
    pub fn noop(&mut self) -> Result<(), Error> {
        self.driver.call(Acknowledge(Command::Noop))
    }
}
