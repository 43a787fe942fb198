//! Calls of extensions: CAPA (RFC 2449), LANG (RFC 6856), and commands that have no method.

use std::io::{Read, Write};

use pop3_proto::Command;
use pop3_proto::drive::{
    Acknowledge, Capa, Capabilities, Language, LanguageTag, Languages, Listing, RawListing, SetLanguage,
};

use crate::{Error, Session};

impl<S: Read + Write> Session<S> {
    /// Asks for the capabilities after the login, with CAPA (RFC 2449, section 5).
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause); old servers refuse the command.
    ///
    /// ```
    /// # fn example(session: &mut pop3_blocking::Session<std::net::TcpStream>) -> Result<(), pop3_blocking::Error> {
    /// use pop3_blocking::pop3_proto::wire::KnownCapability;
    ///
    /// if session.capabilities()?.any(|known| known == KnownCapability::Uidl) {
    ///     println!("{} unique-ids", session.uidl()?.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
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
    ///
    /// ```
    /// # fn example(session: &mut pop3_blocking::Session<std::net::TcpStream>) -> Result<(), pop3_blocking::Error> {
    /// for language in session.languages()? {
    ///     println!("{}: {}", language.tag(), language.description());
    /// }
    /// # Ok(())
    /// # }
    /// ```
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
    ///
    /// ```
    /// # fn example(session: &mut pop3_blocking::Session<std::net::TcpStream>) -> Result<(), pop3_blocking::Error> {
    /// let tag = session.set_language("de")?;
    /// println!("the server now writes in {tag}");
    /// # Ok(())
    /// # }
    /// ```
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
    ///
    /// ```
    /// # fn example(session: &mut pop3_blocking::Session<std::net::TcpStream>) -> Result<(), pop3_blocking::Error> {
    /// session.raw("XSEEN 1")?; // an extension of this server
    /// # Ok(())
    /// # }
    /// ```
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
    ///
    /// ```
    /// # fn example(session: &mut pop3_blocking::Session<std::net::TcpStream>) -> Result<(), pop3_blocking::Error> {
    /// for line in &session.raw_listing("XFOLDERS")? {
    ///     println!("{}", String::from_utf8_lossy(line));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn raw_listing(&mut self, line: &str) -> Result<Listing, Error> {
        self.driver.call(RawListing::new(line))
    }
}
