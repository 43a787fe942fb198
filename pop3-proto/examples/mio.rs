//! Downloads many maildrops on one thread without a runtime: `mio` reports which sockets are ready, and the core does
//! the rest.
//!
//! `mio [HOST PORT USER PASSWORD [USER PASSWORD]...]` downloads all these maildrops at once and counts messages and
//! octets. Without arguments it starts a server with a hundred maildrops.
//!
//! A loop that waits for readiness cannot stop in the middle of a call, so it stores its position as data, in a
//! [`Stage`]. The [`Conversation`] keeps the rest of the state between two wake-ups, such as half a line or half a
//! message.

use std::collections::HashMap;
use std::error::Error;
use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use pop3_proto::drive::{Acknowledge, Batch, Call, Conversation, Io, ListAll, Retrieval, Selection, Step};
use pop3_proto::login::{Credentials, Login, Policy, Security};
use pop3_proto::{Command, Config};

mod embedded;

/// The octets of commands in flight, enough for thousands. They may be many, since this loop reads whenever it cannot
/// write.
const WINDOW: usize = 32 * 1024;

/// The time that a server may be silent: as long as it has to wait for a client (RFC 1939, section 3).
const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// A session with one maildrop.
struct Session {
    user: String,
    stream: TcpStream,
    conversation: Conversation,
    login: Login,
    stage: Stage,
    heard: Instant,
    messages: usize,
    octets: usize,
}

/// The progress of a session.
enum Stage {
    Greeting,
    Login,
    List(Call<ListAll>),
    /// A batch keeps many RETRs in flight; the answers come one after the other.
    Messages(Batch<Retrieval>, Option<Retrieval>),
    Quit(Call<Acknowledge<'static>>),
}

impl Session {
    fn new(stream: TcpStream, user: String, password: String) -> Session {
        // This example has no TLS, so it permits the password in the clear.
        let policy = Policy { security: Security::Plaintext, allow_plaintext: true, methods: None };
        let login = Login::new(Credentials::new(user.clone(), password), policy);
        let conversation = Conversation::new(Config::default());
        let heard = Instant::now();
        Session { user, stream, conversation, login, stage: Stage::Greeting, heard, messages: 0, octets: 0 }
    }

    /// Advances the protocol as far as the received octets allow, without I/O.
    fn step(&mut self) -> Result<Step<()>, Box<dyn Error>> {
        let conversation = &mut self.conversation;
        loop {
            self.stage = match &mut self.stage {
                Stage::Greeting => {
                    if let Step::NeedIo(io) = conversation.greet()? {
                        return Ok(Step::NeedIo(io));
                    }
                    Stage::Login
                }
                Stage::Login => {
                    // Only with `Security::StartTls` does it stop early, for the handshake.
                    if let Step::NeedIo(io) = self.login.step(conversation)? {
                        return Ok(Step::NeedIo(io));
                    }
                    Stage::List(Call::new(ListAll::new()))
                }
                Stage::List(list) => match conversation.step(list)? {
                    Step::NeedIo(io) => return Ok(Step::NeedIo(io)),
                    Step::Done(listings) => Stage::Messages(Batch::retrieve(Selection::listed(listings), WINDOW), None),
                },
                Stage::Messages(batch, message) => match message {
                    None => match batch.next(conversation) {
                        Step::NeedIo(io) => return Ok(Step::NeedIo(io)),
                        Step::Done(Some(item)) => {
                            *message = Some(item.call);
                            continue;
                        }
                        Step::Done(None) => Stage::Quit(Call::new(Acknowledge(Command::Quit))),
                    },
                    Some(retrieval) => {
                        match conversation.read(retrieval)? {
                            Step::NeedIo(io) => return Ok(Step::NeedIo(io)),
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
                Stage::Quit(quit) => return Ok(conversation.step(quit)?),
            }
        }
    }

    /// Moves octets until the session is over (`true`) or the socket would block (`false`).
    ///
    /// Stopping earlier would be an error, because `mio` reports readiness only once. (For fairness, a session whose
    /// server is faster than this thread should be put last in a queue of the program after some rounds.)
    fn ready(&mut self) -> Result<bool, Box<dyn Error>> {
        while let Step::NeedIo(io) = self.step()? {
            while !self.conversation.pending().is_empty() {
                match self.stream.write(self.conversation.pending()) {
                    Ok(octets) => self.conversation.written(octets),
                    // The server may not read before its output is read, so read next.
                    Err(error) if would_wait(error.kind()) => break,
                    Err(error) => return Err(error.into()),
                }
            }
            match self.stream.read(self.conversation.spare()) {
                Ok(octets) => self.conversation.filled(octets),
                Err(error) if would_wait(error.kind()) && io == Io::Look => {}
                Err(error) if would_wait(error.kind()) => return Ok(false),
                Err(error) => return Err(error.into()),
            }
            self.conversation.looked();
            self.heard = Instant::now();
        }
        Ok(true)
    }
}

/// Returns `true` if the socket is not ready or not connected yet. `mio` reports when it is.
fn would_wait(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::NotConnected)
}

fn main() -> Result<(), Box<dyn Error>> {
    let target = embedded::Target::from_arguments(100, 5)?;
    let mut poll = Poll::new()?;
    let mut sessions = HashMap::new();
    for (count, (user, password)) in target.accounts.into_iter().enumerate() {
        let mut stream = TcpStream::connect(target.address)?;
        poll.registry().register(&mut stream, Token(count), Interest::READABLE | Interest::WRITABLE)?;
        sessions.insert(Token(count), Session::new(stream, user, password));
    }

    let (all, mut done, mut messages, mut octets) = (sessions.len(), 0, 0, 0);
    let mut events = Events::with_capacity(256);
    while !sessions.is_empty() {
        match poll.poll(&mut events, Some(PATIENCE / 10)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            polled => polled?,
        }
        for event in &events {
            let Some(session) = sessions.get_mut(&event.token()) else { continue };
            match session.ready() {
                Ok(false) => continue,
                Ok(true) => (done, messages, octets) = (done + 1, messages + session.messages, octets + session.octets),
                // An error in one session does not end the others.
                Err(error) => eprintln!("{}: {error}", session.user),
            }
            sessions.remove(&event.token());
        }
        // The core has no clock, so the loop keeps the time.
        sessions.retain(|_, session| {
            let patient = session.heard.elapsed() < PATIENCE;
            if !patient {
                eprintln!("{}: the server has fallen silent", session.user);
            }
            patient
        });
    }
    println!("{done} of {all} maildrops, {messages} messages, {octets} octets, one thread");
    if done == all { Ok(()) } else { Err("not every maildrop could be read".into()) }
}
