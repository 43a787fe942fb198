//! A04 to A07: STLS was stripped or refused, or its answer was replaced.

use pop3_proto::login::{LoginError, Method, Methods, Security};
use pop3_proto::{Config, Violation};

use super::{LIST, STARTTLS, goes_on, is_poisoned, violation};
use crate::play::{CUTS, Cut, Play, Script, policy};

/// All that can be done with a password.
const METHODS: [Option<Method>; 8] = [
    None,
    Some(Method::UserPass),
    Some(Method::Apop),
    Some(Method::Plain),
    Some(Method::Login),
    Some(Method::CramMd5),
    Some(Method::ScramSha1),
    Some(Method::ScramSha256),
];

#[test]
fn a04_no_credential_is_sent_if_stls_was_stripped() {
    let lists: [&[u8]; 5] = [
        b"+OK\r\nSASL PLAIN\r\nUSER\r\nPIPELINING\r\n.\r\n",
        b"+OK\r\n.\r\n",
        b"+OK\r\nXSTLS\r\nSTLSX\r\nSTARTTLS\r\n.\r\n",
        b"+OK\r\nIMPLEMENTATION STLS\r\nSASL STLS\r\n.\r\n",
        b"+OK\r\n..STLS\r\n.STLS.\r\nSTLS\0\r\n.\r\n",
    ];
    for list in lists {
        for method in METHODS {
            for cut in CUTS {
                let greeting = b"+OK hi <1896.697170952@dbc.mtview.ca.us>\r\n";
                let script: Script<'_> = &[("", greeting), ("CAPA", list), ("QUIT", b"+OK\r\n")];
                let mut play = Play::of(script, Config::default(), cut);
                let error = play.login(STARTTLS.methods(method.map(Methods::from))).unwrap_err();
                assert!(matches!(error.login(), Some(LoginError::NoStartTls)), "{error}");
                play.sent_only(&["CAPA"]);
                goes_on(&mut play);
                play.sent_only(&["CAPA", "QUIT"]);

                // TLS is required from the first octet on, and there is none: the client sends nothing at all.
                let script: Script<'_> = &[("", greeting), ("QUIT", b"+OK\r\n")];
                let mut play = Play::of(script, Config::default(), cut);
                let error = play.login(policy(Security::Tls).methods(method.map(Methods::from))).unwrap_err();
                assert!(matches!(error.login(), Some(LoginError::Unprotected)), "{error}");
                play.sent_only(&[]);
                goes_on(&mut play);
            }
        }
    }
}

#[test]
fn a04_a_password_without_tls_needs_permission() {
    for method in [None, Some(Method::UserPass), Some(Method::Plain), Some(Method::Login)] {
        for cut in CUTS {
            let mut play = Play::of(&[("", b"+OK hi\r\n"), ("CAPA", LIST)], Config::default(), cut);
            let error = play.login(policy(Security::Plaintext).methods(method.map(Methods::from))).unwrap_err();
            assert!(matches!(error.login(), Some(LoginError::Unprotected)), "{error}");
            assert!(!play.sent().contains("USER") && !play.sent().contains("AUTH"), "{}", play.sent());
        }
    }
}

#[test]
fn a05_a_missing_capa_does_not_permit_plaintext() {
    for cut in CUTS {
        let script: Script<'_> = &[("", b"+OK hi\r\n"), ("CAPA", b"-ERR what\r\n"), ("QUIT", b"+OK\r\n")];
        let mut play = Play::of(script, Config::default(), cut);
        let error = play.login(STARTTLS).unwrap_err();
        assert!(matches!(error.login(), Some(LoginError::CapaRefused(_))), "{error}");
        play.sent_only(&["CAPA"]);
        goes_on(&mut play);

        for len in 0..LIST.len() {
            let mut play = Play::of(&[("", b"+OK hi\r\n"), ("CAPA", &LIST[..len])], Config::default(), cut);
            let error = play.login(STARTTLS).unwrap_err();
            assert_eq!(violation(&error), Some(Violation::Closed), "{error}");
            is_poisoned(&mut play);
            play.sent_only(&["CAPA"]);
        }

        let endless = [b"+OK\r\nSTLS\r\n".as_slice(), &b"SASL PLAIN\r\n".repeat(2000)].concat();
        let config = Config::new().max_rows(1000);
        let mut play = Play::of(&[("", b"+OK hi\r\n"), ("CAPA", &endless)], config, cut);
        let error = play.login(STARTTLS).unwrap_err();
        assert_eq!(violation(&error), Some(Violation::TooManyRows { limit: 1000 }), "{error}");
        is_poisoned(&mut play);
        play.sent_only(&["CAPA"]);
    }
}

#[test]
fn a06_a_refused_stls_does_not_permit_plaintext() {
    for method in METHODS {
        for refusal in [&b"-ERR unavailable\r\n"[..], b"-ERR\r\n", b"-err [SYS/TEMP] later\r\n"] {
            for cut in CUTS {
                let script: Script<'_> = &[
                    ("", b"+OK hi <1896.697170952@dbc.mtview.ca.us>\r\n"),
                    ("CAPA", LIST),
                    ("STLS", refusal),
                    ("QUIT", b"+OK\r\n"),
                ];
                let mut play = Play::of(script, Config::default(), cut);
                let error = play.login(STARTTLS.methods(method.map(Methods::from))).unwrap_err();
                assert!(matches!(error.login(), Some(LoginError::StartTlsRefused(_))), "{error}");
                play.sent_only(&["CAPA", "STLS"]);
                goes_on(&mut play);
                play.sent_only(&["CAPA", "STLS", "QUIT"]);
            }
        }
    }
}

#[test]
fn a07_only_an_exact_ok_begins_a_handshake() {
    let nearly: [&[u8]; 17] = [
        b"+OKAY\r\n",
        b"+Do\r\n",
        b"+ OK\r\n",
        b"+\r\n",
        b"+ \r\n",
        b"+O\r\n",
        b"+OK:go\r\n",
        b"+OK\tgo\r\n",
        b"+OK\0\r\n",
        b"OK\r\n",
        b" +OK\r\n",
        b"\r\n",
        b"-ERROR\r\n",
        b"220 go\r\n",
        b"+OK\n",
        b"+OK\r\r\n",
        b"\xEF\xBB\xBF+OK\r\n",
    ];
    for says in nearly {
        for at in 1..=says.len() {
            let script: Script<'_> = &[("", b"+OK hi\r\n"), ("CAPA", LIST), ("STLS", says)];
            let mut play = Play::of(script, Config::default(), Cut::At(at));
            let error = play.login(STARTTLS).unwrap_err();
            assert!(violation(&error).is_some(), "{}: {error}", says.escape_ascii());
            assert_eq!(play.handshakes, 0);
            is_poisoned(&mut play);
            play.sent_only(&["CAPA", "STLS"]);
        }
    }
    // By decision, an indicator in another case is accepted: no other line can be meant by it.
    for says in [&b"+ok\r\n"[..], b"+Ok begin\r\n"] {
        let mut play = Play::of(&[("", b"+OK hi\r\n"), ("CAPA", LIST), ("STLS", says)], Config::default(), Cut::Whole);
        assert!(play.login(STARTTLS).is_err());
        assert_eq!(play.handshakes, 1);
        play.sent_only(&["CAPA", "STLS", "CAPA"]);
    }
}
