//! Octets from a client to a server, and messages that it sends.

use pop3_proto::serve::MailStore;
use pop3_proto::{Server, ServerConfig, Service};

use crate::{Play, Shape, repeated};

pub(crate) const SHAPES: &[Shape] = &[
    ("server: a command without end", |octets, read| commands(b"x", octets, read)),
    ("server: NOOP", |octets, read| commands(b"NOOP\r\n", octets, read)),
    ("server: commands that end in LF", |octets, read| commands(b"NOOP\n", octets, read)),
    ("server: blank lines", |octets, read| commands(b"\r\n", octets, read)),
    ("server: CRs", |octets, read| commands(b"\r", octets, read)),
    ("server: spaces", |octets, read| commands(b" ", octets, read)),
    ("server: unknown commands", |octets, read| commands(b"X\r\n", octets, read)),
    ("server: UIDL and DELE", |octets, read| commands(b"UIDL\r\nDELE 1\r\nRSET\r\n", octets, read)),
    ("server: a response without end", |octets, read| response(b"AAAA", octets, read)),
    ("server: a message of dots", |octets, read| message(b".\r\n", octets, read)),
    ("server: a message of LFs", |octets, read| message(b"\n", octets, read)),
    ("server: a message of CRs", |octets, read| message(b"\r", octets, read)),
];

fn config() -> ServerConfig {
    let limit = u32::MAX;
    let config = ServerConfig::new().plaintext_login(true).max_line(limit).max_response(limit);
    config.max_refusals(limit).max_before_login(limit)
}

/// Offers octets to a session, and takes its answers as they come.
fn offer(service: &mut Service<impl pop3_proto::serve::Maildrop>, mut octets: &[u8], read: usize) {
    while !octets.is_empty() && !service.is_over() {
        let spare = service.spare();
        let len = read.min(octets.len()).min(spare.len());
        spare[..len].copy_from_slice(&octets[..len]);
        service.filled(len);
        octets = &octets[len..];
        while !service.pending().is_empty() {
            let pending = service.pending().len();
            service.written(pending);
        }
    }
}

/// Offers commands to a session that is logged in.
fn commands(piece: &[u8], octets: usize, read: usize) -> Play {
    let store = MailStore::new();
    store.add_user("u", "p");
    store.deliver("u", "a message\r\n");
    let mut service = Service::new(store.maildrop(), config(), None);
    offer(&mut service, b"USER u\r\nPASS p\r\n", usize::MAX);
    let received = repeated(piece, octets);
    Box::new(move || offer(&mut service, &received, read))
}

/// Offers a response to a challenge.
fn response(piece: &[u8], octets: usize, read: usize) -> Play {
    let mut service = Service::new(MailStore::new().maildrop(), config(), None);
    offer(&mut service, b"AUTH PLAIN\r\n", usize::MAX);
    let received = [&repeated(piece, octets), &b"\r\n"[..]].concat();
    Box::new(move || offer(&mut service, &received, read))
}

/// Sends a message, with so much room at a time.
fn message(piece: &[u8], octets: usize, room: usize) -> Play {
    let mut server = Server::new(config());
    server.greeting(None, "", &mut Vec::new()).expect("it is due");
    let mut input = &b"USER u\r\nPASS p\r\nRETR 1\r\n"[..];
    while server.receive(&mut input).expect("there is no TLS").is_some() {
        server.ok("", &mut Vec::new()).expect("it is due");
    }
    let (stored, mut room) = (repeated(piece, octets), vec![0; room.max(2)]);
    Box::new(move || {
        let mut content = stored.as_slice();
        while !content.is_empty() {
            server.body(&mut content, &mut room).expect("it is due");
        }
    })
}
