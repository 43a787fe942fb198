//! Arguments of commands: the octets that may be sent (RFC 1939, section 3).

/// The reason why an argument may not be sent (RFC 1939, section 3). It never contains the argument itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum BadArgument {
    /// An argument must have at least one octet.
    #[error("an argument is empty")]
    Empty,
    /// CR, LF, NUL or another control character.
    #[error("an argument contains a control character")]
    Control,
    /// A space, which would split the argument in two.
    #[error("an argument contains a space")]
    Blank,
    /// Octets above 127, although the server has not announced `UTF8 USER` (RFC 6856, section 2.2).
    #[error("an argument is not ASCII, and the server has not announced UTF8 USER")]
    NotAscii,
    /// The name of a mechanism must be 1 to 20 of `A-Z`, `0-9`, `-` and `_` (RFC 4422, section 3.1).
    #[error("this is not a valid name of a SASL mechanism")]
    Mechanism,
    /// Data given as Base64 is not Base64.
    #[error("the data is not Base64")]
    Base64,
    /// A message number is 0. Message numbers begin at 1 (RFC 1939, section 4).
    #[error("message numbers begin at 1")]
    Zero,
    /// A name or password contains characters that `SASLprep` prohibits (RFC 4013, section 2.3).
    #[error("a name or password contains prohibited characters")]
    Unprepared,
    /// A raw command has no keyword, or a keyword for which [`Command`](crate::wire::command::Command) has a variant.
    #[error("a raw command needs a keyword that no other command has")]
    Keyword,
}

/// The characters that a name may contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Charset {
    /// US-ASCII (RFC 1939, section 3).
    Ascii,
    /// UTF-8, for servers that have announced `UTF8 USER` (RFC 6856, section 2.2).
    Utf8,
}

impl Charset {
    /// Returns the characters of names for a server that has announced `UTF8 USER` or not.
    pub(crate) const fn of_names(utf8_user: bool) -> Charset {
        if utf8_user { Charset::Utf8 } else { Charset::Ascii }
    }
}

/// Checks text that may contain spaces.
pub(crate) fn check_line(text: &str, charset: Charset) -> Result<(), BadArgument> {
    match text.bytes().find_map(|b| match b {
        0..=0x1f | 0x7f => Some(BadArgument::Control),
        0x80.. if charset == Charset::Ascii => Some(BadArgument::NotAscii),
        _ => None,
    }) {
        Some(bad) => Err(bad),
        None if text.is_empty() => Err(BadArgument::Empty),
        None => Ok(()),
    }
}

/// Checks text that is a single argument.
pub(crate) fn check_word(text: &str, charset: Charset) -> Result<(), BadArgument> {
    check_line(text, charset)?;
    if text.contains(' ') { Err(BadArgument::Blank) } else { Ok(()) }
}
