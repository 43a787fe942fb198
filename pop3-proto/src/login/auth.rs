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
use crate::sasl::{Mechanism, MechanismError, SaslMessage};
use crate::wire::code::Code;
use crate::wire::command::{Command, MAX_COMMAND_LINE};
use crate::wire::payload::{Payload, Response};

/// The maximum number of message parts that a refusal is searched for.
const MAX_PARTS: usize = 64;

/// Returns the parts of a message between spaces, commas and control characters that are longer than three octets.
fn parts(message: &SaslMessage) -> impl Iterator<Item = &[u8]> {
    message.split(|b| b.is_ascii_control() || matches!(b, b' ' | b',')).filter(|part| part.len() > 3)
}

/// An AUTH exchange with a mechanism (RFC 5034). If `+OK` arrives before the mechanism is complete, the exchange fails
/// with [`ExchangeError::PrematureSuccess`], and the session with it.
///
/// `Debug` shows only the name of the mechanism.
pub(crate) struct Auth {
    mechanism: Box<dyn Mechanism>,
    /// A copy of the mechanism's name, because the command borrows it while the mechanism is in use.
    name: String,
    /// The message in flight, or the first message until a challenge asks for it.
    message: Option<SaslMessage>,
    with_command: bool,
    /// The messages sent. A refusal that contains them is withheld.
    sent: Vec<SaslMessage>,
    error: Option<MechanismError>,
}

impl Auth {
    /// Creates the exchange for a mechanism that the server has announced and that has not begun. Its first message is
    /// sent with the command, unless the line would exceed 255 octets (RFC 5034, section 4; RFC 2449, section 4).
    ///
    /// # Errors
    ///
    /// The error that the mechanism returns instead of its first message.
    pub(crate) fn announced(mechanism: Box<dyn Mechanism>) -> Result<Auth, MechanismError> {
        let mut auth = Auth::unannounced(mechanism)?;
        auth.with_command = auth.message.is_some();
        auth.with_command &= auth.command().encoded_len() <= MAX_COMMAND_LINE;
        if auth.with_command {
            auth.remember();
        }
        Ok(auth)
    }

    /// Creates the exchange for a mechanism that the server has not announced and that has not begun. Its first message
    /// answers the first challenge.
    ///
    /// # Errors
    ///
    /// The error that the mechanism returns instead of its first message.
    pub(crate) fn unannounced(mut mechanism: Box<dyn Mechanism>) -> Result<Auth, MechanismError> {
        let message = mechanism.first()?;
        let name = mechanism.name().into();
        Ok(Auth { mechanism, name, message, with_command: false, sent: Vec::new(), error: None })
    }

    /// Returns the mechanism.
    pub(crate) fn mechanism(&self) -> &dyn Mechanism {
        &*self.mechanism
    }

    /// Returns the error that stopped the mechanism, if any.
    pub(crate) fn error(&self) -> Option<MechanismError> {
        self.error
    }

    /// Returns true if a proof was sent, so that the server has something to judge.
    pub(crate) fn has_proved(&self) -> bool {
        !self.sent.is_empty() && self.mechanism.has_proved()
    }

    /// Returns true if the server refused because of the channel binding: it says so (RFC 5802, section 7), or had
    /// nothing else to judge.
    pub(crate) fn has_lost_its_binding(&self, refused: &OwnedRefusal) -> bool {
        self.binding_is_unknown(refused)
            || matches!(
                self.mechanism.explanation(),
                Some(b"channel-bindings-dont-match" | b"server-does-support-channel-binding")
            )
    }

    /// Returns true if the server does not support the channel binding: it refused before a proof was sent, or says so
    /// after the proof. Cyrus SASL, which supports only `tls-unique`, reports this as "bad protocol".
    pub(crate) fn binding_is_unknown(&self, refused: &OwnedRefusal) -> bool {
        let is_bound = self.name.starts_with("SCRAM-") && self.name.ends_with("-PLUS");
        let says = matches!(
            self.mechanism.explanation(),
            Some(b"channel-binding-not-supported" | b"unsupported-channel-binding-type")
        );
        let is_unjudged = says || !self.has_proved() || refused.mentions(&["bad protocol"]);
        is_bound && self.error.is_none() && is_unjudged && matches!(refused.code(), None | Some(Code::Auth))
    }

    /// Returns true if the mechanism is complete and its first message was sent. Until then, `+OK` is an error.
    fn is_proved(&self) -> bool {
        let held = self.message.is_some() && self.sent.is_empty();
        !held && self.error.is_none() && self.mechanism.is_complete()
    }

    fn remember(&mut self) {
        self.sent.extend(self.message.clone());
    }

    /// Withholds a refusal that contains a sent message in Base64, or a part of a sent message, such as a digest.
    /// Spaces, commas and control characters separate the parts. The user's name is not withheld. If there are more
    /// than [`MAX_PARTS`] parts, the refusal is withheld without a search, because a mechanism may repeat data that the
    /// server chose.
    pub(crate) fn redact(&self, refused: &mut OwnedRefusal, user: &str) {
        if self.sent.iter().flat_map(parts).nth(MAX_PARTS).is_some() {
            return refused.withhold();
        }
        for message in &self.sent {
            let payload = Payload::Octets(message);
            let mut text = SaslMessage::new(vec![0; payload.encoded_len()]);
            payload.encode(&mut text);
            refused.redact(&text);
            parts(message).filter(|part| *part != user.as_bytes()).for_each(|part| refused.redact(part));
        }
    }

    /// Returns the next message, after a challenge.
    fn go_on(&mut self, challenge: Payload<'_>) -> Result<SaslMessage, MechanismError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let held = self.message.take();
        if let Some(first) = held.filter(|_| self.sent.is_empty()) {
            return Ok(first);
        }
        let decoded = challenge.to_vec().map_err(|_| MechanismError::Challenge("it is not Base64"))?;
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

    fn respond(&mut self, challenge: Payload<'_>) -> Response<'_> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sasl::Plain;

    #[test]
    fn an_exchange_that_holds_a_secret_shows_the_name_of_its_mechanism() {
        let plain = || Box::new(Plain::new("", "tim", "tanstaaf").expect("it can be sent"));
        for auth in [Auth::announced(plain()), Auth::unannounced(plain())] {
            assert_eq!(alloc::format!("{:?}", auth.expect("it is ready")), "Auth(PLAIN)");
        }
    }
}
