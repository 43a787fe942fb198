//! SCRAM-SHA-256 on the server's side, judged by a client that shares no code with it.

mod hostile;
mod oracle;
mod stores;

use pop3_proto::serve::{MailStore, Maildrop};
use pop3_proto::{ServerConfig, Service, State};
use zeroize::Zeroizing;

use self::oracle::{Client, decode, encode};
use crate::service::{drain, feed};

pub(crate) const WRONG: &str = "-ERR [AUTH] wrong user name or password\r\n";
pub(crate) const OPEN: &str = "+OK the maildrop is open\r\n";

/// Returns a session in which a password is never shown.
pub(crate) fn session<M: Maildrop>(maildrop: M) -> Service<M> {
    let mut service = Service::new(maildrop, ServerConfig::default(), None);
    drain(&mut service);
    service
}

pub(crate) fn store() -> MailStore {
    let store = MailStore::new();
    store.add_user("ann", "top secret");
    store.add_user("a,b=c", "pw");
    store
}

/// Sends one line, and returns the answer, CRLF included.
pub(crate) fn say<M: Maildrop>(service: &mut Service<M>, line: &str) -> String {
    feed(service, format!("{line}\r\n").as_bytes(), usize::MAX)
}

/// Returns the challenge in an answer.
pub(crate) fn challenge(answer: &str) -> String {
    let text = answer.strip_prefix("+ ").and_then(|text| text.strip_suffix("\r\n"));
    String::from_utf8(decode(text.unwrap_or_else(|| panic!("{answer:?} is no challenge")))).unwrap()
}

/// Holds the whole exchange, and returns its last answer.
pub(crate) fn log_in<M: Maildrop>(service: &mut Service<M>, mechanism: &str, client: &Client) -> String {
    let answer = say(service, &format!("AUTH {mechanism} {}", encode(client.first())));
    if !answer.starts_with("+ ") {
        return answer;
    }
    let (last, verifier) = client.last(&challenge(&answer));
    let answer = say(service, &encode(last));
    if !answer.starts_with("+ ") {
        return answer;
    }
    assert_eq!(challenge(&answer), verifier, "the server proves that it has the keys");
    say(service, "")
}

#[test]
fn v42_the_right_password_logs_in() {
    let mut service = session(store().maildrop());
    assert_eq!(log_in(&mut service, "SCRAM-SHA-256", &Client::new("ann", "top secret")), OPEN);
    assert_eq!(say(&mut service, "STAT"), "+OK 0 0\r\n");
    assert!(say(&mut service, "AUTH SCRAM-SHA-256").starts_with("-ERR"), "V-43");

    // A client that sends no initial response gets a challenge; the case of the name does not matter.
    let mut service = session(store().maildrop());
    assert_eq!(say(&mut service, "auth scram-sha-256"), "+ \r\n", "V-41");
    let client = Client::new("ann", "top secret");
    let (last, verifier) = client.last(&challenge(&say(&mut service, &encode(client.first()))));
    assert_eq!(challenge(&say(&mut service, &encode(last))), verifier);
    assert_eq!(say(&mut service, ""), OPEN);
}

#[test]
fn v46_an_unknown_user_looks_like_a_wrong_password() {
    let store = store();
    let challenges = ["ann", "nobody"].map(|user| {
        let (mut first, mut again) = (session(store.maildrop()), session(store.maildrop()));
        let client = Client::new(user, "wrong");
        let [first, again] = [&mut first, &mut again].map(|service| {
            let begun = say(service, &format!("AUTH SCRAM-SHA-256 {}", encode(client.first())));
            let challenge = challenge(&begun);
            assert_eq!(say(service, &encode(client.last(&challenge).0)), WRONG);
            assert_eq!(service.state(), State::Authorization);
            oracle::Challenge::parse(&challenge)
        });
        assert_eq!(first.salt, again.salt, "a salt that changes would tell that there is no {user}");
        assert_ne!(first.nonce, again.nonce);
        first
    });
    let [ann, nobody] = challenges;
    assert_eq!((ann.salt.len(), ann.iterations), (nobody.salt.len(), nobody.iterations));
    assert_ne!(ann.salt, nobody.salt);
    assert!(ann.iterations >= 4096);
    // None of these is the password of an unknown user, whatever the store takes for it.
    for password in ["", "nobody's password", "nobody"] {
        let (mut service, client) = (session(store.maildrop()), Client::new("nobody", password));
        let challenge = challenge(&say(&mut service, &format!("AUTH SCRAM-SHA-256 {}", encode(client.first()))));
        assert_eq!(say(&mut service, &encode(client.last(&challenge).0)), WRONG, "{password:?}");
    }
}

#[test]
fn a_refusal_is_not_the_end() {
    let mut service = session(store().maildrop());
    assert_eq!(log_in(&mut service, "SCRAM-SHA-256", &Client::new("ann", "wrong")), WRONG);
    assert_eq!(log_in(&mut service, "SCRAM-SHA-256", &Client::new("ann", "top secret")), OPEN);
}

#[test]
fn names_are_unescaped() {
    assert_eq!(log_in(&mut session(store().maildrop()), "SCRAM-SHA-256", &Client::new("a=2Cb=3Dc", "pw")), OPEN);
    for bad in ["a=2cb=3Dc", "a=2Cb=", "a=2Cb==3Dc", "a=00", "=", "a\0"] {
        let answer = log_in(&mut session(store().maildrop()), "SCRAM-SHA-256", &Client::new(bad, "pw"));
        assert_eq!(answer, "-ERR not a SCRAM message\r\n", "{bad:?}");
    }
}

#[test]
fn names_and_passwords_are_prepared() {
    let store = MailStore::new();
    store.add_user("Jose\u{301}", "IX");
    store.deliver("Jos\u{e9}", "x");
    // A client prepares before it hashes; the password in the store is prepared here.
    for user in ["Jos\u{e9}", "Jose\u{301}", "Jo\u{ad}s\u{e9}"] {
        let mut service = session(store.maildrop());
        assert_eq!(log_in(&mut service, "SCRAM-SHA-256", &Client::new(user, "IX")), OPEN);
        assert_eq!(say(&mut service, "STAT"), "+OK 1 3\r\n");
    }
    store.add_user("u", "\u{2168}");
    assert_eq!(log_in(&mut session(store.maildrop()), "SCRAM-SHA-256", &Client::new("u", "IX")), OPEN);
    // The character is prohibited (RFC 4013, section 2.3).
    assert_eq!(log_in(&mut session(store.maildrop()), "SCRAM-SHA-256", &Client::new("\u{e000}", "pw")), WRONG);
}

#[test]
fn users_can_act_only_for_themselves() {
    let acts_for = |header: &str| {
        let client = Client { header: header.into(), ..Client::new("a=2Cb=3Dc", "pw") };
        log_in(&mut session(store().maildrop()), "SCRAM-SHA-256", &client)
    };
    assert_eq!(acts_for("n,a=a=2Cb=3Dc,"), OPEN);
    assert_eq!(acts_for("n,a=ann,"), "-ERR [AUTH] not permitted for this identity\r\n");
    for bad in ["n,a=,", "n,a,", "n,b=ann,", "n,x,", "n,a=a=2cb=3Dc,"] {
        assert_eq!(acts_for(bad), "-ERR not a SCRAM message\r\n", "{bad:?}");
    }
}

#[test]
fn a_proof_is_bound_to_the_tls_connection() {
    let exporter = [7; 32];
    let bound = || {
        let mut service = Service::new(store().maildrop(), ServerConfig::new().inside_tls(true), None);
        service.set_channel_binding(Zeroizing::new(exporter.to_vec()));
        drain(&mut service);
        service
    };
    assert!(say(&mut bound(), "CAPA").contains("\r\nSASL PLAIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS\r\n"));
    let client = |header: &str, exporter: &[u8]| Client {
        header: header.into(),
        exporter: exporter.into(),
        ..Client::new("ann", "top secret")
    };
    let plus = "SCRAM-SHA-256-PLUS";
    let binding = "p=tls-exporter,,";
    assert_eq!(log_in(&mut bound(), plus, &client(binding, &exporter)), OPEN);
    assert_eq!(log_in(&mut bound(), "SCRAM-SHA-256", &client("n,,", b"")), OPEN);
    // The binding is that of another connection, as in a proof that was carried from one to the other.
    assert_eq!(log_in(&mut bound(), plus, &client(binding, &[8; 32])), WRONG);
    assert_eq!(log_in(&mut bound(), plus, &client(binding, b"")), WRONG);
    for (mechanism, header) in [
        (plus, "n,,"),
        (plus, "y,,"),
        (plus, "p=tls-unique,,"),
        // The client believes that PLUS is not offered, but it is.
        ("SCRAM-SHA-256", "y,,"),
        ("SCRAM-SHA-256", binding),
    ] {
        let answer = log_in(&mut bound(), mechanism, &client(header, &exporter));
        assert!(answer.starts_with("-ERR ") && !answer.contains("[AUTH]"), "{mechanism} {header}: {answer}");
    }

    // Without TLS there is nothing to bind to.
    let mut service = session(store().maildrop());
    assert!(say(&mut service, "CAPA").contains("\r\nSASL SCRAM-SHA-256\r\n"));
    assert_eq!(say(&mut service, "AUTH SCRAM-SHA-256-PLUS"), "-ERR unknown mechanism\r\n");
    assert!(log_in(&mut service, "SCRAM-SHA-256", &client(binding, &exporter)).starts_with("-ERR "));
    assert_eq!(log_in(&mut service, "SCRAM-SHA-256", &client("y,,", b"")), OPEN);
}
