//! An adapter as the suites see it, with the calls of the blocking one. The errors are the same in both.

use std::fmt::Debug;
use std::io::{BufRead, Read, Write};
use std::net::TcpStream;

use pop3_proto::drive::OwnedUniqueId;
use pop3_proto::message::Message;
use pop3_proto::wire::DropListing;

use crate::{Connect, Credentials, Error, QuitError};

pub trait Adapter {
    fn connect(connect: Connect) -> Result<impl Session, Error>;
    fn over(stream: TcpStream, connect: Connect) -> Result<impl Connection, Error>;
}

/// A connection before the login.
pub trait Connection: Debug + Sized {
    fn has_greeting(&self) -> bool;
    fn login(self) -> Result<impl Session, LoginFailed<Self>>;
    fn login_as(self, credentials: Credentials) -> Result<impl Session, LoginFailed<Self>>;
    fn quit(self) -> Result<(), QuitError>;
}

/// A login that failed, and the connection if it can be used again.
#[derive(Debug)]
pub struct LoginFailed<C> {
    pub connection: Option<C>,
    pub error: Error,
}

pub trait Session: Debug + Sized {
    fn stat(&mut self) -> Result<DropListing, Error>;
    fn uidl(&mut self) -> Result<Vec<(u32, OwnedUniqueId)>, Error>;
    fn delete(&mut self, number: u32) -> Result<(), Error>;
    fn noop(&mut self) -> Result<(), Error>;
    fn retrieve(&mut self, number: u32) -> Result<impl Reader, Error>;
    fn retrieve_many(&mut self, numbers: impl IntoIterator<Item = u32>) -> impl Messages;
    fn delete_many(&mut self, numbers: impl IntoIterator<Item = u32>) -> impl Iterator<Item = Result<u32, Error>>;
    fn quit(self) -> Result<(), QuitError>;
    /// Ends the session without QUIT, and keeps the stream for a moment.
    fn abandon(self);
}

/// The messages of a batch.
pub trait Messages {
    fn next(&mut self) -> Result<Option<impl Reader>, Error>;
}

/// A message that is being read.
pub trait Reader: BufRead + Debug {
    fn into_message(self) -> Result<Message, Error>;
}

/// This adapter.
#[derive(Debug)]
pub struct Blocking;

impl Adapter for Blocking {
    fn connect(connect: Connect) -> Result<impl Session, Error> {
        crate::connect(connect)
    }

    fn over(stream: TcpStream, connect: Connect) -> Result<impl Connection, Error> {
        crate::Connection::over(stream, connect)
    }
}

impl<S: Read + Write> From<Box<crate::LoginFailed<S>>> for LoginFailed<crate::Connection<S>> {
    fn from(failed: Box<crate::LoginFailed<S>>) -> Self {
        LoginFailed { connection: failed.connection, error: failed.error }
    }
}

impl<S: Read + Write> Connection for crate::Connection<S> {
    fn has_greeting(&self) -> bool {
        self.greeting().is_some()
    }

    fn login(self) -> Result<impl Session, LoginFailed<Self>> {
        Ok(self.login()?)
    }

    fn login_as(self, credentials: Credentials) -> Result<impl Session, LoginFailed<Self>> {
        Ok(self.login_as(credentials)?)
    }

    fn quit(self) -> Result<(), QuitError> {
        self.quit()
    }
}

impl<S: Read + Write> Session for crate::Session<S> {
    fn stat(&mut self) -> Result<DropListing, Error> {
        self.stat()
    }

    fn uidl(&mut self) -> Result<Vec<(u32, OwnedUniqueId)>, Error> {
        self.uidl()
    }

    fn delete(&mut self, number: u32) -> Result<(), Error> {
        self.delete(number)
    }

    fn noop(&mut self) -> Result<(), Error> {
        self.noop()
    }

    fn retrieve(&mut self, number: u32) -> Result<impl Reader, Error> {
        self.retrieve(number)
    }

    fn retrieve_many(&mut self, numbers: impl IntoIterator<Item = u32>) -> impl Messages {
        self.retrieve_many(numbers)
    }

    fn delete_many(&mut self, numbers: impl IntoIterator<Item = u32>) -> impl Iterator<Item = Result<u32, Error>> {
        self.delete_many(numbers)
    }

    fn quit(self) -> Result<(), QuitError> {
        self.quit()
    }

    fn abandon(self) {
        drop(self.abandon());
    }
}

impl<S: Read + Write> Messages for crate::Messages<'_, S> {
    fn next(&mut self) -> Result<Option<impl Reader>, Error> {
        self.next()
    }
}

impl<S: Read + Write> Reader for crate::MessageReader<'_, S> {
    fn into_message(self) -> Result<Message, Error> {
        self.into_message()
    }
}
