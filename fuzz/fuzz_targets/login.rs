//! A login by any method and policy, against a server that says anything.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pop3_fuzz::login::{PASSWORD, Scene, TOKEN};
use pop3_proto::State;
use pop3_proto::login::{LoginError, Method, Methods, Security};

fuzz_target!(|octets: &[u8]| {
    let Some(scene) = Scene::read(octets) else { return };
    let mut played = scene.play();
    let wire = String::from_utf8(played.clear.clone()).expect("what a client says is US-ASCII here");

    if scene.policy.security == Security::StartTls {
        assert!(wire.split_terminator("\r\n").all(|line| matches!(line, "CAPA" | "STLS")), "before TLS: {wire}");
    } else if !scene.policy.allow_plaintext {
        let telling = ["USER", "PASS", "AUTH PLAIN", "AUTH LOGIN", "AUTH XOAUTH2", "AUTH OAUTHBEARER"];
        // The text is searched at the start of a line: the Base64 of a nonce may contain any word.
        let told = wire.lines().any(|line| telling.iter().any(|telling| line.starts_with(telling)));
        assert!(!told, "without leave: {wire}");
    }
    match &played.result {
        Ok(()) => {
            assert_eq!(played.conversation.client().state(), State::Transaction);
            let scram = played.sent("AUTH SCRAM-");
            assert!(!scram, "this server does not know the password");
        }
        Err(error) => {
            let shown = format!("{error} {error:?} {:?}", played.conversation);
            // A secret is not shown, unless the server found it by itself.
            for secret in [PASSWORD, TOKEN] {
                assert!(scene.knows(secret) || !shown.contains(secret), "{shown}");
            }
            if matches!(error.login(), Some(LoginError::Unsuitable(_))) {
                assert!(wire.is_empty());
            }
            if error.is_recoverable() {
                assert!(!played.conversation.client().state().is_over());
                played.quit();
            }
        }
    }
    if scene.policy.methods == Some(Methods::from(Method::Apop)) && scene.policy.security == Security::StartTls {
        assert!(played.result.is_err(), "the timestamp was heard before TLS");
    }
});
