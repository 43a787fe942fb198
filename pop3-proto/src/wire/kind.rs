//! Kinds of commands, and the shapes of their answers.

use core::fmt;

/// The kinds of commands: a [`Command`](crate::wire::command::Command) without its arguments.
///
/// AUTH, LIST, UIDL and LANG have two kinds each: with an argument, their answer is one line, and without, it is a
/// listing (RFC 1939, section 5; RFC 6856, section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
#[allow(missing_docs, reason = "each is the command of its name; see Command")]
pub enum Kind {
    User,
    Pass,
    Apop,
    Auth,
    AuthList,
    Stls,
    Capa,
    Utf8,
    Lang,
    LangList,
    Stat,
    ListAll,
    ListOne,
    UidlAll,
    UidlOne,
    Retr,
    Top,
    Dele,
    Rset,
    Noop,
    Last,
    Quit,
    Raw,
    RawListing,
}

/// The part of an answer that follows the `+OK` line (RFC 1939, section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// Nothing.
    Single,
    /// Lines up to the terminator, each with its own meaning.
    Listing,
    /// A message, up to the terminator.
    Body,
}

impl Kind {
    /// All kinds.
    pub const ALL: &'static [Kind] = &[
        Kind::User,
        Kind::Pass,
        Kind::Apop,
        Kind::Auth,
        Kind::AuthList,
        Kind::Stls,
        Kind::Capa,
        Kind::Utf8,
        Kind::Lang,
        Kind::LangList,
        Kind::Stat,
        Kind::ListAll,
        Kind::ListOne,
        Kind::UidlAll,
        Kind::UidlOne,
        Kind::Retr,
        Kind::Top,
        Kind::Dele,
        Kind::Rset,
        Kind::Noop,
        Kind::Last,
        Kind::Quit,
        Kind::Raw,
        Kind::RawListing,
    ];

    /// Returns the keyword of the command in upper case, or a description for raw commands.
    #[inline]
    pub(crate) const fn keyword(self) -> &'static str {
        match self {
            Kind::User => "USER",
            Kind::Pass => "PASS",
            Kind::Apop => "APOP",
            Kind::AuthList | Kind::Auth => "AUTH",
            Kind::Stls => "STLS",
            Kind::Capa => "CAPA",
            Kind::Utf8 => "UTF8",
            Kind::Lang | Kind::LangList => "LANG",
            Kind::Stat => "STAT",
            Kind::ListAll | Kind::ListOne => "LIST",
            Kind::UidlAll | Kind::UidlOne => "UIDL",
            Kind::Retr => "RETR",
            Kind::Top => "TOP",
            Kind::Dele => "DELE",
            Kind::Rset => "RSET",
            Kind::Noop => "NOOP",
            Kind::Last => "LAST",
            Kind::Quit => "QUIT",
            Kind::Raw => "a raw command",
            Kind::RawListing => "a raw multi-line command",
        }
    }

    /// Returns the shape of the answer after `+OK`. After `-ERR`, an answer is always one line.
    pub const fn shape(self) -> Shape {
        match self {
            Kind::Retr | Kind::Top => Shape::Body,
            Kind::AuthList | Kind::Capa | Kind::LangList | Kind::ListAll | Kind::UidlAll | Kind::RawListing => {
                Shape::Listing
            }
            _ => Shape::Single,
        }
    }

    /// Returns true if the command contains or may contain a secret. Its octets are then wiped, and its answer, which
    /// may echo them, is not shown.
    pub(crate) const fn is_secret(self) -> bool {
        matches!(self, Kind::Pass | Kind::Apop | Kind::Auth | Kind::Raw | Kind::RawListing)
    }

    /// Returns true if no command may follow this one until it is answered (RFC 2595, section 4; RFC 5034, section 4).
    pub(crate) const fn is_barrier(self) -> bool {
        matches!(self, Kind::Stls | Kind::Auth | Kind::Quit)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.keyword())
    }
}
