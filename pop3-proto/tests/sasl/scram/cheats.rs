//! Servers that do not know the password, or send malformed SCRAM messages.

use pop3_proto::Config;
use pop3_proto::drive::Conversation;
use pop3_proto::login::LoginError;
use pop3_proto::sasl::MechanismError;
use proptest::prelude::*;

use super::server::{Cheat, Function, Server};
use super::{against, pencil};
use crate::play::{CLEAR, base64, capa, is_unproved, play_in};

#[test]
fn a_server_without_the_password_is_detected() {
    let wrong = base64([0; 32]);
    for last in [
        format!("v={wrong}"),
        format!("v={}", base64("short")),
        format!("v={wrong},x=extension"),
        "v=".into(),
        "v=AAA".into(),
        "v=====".into(),
        "x=y".into(),
    ] {
        let cheat = Cheat { last: Some(last.clone()), end: Some("+OK"), ..Cheat::default() };
        let (played, server) = against(pencil(), Function::Sha256, cheat);
        assert_eq!(server.proved, Some(true));
        assert_eq!(played.said.last().unwrap(), "*", "{last}");
        let LoginError::Mechanism { error, .. } = played.reason() else { panic!("{last}: {:?}", played.reason()) };
        assert_eq!(*error, MechanismError::ServerUnverified, "{last}");
        assert!(!played.error().is_recoverable());
    }
}

#[test]
fn ok_without_the_servers_proof_is_not_a_login() {
    for ok_after in [0, 1] {
        let cheat = Cheat { ok_after: Some(ok_after), ..Cheat::default() };
        let (played, _) = against(pencil(), Function::Sha256, cheat);
        assert!(is_unproved(played.error()), "{:?}", played.error());
        assert!(!played.error().is_recoverable());
        assert_eq!(played.proof().len(), ok_after + 1);
    }
}

#[test]
fn an_invalid_first_message_is_cancelled_before_any_work() {
    let salt = base64("a salt");
    for (first, expected) in [
        (format!("r=other,s={salt},i=4096"), None),
        // The nonce is the client's own, without any octets of the server.
        (format!("r={{nonce}},s={salt},i=4096"), None),
        (format!("m=must,r={{nonce}}x,s={salt},i=4096"), None),
        // An unprintable character would come back in the client's answer.
        (format!("r={{nonce}}x y,s={salt},i=4096"), None),
        (format!("r={{nonce}}x\u{1},s={salt},i=4096"), None),
        (format!("r={{nonce}}x\u{7f},s={salt},i=4096"), None),
        (format!("r={{nonce}}\u{e4},s={salt},i=4096"), None),
        (format!("r={{nonce}}x,s={salt}"), None),
        (format!("r={{nonce}}x,i=4096,s={salt}"), None),
        (format!("r={{nonce}}x,s={salt},i="), None),
        (format!("r={{nonce}}x,s={salt},i=-1"), None),
        (format!("r={{nonce}}x,s={salt},i=4096x"), None),
        ("r={nonce}x,s=!!!,i=4096".into(), None),
        (format!("r={{nonce}}x,s={salt},i=0"), Some(MechanismError::TooLittleWork(0))),
        (format!("r={{nonce}}x,s={salt},i=4095"), Some(MechanismError::TooLittleWork(4095))),
        (format!("r={{nonce}}x,s={salt},i=600001"), Some(MechanismError::TooMuchWork(600_001))),
        (format!("r={{nonce}}x,s={salt},i=4294967295"), Some(MechanismError::TooMuchWork(u32::MAX))),
        (format!("r={{nonce}}x,s={salt},i=99999999999999999999"), Some(MechanismError::TooMuchWork(u32::MAX))),
        // The message is too short for the library to look at.
        (String::new(), None),
        ("r".into(), None),
        ("r={nonce}x,s".into(), None),
        (format!("r={{nonce}}x,s={salt},i"), None),
        (format!("r={{nonce}}x,,s={salt},i=4096"), None),
        ("e=other-error".into(), None),
    ] {
        let cheat = Cheat { first: Some(first.clone()), ..Cheat::default() };
        let (played, _) = against(pencil(), Function::Sha256, cheat);
        assert_eq!(played.proof()[1..], ["*"], "{first}");
        let LoginError::Mechanism { error, .. } = played.reason() else { panic!("{first}: {:?}", played.reason()) };
        match expected {
            Some(expected) => assert_eq!(*error, expected, "{first}"),
            None => assert!(matches!(error, MechanismError::Challenge(_)), "{first}: {error}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// No text of the server makes the client panic or log in.
    #[test]
    fn no_message_panics(
        first in prop_oneof![Just(None), "[rsimvex=,{}a-z0-9]{0,12}".prop_map(Some), "(r=\\{nonce\\}x|s=YQ==|i=4096|[rsi]=?|,){0,6}".prop_map(Some)],
        last in prop_oneof![Just("v".to_owned()), "[vex=,A]{0,6}", "e=[a-z]{0,3}", "v=[A-Z=]{0,8}"],
        plus in any::<bool>(),
    ) {
        let mut conversation = Conversation::new(Config::default());
        if plus {
            conversation.tls_established(Some(vec![1; 32].into())).unwrap();
        }
        let cheat = Cheat { first, last: Some(last), end: Some("+OK"), ..Cheat::default() };
        let mut server = Server { exporter: vec![1; if plus { 32 } else { 0 }], ..Server::new(Function::Sha256, cheat) };
        let played = play_in(conversation, pencil(), CLEAR, |line| match line {
            "CAPA" => capa("SCRAM-SHA-256 SCRAM-SHA-256-PLUS"),
            line => server.answer(line),
        });
        prop_assert!(played.result.is_err());
    }
}
