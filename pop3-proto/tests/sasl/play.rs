//! A login flow against a server that is a function from lines to answers.

use pop3_proto::drive::{Conversation, Step};
use pop3_proto::login::{Credentials, Login, LoginError, Method, Policy, Progress, Security};
use pop3_proto::{Cause, Config, Error, Violation};

pub(crate) const CLEAR: Policy = Policy::new().security(Security::Plaintext).allow_plaintext(true);

pub(crate) fn by(method: Method) -> Policy {
    CLEAR.method(method)
}

/// The client's lines, and the result of the login.
#[derive(Debug)]
pub(crate) struct Played {
    pub(crate) said: Vec<String>,
    pub(crate) result: Result<(), Error>,
    pub(crate) conversation: Conversation,
}

impl Played {
    pub(crate) fn reason(&self) -> &LoginError {
        self.error().login().unwrap_or_else(|| panic!("it is no error of a login: {:?}", self.result))
    }

    pub(crate) fn error(&self) -> &Error {
        self.result.as_ref().expect_err("it succeeded")
    }

    /// Returns the lines after CAPA.
    pub(crate) fn proof(&self) -> &[String] {
        assert_eq!(self.said.first().map(String::as_str), Some("CAPA"));
        &self.said[1..]
    }
}

/// Checks whether the server claimed a login without a proof, which ends the session.
pub(crate) fn is_unproved(error: &Error) -> bool {
    let unproved = match error.cause() {
        Cause::PrematureSuccess => true,
        // The core sees it without a mechanism if the client has sent nothing, or has cancelled.
        Cause::Protocol(violation) => violation.violation() == Violation::PrematureSuccess,
        _ => false,
    };
    unproved && !error.is_recoverable()
}

/// Returns the answer to CAPA, with these mechanisms.
pub(crate) fn capa(mechanisms: &str) -> String {
    format!("+OK\r\nUSER\r\nSTLS\r\nSASL {mechanisms}\r\n.\r\n")
}

/// Logs in. `server` gets each line without its CRLF and answers with octets; an empty answer is the end of the stream.
pub(crate) fn play(credentials: Credentials, policy: Policy, server: impl FnMut(&str) -> String) -> Played {
    play_in(Conversation::new(Config::default()), credentials, policy, server)
}

pub(crate) fn play_in(
    mut conversation: Conversation,
    credentials: Credentials,
    policy: Policy,
    server: impl FnMut(&str) -> String,
) -> Played {
    hear(&mut conversation, "+OK ready <1896.697170952@dbc.mtview.ca.us>\r\n");
    assert_eq!(conversation.greet().unwrap(), Step::Done(()));
    play_on(conversation, credentials, policy, server)
}

/// Logs in after the greeting, or after a login that failed.
pub(crate) fn play_on(
    mut conversation: Conversation,
    credentials: Credentials,
    policy: Policy,
    mut server: impl FnMut(&str) -> String,
) -> Played {
    let mut login = Login::new(credentials, policy);
    let mut said = Vec::new();
    let result = loop {
        let step = login.step(&mut conversation);
        for line in spoken(&mut conversation) {
            let answer = server(&line);
            said.push(line);
            hear(&mut conversation, &answer);
        }
        match step {
            Ok(Step::NeedIo(_)) => conversation.looked(),
            Ok(Step::Done(Progress::LoggedIn)) => break Ok(()),
            Ok(Step::Done(Progress::StartTls)) => conversation.tls_established(None).unwrap(),
            Err(error) => break Err(error),
        }
    };
    Played { said, result, conversation }
}

pub(crate) fn hear(conversation: &mut Conversation, mut octets: &str) {
    if octets.is_empty() {
        return conversation.filled(0);
    }
    while !octets.is_empty() {
        let space = conversation.spare();
        let len = space.len().min(octets.len());
        space[..len].copy_from_slice(&octets.as_bytes()[..len]);
        conversation.filled(len);
        octets = &octets[len..];
    }
}

fn spoken(conversation: &mut Conversation) -> Vec<String> {
    let text = String::from_utf8(conversation.pending().to_vec()).unwrap();
    conversation.written(text.len());
    assert!(text.is_empty() || text.ends_with("\r\n"), "{text:?}");
    text.split_terminator("\r\n").map(str::to_owned).collect()
}

pub(crate) fn base64(octets: impl AsRef<[u8]>) -> String {
    use base64ct::Encoding as _;
    base64ct::Base64::encode_string(octets.as_ref())
}

pub(crate) fn unbase64(text: &str) -> Vec<u8> {
    use base64ct::Encoding as _;
    base64ct::Base64::decode_vec(text).unwrap()
}
