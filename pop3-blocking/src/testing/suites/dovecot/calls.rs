//! Every single call of a connection and a session.

use std::net::TcpStream;

use super::super::adapter::{Adapter, Connection as _, Messages as _, Reader as _, Session as _};
use super::traces::{read, sent};
use super::user::{User, address};
use crate::Cause;
use pop3_proto::message::{Message, MessageRef};
use pop3_proto::wire::KnownCapability;

const FIRST: &[u8] = b"From: a@example.org\nSubject: one\n two\n\nline 1\nline 2\nline 3\n";
const SECOND: &[u8] = b"From: b@example.org\nSubject: next\n\n.dot\n..\n";
const THIRD: &[u8] = b"Subject: last\n\n";

fn size(stored: &[u8]) -> u64 {
    sent(stored).len() as u64
}

pub fn totals_listings_and_unique_ids_agree<A: Adapter>() {
    let user = User::with("questions", &[FIRST, SECOND, THIRD]);
    let mut session = user.open::<A>();

    let stat = session.stat().unwrap();
    assert_eq!(stat.messages, 3);
    assert_eq!(stat.octets, size(FIRST) + size(SECOND) + size(THIRD));

    let list = session.list().unwrap();
    assert_eq!(list.iter().map(|row| row.number).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(list.iter().map(|row| row.octets).collect::<Vec<_>>(), [size(FIRST), size(SECOND), size(THIRD)]);
    assert_eq!(session.list_one(2).unwrap(), list[1]);

    let ids = session.uidl().unwrap();
    assert_eq!(ids.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(ids[0].1 != ids[1].1 && ids[1].1 != ids[2].1, "{ids:?}");
    assert_eq!(session.uidl_one(3).unwrap(), ids[2].1);

    session.noop().unwrap();
    assert!(session.capabilities().unwrap().any(|known| known == KnownCapability::Uidl));
    session.quit().unwrap();
    assert_eq!(user.files(), 3);

    let mut session = user.open::<A>();
    assert_eq!(session.uidl().unwrap(), ids, "unique-ids hold from session to session");
    session.quit().unwrap();
}

pub fn messages_and_their_parts<A: Adapter>() {
    let user = User::with("parts", &[FIRST, SECOND, THIRD]);
    let mut session = user.open::<A>();
    for (n, stored) in (1..).zip([FIRST, SECOND, THIRD]) {
        assert_eq!(read(session.retrieve(n).unwrap()), sent(stored));
    }
    let top = read(session.top(1, 2).unwrap());
    assert_eq!(top, b"From: a@example.org\r\nSubject: one\r\n two\r\n\r\nline 1\r\nline 2\r\n");

    let header: Message = session.header(1).unwrap();
    let fields: Vec<_> = header.view().fields().map(|field| (field.name(), field.raw_body())).collect();
    assert_eq!(fields, [(&b"From"[..], &b" a@example.org"[..]), (b"Subject", b" one\r\n two")]);

    let whole = session.retrieve(2).unwrap().into_message().unwrap();
    assert!(MessageRef::new(whole.view().body()).lines().eq([&b".dot"[..], b".."]));
    session.quit().unwrap();
}

pub fn a_refusal_does_not_change_the_session<A: Adapter>() {
    let user = User::with("refusals", &[FIRST]);
    let mut session = user.open::<A>();
    let refusals = [
        ("LIST 9", session.list_one(9).map(drop)),
        ("UIDL 9", session.uidl_one(9).map(drop)),
        ("RETR 9", session.retrieve(9).map(drop)),
        ("TOP 9 0", session.top(9, 0).map(drop)),
        ("DELE 9", session.delete(9)),
        ("LAST", session.last().map(drop)),
        ("XYZZY ***", session.raw("XYZZY plugh").map(drop)),
        ("XYZZY", session.raw_listing("XYZZY").map(drop)),
    ];
    for (operation, result) in refusals {
        let error = result.unwrap_err();
        assert_eq!(error.operation(), operation);
        assert!(error.refused().is_some() && error.is_recoverable(), "{error}");
    }
    // Commands that the client itself refuses are not sent.
    for line in ["STAT", "retr 1", "", "XTND a\r\nDELE 1"] {
        let error = session.raw(line).unwrap_err();
        assert!(matches!(error.cause(), Cause::Usage(_)) && error.is_recoverable(), "{error}");
    }
    assert_eq!(session.stat().unwrap().messages, 1);
    session.quit().unwrap();
    assert_eq!(user.files(), 1);
}

pub fn a_connection_before_its_login<A: Adapter>() {
    let user = User::with("before", &[FIRST]);
    let mut connection = A::over(TcpStream::connect(address()).unwrap(), user.connect()).unwrap();
    let greeting = connection.greeting().unwrap();
    let timestamp = greeting.timestamp().expect("Dovecot serves APOP").as_bytes();
    assert!(timestamp.starts_with(b"<") && timestamp.ends_with(b">") && timestamp.contains(&b'@'));
    assert!(greeting.text().to_string().contains("Dovecot"));

    let capabilities = connection.capabilities().unwrap();
    assert!(capabilities.any(|known| known == KnownCapability::Pipelining));
    assert!(capabilities.mechanisms().any(|name| name == b"PLAIN"));
    // Dovecot 2.3 knows nothing of UTF8.
    assert!(connection.utf8().unwrap_err().is_recoverable());

    let mut session = connection.login().unwrap();
    assert_eq!(session.stat().unwrap().messages, 1);
    session.quit().unwrap();

    let connection = A::over(TcpStream::connect(address()).unwrap(), user.connect()).unwrap();
    connection.quit().unwrap();
}

pub fn an_empty_maildrop<A: Adapter>() {
    let user = User::new("empty");
    let mut session = user.open::<A>();
    assert_eq!(session.stat().unwrap().messages, 0);
    assert_eq!(session.list().unwrap(), []);
    assert_eq!(session.uidl().unwrap(), []);
    assert!(session.retrieve_all().unwrap().next().unwrap().is_none());
    assert_eq!(session.headers_all().unwrap().count(), 0);
    assert_eq!(session.delete_all().unwrap().count(), 0);
    session.quit().unwrap();
}

pub fn two_sessions_at_once<A: Adapter>() {
    let user = User::with("two", &[FIRST, SECOND]);
    let (mut one, mut other) = (user.open::<A>(), user.open::<A>());
    let mut message = one.retrieve(1).unwrap();
    let mut beginning = [0; 5];
    std::io::Read::read_exact(&mut message, &mut beginning).unwrap();
    assert_eq!(read(other.retrieve(1).unwrap()), sent(FIRST));
    assert_eq!([&beginning[..], message.into_message().unwrap().as_bytes()].concat(), sent(FIRST));
    other.quit().unwrap();
    assert_eq!(one.stat().unwrap().messages, 2);
    one.quit().unwrap();
}
