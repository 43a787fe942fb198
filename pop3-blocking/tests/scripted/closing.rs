//! A server that closes an idle connection, as servers do after some minutes.

use std::net::TcpStream;

use pop3_blocking::{Cause, Connection, Error, QuitError};

use crate::peer::{LOGIN, PIPELINED_LOGIN, Peer, session};

fn closed_while_idle(error: &Error) -> bool {
    matches!(error.cause(), Cause::ClosedWhileIdle(_)) && !error.is_recoverable()
}

#[test]
fn closed_without_last_words() {
    for login in [LOGIN, PIPELINED_LOGIN] {
        let (mut session, peer) = session(login, "C: NOOP\nS: +OK\n");
        session.noop().unwrap();
        peer.done();
        let error = session.stat().unwrap_err();
        assert!(closed_while_idle(&error), "{error:?}");
        assert_eq!(error.to_string(), "STAT failed: the server had closed the connection while it was idle");
        assert!(session.noop().is_err(), "and it stays closed");

        let (session, peer) = crate::peer::session(login, "");
        peer.done();
        let Err(QuitError::NotSent(error)) = session.quit() else { panic!("QUIT was sent") };
        assert!(closed_while_idle(&error), "{error:?}");
    }
}

/// The words lie unread when the next command is given. They are no answer to it.
#[test]
fn closed_with_last_words() {
    let script = "C: NOOP\nS: +OK\n-- quiet\nS: -ERR Autologout; idle for too long\n";
    let said = "the server had closed the connection while it was idle, saying -ERR Autologout; idle for too long";
    for login in [LOGIN, PIPELINED_LOGIN] {
        let (mut one, peer) = session(login, script);
        one.noop().unwrap();
        peer.done();
        let error = one.delete(1).unwrap_err();
        assert!(closed_while_idle(&error), "{error:?}");
        assert_eq!(error.to_string(), format!("DELE 1 failed: {said}"));

        let (mut one, peer) = session(login, script);
        one.noop().unwrap();
        peer.done();
        let mut batch = one.retrieve_many([1, 2]);
        assert_eq!(batch.next().unwrap_err().to_string(), format!("RETR 1 failed: {said}"));
        assert!(batch.next().is_err());
        assert!(batch.next().unwrap().is_none());

        let (mut one, peer) = session(login, script);
        one.noop().unwrap();
        peer.done();
        let Err(QuitError::NotSent(error)) = one.quit() else { panic!("QUIT was sent") };
        assert!(closed_while_idle(&error), "{error:?}");
    }
}

/// In the same read as an answer they cannot be mistaken by anybody.
#[test]
fn closed_with_last_words_after_an_answer() {
    let (mut session, peer) = session(LOGIN, "C: NOOP\nS: +OK\nS: -ERR Autologout\n");
    session.noop().unwrap();
    peer.done();
    let error = session.noop().unwrap_err();
    assert!(closed_while_idle(&error) && error.to_string().ends_with("saying -ERR Autologout"), "{error:?}");
}

/// A plain socket cannot be looked at before the command, so nothing can tell whether that was the reason.
#[test]
fn closed_on_a_stream_that_cannot_be_checked() {
    let peer = Peer::playing("S: +OK ready\n");
    let mut connection = Connection::over(TcpStream::connect(peer.address).unwrap(), peer.connect()).unwrap();
    peer.done();
    let error = connection.capabilities().unwrap_err();
    assert!(error.is_truncated() && !error.is_recoverable(), "{error:?}");
    assert_eq!(error.to_string(), "CAPA failed: the server closed the connection (waiting for the answer to CAPA)");
}

#[test]
fn closed_inside_an_answer_is_not_idle() {
    for script in ["C: STAT\nC: NOOP\n", "C: LIST\nS: +OK\nS: 1 100\n"] {
        let script = script.replace("C: STAT\nC: NOOP\n", "C: LIST\nS: +OK 2 messages\n");
        let (mut session, peer) = session(LOGIN, &script);
        let error = session.list().unwrap_err();
        assert!(matches!(error.cause(), Cause::Protocol(_)) && error.is_truncated(), "{error:?}");
        assert_eq!(error.to_string(), "LIST failed: the server closed the connection (receiving the listing of LIST)");
        peer.done();
    }
}

#[test]
fn closed_before_the_greeting() {
    let peer = Peer::new(drop);
    let error = Connection::over(TcpStream::connect(peer.address).unwrap(), peer.connect()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "reading the greeting failed: the server closed the connection (waiting for the greeting)"
    );
    peer.done();
}
