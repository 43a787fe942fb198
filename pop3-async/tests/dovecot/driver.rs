//! The tokio adapter behind the blocking one's signatures: every call waits for its future.
#![allow(
    clippy::missing_errors_doc,
    clippy::missing_panics_doc,
    clippy::return_self_not_must_use,
    reason = "its docs are those of the two adapters"
)]

use std::io::{self, BufRead, Read};
use std::marker::PhantomData;

use pop3_async::pop3_proto::drive::{Capabilities, Language, LanguageTag, Listing, OwnedUniqueId};
use pop3_async::pop3_proto::message::Message;
use pop3_async::pop3_proto::wire::{DropListing, Greeting, ScanListing};
use pop3_async::{Connect, Credentials, Error, QuitError};
use tokio::io::{AsyncBufReadExt, AsyncReadExt};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::task::yield_now;

fn wait<F: Future>(future: F) -> F::Output {
    thread_local! {
        static RUNTIME: Runtime = Builder::new_current_thread().enable_all().build().unwrap();
    }
    let heard = async {
        // The runtime learns what the sockets have before the call looks: a blocking one would see it there by itself.
        yield_now().await;
        future.await
    };
    RUNTIME.with(|runtime| runtime.block_on(heard))
}

/// The suite names the type of the stream; what carries the session is tokio's.
pub type Tcp = std::net::TcpStream;

macro_rules! calls {
    ($($name:ident($($argument:ident: $type:ty),*) -> $value:ty;)*) => {$(
        pub fn $name(&mut self, $($argument: $type),*) -> Result<$value, Error> {
            wait(self.0.$name($($argument),*))
        }
    )*};
}

pub fn connect(connect: Connect) -> Result<Session<Tcp>, Error> {
    Ok(Session(wait(pop3_async::connect(connect))?, PhantomData))
}

#[derive(Debug)]
pub struct Connection<S>(pop3_async::Connection<TcpStream>, PhantomData<S>);

#[derive(Debug)]
pub struct LoginFailed<S> {
    pub connection: Option<Connection<S>>,
    pub error: Error,
}

impl<S> std::fmt::Display for LoginFailed<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.error.fmt(f)
    }
}

impl Connection<Tcp> {
    pub fn over(stream: Tcp, connect: Connect) -> Result<Connection<Tcp>, Error> {
        wait(async {
            stream.set_nonblocking(true).unwrap();
            let stream = TcpStream::from_std(stream).unwrap();
            Ok(Connection(pop3_async::Connection::over(stream, connect).await?, PhantomData))
        })
    }

    pub fn greeting(&self) -> Option<Greeting<'_>> {
        self.0.greeting()
    }

    calls! {
        capabilities() -> &Capabilities;
        utf8() -> ();
    }

    pub fn login(self) -> Result<Session<Tcp>, Box<LoginFailed<Tcp>>> {
        Connection::logged_in(wait(self.0.login()))
    }

    pub fn login_as(self, credentials: Credentials) -> Result<Session<Tcp>, Box<LoginFailed<Tcp>>> {
        Connection::logged_in(wait(self.0.login_as(credentials)))
    }

    fn logged_in(
        result: Result<pop3_async::Session<TcpStream>, Box<pop3_async::LoginFailed<TcpStream>>>,
    ) -> Result<Session<Tcp>, Box<LoginFailed<Tcp>>> {
        match result {
            Ok(session) => Ok(Session(session, PhantomData)),
            Err(failed) => {
                let connection = failed.connection.map(|connection| Connection(connection, PhantomData));
                Err(Box::new(LoginFailed { connection, error: failed.error }))
            }
        }
    }

    pub fn quit(self) -> Result<(), QuitError> {
        wait(self.0.quit())
    }
}

#[derive(Debug)]
pub struct Session<S>(pop3_async::Session<TcpStream>, PhantomData<S>);

impl<S> Session<S> {
    calls! {
        stat() -> DropListing;
        list() -> Vec<ScanListing>;
        list_one(number: u32) -> ScanListing;
        uidl() -> Vec<(u32, OwnedUniqueId)>;
        uidl_one(number: u32) -> OwnedUniqueId;
        header(number: u32) -> Message;
        last() -> u32;
        delete(number: u32) -> ();
        reset() -> ();
        noop() -> ();
        capabilities() -> &Capabilities;
        languages() -> Vec<Language>;
        set_language(range: &str) -> LanguageTag;
        raw(line: &str) -> ();
        raw_listing(line: &str) -> Listing;
    }

    pub fn retrieve(&mut self, number: u32) -> Result<MessageReader<'_, S>, Error> {
        Ok(MessageReader(wait(self.0.retrieve(number))?, PhantomData))
    }

    pub fn top(&mut self, number: u32, lines: u32) -> Result<MessageReader<'_, S>, Error> {
        Ok(MessageReader(wait(self.0.top(number, lines))?, PhantomData))
    }

    pub fn retrieve_all(&mut self) -> Result<Messages<'_, S>, Error> {
        Ok(Messages(wait(self.0.retrieve_all())?, PhantomData))
    }

    pub fn retrieve_many(&mut self, numbers: impl IntoIterator<Item = u32>) -> Messages<'_, S> {
        Messages(self.0.retrieve_many(numbers), PhantomData)
    }

    pub fn headers_all(&mut self) -> Result<Headers<'_>, Error> {
        Ok(Headers(wait(self.0.headers_all())?))
    }

    pub fn headers_many(&mut self, numbers: impl IntoIterator<Item = u32>) -> Headers<'_> {
        Headers(self.0.headers_many(numbers))
    }

    pub fn delete_all(&mut self) -> Result<Deletions<'_>, Error> {
        Ok(Deletions(wait(self.0.delete_all())?))
    }

    pub fn delete_many(&mut self, numbers: impl IntoIterator<Item = u32>) -> Deletions<'_> {
        Deletions(self.0.delete_many(numbers))
    }

    pub fn quit(self) -> Result<(), QuitError> {
        wait(self.0.quit())
    }

    pub fn abandon(self) -> TcpStream {
        self.0.abandon()
    }
}

#[derive(Debug)]
pub struct MessageReader<'a, S>(pop3_async::MessageReader<'a, TcpStream>, PhantomData<S>);

impl<S> MessageReader<'_, S> {
    pub fn number(&self) -> u32 {
        self.0.number()
    }

    pub fn octets(&self) -> u64 {
        self.0.octets()
    }

    pub fn into_message(self) -> Result<Message, Error> {
        wait(self.0.into_message())
    }
}

impl<S> Read for MessageReader<'_, S> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        wait(self.0.read(space))
    }
}

impl<S> BufRead for MessageReader<'_, S> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        wait(self.0.fill_buf())
    }

    fn consume(&mut self, octets: usize) {
        self.0.consume(octets);
    }
}

#[derive(Debug)]
pub struct Messages<'a, S>(pop3_async::Messages<'a, TcpStream>, PhantomData<S>);

impl<S> Messages<'_, S> {
    #[allow(clippy::should_implement_trait, reason = "it lends, and an iterator cannot")]
    pub fn next(&mut self) -> Result<Option<MessageReader<'_, S>>, Error> {
        Ok(wait(self.0.next())?.map(|message| MessageReader(message, PhantomData)))
    }

    pub fn stop(&mut self) {
        self.0.stop();
    }
}

#[derive(Debug)]
pub struct Headers<'a>(pop3_async::Headers<'a, TcpStream>);

impl Iterator for Headers<'_> {
    type Item = Result<(u32, Message), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        wait(self.0.next())
    }
}

#[derive(Debug)]
pub struct Deletions<'a>(pop3_async::Deletions<'a, TcpStream>);

impl Iterator for Deletions<'_> {
    type Item = Result<u32, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        wait(self.0.next())
    }
}
