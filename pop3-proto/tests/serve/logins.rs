//! Logins by USER and PASS, by APOP, and by AUTH PLAIN.

use pop3_proto::serve::{LoginAttempt, MailStore, Maildrop as _};
use pop3_proto::{ServerConfig, Service, State};

use crate::script::{check, talk, talk_with};
use crate::service::{GREETING, PLAINTEXT, drain, feed, store};

#[test]
fn v11_the_maildrop_is_locked() {
    let store = store();
    let mut holder = store.maildrop();
    holder.login(LoginAttempt::Password { user: "bob", password: "pw" }).unwrap();
    talk_with(
        PLAINTEXT,
        || store.maildrop(),
        "C: USER bob
         S: +OK~
         C: PASS no
         S: -ERR [AUTH] ~
         C: USER bob
         S: +OK~
         C: PASS pw
         S: -ERR [IN-USE] ~",
    );
    drop(holder);
    talk_with(PLAINTEXT, || store.maildrop(), "C: USER bob\nS: +OK~\nC: PASS pw\nS: +OK~\nC: QUIT\nS: +OK~");
}

#[test]
fn v12_v13_pass_comes_directly_after_user() {
    talk(
        "C: USER ann
         S: +OK~
         C: CAPA x
         S: -ERR~
         C: PASS  top  secret 
         S: -ERR~
         C: USER ann
         S: +OK~
         C: XYZZY
         S: -ERR~
         C: PASS  top  secret 
         S: -ERR~
         C: USER nobody
         S: +OK send the password
         C: PASS  top  secret 
         S: -ERR [AUTH] wrong user name or password
         C: USER ann
         S: +OK send the password
         C: PASS top secret
         S: -ERR [AUTH] wrong user name or password
         C: PASS  top  secret 
         S: -ERR~
         C: USER bob
         S: +OK~
         C: USER ann
         S: +OK~
         C: PASS  top  secret 
         S: +OK~",
    );
}

#[test]
fn v6_v40_v41_v43_plain() {
    let long = "A".repeat(4 * 250);
    talk(&format!(
        "C: AUTH PLAIN
         S: +\x20
         C: *
         S: -ERR cancelled
         C: AUTH PLAIN
         S: +\x20
         C:
         S: -ERR~
         C: AUTH PLAIN
         S: +\x20
         C: {long}
         S: -ERR~
         C: AUTH PLAIN
         S: +\x20
         C: =
         S: -ERR~
         C: AUTH PLAIN =
         S: -ERR~
         C: AUTH PLAIN AGJvYgBwdw=
         S: -ERR~
         C: AUTH PLAIN AGJvYgBwdx==
         S: -ERR~
         C: AUTH PLAIN Zm9v
         S: -ERR~
         C: AUTH PLAIN AGJvYgBwdwA=
         S: -ERR~
         C: AUTH PLAIN YW5uAGJvYgBwdw==
         S: -ERR [AUTH] ~
         C: AUTH PLAIN AGJvYgBubw==
         S: -ERR [AUTH] ~
         C: AUTH PLAIN AGJvYg0KK09LIGZvcmdlZABwdw==
         S: -ERR [AUTH] wrong user name or password
         C: AUTH CRAM-MD5
         S: -ERR~
         C: AUTH
         S: +OK~
         S: PLAIN
         S: SCRAM-SHA-256
         S: .
         C: auth plain
         S: +\x20
         C: Ym9iAGJvYgBwdw==
         S: +OK~
         C: AUTH PLAIN
         S: -ERR~
         C: STAT
         S: +OK 0 0"
    ));
    let too_long = "A".repeat(1100);
    let over = talk(&format!("C: AUTH PLAIN\nS: + \nC: {too_long}\nS: -ERR the line is too long\nC: NOOP"));
    assert_eq!((over.state(), over.is_over()), (State::Closed, true));
}

/// RFC 2595, section 6: also all three at once.
#[test]
fn v57_each_field_of_plain_may_have_255_octets() {
    use base64ct::{Base64, Encoding as _};

    let (user, password) = ("u".repeat(255), "p".repeat(255));
    let store = MailStore::new();
    store.add_user(&user, &password);
    let response = Base64::encode_string(format!("{user}\0{user}\0{password}").as_bytes());
    let script = format!("C: AUTH PLAIN\nS: +\x20\nC: {response}\nS: +OK~");
    talk_with(ServerConfig::new().inside_tls(true), || store.maildrop(), &script);
}

#[test]
fn v9_apop_needs_a_timestamp_in_the_greeting() {
    use pop3_proto::wire::{Digest, Timestamp};

    talk("C: APOP bob c4c9334bac560ecc979e58001b3e22fb\nS: -ERR~");
    let timestamp = Timestamp::find(b"<1896.697170952@dbc.mtview.ca.us>").unwrap();
    let digest = Digest::new(timestamp, b"pw");
    let digest = std::str::from_utf8(digest.as_bytes()).unwrap();
    let mut service = Service::new(store().maildrop(), ServerConfig::default(), Some(timestamp));
    check(&["+OK POP3 server ready <1896.697170952@dbc.mtview.ca.us>".into()], &drain(&mut service));
    let said = feed(&mut service, format!("APOP ann {digest}\r\nAPOP bob {digest}\r\n").as_bytes(), 7);
    check(&["-ERR [AUTH] ~".into(), "+OK~".into()], &said);

    let long = format!("<{}@h>", "x".repeat(500));
    let mut service = Service::new(store().maildrop(), PLAINTEXT, Timestamp::find(long.as_bytes()));
    assert_eq!(drain(&mut service), GREETING);
    check(&["-ERR~".into()], &feed(&mut service, b"APOP bob c4c9334bac560ecc979e58001b3e22fb\r\n", 1));
}

/// RFC 4013, section 3: a Roman numeral nine is an I and an X, a soft hyphen is nothing, and an accent may be a
/// character of its own.
#[test]
#[cfg(feature = "saslprep")]
fn v43_v47_v64_names_and_passwords_are_prepared() {
    use base64ct::{Base64, Encoding as _};
    use pop3_proto::wire::{Digest, Timestamp};

    let store = MailStore::new();
    store.add_user("Jos\u{e9}", "\u{2168}");
    let timestamp = Timestamp::find(b"<1896.697170952@dbc.mtview.ca.us>").unwrap();
    let said = |said: &[u8]| {
        let mut service = Service::new(store.maildrop(), PLAINTEXT, Some(timestamp));
        drain(&mut service);
        feed(&mut service, said, usize::MAX).lines().last().unwrap().to_owned()
    };
    let pass = |user: &str, password: &str| said(format!("USER {user}\r\nPASS {password}\r\n").as_bytes());
    let plain =
        |message: &str| said(format!("AUTH PLAIN {}\r\n", Base64::encode_string(message.as_bytes())).as_bytes());
    let apop = |user: &str, password: &str| {
        let digest = Digest::new(timestamp, password.as_bytes());
        said(format!("APOP {user} {}\r\n", std::str::from_utf8(digest.as_bytes()).unwrap()).as_bytes())
    };
    let open = "+OK the maildrop is open";
    for user in ["Jos\u{e9}", "Jose\u{301}", "Jo\u{ad}s\u{e9}"] {
        assert_eq!(pass(user, "I\u{ad}X"), open);
        assert_eq!(plain(&format!("\0{user}\0IX")), open);
        assert_eq!(plain(&format!("Jose\u{301}\0{user}\0\u{2168}")), open);
        assert_eq!(apop(user, "IX"), open, "the client prepares what it makes a digest of");
    }
    let wrong = "-ERR [AUTH] wrong user name or password";
    assert_eq!(pass("Jose", "IX"), wrong);
    assert_eq!(pass("Jos\u{e9}", "ix"), wrong);
    // A prohibited name or password lets nobody in, whether or not it is in the store.
    store.add_user("\u{e000}", "pw");
    store.add_user("u", "\u{e000}");
    assert_eq!((pass("\u{e000}", "pw").as_str(), plain("\0\u{e000}\0pw").as_str()), (wrong, wrong));
    assert_eq!((pass("u", "\u{e000}").as_str(), apop("u", "\u{e000}").as_str()), (wrong, wrong));
    // Unicode 3.2 does not assign this code point: it may be presented, but a password with it is not stored.
    store.add_user("\u{1f600}", "pw");
    store.add_user("v", "\u{1f600}");
    assert_eq!((pass("\u{1f600}", "pw").as_str(), plain("\0\u{1f600}\0pw").as_str()), (open, open));
    assert_eq!(apop("\u{1f600}\u{ad}", "pw"), open);
    assert_eq!((pass("v", "\u{1f600}").as_str(), apop("v", "\u{1f600}").as_str()), (wrong, wrong));
    // A store of its own may compare it.
    let presented = LoginAttempt::Password { user: "u", password: "\u{ad}\u{1f600}" };
    assert!(presented.prove("\u{1f600}".as_bytes()));
    // This is not UTF-8 at all.
    assert_eq!(said(b"USER Jos\xe9\r\n"), "-ERR wrong arguments for USER");
    assert_eq!(said(b"USER u\r\nPASS \xe9\r\n"), "-ERR wrong arguments for PASS");
    assert_eq!(said(b"AUTH PLAIN AHUA6Q==\r\n"), "-ERR not a PLAIN message");
}

#[test]
fn a_password_has_no_control_character_in_any_way_to_log_in() {
    let maildrop = || {
        let store = store();
        store.add_user("tab", "p\tq");
        store.maildrop()
    };
    // This is PLAIN with `tab` and `p\tq`.
    talk_with(
        PLAINTEXT,
        maildrop,
        "C: USER tab\nS: +OK~\nC: PASS p\tq\nS: -ERR~\nC: AUTH PLAIN AHRhYgBwCXE=\nS: -ERR [AUTH]~",
    );
}
