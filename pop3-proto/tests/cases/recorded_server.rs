//! The server's part in a transcript of a login, played to a client that may send some lines in another form; and the
//! client's credentials.

use std::collections::VecDeque;

use pop3_proto::login::{Credentials, Method};
use pop3_proto::sasl::{Mechanism, MechanismError, SaslMessage};

use crate::logins::lines;
use crate::oracle::{Digest, base64, unbase64};
use crate::transcript::Case;

/// The rest of the transcript, and the first mistake in it.
pub(crate) struct Server {
    pub(crate) turns: VecDeque<(String, Vec<u8>)>,
    /// The capabilities to announce where the transcript has none.
    announces: Vec<u8>,
    /// The client's nonce in the transcript and its own, for SCRAM.
    nonces: Option<(String, String)>,
    /// The SCRAM messages so far, as they really were.
    messages: Vec<String>,
    digest: Digest,
    password: String,
    pub(crate) said: Vec<String>,
    pub(crate) last: Vec<u8>,
    pub(crate) wrong: Option<String>,
}

impl Server {
    pub(crate) fn of(case: &Case, mechanism: &str) -> Server {
        // If several lines were sent at once, one string has all answers; none of the lines is a login then.
        let mut answers = case.server.iter().skip(usize::from(case.has_greeting()));
        let turns = lines(case).map(|line| (line, answers.next().cloned().unwrap_or_default())).collect();
        let announces = if case.config.get("initial_response") == Some(&true.into()) {
            format!("+OK\r\nSASL {mechanism}\r\n.\r\n").into_bytes()
        } else {
            b"-ERR\r\n".to_vec()
        };
        let nonces =
            mechanism.starts_with("SCRAM-SHA-").then(|| (case.setting("cnonce", "").to_owned(), String::new()));
        Server {
            turns,
            announces,
            nonces,
            messages: Vec::new(),
            digest: Digest::of(mechanism),
            password: case.setting("password", "").to_owned(),
            said: Vec::new(),
            last: Vec::new(),
            wrong: None,
        }
    }

    pub(crate) fn answer(&mut self, line: &str) -> Vec<u8> {
        let wanted = self.turns.front().map_or("", |(line, _)| line).to_owned();
        if line == "CAPA" && wanted != "CAPA" {
            return self.announces.clone();
        }
        self.said.push(line.to_owned());
        let (command, response) = line.rsplit_once(' ').unwrap_or((line, ""));
        if line.starts_with("AUTH ") && wanted == command && command != "AUTH" {
            // The client sent the response along, and the transcript sends it after a challenge.
            self.turns.pop_front();
            return self.take(if response == "=" { "" } else { response });
        }
        if wanted.strip_prefix(line).is_some_and(|rest| line.starts_with("AUTH ") && rest.starts_with(' ')) {
            // The client waits for a challenge, and the transcript sends the response along.
            let (_, response) = wanted.rsplit_once(' ').expect("it was there");
            self.turns[0].0 = if response == "=" { String::new() } else { response.to_owned() };
            return b"+ \r\n".to_vec();
        }
        self.take(line)
    }

    /// Compares the line with the next one of the transcript, and returns its answer.
    fn take(&mut self, line: &str) -> Vec<u8> {
        let Some((wanted, answer)) = self.turns.pop_front() else { return self.fail(line, "nothing") };
        let translated = self.translated(line);
        if translated != wanted {
            return self.fail(&translated, &wanted);
        }
        self.last = self.adapted(&answer);
        self.last.clone()
    }

    fn fail(&mut self, line: &str, wanted: &str) -> Vec<u8> {
        self.wrong.get_or_insert_with(|| format!("said {line:?} for {wanted:?}"));
        self.turns.clear();
        Vec::new()
    }

    /// Translates a SCRAM line of the client to the transcript's nonce, and checks its proof.
    fn translated(&mut self, line: &str) -> String {
        let Some((theirs, ours)) = self.nonces.clone() else { return line.to_owned() };
        let (command, text) = line.rsplit_once(' ').unwrap_or(("", line));
        if text.is_empty() || text == "*" || command == "AUTH" {
            return line.to_owned();
        }
        let message = String::from_utf8(unbase64(text)).expect("SCRAM is text");
        let space = if command.is_empty() { "" } else { " " };
        let encoded = |message: String| format!("{command}{space}{}", base64(message.as_bytes()));
        if let Some((before, nonce)) = message.split_once(",r=").filter(|_| self.messages.is_empty()) {
            self.nonces = Some((theirs.clone(), nonce.to_owned()));
            // The GS2 header is left out, because it is not a part of the proof's message.
            self.messages.push(message.splitn(3, ',').last().unwrap_or_default().to_owned());
            return encoded(format!("{before},r={theirs}"));
        }
        let (unverified, proof) = message.split_once(",p=").expect("a proof");
        let [right, _] = self.proofs(&self.messages, unverified);
        self.messages.push(unverified.to_owned());
        let unverified = unverified.replacen(&ours, &theirs, 1);
        // If the client's proof was right, it becomes the proof for the transcript's messages.
        let transcript: Vec<String> =
            self.messages[..2].iter().map(|message| message.replacen(&ours, &theirs, 1)).collect();
        let [theirs, _] = self.proofs(&transcript, &unverified);
        let proof = if unbase64(proof) == right { base64(&theirs) } else { "wrong".to_owned() };
        encoded(format!("{unverified},p={proof}"))
    }

    /// Adapts a SCRAM message of the transcript's server to the client's nonce. A right signature is computed anew, and
    /// a wrong one is left.
    fn adapted(&mut self, answer: &[u8]) -> Vec<u8> {
        let Some((theirs, ours)) = &self.nonces else { return answer.to_vec() };
        let text = String::from_utf8(answer.to_vec()).expect("SCRAM is text");
        let Some(challenge) = text.trim_end().strip_prefix("+ ").filter(|text| !text.is_empty()) else {
            return answer.to_vec();
        };
        let message = String::from_utf8(unbase64(challenge)).expect("SCRAM is text");
        let adapted = if self.messages.len() == 3 {
            let transcript: Vec<String> = self.messages.iter().map(|said| said.replacen(ours, theirs, 1)).collect();
            let [_, right] = self.proofs(&transcript[..2], &transcript[2]);
            let [_, signature] = self.proofs(&self.messages[..2], &self.messages[2]);
            if message == format!("v={}", base64(&right)) { format!("v={}", base64(&signature)) } else { message }
        } else {
            message.replacen(theirs, ours, 1)
        };
        self.messages.push(adapted.clone());
        format!("+ {}\r\n", base64(adapted.as_bytes())).into_bytes()
    }

    /// Returns the client's proof and the server's signature for these messages.
    fn proofs(&self, messages: &[String], unverified: &str) -> [Vec<u8>; 2] {
        let attribute =
            |name: &str| messages[1].split(',').find_map(|part| part.strip_prefix(name)).unwrap_or_default();
        let auth_message = format!("{},{},{unverified}", messages[0], messages[1]);
        let iterations = attribute("i=").parse().expect("a number");
        self.digest.proofs(&self.password, &unbase64(attribute("s=")), iterations, &auth_message)
    }
}

/// A mechanism that the crate does not have, or cannot use in this way: it says the transcript's lines.
#[derive(Clone)]
struct Recited {
    name: String,
    responses: VecDeque<String>,
    first: Option<String>,
}

impl Mechanism for Recited {
    fn name(&self) -> &str {
        &self.name
    }

    fn first(&mut self) -> Result<Option<SaslMessage>, MechanismError> {
        Ok(self.first.take().map(|text| unbase64(&text).into()))
    }

    fn respond(&mut self, _: &[u8]) -> Result<SaslMessage, MechanismError> {
        match self.responses.pop_front() {
            Some(text) if text != "*" => Ok(unbase64(&text).into()),
            _ => Err(MechanismError::Challenge("the transcript cancels")),
        }
    }

    fn is_complete(&self) -> bool {
        self.responses.is_empty()
    }

    fn shows_secret(&self) -> bool {
        false
    }
}

const METHODS: [Method; 8] = [
    Method::Plain,
    Method::Login,
    Method::CramMd5,
    Method::ScramSha1,
    Method::ScramSha256,
    Method::OauthBearer,
    Method::Xoauth2,
    Method::External,
];

/// Returns the credentials and the method that the transcript's next lines use.
pub(crate) fn credentials(case: &Case, turns: &VecDeque<(String, Vec<u8>)>) -> (Credentials, Option<Method>) {
    let mut next = turns.iter().map(|(line, _)| line.as_str()).skip_while(|line| ["CAPA", "STLS"].contains(line));
    let line = next.next().unwrap_or_default();
    let (command, rest) = line.split_once(' ').unwrap_or((line, ""));
    let name =
        if command == "AUTH" { rest.split(' ').next().unwrap_or_default() } else { case.setting("mechanism", "") };
    let method = match command {
        "USER" => Some(Method::UserPass),
        "APOP" => Some(Method::Apop),
        _ if name == "USER" => Some(Method::UserPass),
        _ if name == "APOP" => Some(Method::Apop),
        _ => METHODS.into_iter().find(|method| method.name() == name),
    };
    let user = if command == "USER" { rest } else { case.setting("user", "nobody") };
    let password = next.next().and_then(|line| line.strip_prefix("PASS ")).unwrap_or("none was given");
    let password = case.setting("password", password);
    let token = case.setting("token", "");
    let credentials = match method {
        Some(Method::External) => Credentials::external().acting_for(user),
        Some(Method::OauthBearer | Method::Xoauth2) if !token.is_empty() => Credentials::token(user, token),
        Some(Method::OauthBearer | Method::Xoauth2) | None if command == "AUTH" => {
            let first = rest.split_once(' ').map(|(_, first)| first.to_owned());
            let responses = turns.iter().map(|(line, _)| line.clone()).skip_while(|said| said != line).skip(1);
            let responses = responses.take_while(|line| !line.contains(' ') && line != "QUIT").collect();
            let recited = Recited { name: name.to_owned(), responses, first };
            return (Credentials::mechanism(move || recited.clone()), None);
        }
        _ => Credentials::new(user, password).acting_for(case.setting("authzid", "")),
    };
    let port = case.config.get("port").and_then(serde_json::Value::as_u64).and_then(|port| u16::try_from(port).ok());
    let credentials =
        if let Some(port) = port { credentials.for_server(case.setting("host", ""), port) } else { credentials };
    (credentials, method)
}
