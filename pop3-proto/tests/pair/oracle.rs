//! The answers that a server must give, by a straightforward reading of RFC 1939, 2449, 2595 and 5034.

use pop3_proto::wire::{Digest, Payload, Response, Timestamp};
use pop3_proto::{Command, State};

use crate::link::{Scene, TIMESTAMP};
use crate::maildrop::{PASSWORD, USER};

/// A command of the script.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) command: Command<'static>,
    /// The answer to a challenge.
    pub(crate) response: Response<'static>,
    /// Waits until all commands before it are answered.
    pub(crate) waits: bool,
}

/// The data of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) ok: bool,
    /// The text after `+OK`, where that is data.
    pub(crate) text: Vec<u8>,
    pub(crate) rows: Vec<Vec<u8>>,
    pub(crate) body: Vec<u8>,
    /// The answer came to its end.
    pub(crate) whole: bool,
}

const ERR: Answer = Answer { ok: false, text: Vec::new(), rows: Vec::new(), body: Vec::new(), whole: true };
const OK: Answer = Answer { ok: true, text: Vec::new(), rows: Vec::new(), body: Vec::new(), whole: true };

/// The right response of PLAIN.
pub(crate) const PLAIN: &[u8] = b"\0ann\0 tan  staaf";

pub(crate) fn digest(password: &str) -> Digest {
    Digest::new(Timestamp::find(TIMESTAMP).unwrap(), password.as_bytes())
}

/// A server that answers at once.
#[derive(Debug)]
pub(crate) struct Oracle<'a> {
    scene: &'a Scene,
    pub(crate) state: State,
    named: &'static str,
    pub(crate) tls: bool,
    refusals: u32,
    pub(crate) marks: Vec<u32>,
}

impl<'a> Oracle<'a> {
    pub(crate) fn new(scene: &'a Scene) -> Oracle<'a> {
        let tls = scene.server.inside_tls;
        Oracle { scene, state: State::Authorization, named: "", tls, refusals: 0, marks: Vec::new() }
    }

    /// Returns the answer, unless the session is over.
    pub(crate) fn answer(&mut self, said: &Said) -> Option<Answer> {
        match self.state {
            State::Update | State::Closed => None,
            State::Transaction => Some(self.transaction(&said.command)),
            _ => {
                let answer = self.authorization(said);
                if !answer.ok {
                    self.refusals += 1;
                    if self.refusals >= self.scene.server.max_refusals {
                        self.state = State::Closed;
                    }
                }
                Some(answer)
            }
        }
    }

    fn authorization(&mut self, said: &Said) -> Answer {
        // Every command but PASS makes the server forget the name.
        let named = std::mem::take(&mut self.named);
        self.state = State::Authorization;
        let plaintext = self.tls || self.scene.server.plaintext_login;
        let proved = match said.command {
            Command::User(name) if plaintext => {
                (self.named, self.state) = (name, State::Named);
                return OK;
            }
            Command::Stls if self.scene.server.stls && !self.tls => {
                self.tls = true;
                return OK;
            }
            Command::Capa => return self.capabilities(),
            Command::Quit => {
                self.state = State::Closed;
                return OK;
            }
            Command::Pass(password) => named == USER && password == PASSWORD,
            Command::Apop { user, digest: given } => {
                self.scene.timestamp && user == USER && given.as_bytes() == digest(PASSWORD).as_bytes()
            }
            Command::Auth { mechanism: "PLAIN", initial_response } if plaintext => {
                let response = initial_response.map_or(said.response, Response::Data);
                response == Response::Data(Payload::Octets(PLAIN))
            }
            _ => false,
        };
        if !proved {
            return ERR;
        }
        self.state = State::Transaction;
        OK
    }

    fn transaction(&mut self, command: &Command<'_>) -> Answer {
        let rows = |rows: Vec<String>| Answer { rows: rows.into_iter().map(String::into_bytes).collect(), ..OK };
        let text = |text: String| Answer { text: text.into_bytes(), ..OK };
        let has = |number: u32| self.scene.mail(number).filter(|_| !self.marks.contains(&number));
        match *command {
            Command::Stat => {
                let octets: usize = self.live().map(|(_, octets, _)| octets).sum();
                text(format!("{} {octets}", self.live().count()))
            }
            Command::List(None) => rows(self.live().map(|(number, octets, _)| format!("{number} {octets}")).collect()),
            Command::Uidl(None) => rows(self.live().map(|(number, _, id)| format!("{number} {id}")).collect()),
            Command::List(Some(n)) => has(n).map_or(ERR, |mail| text(format!("{n} {}", mail.sent().len()))),
            Command::Uidl(Some(n)) => has(n).map_or(ERR, |mail| text(format!("{n} {}", mail.id))),
            Command::Retr(n) => has(n).map_or(ERR, |mail| Answer { body: mail.sent(), ..OK }),
            Command::Top { number, lines } => has(number).map_or(ERR, |mail| Answer { body: mail.top(lines), ..OK }),
            Command::Dele(number) if has(number).is_some() => {
                self.marks.push(number);
                OK
            }
            Command::Rset => {
                self.marks.clear();
                OK
            }
            Command::Noop => OK,
            Command::Capa => self.capabilities(),
            Command::Quit => {
                self.state = State::Update;
                self.marks.sort_unstable();
                OK
            }
            _ => ERR,
        }
    }

    /// Returns number, size and unique-id of each message that is not marked.
    fn live(&self) -> impl Iterator<Item = (u32, usize, &str)> {
        let all = (1..).zip(&self.scene.mails).map(|(number, mail)| (number, mail.sent().len(), mail.id.as_str()));
        all.filter(|(number, ..)| !self.marks.contains(number))
    }

    fn capabilities(&self) -> Answer {
        let plaintext = self.tls || self.scene.server.plaintext_login;
        let stls = self.scene.server.stls && !self.tls && self.state != State::Transaction;
        let bound = self.tls && self.scene.exporters.is_some();
        let sasl = match (plaintext, self.scene.scram, bound) {
            (false, false, _) => "",
            (true, false, _) => "SASL PLAIN",
            (false, true, false) => "SASL SCRAM-SHA-256",
            (false, true, true) => "SASL SCRAM-SHA-256 SCRAM-SHA-256-PLUS",
            (true, true, false) => "SASL PLAIN SCRAM-SHA-256",
            (true, true, true) => "SASL PLAIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS",
        };
        let all = ["TOP", "UIDL", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING", "USER", sasl, "STLS"];
        let hidden = |name: &str| match name {
            "" => true,
            "USER" => !plaintext,
            "STLS" => !stls,
            _ => false,
        };
        let rows = all.into_iter().filter(|name| !hidden(name)).map(|name| name.as_bytes().to_vec());
        Answer { rows: rows.collect(), ..OK }
    }
}
