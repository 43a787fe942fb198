//! Errors name the operation and the server's text, and say whether the session can continue.

use std::io::{self, Read};
use std::net::TcpListener;

use pop3_blocking::{Cause, Error, ErrorKind, Listing, LoginError, Method, connect};

use crate::peer::{LOGIN, PIPELINED_LOGIN, Peer, session};

#[test]
fn a_refusal_or_a_malformed_answer_does_not_change_the_session() {
    let (mut session, peer) = session(
        LOGIN,
        "
C: STAT
S: +OK many
C: LIST
S: +OK
S: 1 100
S: two 200
S: 3 300
S: .
C: LIST 2
S: +OK 1 100
C: UIDL
S: -ERR [SYS/PERM] no unique-ids here
C: DELE 7
S: -ERR
C: XTND COLOUR
S: +OK
S: ..red
S:  
S: green
S: .
C: LAST
S: +OK 4 of 5
C: NOOP
S: +OK
-- hold
",
    );
    let said = |error: &Error| (error.to_string(), error.is_recoverable());
    let goes_on = |text: &str| (text.to_owned(), true);

    let error = session.stat().unwrap_err();
    assert!(matches!(error.cause(), Cause::Malformed(_)));
    assert_eq!(said(&error), goes_on("STAT failed: the drop listing is not two numbers"));
    let error = session.list().unwrap_err();
    assert!(matches!(error.cause(), Cause::Malformed(_)));
    assert_eq!(said(&error), goes_on("LIST failed: the scan listing is not two numbers"));
    let error = session.list_one(2).unwrap_err();
    assert_eq!(said(&error), goes_on("LIST 2 failed: the answer is for another message"));
    let error = session.uidl().unwrap_err();
    assert_eq!(said(&error), goes_on("UIDL failed: the server said -ERR [SYS/PERM] no unique-ids here"));
    assert_eq!(error.refused().unwrap().text().to_string(), "no unique-ids here");
    let error = session.delete(7).unwrap_err();
    assert!(error.refused().is_some() && error.is_recoverable());
    let error = session.raw("noop").unwrap_err();
    assert!(matches!(error.cause(), Cause::Usage(_)) && error.is_recoverable());

    // Message number 0 is refused before anything is sent, also in a batch.
    let message = session.retrieve(0).map(drop).unwrap_err();
    assert_eq!(said(&message), goes_on("RETR 0 failed: message numbers begin at 1"));
    let zero: Vec<_> = session.delete_many([0, 0]).map(|item| said(&item.unwrap_err())).collect();
    assert_eq!(zero, [(); 2].map(|()| goes_on("DELE 0 failed: message numbers begin at 1")));
    assert_eq!(session.raw_listing("XTND COLOUR").unwrap(), Listing::from_iter([".red", "green"]));
    assert_eq!(session.last().unwrap(), 4);
    session.noop().unwrap();
    drop(session);
    peer.done();
}

#[test]
fn a_protocol_error_is_permanent() {
    let (mut session, peer) = session(LOGIN, "C: STAT\nS: 250 hello\n-- hold\n");
    let error = session.stat().unwrap_err();
    assert!(matches!(error.cause(), Cause::Protocol(_)) && !error.is_recoverable());
    assert_eq!(
        error.to_string(),
        "STAT failed: the line is neither +OK nor -ERR (waiting for the answer to STAT); it said: 250 hello"
    );
    assert!(matches!(session.noop().unwrap_err().cause(), Cause::Protocol(_)), "and the reason stays");
    assert!(session.retrieve_many([1]).next().is_err());
    drop(session);
    peer.done();
}

#[test]
fn an_io_error_of_a_message_contains_the_error() {
    let (mut session, peer) = session(LOGIN, "C: RETR 1\nS: +OK\nS: Subject: cut\nS: \nS: sho\n");
    let mut message = session.retrieve(1).unwrap();
    let mut octets = Vec::new();
    let error = message.read_to_end(&mut octets).unwrap_err();
    assert_eq!(octets, b"Subject: cut\r\n\r\nsho\r\n", "what came is there, and is not taken for all");
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    let error: Error = error.downcast().unwrap();
    assert!(error.is_truncated() && !error.is_recoverable());
    assert_eq!((error.operation(), error.message_number()), ("RETR 1", Some(1)));
    assert!(message.read(&mut [0; 10]).is_err(), "and it stays an error");
    peer.done();
}

#[test]
fn a_batch_after_its_end_comes_to_an_end() {
    let (mut session, peer) = session(PIPELINED_LOGIN, "C: RETR 1\nC: RETR 2\nC: RETR 3\nS: +OK\nS: a\nS: .\nS: +OK\n");
    let mut batch = session.retrieve_many([1, 2, 3]);
    assert_eq!(batch.next().unwrap().unwrap().into_message().unwrap().as_bytes(), b"a\r\n");
    assert!(batch.next().unwrap().unwrap().into_message().unwrap_err().is_truncated());
    let error = batch.next().unwrap_err();
    assert_eq!((error.operation(), error.message_number()), ("RETR 3", Some(3)));
    assert!(batch.next().unwrap().is_none(), "a caller who goes on after each error is not kept for ever");
    let mut headers = session.headers_many([4, 5]);
    assert_eq!(headers.next().unwrap().unwrap_err().message_number(), Some(4));
    assert!(headers.next().is_none());
    let mut deletions = session.delete_many([1, 2]);
    assert_eq!(deletions.next().unwrap().unwrap_err().message_number(), Some(1));
    assert!(deletions.next().is_none());
    peer.done();
}

/// The rest of a header that you do not read is skipped.
#[test]
fn tops_of_many_messages() {
    let script = "C: TOP 4 1\nC: TOP 9 1\nC: TOP 2 1\nS: +OK\nS: a: b\nS: c\nS: .\nS: -ERR\nS: +OK\nS: d: e\nS: .\n";
    let (mut session, peer) = session(PIPELINED_LOGIN, script);
    let mut tops = session.top_many([4, 9, 2], 1);
    let mut first = tops.next().unwrap().unwrap();
    first.read_exact(&mut [0; 2]).unwrap();
    assert_eq!(first.number(), 4);
    let missing = tops.next().unwrap_err();
    assert_eq!((missing.operation(), missing.message_number()), ("TOP 9 1", Some(9)));
    let last = tops.next().unwrap().unwrap();
    assert_eq!(last.number(), 2);
    assert_eq!(last.into_message().unwrap().as_bytes(), b"d: e\r\n");
    assert!(tops.next().unwrap().is_none());
    drop(session);
    peer.done();
}

#[test]
fn huge_sizes_do_not_overflow() {
    let (mut session, peer) = session(
        PIPELINED_LOGIN,
        "
C: LIST
S: +OK
S: 1 18446744073709551615
S: 2 18446744073709551615
S: 3 1
S: .
C: RETR 1
S: +OK
S: .
C: RETR 2
S: +OK
S: .
C: RETR 3
S: +OK
S: .
-- hold
",
    );
    let mut batch = session.retrieve_all().unwrap();
    for _ in 0..3 {
        assert!(batch.next().unwrap().unwrap().into_message().unwrap().as_bytes().is_empty());
    }
    assert!(batch.next().unwrap().is_none());
    drop(session);
    peer.done();
}

#[test]
fn a_greeting_that_refuses_ends_the_session() {
    let peer = Peer::playing("S: -ERR [SYS/TEMP] come back later\n");
    let error = connect(peer.connect()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Temporary);
    assert_eq!(
        error.to_string(),
        "reading the greeting failed: without TLS, the server said -ERR [SYS/TEMP] come back later"
    );
    assert!(error.refused().is_some() && !error.is_recoverable());
    peer.done();
}

/// Servers tell more or less of why; an echo of what was secret does not come through, in any form.
#[test]
fn refused_logins() {
    type Expected = fn(&LoginError) -> bool;
    let refusals: [(&str, Expected); 8] = [
        ("-ERR [AUTH] no", |e| matches!(e, LoginError::Credentials(_))),
        ("-ERR [IN-USE] no", |e| matches!(e, LoginError::InUse(_))),
        ("-ERR [LOGIN-DELAY] no", |e| matches!(e, LoginError::LoginDelay { .. })),
        ("-ERR [SYS/TEMP] no", |e| matches!(e, LoginError::Temporary(_))),
        ("-ERR [SYS/PERM] no", |e| matches!(e, LoginError::Permanent(_))),
        ("-ERR mailbox is locked", |e| matches!(e, LoginError::InUse(_))),
        ("-ERR no such thing as tanstaaf", |e| matches!(e, LoginError::Credentials(_))),
        ("-ERR", |e| matches!(e, LoginError::Credentials(_))),
    ];
    for (refusal, expected) in refusals {
        let login = LOGIN.strip_suffix("S: +OK\n").unwrap();
        let peer = Peer::playing(format!("{login}S: {refusal}\nC: QUIT\nS: +OK\n"));
        let (sender, log) = std::sync::mpsc::channel();
        let connect = peer.connect().log(move |entry| sender.send(entry.to_string()).unwrap());
        let error = pop3_blocking::connect(connect).unwrap_err();
        assert!(expected(error.login().unwrap()), "{refusal}: {error}");
        let log: Vec<_> = log.iter().collect();
        assert_eq!(log[..6], ["S: +OK ready", "C: CAPA", "S: -ERR what?", "C: USER mrose", "S: +OK", "C: PASS ***"]);
        assert!(!log.concat().contains("tanstaaf"), "{log:?}");
        assert!(!error.to_string().contains("tanstaaf") && !format!("{error:?}").contains("tanstaaf"), "{error}");
        peer.done();
    }
}

#[test]
fn an_echoed_proof_is_not_shown() {
    let payload = "AG1yb3NlAHRhbnN0YWFm";
    let digest = "c4c9334bac560ecc979e58001b3e22fb";
    let plain = format!(
        "S: +OK ready\nC: CAPA\nS: +OK\nS: SASL PLAIN\nS: .\nC: AUTH PLAIN {payload}\nS: -ERR bad: AUTH PLAIN {payload}\n"
    );
    let apop = format!(
        "S: +OK <1896.697170952@dbc.mtview.ca.us>\nC: CAPA\nS: -ERR\nC: APOP mrose {digest}\nS: -ERR {digest} is wrong\n"
    );
    for (script, secret, mechanism) in [(plain, payload, Method::Plain), (apop, digest, Method::Apop)] {
        let peer = Peer::playing(script + "C: QUIT\nS: +OK\n");
        let error = connect(peer.connect().methods([mechanism])).unwrap_err();
        assert!(matches!(error.login(), Some(LoginError::Credentials(_))), "{error}");
        assert!(!error.to_string().contains(secret) && !format!("{error:?}").contains(secret), "{error}");
        assert!(error.to_string().contains("***") || error.to_string().contains('*'), "{error}");
        peer.done();
    }
}

#[test]
fn a_refused_connection_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let peer = Peer::new(|_| {});
    let error = connect(peer.connect().port(port)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert_eq!(error.io().unwrap().kind(), io::ErrorKind::ConnectionRefused);
    assert_eq!(error.to_string(), format!("cannot connect to 127.0.0.1, port {port}"));

    let error = connect(peer.connect().host("no-such-host.invalid")).unwrap_err();
    assert!(matches!(error.cause(), Cause::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains("no-such-host.invalid"), "{error}");
    let _ = std::net::TcpStream::connect(peer.address);
    peer.done();
}
