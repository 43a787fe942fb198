//! The four ways in which QUIT can end (RFC 1939, section 6).

use pop3_blocking::{Cause, QuitError, Timeouts, connect};

use crate::peer::{LOGIN, LONG, Peer, session};

#[test]
fn committed() {
    let (mut session, peer) = session(LOGIN, "C: DELE 1\nS: +OK\nC: QUIT\nS: +OK bye\n");
    session.delete(1).unwrap();
    session.quit().unwrap();
    peer.done();
}

#[test]
fn refused() {
    let (session, peer) = session(LOGIN, "C: QUIT\nS: -ERR some deleted messages not removed\n");
    let Err(QuitError::Refused(refused)) = session.quit() else { panic!("not refused") };
    assert_eq!(refused.text().to_string(), "some deleted messages not removed");
    peer.done();
}

#[test]
fn f02_unknown() {
    // Nothing came, or not enough, or not in time.
    for answer in ["", "S: +OK\n-- hold\n"] {
        let peer = if answer.is_empty() {
            Peer::playing(format!("{LOGIN}C: QUIT\n"))
        } else {
            Peer::playing(format!("{LOGIN}C: QUIT\n-- hold\n"))
        };
        let session = connect(peer.connect().timeouts(Timeouts::new().each(LONG))).unwrap();
        let error = session.quit().unwrap_err();
        let QuitError::Unknown(cause) = &error else { panic!("{error}") };
        assert_eq!(cause.operation(), "QUIT");
        assert_eq!(error.to_string(), "it is unknown whether messages were deleted");
        let source = std::error::Error::source(&error).unwrap();
        assert!(source.to_string().starts_with("QUIT failed: "), "{source}");
        peer.done();
    }
}

#[test]
fn not_sent() {
    let (mut session, peer) = session(LOGIN, "C: STAT\nS: hello\n-- hold\n");
    session.stat().unwrap_err();
    let error = session.quit().unwrap_err();
    assert!(matches!(&error, QuitError::NotSent(error) if matches!(error.cause(), Cause::Protocol(_))), "{error:?}");
    assert_eq!(error.to_string(), "nothing was deleted, because QUIT could not be sent");
    assert!(std::error::Error::source(&error).unwrap().to_string().starts_with("QUIT failed: "), "{error:?}");
    peer.done();
}

#[test]
fn a_login_that_was_refused_quits_too() {
    let login = LOGIN.strip_suffix("S: +OK\n").unwrap();
    let peer = Peer::playing(format!("{login}S: -ERR\nC: QUIT\nS: +OK\n-- hold\n"));
    connect(peer.connect()).unwrap_err();
    peer.done();
}
