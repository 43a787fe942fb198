//! A session with one maildrop: the login, all messages, and QUIT.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use mio::net::TcpStream;
use pop3_proto::drive::{
    Acknowledge, Batch, Call, Conversation, Deadlines, Io, ListAll, Retrieval, Selection, Step, Timeouts,
};
use pop3_proto::login::{Credentials, Login, Policy, Progress, Security};
use pop3_proto::tls::rustls::pki_types::ServerName;
use pop3_proto::tls::rustls::{ClientConfig, ClientConnection};
use pop3_proto::{Command, Config};

use crate::wire::{Wire, would_wait};

/// The maximum number of octets of commands in flight, enough for thousands of commands. It can be large, because this
/// loop reads whenever it cannot write.
const WINDOW: usize = 32 * 1024;

pub(crate) struct Session {
    pub(crate) user: String,
    pub(crate) wire: Wire,
    stage: Stage,
    pub(crate) messages: usize,
    pub(crate) octets: usize,
}

/// The progress of a session.
enum Stage {
    /// The greeting and the login.
    Login(Box<Login>),
    List(Call<ListAll>),
    /// A batch keeps many RETRs in flight; the answers come one after the other.
    Messages(Batch<Retrieval>, Option<Retrieval>),
    Quit(Call<Acknowledge<'static>>),
}

/// The next thing that a session needs.
enum Next {
    Io(Io),
    StartTls,
    Nothing,
}

impl Session {
    pub(crate) fn new(
        stream: TcpStream,
        host: ServerName<'static>,
        tls: Option<Arc<ClientConfig>>,
        user: String,
        password: String,
    ) -> Result<Session, Box<dyn Error>> {
        // Without TLS, the password is sent in the clear.
        let policy = match tls {
            Some(_) => Policy::new().security(Security::StartTls),
            None => Policy::new().security(Security::Plaintext).allow_plaintext(true),
        };
        let wire = Wire {
            conversation: Conversation::new(Config::default()),
            stream,
            tls: tls.map(|config| ClientConnection::new(config, host.clone())).transpose()?,
            host,
            deadlines: Deadlines::new(Timeouts::default()),
            // The first wait begins at once.
            deadline: Duration::ZERO,
        };
        let login = Login::new(Credentials::new(user.clone(), password), policy);
        Ok(Session { user, wire, stage: Stage::Login(Box::new(login)), messages: 0, octets: 0 })
    }

    /// Continues until the session is over (returns true) or the socket would block (returns false).
    ///
    /// Stopping earlier would be an error, because `mio` reports readiness only once. (To be fair to other sessions, a
    /// real program should stop after some rounds and put the session at the end of a queue.)
    pub(crate) fn ready(&mut self, now: Duration) -> Result<bool, Box<dyn Error>> {
        loop {
            let result = match self.step()? {
                Next::Io(io) => self.wire.transfer(io, now),
                Next::StartTls => self.wire.start_tls(),
                Next::Nothing => return Ok(true),
            };
            match result {
                Err(error) if would_wait(&error) => {
                    self.wire.deadline = self.wire.deadlines.until(&self.wire.conversation, now)?;
                    return Ok(false);
                }
                // The next step returns the error.
                Err(error) => self.wire.conversation.abort(error),
                Ok(()) => {}
            }
        }
    }

    /// Advances the protocol as far as the received octets allow, without I/O.
    fn step(&mut self) -> Result<Next, Box<dyn Error>> {
        let conversation = &mut self.wire.conversation;
        loop {
            self.stage = match &mut self.stage {
                Stage::Login(login) => match login.step(conversation)? {
                    Step::NeedIo(io) => return Ok(Next::Io(io)),
                    Step::Done(Progress::StartTls) => return Ok(Next::StartTls),
                    Step::Done(Progress::LoggedIn) => Stage::List(Call::new(ListAll::default())),
                },
                Stage::List(list) => match conversation.step(list)? {
                    Step::NeedIo(io) => return Ok(Next::Io(io)),
                    Step::Done(listings) => {
                        Stage::Messages(Batch::retrieve(Selection::from_iter(listings), WINDOW), None)
                    }
                },
                Stage::Messages(batch, message) => match message {
                    None => match batch.next(conversation) {
                        Step::NeedIo(io) => return Ok(Next::Io(io)),
                        Step::Done(Some(item)) => {
                            *message = Some(item.call);
                            continue;
                        }
                        Step::Done(None) => Stage::Quit(Call::new(Acknowledge(Command::Quit))),
                    },
                    Some(retrieval) => {
                        match conversation.read(retrieval)? {
                            Step::NeedIo(io) => return Ok(Next::Io(io)),
                            Step::Done(true) => {
                                // A program would read `conversation.body()` here, a slice of the received octets.
                                let octets = conversation.body().len();
                                conversation.take_body(octets);
                                self.octets += octets;
                            }
                            Step::Done(false) => {
                                self.messages += 1;
                                *message = None;
                            }
                        }
                        continue;
                    }
                },
                Stage::Quit(quit) => {
                    return Ok(match conversation.step(quit)? {
                        Step::NeedIo(io) => Next::Io(io),
                        Step::Done(()) => Next::Nothing,
                    });
                }
            }
        }
    }
}
