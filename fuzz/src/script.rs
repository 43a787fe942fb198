//! Scripts: a session written as octets, so that seeds can be read and mutations stay close to conversations.
//!
//! The first two octets choose the limits and the cuts. After them, everything is the server's octets, except steps of
//! the client: octet 1, a letter, an argument, octet 2. So `\x01p tan\x02` is PASS, sent after all octets before it
//! were heard.

use libfuzzer_sys::arbitrary::{self, Arbitrary, Unstructured};
use pop3_proto::wire::{Digest, Payload, Response};
use pop3_proto::{Command, Config};

/// A parsed script.
#[derive(Debug)]
pub struct Script<'a> {
    /// The limits.
    pub config: Config,
    /// The session is inside TLS from the beginning.
    pub inside_tls: bool,
    /// The seed of a third client's cuts.
    pub seed: u8,
    /// The parts of the session, in order.
    pub parts: Vec<Part<'a>>,
}

/// A stretch of the server's octets, or a step of the client.
#[derive(Debug)]
pub enum Part<'a> {
    Server(&'a [u8]),
    Client(Step<'a>),
}

/// An action of the client.
#[derive(Debug)]
pub enum Step<'a> {
    Send(Command<'a>),
    Respond(Response<'a>),
    TlsEstablished,
    Eof,
    Utf8User,
}

/// Takes all remaining octets as one script, so that a script runs as it was written.
impl<'a> Arbitrary<'a> for Script<'a> {
    fn arbitrary(octets: &mut Unstructured<'a>) -> arbitrary::Result<Script<'a>> {
        octets.bytes(octets.len()).map(Script::parse)
    }

    fn arbitrary_take_rest(octets: Unstructured<'a>) -> arbitrary::Result<Script<'a>> {
        Ok(Script::parse(octets.take_rest()))
    }
}

impl<'a> Script<'a> {
    /// Parses octets as a script; all octets are valid.
    pub fn parse(octets: &'a [u8]) -> Script<'a> {
        let (&[limits, seed], mut rest) = octets.split_first_chunk().unwrap_or((b"00", b""));
        let mut parts = Vec::new();
        while let Some(&first) = rest.first() {
            if first == 1 {
                let end = rest.iter().position(|&b| b == 2).unwrap_or(rest.len());
                let (step, behind) = rest.split_at(end);
                rest = behind.get(1..).unwrap_or_default();
                parts.extend(step.get(1).and_then(|&letter| parse_step(letter, &step[2..])).map(Part::Client));
            } else {
                let end = rest.iter().position(|&b| b == 1).unwrap_or(rest.len());
                let (server, behind) = rest.split_at(end);
                rest = behind;
                parts.push(Part::Server(server));
            }
        }
        Script { config: limits_of(limits), inside_tls: (limits ^ b'0') & 0x80 != 0, seed, parts }
    }
}

/// Returns the limits. Octet `0` stands for the defaults, and each bit of the others for something small.
fn limits_of(octet: u8) -> Config {
    let bits = octet ^ b'0';
    let mut config = Config::default();
    match bits & 3 {
        1 => config.max_line = 64,
        2 => config.max_line = 16,
        3 => config.max_line = 5,
        _ => {}
    }
    match bits >> 2 & 3 {
        1 => config.max_body = 0,
        2 => config.max_body = 5,
        3 => config.max_body = 40,
        _ => {}
    }
    if bits & 0x10 != 0 {
        (config.max_rows, config.max_challenges) = (2, 2);
    }
    if bits & 0x20 != 0 {
        config.max_challenge = 24;
    }
    config.tolerate_lf = bits & 0x40 == 0;
    config
}

fn parse_step(letter: u8, argument: &[u8]) -> Option<Step<'_>> {
    let text = std::str::from_utf8(argument).unwrap_or("?");
    let mut words = text.split(' ');
    let number = words.next().and_then(|word| word.parse().ok());
    let some_number = number.unwrap_or(1);
    let command = match letter {
        b'u' => Command::User(text),
        b'p' => Command::Pass(text),
        b'a' => Command::Apop { user: text, digest: Digest::parse(&[b'a'; 32])? },
        b'A' => match text.split_once(' ') {
            None => Command::Auth { mechanism: text, initial_response: None },
            Some((mechanism, text)) => {
                Command::Auth { mechanism, initial_response: Some(Payload::Base64(text.as_bytes())) }
            }
        },
        b'O' => Command::Auth { mechanism: "PLAIN", initial_response: Some(Payload::Octets(argument)) },
        b'M' => Command::AuthList,
        b's' => Command::Stls,
        b'c' => Command::Capa,
        b'8' => Command::Utf8,
        b'L' => Command::Lang(text),
        b'l' => Command::LangList,
        b't' => Command::Stat,
        b'i' => Command::List(number),
        b'd' => Command::Uidl(number),
        b'r' => Command::Retr(some_number),
        b'T' => {
            Command::Top { number: some_number, lines: words.next().and_then(|word| word.parse().ok()).unwrap_or(0) }
        }
        b'D' => Command::Dele(some_number),
        b'R' => Command::Rset,
        b'n' => Command::Noop,
        b'1' => Command::Last,
        b'q' => Command::Quit,
        b'x' => Command::Raw(text),
        b'X' => Command::RawListing(text),
        b'b' => return Some(Step::Respond(Response::Data(Payload::Octets(argument)))),
        b'B' => return Some(Step::Respond(Response::Data(Payload::Base64(argument)))),
        b'*' => return Some(Step::Respond(Response::Cancel)),
        b'k' => return Some(Step::TlsEstablished),
        b'e' => return Some(Step::Eof),
        b'+' => return Some(Step::Utf8User),
        _ => return None,
    };
    Some(Step::Send(command))
}
