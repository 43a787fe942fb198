//! A01 to A03: plaintext that an attacker puts before or after STLS.

use pop3_proto::login::{Credentials, Login, Progress};
use pop3_proto::{Config, Violation};

use super::{LIST, STARTTLS, is_poisoned, violation};
use crate::play::{Cut, PASSWORD, Play, Script, USER};

const TAILS: [&[u8]; 8] =
    [b"+OK\r\nSASL PLAIN\r\n.\r\n", b"-ERR\r\n", b"\r\n", b"\n", b".\r\n", b"+ \r\n", b"\x16\x03\x01\x02", b"\0\xFF"];

#[test]
fn a01_plaintext_behind_stls_is_an_injection() {
    const BEGIN: &[u8] = b"+OK begin\r\n";
    for tail in TAILS {
        for len in 1..=tail.len() {
            let answer = [BEGIN, &tail[..len]].concat();
            let script: Script<'_> = &[("", b"+OK hi\r\n"), ("CAPA", LIST), ("STLS", &answer)];
            // The answer is cut anywhere: the tail arrives together with the end of the line.
            for at in (1..=answer.len()).filter(|at| *at != BEGIN.len()) {
                let mut play = Play::of(script, Config::default(), Cut::At(at));
                let error = play.login(STARTTLS).unwrap_err();
                assert_eq!(violation(&error), Some(Violation::PlaintextAfterStls), "{}", answer.escape_ascii());
                assert_eq!(play.handshakes, 0);
                play.sent_only(&["CAPA", "STLS"]);
                is_poisoned(&mut play);
                play.sent_only(&["CAPA", "STLS"]);
            }
            // The tail arrives later, before the handshake is reported as done: an adapter has read ahead.
            for cut in [Cut::At(BEGIN.len()), Cut::Octets] {
                let mut play = Play::of(script, Config::default(), cut);
                play.greet().unwrap();
                let mut login = Login::new(Credentials::new(USER, PASSWORD), STARTTLS);
                assert_eq!(play.log_in_or_start_tls(&mut login).unwrap(), Progress::StartTls);
                play.sent_only(&["CAPA", "STLS"]);
                play.read();
                let error = play.conversation.tls_established(None).unwrap_err();
                assert_eq!(violation(&error), Some(Violation::PlaintextAfterStls));
                // A driver that continues regardless gets no further.
                assert!(!matches!(play.log_in_or_start_tls(&mut login), Ok(Progress::LoggedIn)));
                assert!(!play.conversation.client().inside_tls());
                is_poisoned(&mut play);
                play.sent_only(&["CAPA", "STLS"]);
            }
        }
    }
}

#[test]
fn a02_no_partial_line_survives_the_handshake() {
    for fragment in [&b"abc"[..], b"+OK", b"+OK\r", b"\r", b"."] {
        for len in 1..=fragment.len() {
            let answer = [b"+OK\r\n", &fragment[..len]].concat();
            let script: Script<'_> = &[("", b"+OK hi\r\n"), ("CAPA", LIST), ("STLS", &answer)];
            for at in (1..=answer.len()).filter(|at| *at != 5) {
                let mut play = Play::of(script, Config::default(), Cut::At(at));
                let error = play.login(STARTTLS).unwrap_err();
                assert_eq!(violation(&error), Some(Violation::PlaintextAfterStls), "{}", answer.escape_ascii());
                play.sent_only(&["CAPA", "STLS"]);
            }
            // The octets were read ahead, and the first octets of the server inside TLS complete them.
            let mut play = Play::of(script, Config::default(), Cut::At(5));
            play.greet().unwrap();
            let mut login = Login::new(Credentials::new(USER, PASSWORD), STARTTLS);
            assert_eq!(play.log_in_or_start_tls(&mut login).unwrap(), Progress::StartTls);
            play.read();
            assert!(play.conversation.tls_established(None).is_err());
            is_poisoned(&mut play);
            play.sent_only(&["CAPA", "STLS"]);
        }
    }
}

#[test]
fn a03_an_answer_before_its_command_answers_nothing() {
    const GREETING: &[u8] = b"+OK hi\r\n";
    // One blank line alone would be forgiven: it answers no command either.
    for tail in [&b"+OK begin TLS\r\n"[..], b"+OK\r\nSTLS\r\n.\r\n", b"-ERR x\r\n", b".", b"\0", b"\n"] {
        for len in 1..=tail.len() {
            let greeting = [GREETING, &tail[..len]].concat();
            for cut in (1..=greeting.len()).map(Cut::At).chain([Cut::Octets]) {
                for policy in [STARTTLS, crate::play::CLEAR] {
                    let mut play = Play::of(&[("", &greeting), ("CAPA", LIST)], Config::default(), cut);
                    let error = play.login(policy).unwrap_err();
                    assert!(error.login().is_none() && !error.is_recoverable(), "{error}");
                    is_poisoned(&mut play);
                    play.sent_only(&[]);
                }
            }
            // The tail follows CAPA's dot. The look before STLS finds it if it comes in a read of its own.
            let list = [LIST, &tail[..len]].concat();
            for at in 1..=list.len() {
                let mut play = Play::of(&[("", GREETING), ("CAPA", &list)], Config::default(), Cut::At(at));
                play.greet().unwrap();
                let mut login = Login::new(Credentials::new(USER, PASSWORD), STARTTLS);
                let result = play.log_in_or_start_tls(&mut login);
                assert!(result.is_err_and(|error| error.login().is_none() && !error.is_recoverable()));
                is_poisoned(&mut play);
                play.sent_only(&["CAPA"]);
            }
        }
    }
}
