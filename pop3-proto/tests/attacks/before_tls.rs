//! A: attacks before and around TLS.

use pop3_proto::drive::{Acknowledge, Retrieval, Stat, UidlAll};
use pop3_proto::login::{Credentials, Login, LoginError, Method, Policy, Progress, Security};
use pop3_proto::{BadArgument, Cause, Command, Config, Error, State, UsageError, Violation};

use crate::play::{CUTS, Cut, INSIDE_TLS, PASSWORD, Play, Script, USER, policy};

const STARTTLS: Policy = policy(Security::StartTls);
const ONE: u32 = 1;
/// The capabilities that a server with STLS announces.
const LIST: &[u8] = b"+OK\r\nSTLS\r\nSASL PLAIN\r\nUSER\r\nPIPELINING\r\n.\r\n";

fn violation(error: &Error) -> Option<Violation> {
    match error.cause() {
        Cause::Protocol(error) => Some(error.violation()),
        _ => None,
    }
}

/// Checks that the session is over: the client sends nothing more, not even QUIT, whatever the server says now.
#[track_caller]
fn is_poisoned(play: &mut Play) {
    let before = play.sent();
    for says in [&b""[..], b"\r\n", b"\r\n+OK\r\n.\r\n", b"+OK\r\n"] {
        play.say(says);
        for command in [Command::Quit, Command::Capa, Command::User(USER), Command::Pass(PASSWORD), Command::Stls] {
            let error = play.call(Acknowledge(command)).unwrap_err();
            assert!(!error.is_recoverable(), "{command}: {error}");
        }
    }
    let mut login = Login::new(Credentials::new(USER, PASSWORD), STARTTLS);
    assert!(play.log_in_or_start_tls(&mut login).is_err());
    assert_eq!(play.sent(), before);
}

const TAILS: [&[u8]; 8] =
    [b"+OK\r\nSASL PLAIN\r\n.\r\n", b"-ERR\r\n", b"\r\n", b"\n", b".\r\n", b"+ \r\n", b"\x16\x03\x01\x02", b"\0\xFF"];

#[test]
fn a01_plaintext_behind_stls_is_an_injection() {
    const BEGIN: &[u8] = b"+OK begin\r\n";
    for tail in TAILS {
        for len in 1..=tail.len() {
            let answer = [BEGIN, &tail[..len]].concat();
            let script: Script<'_> = &[("", b"+OK hi\r\n"), ("CAPA", LIST), ("STLS", &answer)];
            // The answer is cut anywhere: the tail arrives together with the end of the line.
            for at in (1..=answer.len()).filter(|at| *at != BEGIN.len()) {
                let mut play = Play::of(script, Config::default(), Cut::At(at));
                let error = play.login(STARTTLS).unwrap_err();
                assert_eq!(violation(&error), Some(Violation::PlaintextAfterStls), "{}", answer.escape_ascii());
                assert_eq!(play.handshakes, 0);
                play.sent_only(&["CAPA", "STLS"]);
                is_poisoned(&mut play);
                play.sent_only(&["CAPA", "STLS"]);
            }
            // The tail arrives later, before the handshake is reported as done: an adapter has read ahead.
            for cut in [Cut::At(BEGIN.len()), Cut::Octets] {
                let mut play = Play::of(script, Config::default(), cut);
                play.greet().unwrap();
                let mut login = Login::new(Credentials::new(USER, PASSWORD), STARTTLS);
                assert_eq!(play.log_in_or_start_tls(&mut login).unwrap(), Progress::StartTls);
                play.sent_only(&["CAPA", "STLS"]);
                play.read();
                let error = play.conversation.tls_established().unwrap_err();
                assert_eq!(violation(&error), Some(Violation::PlaintextAfterStls));
                // A driver that continues regardless gets no further.
                assert!(!matches!(play.log_in_or_start_tls(&mut login), Ok(Progress::LoggedIn)));
                assert!(!play.conversation.client().inside_tls());
                is_poisoned(&mut play);
                play.sent_only(&["CAPA", "STLS"]);
            }
        }
    }
}

#[test]
fn a02_no_part_of_a_line_survives_the_handshake() {
    for fragment in [&b"abc"[..], b"+OK", b"+OK\r", b"\r", b"."] {
        for len in 1..=fragment.len() {
            let answer = [b"+OK\r\n", &fragment[..len]].concat();
            let script: Script<'_> = &[("", b"+OK hi\r\n"), ("CAPA", LIST), ("STLS", &answer)];
            for at in (1..=answer.len()).filter(|at| *at != 5) {
                let mut play = Play::of(script, Config::default(), Cut::At(at));
                let error = play.login(STARTTLS).unwrap_err();
                assert_eq!(violation(&error), Some(Violation::PlaintextAfterStls), "{}", answer.escape_ascii());
                play.sent_only(&["CAPA", "STLS"]);
            }
            // The octets were read ahead, and the first octets of the server inside TLS complete them.
            let mut play = Play::of(script, Config::default(), Cut::At(5));
            play.greet().unwrap();
            let mut login = Login::new(Credentials::new(USER, PASSWORD), STARTTLS);
            assert_eq!(play.log_in_or_start_tls(&mut login).unwrap(), Progress::StartTls);
            play.read();
            assert!(play.conversation.tls_established().is_err());
            is_poisoned(&mut play);
            play.sent_only(&["CAPA", "STLS"]);
        }
    }
}

#[test]
fn a03_an_answer_before_its_command_answers_nothing() {
    const GREETING: &[u8] = b"+OK hi\r\n";
    // One blank line alone would be forgiven: it answers no command either.
    for tail in [&b"+OK begin TLS\r\n"[..], b"+OK\r\nSTLS\r\n.\r\n", b"-ERR x\r\n", b".", b"\0", b"\n"] {
        for len in 1..=tail.len() {
            let greeting = [GREETING, &tail[..len]].concat();
            for cut in (1..=greeting.len()).map(Cut::At).chain([Cut::Octets]) {
                for policy in [STARTTLS, crate::play::CLEAR] {
                    let mut play = Play::of(&[("", &greeting), ("CAPA", LIST)], Config::default(), cut);
                    let error = play.login(policy).unwrap_err();
                    assert!(error.login().is_none() && !error.is_recoverable(), "{error}");
                    is_poisoned(&mut play);
                    play.sent_only(&[]);
                }
            }
            // The tail follows CAPA's dot. The look before STLS finds it if it comes in a read of its own.
            let list = [LIST, &tail[..len]].concat();
            for at in 1..=list.len() {
                let mut play = Play::of(&[("", GREETING), ("CAPA", &list)], Config::default(), Cut::At(at));
                play.greet().unwrap();
                let mut login = Login::new(Credentials::new(USER, PASSWORD), STARTTLS);
                let result = play.log_in_or_start_tls(&mut login);
                assert!(result.is_err_and(|error| error.login().is_none() && !error.is_recoverable()));
                is_poisoned(&mut play);
                play.sent_only(&["CAPA"]);
            }
        }
    }
}

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

/// Checks that QUIT is answered: a failed login gave the connection back.
#[track_caller]
fn goes_on(play: &mut Play) {
    play.call(Acknowledge(Command::Quit)).unwrap();
    assert_eq!(play.conversation.client().state(), State::Closed);
}

#[test]
fn a04_where_stls_was_stripped_no_credential_leaves() {
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
                let error = play.login(STARTTLS.methods(method.map(Method::only))).unwrap_err();
                assert!(matches!(error.login(), Some(LoginError::NoStartTls)), "{error}");
                play.sent_only(&["CAPA"]);
                goes_on(&mut play);
                play.sent_only(&["CAPA", "QUIT"]);

                // TLS is required from the first octet on, and there is none: the client sends nothing at all.
                let script: Script<'_> = &[("", greeting), ("QUIT", b"+OK\r\n")];
                let mut play = Play::of(script, Config::default(), cut);
                let error = play.login(policy(Security::Tls).methods(method.map(Method::only))).unwrap_err();
                assert!(matches!(error.login(), Some(LoginError::Unprotected)), "{error}");
                play.sent_only(&[]);
                goes_on(&mut play);
            }
        }
    }
}

#[test]
fn a04_in_the_clear_a_password_needs_leave() {
    for method in [None, Some(Method::UserPass), Some(Method::Plain), Some(Method::Login)] {
        for cut in CUTS {
            let mut play = Play::of(&[("", b"+OK hi\r\n"), ("CAPA", LIST)], Config::default(), cut);
            let error = play.login(policy(Security::Plaintext).methods(method.map(Method::only))).unwrap_err();
            assert!(matches!(error.login(), Some(LoginError::Unprotected)), "{error}");
            assert!(!play.sent().contains("USER") && !play.sent().contains("AUTH"), "{}", play.sent());
        }
    }
}

#[test]
fn a05_a_server_without_capabilities_is_no_reason_to_go_on_in_the_clear() {
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
fn a06_a_refused_stls_is_no_leave_to_go_on_in_the_clear() {
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
                let error = play.login(STARTTLS.methods(method.map(Method::only))).unwrap_err();
                assert!(matches!(error.login(), Some(LoginError::StartTlsRefused(_))), "{error}");
                play.sent_only(&["CAPA", "STLS"]);
                goes_on(&mut play);
                play.sent_only(&["CAPA", "STLS", "QUIT"]);
            }
        }
    }
}

#[test]
fn a07_what_is_nearly_an_ok_begins_no_handshake() {
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
fn a10_what_was_announced_before_tls_is_void() {
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
            assert!(!play.conversation.pipelining());

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
            assert!(play.conversation.capabilities().is_some() && play.conversation.pipelining());
            play.conversation.tls_established().unwrap();
            assert!(play.conversation.capabilities().is_none() && !play.conversation.pipelining());
        }
    }
    // Only the capabilities announced inside TLS count.
    let script = [&STLS[..], &[("CAPA", b"+OK\r\nSASL PLAIN\r\n.\r\n")]].concat();
    let mut play = Play::of(&script, Config::default(), Cut::Whole);
    assert!(play.login(STARTTLS).is_err());
    play.sent_only(&["CAPA", "STLS", "CAPA", &format!("AUTH PLAIN {}", crate::play::PLAIN)]);
}

#[test]
fn a11_the_timestamp_of_the_clear_is_no_challenge_inside_tls() {
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
fn a12_what_was_said_before_tls_is_marked_as_anybodys() {
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

#[test]
fn a15_what_a_truncated_stream_brought_is_not_all() {
    const LOGIN: [(&str, &[u8]); 4] =
        [("", b"+OK hi\r\n"), ("CAPA", b"-ERR\r\n"), ("USER mrose", b"+OK\r\n"), ("PASS tanstaaf", b"+OK\r\n")];
    let uidl = b"+OK\r\n1 a\r\n2 b\r\n.\r\n";
    let retr = b"+OK\r\nSubject: x\r\n\r\nbody\r\n.\r\n";
    for cut in CUTS {
        for len in 0..uidl.len() {
            let script = [&LOGIN[..], &[("UIDL", &uidl[..len])]].concat();
            let mut play = Play::of(&script, INSIDE_TLS, cut);
            play.login(policy(Security::Tls)).unwrap();
            let error = play.call(UidlAll::new()).unwrap_err();
            assert!(error.is_truncated() && !error.is_recoverable(), "{error}");
            is_poisoned(&mut play);
        }
        for len in 0..retr.len() {
            let script = [&LOGIN[..], &[("RETR 1", &retr[..len])]].concat();
            let mut play = Play::of(&script, INSIDE_TLS, cut);
            play.login(policy(Security::Tls)).unwrap();
            let mut octets = Vec::new();
            let error = play.retrieve(Retrieval::retr(ONE), &mut octets).unwrap_err();
            assert!(error.is_truncated() && !error.is_recoverable(), "{error}");
            assert!(b"Subject: x\r\n\r\nbody\r\n".starts_with(&octets), "{}", octets.escape_ascii());
            is_poisoned(&mut play);
        }
    }
}
