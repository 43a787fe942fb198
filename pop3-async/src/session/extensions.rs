//! Calls of extensions: CAPA (RFC 2449), LANG (RFC 6856), and commands that have no method.

use pop3_proto::Command;
use pop3_proto::drive::{
    Acknowledge, Capa, Capabilities, Language, LanguageTag, Languages, Listing, RawListing, SetLanguage,
};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::{Error, Session};

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    /// Asks for the capabilities after the login, with CAPA (RFC 2449, section 5).
    ///
    /// If you drop the future, the next call skips the answer, which is not recorded.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause); old servers refuse the command.
    ///
    /// ```
    /// # async fn example(session: &mut pop3_async::Session<tokio::net::TcpStream>) -> Result<(), pop3_async::Error> {
    /// use pop3_async::pop3_proto::wire::KnownCapability;
    ///
    /// if session.capabilities().await?.any(|known| known == KnownCapability::Uidl) {
    ///     println!("{} unique-ids", session.uidl().await?.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
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
    ///
    /// ```
    /// # async fn example(session: &mut pop3_async::Session<tokio::net::TcpStream>) -> Result<(), pop3_async::Error> {
    /// for language in session.languages().await? {
    ///     println!("{}: {}", language.tag(), language.description());
    /// }
    /// # Ok(())
    /// # }
    /// ```
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
    ///
    /// ```
    /// # async fn example(session: &mut pop3_async::Session<tokio::net::TcpStream>) -> Result<(), pop3_async::Error> {
    /// let tag = session.set_language("de").await?;
    /// println!("the server now writes in {tag}");
    /// # Ok(())
    /// # }
    /// ```
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
    ///
    /// ```
    /// # async fn example(session: &mut pop3_async::Session<tokio::net::TcpStream>) -> Result<(), pop3_async::Error> {
    /// session.raw("XSEEN 1").await?; // an extension of this server
    /// # Ok(())
    /// # }
    /// ```
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
    ///
    /// ```
    /// # async fn example(session: &mut pop3_async::Session<tokio::net::TcpStream>) -> Result<(), pop3_async::Error> {
    /// for line in &session.raw_listing("XFOLDERS").await? {
    ///     println!("{}", String::from_utf8_lossy(line));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn raw_listing(&mut self, line: &str) -> Result<Listing, Error> {
        self.driver.call(RawListing::new(line)).await
    }
}
