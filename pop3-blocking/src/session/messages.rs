//! Calls that retrieve messages and headers, one or many (RFC 1939, sections 5 and 7).

use std::io::{Read, Write};

use pop3_proto::drive::{Batch, Retrieval, Selection};
use pop3_proto::message::Message;

use crate::batch::{Headers, Messages};
use crate::message::MessageReader;
use crate::{Error, Session};

impl<S: Read + Write> Session<S> {
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
    ///
    /// ```
    /// # fn example(session: &mut pop3_blocking::Session<std::net::TcpStream>) -> Result<(), pop3_blocking::Error> {
    /// let header = session.header(1)?;
    /// println!("{:?}", header.view().get("subject"));
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "TOP")]
    pub fn header(&mut self, number: u32) -> Result<Message, Error> {
        self.top(number, 0)?.into_message()
    }

    /// Retrieves all messages that are not marked as deleted, pipelined if the server permits it.
    ///
    /// # Errors
    ///
    /// The errors of [`list`](Self::list), which this calls first.
    ///
    /// ```
    /// # fn example(session: &mut pop3_blocking::Session<std::net::TcpStream>) -> Result<(), pop3_blocking::Error> {
    /// let mut messages = session.retrieve_all()?;
    /// while let Some(message) = messages.next()? {
    ///     let number = message.number();
    ///     println!("message {number}: {} octets", message.into_message()?.as_bytes().len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "RETR")]
    pub fn retrieve_all(&mut self) -> Result<Messages<'_, S>, Error> {
        let selection = Selection::from_iter(self.list()?);
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
        let batch = Batch::retrieve(Selection::from_iter(numbers), self.driver.window);
        Messages::new(&mut self.driver, batch)
    }

    /// Retrieves the headers of all messages that are not marked as deleted.
    ///
    /// # Errors
    ///
    /// The errors of [`list`](Self::list), which this calls first.
    ///
    /// ```
    /// # fn example(session: &mut pop3_blocking::Session<std::net::TcpStream>) -> Result<(), pop3_blocking::Error> {
    /// for header in session.headers_all()? {
    ///     let (number, header) = header?;
    ///     println!("{number}: {:?}", header.view().get("from"));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "TOP")]
    pub fn headers_all(&mut self) -> Result<Headers<'_, S>, Error> {
        let selection = self.list()?.into_iter().map(|listing| listing.number).collect();
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
        self.header_batch(Selection::from_iter(numbers))
    }

    /// Retrieves the headers of these messages and the first `lines` lines of each body, pipelined if the server
    /// permits it. You can read each while it arrives, which limits the memory for headers of any length.
    ///
    /// ```
    /// # fn example(session: &mut pop3_blocking::Session<std::net::TcpStream>) -> Result<(), pop3_blocking::Error> {
    /// let mut beginnings = session.top_many([1, 3, 5], 10);
    /// while let Some(beginning) = beginnings.next()? {
    ///     println!("{}", String::from_utf8_lossy(beginning.into_message()?.as_bytes()));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "TOP")]
    pub fn top_many(&mut self, numbers: impl IntoIterator<Item = u32>, lines: u32) -> Messages<'_, S> {
        let batch = Batch::top(lines, Selection::from_iter(numbers), self.driver.window);
        Messages::new(&mut self.driver, batch)
    }

    fn header_batch(&mut self, selection: Selection) -> Headers<'_, S> {
        let batch = Batch::top(0, selection, self.driver.window);
        Headers::new(Messages::new(&mut self.driver, batch))
    }
}
