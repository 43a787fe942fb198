//! Calls that retrieve messages and headers, one or many (RFC 1939, sections 5 and 7).

use pop3_proto::drive::{Batch, Retrieval, Selection};
use pop3_proto::message::Message;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::batch::{Headers, Messages};
use crate::message::MessageReader;
use crate::{Error, Session};

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
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
    ///
    /// ```
    /// # async fn example(session: &mut pop3_async::Session<tokio::net::TcpStream>) -> Result<(), pop3_async::Error> {
    /// let beginning = session.top(1, 10).await?.into_message().await?;
    /// println!("{}", String::from_utf8_lossy(beginning.as_bytes()));
    /// # Ok(())
    /// # }
    /// ```
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
    ///
    /// ```
    /// # async fn example(session: &mut pop3_async::Session<tokio::net::TcpStream>) -> Result<(), pop3_async::Error> {
    /// let header = session.header(1).await?;
    /// println!("{:?}", header.view().get("subject"));
    /// # Ok(())
    /// # }
    /// ```
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
    ///
    /// ```
    /// # async fn example(session: &mut pop3_async::Session<tokio::net::TcpStream>) -> Result<(), pop3_async::Error> {
    /// let mut messages = session.retrieve_all().await?;
    /// while let Some(message) = messages.next().await? {
    ///     let number = message.number();
    ///     println!("message {number}: {} octets", message.into_message().await?.as_bytes().len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "RETR")]
    pub async fn retrieve_all(&mut self) -> Result<Messages<'_, S>, Error> {
        let selection = Selection::from_iter(self.list().await?);
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
        let batch = Batch::retrieve(Selection::from_iter(numbers), self.driver.window);
        Messages::new(&mut self.driver, batch)
    }

    /// Retrieves the headers of all messages that are not marked as deleted.
    ///
    /// If you drop the future, the next call skips the list, and no header is requested.
    ///
    /// # Errors
    ///
    /// The errors of [`list`](Self::list), which this calls first.
    ///
    /// ```
    /// # async fn example(session: &mut pop3_async::Session<tokio::net::TcpStream>) -> Result<(), pop3_async::Error> {
    /// let mut headers = session.headers_all().await?;
    /// while let Some(header) = headers.next().await {
    ///     let (number, header) = header?;
    ///     println!("{number}: {:?}", header.view().get("from"));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "TOP")]
    pub async fn headers_all(&mut self) -> Result<Headers<'_, S>, Error> {
        let selection = self.list().await?.into_iter().map(|listing| listing.number).collect();
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
        self.header_batch(Selection::from_iter(numbers))
    }

    /// Retrieves the headers of these messages and the first `lines` lines of each body, pipelined if the server
    /// permits it. You can read each while it arrives, which limits the memory for headers of any length.
    ///
    /// ```
    /// # async fn example(session: &mut pop3_async::Session<tokio::net::TcpStream>) -> Result<(), pop3_async::Error> {
    /// let mut beginnings = session.top_many([1, 3, 5], 10);
    /// while let Some(beginning) = beginnings.next().await? {
    ///     println!("{}", String::from_utf8_lossy(beginning.into_message().await?.as_bytes()));
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
