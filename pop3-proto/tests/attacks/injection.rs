//! B: input of the user, and its forms on the wire.
use std::collections::HashSet;

use pop3_proto::login::{Credentials, Login, LoginError, Method, Methods, Security};
use pop3_proto::sasl::Plain;
use pop3_proto::serve::MailStore;
use pop3_proto::wire::{Digest, Payload, Response, Timestamp};
use pop3_proto::{BadArgument, Client, Command, Config, ServerConfig, Service, State, UsageError};
use proptest::prelude::*;

use crate::play::{CLEAR, CUTS, Cut, INSIDE_TLS, PASSWORD, PLAIN, Play, Script, USER, policy};

/// Characters that some implementation takes for a line end.
const BREAKS: [&str; 4] = ["\r", "\n", "\r\n", "\0"];

/// Returns `text` with `piece` at the start, in the middle and at the end.
fn placed(text: &str, piece: &str) -> [String; 3] {
    let (front, back) = text.split_at(text.len() / 2);
    [format!("{piece}{text}"), format!("{front}{piece}{back}"), format!("{text}{piece}")]
}

fn digest() -> Digest {
    Digest::new(Timestamp::find(b"<1@h>").unwrap(), b"p")
}

/// Returns every command that takes a text of the caller's, and the state that permits it.
fn commands(text: &str) -> [(Command<'_>, State); 8] {
    use State::{Authorization, Named};
    let initial_response = Some(Payload::Base64(text.as_bytes()));
    [
        (Command::User(text), Authorization),
        (Command::Pass(text), Named),
        (Command::Apop { user: text, digest: digest() }, Authorization),
        (Command::Auth { mechanism: text, initial_response: None }, Authorization),
        (Command::Auth { mechanism: "X", initial_response }, Authorization),
        (Command::Lang(text), Authorization),
        (Command::Raw(text), Authorization),
        (Command::RawListing(text), Authorization),
    ]
}

fn client_in(state: State) -> Client {
    let mut client = Client::new(Config::default());
    client.receive(&mut &b"+OK\r\n"[..]).unwrap();
    if state != State::Authorization {
        client.send(Command::User("u"), &mut Vec::new()).unwrap();
        client.receive(&mut &b"+OK\r\n"[..]).unwrap();
    }
    if state == State::Transaction {
        client.send(Command::Pass("p"), &mut Vec::new()).unwrap();
        client.receive(&mut &b"+OK\r\n"[..]).unwrap();
    }
    assert_eq!(client.state(), state);
    client
}

/// Returns the octets that would be sent, or the error; on an error, checks that nothing is sent.
fn sent(command: Command<'_>, state: State, utf8: bool) -> Result<Vec<u8>, UsageError> {
    let mut client = client_in(state);
    client.set_utf8_user(utf8);
    let (before, mut out) = (client.clone(), Vec::new());
    match client.send(command, &mut out) {
        Ok(_) => Ok(out),
        Err(rejected) => {
            assert_eq!((out, client), (vec![], before), "{command}: refused, and yet not without effect");
            Err(rejected)
        }
    }
}

#[test]
fn b01_no_argument_ends_a_line() {
    for piece in BREAKS {
        for text in placed("bob", piece).into_iter().chain([piece.into(), format!("bob{piece}DELE 1")]) {
            for (command, state) in commands(&text) {
                for utf8 in [false, true] {
                    let refused = sent(command, state, utf8).unwrap_err();
                    assert!(matches!(refused, UsageError::Argument(_)), "{command}: {refused:?}");
                }
            }
            // Whole logins send nothing either.
            for method in [None, Some(Method::UserPass), Some(Method::Apop)] {
                for security in [Security::Plaintext, Security::StartTls] {
                    let script: Script<'_> = &[("", b"+OK <1@h>\r\n"), ("CAPA", b"+OK\r\nSTLS\r\nSASL PLAIN\r\n.\r\n")];
                    let mut play = Play::of(script, Config::default(), Cut::Whole);
                    play.greet().unwrap();
                    let login = Login::new(
                        Credentials::new(&text, "p"),
                        CLEAR.security(security).methods(method.map(Methods::from)),
                    );
                    let error = play.log_in(login).unwrap_err();
                    assert!(matches!(error.login(), Some(LoginError::Unsendable(BadArgument::Control))), "{error}");
                    play.sent_only(&[]);
                }
            }
        }
    }
}

#[test]
fn b01_no_response_ends_a_line() {
    for piece in BREAKS.into_iter().chain(["*", " ", "é"]) {
        for text in placed("AHUAcA==", piece) {
            let mut client = client_in(State::Authorization);
            client.send(Command::Auth { mechanism: "X", initial_response: None }, &mut Vec::new()).unwrap();
            client.receive(&mut &b"+ \r\n"[..]).unwrap();
            let (before, mut out) = (client.clone(), Vec::new());
            let refused = client.respond(Response::Data(Payload::Base64(text.as_bytes())), &mut out);
            assert_eq!(refused, Err(UsageError::Argument(BadArgument::Base64)), "{text:?}");
            assert_eq!((out, client), (vec![], before));
        }
    }
}

#[test]
fn b02_no_password_ends_a_line_or_a_field() {
    for piece in BREAKS {
        for text in placed("tanstaaf", piece) {
            for method in [None, Some(Method::UserPass)] {
                let mut play = Play::of(&[("", b"+OK hi\r\n")], Config::default(), Cut::Whole);
                play.greet().unwrap();
                let error = play
                    .log_in(Login::new(Credentials::new("u", &text), CLEAR.methods(method.map(Methods::from))))
                    .unwrap_err();
                assert!(matches!(error.login(), Some(LoginError::Unsendable(BadArgument::Control))), "{error}");
                assert!(!format!("{error} {error:?}").contains(&text));
                play.sent_only(&[]);
            }
        }
    }
    // NUL separates the fields of PLAIN, so no field may contain it. CR and LF are permitted: Base64 carries them.
    for text in placed("x", "\0").into_iter().chain(["\0".into()]) {
        for [authzid, user, password] in [[&text, "u", "p"], ["", &text, "p"], ["", "u", &text]] {
            assert_eq!(Plain::new(authzid, user, password).unwrap_err(), BadArgument::Control);
        }
        for (user, password) in [(text.as_str(), "p"), ("u", text.as_str())] {
            let mut play =
                Play::of(&[("", b"+OK hi\r\n"), ("CAPA", b"+OK\r\nSASL PLAIN\r\n.\r\n")], INSIDE_TLS, Cut::Whole);
            play.greet().unwrap();
            let plain = policy(Security::Tls).method(Method::Plain);
            let error = play.log_in(Login::new(Credentials::new(user, password), plain)).unwrap_err();
            assert!(matches!(error.login(), Some(LoginError::Unsendable(BadArgument::Control))), "{error}");
            assert!(!play.sent().contains("AUTH"), "{}", play.sent());
        }
    }
}

/// Checks that an argument is printable ASCII (RFC 1939, section 3), or UTF-8 where that was announced (RFC 6856,
/// section 2.2).
fn may_stand_in_a_line(c: char, utf8: bool) -> bool {
    (' '..='~').contains(&c) || (utf8 && c > '\u{7f}')
}

#[test]
fn b03_each_argument_takes_only_permitted_characters() {
    for c in (0..=0x17f_u32).filter_map(char::from_u32) {
        for text in placed("bob", c.encode_utf8(&mut [0; 4])) {
            for utf8 in [false, true] {
                let user = sent(Command::User(&text), State::Authorization, utf8);
                assert_eq!(user.is_ok(), may_stand_in_a_line(c, utf8) && c != ' ', "{c:?} {utf8}");
                let pass = sent(Command::Pass(&text), State::Named, utf8);
                // PASS takes a password that is not ASCII even where nothing is announced: it could not be used at all
                // otherwise.
                assert_eq!(pass.is_ok(), may_stand_in_a_line(c, true), "{c:?} {utf8}");
                let apop = sent(Command::Apop { user: &text, digest: digest() }, State::Authorization, utf8);
                assert_eq!(apop.is_ok(), may_stand_in_a_line(c, utf8) && c != ' ', "{c:?} {utf8}");
            }
        }
    }
}

proptest! {
    #[test]
    fn b03_what_is_sent_is_one_line(
        octets in prop_oneof![prop::collection::vec(any::<u8>(), 0..300), "[ -~]{0,300}".prop_map(String::into_bytes)],
        utf8: bool,
    ) {
        // Each octet is a character of its own: all 256 of them, as far as a text can hold them.
        let text: String = octets.iter().copied().map(char::from).collect();
        for (command, state) in commands(&text) {
            let Ok(line) = sent(command, state, utf8) else { continue };
            prop_assert!(line.ends_with(b"\r\n") && line.len() <= 255);
            let inner = &line[..line.len() - 2];
            prop_assert!(!inner.iter().any(|octet| *octet < b' ' || *octet == 0x7f), "{}", line.escape_ascii());
            prop_assert!(utf8 || inner.is_ascii() || matches!(command, Command::Pass(_)));
            let words = inner.split(|octet| *octet == b' ').count();
            match command {
                Command::User(_) => prop_assert_eq!(words, 2),
                Command::Apop { .. } => prop_assert_eq!(words, 3),
                Command::Pass(_) => prop_assert_eq!(inner, [b"PASS ", text.as_bytes()].concat()),
                _ => {}
            }
        }
    }
}

#[test]
fn b04_a_name_is_one_argument() {
    for name in ["a PASS b", " a", "a ", " ", "a  b"] {
        for (command, _) in commands(name).iter().filter(|(command, _)| matches!(command, Command::User(_))) {
            assert_eq!(sent(*command, State::Authorization, true), Err(UsageError::Argument(BadArgument::Blank)));
        }
        let apop = Command::Apop { user: name, digest: digest() };
        assert_eq!(sent(apop, State::Authorization, true), Err(UsageError::Argument(BadArgument::Blank)));
        for method in [Method::UserPass, Method::Apop] {
            for security in [Security::Plaintext, Security::StartTls] {
                let mut play = Play::of(&[("", b"+OK <1@h>\r\n")], Config::default(), Cut::Whole);
                play.greet().unwrap();
                let policy = CLEAR.method(method).security(security);
                let error = play.log_in(Login::new(Credentials::new(name, "p"), policy)).unwrap_err();
                assert!(matches!(error.login(), Some(LoginError::Unsendable(BadArgument::Blank))), "{error}");
                play.sent_only(&[]);
            }
        }
    }
    // A password is the rest of its line, spaces included.
    assert_eq!(sent(Command::Pass(" a  b "), State::Named, false).unwrap(), b"PASS  a  b \r\n");
}

#[test]
fn b05_a_line_has_255_octets_at_most() {
    for len in 253..=256 {
        let password = "p".repeat(len - b"PASS \r\n".len());
        let result = sent(Command::Pass(&password), State::Named, false);
        let expected = if len <= 255 { Ok(len) } else { Err(UsageError::TooLong { len }) };
        assert_eq!(result.map(|line| line.len()), expected);
        let name = "u".repeat(len - b"USER \r\n".len());
        assert_eq!(sent(Command::User(&name), State::Authorization, false).is_ok(), len <= 255);
        let name = "u".repeat(len - b"APOP  \r\n".len() - 32);
        let apop = Command::Apop { user: &name, digest: digest() };
        assert_eq!(sent(apop, State::Authorization, false).is_ok(), len <= 255);

        // A login that cannot send its password does not send its name either.
        let script: Script<'_> = &[
            ("", b"+OK hi\r\n"),
            ("CAPA", b"-ERR\r\n"),
            ("USER u", b"+OK\r\n"),
            (&format!("PASS {password}"), b"+OK\r\n"),
        ];
        let mut play = Play::of(script, Config::default(), Cut::Whole);
        play.greet().unwrap();
        let result = play.log_in(Login::new(Credentials::new("u", &password), CLEAR));
        if len <= 255 {
            result.unwrap();
            play.sent_only(&["CAPA", "USER u", &format!("PASS {password}")]);
        } else {
            let error = result.unwrap_err();
            assert!(error.is_recoverable() && !format!("{error} {error:?}").contains(&password), "{error}");
            play.sent_only(&["CAPA"]);
        }
    }
}

#[test]
fn b05_a_long_initial_response_waits_for_the_challenge() {
    // The lengths are those around the limit, one that only just fits into a challenge's answer, and a token's.
    for len in (170..=190).chain([300, 4000, 70_000]) {
        let password = "p".repeat(len);
        let octets = 2 + USER.len() + len;
        let base64 = octets.div_ceil(3) * 4;
        let fits = b"AUTH PLAIN \r\n".len() + base64 <= 255;
        let (line, response) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
        let seen = std::rc::Rc::new((line, response));
        let server = {
            let seen = std::rc::Rc::clone(&seen);
            move |said: &str| match said {
                "" => b"+OK\r\n".to_vec(),
                "CAPA" => b"+OK\r\nSASL PLAIN\r\n.\r\n".to_vec(),
                "AUTH PLAIN" => b"+ \r\n".to_vec(),
                _ if said.starts_with("AUTH PLAIN ") => {
                    seen.0.set(said.len() + 2);
                    b"+OK\r\n".to_vec()
                }
                _ => {
                    seen.1.set(said.len());
                    b"+OK\r\n".to_vec()
                }
            }
        };
        let mut play = Play::new(server, INSIDE_TLS, Cut::Whole);
        play.greet().unwrap();
        play.log_in(Login::new(Credentials::new(USER, &password), policy(Security::Tls))).unwrap();
        let expected = if fits { (b"AUTH PLAIN \r\n".len() + base64, 0) } else { (0, base64) };
        assert_eq!((seen.0.get(), seen.1.get()), expected, "{len}");
    }
}

#[test]
fn b06_the_same_rule_for_every_string() {
    let bad_names =
        ["PLAIN\r\nQUIT", "", "PLAIN X", "A.B", "A/B", "ÄB", "A\0", "123456789012345678901", "A+", "=", "*"];
    for mechanism in bad_names {
        let auth = Command::Auth { mechanism, initial_response: None };
        assert_eq!(
            sent(auth, State::Authorization, true),
            Err(UsageError::Argument(BadArgument::Mechanism)),
            "{mechanism:?}"
        );
    }
    for tag in ["en\r\nQUIT", "", "en us", "\u{e9}", "\x1b", "e\0"] {
        let refused = sent(Command::Lang(tag), State::Transaction, true).unwrap_err();
        assert!(matches!(refused, UsageError::Argument(_)), "{tag:?}: {refused}");
    }
    let bad_lines = ["XTND X\r\nQUIT", "XTND\n", "", " ", " XTND", "XTND ", "XTND \0", "XTND \u{e9}", "X\x7f", "\r\n"];
    // A raw command could be used to bypass a command of its own.
    let known = ["QUIT", "quit", "DELE 1", "RETR 0", "TOP 1 -1", "PASS x", "STLS", "AUTH PLAIN", "CAPA", "List"];
    for line in bad_lines.into_iter().chain(known) {
        for raw in [Command::Raw(line), Command::RawListing(line)] {
            let refused = sent(raw, State::Transaction, true).unwrap_err();
            assert!(matches!(refused, UsageError::Argument(_)), "{line:?}: {refused}");
        }
    }
    let long = format!("XTND {}", "x".repeat(249));
    let raw = Command::Raw(&long);
    assert_eq!(sent(raw, State::Transaction, true), Err(UsageError::TooLong { len: 256 }));
    assert_eq!(sent(Command::RawListing("XTND COLOUR"), State::Transaction, false).unwrap(), b"XTND COLOUR\r\n");
}

#[test]
fn b07_invalid_numbers_cannot_be_sent() {
    // The types exclude a sign and more than 32 bits; 0 is refused.
    let by_number: [fn(u32) -> Command<'static>; 2] = [Command::Retr, Command::Dele];
    let perhaps: [fn(Option<u32>) -> Command<'static>; 2] = [Command::List, Command::Uidl];
    let top = |number: u32, lines: u32| Command::Top { number, lines };
    let mut lines = HashSet::new();
    for number in [1, u32::MAX] {
        let commands = by_number.iter().map(|command| command(number));
        let commands = commands.chain(perhaps.iter().map(|command| command(Some(number))));
        for command in commands.chain([top(number, u32::MIN), top(number, u32::MAX)]) {
            let line = sent(command, State::Transaction, false).unwrap();
            let text = String::from_utf8(line).unwrap();
            assert!(text.trim_end().split(' ').skip(1).all(|word| word.parse::<u32>().is_ok()), "{text}");
            lines.insert(text);
        }
    }
    assert!(lines.contains("TOP 4294967295 4294967295\r\n") && lines.contains("RETR 4294967295\r\n"));
    assert_eq!(lines.len(), 12);
    let zero = by_number.iter().map(|command| command(0)).chain(perhaps.iter().map(|command| command(Some(0))));
    for command in zero.chain([top(0, 0)]) {
        assert_eq!(sent(command, State::Transaction, true), Err(UsageError::Argument(BadArgument::Zero)), "{command}");
    }
}

#[test]
fn b09_no_identity_can_break_an_answer_of_the_server() {
    for piece in BREAKS.into_iter().chain(["\r\n+OK forged", "\r\n.\r\n", "\x1b[2J"]) {
        for identity in placed("bob", piece) {
            for fields in [["", identity.as_str()], [identity.as_str(), "bob"], [identity.as_str(), identity.as_str()]]
            {
                let message = format!("{}\0{}\0secret", fields[0], fields[1]);
                let store = MailStore::new();
                store.add_user("bob", "secret");
                let config = ServerConfig::new().plaintext_login(true);
                let mut service = Service::new(store.maildrop(), config, None);
                let said = format!("AUTH PLAIN\r\n{}\r\n", crate::oracle::base64(message.as_bytes()));
                let greeting = service.pending().len();
                service.written(greeting);
                service.spare()[..said.len()].copy_from_slice(said.as_bytes());
                service.filled(said.len());
                let answer = service.pending();
                let lines: Vec<&[u8]> = answer.split_inclusive(|octet| *octet == b'\n').collect();
                assert_eq!((lines.len(), lines[0]), (2, &b"+ \r\n"[..]));
                assert!(lines[1].starts_with(b"-ERR ") && lines[1].ends_with(b"\r\n"), "{}", answer.escape_ascii());
                let text = &lines[1][..lines[1].len() - 2];
                assert!(text.iter().all(|octet| (b' '..=b'~').contains(octet)), "{}", answer.escape_ascii());
                assert_eq!(service.state(), State::Authorization);
            }
        }
    }
}

#[test]
fn b10_no_part_of_a_challenge_becomes_a_credential() {
    let capa: &[u8] = b"+OK\r\nSASL PLAIN\r\n.\r\n";
    // There is no initial response, because the server has not announced SASL: it sends any challenge it likes.
    for challenge in ["", "YWRtaW4=", "YWRtaW4AYWRtaW4A", "AA==", "bm90IGJhc2U2NA", "admin", "*"] {
        for cut in CUTS {
            let asks = format!("+ {challenge}\r\n");
            let script: Script<'_> =
                &[("", b"+OK hi\r\n"), ("CAPA", b"-ERR\r\n"), ("AUTH PLAIN", asks.as_bytes()), (PLAIN, b"+OK\r\n")];
            let mut play = Play::of(script, INSIDE_TLS, cut);
            play.login(policy(Security::Tls).method(Method::Plain)).unwrap();
            play.sent_only(&["CAPA", "AUTH PLAIN", PLAIN]);
        }
    }
    // A challenge that comes when no response is left is not answered with its own text either.
    let auth = format!("AUTH PLAIN {PLAIN}");
    let script: Script<'_> = &[("", b"+OK hi\r\n"), ("CAPA", capa), (&auth, b"+ YWRtaW4=\r\n"), ("*", b"-ERR\r\n")];
    let mut play = Play::of(script, INSIDE_TLS, Cut::Whole);
    assert!(matches!(play.login(policy(Security::Tls)).unwrap_err().login(), Some(LoginError::Mechanism { .. })));
    play.sent_only(&["CAPA", &auth, "*"]);
    assert!(!play.log().contains(PASSWORD) && !play.log().contains(PLAIN));
}
