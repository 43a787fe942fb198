//! Authentication by a server: PASS, APOP, and AUTH with its mechanisms (RFC 1939, section 7; RFC 5034).

#[cfg(feature = "scram")]
use alloc::string::String;
use alloc::vec::Vec;

use zeroize::Zeroizing;

use super::ServerSession;
use crate::sasl::plain_parts;
#[cfg(feature = "scram")]
use crate::sasl::verifier::{ClientFirst, NAMES, Verifier};
use crate::serve::maildrop::{Denial, LoginAttempt, Maildrop, prepared};
use crate::server::AnswerError;
use crate::wire::apop::{Digest, Timestamp};
use crate::wire::code::Code;
use crate::wire::payload::Payload;

/// The state of AUTH between two lines of the client.
#[derive(Default)]
pub(super) struct Auth {
    exchange: Exchange,
    /// The channel binding.
    #[cfg(feature = "scram")]
    exporter: Option<Zeroizing<Vec<u8>>>,
}

/// The content expected in the client's next line inside AUTH.
#[derive(Default)]
enum Exchange {
    #[default]
    Nothing,
    Plain,
    /// The client's first message of SCRAM-SHA-256 or SCRAM-SHA-256-PLUS.
    #[cfg(feature = "scram")]
    Scram {
        plus: bool,
    },
    /// The client's proof.
    #[cfg(feature = "scram")]
    Proof(Verifier),
    /// An empty line: the proof was valid, and the server's proof was sent.
    #[cfg(feature = "scram")]
    Proved(String),
}

impl Auth {
    /// Ends the exchange.
    pub(super) fn forget(&mut self) {
        self.exchange = Exchange::Nothing;
    }
}

impl<M: Maildrop> ServerSession<M> {
    /// Returns the mechanisms that are offered now.
    pub(super) fn mechanisms(&self) -> impl Iterator<Item = &'static str> + use<M> {
        let plain = self.server.permits_plaintext().then_some("PLAIN");
        #[cfg(feature = "scram")]
        let scram = {
            let [scram, plus] = NAMES;
            let has_scram = self.maildrop.has_scram();
            let plus = (has_scram && self.auth.exporter.is_some()).then_some(plus);
            has_scram.then_some(scram).into_iter().chain(plus)
        };
        #[cfg(not(feature = "scram"))]
        let scram = None;
        plain.into_iter().chain(scram)
    }

    /// Sets the channel binding for proofs from now on.
    #[cfg_attr(not(feature = "scram"), allow(clippy::unused_self, reason = "only SCRAM is bound to the connection"))]
    pub(crate) fn set_channel_binding(&mut self, exporter: Zeroizing<Vec<u8>>) {
        #[cfg(feature = "scram")]
        {
            self.auth.exporter = Some(exporter);
        }
        #[cfg(not(feature = "scram"))]
        drop(exporter);
    }

    /// Begins an exchange. If the client did not send an initial response, asks for it.
    pub(super) fn auth(&mut self, mechanism: &str, first: Option<Payload<'_>>) -> Result<(), AnswerError> {
        let offered = self.mechanisms().find(|offered| offered.eq_ignore_ascii_case(mechanism));
        self.auth.exchange = match offered {
            None => return self.err("unknown mechanism"),
            #[cfg(feature = "scram")]
            Some(name) if NAMES.contains(&name) => Exchange::Scram { plus: name.ends_with("-PLUS") },
            Some(_) => Exchange::Plain,
        };
        match first {
            Some(message) => self.response(message),
            None => self.server.challenge(b"", &mut self.out),
        }
    }

    /// Handles the client's line inside AUTH.
    pub(super) fn response(&mut self, response: Payload<'_>) -> Result<(), AnswerError> {
        let exchange = core::mem::take(&mut self.auth.exchange);
        let Ok(message) = response.to_vec() else { return self.err("not Base64") };
        match exchange {
            Exchange::Nothing => self.err("no exchange is in progress"),
            Exchange::Plain => self.plain(&message),
            #[cfg(feature = "scram")]
            Exchange::Scram { plus } => self.scram(&message, plus),
            #[cfg(feature = "scram")]
            Exchange::Proof(verifier) => {
                let Some((user, proof)) = verifier.finish(&message) else {
                    return self.refuse(&Denial::Credentials);
                };
                self.auth.exchange = Exchange::Proved(user);
                self.server.challenge(&proof, &mut self.out)
            }
            #[cfg(feature = "scram")]
            Exchange::Proved(user) if message.is_empty() => self.log_in(LoginAttempt::Proved { user: &user }),
            #[cfg(feature = "scram")]
            Exchange::Proved(_) => self.err("the exchange is complete"),
        }
    }

    fn plain(&mut self, message: &[u8]) -> Result<(), AnswerError> {
        let Some((authzid, user, password)) = plain_parts(message) else { return self.err("not a PLAIN message") };
        if is_another(authzid, user) {
            return self.refuse_identity();
        }
        self.log_in(LoginAttempt::Password { user, password })
    }

    #[cfg(feature = "scram")]
    fn scram(&mut self, message: &[u8], plus: bool) -> Result<(), AnswerError> {
        let first = match ClientFirst::parse(message, plus) {
            Ok(first) => first,
            Err(wrong) => return self.err(wrong),
        };
        if is_another(&first.authzid, &first.user) {
            return self.refuse_identity();
        }
        // This reveals nothing: the rules of preparation are public, and no user has such a name.
        let Some(user) = prepared(&first.user) else { return self.refuse(&Denial::Credentials) };
        let keys = match self.maildrop.scram_keys(&user) {
            Ok(keys) => keys,
            Err(error) => return self.store_err(&error),
        };
        match Verifier::begin(&first, user.as_str().into(), keys, self.auth.exporter.clone()) {
            Some((verifier, challenge)) => {
                self.auth.exchange = Exchange::Proof(verifier);
                self.server.challenge(&challenge, &mut self.out)
            }
            None => self.err("PLUS is offered, but was removed from the list"),
        }
    }

    pub(super) fn apop(&mut self, user: &str, digest: Digest) -> Result<(), AnswerError> {
        let octets = self.timestamp.take().unwrap_or_default();
        let answer = match Timestamp::find(&octets) {
            Some(timestamp) => self.log_in(LoginAttempt::Apop { user, timestamp, digest }),
            None => self.err("APOP is not offered"),
        };
        self.timestamp = Some(octets);
        answer
    }

    /// Passes the credentials to the maildrop, with name and password in the form in which they are compared.
    pub(super) fn log_in(&mut self, credentials: LoginAttempt<'_>) -> Result<(), AnswerError> {
        let allowed = match (credentials, prepared(credentials.user())) {
            (LoginAttempt::Password { password, .. }, Some(user)) => match prepared(password) {
                Some(password) => self.maildrop.login(LoginAttempt::Password { user: &user, password: &password }),
                None => Err(Denial::Credentials),
            },
            (LoginAttempt::Apop { timestamp, digest, .. }, Some(user)) => {
                self.maildrop.login(LoginAttempt::Apop { user: &user, timestamp, digest })
            }
            (LoginAttempt::Proved { user }, Some(_)) => self.maildrop.login(LoginAttempt::Proved { user }),
            (_, None) => Err(Denial::Credentials),
        };
        if let Err(refused) = allowed {
            return self.refuse(&refused);
        }
        self.open_maildrop();
        self.ok("the maildrop is open")
    }

    fn refuse(&mut self, refused: &Denial) -> Result<(), AnswerError> {
        self.server.err(Some(refused.code()), refused, &mut self.out)
    }

    /// Refuses an authorization identity: no user may act for another one (RFC 4616, section 2; RFC 5802, section 5.1).
    fn refuse_identity(&mut self) -> Result<(), AnswerError> {
        self.server.err(Some(Code::Auth), "not permitted for this identity", &mut self.out)
    }
}

/// Returns true if the client wants to act for another user.
fn is_another(authzid: &str, user: &str) -> bool {
    !authzid.is_empty() && prepared(authzid) != prepared(user)
}
