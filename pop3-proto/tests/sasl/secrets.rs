//! Logins by every method, against servers of all manners that repeat what they hear, with everything written down that
//! can be shown: no secret is in it, in none of its forms.

use std::fmt::Debug;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex};

use base64ct::Encoding as _;
use md5::{Digest as _, Md5};
use pop3_proto::connect::Connect;
use pop3_proto::conversation::{Conversation, Step};
use pop3_proto::login::{Credentials, Login, Method, Policy, Progress};
use pop3_proto::sasl::{CramMd5, External, Login as SaslLogin, OauthBearer, Plain, Scram, Xoauth2};
use pop3_proto::{Config, Entry};

use crate::play::{base64, by, hear};

const USER: &str = "mrose";
const PASSWORD: &str = "tan,Staaf*7\u{e4}";
const TOKEN: &str = "ya29.vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg";
const TIMESTAMP: &str = "<1896.697170952@dbc.mtview.ca.us>";
const CHALLENGE: &str = "<17.42@challenge.example>";

const METHODS: [Method; 10] = [
    Method::UserPass,
    Method::Apop,
    Method::Plain,
    Method::Login,
    Method::CramMd5,
    Method::ScramSha1,
    Method::ScramSha256,
    Method::OauthBearer,
    Method::Xoauth2,
    Method::External,
];

fn credentials(method: Method) -> Credentials {
    match method {
        Method::OauthBearer | Method::Xoauth2 => Credentials::token(USER, TOKEN),
        Method::External => Credentials::external(),
        _ => Credentials::new(USER, PASSWORD),
    }
}

/// All that can be seen from outside.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<String>>);

impl Notes {
    fn add(&self, what: impl AsRef<str>) {
        let mut notes = self.0.lock().unwrap();
        notes.push_str(what.as_ref());
        notes.push('\n');
    }

    fn show(&self, what: &dyn Debug) {
        self.add(format!("{what:?} {what:#?}"));
    }

    fn sink(&self) -> impl FnMut(Entry<'_>) + Send + 'static {
        let notes = self.clone();
        move |entry| notes.add(format!("{entry} {entry:?} {entry:#?}"))
    }
}

/// How the server ends what it began.
#[derive(Clone, Copy, Debug)]
enum Manner {
    Accepts,
    Refuses,
    /// With a second line that nobody asked for.
    Babbles,
    /// Breaks the protocol.
    Raves,
    HangsUp,
}

/// What stands in Base64, or nothing.
fn decoded(text: &str) -> Vec<u8> {
    base64ct::Base64::decode_vec(text).unwrap_or_default()
}

/// Answers a line, and says again whatever it was that it heard.
fn answer(line: &str, manner: Manner, round: usize, method: Method, decoded: &[u8]) -> String {
    let heard = format!("{line} {}", String::from_utf8_lossy(decoded).replace(|c: char| c.is_control(), " "));
    let more = match (method, round) {
        _ if line == "*" => return "-ERR cancelled\r\n".into(),
        (Method::Login | Method::Xoauth2, 0) => Some(String::new()),
        (Method::Login, 1) => Some("Password:".into()),
        (Method::CramMd5, 0) => Some(CHALLENGE.into()),
        (Method::ScramSha1 | Method::ScramSha256, 0) => {
            let text = String::from_utf8_lossy(decoded).into_owned();
            let nonce = text.split(",r=").nth(1).unwrap_or_default().to_owned();
            Some(format!("r={nonce}more,s=c2FsdA==,i=4096"))
        }
        (Method::OauthBearer, 0) | (Method::Xoauth2, 1) if matches!(manner, Manner::Refuses) => {
            Some(format!("{{\"you said\":\"{heard}\"}}"))
        }
        (Method::UserPass, 0) => return format!("+OK {heard}\r\n"),
        _ => None,
    };
    if let Some(more) = more {
        return format!("+ {}\r\n", base64(more));
    }
    match manner {
        Manner::Accepts => format!("+OK {heard}\r\n"),
        Manner::Refuses => format!("-ERR [AUTH] {heard}\r\n"),
        Manner::Babbles => format!("-ERR {heard}\r\n+OK {heard}\r\n"),
        Manner::Raves => format!("{heard}\r\n"),
        Manner::HangsUp => String::new(),
    }
}

/// Logs in and writes everything down. Returns what was said on the wire.
fn log_in(method: Method, manner: Manner, notes: &Notes) -> Vec<String> {
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
            hear(&mut conversation, &answer(line, manner, wire.len(), method, &decoded));
            wire.push(line.to_owned());
        }
        match step {
            Ok(Step::NeedIo) => {}
            Ok(Step::Done(Progress::LoggedIn)) => return wire,
            Ok(Step::Done(Progress::StartTls)) => unreachable!("nobody asked for it"),
            Err(error) => {
                notes.add(error.to_string());
                notes.show(&error);
                notes.show(&error.widen::<std::io::Error>());
                return wire;
            }
        }
    }
}

/// A secret in every form in which it might be shown.
fn forms(secret: &[u8]) -> Vec<String> {
    let mut forms = vec![
        String::from_utf8_lossy(secret).into_owned(),
        secret.escape_ascii().to_string(),
        secret.iter().map(|b| format!("{b:02x}")).collect(),
        secret.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        secret.iter().map(ToString::to_string).collect::<Vec<_>>().join(",\n"),
    ];
    // Base64 has three places to begin at; the digits at the ends depend on what is beside.
    for before in 0..3 {
        let text = base64([&vec![b'x'; before], secret].concat());
        let text = text.trim_end_matches('=');
        forms.push(text[(before * 4).div_ceil(3)..text.len() - 1].to_owned());
    }
    forms.retain(|form| form.len() >= 6);
    forms
}

fn assert_absent(notes: &str, secrets: &[Vec<u8>], context: &str) {
    for form in secrets.iter().flat_map(|secret| forms(secret)) {
        assert!(!notes.contains(&form), "{context}: {form:?} is in {notes}");
    }
}

fn md5_hex(parts: &[&str]) -> Vec<u8> {
    Md5::digest(parts.concat()).iter().flat_map(|octet| format!("{octet:02x}").into_bytes()).collect()
}

#[test]
fn no_login_shows_a_secret() {
    for method in METHODS {
        for manner in [Manner::Accepts, Manner::Refuses, Manner::Babbles, Manner::Raves, Manner::HangsUp] {
            let notes = Notes::default();
            let wire = log_in(method, manner, &notes);
            let notes = notes.0.lock().unwrap();
            let mut secrets: Vec<Vec<u8>> = vec![PASSWORD.into(), TOKEN.into(), md5_hex(&[TIMESTAMP, PASSWORD])];
            // Every message that went out, as it was and decoded; only the first of SCRAM tells nothing.
            let scram = matches!(method, Method::ScramSha1 | Method::ScramSha256);
            for line in wire.iter().skip(usize::from(scram)) {
                let last = line.rsplit(' ').next().unwrap();
                if last != method.name() {
                    secrets.extend([last.into(), decoded(last)]);
                }
            }
            // The name is no secret.
            secrets.retain(|secret| {
                secret.len() >= 6 && secret != USER.as_bytes() && *secret != base64(USER).into_bytes()
            });
            assert_absent(&notes, &secrets, &format!("{method} {manner:?}"));
            assert!(!wire.is_empty() && notes.len() > 500, "nothing was written down");
        }
    }
}

#[test]
fn a_panic_in_the_middle_of_a_login_shows_none() {
    let notes = Notes::default();
    let before = panic::take_hook();
    let hook = notes.clone();
    panic::set_hook(Box::new(move |info| hook.add(format!("{info} {info:?}"))));
    for method in METHODS {
        let result = panic::catch_unwind(AssertUnwindSafe(|| {
            let mut conversation = Conversation::new(Config::default());
            // A log that fails when the credentials are on their way.
            conversation.set_log(|entry| assert!(!matches!(entry, Entry::Response), "the log is full: {entry:?}"));
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
fn what_holds_a_secret_does_not_show_it() {
    use pop3_proto::Command;
    use pop3_proto::sasl::{Auth, Binding, Hash, Mechanism, Payload, Response, plain};
    let notes = Notes::default();
    notes.show(&Connect::new().host("h").user(USER).password(PASSWORD).token(TOKEN));
    notes.show(&Connect::new().credentials(Credentials::new(USER, PASSWORD)));
    notes.show(&Credentials::ask(USER, |_| Some(String::from(PASSWORD).into())));
    let mechanisms: [Box<dyn Mechanism>; 7] = [
        Box::new(Plain::new("", USER, PASSWORD).unwrap()),
        Box::new(SaslLogin::new(USER, PASSWORD).unwrap()),
        Box::new(CramMd5::new(USER, PASSWORD).unwrap()),
        Box::new(OauthBearer::new(USER, TOKEN, None).unwrap()),
        Box::new(Xoauth2::new(USER, TOKEN).unwrap()),
        Box::new(External::new("").unwrap()),
        Box::new(Scram::new(Hash::Sha256, "", USER, PASSWORD, Binding::None).unwrap()),
    ];
    for mechanism in mechanisms {
        notes.show(&mechanism);
        notes.show(&Auth::new(mechanism, true).unwrap());
    }
    notes.show(&Plain::new("", USER, PASSWORD).unwrap());
    notes.show(&Scram::new(Hash::Sha1, "", USER, PASSWORD, Binding::Exporter(PASSWORD.as_bytes().to_vec().into())));
    notes.show(&Binding::Exporter(PASSWORD.as_bytes().to_vec().into()));
    let message = plain("", USER, PASSWORD).unwrap();
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
