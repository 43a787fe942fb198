//! Lines of a server's answers, and the errors of writing them.

use core::fmt;

use crate::wire::code::Code;
use crate::wire::output::Output;

/// The longest line that a server writes, in octets with its CRLF (RFC 1939, section 3). Lines of messages and
/// challenges may be longer.
const MAX_REPLY: usize = 512;

/// An answer that is not permitted now. Nothing was written and nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// This answer is not due: another answer is due, or none, or the session is over.
    #[error("this answer is not due")]
    NotDue,
    /// The output has no room for the line.
    #[error("the output has no room for the line")]
    NoRoom,
    /// The line would have more than 512 octets, and truncation would change its meaning (RFC 1939, section 3).
    #[error("the line would have more than 512 octets")]
    TooLong,
}

/// A line to be sent, of at most 512 octets. No text can break it in two.
pub(crate) struct Line {
    octets: [u8; MAX_REPLY - 2],
    len: usize,
    /// The line was truncated.
    pub(crate) is_cut: bool,
}

impl Line {
    pub(crate) fn new(indicator: &str) -> Line {
        let mut line = Line { octets: [0; MAX_REPLY - 2], len: 0, is_cut: false };
        line.put(&indicator);
        line
    }

    pub(crate) fn refusal(code: Option<Code>, text: impl fmt::Display) -> Line {
        let mut line = Line::new("-ERR ");
        if let Some(code) = code.map(Code::as_str).filter(|code| !code.is_empty()) {
            line.put(&format_args!("[{code}] "));
        }
        line.text(text);
        line
    }

    pub(crate) fn put(&mut self, what: &impl fmt::Display) {
        // Only the `Display` of `what` can fail; what it has written so far is kept.
        let _ = fmt::Write::write_fmt(self, format_args!("{what}"));
    }

    /// Appends a text for humans that cannot be mistaken for a response code (RFC 2449, section 6.4).
    pub(crate) fn text(&mut self, text: impl fmt::Display) {
        let start = self.len;
        self.put(&text);
        let whole = self.octets.get_mut(..self.len);
        let Some((before, text)) = whole.and_then(|line| line.split_at_mut_checked(start)) else { return };
        if let Some(bracket) = text.iter_mut().find(|octet| **octet != b' ').filter(|octet| **octet == b'[') {
            *bracket = b'(';
        }
        // `+OK` without a text is not followed by a space.
        if text.is_empty() && before.ends_with(b" ") {
            self.len -= 1;
        }
    }

    /// Appends `end` as the last word, and truncates the text before it if necessary. The text before it contains no
    /// other timestamp.
    pub(crate) fn timestamp(&mut self, end: &[u8]) {
        self.len = self.len.min((self.octets.len() - 1).saturating_sub(end.len()));
        self.octets[..self.len].iter_mut().filter(|octet| **octet == b'<').for_each(|octet| *octet = b'(');
        if !self.octets[..self.len].ends_with(b" ") {
            self.push(' ');
        }
        for &octet in end {
            self.push(char::from(octet));
        }
    }

    pub(crate) fn push(&mut self, c: char) {
        let octet = u8::try_from(c).ok().filter(|octet| matches!(octet, b' '..=b'~')).unwrap_or(b'?');
        match self.octets.get_mut(self.len) {
            Some(space) => {
                *space = octet;
                self.len += 1;
            }
            None => self.is_cut = true,
        }
    }

    /// Applies byte-stuffing, for lines of a listing.
    pub(crate) fn stuff(&mut self) -> Result<(), AnswerError> {
        if self.octets[..self.len].first() == Some(&b'.') {
            if self.len == self.octets.len() {
                return Err(AnswerError::TooLong);
            }
            self.octets.copy_within(..self.len, 1);
            self.len += 1;
        }
        Ok(())
    }

    pub(crate) fn write(self, out: &mut impl Output) -> Result<(), AnswerError> {
        let line = out.line(self.len + 2).and_then(|line| line.split_at_mut_checked(self.len));
        let (text, end) = line.ok_or(AnswerError::NoRoom)?;
        text.copy_from_slice(&self.octets[..self.len]);
        end.copy_from_slice(b"\r\n");
        Ok(())
    }
}

impl fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().for_each(|c| self.push(c));
        Ok(())
    }
}
