//! The tokio adapter with the calls of the blocking one: every call waits for its future.

use std::io::{self, BufRead, Read};
use std::net;

use pop3_async::pop3_proto::drive::{Capabilities, Listing, OwnedUniqueId};
use pop3_async::pop3_proto::login::LoginFailed;
use pop3_async::pop3_proto::message::Message;
use pop3_async::pop3_proto::wire::{DropListing, Greeting, ScanListing};
use pop3_async::{Connect, Credentials, Error, QuitError};
use pop3_blocking::testing::suites::adapter::{self, Adapter};
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

pub(crate) struct Tokio;

impl Adapter for Tokio {
    fn connect(connect: Connect) -> Result<impl adapter::Session, Error> {
        wait(pop3_async::connect(connect)).map(Session)
    }

    fn over(stream: net::TcpStream, connect: Connect) -> Result<impl adapter::Connection, Error> {
        stream.set_nonblocking(true).unwrap();
        // The socket belongs to the runtime in which it was made.
        wait(async { pop3_async::Connection::over(TcpStream::from_std(stream).unwrap(), connect).await })
            .map(Connection)
    }
}

#[derive(Debug)]
struct Connection(pop3_async::Connection<TcpStream>);

type LoggedIn = Result<pop3_async::Session<TcpStream>, Box<pop3_async::LoginFailed<TcpStream>>>;

fn logged_in(result: LoggedIn) -> Result<Session, Box<LoginFailed<Connection>>> {
    result.map(Session).map_err(|failed| {
        let LoginFailed { connection, error } = *failed;
        Box::new(LoginFailed { connection: connection.map(Connection), error })
    })
}

impl adapter::Connection for Connection {
    fn greeting(&self) -> Option<Greeting<'_>> {
        self.0.greeting()
    }

    fn capabilities(&mut self) -> Result<&Capabilities, Error> {
        wait(self.0.capabilities())
    }

    fn utf8(&mut self) -> Result<(), Error> {
        wait(self.0.utf8())
    }

    fn login(self) -> Result<impl adapter::Session, Box<LoginFailed<Connection>>> {
        logged_in(wait(self.0.login()))
    }

    fn login_as(self, credentials: Credentials) -> Result<impl adapter::Session, Box<LoginFailed<Connection>>> {
        logged_in(wait(self.0.login_as(credentials)))
    }

    fn quit(self) -> Result<(), QuitError> {
        wait(self.0.quit())
    }
}

#[derive(Debug)]
struct Session(pop3_async::Session<TcpStream>);

impl adapter::Session for Session {
    fn stat(&mut self) -> Result<DropListing, Error> {
        wait(self.0.stat())
    }

    fn list(&mut self) -> Result<Vec<ScanListing>, Error> {
        wait(self.0.list())
    }

    fn list_one(&mut self, number: u32) -> Result<ScanListing, Error> {
        wait(self.0.list_one(number))
    }

    fn uidl(&mut self) -> Result<Vec<(u32, OwnedUniqueId)>, Error> {
        wait(self.0.uidl())
    }

    fn uidl_one(&mut self, number: u32) -> Result<OwnedUniqueId, Error> {
        wait(self.0.uidl_one(number))
    }

    fn header(&mut self, number: u32) -> Result<Message, Error> {
        wait(self.0.header(number))
    }

    fn last(&mut self) -> Result<u32, Error> {
        wait(self.0.last())
    }

    fn reset(&mut self) -> Result<(), Error> {
        wait(self.0.reset())
    }

    fn capabilities(&mut self) -> Result<&Capabilities, Error> {
        wait(self.0.capabilities())
    }

    fn raw(&mut self, line: &str) -> Result<(), Error> {
        wait(self.0.raw(line))
    }

    fn raw_listing(&mut self, line: &str) -> Result<Listing, Error> {
        wait(self.0.raw_listing(line))
    }

    fn delete(&mut self, number: u32) -> Result<(), Error> {
        wait(self.0.delete(number))
    }

    fn noop(&mut self) -> Result<(), Error> {
        wait(self.0.noop())
    }

    fn retrieve(&mut self, number: u32) -> Result<impl adapter::Reader, Error> {
        wait(self.0.retrieve(number)).map(Reader)
    }

    fn top(&mut self, number: u32, lines: u32) -> Result<impl adapter::Reader, Error> {
        wait(self.0.top(number, lines)).map(Reader)
    }

    fn retrieve_all(&mut self) -> Result<impl adapter::Messages, Error> {
        wait(self.0.retrieve_all()).map(Messages)
    }

    fn retrieve_many(&mut self, numbers: impl IntoIterator<Item = u32>) -> impl adapter::Messages {
        Messages(self.0.retrieve_many(numbers))
    }

    fn headers_all(&mut self) -> Result<impl Iterator<Item = Result<(u32, Message), Error>>, Error> {
        let mut headers = wait(self.0.headers_all())?;
        Ok(std::iter::from_fn(move || wait(headers.next())))
    }

    fn headers_many(
        &mut self,
        numbers: impl IntoIterator<Item = u32>,
    ) -> impl Iterator<Item = Result<(u32, Message), Error>> {
        let mut headers = self.0.headers_many(numbers);
        std::iter::from_fn(move || wait(headers.next()))
    }

    fn delete_all(&mut self) -> Result<impl Iterator<Item = Result<u32, Error>>, Error> {
        let mut deletions = wait(self.0.delete_all())?;
        Ok(std::iter::from_fn(move || wait(deletions.next())))
    }

    fn delete_many(&mut self, numbers: impl IntoIterator<Item = u32>) -> impl Iterator<Item = Result<u32, Error>> {
        let mut deletions = self.0.delete_many(numbers);
        std::iter::from_fn(move || wait(deletions.next()))
    }

    fn quit(self) -> Result<(), QuitError> {
        wait(self.0.quit())
    }

    fn abandon(self) {
        drop(self.0.abandon());
    }
}

struct Messages<'a>(pop3_async::Messages<'a, TcpStream>);

impl adapter::Messages for Messages<'_> {
    fn next(&mut self) -> Result<Option<impl adapter::Reader>, Error> {
        Ok(wait(self.0.next())?.map(Reader))
    }

    fn stop(&mut self) {
        self.0.stop();
    }
}

#[derive(Debug)]
struct Reader<'a>(pop3_async::MessageReader<'a, TcpStream>);

impl adapter::Reader for Reader<'_> {
    fn number(&self) -> u32 {
        self.0.number()
    }

    fn octets(&self) -> u64 {
        self.0.octets()
    }

    fn into_message(self) -> Result<Message, Error> {
        wait(self.0.into_message())
    }
}

impl Read for Reader<'_> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        wait(self.0.read(space))
    }
}

impl BufRead for Reader<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        wait(self.0.fill_buf())
    }

    fn consume(&mut self, octets: usize) {
        self.0.consume(octets);
    }
}
