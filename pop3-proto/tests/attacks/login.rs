//! E: logins.

use pop3_proto::drive::{Acknowledge, Capa, Conversation, Io, Stat, Step};
use pop3_proto::login::{Credentials, Login, LoginError, Method, Security};
use pop3_proto::{Cause, Command, Config, Error, State, UsageError};

use crate::mechanisms::{MECHANISMS, by, credentials};
use crate::oracle::{base64, unbase64};
use crate::play::{CLEAR, CUTS, Cut, INSIDE_TLS, PASSWORD, PLAIN, Play, Script, USER, policy};

/// All mechanisms, the best first.
const ALL: &[u8] = b"+OK\r\nUSER\r\nSASL SCRAM-SHA-256 SCRAM-SHA-1 CRAM-MD5 PLAIN LOGIN\r\n.\r\n";

#[test]
fn e01_a_challenge_of_apop_is_a_msg_id_or_none() {
    // These are octets that MD5 collisions consist of, and near misses of msg-ids.
    let chosen: [&[u8]; 12] = [
        b"<\x01\x02\x03@h>",
        b"<\x80\xFF@h>",
        b"<1.2@h\xE4>",
        b"<1.2>",
        b"<@h>",
        b"<1.2@>",
        b"<>",
        b"<1.2@h",
        b"1.2@h>",
        b"<1 2@h>",
        b"<1.2@h@i>",
        b"<1..2@h>",
    ];
    let apop = CLEAR.method(Method::Apop);
    for timestamp in chosen {
        for cut in CUTS {
            let greeting = [b"+OK ", timestamp, b" ready\r\n"].concat();
            let script: Script<'_> = &[("", &greeting), ("CAPA", b"-ERR\r\n"), ("QUIT", b"+OK\r\n")];
            let mut play = Play::of(script, Config::default(), cut);
            let error = play.login(apop).unwrap_err();
            assert!(matches!(error.login(), Some(LoginError::NotOffered(name)) if name == "APOP"), "{error}");
            assert!(!play.sent().contains("APOP"), "{}", play.sent());
            play.call(Acknowledge(Command::Quit)).unwrap();
        }
    }
    // By default even a good timestamp is not used: an eavesdropper could guess at the password.
    let script: Script<'_> =
        &[("", b"+OK <1896.697170952@dbc.mtview.ca.us>\r\n"), ("CAPA", b"-ERR\r\n"), ("USER mrose", b"-ERR\r\n")];
    let mut play = Play::of(script, INSIDE_TLS, Cut::Whole);
    assert!(play.login(policy(Security::Tls)).is_err());
    play.sent_only(&["CAPA", "USER mrose"]);
    let mut play = Play::of(script, Config::default(), Cut::Whole);
    assert!(matches!(play.login(policy(Security::Plaintext)).unwrap_err().login(), Some(LoginError::Unprotected)));
    assert!(!play.sent().contains("APOP"), "{}", play.sent());
}

#[test]
fn e02_what_is_left_of_a_list_does_not_lower_what_is_permitted() {
    let stripped: [&[u8]; 7] = [
        b"+OK\r\nSASL LOGIN PLAIN\r\nUSER\r\n.\r\n",
        b"+OK\r\nSASL LOGIN\r\n.\r\n",
        b"+OK\r\nSASL PLAIN\r\n.\r\n",
        b"+OK\r\nUSER\r\n.\r\n",
        b"+OK\r\nSASL XOAUTH2 OAUTHBEARER\r\n.\r\n",
        b"+OK\r\n.\r\n",
        b"-ERR\r\n",
    ];
    for list in stripped {
        for cut in CUTS {
            let script: Script<'_> = &[("", b"+OK <1@h>\r\n"), ("CAPA", list), ("QUIT", b"+OK\r\n")];
            let mut play = Play::of(script, Config::default(), cut);
            let error = play.login(policy(Security::Plaintext)).unwrap_err();
            assert!(matches!(error.login(), Some(LoginError::Unprotected)), "{error}");
            play.sent_only(&["CAPA"]);
            play.call(Acknowledge(Command::Quit)).unwrap();

            // A caller that insists on a method gets that or nothing.
            for method in [Method::ScramSha1, Method::ScramSha256, Method::CramMd5] {
                let mut play = Play::of(script, Config::default(), cut);
                let error = play.login(policy(Security::Plaintext).method(method)).unwrap_err();
                match error.login() {
                    Some(LoginError::NotOffered(name)) => {
                        assert_eq!(name, method.name());
                        play.sent_only(&["CAPA"]);
                    }
                    // A server whose capabilities are unknown may support the method; then the method itself shows no
                    // secret.
                    _ => assert!(list == b"-ERR\r\n" || list == b"+OK\r\n.\r\n", "{error}"),
                }
                assert!(!play.sent().contains("USER") && !play.sent().contains("PLAIN"), "{}", play.sent());
            }
        }
    }
    // A token is a secret like a password.
    let script: Script<'_> = &[("", b"+OK\r\n"), ("CAPA", stripped[4])];
    let mut play = Play::of(script, Config::default(), Cut::Whole);
    play.greet().unwrap();
    let token = Login::new(Credentials::token(USER, PASSWORD), policy(Security::Plaintext));
    assert!(matches!(play.log_in(token).unwrap_err().login(), Some(LoginError::Unprotected)));
    play.sent_only(&["CAPA"]);
}

#[test]
fn e03_a_method_that_fails_is_not_followed_by_a_weaker_one() {
    for refusal in ["-ERR no", "-ERR [AUTH] no", "-ERR [SYS/PERM] not this mechanism", "-ERR unknown mechanism"] {
        for cut in CUTS {
            let says = format!("{refusal}\r\n").into_bytes();
            let server = move |said: &str| match said {
                "" => b"+OK <1896.697170952@dbc.mtview.ca.us>\r\n".to_vec(),
                "CAPA" => ALL.to_vec(),
                "QUIT" => b"+OK\r\n".to_vec(),
                _ => says.clone(),
            };
            let mut play = Play::new(server.clone(), INSIDE_TLS, cut);
            let error = play.login(policy(Security::Tls)).unwrap_err();
            assert!(error.is_recoverable(), "{error}");
            let sent = play.sent();
            let lines: Vec<&str> = sent.split_terminator("\\r\\n").collect();
            assert!(lines.len() == 2 && lines[1].starts_with("AUTH SCRAM-SHA-256 "), "{sent}");
            play.call(Acknowledge(Command::Quit)).unwrap();

            // A mechanism that was asked for by name is not used either.
            for (method, ..) in MECHANISMS
                .into_iter()
                .filter(|(method, ..)| ALL.windows(5).any(|five| method.name().as_bytes().starts_with(five)))
            {
                let mut play = Play::new(server.clone(), INSIDE_TLS, cut);
                assert!(play.login(by(method)).is_err());
                assert_eq!(play.sent().matches("\\r\\n").count(), 2, "{}", play.sent());
                assert!(play.sent().contains(&format!("\\nAUTH {method}")), "{}", play.sent());
            }
        }
    }
}

#[test]
fn e04_what_is_no_matter_of_the_password_is_not_told_as_one() {
    type Expected = fn(&LoginError) -> bool;
    let refusals: [(&str, Expected); 16] = [
        ("-ERR [SYS/TEMP] later", |error| matches!(error, LoginError::Temporary(_))),
        ("-ERR [sys/temp/disk] later", |error| matches!(error, LoginError::Temporary(_))),
        ("-ERR [SYS] something", |error| matches!(error, LoginError::Temporary(_))),
        ("-ERR [SYS/PERM] mailbox damaged", |error| matches!(error, LoginError::Permanent(_))),
        ("-ERR [IN-USE] wrong password", |error| matches!(error, LoginError::InUse(_))),
        ("-ERR [LOGIN-DELAY] wait", |error| matches!(error, LoginError::LoginDelay { .. })),
        ("-ERR maildrop already locked", |error| matches!(error, LoginError::InUse(_))),
        ("-ERR [AUTH] locked", |error| matches!(error, LoginError::Credentials(_))),
        ("-ERR internal server error, try later", |error| matches!(error, LoginError::Temporary(_))),
        ("-ERR Internal error", |error| matches!(error, LoginError::Temporary(_))),
        ("-ERR server error", |error| matches!(error, LoginError::Temporary(_))),
        ("-ERR system error", |error| matches!(error, LoginError::Temporary(_))),
        ("-ERR login is temporarily disabled", |error| matches!(error, LoginError::Temporary(_))),
        ("-ERR internally unknown user", |error| matches!(error, LoginError::Credentials(_))),
        ("-ERR wrong password", |error| matches!(error, LoginError::Credentials(_))),
        ("-ERR", |error| matches!(error, LoginError::Credentials(_))),
    ];
    for (refusal, expected) in refusals {
        let says = format!("{refusal}\r\n");
        let plain = format!("AUTH PLAIN {PLAIN}");
        let scripts: [Script<'_>; 3] = [
            &[("", b"+OK\r\n"), ("CAPA", b"-ERR\r\n"), ("USER mrose", says.as_bytes())],
            &[("", b"+OK\r\n"), ("CAPA", b"-ERR\r\n"), ("USER mrose", b"+OK\r\n"), ("PASS tanstaaf", says.as_bytes())],
            &[("", b"+OK\r\n"), ("CAPA", b"+OK\r\nSASL PLAIN\r\n.\r\n"), (&plain, says.as_bytes())],
        ];
        for script in scripts {
            for cut in CUTS {
                let mut play = Play::of(script, INSIDE_TLS, cut);
                let error = play.login(policy(Security::Tls)).unwrap_err();
                assert!(expected(error.login().unwrap()) && error.is_recoverable(), "{refusal}: {error}");
                // Nothing is retried automatically.
                let lines: Vec<&str> = script[1..].iter().map(|(line, _)| *line).collect();
                play.sent_only(&lines);
            }
        }
    }
    // If a server announces AUTH-RESP-CODE, a refusal without a code is not about the password.
    let capa: &[u8] = b"+OK\r\nAUTH-RESP-CODE\r\n.\r\n";
    let script: Script<'_> = &[("", b"+OK\r\n"), ("CAPA", capa), ("USER mrose", b"-ERR wrong password\r\n")];
    let mut play = Play::of(script, INSIDE_TLS, Cut::Whole);
    assert!(matches!(play.login(policy(Security::Tls)).unwrap_err().login(), Some(LoginError::Refused(_))));
}

#[test]
fn e05_a_token_is_tried_once() {
    let json = r#"{"status":"invalid_token","scope":"mail"}"#;
    for method in [Method::OauthBearer, Method::Xoauth2] {
        for refusals in 1..4 {
            let challenge = format!("+ {}\r\n", base64(json.as_bytes())).into_bytes();
            let mut left = refusals;
            let server = move |said: &str| match said {
                "" if left == refusals => b"+OK\r\n".to_vec(),
                "CAPA" => b"+OK\r\nSASL OAUTHBEARER XOAUTH2 PLAIN\r\n.\r\n".to_vec(),
                "AUTH XOAUTH2" => b"+ \r\n".to_vec(),
                "QUIT" => b"+OK\r\n".to_vec(),
                "*" => b"-ERR cancelled\r\n".to_vec(),
                _ if left == 0 => b"-ERR [AUTH] no\r\n".to_vec(),
                _ => {
                    left -= 1;
                    challenge.clone()
                }
            };
            let mut play = Play::new(server, INSIDE_TLS, Cut::Whole);
            play.greet().unwrap();
            let error = play.log_in(Login::new(credentials(method), by(method))).unwrap_err();
            let sent = play.sent();
            assert_eq!(sent.matches("\\nAUTH ").count(), 1, "{sent}");
            let token = if method == Method::OauthBearer { "n,a=mrose,\x01" } else { "user=mrose\x01" };
            let told = |line: &str| {
                let last = line.rsplit(' ').next().unwrap();
                last.len() > 20 && unbase64(last).starts_with(token.as_bytes())
            };
            assert_eq!(sent.split_terminator("\\r\\n").filter(|line| told(line)).count(), 1, "{sent}");
            if refusals == 1 {
                // RFC 7628, section 3.2.3: there is one dummy response, and the caller gets the server's own words.
                let Some(LoginError::Credentials(refused)) = error.login() else { panic!("{error}") };
                assert_eq!(refused.explanation().unwrap().as_bytes(), json.as_bytes());
                assert!(
                    sent.ends_with(if method == Method::OauthBearer { "\\r\\nAQ==\\r\\n" } else { "\\r\\n\\r\\n" }),
                    "{sent}"
                );
            } else {
                assert!(matches!(error.login(), Some(LoginError::Mechanism { .. })), "{error}");
                assert!(sent.ends_with("\\r\\n*\\r\\n"), "{sent}");
            }
            play.call(Acknowledge(Command::Quit)).unwrap();
        }
    }
}

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
fn e06_no_secret_is_to_be_seen() {
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
        play.call(Capa::new()).unwrap();
    }
    (error, play.log())
}

#[test]
fn e07_no_gap_shows_the_password_by_its_surroundings() {
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

#[test]
fn e08_nobody_is_sent_elsewhere() {
    let texts = [
        "[REFERRAL pop3://evil.example/] go there",
        "[ALERT] visit http://evil.example/",
        "[UNAVAILABLE] use pop.evil.example:110",
        "REFERRAL pop://mrose;AUTH=PLAIN@evil.example/",
    ];
    for text in texts {
        for status in ["-ERR", "+OK"] {
            let says = format!("{status} {text}\r\n");
            let script: Script<'_> = &[
                ("", says.as_bytes()),
                ("CAPA", b"-ERR\r\n"),
                ("USER mrose", b"+OK\r\n"),
                ("PASS tanstaaf", says.as_bytes()),
            ];
            let mut play = Play::of(script, INSIDE_TLS, Cut::Whole);
            let result = play.login(policy(Security::Tls));
            if status == "+OK" {
                result.unwrap();
            } else {
                // The greeting refuses service: there is nothing to log in to, here or elsewhere.
                let error = result.unwrap_err();
                assert!(!error.is_recoverable(), "{error}");
                play.sent_only(&[]);
            }
            let script: Script<'_> = &[
                ("", b"+OK\r\n"),
                ("CAPA", b"-ERR\r\n"),
                ("USER mrose", b"+OK\r\n"),
                ("PASS tanstaaf", says.as_bytes()),
            ];
            let mut play = Play::of(script, INSIDE_TLS, Cut::Whole);
            assert_eq!(play.login(policy(Security::Tls)).is_ok(), status == "+OK");
            play.sent_only(&["CAPA", "USER mrose", "PASS tanstaaf"]);
        }
    }
}

#[test]
fn e09_no_answer_to_user_logs_in() {
    for says in [&b"+OK logged in, maildrop ready\r\n"[..], b"+OK 2 320\r\n", b"+OK [TRANSACTION] welcome back\r\n"] {
        for cut in CUTS {
            let script: Script<'_> = &[("", b"+OK\r\n"), ("USER mrose", says)];
            let mut play = Play::of(script, Config::default(), cut);
            play.greet().unwrap();
            play.call(Acknowledge(Command::User(USER))).unwrap();
            assert_eq!(play.conversation.client().state(), State::Named);
            let error = play.call(Stat).unwrap_err();
            let Cause::Usage(UsageError::NotPermitted { state, .. }) = error.cause() else { panic!("{error}") };
            assert_eq!(*state, State::Named);
            play.sent_only(&["USER mrose"]);
            // A login continues with PASS, and only its answer counts.
            for (answer, logged_in) in [(&b"+OK\r\n"[..], true), (b"-ERR no\r\n", false)] {
                let script: Script<'_> =
                    &[("", b"+OK\r\n"), ("CAPA", b"-ERR\r\n"), ("USER mrose", says), ("PASS tanstaaf", answer)];
                let mut play = Play::of(script, Config::default(), cut);
                assert_eq!(play.login(CLEAR).is_ok(), logged_in);
                assert_eq!(play.conversation.client().state() == State::Transaction, logged_in);
                play.sent_only(&["CAPA", "USER mrose", "PASS tanstaaf"]);
            }
        }
    }
    // Without a login, the greeting alone grants nothing either.
    let mut conversation = Conversation::new(Config::default());
    assert_eq!(conversation.greet().unwrap(), Step::NeedIo(Io::Transfer));
    assert_eq!(conversation.client().state(), State::Greeting);
}
