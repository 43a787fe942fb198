//! AUTH: the exchange that carries a mechanism over POP3 (RFC 5034, section 4).

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use core::ops::ControlFlow;

use crate::client::Event;
use crate::drive::exchange::{Exchange, ExchangeError, acknowledged};
use crate::drive::refusal::OwnedRefusal;
use crate::sasl::{Mechanism, MechanismError, Message};
use crate::wire::code::Code;
use crate::wire::command::{Command, MAX_COMMAND_LINE};
use crate::wire::payload::{Payload, Response};
use crate::wire::reply::Challenge;

/// The most parts of messages that are looked for in a refusal.
const MAX_PARTS: usize = 64;

/// What stands between the blanks, commas and controls of a message, if it is long enough to tell something.
fn parts(message: &Message) -> impl Iterator<Item = &[u8]> {
    message.split(|b| b.is_ascii_control() || matches!(b, b' ' | b',')).filter(|part| part.len() > 3)
}

/// AUTH with a mechanism (RFC 5034). `+OK` counts only if the mechanism is complete; else the exchange fails with
/// [`ExchangeError::PrematureSuccess`], and the session with it.
///
/// `Debug` shows the mechanism's name and nothing else.
pub struct Auth {
    mechanism: Box<dyn Mechanism>,
    /// A name of its own, since the command borrows it while the mechanism speaks.
    name: String,
    /// What is on its way, or waits for the first challenge.
    message: Option<Message>,
    with_command: bool,
    /// What went out: a refusal that shows it is withheld.
    sent: Vec<Message>,
    error: Option<MechanismError>,
}

impl Auth {
    /// For a mechanism that has not begun. If `announced` by the server, its first message goes with the command, provided
    /// that the line stays within 255 octets (RFC 5034, section 4; RFC 2449, section 4).
    ///
    /// # Errors
    ///
    /// What the mechanism says to its first message.
    pub fn new(mut mechanism: Box<dyn Mechanism>, announced: bool) -> Result<Auth, MechanismError> {
        let message = mechanism.first()?;
        let with_command = announced && message.is_some();
        let name = mechanism.name().into();
        let mut auth = Auth { mechanism, name, message, with_command, sent: Vec::new(), error: None };
        auth.with_command &= auth.command().encoded_len() <= MAX_COMMAND_LINE;
        if auth.with_command {
            auth.remember();
        }
        Ok(auth)
    }

    /// The mechanism.
    pub fn mechanism(&self) -> &dyn Mechanism {
        &*self.mechanism
    }

    /// Why the mechanism did not go on, if it did not.
    pub fn error(&self) -> Option<MechanismError> {
        self.error
    }

    /// Returns true if a proof was sent, so that the server has something to judge.
    pub(crate) fn has_proved(&self) -> bool {
        !self.sent.is_empty() && self.mechanism.has_proved()
    }

    /// Returns true if a refusal is that of the channel binding: the server says so (RFC 5802, section 7), or had nothing
    /// else to judge.
    pub(crate) fn has_lost_its_binding(&self, refused: &OwnedRefusal) -> bool {
        self.binding_is_unknown(refused)
            || matches!(
                self.mechanism.explanation(),
                Some(b"channel-bindings-dont-match" | b"server-does-support-channel-binding")
            )
    }

    /// Returns true if the server does not know the binding: it refused before there was a proof to judge, or says so behind
    /// it. Cyrus SASL, which knows `tls-unique` only, has no word for it but "bad protocol".
    pub(crate) fn binding_is_unknown(&self, refused: &OwnedRefusal) -> bool {
        let is_bound = self.name.starts_with("SCRAM-") && self.name.ends_with("-PLUS");
        let says = matches!(
            self.mechanism.explanation(),
            Some(b"channel-binding-not-supported" | b"unsupported-channel-binding-type")
        );
        let is_unjudged = says || !self.has_proved() || refused.mentions(&["bad protocol"]);
        is_bound && self.error.is_none() && is_unjudged && matches!(refused.code(), None | Some(Code::Auth))
    }

    /// Whether all was said, and all was proved: before that nobody may say that all is well.
    fn is_proved(&self) -> bool {
        let held = self.message.is_some() && self.sent.is_empty();
        !held && self.error.is_none() && self.mechanism.is_complete()
    }

    fn remember(&mut self) {
        self.sent.extend(self.message.clone());
    }

    /// Withholds a refusal that shows what was sent: in Base64, or what stands between the blanks, commas and controls of
    /// it, such as a digest, but for the user's name. It is withheld unread if there are more than [`MAX_PARTS`] to look for,
    /// since a mechanism may repeat what the server made up.
    pub(crate) fn redact(&self, refused: &mut OwnedRefusal, user: &str) {
        if self.sent.iter().flat_map(|message| parts(message)).nth(MAX_PARTS).is_some() {
            return refused.withhold();
        }
        for message in &self.sent {
            let payload = Payload::Octets(message);
            let mut text = Message::new(vec![0; payload.encoded_len()]);
            payload.encode(&mut text);
            refused.redact(&text);
            parts(message).filter(|part| *part != user.as_bytes()).for_each(|part| refused.redact(part));
        }
    }

    /// The next message, after a challenge.
    fn go_on(&mut self, challenge: Challenge<'_>) -> Result<Message, MechanismError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let held = self.message.take();
        if let Some(first) = held.filter(|_| self.sent.is_empty()) {
            return Ok(first);
        }
        let decoded = challenge.payload().to_vec().map_err(|_| MechanismError::Challenge("it is not Base64"))?;
        self.mechanism.respond(&decoded)
    }
}

impl Exchange for Auth {
    type Value = ();

    fn command(&self) -> Command<'_> {
        let message = self.message.as_ref().filter(|_| self.with_command);
        let initial_response = message.map(|message| Payload::Octets(message));
        Command::Auth { mechanism: &self.name, initial_response }
    }

    fn event(&mut self, event: Event<'_>) -> ControlFlow<Result<(), ExchangeError>> {
        match event {
            Event::Ok { .. } if !self.is_proved() => ControlFlow::Break(Err(ExchangeError::PrematureSuccess)),
            event => acknowledged(event),
        }
    }

    fn respond(&mut self, challenge: Challenge<'_>) -> Response<'_> {
        match self.go_on(challenge) {
            Ok(message) => self.message = Some(message),
            Err(error) => {
                self.error = Some(error);
                self.message = None;
            }
        }
        self.remember();
        self.with_command = false;
        self.message.as_ref().map_or(Response::Cancel, |message| Response::Data(Payload::Octets(message)))
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Auth({})", self.name)
    }
}
