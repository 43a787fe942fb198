//! A09 to A12: texts from before TLS, which an attacker may have sent.

use pop3_proto::drive::{Retrieval, Stat};
use pop3_proto::login::{Credentials, Login, LoginError, Method, Progress, Security};
use pop3_proto::wire::KnownCapability;
use pop3_proto::{BadArgument, Cause, Config, State, UsageError, Violation};

use super::{LIST, ONE, STARTTLS, goes_on, violation};
use crate::play::{CUTS, Cut, INSIDE_TLS, PASSWORD, Play, Script, USER, policy};

#[test]
fn a09_no_greeting_skips_the_login() {
    for greeting in [
        &b"+OK [PREAUTH] already logged in\r\n"[..],
        b"+OK maildrop has 2 messages (320 octets)\r\n",
        b"+OK STAT 2 320\r\n",
        b"+OK 2 320\r\n",
        b"+OK [AUTH] TRANSACTION\r\n",
    ] {
        for cut in CUTS {
            let script: Script<'_> = &[("", greeting), ("CAPA", LIST), ("STLS", b"-ERR no\r\n")];
            let mut play = Play::of(script, Config::default(), cut);
            play.greet().unwrap();
            assert_eq!(play.conversation.client().state(), State::Authorization);
            let error = play.call(Stat).unwrap_err();
            assert!(matches!(error.cause(), Cause::Usage(UsageError::NotPermitted { .. })), "{error}");
            for retrieval in [Retrieval::retr(ONE), Retrieval::top(ONE, 0)] {
                let error = play.retrieve(retrieval, &mut Vec::new()).unwrap_err();
                assert!(matches!(error.cause(), Cause::Usage(UsageError::NotPermitted { .. })), "{error}");
            }
            play.sent_only(&[]);
            let login = Login::new(Credentials::new(USER, PASSWORD), STARTTLS);
            assert!(matches!(play.log_in(login).unwrap_err().login(), Some(LoginError::StartTlsRefused(_))));
            play.sent_only(&["CAPA", "STLS"]);
        }
    }
    for greeting in [&b"* PREAUTH hi\r\n"[..], b"PREAUTH\r\n", b"+ hi\r\n"] {
        let mut play = Play::of(&[("", greeting)], Config::default(), Cut::Whole);
        assert_eq!(violation(&play.greet().unwrap_err()), Some(Violation::NotAStatus));
        play.sent_only(&[]);
    }
}

#[test]
fn a10_capabilities_from_before_tls_are_discarded() {
    const BEFORE: &[u8] = b"+OK\r\nSTLS\r\nSASL PLAIN\r\nUSER\r\nPIPELINING\r\nAUTH-RESP-CODE\r\nUTF8 USER\r\n.\r\n";
    const STLS: [(&str, &[u8]); 3] = [("", b"+OK hi\r\n"), ("CAPA", BEFORE), ("STLS", b"+OK\r\n")];
    for after in [&b"+OK\r\nUSER\r\n.\r\n"[..], b"+OK\r\nTOP\r\n.\r\n", b"-ERR no\r\n"] {
        for cut in CUTS {
            let script = [&STLS[..], &[("CAPA", after), ("USER mrose", b"-ERR nobody\r\n")]].concat();
            let mut play = Play::of(&script, Config::default(), cut);
            let error = play.login(STARTTLS).unwrap_err();
            assert_eq!(play.handshakes, 1);
            // The client uses neither PLAIN nor PASS along with USER, and does not claim to know what the refusal
            // means.
            play.sent_only(&["CAPA", "STLS", "CAPA", "USER mrose"]);
            assert!(matches!(error.login(), Some(LoginError::Credentials(_))), "{error}");
            assert!(
                !play
                    .conversation
                    .capabilities()
                    .is_some_and(|all| all.any(|known| known == KnownCapability::Pipelining))
            );

            let mut play = Play::of(&script, Config::default(), cut);
            play.greet().unwrap();
            let error = play.log_in(Login::new(Credentials::new("mröse", PASSWORD), STARTTLS)).unwrap_err();
            assert!(matches!(error.login(), Some(LoginError::Unsendable(BadArgument::NotAscii))), "{error}");
            play.sent_only(&["CAPA", "STLS", "CAPA"]);

            // A client that does not ask again knows nothing.
            let mut play = Play::of(&STLS, Config::default(), cut);
            play.greet().unwrap();
            let mut login = Login::new(Credentials::new(USER, PASSWORD), STARTTLS);
            assert_eq!(play.log_in_or_start_tls(&mut login).unwrap(), Progress::StartTls);
            assert!(
                play.conversation
                    .capabilities()
                    .is_some_and(|all| all.any(|known| known == KnownCapability::Pipelining))
            );
            play.conversation.tls_established(None).unwrap();
            assert!(play.conversation.capabilities().is_none());
        }
    }
    // Only the capabilities announced inside TLS count.
    let script = [&STLS[..], &[("CAPA", b"+OK\r\nSASL PLAIN\r\n.\r\n")]].concat();
    let mut play = Play::of(&script, Config::default(), Cut::Whole);
    assert!(play.login(STARTTLS).is_err());
    play.sent_only(&["CAPA", "STLS", "CAPA", &format!("AUTH PLAIN {}", crate::play::PLAIN)]);
}

#[test]
fn a11_a_timestamp_from_before_tls_is_not_used_inside_tls() {
    let script: Script<'_> = &[
        ("", b"+OK hi <1.2@evil>\r\n"),
        ("CAPA", LIST),
        ("STLS", b"+OK\r\n"),
        ("CAPA", b"+OK\r\nUIDL\r\n.\r\n"),
        ("QUIT", b"+OK\r\n"),
    ];
    for cut in CUTS {
        let mut play = Play::of(script, Config::default(), cut);
        let error = play.login(STARTTLS.method(Method::Apop)).unwrap_err();
        assert!(matches!(error.login(), Some(LoginError::NotOffered(name)) if name == "APOP"), "{error}");
        assert!(play.conversation.greeting().is_none());
        play.sent_only(&["CAPA", "STLS", "CAPA"]);
        goes_on(&mut play);
    }
    // On a connection that was protected from the first octet on, the greeting is the server's.
    let script: Script<'_> = &[("", b"+OK hi <1896.697170952@dbc.mtview.ca.us>\r\n"), ("CAPA", b"-ERR\r\n")];
    let mut play = Play::of(script, INSIDE_TLS, Cut::Whole);
    assert!(play.login(policy(Security::Tls).method(Method::Apop)).is_err());
    play.sent_only(&["CAPA", "APOP mrose c4c9334bac560ecc979e58001b3e22fb"]);
}

#[test]
fn a12_texts_from_before_tls_are_marked_as_unauthenticated() {
    let alert: &[u8] = b"-ERR [AUTH] visit http://evil.example/\r\n";
    for cut in CUTS {
        // STLS is refused, and so is CAPA. The errors and the values say whose words these may be.
        let scripts: [Script<'_>; 2] =
            [&[("", b"+OK hi\r\n"), ("CAPA", LIST), ("STLS", alert)], &[("", b"+OK hi\r\n"), ("CAPA", alert)]];
        for script in scripts {
            let mut play = Play::of(script, Config::default(), cut);
            let error = play.login(STARTTLS).unwrap_err();
            let Some(LoginError::StartTlsRefused(refused) | LoginError::CapaRefused(refused)) = error.login() else {
                panic!("{error}")
            };
            assert!(!refused.is_protected());
            assert!(error.to_string().contains("without TLS, anyone may have sent -ERR [AUTH] visit"), "{error}");
        }
        // The whole session is unprotected too.
        let mut play = Play::of(&[("", alert)], Config::default(), cut);
        let error = play.greet().unwrap_err();
        assert!(!error.refused().unwrap().is_protected());
        assert!(error.to_string().contains("without TLS, the server said"), "{error}");
        // Inside TLS the text is the server's: after STLS, and where TLS came first.
        let script: Script<'_> =
            &[("", b"+OK hi\r\n"), ("CAPA", LIST), ("STLS", b"+OK\r\n"), ("CAPA", b"-ERR\r\n"), ("USER mrose", alert)];
        let mut play = Play::of(script, Config::default(), cut);
        let error = play.login(STARTTLS).unwrap_err();
        let Some(LoginError::Credentials(refused)) = error.login() else { panic!() };
        assert!(refused.is_protected());
        let mut play = Play::of(&[("", alert)], INSIDE_TLS, cut);
        let error = play.greet().unwrap_err();
        assert!(error.refused().unwrap().is_protected() && !error.to_string().contains("TLS"), "{error}");
        // The log has a line between the octets from before TLS and those from inside.
        let log = play_log_of(script, cut);
        let tls = log.iter().position(|line| line == "-- TLS established").unwrap();
        assert!(log[..tls].contains(&"C: STLS".to_owned()) && log[tls..].contains(&"C: USER mrose".to_owned()));
    }
}

fn play_log_of(script: Script<'_>, cut: Cut) -> Vec<String> {
    let mut play = Play::of(script, Config::default(), cut);
    assert!(play.login(STARTTLS).is_err());
    play.log().lines().map(str::to_owned).collect()
}
