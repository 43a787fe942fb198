//! Servers of other projects, which `.ci/servers` starts: octets, deletions, wrong passwords, and logins over TLS.
#![cfg(feature = "tls")]
#![allow(missing_docs, reason = "a test")]

mod courier;
mod cyrus;
mod popa3d;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;

use pop3_blocking::{Connect, Connection, LoginError, Security, Session, connect};

const MESSAGES: [&str; 4] = [
    "Subject: dots\r\nFrom: a@example.org\r\n\r\n.\r\n..\r\n.hidden\r\n...\r\nend\r\n",
    "Subject: empty lines\r\nFrom: a@example.org\r\n\r\n\r\n\r\ntext\r\n\r\n\r\n",
    "Subject: long\r\nFrom: a@example.org\r\n\r\n0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\r\n",
    "Subject: the last\r\nFrom: a@example.org\r\n\r\n-ERR no\r\n+OK yes\r\nFrom the beginning\r\n",
];

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

fn to(server: &str, user: &str, password: &str) -> Connect {
    let address = variable(server);
    let (host, port) = address.split_once(':').unwrap();
    let connect = Connect::new().host(host).port(port.parse().unwrap()).user(user).password(password);
    connect.security(Security::Plaintext).allow_plaintext(true)
}

fn mbox(messages: impl IntoIterator<Item: AsRef<[u8]>>) -> Vec<u8> {
    let enclose =
        |message| [b"From a@example.org Thu Jan  1 00:00:00 2026\n", AsRef::<[u8]>::as_ref(&message), b"\n"].concat();
    messages.into_iter().flat_map(enclose).collect()
}

/// As a line of an mbox that is none of a message.
fn quoted(message: &str) -> String {
    message.replace("\r\n", "\n").replace("\nFrom ", "\n>From ")
}

fn octets<S: Read + Write>(session: &mut Session<S>, n: u32) -> Vec<u8> {
    let mut octets = Vec::new();
    session.retrieve(n).unwrap().read_to_end(&mut octets).unwrap();
    octets
}

fn read<S: Read + Write>(session: &mut Session<S>, n: u32) -> String {
    String::from_utf8(octets(session, n)).unwrap()
}

/// Returns whether `shown` is the message, apart from header lines that a server adds, and `>From ` lines of mbox.
fn is(shown: &str, message: &str) -> bool {
    let (header, body) = message.split_once("\r\n\r\n").unwrap();
    let (shown_header, shown_body) = shown.split_once("\r\n\r\n").unwrap();
    let unquoted = shown_body.replace("\r\n>From ", "\r\nFrom ");
    header.lines().all(|line| shown_header.lines().any(|shown| shown == line)) && unquoted == body
}

/// Reads and deletes at a server. `before` is how many messages there were, which another test has left.
fn reads_and_deletes(server: &str, user: &str) {
    let failed = connect(to(server, user, "wrong")).unwrap_err();
    assert!(matches!(failed.login(), Some(LoginError::Credentials(_))), "{failed}");

    let mut session = connect(to(server, user, "pass")).unwrap();
    let listings = session.list().unwrap();
    assert_eq!(listings.len(), 4);
    let stat = session.stat().unwrap();
    assert_eq!((stat.messages, stat.octets), (4, listings.iter().map(|listing| listing.octets).sum()));
    let ids: BTreeMap<_, _> = session.uidl().unwrap().into_iter().collect();
    assert_eq!(ids.len(), 4);
    for (n, message) in (1..).zip(MESSAGES) {
        let shown = read(&mut session, n);
        assert!(is(&shown, message), "{server} {n}: {shown:?}");
        assert_eq!(session.uidl_one(n).unwrap(), ids[&n]);
        let top = session.header(n).unwrap();
        assert!(shown.starts_with(std::str::from_utf8(top.as_bytes()).unwrap().trim_end()), "{server} {n}");
    }
    // All at once, where the server pipelines.
    let mut batch = session.retrieve_all().unwrap();
    let mut count = 0;
    while let Some(message) = batch.next().unwrap() {
        let n = message.number() as usize;
        let octets = message.into_message().unwrap().into_bytes();
        assert!(is(std::str::from_utf8(&octets).unwrap(), MESSAGES[n - 1]), "{server} {n}");
        count += 1;
    }
    assert_eq!(count, 4);
    let missing = session.retrieve(9).unwrap_err();
    assert!(missing.refused().is_some() && missing.is_recoverable(), "{missing}");
    session.delete(1).unwrap();
    session.reset().unwrap();
    session.delete(2).unwrap();
    session.quit().unwrap();

    let mut session = connect(to(server, user, "pass")).unwrap();
    let left: Vec<_> = session.uidl().unwrap().into_iter().map(|(_, id)| id).collect();
    assert_eq!(left, [1, 3, 4].map(|n| ids[&n].clone()));
    assert!(is(&read(&mut session, 2), MESSAGES[2]));
    session.delete_all().unwrap().for_each(|deletion| assert!(deletion.is_ok()));
    session.quit().unwrap();
    assert_eq!(connect(to(server, user, "pass")).unwrap().stat().unwrap().messages, 0);
}

/// Returns messages that Courier and popa3d send as stored, except that each LF becomes CRLF, whatever precedes it.
fn what_comes_back() -> Vec<Vec<u8>> {
    let every: Vec<u8> = (0..=255).collect();
    let long =
        |octet: u8, octets: usize| [b"Subject: long\n\n".to_vec(), vec![octet; octets], b"\nend\n".to_vec()].concat();
    vec![
        [b"Subject: every octet\n\n", &every[..], b"\n", &every.repeat(300), b"\n"].concat(),
        b"Subject: bare CRs\n\na\rb\r\rc\n\r\r\nd\n\n\n".to_vec(),
        b"Subject: mixed\r\n\nCRLF\r\nLF\n\r\n".to_vec(),
        b"Subject: dots\n\n.\n..\n...\n.a\na.\n. \n\r.\r\n.\r.\n".to_vec(),
        b"Subject: a last line of a dot\n\n.\n".to_vec(),
        [b"Subject: many dots\n\n".to_vec(), b".\n".repeat(50_000)].concat(),
        long(b'a', 100_000),
        long(b'.', 100_000),
        long(b'\r', 100_000),
        long(0, 1_000_000),
        [b"X: ".to_vec(), vec![b'x'; 100_000], b"\n\na long line of a header\n".to_vec()].concat(),
        b"Subject: no body\n\n".to_vec(),
        b"\n\nno header\n".to_vec(),
        b"\n".to_vec(),
    ]
}

fn with_crlf(stored: &[u8]) -> Vec<u8> {
    stored
        .iter()
        .flat_map(|octet| if *octet == b'\n' { &b"\r\n"[..] } else { std::slice::from_ref(octet) })
        .copied()
        .collect()
}

fn comes_back(server: &str, user: &str, stored: &[Vec<u8>]) {
    let mut session = connect(to(server, user, "pass")).unwrap();
    let sizes: Vec<_> = session.list().unwrap().iter().map(|listing| listing.octets).collect();
    let sent: Vec<_> = stored.iter().map(|stored| with_crlf(stored)).collect();
    assert_eq!(sizes, sent.iter().map(|sent| sent.len() as u64).collect::<Vec<_>>());
    for (n, sent) in (1..).zip(&sent) {
        assert!(octets(&mut session, n) == *sent, "{server} {n}");
    }
    let mut batch = session.retrieve_all().unwrap();
    for sent in &sent {
        let message = batch.next().unwrap().unwrap().into_message().unwrap();
        assert!(message.as_bytes() == sent, "{server}: {message:?}");
    }
    assert!(batch.next().unwrap().is_none());
    session.quit().unwrap();
}

fn connection(server: &str) -> Connection<TcpStream> {
    let to = Connect::new().security(Security::Plaintext).allow_plaintext(true);
    Connection::over(TcpStream::connect(variable(server)).unwrap(), to).unwrap()
}
