//! Alphabets, each with the length of the strings over it.

use crate::engine::Strings;

/// All octets that the protocol distinguishes outside of words, and one that stands for all others.
pub(crate) const OCTETS: Strings =
    Strings { name: "octets", prefix: b"", symbols: &[b"\r", b"\n", b".", b"+", b"-", b"1", b" ", b"x"], length: 4 };

/// The words of a server. The search cuts inside of them, too.
pub(crate) const WORDS: Strings = Strings {
    name: "words",
    prefix: b"",
    symbols: &[b"+OK", b"-ERR", b"+ ", b"\r\n", b"\n", b"\r", b".", b"x"],
    length: 4,
};

/// The octets that matter inside a message.
pub(crate) const LINES: Strings =
    Strings { name: "lines", prefix: b"", symbols: &[b"\r", b"\n", b".", b"x"], length: 7 };

/// The same after text that is longer than what the decoder examines octet by octet.
pub(crate) const FAR_LINES: Strings = Strings { name: "far lines", prefix: &[b'x'; 66], length: 3, ..LINES };
