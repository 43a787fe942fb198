//! C12 to C16 and D20: the challenges of a hostile server, for every mechanism.

use core::cell::RefCell;
use std::rc::Rc;

use pop3_proto::drive::Acknowledge;
use pop3_proto::login::{Credentials, Login, LoginError, Method, Policy, Security};
use pop3_proto::sasl::{Mechanism, MechanismError, SaslMessage};
use pop3_proto::{Cause, Command, Error, State, Violation};

use crate::oracle::base64;
use crate::play::{CUTS, Cut, INSIDE_TLS, PASSWORD, PLAIN, Play, Script, USER, policy};
use crate::scram_server::{Cheat, Last, first, serve};

/// Every mechanism, with the number of its lines after the AUTH, and whether it reads the challenges.
pub(crate) const MECHANISMS: [(Method, usize, bool); 8] = [
    (Method::Plain, 0, false),
    (Method::Login, 2, false),
    (Method::CramMd5, 1, true),
    (Method::ScramSha1, 2, true),
    (Method::ScramSha256, 2, true),
    // A challenge refuses the token, and is answered once.
    (Method::OauthBearer, 1, false),
    (Method::Xoauth2, 2, false),
    (Method::External, 0, false),
];

pub(crate) fn credentials(method: Method) -> Credentials {
    match method {
        Method::OauthBearer | Method::Xoauth2 => Credentials::token(USER, PASSWORD),
        Method::External => Credentials::external(),
        _ => Credentials::new(USER, PASSWORD),
    }
}

pub(crate) fn by(method: Method) -> Policy {
    policy(Security::Tls).method(method)
}

/// Starts a server that announces the mechanism, and then answers each line by `answer`.
fn announcing(
    method: Method,
    announced: bool,
    mut answer: impl FnMut(usize, &str) -> Vec<u8> + 'static,
    cut: Cut,
) -> Play {
    let mut lines = 0;
    let mut play = Play::new(
        move |said| match said {
            "" if lines == 0 => b"+OK ready\r\n".to_vec(),
            "CAPA" if announced => format!("+OK\r\nSASL {method}\r\n.\r\n").into_bytes(),
            "CAPA" => b"-ERR\r\n".to_vec(),
            "QUIT" => b"+OK\r\n".to_vec(),
            _ => {
                lines += 1;
                answer(lines - 1, said)
            }
        },
        INSIDE_TLS,
        cut,
    );
    play.greet().unwrap();
    play
}

fn try_by(play: &mut Play, method: Method) -> Error {
    let error = play.log_in(Login::new(credentials(method), by(method))).expect_err("no login");
    assert!(!format!("{error} {error:?} {}", play.log()).contains(PASSWORD), "{error}");
    error
}

/// Returns the lines that were sent after AUTH and its line.
fn said_in_auth(play: &Play) -> Vec<String> {
    let sent = play.sent();
    let lines = sent.split_terminator("\\r\\n").skip_while(|line| !line.starts_with("AUTH "));
    lines.skip(1).map(str::to_owned).collect()
}

/// Checks that the session is over.
fn is_over(play: &mut Play) {
    let before = play.sent();
    play.say(b"+OK\r\n");
    for command in [Command::Quit, Command::Stat, Command::Capa, Command::User(USER)] {
        assert!(!play.call(Acknowledge(command)).unwrap_err().is_recoverable());
    }
    assert_eq!(play.sent(), before);
}

/// Checks that after a cancellation and a refusal the session can be used again.
fn goes_on(play: &mut Play) {
    assert_eq!(play.conversation.client().state(), State::Authorization);
    play.call(Acknowledge(Command::Quit)).unwrap();
}

#[test]
fn c12_every_mechanism_cancels_if_a_challenge_is_not_base64() {
    let wrong = ["=AAA", "AAA=BBB", "AA A", "AAA", "A", "AA==AA==", "Rubbish", "====", "AA-_", "\u{e9}", "\x1b[2J"];
    for (method, lines, _) in MECHANISMS.into_iter().filter(|(_, lines, _)| *lines > 0) {
        for challenge in wrong {
            for cut in CUTS {
                let says = format!("+ {challenge}\r\n");
                // XOAUTH2 answers the first challenge, whatever it is.
                let answer = move |_: usize, said: &str| match said {
                    "*" => b"-ERR cancelled\r\n".to_vec(),
                    _ => says.clone().into_bytes(),
                };
                let mut play = announcing(method, true, answer, cut);
                let error = try_by(&mut play, method);
                let Some(LoginError::Mechanism { error: MechanismError::Challenge(why), .. }) = error.login() else {
                    panic!("{method}: {error}")
                };
                assert_eq!(*why, "it is not Base64", "{method}");
                let said = said_in_auth(&play);
                assert_eq!(said.last().map(String::as_str), Some("*"), "{method}");
                assert!(said.len() <= lines, "{method}: {said:?}");
                goes_on(&mut play);
            }
        }
    }
}

#[test]
fn c12_no_challenge_is_longer_than_its_limit() {
    for (method, ..) in MECHANISMS {
        for announced in [true, false] {
            let endless = || [b"+ ".as_slice(), &b"QUFB".repeat(50_000), b"\r\n"].concat();
            let mut play = announcing(method, announced, move |_, _| endless(), Cut::Whole);
            let error = try_by(&mut play, method);
            let Cause::Protocol(error) = error.cause() else { panic!("{method}: {error}") };
            assert_eq!(error.violation(), Violation::LineTooLong { limit: 65_536 });
            assert!(error.excerpt().as_bytes().is_empty(), "what answers a secret is not shown");
            assert_eq!(said_in_auth(&play), [""; 0]);
            is_over(&mut play);
        }
    }
}

/// Logs in by SCRAM at a server that cheats. Returns the result, the conversation, and whether each proof was right.
fn scram(method: Method, cheat: Cheat, end: &'static [u8], cut: Cut) -> (Result<(), Error>, Play, Vec<bool>) {
    let proofs = Rc::new(RefCell::new(Vec::new()));
    let mut play = Play::new(serve(method.name(), cheat, end, &proofs), INSIDE_TLS, cut);
    play.greet().unwrap();
    let result = play.log_in(Login::new(credentials(method), by(method)));
    let proofs = proofs.take();
    (result, play, proofs)
}

const SCRAMS: [Method; 2] = [Method::ScramSha1, Method::ScramSha256];

#[test]
fn c13_excessive_work_is_not_begun() {
    // If the client began, it would do four thousand million iterations here.
    let many: [fn(&str) -> String; 6] = [
        |nonce| first(nonce).replace("i=4096", "i=4294967295"),
        |nonce| first(nonce).replace("i=4096", "i=600001"),
        |nonce| first(nonce).replace("i=4096", "i=99999999999999999999"),
        |nonce| first(nonce).replace("i=4096", "i=04294967295"),
        |nonce| format!("{},i=4096", first(nonce).replace("i=4096", "i=4294967295")),
        |nonce| format!("{},x=1", first(nonce).replace("i=4096", "i=4294967295")),
    ];
    // The number is given twice: neither the first nor the second may be used.
    let hidden: [fn(&str) -> String; 2] = [
        |nonce| format!("i=4096,{}", first(nonce).replace("i=4096", "i=4294967295")),
        |nonce| first(nonce).replace(",s=", ",i=4096,s=").replace("i=4096", "i=4294967295"),
    ];
    let few: [fn(&str) -> String; 4] = [
        |nonce| first(nonce).replace("i=4096", "i=4095"),
        |nonce| first(nonce).replace("i=4096", "i=1"),
        |nonce| first(nonce).replace("i=4096", "i=0"),
        |nonce| first(nonce).replace("i=4096", "i=0000"),
    ];
    let none: [fn(&str) -> String; 5] = [
        |nonce| first(nonce).replace(",i=4096", ""),
        |nonce| first(nonce).replace("i=4096", "i="),
        |nonce| first(nonce).replace("i=4096", "i=-1"),
        |nonce| first(nonce).replace("i=4096", "i=4096a"),
        |nonce| first(nonce).replace("i=4096", "i=1e9"),
    ];
    for method in SCRAMS {
        for cut in CUTS {
            let refused = |cheat: fn(&str) -> String| {
                let (result, mut play, proofs) = scram(method, Cheat::First(cheat), b"-ERR cancelled\r\n", cut);
                let error = result.unwrap_err();
                let Some(&LoginError::Mechanism { error, .. }) = error.login() else { panic!("{error:?}") };
                assert_eq!((said_in_auth(&play), proofs), (vec!["*".to_owned()], vec![]), "{}", cheat("nonce"));
                goes_on(&mut play);
                error
            };
            for cheat in many {
                assert!(matches!(refused(cheat), MechanismError::TooMuchWork(600_001..)), "{}", cheat("nonce"));
            }
            for cheat in few {
                assert!(matches!(refused(cheat), MechanismError::TooLittleWork(..4096)), "{}", cheat("nonce"));
            }
            for cheat in hidden.into_iter().chain(none) {
                refused(cheat);
            }
        }
    }
}

#[test]
fn c14_a_server_of_scram_that_proves_itself() {
    for method in SCRAMS {
        for cut in CUTS {
            let (result, play, proofs) = scram(method, Cheat::Not, b"+OK\r\n", cut);
            result.unwrap();
            assert_eq!((play.conversation.client().state(), proofs), (State::Transaction, vec![true]));
            // The last message is an empty line, so that the server can say +OK.
            assert_eq!(said_in_auth(&play).len(), 2);
            assert_eq!(said_in_auth(&play)[1], "");
            assert!(!play.log().contains(PASSWORD));
        }
    }
}

#[test]
fn c14_a_first_message_must_continue_our_nonce() {
    let cheats: [fn(&str) -> String; 12] = [
        // The nonce is another one, is not extended, is shorter, or only ends in ours.
        |nonce| first(&"X".repeat(nonce.len())),
        |nonce| first(nonce).replace("and-the-servers", ""),
        |nonce| first(&nonce[1..]),
        |nonce| first(&format!("{}{}", &nonce[..nonce.len() - 1], if nonce.ends_with('x') { "y" } else { "x" })),
        |nonce| first(&format!("x{nonce}")),
        |_| first(""),
        // The message has an unknown mandatory extension, no salt, or a salt that is not Base64, or is missing.
        |nonce| format!("m=x,{}", first(nonce)),
        |nonce| first(nonce).replace("s=", "t="),
        |nonce| format!("r={nonce}more,s=*,i=4096"),
        |nonce| format!("r={nonce}more"),
        |_| "e=other-error".to_owned(),
        |_| String::new(),
    ];
    for method in SCRAMS {
        for cheat in cheats {
            for (end, cut) in [(&b"-ERR cancelled\r\n"[..], Cut::Whole), (b"+OK come in\r\n", Cut::Octets)] {
                let (result, mut play, proofs) = scram(method, Cheat::First(cheat), end, cut);
                let error = result.expect_err(&cheat("nonce"));
                assert_eq!((said_in_auth(&play), proofs), (vec!["*".to_owned()], vec![]), "{}", cheat("nonce"));
                if end.starts_with(b"-") {
                    assert!(
                        matches!(
                            error.login(),
                            Some(LoginError::Mechanism { error: MechanismError::Challenge(_), .. })
                        ),
                        "{error}"
                    );
                    goes_on(&mut play);
                } else {
                    // The server says that the login succeeded all the same.
                    assert!(!error.is_recoverable(), "{error}");
                    assert_ne!(play.conversation.client().state(), State::Transaction);
                    is_over(&mut play);
                }
            }
        }
    }
}

#[test]
fn c14_a_last_message_must_prove_the_password() {
    let cheats: [Last; 9] = [
        |signature| Some(format!("v={}", base64(&vec![0; signature.len()]))),
        |signature| Some(format!("v={}", base64(&signature[..signature.len() - 1]))),
        |signature| Some(format!("v={}", base64(&[signature, b"x"].concat()))),
        |signature| Some(format!("v={}", base64(&[&[signature[0] ^ 1], &signature[1..]].concat()))),
        |_| Some("v=".to_owned()),
        |_| Some("v=*".to_owned()),
        |_| Some(String::new()),
        |_| Some("v".to_owned()),
        |signature| Some(format!("m=x,v={}", base64(signature))),
    ];
    for method in SCRAMS {
        let ends = [(&b"-ERR cancelled\r\n"[..], Cut::Whole), (b"+OK come in\r\n", Cut::Octets)];
        for (cheat, (end, cut)) in cheats.into_iter().zip(ends.into_iter().cycle()) {
            let (result, mut play, proofs) = scram(method, Cheat::Last(cheat), end, cut);
            let error = result.expect_err(&format!("{:?}", cheat(&[7; 32])));
            assert_eq!(proofs, [true], "the client proved itself");
            assert_eq!(said_in_auth(&play)[1..], ["*"], "{:?}", cheat(&[7; 32]));
            // A server that could not prove that it knows the password is told nothing more.
            let malformed =
                matches!(error.login(), Some(LoginError::Mechanism { error: MechanismError::Challenge(_), .. }));
            assert!(malformed || !error.is_recoverable(), "{error}");
            assert_ne!(play.conversation.client().state(), State::Transaction);
            if !error.is_recoverable() {
                is_over(&mut play);
            }
        }
        // A server that refuses in SCRAM's own words is answered by an empty line, and then it must refuse in POP3's.
        for (end, goes) in [(&b"-ERR [AUTH] no\r\n"[..], true), (b"+OK come in\r\n", false)] {
            let (result, mut play, _) =
                scram(method, Cheat::Last(|_| Some("e=invalid-proof".to_owned())), end, Cut::Whole);
            let error = result.unwrap_err();
            assert_eq!((said_in_auth(&play)[1].as_str(), error.is_recoverable()), ("", goes), "{error}");
            if goes { goes_on(&mut play) } else { is_over(&mut play) }
        }
        // +OK comes in place of the proof, or before the client has proved anything.
        for cheat in [Cheat::Last(|_| None), Cheat::AtOnce] {
            for cut in CUTS {
                let (result, mut play, _) = scram(method, cheat, b"", cut);
                let error = result.unwrap_err();
                assert!(matches!(error.cause(), Cause::PrematureSuccess), "{error}");
                assert!(!error.is_recoverable());
                is_over(&mut play);
            }
        }
    }
}

#[test]
fn c15_a_refusal_is_not_a_challenge() {
    // Its Base64 would be much longer than any buffer for a challenge.
    let refusals =
        ["-ERR ".to_owned() + &"QUFB".repeat(1000), "-ERR TlRMTVNTUAAC".into(), "-ERR".into(), "-ERR =AAA".into()];
    for (method, lines, _) in MECHANISMS {
        for announced in [true, false] {
            for (refusal, after) in refusals.iter().flat_map(|refusal| (0..=lines).map(move |after| (refusal, after))) {
                let says = format!("{refusal}\r\n").into_bytes();
                let answer = move |line: usize, said: &str| {
                    if line >= after || said == "*" {
                        says.clone()
                    } else {
                        format!("+ {}\r\n", base64(b"<1@h>")).into_bytes()
                    }
                };
                let mut play = announcing(method, announced, answer, Cut::Whole);
                let error = try_by(&mut play, method);
                let names_first = matches!(method, Method::Login | Method::ScramSha1 | Method::ScramSha256);
                let refused = match error.login().unwrap() {
                    // No message of the mechanism was heard that could be judged.
                    LoginError::MethodRefused { .. } => after == 0 || (names_first && after == 1),
                    LoginError::Credentials(_) | LoginError::Token(_) | LoginError::External(_) => {
                        !names_first || after > 1
                    }
                    LoginError::Mechanism { .. } => true,
                    _ => false,
                };
                assert!(refused, "{method} after {after}: {error}");
                assert!(said_in_auth(&play).len() <= after, "nothing answers a refusal");
                goes_on(&mut play);
            }
        }
    }
}

#[test]
fn c16_every_mechanism_terminates() {
    for (method, lines, reads) in MECHANISMS {
        for announced in [true, false] {
            for challenge in ["", "PDFAaD4=", "AAAA"] {
                // After a cancellation the server may only refuse; this one sends more challenges.
                let says = format!("+ {challenge}\r\n").into_bytes();
                let mut play = announcing(method, announced, move |_, _| says.clone(), Cut::Whole);
                let error = try_by(&mut play, method);
                let Cause::Protocol(error) = error.cause() else { panic!("{method}: {error}") };
                assert_eq!(error.violation(), Violation::UnexpectedChallenge, "{method}");
                let said = said_in_auth(&play);
                assert_eq!(said.last().map(String::as_str), Some("*"), "{method}");
                // A mechanism that was not announced waits for a challenge before its first message.
                assert!(said.len() <= lines + 2, "{method}: {said:?}");
                assert!(reads || said.len() > lines, "{method}: {said:?}");
                is_over(&mut play);
            }
        }
    }
}

/// A mechanism of the caller's that answers every challenge, for ever.
struct Talkative;

impl Mechanism for Talkative {
    fn name(&self) -> &'static str {
        "X-TALK"
    }

    fn first(&mut self) -> Result<Option<SaslMessage>, MechanismError> {
        Ok(None)
    }

    fn respond(&mut self, _: &[u8]) -> Result<SaslMessage, MechanismError> {
        Ok(b"more".to_vec().into())
    }

    fn is_complete(&self) -> bool {
        true
    }

    fn shows_secret(&self) -> bool {
        false
    }
}

#[test]
fn c16_an_endless_mechanism_is_stopped() {
    for cut in CUTS {
        let server = |said: &str| match said {
            "" => b"+OK\r\n".to_vec(),
            "CAPA" => b"-ERR\r\n".to_vec(),
            _ => b"+ \r\n".to_vec(),
        };
        let mut play = Play::new(server, INSIDE_TLS, cut);
        play.greet().unwrap();
        let error = play.log_in(Login::new(Credentials::mechanism(|| Talkative), policy(Security::Tls))).unwrap_err();
        let Cause::Protocol(error) = error.cause() else { panic!("{error}") };
        assert_eq!(error.violation(), Violation::TooManyChallenges);
        assert_eq!(said_in_auth(&play), ["bW9yZQ=="; 16]);
        is_over(&mut play);
    }
}

#[test]
fn d20_an_ok_instead_of_a_challenge_is_not_a_login() {
    for (method, ..) in MECHANISMS {
        for cut in CUTS {
            // The mechanism is not announced, so the secret waits for a challenge: +OK is none.
            let mut play = announcing(method, false, |_, _| b"+OK go on\r\n".to_vec(), cut);
            let error = try_by(&mut play, method);
            assert!(!error.is_recoverable(), "{method}: {error}");
            assert_ne!(play.conversation.client().state(), State::Transaction);
            assert_eq!(said_in_auth(&play), [""; 0], "{method}: no credential follows +OK");
            assert!(play.sent().ends_with(&format!("AUTH {method}\\r\\n")), "{}", play.sent());
            is_over(&mut play);
        }
    }
    // A challenge outside of AUTH cannot be answered.
    for challenge in [&b"+ \r\n"[..], b"+\r\n", b"+ AAAA\r\n"] {
        for cut in CUTS {
            let script: Script<'_> = &[("", b"+OK hi\r\n"), ("CAPA", challenge)];
            let mut play = Play::of(script, INSIDE_TLS, cut);
            assert!(!play.login(policy(Security::Tls)).unwrap_err().is_recoverable());
            play.sent_only(&["CAPA"]);
            let script: Script<'_> =
                &[("", b"+OK hi\r\n"), ("CAPA", b"-ERR\r\n"), ("USER mrose", challenge), (PLAIN, b"+OK\r\n")];
            let mut play = Play::of(script, INSIDE_TLS, cut);
            assert!(!play.login(policy(Security::Tls)).unwrap_err().is_recoverable());
            play.sent_only(&["CAPA", "USER mrose"]);
            is_over(&mut play);
        }
    }
}
