//! AUTHORIZATION: a connection that nobody has logged in on yet (RFC 1939, section 4).

use std::io::{Read, Write};

use pop3_proto::conversation::{Call, Conversation, Step};
use pop3_proto::exchange::{Acknowledge, Capabilities, Lines};
use pop3_proto::login::{Credentials, Login, Policy, Progress, Security};
use pop3_proto::reply::Greeting;
use pop3_proto::{Command, Config, Entry};

use crate::link::Link;
use crate::{Error, LoginError, QuitError, Session};

/// A connection to a server that has greeted us. A login turns it into a [`Session`].
pub struct Connection<S> {
    pub(crate) link: Link<S>,
}

impl<S> std::fmt::Debug for Connection<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Connection").field(&self.link).finish()
    }
}

/// A login that failed, and the connection if it can be used again: for another try, or for QUIT.
pub type LoginFailed<S> = pop3_proto::login::LoginFailed<Connection<S>, std::io::Error>;

impl<S: Read + Write> Connection<S> {
    /// Waits for the greeting on a stream that is connected already.
    ///
    /// Batches keep 4 KiB of commands in flight, which any transport should take without blocking;
    /// [`set_window`](Self::set_window) changes it. A stream of your own is read only when an answer is awaited, so a `-ERR`
    /// that a server says before it hangs up on an idle client looks like the answer to the next command;
    /// [`connect`](crate::connect()) tells them apart.
    ///
    /// # Errors
    ///
    /// [`Cause::Refused`](crate::Cause::Refused) if the greeting is `-ERR`; [`Cause::Protocol`](crate::Cause::Protocol); [`Cause::Transport`](crate::Cause::Transport).
    pub fn new(stream: S, config: Config) -> Result<Connection<S>, Error> {
        Connection::open(stream, Conversation::new(config))
    }

    /// Like [`new`](Self::new), with a log that receives the conversation from the greeting on: secrets replaced, bodies
    /// as a count of octets.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new).
    pub fn with_log(
        stream: S,
        config: Config,
        log: impl FnMut(Entry<'_>) + Send + 'static,
    ) -> Result<Connection<S>, Error> {
        let mut conversation = Conversation::new(config);
        conversation.set_log(log);
        Connection::open(stream, conversation)
    }

    fn open(stream: S, conversation: Conversation) -> Result<Connection<S>, Error> {
        let mut link = Link::new(stream, conversation);
        loop {
            match link.conversation.greet().map_err(pop3_proto::Error::widen)? {
                Step::Done(()) => return Ok(Connection { link }),
                Step::NeedIo => link.io(|| "reading the greeting".into())?,
            }
        }
    }

    /// Has a batch keep so many octets of commands in flight: at most what the transport buffers towards the server, or
    /// both sides may end up waiting for each other to read (RFC 2449, section 6.6).
    pub fn set_window(&mut self, octets: usize) {
        self.link.window = octets;
    }

    /// The greeting.
    pub fn greeting(&self) -> Option<Greeting<'_>> {
        self.link.conversation.greeting()
    }

    /// The stream.
    pub fn get_ref(&self) -> &S {
        &self.link.stream
    }

    /// CAPA: what the server announces before the login (RFC 2449, section 5).
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause); an old server refuses.
    pub fn capabilities(&mut self) -> Result<&Capabilities, Error> {
        let lines = self.link.call(Lines::new(Command::Capa))?;
        Ok(self.link.conversation.learn(Capabilities::new(lines)))
    }

    /// UTF8: has the server send headers in UTF-8 (RFC 6856, section 2.1).
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause).
    pub fn utf8(&mut self) -> Result<(), Error> {
        self.link.call(Acknowledge(Command::Utf8))
    }

    /// Logs in: asks for the capabilities unless they are known, chooses a mechanism, and proves who we are.
    ///
    /// # Errors
    ///
    /// [`LoginFailed`], with a reason and, where it can be used again, the connection.
    pub fn login(mut self, credentials: Credentials, policy: Policy) -> Result<Session<S>, Box<LoginFailed<S>>> {
        if policy.security != Security::Plaintext && !self.link.conversation.client().inside_tls() {
            return Err(Box::new(LoginFailed { connection: Some(self), reason: LoginError::NoTls }));
        }
        let mut login = Login::new(credentials, policy);
        self.link.look();
        loop {
            let reason = match login.step(&mut self.link.conversation) {
                Ok(Step::Done(Progress::LoggedIn)) => return Ok(Session::new(self.link)),
                Ok(Step::Done(Progress::StartTls)) => LoginError::NoTls,
                Ok(Step::NeedIo) => match self.link.io(|| "the login".into()) {
                    Ok(()) => continue,
                    Err(error) => LoginError::Failed(error),
                },
                Err(reason) => reason.widen(),
            };
            let connection = reason.session_goes_on().then_some(self);
            return Err(Box::new(LoginFailed { connection, reason }));
        }
    }

    /// QUIT without a login: nothing is deleted.
    ///
    /// # Errors
    ///
    /// [`QuitError`]; it matters to nobody but the curious.
    pub fn quit(mut self) -> Result<(), QuitError> {
        let mut quit = Call::new(Acknowledge(Command::Quit));
        self.link.finish(&mut quit).map_err(|error| QuitError::new(error, quit.is_sent()))
    }
}
