//! E: logins, and hostile answers to them.

use pop3_proto::drive::{Acknowledge, Conversation, Io, Stat, Step};
use pop3_proto::login::{Credentials, Login, LoginError, Method, Security};
use pop3_proto::{Cause, Command, Config, State, UsageError};

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
fn e02_a_shortened_list_permits_no_weaker_method() {
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
fn e04_other_failures_are_not_reported_as_a_wrong_password() {
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
                let Some(LoginError::Token(refused)) = error.login() else { panic!("{error}") };
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

#[test]
fn e08_no_answer_redirects_the_client() {
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
