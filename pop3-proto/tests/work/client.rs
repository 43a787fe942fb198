//! Octets from a server to a bare client.

use pop3_proto::{Client, Command, Config, Event};

use crate::{Play, Shape, repeated};

/// The shapes, each with the command that they answer.
pub(crate) const SHAPES: &[Shape] = &[
    ("a greeting without end", |octets, read| answer(None, b"", b"+OK x", b"x", octets, read)),
    ("a greeting of brackets", |octets, read| answer(None, b"", b"+OK ", b"<@", octets, read)),
    ("a status line without end", |octets, read| answer(STAT, b"", b"+OK ", b"1", octets, read)),
    ("spaces in a status line", |octets, read| answer(STAT, b"", b"+OK ", b" ", octets, read)),
    ("a refusal without end", |octets, read| answer(STAT, b"", b"-ERR ", b"[", octets, read)),
    ("CRs in a status line", |octets, read| answer(STAT, b"", b"+OK ", b"\r\r", octets, read)),
    ("a challenge without end", |octets, read| answer(AUTH, b"", b"+ ", b"AAAA", octets, read)),
    ("scan listings", |octets, read| answer(LIST, b"+OK\r\n", b"", b"1 1\r\n", octets, read)),
    ("a row without end", |octets, read| answer(LIST, b"+OK\r\n", b"", b"1", octets, read)),
    ("empty rows", |octets, read| answer(LIST, b"+OK\r\n", b"", b"\r\n", octets, read)),
    ("rows with a dot", |octets, read| answer(LIST, b"+OK\r\n", b"", b"..\r\n", octets, read)),
    ("unique-ids", |octets, read| answer(UIDL, b"+OK\r\n", b"", b"1 x\r\n", octets, read)),
    ("capabilities", |octets, read| answer(CAPA, b"+OK\r\n", b"", b"SASL\r\n", octets, read)),
    ("unsolicited octets", |octets, read| answer(NOOP, b"+OK\r\n", b"-ERR ", b"x", octets, read)),
    ("a long line of a message", |octets, read| answer(RETR, b"+OK\r\n", b"", b"x", octets, read)),
    ("dots in a message", |octets, read| answer(RETR, b"+OK\r\n", b"", b".", octets, read)),
    ("lines of dots", |octets, read| answer(RETR, b"+OK\r\n", b"", b"..\r\n", octets, read)),
    ("lines that are nearly the end", |octets, read| answer(RETR, b"+OK\r\n", b"", b".\r\r\n", octets, read)),
    ("dots after LF", |octets, read| answer(RETR, b"+OK\r\n", b"", b"\n.", octets, read)),
    ("CRs in a message", |octets, read| answer(RETR, b"+OK\r\n", b"", b"\r", octets, read)),
    ("empty lines of a message", |octets, read| answer(RETR, b"+OK\r\n", b"", b"\r\n", octets, read)),
    ("lines of dots that end in LF", |octets, read| answer(RETR, b"+OK\n", b"", b"..\n", octets, read)),
    ("both line ends", |octets, read| answer(RETR, b"+OK\n", b"", b"..\n..\r\n", octets, read)),
    ("lines of dots, copied", |octets, read| copied(b"+OK\r\n", b"..\r\n", octets, read)),
    ("lines that are nearly the end, copied", |octets, read| copied(b"+OK\r\n", b".\r\r\n", octets, read)),
    ("dots after LF, copied", |octets, read| copied(b"+OK\r\n", b"\n.", octets, read)),
    ("dots in a message, copied", |octets, read| copied(b"+OK\r\n", b".", octets, read)),
    ("lines of dots that end in LF, copied", |octets, read| copied(b"+OK\n", b"..\n", octets, read)),
    ("both line ends, copied", |octets, read| copied(b"+OK\n", b"..\n..\r\n", octets, read)),
];

const AUTH: Option<Command<'static>> = Some(Command::Auth { mechanism: "X", initial_response: None });
const STAT: Option<Command<'static>> = Some(Command::Stat);
const LIST: Option<Command<'static>> = Some(Command::List(None));
const UIDL: Option<Command<'static>> = Some(Command::Uidl(None));
const CAPA: Option<Command<'static>> = Some(Command::Capa);
const NOOP: Option<Command<'static>> = Some(Command::Noop);
const RETR: Option<Command<'static>> = Some(Command::Retr(1));

/// Returns a client without limits that has sent `command` and received `begin`.
fn client(command: Option<Command<'_>>, begin: &[u8]) -> Client {
    let limit = u32::MAX;
    let mut client = Client::new(Config::new().max_line(limit).max_challenge(limit).max_rows(limit));
    let line_end: &[u8] = if begin.ends_with(b"\n") && !begin.ends_with(b"\r\n") { b"\n" } else { b"\r\n" };
    let hear = |client: &mut Client, line: &[u8]| {
        let mut input = line;
        while client.receive(&mut input).expect("an answer").is_some() {}
        assert!(input.is_empty());
    };
    let ok = [b"+OK", line_end].concat();
    if let Some(command) = command {
        hear(&mut client, &ok);
        if !matches!(command, Command::Auth { .. }) {
            for command in [Command::User("u"), Command::Pass("p")] {
                client.send(command, &mut Vec::new()).expect("permitted");
                hear(&mut client, &ok);
            }
        }
        client.send(command, &mut Vec::new()).expect("permitted");
    }
    hear(&mut client, begin);
    client
}

/// Takes the events of an answer, and asks each for its values.
fn answer(command: Option<Command<'_>>, begin: &[u8], first: &[u8], piece: &[u8], octets: usize, read: usize) -> Play {
    let mut client = client(command, begin);
    let received = [first, &repeated(piece, octets), b"\r\n"].concat();
    Box::new(move || {
        each_read(&received, read, |mut input| {
            while let Ok(Some(event)) = client.receive(&mut input) {
                look(event);
            }
            input.len()
        });
    })
}

/// Copies a message, into a buffer as large as the read.
fn copied(begin: &[u8], piece: &[u8], octets: usize, read: usize) -> Play {
    let mut client = client(RETR, begin);
    let received = repeated(piece, octets);
    let mut space = vec![0; read];
    Box::new(move || {
        each_read(&received, read, |mut input| {
            while client.copy_body(&mut input, &mut space) > 0 {}
            input.len()
        });
    })
}

/// Offers one read after the other. `offer` returns the number of octets that are left.
fn each_read(received: &[u8], read: usize, mut offer: impl FnMut(&[u8]) -> usize) {
    let (mut from, mut to) = (0, 0);
    while to < received.len() {
        to = (to + read).min(received.len());
        from = to - offer(&received[from..to]);
    }
}

/// Parses all that an event may contain.
fn look(event: Event<'_>) {
    match event {
        Event::Greeting(greeting) => _ = std::hint::black_box((greeting.timestamp(), greeting.code())),
        Event::Ok { reply, .. } => _ = std::hint::black_box((reply.stat(), reply.text().to_string())),
        Event::Refused { refusal, .. } => _ = std::hint::black_box((refusal.code(), refusal.text().to_string())),
        Event::Row { row, .. } => _ = std::hint::black_box((row.scan_listing(), row.unique_id())),
        Event::Challenge { challenge, .. } => _ = std::hint::black_box(challenge.encoded_len()),
        _ => {}
    }
}
