//! Downloads a maildrop with `smol`, from any stream that implements the traits of futures-io, with STLS.
//!
//! `smol [HOST PORT USER PASSWORD]` counts messages and octets. Without arguments it starts a server of its own. If
//! `POP3_CA` names a PEM file, the session begins TLS with STLS and trusts the authorities in the file; otherwise it is
//! not protected.

use std::env;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_rustls::TlsConnector;
use futures_rustls::client::TlsStream;
use pop3_proto::drive::{Acknowledge, Batch, Call, Conversation, Deadlines, Io, ListAll, Selection, Step, Timeouts};
use pop3_proto::login::{Credentials, Login, Policy, Progress, Security};
use pop3_proto::tls::rustls::{ClientConfig, pki_types::ServerName};
use pop3_proto::tls::{established, explain, server_name};
use pop3_proto::{Cause, Command, Config, Error};
use smol::Timer;
use smol::future::{or, poll_once};
use smol::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use smol::net::TcpStream;

mod embedded;
#[path = "embedded/trusting.rs"]
mod trusting;

/// The maximum number of octets of commands in flight. It is small, because this loop does not read while it writes.
const WINDOW: usize = 4096;

/// A session and its stream: the loop. You can copy it unchanged.
struct Link<S> {
    conversation: Conversation,
    deadlines: Deadlines,
    stream: S,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Link<S> {
    /// Repeats `step` until it is done, and does the I/O that each step needs.
    async fn run<T>(&mut self, mut step: impl FnMut(&mut Conversation) -> Result<Step<T>, Error>) -> Result<T, Error> {
        loop {
            let done = match step(&mut self.conversation)? {
                Step::Done(value) => return Ok(value),
                Step::NeedIo(Io::Transfer) => self.transfer().await,
                Step::NeedIo(Io::Look) => {
                    let found = poll_once(self.read()).await.transpose();
                    self.conversation.looked();
                    found.map(drop)
                }
            };
            if let Err(error) = done {
                self.conversation.abort(error); // the next step returns it
            }
        }
    }

    /// Writes everything, then waits for octets, for as long as the deadlines permit.
    async fn transfer(&mut self) -> io::Result<()> {
        let left = self.deadlines.answer(&self.conversation)?;
        let (waited, octets) = wait(left, self.exchange()).await;
        self.deadlines.spent(waited, octets?.unwrap_or(0));
        Ok(())
    }

    /// This can be dropped at any await.
    async fn exchange(&mut self) -> io::Result<usize> {
        while !self.conversation.pending().is_empty() {
            match self.stream.write(self.conversation.pending()).await {
                // The server has closed the connection. Its last line may say why.
                Ok(0) | Err(_) => self.conversation.write_failed(),
                Ok(octets) => self.conversation.written(octets),
            }
        }
        // TLS may hold octets back. A read reports what is wrong with the stream.
        let _ = self.stream.flush().await;
        self.read().await
    }

    async fn read(&mut self) -> io::Result<usize> {
        let octets = match self.stream.read(self.conversation.spare()).await {
            // The connection is gone, with or without TLS's close: the conversation detects a truncated answer.
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof) => 0,
            read => read?,
        };
        self.conversation.filled(octets);
        Ok(octets)
    }

    async fn start_tls(mut self, tls: Arc<ClientConfig>, host: ServerName<'static>) -> io::Result<Link<TlsStream<S>>> {
        let handshake = TlsConnector::from(tls).connect(host.clone(), self.stream);
        let (waited, stream) = wait(self.deadlines.handshake()?, handshake).await;
        self.deadlines.spent(waited, 0);
        self.deadlines.handshake()?; // the error, if this was too late
        let stream = stream.map_err(|error| explain(error, &host))?.ok_or(ErrorKind::TimedOut)?;
        established(&mut self.conversation, stream.get_ref().1)?;
        Ok(Link { conversation: self.conversation, deadlines: self.deadlines, stream })
    }
}

/// Waits for `work`, but no longer than `left`. Returns the time that it took, and `None` if that was too long: the
/// deadlines return the error before the next wait.
async fn wait<T>(left: Duration, work: impl Future<Output = io::Result<T>>) -> (Duration, io::Result<Option<T>>) {
    let (begin, late) = (Instant::now(), async {
        Timer::after(left).await;
        Ok(None)
    });
    let done = or(async { work.await.map(Some) }, late).await;
    (begin.elapsed(), done)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let target = embedded::Target::from_arguments(1, 10)?;
    let (user, password) = target.accounts.into_iter().next().ok_or("no account")?;
    let tls = env::var_os("POP3_CA").map(|path| trusting::trusting(&std::fs::read(path)?)).transpose()?;
    // The certificate must be valid for the name as it was given.
    let host = server_name(&env::args().nth(1).unwrap_or("localhost".to_owned()))?;
    // Without TLS, the password is sent in the clear.
    let policy = match tls {
        Some(_) => Policy::new().security(Security::StartTls),
        None => Policy::new().security(Security::Plaintext).allow_plaintext(true),
    };
    let mut login = Login::new(Credentials::new(user, password), policy);
    let (messages, octets) = smol::block_on(async {
        let mut deadlines = Deadlines::new(Timeouts::default());
        let stream = connect(target.address, &mut deadlines).await?;
        let mut link = Link { conversation: Conversation::new(Config::default()), deadlines, stream };
        match (link.run(|conversation| login.step(conversation)).await?, tls) {
            (Progress::StartTls, Some(tls)) => {
                let handshake = link.start_tls(tls, host).await;
                let failed = |error: io::Error| Error::new("beginning TLS", Cause::Handshake(error.into()));
                let mut link = handshake.map_err(failed)?;
                link.run(|conversation| login.step(conversation)).await?;
                download(link).await
            }
            (Progress::StartTls, None) => Err("there are no TLS settings".into()),
            (Progress::LoggedIn, _) => download(link).await,
        }
    })?;
    println!("{messages} messages, {octets} octets");
    Ok(())
}

async fn connect(address: SocketAddr, deadlines: &mut Deadlines) -> io::Result<TcpStream> {
    let (waited, stream) = wait(deadlines.connection()?, TcpStream::connect(address)).await;
    deadlines.spent(waited, 0);
    stream?.ok_or(ErrorKind::TimedOut.into())
}

/// Reads all messages, and counts them and their octets.
async fn download<S: AsyncRead + AsyncWrite + Unpin>(
    mut link: Link<S>,
) -> Result<(usize, usize), Box<dyn std::error::Error>> {
    let mut list = Call::new(ListAll::default());
    let listings = link.run(|conversation| conversation.step(&mut list)).await?;
    let mut batch = Batch::retrieve(Selection::from_iter(listings), WINDOW);
    let (mut messages, mut octets) = (0, 0);
    while let Some(item) = link.run(|conversation| Ok(batch.next(conversation))).await? {
        let mut retrieval = item.call;
        while link.run(|conversation| conversation.read(&mut retrieval)).await? {
            // A program would use `link.conversation.body()` here, a slice of the received octets.
            octets += link.conversation.body().len();
            link.conversation.take_body(usize::MAX);
        }
        messages += 1;
    }
    let mut quit = Call::new(Acknowledge(Command::Quit));
    link.run(|conversation| conversation.step(&mut quit)).await.map_err(|error| quit.quit_error(error))?;
    Ok((messages, octets))
}
