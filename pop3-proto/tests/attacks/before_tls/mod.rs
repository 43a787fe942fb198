//! A: attacks before and around TLS.

mod injected;
mod stripped;
mod words;

use pop3_proto::drive::{Acknowledge, Retrieval, UidlAll};
use pop3_proto::login::{Credentials, Login, Policy, Security};
use pop3_proto::{Cause, Command, Error, State, Violation};

use crate::play::{CUTS, INSIDE_TLS, PASSWORD, Play, USER, policy};

const STARTTLS: Policy = policy(Security::StartTls);
const ONE: u32 = 1;
/// The capabilities that a server with STLS announces.
const LIST: &[u8] = b"+OK\r\nSTLS\r\nSASL PLAIN\r\nUSER\r\nPIPELINING\r\n.\r\n";

fn violation(error: &Error) -> Option<Violation> {
    match error.cause() {
        Cause::Protocol(error) => Some(error.violation()),
        _ => None,
    }
}

/// Checks that the session is over: the client sends nothing more, not even QUIT, whatever the server says now.
#[track_caller]
fn is_poisoned(play: &mut Play) {
    let before = play.sent();
    for says in [&b""[..], b"\r\n", b"\r\n+OK\r\n.\r\n", b"+OK\r\n"] {
        play.say(says);
        for command in [Command::Quit, Command::Capa, Command::User(USER), Command::Pass(PASSWORD), Command::Stls] {
            let error = play.call(Acknowledge(command)).unwrap_err();
            assert!(!error.is_recoverable(), "{command}: {error}");
        }
    }
    let mut login = Login::new(Credentials::new(USER, PASSWORD), STARTTLS);
    assert!(play.log_in_or_start_tls(&mut login).is_err());
    assert_eq!(play.sent(), before);
}

/// Checks that QUIT is answered: a failed login gave the connection back.
#[track_caller]
fn goes_on(play: &mut Play) {
    play.call(Acknowledge(Command::Quit)).unwrap();
    assert_eq!(play.conversation.client().state(), State::Closed);
}

#[test]
fn a15_octets_of_a_truncated_stream_are_never_complete() {
    const LOGIN: [(&str, &[u8]); 4] =
        [("", b"+OK hi\r\n"), ("CAPA", b"-ERR\r\n"), ("USER mrose", b"+OK\r\n"), ("PASS tanstaaf", b"+OK\r\n")];
    let uidl = b"+OK\r\n1 a\r\n2 b\r\n.\r\n";
    let retr = b"+OK\r\nSubject: x\r\n\r\nbody\r\n.\r\n";
    for cut in CUTS {
        for len in 0..uidl.len() {
            let script = [&LOGIN[..], &[("UIDL", &uidl[..len])]].concat();
            let mut play = Play::of(&script, INSIDE_TLS, cut);
            play.login(policy(Security::Tls)).unwrap();
            let error = play.call(UidlAll::default()).unwrap_err();
            assert!(error.is_truncated() && !error.is_recoverable(), "{error}");
            is_poisoned(&mut play);
        }
        for len in 0..retr.len() {
            let script = [&LOGIN[..], &[("RETR 1", &retr[..len])]].concat();
            let mut play = Play::of(&script, INSIDE_TLS, cut);
            play.login(policy(Security::Tls)).unwrap();
            let mut octets = Vec::new();
            let error = play.retrieve(Retrieval::retr(ONE), &mut octets).unwrap_err();
            assert!(error.is_truncated() && !error.is_recoverable(), "{error}");
            assert!(b"Subject: x\r\n\r\nbody\r\n".starts_with(&octets), "{}", octets.escape_ascii());
            is_poisoned(&mut play);
        }
    }
}
