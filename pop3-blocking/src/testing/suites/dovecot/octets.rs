//! Every octet comes back as it was stored, except for the changes that Dovecot makes.

use std::io::BufRead;

use super::super::adapter::{Adapter, Messages as _, Session as _};
use super::traces::{read, sent};
use super::user::User;

fn comes_back<A: Adapter>(test: &str, stored: &[&[u8]]) {
    let user = User::with(test, stored);
    let mut session = user.open::<A>();
    let sizes: Vec<u64> = session.list().unwrap().iter().map(|row| row.octets).collect();
    for ((n, stored), size) in (1..).zip(stored).zip(sizes) {
        let received = read(session.retrieve(n).unwrap());
        assert!(received == sent(stored), "message {n}: {} octets", received.len());
        // Dovecot does not count the line end that it adds to an unfinished line.
        assert!(size == received.len() as u64 || !stored.ends_with(b"\n"), "message {n}");
    }
    let mut batch = session.retrieve_all().unwrap();
    for stored in stored {
        assert!(read(batch.next().unwrap().unwrap()) == sent(stored));
    }
    assert!(batch.next().unwrap().is_none());
    drop(batch);
    session.quit().unwrap();
}

pub fn any_octet<A: Adapter>() {
    let every: Vec<u8> = (0..=255).collect();
    let message = [b"Subject: all\n\n", &every[..], b"\n", &every.repeat(300), b"\n"].concat();
    let latin = b"Subject: caf\xe9\n\n\xff\xfe\x80\x00\x00\n";
    comes_back::<A>("octets", &[&message, latin, b"\x00\n\x00\n"]);
}

pub fn every_kind_of_line_end<A: Adapter>() {
    comes_back::<A>(
        "ends",
        &[
            b"Subject: x\n\na\rb\r\rc\n\r\r\nd\n\n\n",
            b"Subject: x\r\n\r\nstored with CRLF\r\n",
            b"Subject: x\r\n\r\nmixed\nup\r\n\n\r\n",
            b"Subject: x\n\nno final line end",
            b"Subject: no body, no line end",
            b"\n",
            b"\n\nbody only\n",
        ],
    );
}

pub fn dots<A: Adapter>() {
    comes_back::<A>(
        "dots",
        &[
            b"Subject: x\n\n.\n..\n...\n.a\na.\n. \n",
            b"Subject: x\n\nends in a dot.\n.\n",
            b"Subject: x\n\n.",
            b"Subject: x\n\n\r.\r\n.\r.\n",
            &[b"Subject: x\n\n".to_vec(), b".\n".repeat(50_000)].concat(),
        ],
    );
}

pub fn long_lines<A: Adapter>() {
    let long =
        |octet: u8, octets: usize| [b"Subject: x\n\n".to_vec(), vec![octet; octets], b"\nend\n".to_vec()].concat();
    let folded = [b"X: ".to_vec(), vec![b'x'; 100_000], b"\n\nbody\n".to_vec()].concat();
    comes_back::<A>(
        "long",
        &[&long(b'a', 100_000), &long(b'.', 100_000), &long(b'\r', 100_000), &long(0, 1_000_000), &folded],
    );
}

/// A dot that is a message's first octet is the one that Dovecot forgets to stuff, so to a client it is stuffing
/// (RFC 1939, section 3) and lost. LIST still counts it.
pub fn a_dot_as_the_first_octet_is_lost_by_dovecot<A: Adapter>() {
    let user = User::with("firstdot", &[b".first\nsecond\n\n.third\n"]);
    let mut session = user.open::<A>();
    assert_eq!(read(session.retrieve(1).unwrap()), b"first\r\nsecond\r\n\r\n.third\r\n");
    session.quit().unwrap();
}

/// For an empty message Dovecot sends a blank line.
pub fn an_empty_message_is_a_blank_line<A: Adapter>() {
    let user = User::with("nothing", &[b"", b"Subject: x\n\n"]);
    let mut session = user.open::<A>();
    assert_eq!(session.list_one(1).unwrap().octets, 0);
    assert_eq!(read(session.retrieve(1).unwrap()), b"\r\n");
    assert_eq!(read(session.retrieve(2).unwrap()), b"Subject: x\r\n\r\n");
    session.quit().unwrap();
}

pub fn a_message_read_line_by_line<A: Adapter>() {
    let stored = [b"Subject: x\n\n".to_vec(), b".line\n".repeat(10_000)].concat();
    let user = User::with("lines", &[&stored]);
    let mut session = user.open::<A>();
    let lines: Vec<_> = session.retrieve(1).unwrap().lines().map(Result::unwrap).collect();
    assert_eq!(lines.len(), 10_002);
    assert!(lines[2..].iter().all(|line| line == ".line"));
    session.quit().unwrap();
}
