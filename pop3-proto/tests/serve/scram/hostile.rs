//! Messages that no honest client sends.

use pop3_proto::{ServerConfig, Service, State};
use proptest::prelude::*;
use zeroize::Zeroizing;

use super::oracle::{Client, encode};
use super::{OPEN, WRONG, challenge, log_in, say, session, store};

fn begun(client: &Client) -> (Service<impl pop3_proto::serve::Maildrop>, String) {
    let mut service = session(store().maildrop());
    let answer = say(&mut service, &format!("AUTH SCRAM-SHA-256 {}", encode(client.first())));
    let challenge = challenge(&answer);
    (service, challenge)
}

#[test]
fn v40_every_step_can_be_cancelled() {
    let ann = Client::new("ann", "top secret");
    let mut service = session(store().maildrop());
    assert_eq!(say(&mut service, "AUTH SCRAM-SHA-256"), "+ \r\n");
    assert_eq!(say(&mut service, "*"), "-ERR cancelled\r\n");

    let (mut service, _) = begun(&ann);
    assert_eq!(say(&mut service, "*"), "-ERR cancelled\r\n");
    assert_eq!(log_in(&mut service, "SCRAM-SHA-256", &ann), OPEN, "as if AUTH had not come");

    let (mut service, challenge) = begun(&ann);
    assert!(say(&mut service, &encode(ann.last(&challenge).0)).starts_with("+ "));
    assert_eq!(say(&mut service, "*"), "-ERR cancelled\r\n", "the proof was right, and is not used");
    assert_eq!(service.state(), State::Authorization);
}

#[test]
fn the_last_line_is_empty() {
    let ann = Client::new("ann", "top secret");
    for last in ["AA==", "=", "x"] {
        let (mut service, challenge) = begun(&ann);
        say(&mut service, &encode(ann.last(&challenge).0));
        assert!(say(&mut service, last).starts_with("-ERR "), "{last}");
        assert_eq!(service.state(), State::Authorization);
    }
}

#[test]
fn malformed_first_messages_are_refused() {
    for first in [
        "",
        ",",
        ",,",
        "n",
        "n,",
        "n,,",
        "n,,n",
        "n,,n=",
        "n,,n=ann",
        "n,,n=ann,",
        "n,,n=ann,r",
        "n,,n=ann,r=",
        "n,,n=ann,r= ",
        "n,,n=ann,r=a\u{e9}",
        "n,,n=ann,r=a\x7f",
        "n,,,",
        "n,,n=,r=a",
        "n,,r=a,n=ann",
        "x,,n=ann,r=a",
        "N,,n=ann,r=a",
        "n,,m=x,n=ann,r=a",
        "n,,n=ann,r=a,x=y",
        "n,,n=ann,r=a,",
        "p,,n=ann,r=a",
        "p=,,n=ann,r=a",
        "p=x,,n=ann,r=a",
        "n,a,n=ann,r=a",
        "n,aa,n=ann,r=a",
        "nn,,n=ann,r=a",
        "n,,n=a\0,r=a",
    ] {
        let mut service = session(store().maildrop());
        let answer = say(
            &mut service,
            &format!("AUTH SCRAM-SHA-256 {}", if first.is_empty() { "=".into() } else { encode(first) }),
        );
        assert!(answer.starts_with("-ERR ") && !answer.contains("[AUTH]"), "{first:?}: {answer}");
        assert_eq!(service.state(), State::Authorization);
    }
    let mut service = session(store().maildrop());
    say(&mut service, "AUTH SCRAM-SHA-256");
    let long = format!("n,,n=ann,r={}", "a".repeat(1024));
    assert_eq!(say(&mut service, &encode(long)), "-ERR the message is too long\r\n");
    for bad in ["bixh", "biws\u{e9}", "=AAA", "AAA=BBB", "n,,n=ann,r=a"] {
        assert!(say(&mut service, &format!("AUTH SCRAM-SHA-256 {bad}")).starts_with("-ERR "), "{bad}");
    }
}

#[test]
fn the_longest_nonce_is_answered_whole() {
    let client = Client::new("ann", "top secret");
    let client = Client { nonce: "n".repeat(1024 - "n,,n=ann,r=".len()), ..client };
    let mut service = session(store().maildrop());
    say(&mut service, "AUTH SCRAM-SHA-256");
    let challenge = challenge(&say(&mut service, &encode(client.first())));
    assert!(challenge.len() > 1024);
    // With its nonce and the server's, the proof is too long: an honest client keeps the nonce short.
    assert_eq!(say(&mut service, &encode(client.last(&challenge).0)), WRONG);
}

#[test]
fn malformed_proofs_are_refused() {
    let ann = Client::new("ann", "top secret");
    let whole = |service_nonce: &str| -> Vec<String> {
        let proof = encode([0; 32]);
        let long = encode([0; 33]);
        [
            String::new(),
            "c".into(),
            ",".into(),
            "c=,r=,p=".into(),
            "c=biws".into(),
            "c=biws,r".into(),
            format!("c=biws,r={service_nonce}"),
            format!("c=biws,r={service_nonce},p"),
            format!("c=biws,r={service_nonce},p="),
            format!("c=biws,r={service_nonce},p=AA=="),
            format!("c=biws,r={service_nonce},p=!"),
            format!("c=biws,r={service_nonce},p={proof}"),
            format!("c=biws,r={service_nonce},p={proof},"),
            format!("c=biws,r={service_nonce},p={proof},x=y"),
            format!("c=biws,r={service_nonce},p={long}"),
            format!("c=biws,r={service_nonce},p={}", encode([0; 300])),
            format!("c=biws,r={},p={proof}", ann.nonce),
            format!("c=biws,r=x,p={proof}"),
            format!("c=eSws,r={service_nonce},p={proof}"),
            format!("c=!,r={service_nonce},p={proof}"),
            format!("r={service_nonce},c=biws,p={proof}"),
        ]
        .into()
    };
    for nth in 0..whole("").len() {
        let (mut service, challenge) = begun(&ann);
        let nonce = super::oracle::Challenge::parse(&challenge).nonce;
        let message = &whole(&nonce)[nth];
        assert_eq!(say(&mut service, &encode(message)), WRONG, "{message}");
        assert_eq!(service.state(), State::Authorization);
    }
}

#[test]
fn a_proof_is_valid_once() {
    let ann = Client::new("ann", "top secret");
    let (mut service, challenge) = begun(&ann);
    let (last, _) = ann.last(&challenge);
    let (mut other, _) = begun(&ann);
    assert_eq!(say(&mut other, &encode(&last)), WRONG, "to another challenge");
    assert_eq!(say(&mut other, &encode(&last)), "-ERR unknown command\r\n");
    assert!(say(&mut service, &encode(&last)).starts_with("+ "));
}

#[test]
fn every_octet_of_a_proof_counts() {
    let ann = Client::new("ann", "top secret");
    for nth in 0..32 {
        let (mut service, challenge) = begun(&ann);
        let (last, _) = ann.last(&challenge);
        let (start, proof) = last.split_once(",p=").unwrap();
        let mut proof = super::oracle::decode(proof);
        proof[nth] ^= 1 << (nth % 8);
        assert_eq!(say(&mut service, &encode(format!("{start},p={}", encode(proof)))), WRONG, "octet {nth}");
    }
}

/// Returns octets that resemble a message.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        Just("n"),
        Just("y"),
        Just("p=tls-exporter"),
        Just(""),
        Just(","),
        Just("a=ann"),
        Just("n=ann"),
        Just("n="),
        Just("r=abc"),
        Just("m=x"),
        Just("c=biws"),
        Just("p=AAAA"),
        Just("="),
        Just("x"),
        Just("\u{e9}=1"),
        Just("r"),
    ];
    let parts = prop::collection::vec(part, 0..7).prop_map(|parts| parts.join(",").into_bytes());
    prop_oneof![4 => parts, 1 => prop::collection::vec(any::<u8>(), 0..40)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Every line is answered by one line, none lets anybody in, and none panics.
    #[test]
    fn malformed_input_does_no_harm(messages in prop::collection::vec(message(), 1..4), plus in any::<bool>()) {
        let config = ServerConfig::new().inside_tls(true).max_refusals(99);
        let mut service = Service::new(store().maildrop(), config, None);
        service.set_channel_binding(Zeroizing::new(vec![7; 32]));
        super::drain(&mut service);
        say(&mut service, if plus { "AUTH SCRAM-SHA-256-PLUS" } else { "AUTH SCRAM-SHA-256" });
        for message in messages {
            let answer = say(&mut service, &encode(message));
            prop_assert!(answer.ends_with("\r\n") && answer.matches("\r\n").count() == 1, "{}", answer);
            prop_assert!(answer.starts_with("-ERR ") || answer.starts_with("+ "), "{}", answer);
            prop_assert_eq!(service.state(), State::Authorization);
        }
    }
}
