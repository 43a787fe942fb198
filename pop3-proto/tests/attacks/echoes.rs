//! E06 and E07: servers that repeat a secret.

use pop3_proto::drive::{Acknowledge, Capa};
use pop3_proto::login::{Credentials, Login, LoginError, Method, Security};
use pop3_proto::{Command, Error};

use crate::mechanisms::{MECHANISMS, by, credentials};
use crate::oracle::{base64, unbase64};
use crate::play::{CUTS, Cut, INSIDE_TLS, PASSWORD, PLAIN, Play, Script, USER, policy};

/// The last answers of a server that repeats what it hears.
const ENDS: [&str; 4] = ["+OK ", "-ERR ", "-ERR [AUTH] ", "250 "];

/// Returns all visible output of a login by `method` at a server that repeats each line, also decoded; and the lines.
fn repeated(method: Method, end: &'static str) -> (String, Vec<String>) {
    let server = move |said: &str| {
        let word = said.rsplit(' ').next().unwrap_or_default();
        let decoded = if said.starts_with("AUTH ") || !said.contains(' ') && said.len() > 7 && said.len() % 4 == 0 {
            String::from_utf8_lossy(&unbase64_or_nothing(word)).into_owned()
        } else {
            String::new()
        };
        let heard = format!("{said} {}", decoded.replace(|c: char| c.is_control(), " "));
        match said {
            "" => "+OK <1896.697170952@dbc.mtview.ca.us>\r\n".to_owned(),
            "CAPA" => format!("+OK\r\nSASL {method}\r\n.\r\n"),
            "AUTH LOGIN" | "AUTH XOAUTH2" => "+ \r\n".to_owned(),
            "AUTH CRAM-MD5" | "bXJvc2U=" => format!("+ {}\r\n", base64(b"<1@h>")),
            _ if said.starts_with("USER") => format!("+OK {heard}\r\n"),
            _ => format!("{end}{heard}\r\n"),
        }
        .into_bytes()
    };
    let mut play = Play::new(server, INSIDE_TLS, Cut::Whole);
    play.greet().unwrap();
    let mut login = Login::new(credentials(method), by(method));
    let before = format!("{login:?}");
    let result = play.log_in_or_start_tls(&mut login);
    let after = format!("{login:?} {:?} {result:?} {}", play.conversation, play.log());
    let error = result.err().map(|error| format!("{error} {error:#?}"));
    let seen = [before, after, error.unwrap_or_default()].concat();
    let lines = play.sent().split_terminator("\\r\\n").skip(1).map(str::to_owned).collect();
    (seen, lines)
}

fn unbase64_or_nothing(word: &str) -> Vec<u8> {
    let digit = |b: u8| b.is_ascii_alphanumeric() || b"+/=".contains(&b);
    if word.bytes().all(digit) && word.len() % 4 == 0 { unbase64(word) } else { Vec::new() }
}

#[test]
fn e06_no_secret_is_shown() {
    let methods = MECHANISMS.map(|(method, ..)| method).into_iter().chain([Method::UserPass, Method::Apop]);
    for method in methods.filter(|method| *method != Method::External) {
        for end in ENDS {
            let (seen, lines) = repeated(method, end);
            assert!(!seen.contains(PASSWORD), "{method} {end}: {seen}");
            assert!(!seen.contains(&base64(PASSWORD.as_bytes())), "{method} {end}: {seen}");
            // The derived forms of the password are not shown either. SCRAM's first message has only the name.
            for line in lines.iter().filter(|line| !line.starts_with("AUTH SCRAM")) {
                let word = line.rsplit(' ').next().unwrap();
                if word.len() > 10 {
                    assert!(!seen.contains(word), "{method} {end}: {word} is in {seen}");
                    let decoded = String::from_utf8_lossy(&unbase64_or_nothing(word)).into_owned();
                    let digest = decoded.rsplit(' ').next().unwrap();
                    assert!(digest.len() < 10 || !seen.contains(digest), "{method} {end}: {digest} is in {seen}");
                }
            }
            assert!(seen.contains(USER) || seen.contains(method.name()), "{method}: {seen}");
        }
    }
}

#[test]
fn e07_an_echo_of_the_password_is_not_shown() {
    let plain = format!("AUTH PLAIN {PLAIN}");
    let echoes = [
        "tanstaaf is wrong",
        "no: tanstaaf",
        "[AUTH] PASS tanstaaf",
        "[tanstaaf] no",
        "[AUTH/tanstaaf] no",
        "[SYS/tanstaaf] no",
        "tanstaaftanstaaf tanstanstaaftaaf",
        "AUTH PLAIN AG1yb3NlAHRhbnN0YWFm",
        "tanstaaf\x1b[2J",
    ];
    for echo in echoes {
        let says = format!("-ERR {echo}\r\n");
        let scripts: [Script<'_>; 3] = [
            // The echo answers USER already, if both were on their way.
            &[
                ("", b"+OK\r\n"),
                ("CAPA", b"+OK\r\nUSER\r\nPIPELINING\r\n.\r\n"),
                ("USER mrose", says.as_bytes()),
                ("PASS tanstaaf", b"-ERR\r\n"),
            ],
            &[("", b"+OK\r\n"), ("CAPA", b"-ERR\r\n"), ("USER mrose", b"+OK\r\n"), ("PASS tanstaaf", says.as_bytes())],
            &[("", b"+OK\r\n"), ("CAPA", b"+OK\r\nSASL PLAIN\r\n.\r\n"), (&plain, says.as_bytes())],
        ];
        for (at, script) in scripts.into_iter().enumerate() {
            for cut in CUTS {
                let mut play = Play::of(script, INSIDE_TLS, cut);
                let error = play.login(policy(Security::Tls)).unwrap_err();
                let shown = format!("{error} {error:?} {}", play.log());
                assert!(!shown.contains(PASSWORD), "{shown}");
                assert!(at < 2 || !shown.contains(PLAIN), "{shown}");
                assert!(!shown.contains('\x1b'), "{shown}");
                // The rest of the text is shown, with a mark in place of the secret.
                assert!(error.to_string().contains('*') || echo.contains("AUTH PLAIN"), "{error}");
            }
        }
    }
    // The echo answers no command, or another one, or is no valid answer at all.
    for echo in ["-ERR tanstaaf\r\n", "+OK tanstaaf\r\n", "tanstaaf\r\n", "+ tanstaaf\r\n", "-ERR tanstaaf"] {
        let says = format!("-ERR no\r\n{echo}");
        for at in 1..=says.len() {
            let script: Script<'_> = &[
                ("", b"+OK\r\n"),
                ("CAPA", b"-ERR\r\n"),
                ("USER mrose", b"+OK\r\n"),
                ("PASS tanstaaf", says.as_bytes()),
            ];
            let mut play = Play::of(script, INSIDE_TLS, Cut::At(at));
            assert!(matches!(play.login(policy(Security::Tls)).unwrap_err().login(), Some(LoginError::Credentials(_))));
            let error = play.call(Acknowledge(Command::Capa)).unwrap_err();
            let shown = format!("{error} {error:?} {}", play.log());
            assert!(!shown.contains(PASSWORD), "{at}: {shown}");
        }
    }
}

/// Logs in by USER and PASS, at a server that answers PASS and then CAPA with these. Returns the error and the log.
fn refused_with(password: &str, says: &str, capa: &str) -> (Error, String) {
    let (pass, says) = (format!("PASS {password}"), format!("-ERR {says}\r\n"));
    let script: Script<'_> = &[
        ("", b"+OK\r\n"),
        ("CAPA", b"-ERR\r\n"),
        ("USER mrose", b"+OK\r\n"),
        (&pass, says.as_bytes()),
        ("CAPA", capa.as_bytes()),
    ];
    let mut play = Play::of(script, INSIDE_TLS, Cut::Whole);
    play.greet().unwrap();
    let error = play.log_in(Login::new(Credentials::new(USER, password), policy(Security::Tls))).unwrap_err();
    if !capa.is_empty() {
        play.call(Capa::default()).unwrap();
    }
    (error, play.log())
}

#[test]
fn e07_a_text_that_contains_the_password_is_withheld_completely() {
    for (password, says) in [
        ("wrong", "[AUTH] wrong user name or password"),
        ("p", "bad password"),
        ("tanstaaf", "no: dGFuc3RhYWY="),
        ("tanstaaf", "no: eHRhbnN0YWFmeA=="),
        ("tanstaaf", "no: eHl0YW5zdGFhZnh5eg=="),
    ] {
        let (error, _) = refused_with(password, says, "");
        let shown = error.to_string();
        let kept = if says.starts_with("[AUTH]") { "[AUTH] ***" } else { "***" };
        assert!(shown.ends_with(&format!("the server said -ERR {kept}")), "{shown}");
    }
    let (error, _) = refused_with("tanstaaf", "no: dGFuc3Rh", "");
    assert!(error.to_string().ends_with("no: dGFuc3Rh"), "another text is shown: {error}");
}

#[test]
fn e07_an_echo_in_a_listing_is_not_logged() {
    let (_, log) = refused_with("tanstaaf", "no", "+OK tanstaaf\r\nX-ECHO tanstaaf\r\n.\r\n");
    assert!(!log.contains("tanstaaf") && !log.contains("X-ECHO"), "{log}");
    assert!(log.contains("S: ***\nRow(None)\nS: ."), "{log}");
}
