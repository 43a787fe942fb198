//! The interface of an adapter that the suites use, with the calls of the blocking adapter. The errors are the same in
//! both adapters.

use std::fmt::Debug;
use std::io::{BufRead, Read, Write};
use std::net::TcpStream;

use pop3_proto::drive::{Capabilities, Listing, OwnedUniqueId};
use pop3_proto::login::LoginFailed;
use pop3_proto::message::Message;
use pop3_proto::wire::{DropListing, Greeting, ScanListing};

use crate::{Connect, Credentials, Error, QuitError};

pub trait Adapter {
    fn connect(connect: Connect) -> Result<impl Session, Error>;
    fn over(stream: TcpStream, connect: Connect) -> Result<impl Connection, Error>;
}

/// A connection before the login.
pub trait Connection: Debug + Sized {
    fn greeting(&self) -> Option<Greeting<'_>>;
    fn capabilities(&mut self) -> Result<&Capabilities, Error>;
    fn utf8(&mut self) -> Result<(), Error>;
    fn login(self) -> Result<impl Session, Box<LoginFailed<Self>>>;
    fn login_as(self, credentials: Credentials) -> Result<impl Session, Box<LoginFailed<Self>>>;
    fn quit(self) -> Result<(), QuitError>;
}

pub trait Session: Debug + Sized {
    fn stat(&mut self) -> Result<DropListing, Error>;
    fn list(&mut self) -> Result<Vec<ScanListing>, Error>;
    fn list_one(&mut self, number: u32) -> Result<ScanListing, Error>;
    fn uidl(&mut self) -> Result<Vec<(u32, OwnedUniqueId)>, Error>;
    fn uidl_one(&mut self, number: u32) -> Result<OwnedUniqueId, Error>;
    fn header(&mut self, number: u32) -> Result<Message, Error>;
    fn last(&mut self) -> Result<u32, Error>;
    fn reset(&mut self) -> Result<(), Error>;
    fn capabilities(&mut self) -> Result<&Capabilities, Error>;
    fn raw(&mut self, line: &str) -> Result<(), Error>;
    fn raw_listing(&mut self, line: &str) -> Result<Listing, Error>;
    fn delete(&mut self, number: u32) -> Result<(), Error>;
    fn noop(&mut self) -> Result<(), Error>;
    fn retrieve(&mut self, number: u32) -> Result<impl Reader, Error>;
    fn top(&mut self, number: u32, lines: u32) -> Result<impl Reader, Error>;
    fn retrieve_all(&mut self) -> Result<impl Messages, Error>;
    fn retrieve_many(&mut self, numbers: impl IntoIterator<Item = u32>) -> impl Messages;
    fn headers_all(&mut self) -> Result<impl Iterator<Item = Result<(u32, Message), Error>>, Error>;
    fn headers_many(
        &mut self,
        numbers: impl IntoIterator<Item = u32>,
    ) -> impl Iterator<Item = Result<(u32, Message), Error>>;
    fn delete_all(&mut self) -> Result<impl Iterator<Item = Result<u32, Error>>, Error>;
    fn delete_many(&mut self, numbers: impl IntoIterator<Item = u32>) -> impl Iterator<Item = Result<u32, Error>>;
    fn quit(self) -> Result<(), QuitError>;
    /// Ends the session without QUIT, and keeps the stream for a moment.
    fn abandon(self);
}

/// The messages of a batch.
pub trait Messages {
    fn next(&mut self) -> Result<Option<impl Reader>, Error>;
    fn stop(&mut self);
}

/// A message that is being read.
pub trait Reader: BufRead + Debug {
    fn number(&self) -> u32;
    fn octets(&self) -> u64;
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

impl<S: Read + Write> Connection for crate::Connection<S> {
    fn greeting(&self) -> Option<Greeting<'_>> {
        self.greeting()
    }

    fn capabilities(&mut self) -> Result<&Capabilities, Error> {
        self.capabilities()
    }

    fn utf8(&mut self) -> Result<(), Error> {
        self.utf8()
    }

    fn login(self) -> Result<impl Session, Box<LoginFailed<Self>>> {
        self.login()
    }

    fn login_as(self, credentials: Credentials) -> Result<impl Session, Box<LoginFailed<Self>>> {
        self.login_as(credentials)
    }

    fn quit(self) -> Result<(), QuitError> {
        self.quit()
    }
}

impl<S: Read + Write> Session for crate::Session<S> {
    fn stat(&mut self) -> Result<DropListing, Error> {
        self.stat()
    }

    fn list(&mut self) -> Result<Vec<ScanListing>, Error> {
        self.list()
    }

    fn list_one(&mut self, number: u32) -> Result<ScanListing, Error> {
        self.list_one(number)
    }

    fn uidl(&mut self) -> Result<Vec<(u32, OwnedUniqueId)>, Error> {
        self.uidl()
    }

    fn uidl_one(&mut self, number: u32) -> Result<OwnedUniqueId, Error> {
        self.uidl_one(number)
    }

    fn header(&mut self, number: u32) -> Result<Message, Error> {
        self.header(number)
    }

    fn last(&mut self) -> Result<u32, Error> {
        self.last()
    }

    fn reset(&mut self) -> Result<(), Error> {
        self.reset()
    }

    fn capabilities(&mut self) -> Result<&Capabilities, Error> {
        self.capabilities()
    }

    fn raw(&mut self, line: &str) -> Result<(), Error> {
        self.raw(line)
    }

    fn raw_listing(&mut self, line: &str) -> Result<Listing, Error> {
        self.raw_listing(line)
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

    fn top(&mut self, number: u32, lines: u32) -> Result<impl Reader, Error> {
        self.top(number, lines)
    }

    fn retrieve_all(&mut self) -> Result<impl Messages, Error> {
        self.retrieve_all()
    }

    fn retrieve_many(&mut self, numbers: impl IntoIterator<Item = u32>) -> impl Messages {
        self.retrieve_many(numbers)
    }

    fn headers_all(&mut self) -> Result<impl Iterator<Item = Result<(u32, Message), Error>>, Error> {
        self.headers_all()
    }

    fn headers_many(
        &mut self,
        numbers: impl IntoIterator<Item = u32>,
    ) -> impl Iterator<Item = Result<(u32, Message), Error>> {
        self.headers_many(numbers)
    }

    fn delete_all(&mut self) -> Result<impl Iterator<Item = Result<u32, Error>>, Error> {
        self.delete_all()
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

    fn stop(&mut self) {
        self.stop();
    }
}

impl<S: Read + Write> Reader for crate::MessageReader<'_, S> {
    fn number(&self) -> u32 {
        self.number()
    }

    fn octets(&self) -> u64 {
        self.octets()
    }

    fn into_message(self) -> Result<Message, Error> {
        self.into_message()
    }
}
