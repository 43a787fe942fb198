//! AUTHORIZATION: a connection that nobody has logged in on yet (RFC 1939, section 4).

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use pop3_proto::conversation::{Call, Conversation, Step};
use pop3_proto::exchange::{Acknowledge, Capabilities, Lines};
use pop3_proto::login::{Credentials, Login, Policy, Progress, Security};
use pop3_proto::reply::Greeting;
use pop3_proto::{Command, Config, Entry};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::link::Link;
use crate::patience::Patience;
use crate::{Error, LoginError, QuitError, Session};

/// A connection to a server that has greeted us. A login turns it into a [`Session`].
pub struct Connection<S> {
    pub(crate) link: Box<Link<S>>,
}

impl<S> std::fmt::Debug for Connection<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Connection").field(&self.link).finish()
    }
}

/// A login that failed, and the connection if it can be used again: for another try, or for QUIT.
pub type LoginFailed<S> = pop3_proto::login::LoginFailed<Connection<S>, std::io::Error>;

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Waits for the greeting on a stream that is connected already. Dropped: the stream is dropped too.
    ///
    /// Waits are not limited, neither this one nor later ones: [`tokio::time::timeout`] limits this one,
    /// [`set_timeout`](Self::set_timeout) the others. Batches keep 32 KiB of commands in flight;
    /// [`set_window`](Self::set_window) changes it. If the stream is a socket, give it `TCP_NODELAY`.
    ///
    /// # Errors
    ///
    /// [`Cause::Refused`](crate::Cause::Refused) if the greeting is `-ERR`; [`Cause::Protocol`](crate::Cause::Protocol); [`Cause::Transport`](crate::Cause::Transport).
    pub async fn new(stream: S, config: Config) -> Result<Connection<S>, Error> {
        Connection::open(Link::new(stream, Conversation::new(config), Patience::default())).await
    }

    /// Like [`new`](Self::new), with a log that receives the conversation from the greeting on: secrets replaced, bodies
    /// as a count of octets.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new).
    pub async fn with_log(
        stream: S,
        config: Config,
        log: impl FnMut(Entry<'_>) + Send + 'static,
    ) -> Result<Connection<S>, Error> {
        let mut conversation = Conversation::new(config);
        conversation.set_log(log);
        Connection::open(Link::new(stream, conversation, Patience::default())).await
    }

    pub(crate) async fn open(mut link: Box<Link<S>>) -> Result<Connection<S>, Error> {
        loop {
            match link.conversation.greet().map_err(pop3_proto::Error::widen)? {
                Step::Done(()) => return Ok(Connection { link }),
                Step::NeedIo => {
                    let io = poll_fn(|cx| link.poll_io(cx)).await;
                    io.map_err(|cause| Error::new("reading the greeting", cause))?;
                }
            }
        }
    }

    /// Has a batch keep so many octets of commands in flight. Any number will do: see the [crate's docs](crate).
    pub fn set_window(&mut self, octets: usize) {
        self.link.window = octets;
    }

    /// How long the server may send nothing (and take nothing) while it is waited for; `None` is for ever. The wait of a
    /// future that was dropped goes on with the next one.
    pub fn set_timeout(&mut self, timeout: Option<Duration>) {
        self.link.patience = Patience::new(timeout);
    }

    /// The greeting.
    pub fn greeting(&self) -> Option<Greeting<'_>> {
        self.link.conversation.greeting()
    }

    /// The stream.
    pub fn get_ref(&self) -> &S {
        &self.link.stream
    }

    /// CAPA: what the server announces before the login (RFC 2449, section 5). Dropped: the answer is skipped, and
    /// nothing learnt from it.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause); an old server refuses.
    pub async fn capabilities(&mut self) -> Result<&Capabilities, Error> {
        let lines = self.link.call(Lines::new(Command::Capa)).await?;
        Ok(self.link.conversation.learn(Capabilities::new(lines)))
    }

    /// UTF8: has the server send headers in UTF-8 (RFC 6856, section 2.1). Dropped: the server may do so or not.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause).
    pub async fn utf8(&mut self) -> Result<(), Error> {
        self.link.call(Acknowledge(Command::Utf8)).await
    }

    /// Logs in: asks for the capabilities unless they are known, chooses a mechanism, and proves who we are. Dropped: the
    /// connection is closed, and the password may have been sent.
    ///
    /// # Errors
    ///
    /// [`LoginFailed`], with a reason and, where it can be used again, the connection.
    pub async fn login(mut self, credentials: Credentials, policy: Policy) -> Result<Session<S>, Box<LoginFailed<S>>> {
        const DOING: &str = "the login";
        if policy.security != Security::Plaintext && !self.link.conversation.client().inside_tls() {
            return Err(Box::new(LoginFailed { connection: Some(self), reason: LoginError::NoTls }));
        }
        let mut login = Login::new(credentials, policy);
        poll_fn(|cx| {
            self.link.look(cx);
            Poll::Ready(())
        })
        .await;
        loop {
            let reason = match login.step(&mut self.link.conversation) {
                Ok(Step::Done(Progress::LoggedIn)) => return Ok(Session::new(self.link)),
                Ok(Step::Done(Progress::StartTls)) => LoginError::NoTls,
                Ok(Step::NeedIo) => match poll_fn(|cx| self.link.poll_io(cx)).await {
                    Ok(()) => continue,
                    Err(cause) => LoginError::Failed(Error::new(DOING, cause)),
                },
                Err(reason) => reason.widen(),
            };
            let connection = reason.session_goes_on().then_some(self);
            return Err(Box::new(LoginFailed { connection, reason }));
        }
    }

    /// QUIT without a login: nothing is deleted. Dropped: the connection is closed.
    ///
    /// # Errors
    ///
    /// [`QuitError`]; it matters to nobody but the curious.
    pub async fn quit(mut self) -> Result<(), QuitError> {
        let mut quit = Call::new(Acknowledge(Command::Quit));
        self.link.finish(&mut quit).await.map_err(|error| QuitError::new(error, quit.is_sent()))
    }
}
