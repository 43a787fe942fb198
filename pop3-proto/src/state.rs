//! The state machine as one table, independent of the encoding.
//!
//! # Theory
//!
//! RFC 1939 names three states: AUTHORIZATION, TRANSACTION and UPDATE (section 3). This module adds a state for each
//! point at which one side must wait for the other: before the greeting, between the `+OK` to STLS and the end of the
//! TLS handshake, between the `+OK` to USER and PASS, and after the end. A [`State`] permits a [`Kind`] of command if
//! [`TABLE`] has a row for the pair; the row gives the next state after `+OK` and after `-ERR`. If there is no row, a
//! client refuses the command before it writes an octet, and a server answers `-ERR`.
//!
//! Three transitions are outside the table because they are not commands. The greeting leads to
//! [`State::Authorization`], or with `-ERR` to [`State::Closed`]. The end of the TLS handshake leads to
//! [`State::Authorization`], and the end of the stream leads to [`State::Closed`] from every state.
//! One rule depends on more than the state: STLS is permitted once, never inside TLS (RFC 2595, section 4) and never
//! after UTF8 (RFC 6856, section 2.1). [`Client`](crate::Client) and [`Server`](crate::Server) enforce it.
//!
//! A client consults the table twice. When it sends a command, it uses the *projected* state: the state if every
//! command in flight succeeds. When it receives an answer, it uses the *confirmed* state: `+OK` to a command that this
//! state does not permit is a violation, and `-ERR` to it changes nothing. You can therefore pipeline USER and PASS,
//! and a refused USER never leads to TRANSACTION.
//!
//! See [`State`] for an example.
#![doc = include_str!("state.md")]

use crate::wire::kind::Kind;

/// The state of a session, as the server has confirmed it (RFC 1939, section 3).
///
/// ```
/// use pop3_proto::{Kind, Outcome, State};
///
/// assert_eq!(State::Authorization.after(Kind::Retr, Outcome::Ok), None);
/// assert_eq!(State::Named.after(Kind::Pass, Outcome::Ok), Some(State::Transaction));
/// assert_eq!(State::Named.after(Kind::Pass, Outcome::Err), Some(State::Authorization));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum State {
    /// Connected; the greeting has not arrived yet.
    Greeting,
    /// AUTHORIZATION (RFC 1939, section 4).
    Authorization,
    /// AUTHORIZATION, immediately after `+OK` to USER: the only state that permits PASS (RFC 1939, section 7).
    Named,
    /// STLS was accepted and the TLS handshake is due: no plaintext octet may follow (RFC 2595, section 4).
    Handshake,
    /// TRANSACTION (RFC 1939, section 5).
    Transaction,
    /// QUIT was answered in TRANSACTION: the server has passed through UPDATE (RFC 1939, section 6).
    Update,
    /// The session ended without UPDATE, so nothing was deleted, or it failed with an error. If it failed while QUIT
    /// was in flight, it is unknown whether the deletions were committed.
    Closed,
}

impl State {
    /// All states, in the order of a session.
    pub const ALL: &'static [State] = &[
        State::Greeting,
        State::Authorization,
        State::Named,
        State::Handshake,
        State::Transaction,
        State::Update,
        State::Closed,
    ];

    /// Returns the state after the greeting (RFC 1939, section 4). No greeting text skips AUTHORIZATION.
    pub(crate) const fn greeted(outcome: Outcome) -> State {
        match outcome {
            Outcome::Ok => State::Authorization,
            Outcome::Err => State::Closed,
        }
    }

    /// Returns the state after the TLS handshake: AUTHORIZATION, without a new greeting (RFC 2595, section 4).
    pub(crate) const fn secured() -> State {
        State::Authorization
    }

    /// Returns the state after `kind` was answered with `outcome`, or `None` if this state does not permit `kind`.
    pub const fn after(self, kind: Kind, outcome: Outcome) -> Option<State> {
        match (LOOKUP[self as usize][kind as usize], outcome) {
            (None, _) => None,
            (Some((ok, _)), Outcome::Ok) => Some(ok),
            (Some((_, err)), Outcome::Err) => Some(err),
        }
    }

    /// Returns true if this state permits a command of this kind.
    pub(crate) const fn permits(self, kind: Kind) -> bool {
        LOOKUP[self as usize][kind as usize].is_some()
    }

    /// Returns true if the session is over, with or without UPDATE.
    pub const fn is_over(self) -> bool {
        matches!(self, State::Update | State::Closed)
    }
}

impl core::fmt::Display for State {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            State::Greeting => "before the greeting",
            State::Authorization => "AUTHORIZATION",
            State::Named => "AUTHORIZATION after USER",
            State::Handshake => "TLS handshake",
            State::Transaction => "TRANSACTION",
            State::Update => "UPDATE",
            State::Closed => "closed",
        })
    }
}

/// A status indicator: `+OK` or `-ERR` (RFC 1939, section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// `+OK`
    Ok,
    /// `-ERR`
    Err,
}

/// A row of [`TABLE`]: `from` permits `kind`, which leads to `ok` or to `err`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Transition {
    /// The state that permits the command.
    pub from: State,
    /// The command.
    pub kind: Kind,
    /// The state after `+OK`.
    pub ok: State,
    /// The state after `-ERR`.
    pub err: State,
}

const fn row(from: State, kind: Kind, ok: State, err: State) -> Transition {
    Transition { from, kind, ok, err }
}

/// The state machine: all permitted commands and their transitions.
#[rustfmt::skip]
pub const TABLE: &[Transition] = {
    use Kind as K;
    use State::{Authorization, Closed, Handshake, Named, Transaction, Update};
    &[
        row(Authorization, K::User,       Named,         Authorization),
        row(Authorization, K::Apop,       Transaction,   Authorization),
        row(Authorization, K::AuthList,   Authorization, Authorization),
        row(Authorization, K::Auth,       Transaction,   Authorization),
        row(Authorization, K::Stls,       Handshake,     Authorization),
        row(Authorization, K::Capa,       Authorization, Authorization),
        row(Authorization, K::Utf8,       Authorization, Authorization),
        row(Authorization, K::Lang,       Authorization, Authorization),
        row(Authorization, K::LangList,   Authorization, Authorization),
        row(Authorization, K::Raw,        Authorization, Authorization),
        row(Authorization, K::RawListing, Authorization, Authorization),
        row(Authorization, K::Quit,       Closed,        Closed),

        row(Named,         K::Pass,       Transaction,   Authorization),
        row(Named,         K::User,       Named,         Authorization),
        // Any command other than PASS and USER makes the server discard the name.
        row(Named,         K::Apop,       Transaction,   Authorization),
        row(Named,         K::AuthList,   Authorization, Authorization),
        row(Named,         K::Auth,       Transaction,   Authorization),
        row(Named,         K::Stls,       Handshake,     Authorization),
        row(Named,         K::Capa,       Authorization, Authorization),
        row(Named,         K::Utf8,       Authorization, Authorization),
        row(Named,         K::Lang,       Authorization, Authorization),
        row(Named,         K::LangList,   Authorization, Authorization),
        row(Named,         K::Raw,        Authorization, Authorization),
        row(Named,         K::RawListing, Authorization, Authorization),
        row(Named,         K::Quit,       Closed,        Closed),

        row(Transaction,   K::Stat,       Transaction,   Transaction),
        row(Transaction,   K::ListAll,    Transaction,   Transaction),
        row(Transaction,   K::ListOne,    Transaction,   Transaction),
        row(Transaction,   K::UidlAll,    Transaction,   Transaction),
        row(Transaction,   K::UidlOne,    Transaction,   Transaction),
        row(Transaction,   K::Retr,       Transaction,   Transaction),
        row(Transaction,   K::Top,        Transaction,   Transaction),
        row(Transaction,   K::Dele,       Transaction,   Transaction),
        row(Transaction,   K::Rset,       Transaction,   Transaction),
        row(Transaction,   K::Noop,       Transaction,   Transaction),
        row(Transaction,   K::Last,       Transaction,   Transaction),
        row(Transaction,   K::Capa,       Transaction,   Transaction),
        row(Transaction,   K::Lang,       Transaction,   Transaction),
        row(Transaction,   K::LangList,   Transaction,   Transaction),
        row(Transaction,   K::Raw,        Transaction,   Transaction),
        row(Transaction,   K::RawListing, Transaction,   Transaction),
        row(Transaction,   K::Quit,       Update,        Update),
    ]
};

const LOOKUP: [[Option<(State, State)>; Kind::ALL.len()]; State::ALL.len()] = {
    let mut lookup = [[None; Kind::ALL.len()]; State::ALL.len()];
    let mut i = 0;
    while i < TABLE.len() {
        let Transition { from, kind, ok, err } = TABLE[i];
        assert!(lookup[from as usize][kind as usize].is_none(), "one row for each pair");
        lookup[from as usize][kind as usize] = Some((ok, err));
        i += 1;
    }
    lookup
};
