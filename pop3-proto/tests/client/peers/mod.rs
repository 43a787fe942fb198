//! Answers that made other clients hang, panic, lose mail or accept half of it. There is one test for each failure.
//!
//! Every answer is fed whole, octet by octet, and in two pieces for every place of the cut, and must give the same
//! events.

mod bodies;
mod listings;
mod statuses;

use pop3_proto::{Client, Command, Config, Event, ProtocolError, State};

/// An event that has outlived its octets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Greeting(String),
    NoService(String),
    Ok(String),
    /// The response code and the text.
    No(Option<String>, String),
    Challenge,
    Row(Vec<u8>),
    Body(Vec<u8>),
    End,
    StartTls,
}

impl Seen {
    fn of(event: Event<'_>) -> Seen {
        match event {
            Event::Greeting(greeting) => Seen::Greeting(greeting.text().to_string()),
            Event::NoService(refusal) => Seen::NoService(refusal.text().to_string()),
            Event::Ok { reply, .. } => Seen::Ok(reply.text().to_string()),
            Event::Refused { refusal, .. } => {
                let code = refusal.code().map(|code| String::from_utf8(code.as_bytes().to_vec()).unwrap());
                Seen::No(code, refusal.text().to_string())
            }
            Event::Challenge { .. } => Seen::Challenge,
            Event::Row { row, .. } => Seen::Row(row.as_bytes().to_vec()),
            Event::Body { bytes, .. } => Seen::Body(bytes.to_vec()),
            Event::End { .. } => Seen::End,
            Event::StartTls { .. } => Seen::StartTls,
        }
    }
}

/// A caller's buffer in front of a client, and all events that came out of it. Runs of a body are joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reader {
    pub(crate) client: Client,
    pub(crate) held: Vec<u8>,
    pub(crate) seen: Vec<Seen>,
}

impl Reader {
    pub(crate) fn new(client: Client) -> Reader {
        Reader { client, held: Vec::new(), seen: Vec::new() }
    }

    /// Passes on one read from the socket.
    pub(crate) fn read(&mut self, octets: &[u8]) -> Result<(), ProtocolError> {
        self.held.extend_from_slice(octets);
        let mut input = self.held.as_slice();
        let result = loop {
            match self.client.receive(&mut input) {
                Ok(None) => break Ok(()),
                Ok(Some(event)) => match (Seen::of(event), self.seen.last_mut()) {
                    (Seen::Body(more), Some(Seen::Body(body))) => body.extend(more),
                    (seen, _) => self.seen.push(seen),
                },
                Err(error) => break Err(error),
            }
        };
        let taken = self.held.len() - input.len();
        self.held.drain(..taken);
        result
    }
}

/// Feeds `wire` in every way, and returns the result, which must be the same for all.
pub(crate) fn feed(client: &Client, wire: &[u8]) -> (Reader, Result<(), ProtocolError>) {
    let run = |pieces: &[&[u8]]| {
        let mut reader = Reader::new(client.clone());
        let result = pieces.iter().try_for_each(|piece| reader.read(piece));
        if result.is_err() {
            // The number of octets after an error depends on the reads; the events before it do not.
            reader.held.clear();
        }
        (reader, result)
    };
    let whole = run(&[wire]);
    assert_eq!(run(&wire.chunks(1).collect::<Vec<_>>()), whole, "octet by octet");
    for cut in 1..wire.len() {
        let (front, back) = wire.split_at(cut);
        assert_eq!(run(&[front, back]), whole, "cut at {cut}");
    }
    whole
}

/// Sends `command`, which must be permitted, and returns the octets.
pub(crate) fn send(client: &mut Client, command: Command<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    client.send(command, &mut out).expect("permitted");
    out
}

/// Returns a client in AUTHORIZATION.
pub(crate) fn greeted() -> Client {
    let mut reader = Reader::new(Client::new(Config::default()));
    reader.read(b"+OK\r\n").unwrap();
    reader.client
}

/// Returns a client in TRANSACTION.
pub(crate) fn logged_in() -> Client {
    let mut reader = Reader::new(greeted());
    send(&mut reader.client, Command::User("u"));
    send(&mut reader.client, Command::Pass("p"));
    reader.read(b"+OK\r\n+OK\r\n").unwrap();
    assert_eq!(reader.client.state(), State::Transaction);
    reader.client
}

/// Returns the events that a logged-in client sees in `wire` as the answer to `command`; the session must remain
/// usable.
pub(crate) fn answer(command: Command<'_>, wire: &[u8]) -> Vec<Seen> {
    let mut client = logged_in();
    send(&mut client, command);
    let (mut reader, result) = feed(&client, wire);
    assert_eq!(result, Ok(()));
    assert_eq!((reader.client.in_flight(), reader.held.as_slice()), (0, b"".as_slice()), "answered to the end");
    let seen = core::mem::take(&mut reader.seen);
    send(&mut reader.client, Command::Noop);
    reader.read(b"+OK still here\r\n").unwrap();
    assert_eq!(reader.seen, [ok("still here")]);
    seen
}

/// Returns the values that `read` takes from the events while they live, for the same answer as [`answer`].
pub(crate) fn values<T>(command: Command<'_>, wire: &[u8], read: impl Fn(Event<'_>) -> Option<T>) -> Vec<T> {
    answer(command, wire);
    let mut client = logged_in();
    send(&mut client, command);
    let (mut input, mut values) = (wire, Vec::new());
    while let Some(event) = client.receive(&mut input).unwrap() {
        values.extend(read(event));
    }
    values
}

pub(crate) fn ok(text: &str) -> Seen {
    Seen::Ok(text.into())
}

pub(crate) fn no(code: Option<&str>, text: &str) -> Seen {
    Seen::No(code.map(Into::into), text.into())
}

pub(crate) fn body(octets: &[u8]) -> Seen {
    Seen::Body(octets.to_vec())
}

pub(crate) fn row(octets: &[u8]) -> Seen {
    Seen::Row(octets.to_vec())
}
