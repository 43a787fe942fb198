//! Texts for humans.

use core::fmt;

/// Text from a server for humans. It is displayed with control characters, direction marks and non-UTF-8 octets
/// escaped.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Text<'a>(&'a [u8]);

impl<'a> Text<'a> {
    /// Wraps octets as text.
    pub const fn new(octets: &'a [u8]) -> Text<'a> {
        Text(octets)
    }

    /// Returns the octets as received.
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for c in chunk.valid().chars() {
                if c.is_control() || is_invisible(c) {
                    write!(f, "{}", c.escape_unicode())?;
                } else {
                    fmt::Write::write_char(f, c)?;
                }
            }
            for octet in chunk.invalid() {
                write!(f, "\\x{octet:02x}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// Returns true for characters that are invisible, but change how their neighbors look or separate lines.
const fn is_invisible(c: char) -> bool {
    let spaces_and_marks = matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{feff}');
    let breaks_and_directions = matches!(c, '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}');
    let annotations_and_tags = matches!(c, '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
    spaces_and_marks || breaks_and_directions || annotations_and_tags
}
