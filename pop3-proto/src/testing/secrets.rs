//! A search for secrets in all output, and the answers of a server that repeats what it hears.
//!
//! ```
//! use pop3_proto::testing::secrets::{assert_absent, forms};
//!
//! assert!(forms(b"tanstaaf").contains(&"dGFuc3RhYW".to_owned()), "it is found in Base64");
//! assert_absent("C: USER mrose, C: PASS ***", &[b"tanstaaf".to_vec()], "the log");
//! ```

use std::borrow::ToOwned as _;
use std::fmt::Debug;
use std::string::{String, ToString};
use std::sync::{Arc, Mutex};
use std::vec::Vec;
use std::{format, vec};

use base64ct::Encoding as _;
use md5::{Digest as _, Md5};

use crate::drive::LogEntry;
use crate::login::{Credentials, Method};

/// The name that [`credentials`] contain.
pub const USER: &str = "mrose";
/// The password that [`credentials`] contain, with characters that have a meaning in a mechanism.
pub const PASSWORD: &str = "tan,Staaf*7\u{e4}";
/// The token that [`credentials`] contain.
pub const TOKEN: &str = "ya29.vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg";
/// A timestamp for a greeting.
pub const TIMESTAMP: &str = "<1896.697170952@dbc.mtview.ca.us>";
/// The challenge of CRAM-MD5.
pub const CHALLENGE: &str = "<17.42@challenge.example>";

/// All methods to log in, but those that are bound to a TLS connection.
pub const METHODS: [Method; 10] = [
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

/// Returns credentials for a method.
pub fn credentials(method: Method) -> Credentials {
    match method {
        Method::OauthBearer | Method::Xoauth2 => Credentials::token(USER, TOKEN),
        Method::External => Credentials::external(),
        _ => Credentials::new(USER, PASSWORD),
    }
}

/// All output that can be seen from outside. A clone is another handle to the same text.
#[derive(Clone, Debug, Default)]
pub struct Notes(pub Arc<Mutex<String>>);

impl Notes {
    /// Adds a line.
    ///
    /// # Panics
    ///
    /// Panics if another thread has panicked while it added something.
    pub fn add(&self, what: impl AsRef<str>) {
        let mut notes = self.0.lock().unwrap();
        notes.push_str(what.as_ref());
        notes.push('\n');
    }

    /// Adds a value in both forms of `Debug`.
    pub fn show(&self, what: &dyn Debug) {
        self.add(format!("{what:?} {what:#?}"));
    }

    /// Returns a log that adds each entry.
    pub fn sink(&self) -> impl Fn(LogEntry<'_>) + Send + Sync + 'static {
        let notes = self.clone();
        move |entry| notes.add(format!("{entry} {entry:?} {entry:#?}"))
    }
}

/// The server's last answer in an exchange.
#[derive(Clone, Copy, Debug)]
pub enum LastAnswer {
    /// Accepts.
    Accepts,
    /// Refuses.
    Refuses,
    /// Refuses, and accepts in a second, unsolicited line.
    AnswersTwice,
    /// Breaks the protocol.
    BreaksProtocol,
    /// Closes the connection.
    HangsUp,
}

/// Decodes Base64, or returns nothing if the text is not Base64.
pub fn decoded(text: &str) -> Vec<u8> {
    base64ct::Base64::decode_vec(text).unwrap_or_default()
}

/// All last answers.
pub const LAST_ANSWERS: [LastAnswer; 5] = [
    LastAnswer::Accepts,
    LastAnswer::Refuses,
    LastAnswer::AnswersTwice,
    LastAnswer::BreaksProtocol,
    LastAnswer::HangsUp,
];

/// Returns the answer to the client's line of this number in a login, counted from 0, with the line repeated in it.
///
/// `decoded` is what the line says in Base64.
pub fn answer(line: &str, last_answer: LastAnswer, round: usize, method: Method, decoded: &[u8]) -> String {
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
        (Method::OauthBearer, 0) | (Method::Xoauth2, 1) if matches!(last_answer, LastAnswer::Refuses) => {
            Some(format!("{{\"you said\":\"{heard}\"}}"))
        }
        (Method::UserPass, 0) => return format!("+OK {heard}\r\n"),
        _ => None,
    };
    if let Some(more) = more {
        return format!("+ {}\r\n", base64(more));
    }
    match last_answer {
        LastAnswer::Accepts => format!("+OK {heard}\r\n"),
        LastAnswer::Refuses => format!("-ERR [AUTH] {heard}\r\n"),
        LastAnswer::AnswersTwice => format!("-ERR {heard}\r\n+OK {heard}\r\n"),
        LastAnswer::BreaksProtocol => format!("{heard}\r\n"),
        LastAnswer::HangsUp => String::new(),
    }
}

/// Returns a secret in every form in which it might be shown.
pub fn forms(secret: &[u8]) -> Vec<String> {
    let mut forms = vec![
        String::from_utf8_lossy(secret).into_owned(),
        secret.escape_ascii().to_string(),
        secret.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().concat(),
        secret.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        secret.iter().map(ToString::to_string).collect::<Vec<_>>().join(",\n"),
    ];
    // Base64 has three places to begin at; the digits at the ends depend on the neighbouring octets.
    for before in 0..3 {
        let text = base64([&vec![b'x'; before], secret].concat());
        let text = text.trim_end_matches('=');
        forms.push(text[(before * 4).div_ceil(3)..text.len() - 1].to_owned());
    }
    forms.retain(|form| form.len() >= 6);
    forms
}

/// Asserts that no secret is in a text, in any of its [`forms`].
///
/// # Panics
///
/// Panics if one is, with `context` in the message.
pub fn assert_absent(notes: &str, secrets: &[Vec<u8>], context: &str) {
    for form in secrets.iter().flat_map(|secret| forms(secret)) {
        assert!(!notes.contains(&form), "{context}: {form:?} is in {notes}");
    }
}

/// Returns the MD5 digest of the parts, joined, in hexadecimal digits.
pub fn md5_hex(parts: &[&str]) -> Vec<u8> {
    Md5::digest(parts.concat()).iter().flat_map(|octet| format!("{octet:02x}").into_bytes()).collect()
}

/// Returns all secrets of a login by this method, in which these lines were sent.
pub fn secrets_of(method: Method, wire: &[String]) -> Vec<Vec<u8>> {
    let mut secrets: Vec<Vec<u8>> = vec![PASSWORD.into(), TOKEN.into(), md5_hex(&[TIMESTAMP, PASSWORD])];
    // Every message that was sent is a secret, as it was and decoded; only the first of SCRAM is not.
    let scram = matches!(method, Method::ScramSha1 | Method::ScramSha256);
    for line in wire.iter().skip(usize::from(scram)) {
        let last = line.rsplit(' ').next().unwrap_or_default();
        if last != method.name() {
            secrets.extend([last.into(), decoded(last)]);
        }
    }
    // The name is no secret.
    secrets.retain(|secret| secret.len() >= 6 && secret != USER.as_bytes() && *secret != base64(USER).into_bytes());
    secrets
}

fn base64(octets: impl AsRef<[u8]>) -> String {
    base64ct::Base64::encode_string(octets.as_ref())
}
