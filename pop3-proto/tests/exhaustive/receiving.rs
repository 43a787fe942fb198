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
    /// The caller copies the octets of messages.
    copies: bool,
}

impl Receiving {
    pub(crate) fn new(config: Config) -> Receiving {
        let longest = config.max_line.max(config.max_challenge).max(3) as usize;
        Receiving { client: Client::new(config), error: None, longest, copies: false }
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

    pub(crate) fn copies(self) -> Receiving {
        Receiving { copies: true, ..self }
    }

    /// Checks that copying a message at once gives the same octets as its slices, and the same client.
    pub(crate) fn copies_at_once(mut self, octets: &[u8]) {
        let (mut other, mut rest, mut slices) = (self.clone(), octets, Heard::default());
        other.slice(&mut rest, &mut slices);
        let (mut input, mut copies, mut space) = (octets, Heard::default(), [0; 256]);
        let to = self.client.oldest().expect("a message is awaited");
        let len = self.client.copy_body(&mut input, &mut space);
        copies.body(&format!("{to:?} body"), &space[..len]);
        self.slice(&mut input, &mut copies);
        let text = octets.escape_ascii();
        assert_eq!((&copies, &self, input), (&slices, &other, rest), "slices and copies of {text} differ");
    }

    pub(crate) fn does(mut self, what: impl FnOnce(&mut Client)) -> Receiving {
        what(&mut self.client);
        self
    }
}

impl Role for Receiving {
    fn read(&mut self, input: &mut &[u8], heard: &mut Heard) {
        if self.copies {
            self.copy_and_compare(input, heard);
        } else {
            self.slice(input, heard);
        }
    }

    fn has_failed(&self) -> bool {
        self.error.is_some()
    }
}

impl Receiving {
    /// Reads everything in both ways, which must make no difference.
    fn copy_and_compare(&mut self, input: &mut &[u8], heard: &mut Heard) {
        let (mut other, mut rest, mut slices) = (self.clone(), *input, Heard::default());
        other.slice(&mut rest, &mut slices);
        let mut copies = Heard::default();
        // Few octets at a time, so that the way is changed inside of lines.
        let (mut space, to) = ([0; 3], self.client.oldest());
        while let octets @ 1.. = self.client.copy_body(input, &mut space) {
            copies.body(&format!("{:?} body", to.expect("a message is awaited")), &space[..octets]);
        }
        self.slice(input, &mut copies);
        assert_eq!((&copies, &*self, *input), (&slices, &other, rest), "slices and copies differ");
        heard.append(&slices);
    }

    fn slice(&mut self, input: &mut &[u8], heard: &mut Heard) {
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
}

fn note(event: Event<'_>, heard: &mut Heard) {
    let about = |what: &str| event.to().map_or_else(|| what.to_owned(), |to| format!("{to:?} {what}"));
    match event {
        Event::Greeting(greeting) => heard.note("greeting", greeting.text().as_bytes()),
        Event::NoService(refusal) => heard.note("no service", refusal.line()),
        Event::Ok { reply, .. } => heard.note(&about("ok"), reply.line()),
        Event::Refused { refusal, .. } => heard.note(&about("refused"), refusal.line()),
        Event::Challenge { challenge, .. } => {
            let Payload::Base64(text) = challenge else { panic!("{challenge:?} is not as received") };
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
