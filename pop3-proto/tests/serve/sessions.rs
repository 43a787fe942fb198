//! Sessions of a server, written as conversations. Each one is held three times: line by line, octet by octet, and with
//! all lines sent at once. The numbers in the names are the rows of the list of what a server must do.

use pop3_proto::serve::{LoginAttempt, MailStore, Maildrop as _, MemoryMaildrop};
use pop3_proto::{ServerConfig, Service, State};

use crate::script::{GREETING, LOGIN, PLAINTEXT, check, drain, feed, inside, store, talk, talk_with};

#[test]
fn v1_v2_odd_lines_cost_one_err_each() {
    inside(
        "C: stat
         S: +OK 3 84
         C: XYZZY
         S: -ERR~
         C:
         S: -ERR~
         C: STAT 1
         S: -ERR~
         C: PASS x
         S: -ERR~
         C: nOOp
         S: +OK
         C: LAST
         S: -ERR~
         C: UTF8
         S: -ERR~
         C: LANG
         S: -ERR~
         C: LANG *
         S: -ERR~
         C: Quit
         S: +OK~",
    );
}

#[test]
fn v3_a_long_line_costs_one_err_and_no_memory() {
    let fits = format!("USER {}", "x".repeat(255 - 7));
    let long = format!("USER {}", "x".repeat(255 - 6));
    talk(&format!("C: {fits}\nS: +OK~\nC: {long}\nS: -ERR the line is too long\nC: {long}{long}\nS: -ERR~\n{LOGIN}"));

    let mut service = Service::new(store().maildrop(), PLAINTEXT, None);
    drain(&mut service);
    let mut said = String::new();
    for _ in 0..200 {
        said += &feed(&mut service, &[b'a'; 1024], usize::MAX);
        assert!(service.spare().len() <= 1024);
    }
    check(&["-ERR the line is too long".into()], &said);
    check(&["+OK~".into()], &feed(&mut service, b"tail\r\nQUIT\r\n", usize::MAX));
}

#[test]
fn v4_v21_v26_messages_are_stuffed_and_sizes_agree() {
    inside(
        "C: LIST
         S: +OK~
         S: 1 29
         S: 2 40
         S: 3 15
         S: .
         C: LIST 2
         S: +OK 2 40
         C: RETR 1
         S: +OK~
         S: Subject: one
         S:
         S: ..
         S: ...
         S: last
         S: .
         C: RETR 2
         S: +OK~
         S: Subject: two
         S: ..x: y
         S:
         S: ..
         S:
         S: third line
         S: .
         C: RETR 3
         S: +OK~
         S: no blank line
         S: .
         C: TOP 2 0
         S: +OK~
         S: Subject: two
         S: ..x: y
         S:
         S: .
         C: TOP 2 2
         S: +OK~
         S: Subject: two
         S: ..x: y
         S:
         S: ..
         S:
         S: .
         C: TOP 2 4000000000
         S: +OK~
         S: Subject: two
         S: ..x: y
         S:
         S: ..
         S:
         S: third line
         S: .
         C: TOP 3 0
         S: +OK~
         S: no blank line
         S: .",
    );
}

#[test]
fn v8_lf_ends_a_line_cr_and_nul_do_not() {
    let mut service = Service::new(store().maildrop(), PLAINTEXT, None);
    drain(&mut service);
    let said = feed(&mut service, b"CAPA\rQUIT\r\nUSER a\0b\r\nUSER a\rb\r\nUSER ann\nPASS  top  secret \nNOOP\n\n", 3);
    check(&["-ERR~", "-ERR~", "-ERR~", "+OK~", "+OK~", "+OK", "-ERR~"].map(String::from), &said);
    assert_eq!(service.state(), State::Transaction);
}

#[test]
fn v10_v15_each_command_has_its_state() {
    talk(
        "C: STAT
         S: -ERR~
         C: LIST
         S: -ERR~
         C: UIDL 1
         S: -ERR~
         C: RETR 1
         S: -ERR~
         C: TOP 1 1
         S: -ERR~
         C: DELE 1
         S: -ERR~
         C: RSET
         S: -ERR~
         C: NOOP
         S: -ERR~
         C: LAST
         S: -ERR~
         C: PASS  top  secret 
         S: -ERR~
         C: STLS
         S: -ERR~",
    );
    inside(
        "C: USER ann
         S: -ERR~
         C: PASS pw
         S: -ERR~
         C: APOP ann c4c9334bac560ecc979e58001b3e22fb
         S: -ERR~
         C: AUTH PLAIN
         S: -ERR~
         C: STLS
         S: -ERR~
         C: UTF8
         S: -ERR~
         C: STAT
         S: +OK 3 84",
    );
}

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
fn v17_v18_only_quit_removes_and_only_what_is_marked() {
    let store = store();
    let left = |store: &MailStore| store.messages("ann").len();
    let mut service = talk_once(&store, "DELE 2\r\n");
    assert_eq!(service.state(), State::Transaction);
    drop(service);
    assert_eq!(left(&store), 3, "a lost connection removes nothing");
    service = talk_once(&store, "DELE 2\r\nDELE 3\r\nRSET\r\nQUIT\r\n");
    assert_eq!((service.state(), service.is_over(), left(&store)), (State::Update, true, 3));
    service = talk_once(&store, "DELE 2\r\nQUIT\r\nDELE 1\r\nQUIT\r\n");
    assert_eq!((service.state(), service.is_over(), left(&store)), (State::Update, true, 2));
    assert!(store.messages("ann").iter().all(|message| !message.starts_with(b"Subject: two")));
}

/// Holds a session of Ann's at this store itself, up to the end of these lines.
fn talk_once(store: &MailStore, said: &str) -> Service<MemoryMaildrop> {
    let mut service = Service::new(store.maildrop(), PLAINTEXT, None);
    drain(&mut service);
    feed(&mut service, format!("USER ann\r\nPASS  top  secret \r\n{said}").as_bytes(), usize::MAX);
    service
}

#[test]
fn v19_quit_before_the_login() {
    let service = talk("C: USER ann\nS: +OK~\nC: QUIT\nS: +OK~");
    assert_eq!(service.state(), State::Closed);
    assert!(service.is_over());
}

#[test]
fn v20_v22_v24_v25_marked_messages_are_gone_for_this_session() {
    inside(
        "C: DELE 2
         S: +OK~
         C: DELE 2
         S: -ERR~
         C: RETR 2
         S: -ERR~
         C: TOP 2 0
         S: -ERR~
         C: LIST 2
         S: -ERR~
         C: UIDL 2
         S: -ERR~
         C: STAT
         S: +OK 2 44
         C: LIST
         S: +OK~
         S: 1 29
         S: 3 15
         S: .
         C: UIDL
         S: +OK~
         S: 1 first
         S: 3 third
         S: .
         C: DELE 4
         S: -ERR~
         C: DELE 4294967295
         S: -ERR~
         C: DELE 4294967296
         S: -ERR~
         C: DELE 0
         S: -ERR~
         C: DELE -1
         S: -ERR~
         C: RSET
         S: +OK~
         C: UIDL 2
         S: +OK 2 second
         C: STAT
         S: +OK 3 84",
    );
}

/// SCRAM shows no password, and is offered wherever there are keys for it.
const SCRAM: &str = if cfg!(feature = "scram") { " SCRAM-SHA-256" } else { "" };

#[test]
fn v29_v30_capabilities_are_true() {
    let script = format!(
        "
         C: CAPA
         S: +OK~
         S: TOP
         S: UIDL
         S: RESP-CODES
         S: AUTH-RESP-CODE
         S: PIPELINING
         S: USER
         S: SASL PLAIN{SCRAM}
         S: IMPLEMENTATION pop3-proto/~
         S: ."
    );
    talk(&format!("{script}\n{LOGIN}{script}"));
}

#[test]
fn v37_passwords_are_refused_outside_tls_unless_configured() {
    let sasl = if SCRAM.is_empty() { String::new() } else { format!("S: SASL{SCRAM}") };
    let script = format!(
        "C: CAPA
         S: +OK~
         S: TOP
         S: UIDL
         S: RESP-CODES
         S: AUTH-RESP-CODE
         S: PIPELINING
         {sasl}
         S: STLS
         S: IMPLEMENTATION pop3-proto/~
         S: .
         C: USER ann
         S: -ERR USER is permitted only inside TLS
         C: AUTH plain AGJvYgBwdw==
         S: -ERR~
         C: PASS pw
         S: -ERR~"
    );
    talk_with(ServerConfig::new().stls(true), || store().maildrop(), &script);
    let inside_tls = ServerConfig::new().inside_tls(true).stls(true);
    talk_with(inside_tls, || store().maildrop(), "C: STLS\nS: -ERR~\nC: AUTH PLAIN AGJvYgBwdw==\nS: +OK~");
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

const STLS: ServerConfig = PLAINTEXT.stls(true);

fn at_handshake(before: &str) -> Service<MemoryMaildrop> {
    let mut service = Service::new(store().maildrop(), STLS, None);
    let said = feed(&mut service, format!("{before}STLS\r\n").as_bytes(), usize::MAX);
    assert!(said.ends_with("+OK begin TLS\r\n"), "{said}");
    assert!(service.wants_tls() && !service.wants_read() && !service.is_over());
    service
}

#[test]
fn v35_v36_tls_begins_anew() {
    let mut service = at_handshake("USER bob\r\n");
    service.tls_established();
    assert_eq!(service.pending(), b"", "no greeting inside TLS");
    let said = feed(&mut service, b"PASS pw\r\nSTLS\r\nCAPA\r\n", 1);
    assert!(said.starts_with("-ERR PASS is not permitted here"), "USER is forgotten: {said}");
    assert!(said.contains("-ERR STLS is not offered\r\n") && !said.contains("\r\nSTLS\r\n"), "{said}");
    check(&["+OK~".into(), "+OK~".into()], &feed(&mut service, b"USER bob\r\nPASS pw\r\n", 1));

    let after = feed(&mut service, b"STLS\r\n", 1);
    check(&["-ERR~".into()], &after);
    let argument = feed(&mut Service::new(store().maildrop(), STLS, None), b"STLS now\r\nNOOP\r\n", usize::MAX);
    assert!(argument.contains("-ERR wrong arguments for STLS"), "{argument}");
}

#[test]
fn v36_plaintext_behind_stls_ends_the_session() {
    for behind in ["CAPA\r\n", "\r\n", "\n", "U"] {
        let mut service = Service::new(store().maildrop(), STLS, None);
        let said = feed(&mut service, format!("STLS\r\n{behind}").as_bytes(), usize::MAX);
        let begun = format!("{GREETING}+OK begin TLS\r\n");
        assert_eq!((said.as_str(), service.is_over()), (begun.as_str(), true), "at once: {behind:?}");

        // The answers are the same wherever the octets are cut.
        let whole = format!("STLS\r\n{behind}");
        for cut in (1..whole.len()).filter(|cut| *cut != 6) {
            let mut service = Service::new(store().maildrop(), STLS, None);
            let said = feed(&mut service, &whole.as_bytes()[..cut], usize::MAX)
                + &feed(&mut service, &whole.as_bytes()[cut..], usize::MAX);
            assert_eq!((said.as_str(), service.is_over()), (begun.as_str(), true), "cut at {cut}: {behind:?}");
        }

        let mut service = at_handshake("");
        let spare = service.spare();
        spare[..behind.len()].copy_from_slice(behind.as_bytes());
        service.filled(behind.len());
        assert!(service.is_over(), "later: {behind:?}");
        service.tls_established();
        assert!(service.is_over());
    }
    let mut service = Service::new(store().maildrop(), STLS, None);
    service.tls_established();
    assert_eq!(service.state(), State::Closed, "nobody asked for TLS");
}

#[test]
fn too_many_refusals_before_the_login_end_the_session() {
    let config = PLAINTEXT.max_refusals(3);
    let maildrop = || store().maildrop();
    let over = talk_with(config, maildrop, "C: X1\nS: -ERR~\nC: USER a\nS: +OK~\nC: PASS b\nS: -ERR~\nC: X\nS: -ERR~");
    assert!(over.is_over());
    let mut after_login = format!("C: X1\nS: -ERR~\n{LOGIN}");
    after_login.push_str(&"C: X\nS: -ERR~\n".repeat(9));
    assert!(!talk_with(config, maildrop, &after_login).is_over());
}

/// RFC 4013, section 3: a Roman numeral nine is an I and an X, a soft hyphen is nothing, and an accent may be a character
/// of its own.
#[test]
#[cfg(feature = "saslprep")]
fn v43_v47_names_and_passwords_are_prepared() {
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
    // This is not UTF-8 at all.
    assert_eq!(said(b"USER Jos\xe9\r\n"), "-ERR wrong arguments for USER");
    assert_eq!(said(b"USER u\r\nPASS \xe9\r\n"), "-ERR wrong arguments for PASS");
    assert_eq!(said(b"AUTH PLAIN AHUA6Q==\r\n"), "-ERR not a PLAIN message");
}

#[test]
fn auth_alone_lists_the_mechanisms_that_are_offered_now() {
    let scram = if cfg!(feature = "scram") { "S: SCRAM-SHA-256\n" } else { "" };
    let list = format!("S: +OK~\nS: PLAIN\n{scram}S: .\n");
    // Between USER and PASS, AUTH makes the server forget the name, as any other command does.
    let named = format!("C: USER bob\nS: +OK~\nC: AUTH\n{list}C: PASS pw\nS: -ERR PASS~");
    talk(&format!("C: AUTH\n{list}C: auth \n{list}{named}"));
    talk_with(ServerConfig::default(), || store().maildrop(), &format!("C: AUTH\nS: +OK~\n{scram}S: ."));
    inside("C: AUTH\nS: -ERR~");
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
