//! The binding to the TLS connection: if both sides support it, and if the server does not.

use pop3_proto::Config;
use pop3_proto::drive::Conversation;
use pop3_proto::login::{Credentials, LoginError, Method, Methods, Policy};

use super::pencil;
use super::server::{Cheat, Function, Server};
use crate::play::{Played, by, capa, play, play_in};

#[test]
fn scram_is_bound_to_the_connection_if_both_sides_support_it() {
    for (offered, header, exporter) in [
        ("SCRAM-SHA-256 SCRAM-SHA-256-PLUS", "p=tls-exporter,,n=user,r=", &[7; 32][..]),
        ("SCRAM-SHA-256-PLUS", "p=tls-exporter,,n=user,r=", &[7; 32]),
        // The client says that it supports channel binding, so that the server notices if its offer was removed on the
        // way.
        ("SCRAM-SHA-256", "y,,n=user,r=", &[]),
    ] {
        let mut conversation = Conversation::new(Config::default());
        conversation.tls_established(Some(vec![7; 32].into())).unwrap();
        let mut server = Server { exporter: exporter.into(), ..Server::new(Function::Sha256, Cheat::default()) };
        let played = play_in(conversation, pencil(), Policy::default(), |line| match line {
            "CAPA" => capa(offered),
            line => server.answer(line),
        });
        assert!(server.messages[0].starts_with(header), "{offered}: {}", server.messages[0]);
        assert_eq!(played.proof()[0].starts_with("AUTH SCRAM-SHA-256-PLUS "), !exporter.is_empty());
        played.result.unwrap();
    }
    // Another connection has another binding: an attacker between them cannot pass the proof on.
    let mut conversation = Conversation::new(Config::default());
    conversation.tls_established(Some(vec![7; 32].into())).unwrap();
    let mut server = Server { exporter: vec![8; 32], ..Server::new(Function::Sha256, Cheat::default()) };
    let played = play_in(conversation, pencil(), Policy::default(), |line| match line {
        "CAPA" => capa("SCRAM-SHA-256-PLUS"),
        line => server.answer(line),
    });
    assert_eq!(server.proved, Some(false));
    assert!(matches!(played.reason(), LoginError::Credentials(_)), "{:?}", played.reason());
}

/// Starts a server that announces -PLUS and refuses the binding with `refusal`, as Cyrus does that knows `tls-unique`
/// only.
fn without_exporter(policy: Policy, offered: &str, refusal: &str, password: &str) -> (Played, Vec<String>) {
    let mut conversation = Conversation::new(Config::default());
    conversation.tls_established(Some(vec![7; 32].into())).unwrap();
    let mut server = Server::new(Function::Sha256, Cheat::default());
    let played = play_in(conversation, Credentials::new("user", password), policy, |line| match line {
        "CAPA" => capa(offered),
        line if line.starts_with("AUTH SCRAM-SHA-256-PLUS ") => format!("{refusal}\r\n"),
        line => server.answer(line),
    });
    (played, server.messages)
}

const BOTH: &str = "SCRAM-SHA-256 SCRAM-SHA-256-PLUS";
const BOUND: Method = Method::ScramSha256Plus;
const UNBOUND: Method = Method::ScramSha256;

#[test]
fn a_binding_refused_before_the_proof_is_followed_once_by_scram_without_it() {
    for refusal in ["-ERR [AUTH] authentication failure", "-ERR no"] {
        for policy in [Policy::default(), Policy::new().methods(Some(Methods::of(&[BOUND, UNBOUND])))] {
            let (played, messages) = without_exporter(policy, BOTH, refusal, "pencil");
            played.result.as_ref().unwrap();
            assert!(
                messages[0].starts_with("n,,n=user,r="),
                "the server would take `y` for an attack: {}",
                messages[0]
            );
            let begun: Vec<_> = played.proof().iter().filter(|line| line.starts_with("AUTH ")).collect();
            assert_eq!(begun.len(), 2, "{begun:?}");
            assert!(begun[1].starts_with("AUTH SCRAM-SHA-256 "));
        }
    }
    // The second attempt is the last one, and its refusal counts.
    let (played, _) = without_exporter(Policy::default(), BOTH, "-ERR no", "pencils");
    assert!(matches!(played.reason(), LoginError::Credentials(_)), "{:?}", played.reason());
    assert_eq!(played.proof().iter().filter(|line| line.starts_with("AUTH ")).count(), 2);
}

#[test]
fn a_required_binding_is_never_given_up() {
    let by_name = Policy::new().method(BOUND);
    let with_plain = Policy::new().methods(Some(Methods::of(&[BOUND, Method::Plain])));
    for (policy, offered) in [
        (by_name, BOTH),
        (with_plain, "SCRAM-SHA-256 SCRAM-SHA-256-PLUS PLAIN"),
        // There is no mechanism to fall back to.
        (Policy::default(), "SCRAM-SHA-256-PLUS SCRAM-SHA-1 PLAIN"),
    ] {
        let (played, _) = without_exporter(policy, offered, "-ERR [AUTH] authentication failure", "pencil");
        assert!(matches!(played.reason(), LoginError::Binding(_)), "{:?}", played.reason());
        assert!(played.reason().to_string().contains("did not check the password"));
        assert_eq!(played.proof().len(), 1);
    }
    // No other reason leads to a second attempt.
    for refusal in ["-ERR [IN-USE] later", "-ERR [SYS/TEMP] later", "-ERR [LOGIN-DELAY] later", "-ERR [X-FOO] never"] {
        let (played, _) = without_exporter(Policy::default(), BOTH, refusal, "pencil");
        assert_eq!(played.proof().len(), 1, "{refusal}");
        assert!(!matches!(played.reason(), LoginError::Binding(_)), "{:?}", played.reason());
    }
}

#[test]
fn a_mechanism_asked_for_by_name_is_used_as_named() {
    let by_name = Policy::new().method(UNBOUND);
    let (played, messages) = without_exporter(by_name, BOTH, "-ERR", "pencil");
    played.result.as_ref().unwrap();
    assert_eq!(played.proof().iter().filter(|line| line.starts_with("AUTH ")).count(), 1);
    assert!(messages[0].starts_with("n,,"), "{}", messages[0]);

    // Without a binding, -PLUS is not available.
    let plain = play(pencil(), by(BOUND), |line| if line == "CAPA" { capa(BOTH) } else { panic!("{line}") });
    assert!(matches!(plain.reason(), LoginError::Unprotected), "{:?}", plain.reason());
}

#[test]
fn no_further_attempt_follows_a_proof() {
    for (says, binding) in [("channel-bindings-dont-match", true), ("invalid-proof", false)] {
        let mut conversation = Conversation::new(Config::default());
        conversation.tls_established(Some(vec![7; 32].into())).unwrap();
        let cheat = Cheat { last: Some(format!("e={says}")), end: Some("-ERR [AUTH] no"), ..Cheat::default() };
        let mut server = Server { exporter: vec![8; 32], ..Server::new(Function::Sha256, cheat) };
        let played = play_in(conversation, pencil(), Policy::default(), |line| match line {
            "CAPA" => capa(BOTH),
            line => server.answer(line),
        });
        assert_eq!(played.proof().iter().filter(|line| line.starts_with("AUTH ")).count(), 1);
        assert_eq!(matches!(played.reason(), LoginError::Binding(_)), binding, "{:?}", played.reason());
    }
}

/// Follows Cyrus 3.6, whose SASL library knows `tls-unique` only: it continues until the proof, and then gives the same
/// answer as to everything that it does not understand.
#[test]
fn a_binding_refused_after_the_proof_is_followed_too() {
    const BAD: &str = "-ERR [AUTH] authenticating: bad protocol / cancel\r\n";
    let log_in = |policy: Policy, password: &str| {
        let mut conversation = Conversation::new(Config::default());
        conversation.tls_established(Some(vec![7; 32].into())).unwrap();
        let mut bound = Server::new(Function::Sha256, Cheat::default());
        let mut unbound = Server::new(Function::Sha256, Cheat::default());
        let mut is_bound = false;
        play_in(conversation, Credentials::new("user", password), policy, move |line| {
            is_bound = line.starts_with("AUTH SCRAM-SHA-256-PLUS ") || (is_bound && !line.starts_with("AUTH "));
            match line {
                "CAPA" => capa(BOTH),
                _ if is_bound && !bound.messages.is_empty() => BAD.into(),
                line if is_bound => bound.answer(line),
                line => unbound.answer(line),
            }
        })
    };
    log_in(Policy::default(), "pencil").result.unwrap();
    let played = log_in(Policy::default(), "pencils");
    assert!(matches!(played.reason(), LoginError::Credentials(_)), "{:?}", played.reason());
    let played = log_in(Policy::new().method(BOUND), "pencil");
    assert!(matches!(played.reason(), LoginError::Binding(_)), "{:?}", played.reason());
    assert_eq!(played.proof().iter().filter(|line| line.starts_with("AUTH ")).count(), 1);
}
