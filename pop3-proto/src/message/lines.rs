//! Lines, which end in CRLF or a bare LF.

use core::iter::FusedIterator;

use memchr::memchr;

use crate::message::MessageRef;

/// An iterator over lines without their line ends, created by [`MessageRef::lines`].
///
/// A line ends in CRLF or a bare LF; a bare CR is content. Octets after the last line end form a line, and an empty
/// input has no lines.
#[derive(Clone, Debug)]
pub struct Lines<'a> {
    pub(super) rest: MessageRef<'a>,
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.0.is_empty() {
            return None;
        }
        let (line, rest) = self.rest.0.split_at_checked(line_len(self.rest.0))?;
        self.rest.0 = rest;
        Some(without_end(line))
    }
}

impl FusedIterator for Lines<'_> {}

/// Returns the length up to and including the first LF, or the whole length if there is none.
pub(super) fn line_len(octets: &[u8]) -> usize {
    memchr(b'\n', octets).map_or(octets.len(), |lf| lf + 1)
}

pub(super) fn without_end(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r\n").or_else(|| line.strip_suffix(b"\n")).unwrap_or(line)
}
