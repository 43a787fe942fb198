//! A client that only receives.

use pop3_proto::wire::Payload;
use pop3_proto::{Client, Command, Config, Event, ProtocolError};

use crate::engine::Role;
use crate::heard::Heard;

pub(crate) const AUTH: Command<'static> = Command::Auth { mechanism: "X", initial_response: None };

/// A client, and the error that it returned.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Receiving {
    client: Client,
    error: Option<ProtocolError>,
    /// No line that may be awaited is longer.
    longest: usize,
}

impl Receiving {
    pub(crate) fn new(config: Config) -> Receiving {
        let longest = config.max_line.max(config.max_challenge).max(3) as usize;
        Receiving { client: Client::new(config), error: None, longest }
    }

    /// Returns a client in AUTHORIZATION, whose first line ended in `end`.
    pub(crate) fn greeted(config: Config, end: &str) -> Receiving {
        Receiving::new(config).hears(&format!("+OK{end}"))
    }

    /// Returns a client in TRANSACTION.
    pub(crate) fn logged_in(config: Config, end: &str) -> Receiving {
        let named = Receiving::greeted(config, end).sends(Command::User("u")).sends(Command::Pass("p"));
        named.hears(&format!("+OK{end}+OK{end}"))
    }

    pub(crate) fn sends(mut self, command: Command<'_>) -> Receiving {
        self.client.send(command, &mut Vec::new()).expect("the place permits the command");
        self
    }

    pub(crate) fn hears(mut self, octets: &str) -> Receiving {
        let mut input = octets.as_bytes();
        self.read(&mut input, &mut Heard::default());
        assert!(input.is_empty() && self.error.is_none(), "{self:?}");
        self
    }

    pub(crate) fn does(mut self, what: impl FnOnce(&mut Client)) -> Receiving {
        what(&mut self.client);
        self
    }
}

impl Role for Receiving {
    fn read(&mut self, input: &mut &[u8], heard: &mut Heard) {
        if let Some(error) = self.error {
            assert_eq!(self.client.receive(input), Err(error), "an error is permanent");
            *input = &[];
            return;
        }
        loop {
            let before = input.len();
            match self.client.receive(input) {
                Ok(Some(event)) => {
                    assert!(input.len() < before, "each event consumes octets");
                    note(event, heard);
                }
                Ok(None) => {
                    assert!(input.len() < self.longest, "{} octets are left", input.len());
                    return;
                }
                Err(error) => {
                    heard.note(&format!("{:?}", error.violation()), error.excerpt().as_bytes());
                    self.error = Some(error);
                    *input = &[];
                    return;
                }
            }
        }
    }

    fn has_failed(&self) -> bool {
        self.error.is_some()
    }
}

fn note(event: Event<'_>, heard: &mut Heard) {
    let about = |what: &str| event.to().map_or_else(|| what.to_owned(), |to| format!("{to:?} {what}"));
    match event {
        Event::Greeting(greeting) => heard.note("greeting", greeting.text().as_bytes()),
        Event::NoService(refusal) => heard.note("no service", refusal.line()),
        Event::Ok { reply, .. } => heard.note(&about("ok"), reply.line()),
        Event::Refused { refusal, .. } => heard.note(&about("refused"), refusal.line()),
        Event::Challenge { challenge, .. } => {
            let Payload::Base64(text) = challenge.payload() else { panic!("{challenge:?} is not as received") };
            heard.note(&about("challenge"), text);
        }
        Event::Row { row, .. } => heard.note(&about("row"), row.as_bytes()),
        Event::Body { bytes, .. } => {
            assert!(!bytes.is_empty());
            heard.body(&about("body"), bytes);
        }
        Event::End { .. } => heard.note(&about("end"), b""),
        Event::StartTls { .. } => heard.note(&about("starts TLS"), b""),
    }
}
