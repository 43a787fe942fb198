//! The phases of a session, and the commands that each permits (RFC 1939, section 3).

use pop3_proto::{Kind, State};

/// The phase of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Phase {
    Connected,
    Authorization { name_accepted: bool },
    Negotiation,
    Transaction,
    Over { update: bool },
}

impl Phase {
    pub(crate) fn state(self) -> State {
        match self {
            Phase::Connected => State::Greeting,
            Phase::Authorization { name_accepted: false } => State::Authorization,
            Phase::Authorization { name_accepted: true } => State::Named,
            Phase::Negotiation => State::Handshake,
            Phase::Transaction => State::Transaction,
            Phase::Over { update: true } => State::Update,
            Phase::Over { update: false } => State::Closed,
        }
    }

    /// Returns the phase after a command, or `None` if the phase does not permit it.
    pub(crate) fn after(self, kind: Kind, accepted: bool) -> Option<Phase> {
        let nobody = Phase::Authorization { name_accepted: false };
        let login = if accepted { Phase::Transaction } else { nobody };
        match (self, kind) {
            (Phase::Connected | Phase::Negotiation | Phase::Over { .. }, _) => None,
            // RFC 1939, section 6: only QUIT in TRANSACTION leads to UPDATE.
            (_, Kind::Quit) => Some(Phase::Over { update: self == Phase::Transaction }),
            // Another command than PASS makes the server forget the name.
            (Phase::Authorization { .. }, Kind::Capa | Kind::Lang | Kind::LangList | Kind::Raw | Kind::RawListing) => {
                Some(nobody)
            }
            (Phase::Authorization { .. }, Kind::User) => Some(Phase::Authorization { name_accepted: accepted }),
            // RFC 1939, section 7: only after a successful USER.
            (Phase::Authorization { name_accepted }, Kind::Pass) => name_accepted.then_some(login),
            (Phase::Authorization { .. }, Kind::Apop | Kind::Auth) => Some(login),
            (Phase::Authorization { .. }, Kind::Stls) => Some(if accepted { Phase::Negotiation } else { nobody }),
            (Phase::Authorization { .. }, Kind::AuthList | Kind::Utf8) => Some(nobody),
            // RFC 1939, sections 5 and 7, and RFC 1460; and extensions that both phases permit.
            (
                Phase::Transaction,
                Kind::Capa
                | Kind::Lang
                | Kind::LangList
                | Kind::Raw
                | Kind::RawListing
                | Kind::Stat
                | Kind::ListAll
                | Kind::ListOne
                | Kind::UidlAll
                | Kind::UidlOne
                | Kind::Retr
                | Kind::Top
                | Kind::Dele
                | Kind::Rset
                | Kind::Noop
                | Kind::Last,
            ) => Some(self),
            _ => None,
        }
    }
}
