//! Logins by every method, against servers that repeat what they hear and end the exchange in every way. All output is
//! recorded, and no secret is in it, in any form.

use std::panic::{self, AssertUnwindSafe};

use pop3_proto::Config;
use pop3_proto::drive::{Conversation, Io, LogEntry, Step};
use pop3_proto::login::{Connect, Credentials, Login, LoginError, Method, Policy, Progress};
use pop3_proto::sasl::{CramMd5, External, LoginMechanism, OauthBearer, Plain, Scram, Xoauth2};

use crate::play::{by, hear, play, play_on};
use pop3_proto::testing::secrets::{
    LAST_ANSWERS, LastAnswer, METHODS, Notes, PASSWORD, TIMESTAMP, TOKEN, USER, answer, assert_absent, credentials,
    decoded, md5_hex, secrets_of,
};

/// Logs in and records all output. Returns the lines on the wire.
fn log_in(method: Method, last_answer: LastAnswer, notes: &Notes) -> Vec<String> {
    let mut conversation = Conversation::new(Config::default());
    conversation.set_log(notes.sink());
    let credentials = credentials(method);
    notes.show(&credentials);
    let policy: Policy = by(method);
    let mut login = Login::new(credentials, policy);
    let mut wire = vec![];
    hear(&mut conversation, &format!("+OK ready {TIMESTAMP}\r\n"));
    assert_eq!(conversation.greet().unwrap(), Step::Done(()));
    loop {
        let step = login.step(&mut conversation);
        notes.show(&login);
        notes.show(&conversation);
        let said = String::from_utf8(conversation.pending().to_vec()).unwrap();
        conversation.written(said.len());
        for line in said.split_terminator("\r\n") {
            if line == "CAPA" {
                let all = METHODS.map(Method::name).join(" ");
                hear(&mut conversation, &format!("+OK\r\nUTF8 USER\r\nSASL {all}\r\n.\r\n"));
                continue;
            }
            let last = line.rsplit(' ').next().unwrap();
            let decoded = if method == Method::Apop { vec![] } else { decoded(last) };
            hear(&mut conversation, &answer(line, last_answer, wire.len(), method, &decoded));
            wire.push(line.to_owned());
        }
        match step {
            Ok(Step::NeedIo(_)) => conversation.looked(),
            Ok(Step::Done(Progress::LoggedIn)) => return wire,
            Ok(Step::Done(Progress::StartTls)) => unreachable!("nobody asked for it"),
            Err(error) => {
                notes.add(error.to_string());
                notes.show(&error);
                notes.show(&error);
                return wire;
            }
        }
    }
}

#[test]
fn no_login_shows_a_secret() {
    for method in METHODS {
        for last_answer in LAST_ANSWERS {
            let notes = Notes::default();
            let wire = log_in(method, last_answer, &notes);
            let notes = notes.0.lock().unwrap();
            let secrets = secrets_of(method, &wire);
            assert_absent(&notes, &secrets, &format!("{method} {last_answer:?}"));
            assert!(!wire.is_empty() && notes.len() > 500, "nothing was written down");
        }
    }
}

#[test]
fn a_panic_during_a_login_shows_no_secret() {
    let notes = Notes::default();
    let before = panic::take_hook();
    let hook = notes.clone();
    panic::set_hook(Box::new(move |info| hook.add(format!("{info} {info:?}"))));
    for method in METHODS {
        let result = panic::catch_unwind(AssertUnwindSafe(|| {
            let mut conversation = Conversation::new(Config::default());
            // The log fails when the credentials are on their way.
            conversation.set_log(|entry| assert!(!matches!(entry, LogEntry::Response), "the log is full: {entry:?}"));
            let mut login = Login::new(credentials(method), by(method));
            let said = format!("+OK {TIMESTAMP}\r\n-ERR\r\n");
            conversation.spare()[..said.len()].copy_from_slice(said.as_bytes());
            conversation.filled(said.len());
            let _ = conversation.greet();
            let _ = login.step(&mut conversation);
            panic!("{login:?} {conversation:?}");
        }));
        let payload = result.unwrap_err();
        let text = payload.downcast_ref::<String>().map(String::as_str).or(payload.downcast_ref::<&str>().copied());
        notes.add(text.unwrap_or_default());
    }
    panic::set_hook(before);
    let notes = notes.0.lock().unwrap();
    assert!(notes.matches("Conversation").count() >= METHODS.len(), "{notes}");
    assert_absent(&notes, &[PASSWORD.into(), TOKEN.into(), md5_hex(&[TIMESTAMP, PASSWORD])], "panics");
}

#[test]
fn no_value_shows_the_secret_that_it_holds() {
    use pop3_proto::Command;
    use pop3_proto::sasl::{Binding, Hash, Mechanism};
    use pop3_proto::wire::{Payload, Response};
    let notes = Notes::default();
    notes.show(&Connect::new().host("h").user(USER).password(PASSWORD));
    notes.show(&Connect::new().credentials(Credentials::token(USER, TOKEN)));
    notes.show(&Connect::new().credentials(Credentials::new(USER, PASSWORD)));
    notes.show(&Credentials::ask(USER, |_| Some(String::from(PASSWORD).into())));
    let mechanisms: [Box<dyn Mechanism>; 7] = [
        Box::new(Plain::new("", USER, PASSWORD).unwrap()),
        Box::new(LoginMechanism::new(USER, PASSWORD).unwrap()),
        Box::new(CramMd5::new(USER, PASSWORD).unwrap()),
        Box::new(OauthBearer::new(USER, TOKEN, None).unwrap()),
        Box::new(Xoauth2::new(USER, TOKEN).unwrap()),
        Box::new(External::new("").unwrap()),
        Box::new(Scram::new(Hash::Sha256, "", USER, PASSWORD, Binding::None).unwrap()),
    ];
    for mechanism in mechanisms {
        notes.show(&mechanism);
    }
    notes.show(&Plain::new("", USER, PASSWORD).unwrap());
    notes.show(&Scram::new(Hash::Sha1, "", USER, PASSWORD, Binding::Exporter(PASSWORD.as_bytes().to_vec().into())));
    notes.show(&Binding::Exporter(PASSWORD.as_bytes().to_vec().into()));
    let message = Plain::new("", USER, PASSWORD).unwrap().first().unwrap().unwrap();
    notes.show(&Payload::Octets(&message));
    notes.show(&Response::Data(Payload::Octets(&message)));
    for command in [
        Command::Pass(PASSWORD),
        Command::Auth { mechanism: "PLAIN", initial_response: Some(Payload::Octets(&message)) },
    ] {
        notes.show(&command);
        notes.add(command.to_string());
    }
    assert_absent(&notes.0.lock().unwrap(), &[PASSWORD.into(), TOKEN.into()], "values");
}

/// A failed login leaves the connection open, and the server remembers the secret.
#[test]
fn no_refusal_after_a_failed_login_shows_a_secret() {
    use pop3_proto::drive::{Acknowledge, Call, Capa};
    use pop3_proto::{Command, Error};
    fn refusal<T>(result: Result<Step<T>, Error>) -> String {
        let Err(error) = result else { panic!("it was not refused") };
        format!("{error} {error:?}")
    }
    let mut said = ["-ERR\r\n", "+ \r\n", "-ERR [AUTH] no\r\n"].into_iter();
    let mut played = play(Credentials::new(USER, PASSWORD), by(Method::Plain), |_| said.next().unwrap().into());
    assert!(played.error().is_recoverable());
    let conversation = &mut played.conversation;
    assert!(conversation.client().state() == pop3_proto::State::Authorization);
    let notes = Notes::default();
    let mut capa = Call::new(Capa::default());
    conversation.looked();
    assert!(matches!(conversation.step(&mut capa), Ok(Step::NeedIo(Io::Transfer))));
    hear(conversation, &format!("-ERR [AUTH] not with {PASSWORD}\r\n"));
    let shown = refusal(conversation.step(&mut capa));
    assert!(shown.contains("[AUTH]"), "{shown}");
    notes.add(shown);
    let mut quit = Call::new(Acknowledge(Command::Quit));
    conversation.looked();
    assert!(matches!(conversation.step(&mut quit), Ok(Step::NeedIo(Io::Transfer))));
    hear(conversation, &format!("-ERR {PASSWORD}, bye\r\n"));
    notes.add(refusal(conversation.step(&mut quit)));
    assert_absent(&notes.0.lock().unwrap(), &[PASSWORD.into()], "afterwards");
}

/// The next login knows only its own secret.
#[test]
fn no_refusal_of_a_login_shows_the_secret_of_an_earlier_one() {
    let earlier = "earlier-Staaf";
    for (method, refused) in [
        (Method::UserPass, "USER"),
        (Method::UserPass, "PASS"),
        (Method::Apop, "APOP"),
        (Method::Plain, "AUTH"),
        (Method::CramMd5, "AUTH"),
    ] {
        for code in ["", "[AUTH] ", "[IN-USE] "] {
            let first = play(Credentials::new(USER, earlier), by(Method::UserPass), |line| match line {
                "CAPA" => "+OK\r\nUSER\r\nSASL PLAIN CRAM-MD5\r\n.\r\n".into(),
                line if line.starts_with("USER") => "+OK\r\n".into(),
                _ => "-ERR no\r\n".into(),
            });
            assert!(first.reason().to_string().contains("-ERR no"), "{}", first.reason());
            let second = play_on(first.conversation, Credentials::new(USER, PASSWORD), by(method), |line| {
                if line == "AUTH CRAM-MD5" {
                    "+ PDFAaD4=\r\n".into()
                } else if line.starts_with("USER") && refused != "USER" {
                    "+OK\r\n".into()
                } else {
                    format!("-ERR {code}in use, as {earlier} was\r\n")
                }
            });
            let notes = Notes::default();
            notes.add(second.reason().to_string());
            notes.show(second.reason());
            let notes = notes.0.lock().unwrap();
            assert_absent(&notes, &[earlier.into()], refused);
            assert!(notes.contains(&format!("-ERR {code}***")), "{notes}");
            // Its meaning is known all the same.
            let is_in_use = matches!(second.reason(), LoginError::InUse(_));
            assert_eq!(is_in_use, code != "[AUTH] ", "{}", second.reason());
        }
    }
}

/// The arguments of an extension may be secret.
#[test]
fn no_refusal_of_a_raw_command_shows_its_arguments() {
    use pop3_proto::Command;
    use pop3_proto::drive::{Acknowledge, Call, RawListing};
    fn refusal(conversation: &mut Conversation, command: Command<'_>, says: &str) -> String {
        let mut single = Call::new(Acknowledge(command));
        let mut multi = match command {
            Command::RawListing(line) => Some(Call::new(RawListing::new(line))),
            _ => None,
        };
        let mut error = None;
        for said in ["", says] {
            hear_some(conversation, said);
            conversation.looked();
            let result = match &mut multi {
                Some(multi) => conversation.step(multi).map(drop),
                None => conversation.step(&mut single).map(drop),
            };
            error = result.err();
        }
        let error = error.expect("it was refused");
        format!("{error} {error:?}")
    }
    fn hear_some(conversation: &mut Conversation, said: &str) {
        if !said.is_empty() {
            conversation.written(usize::MAX);
            hear(conversation, said);
        }
    }
    fn accepted(conversation: &mut Conversation, command: Command<'_>) {
        let mut call = Call::new(Acknowledge(command));
        conversation.looked();
        assert!(matches!(conversation.step(&mut call), Ok(Step::NeedIo(Io::Transfer))));
        hear_some(conversation, "+OK\r\n");
        assert_eq!(conversation.step(&mut call).unwrap(), Step::Done(()));
    }
    let line = "XAUTH tanstaaf seven";
    for form in [Command::Raw, Command::RawListing] {
        let raw = form(line);
        let mut conversation = Conversation::new(Config::default());
        hear(&mut conversation, "+OK\r\n");
        assert_eq!(conversation.greet().unwrap(), Step::Done(()));
        for says in ["-ERR [SYS/PERM] unknown command: XAUTH tanstaaf\r\n", "-ERR [SYS/PERM] not seven\r\n"] {
            let shown = refusal(&mut conversation, raw, says);
            assert!(shown.contains("-ERR [SYS/PERM] ***"), "{shown}");
        }
        // Before the login, no later text of the server is shown.
        let shown = refusal(&mut conversation, form("XB"), "-ERR tanstaaf\r\n");
        assert!(shown.contains("-ERR ***"), "{shown}");
        accepted(&mut conversation, Command::User("u"));
        let shown = refusal(&mut conversation, Command::Pass("tanstaaf"), "-ERR not tanstaaf\r\n");
        assert!(shown.contains("-ERR ***"), "{shown}");

        accepted(&mut conversation, Command::User("u"));
        accepted(&mut conversation, Command::Pass("p"));
        for (says, shown) in [
            ("-ERR unknown command: XAUTH tanstaaf\r\n", "-ERR ***"),
            ("-ERR not c2V2ZW4\r\n", "-ERR ***"),
            ("-ERR unknown command: XAUTH\r\n", "-ERR unknown command: XAUTH"),
        ] {
            let said = refusal(&mut conversation, raw, says);
            assert!(said.contains(shown) && !said.contains("tanstaaf") && !said.contains("c2V2ZW4"), "{said}");
        }
    }
}
