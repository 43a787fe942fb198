//! The commands that carry the credentials.

use alloc::string::String;
use core::fmt;
use core::ops::ControlFlow;

use zeroize::Zeroizing;

use super::auth::Auth;
use crate::client::Event;
use crate::drive::exchange::{Exchange, ExchangeError, acknowledged};
use crate::drive::refusal::OwnedRefusal;
use crate::wire::apop::Digest;
use crate::wire::command::Command;
use crate::wire::payload::{Payload, Response};

/// A command that carries a part of the credentials.
pub(super) enum Proof {
    User(String),
    Pass(Zeroizing<String>),
    Apop(Zeroizing<String>, Digest),
    Sasl(Auth),
}

impl Proof {
    /// Withholds a refusal that contains data derived from the secret.
    pub(super) fn redact(&self, refused: &mut OwnedRefusal, user: &str) {
        match self {
            Proof::User(_) | Proof::Pass(_) => {}
            Proof::Apop(_, digest) => refused.redact(digest.as_bytes()),
            Proof::Sasl(auth) => auth.redact(refused, user),
        }
    }
}

impl Exchange for Proof {
    type Value = ();

    fn command(&self) -> Command<'_> {
        match self {
            Proof::User(user) => Command::User(user),
            Proof::Pass(password) => Command::Pass(password),
            Proof::Apop(user, digest) => Command::Apop { user, digest: *digest },
            Proof::Sasl(auth) => auth.command(),
        }
    }

    fn event(&mut self, event: Event<'_>) -> ControlFlow<Result<(), ExchangeError>> {
        if let Proof::Sasl(auth) = self { auth.event(event) } else { acknowledged(event) }
    }

    fn respond(&mut self, challenge: Payload<'_>) -> Response<'_> {
        if let Proof::Sasl(auth) = self { auth.respond(challenge) } else { Response::Cancel }
    }
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.command())
    }
}
