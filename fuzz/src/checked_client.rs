//! Plays a script to a client and asserts the laws of every call: progress, poison, order.

use std::collections::VecDeque;

use pop3_proto::{Awaiting, Client, Config, Event, Kind, ProtocolError, Ticket};

/// The places where the octets of a stretch are cut.
#[derive(Clone, Copy, Debug)]
pub enum Cuts {
    /// Nowhere.
    Whole,
    /// After every octet.
    Every,
    /// At places that the seed decides.
    Some(u8),
}

/// An event, owned; the bodies of one answer are joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    Said(String),
    Body(Ticket, Vec<u8>),
    Broken(ProtocolError),
}

/// The shape of an answer after its `+OK`, written again from RFC 1939, 2449 and 6856.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Line,
    Rows,
    Message,
}

/// Returns the shape of the answer to a command of this kind.
pub fn shape(kind: Kind) -> Shape {
    match kind {
        Kind::Retr | Kind::Top => Shape::Message,
        Kind::AuthList | Kind::Capa | Kind::LangList | Kind::ListAll | Kind::UidlAll | Kind::RawListing => Shape::Rows,
        _ => Shape::Line,
    }
}

/// A client, the octets that it was offered and has not taken, and its events.
#[derive(Debug)]
pub struct CheckedClient {
    /// The space to copy messages into. If there is none, messages are taken as events.
    pub space: Vec<u8>,
    pub client: Client,
    pub inbox: Vec<u8>,
    pub heard: Vec<Heard>,
    /// The commands that await an answer, and whether their `+OK` was heard.
    pub owed: VecDeque<(Ticket, Kind, bool)>,
    pub error: Option<ProtocolError>,
    config: Config,
}

impl CheckedClient {
    pub fn new(config: Config, inside_tls: bool) -> CheckedClient {
        let mut client = Client::new(config);
        if inside_tls {
            client.tls_established(b"").expect("nothing came before TLS");
        }
        CheckedClient {
            space: Vec::new(),
            client,
            inbox: Vec::new(),
            heard: Vec::new(),
            owed: VecDeque::new(),
            error: None,
            config,
        }
    }

    /// Offers `octets` after those left from before, cut as told, and takes every event.
    pub fn offer(&mut self, octets: &[u8], cuts: Cuts) {
        let mut random = match cuts {
            Cuts::Some(seed) => u32::from(seed),
            _ => 0,
        };
        let mut rest = octets;
        while !rest.is_empty() {
            let len = match cuts {
                Cuts::Whole => rest.len(),
                Cuts::Every => 1,
                Cuts::Some(_) => {
                    random = random.wrapping_mul(1_103_515_245).wrapping_add(12_345);
                    (random >> 16) as usize % 7 + 1
                }
            };
            let (chunk, behind) = rest.split_at(len.min(rest.len()));
            rest = behind;
            self.inbox.extend(chunk);
            self.pump();
        }
    }

    /// Copies octets of a message, if there is space. Returns true if there were any.
    fn copy(&mut self, input: &mut &[u8]) -> bool {
        let (before, client) = (input.len(), self.client.clone());
        let mut space = std::mem::take(&mut self.space);
        let copied = self.client.copy_body(input, &mut space);
        assert!(input.len() + copied <= before, "law 1: as many octets as come out, or more, go in");
        if copied == 0 {
            assert_eq!((&self.client, input.len()), (&client, before), "nothing was copied and nothing has changed");
        } else {
            let to = self.client.oldest().expect("law 5: no message without a command");
            self.note(&Event::Body { to, bytes: &space[..copied] });
        }
        self.space = space;
        copied > 0
    }

    fn pump(&mut self) {
        let inbox = std::mem::take(&mut self.inbox);
        let mut input = inbox.as_slice();
        // Every other time, octets of a message are taken as an event.
        let mut copies = false;
        loop {
            copies = !copies;
            if copies && self.copy(&mut input) {
                continue;
            }
            let before = input.len();
            match self.client.receive(&mut input) {
                Ok(Some(event)) => {
                    assert!(input.len() < before, "law 1: an event shortens the input");
                    assert!(self.error.is_none(), "law 4: an event after an error");
                    self.note(&event);
                }
                Ok(None) => {
                    assert!(self.error.is_none(), "law 4: deadlines after an error");
                    assert!(input.len() <= self.deadlines(), "law 1: {} octets are kept waiting", input.len());
                    break;
                }
                Err(error) => {
                    if let Some(first) = self.error {
                        assert_eq!(first, error, "law 4: the same error for ever after");
                    } else {
                        self.error = Some(error);
                        self.heard.push(Heard::Broken(error));
                    }
                    let poisoned = self.client.clone();
                    assert_eq!(self.client.receive(&mut &b"+OK\r\n"[..]), Err(error));
                    assert_eq!(self.client, poisoned);
                    break;
                }
            }
        }
        self.inbox = input.to_vec();
        assert_eq!(self.client.in_flight(), self.owed.len(), "law 5: each is owed once");
    }

    /// Returns the most octets that may be left when the client asks for more.
    fn deadlines(&self) -> usize {
        let line = self.config.max_line.max(3) as usize - 1;
        match self.client.awaiting() {
            Awaiting::Status(Kind::Auth) => self.config.max_challenge as usize - 1,
            Awaiting::Body(_) => 2,
            Awaiting::Handshake => 0,
            _ => line,
        }
    }

    fn note(&mut self, event: &Event<'_>) {
        let oldest = self.owed.front().copied();
        let (to, done) = match *event {
            Event::Greeting(_) | Event::NoService(_) => {
                assert!(self.heard.is_empty(), "the greeting comes first and once");
                self.heard.push(Heard::Said(format!("{event:?}")));
                return;
            }
            Event::Ok { to, .. } => {
                let (_, kind, begun) = oldest.expect("law 5: no answer without a command");
                assert!(!begun && kind != Kind::Stls);
                self.owed[0].2 = true;
                (to, shape(kind) == Shape::Line)
            }
            Event::StartTls { to } => {
                assert!(matches!(oldest, Some((_, Kind::Stls, false))));
                (to, true)
            }
            Event::Refused { to, .. } => {
                assert!(matches!(oldest, Some((_, _, false))));
                (to, true)
            }
            Event::Challenge { to, .. } => {
                assert!(matches!(oldest, Some((_, Kind::Auth, false))));
                (to, false)
            }
            Event::Row { to, .. } => {
                assert!(matches!(oldest, Some((_, kind, true)) if shape(kind) == Shape::Rows));
                (to, false)
            }
            Event::Body { to, bytes } => {
                assert!(matches!(oldest, Some((_, kind, true)) if shape(kind) == Shape::Message));
                assert!(!bytes.is_empty());
                (to, false)
            }
            Event::End { to } => {
                assert!(matches!(oldest, Some((_, kind, true)) if shape(kind) != Shape::Line));
                (to, true)
            }
        };
        assert_eq!(Some(to), oldest.map(|(ticket, ..)| ticket), "law 5: first in, first out");
        if done {
            self.owed.pop_front();
        }
        match (*event, self.heard.last_mut()) {
            (Event::Body { bytes, .. }, Some(Heard::Body(before, body))) if *before == to => body.extend(bytes),
            (Event::Body { bytes, .. }, _) => self.heard.push(Heard::Body(to, bytes.to_vec())),
            _ => self.heard.push(Heard::Said(format!("{event:?}"))),
        }
    }
}
