//! SCRAM against the test's own server, which follows the RFCs and shares no code with the client: an honest one, and
//! all the ways to cheat.

use hmac::{Hmac, KeyInit, Mac};
use pop3_proto::Config;
use pop3_proto::drive::Conversation;
use pop3_proto::login::{Credentials, LoginError, Method, Methods, Policy};
use pop3_proto::sasl::MechanismError;
use proptest::prelude::*;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::play::{CLEAR, Played, base64, by, capa, is_unproved, play, play_in, unbase64};

/// The functions of RFC 5802, section 2.2.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Function {
    Sha1,
    Sha256,
}

impl Function {
    fn hmac(self, key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
        let text = parts.concat();
        match self {
            Function::Sha1 => {
                Hmac::<Sha1>::new_from_slice(key).unwrap().chain_update(text).finalize().into_bytes().to_vec()
            }
            Function::Sha256 => {
                Hmac::<Sha256>::new_from_slice(key).unwrap().chain_update(text).finalize().into_bytes().to_vec()
            }
        }
    }

    fn hash(self, octets: &[u8]) -> Vec<u8> {
        match self {
            Function::Sha1 => Sha1::digest(octets).to_vec(),
            Function::Sha256 => Sha256::digest(octets).to_vec(),
        }
    }

    fn salted(self, password: &[u8], salt: &[u8], iterations: u32) -> Vec<u8> {
        let mut round = self.hmac(password, &[salt, &1u32.to_be_bytes()]);
        let mut all = round.clone();
        for _ in 1..iterations {
            round = self.hmac(password, &[&round]);
            all.iter_mut().zip(&round).for_each(|(all, octet)| *all ^= octet);
        }
        all
    }
}

/// The server's way to cheat.
#[derive(Clone, Debug, Default)]
struct Cheat {
    /// The whole first message, instead of the right one; `{nonce}` is the client's.
    first: Option<String>,
    /// The whole final message.
    last: Option<String>,
    /// Says `+OK` after so many messages of its own.
    ok_after: Option<usize>,
    /// Says this at the end.
    end: Option<&'static str>,
}

struct Server {
    function: Function,
    password: String,
    exporter: Vec<u8>,
    cheat: Cheat,
    messages: Vec<String>,
    /// The validity of the client's proof, if it sent one.
    proved: Option<bool>,
}

impl Server {
    fn new(function: Function, cheat: Cheat) -> Server {
        Server { function, password: "pencil".into(), exporter: vec![], cheat, messages: vec![], proved: None }
    }

    fn answer(&mut self, line: &str) -> String {
        let text = match line {
            "*" => return "-ERR cancelled\r\n".into(),
            _ => line.rsplit(' ').next().unwrap(),
        };
        let message = String::from_utf8(unbase64(text)).unwrap();
        if let (Some(last), true) = (self.cheat.ok_after, self.messages.len() % 2 == 0) {
            if self.messages.len() / 2 == last {
                return "+OK come in\r\n".into();
            }
        }
        let reply = match self.messages.len() {
            0 => self.first(&message),
            2 => self.last(&message),
            _ => {
                assert_eq!(message, "", "the client has nothing more to say");
                return self
                    .cheat
                    .end
                    .unwrap_or(if self.proved == Some(true) { "+OK" } else { "-ERR [AUTH] no" })
                    .to_owned()
                    + "\r\n";
            }
        };
        self.messages.extend([message, reply.clone()]);
        format!("+ {}\r\n", base64(reply))
    }

    fn first(&self, message: &str) -> String {
        let nonce = message.split(",r=").nth(1).unwrap();
        let salt = base64("a salt");
        let first = self.cheat.first.clone().unwrap_or(format!("r={{nonce}}3rfcNHYJY1ZVvWVs7j,s={salt},i=4096"));
        first.replace("{nonce}", nonce)
    }

    fn last(&mut self, message: &str) -> String {
        let [client_first, server_first] = &self.messages[..] else { panic!() };
        let salted = self.function.salted(self.password.as_bytes(), b"a salt", 4096);
        let key = |name: &[u8]| self.function.hmac(&salted, &[name]);
        let (client_key, server_key) = (key(b"Client Key"), key(b"Server Key"));
        let (without_proof, proof) = message.split_once(",p=").unwrap();
        let bare_at = client_first
            .find(",n=")
            .or(client_first.find(",,"))
            .map(|_| client_first.match_indices(',').nth(1).unwrap().0 + 1);
        let (header, bare) = client_first.split_at(bare_at.unwrap());
        let signed = [bare, server_first, without_proof].join(",");
        let signature = self.function.hmac(&self.function.hash(&client_key), &[signed.as_bytes()]);
        let expected: Vec<u8> = signature.iter().zip(&client_key).map(|(a, b)| a ^ b).collect();
        let binding = [header.as_bytes(), &self.exporter].concat();
        let bound = without_proof.starts_with(&format!("c={},", base64(&binding)));
        self.proved = Some(bound && unbase64(proof) == expected);
        if let Some(last) = &self.cheat.last {
            return last.clone();
        }
        match self.proved {
            Some(true) => format!("v={}", base64(self.function.hmac(&server_key, &[signed.as_bytes()]))),
            _ => "e=invalid-proof".into(),
        }
    }
}

fn pencil() -> Credentials {
    Credentials::new("user", "pencil")
}

fn against(credentials: Credentials, function: Function, cheat: Cheat) -> (Played, Server) {
    let mut server = Server::new(function, cheat);
    let method = if function == Function::Sha1 { Method::ScramSha1 } else { Method::ScramSha256 };
    let played = play(credentials, by(method), |line| match line {
        "CAPA" => capa("SCRAM-SHA-1 SCRAM-SHA-256"),
        line => server.answer(line),
    });
    (played, server)
}

#[test]
fn the_oracle_knows_the_vectors_of_the_rfcs() {
    for (function, salt, signed, proof, verifier) in [
        (
            Function::Sha1,
            "QSXCR+Q6sek8bf92",
            "n=user,r=fyko+d2lbbFgONRv9qkxdawL,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096,c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j",
            "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
            "rmF9pqV8S7suAoZWja4dJRkFsKQ=",
        ),
        (
            Function::Sha256,
            "W22ZaJ0SNY7soEsUEjb6gQ==",
            "n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
            "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
            "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
        ),
    ] {
        let salted = function.salted(b"pencil", &unbase64(salt), 4096);
        let client_key = function.hmac(&salted, &[b"Client Key"]);
        let signature = function.hmac(&function.hash(&client_key), &[signed.as_bytes()]);
        let ours: Vec<u8> = signature.iter().zip(&client_key).map(|(a, b)| a ^ b).collect();
        assert_eq!(base64(ours), proof);
        assert_eq!(base64(function.hmac(&function.hmac(&salted, &[b"Server Key"]), &[signed.as_bytes()])), verifier);
    }
}

#[test]
fn both_sides_prove_themselves() {
    for function in [Function::Sha1, Function::Sha256] {
        let (played, server) = against(pencil(), function, Cheat::default());
        played.result.as_ref().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(server.proved, Some(true));
        assert_eq!(played.proof().len(), 3);
        assert!(server.messages[0].starts_with("n,,n=user,r="), "{}", server.messages[0]);
        // The nonce is a new one each time.
        let (_, again) = against(pencil(), function, Cheat::default());
        assert_ne!(server.messages[0], again.messages[0]);
    }
}

#[test]
fn names_and_passwords_of_all_sorts() {
    for (user, password, prepared) in
        [("a=b,c", "p,a=s", "p,a=s"), ("user", "I\u{AD}X\u{BD}", "IX1\u{2044}2"), ("us er", "two words", "two words")]
    {
        let mut server = Server { password: prepared.into(), ..Server::new(Function::Sha256, Cheat::default()) };
        let credentials = Credentials::new(user, password).acting_for("other,one");
        let played = play(credentials, by(Method::ScramSha256), |line| match line {
            "CAPA" => capa("SCRAM-SHA-256"),
            line => server.answer(line),
        });
        assert!(server.messages[0].starts_with("n,a=other=2Cone,n="), "{}", server.messages[0]);
        assert_eq!(server.proved, Some(true), "{password}");
        played.result.unwrap();
    }
}

#[test]
fn bound_to_the_connection_where_both_can() {
    for (offered, header, exporter) in [
        ("SCRAM-SHA-256 SCRAM-SHA-256-PLUS", "p=tls-exporter,,n=user,r=", &[7; 32][..]),
        ("SCRAM-SHA-256-PLUS", "p=tls-exporter,,n=user,r=", &[7; 32]),
        // The client says that it supports channel binding, so that the server notices if its offer was removed on the
        // way.
        ("SCRAM-SHA-256", "y,,n=user,r=", &[]),
    ] {
        let mut conversation = Conversation::new(Config::default());
        conversation.tls_established().unwrap();
        conversation.set_channel_binding(vec![7; 32].into());
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
    conversation.tls_established().unwrap();
    conversation.set_channel_binding(vec![7; 32].into());
    let mut server = Server { exporter: vec![8; 32], ..Server::new(Function::Sha256, Cheat::default()) };
    let played = play_in(conversation, pencil(), Policy::default(), |line| match line {
        "CAPA" => capa("SCRAM-SHA-256-PLUS"),
        line => server.answer(line),
    });
    assert_eq!(server.proved, Some(false));
    assert!(matches!(played.reason(), LoginError::Credentials(_)), "{:?}", played.reason());
}

#[test]
fn a_wrong_password_is_refused_by_the_server() {
    let (played, server) = against(Credentials::new("user", "pencils"), Function::Sha256, Cheat::default());
    assert_eq!(server.proved, Some(false));
    let LoginError::Credentials(refused) = played.reason() else { panic!("{:?}", played.reason()) };
    assert_eq!(refused.to_string(), "-ERR [AUTH] no (invalid-proof)");
    assert!(played.error().is_recoverable());
    // A server that refuses inside SCRAM and then accepts the login is not believed.
    let cheat = Cheat { end: Some("+OK"), ..Cheat::default() };
    let (played, _) = against(Credentials::new("user", "pencils"), Function::Sha256, cheat);
    assert!(is_unproved(played.error()), "{:?}", played.error());
}

#[test]
fn a_server_without_the_password_is_found_out() {
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
fn ok_without_the_servers_proof_is_no_login() {
    for ok_after in [0, 1] {
        let cheat = Cheat { ok_after: Some(ok_after), ..Cheat::default() };
        let (played, _) = against(pencil(), Function::Sha256, cheat);
        assert!(is_unproved(played.error()), "{:?}", played.error());
        assert!(!played.error().is_recoverable());
        assert_eq!(played.proof().len(), ok_after + 1);
    }
}

#[test]
fn a_first_message_that_is_none_is_cancelled_before_any_work() {
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
            conversation.tls_established().unwrap();
            conversation.set_channel_binding(vec![1; 32].into());
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

/// Starts a server that announces -PLUS and refuses the binding with `refusal`, as Cyrus does that knows `tls-unique`
/// only.
fn without_exporter(policy: Policy, offered: &str, refusal: &str, password: &str) -> (Played, Vec<String>) {
    let mut conversation = Conversation::new(Config::default());
    conversation.tls_established().unwrap();
    conversation.set_channel_binding(vec![7; 32].into());
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
fn a_binding_is_never_given_up_where_it_was_asked_for() {
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
        conversation.tls_established().unwrap();
        conversation.set_channel_binding(vec![7; 32].into());
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
fn a_binding_that_is_unknown_behind_the_proof_is_followed_too() {
    const BAD: &str = "-ERR [AUTH] authenticating: bad protocol / cancel\r\n";
    let log_in = |policy: Policy, password: &str| {
        let mut conversation = Conversation::new(Config::default());
        conversation.tls_established().unwrap();
        conversation.set_channel_binding(vec![7; 32].into());
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
