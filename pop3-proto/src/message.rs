//! Header fields and lines of a retrieved message, parsed lazily from its octets.
//!
//! Mail is often malformed, so this module preserves every octet: each octet of a message is in its header section, in
//! the blank line after that, or in its body, and each octet of the header section is in a [`Header`], field or not.
//! Lines end in CRLF or a bare LF. A bare CR, a NUL and 8-bit octets are content. No charset is assumed and nothing is
//! decoded.
//!
//! ```
//! use pop3_proto::message::MessageRef;
//!
//! let message = MessageRef::new(b"From: a@example.org\r\nSubject: two\r\n lines\r\n\r\nHello.\r\n");
//! let subject = message.get("subject").unwrap();
//! assert_eq!(subject.raw_body(), b" two\r\n lines");
//! assert!(subject.unfolded().eq([&b"two"[..], b" lines"]));
//! assert_eq!(message.body(), b"Hello.\r\n");
//! assert!(message.body_lines().eq([b"Hello."]));
//! ```

#[cfg(feature = "alloc")]
use alloc::{borrow::Cow, vec::Vec};
use core::fmt;
use core::iter::FusedIterator;

use memchr::memchr;

/// A message over borrowed octets, without byte-stuffing. Creating one does not examine the octets.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct MessageRef<'a>(&'a [u8]);

impl<'a> MessageRef<'a> {
    /// Wraps any octets: a whole message, the result of TOP, or something else.
    pub const fn new(octets: &'a [u8]) -> Self {
        Self(octets)
    }

    /// Returns the whole message.
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// Returns the header section up to the first blank line, line ends included, or the whole message if it has no
    /// blank line.
    pub fn header_bytes(self) -> &'a [u8] {
        self.split().0
    }

    /// Returns everything after the first blank line, unchanged; empty if the message has no blank line (RFC 5322,
    /// 2.1).
    pub fn body(self) -> &'a [u8] {
        self.split().2
    }

    /// Splits the message into header section, line end of the blank line, and body.
    fn split(self) -> (&'a [u8], &'a [u8], &'a [u8]) {
        let mut lines = self.lines();
        let mut header = 0;
        while let Some(line) = lines.next() {
            let next = self.0.len() - lines.rest.0.len();
            if line.is_empty() {
                return (&self.0[..header], &self.0[header..next], lines.rest.0);
            }
            header = next;
        }
        (self.0, &[], &[])
    }

    /// Returns the fields of the header section in order, and the lines that are not fields.
    pub const fn headers(self) -> Headers<'a> {
        Headers { rest: self }
    }

    /// Returns the header fields in order, duplicates included, without the lines that are not fields.
    pub fn fields(self) -> impl Iterator<Item = Field<'a>> + Clone {
        self.headers().filter_map(|header| match header {
            Header::Field(field) => Some(field),
            Header::Stray(_) => None,
        })
    }

    /// Returns the first field with this case-insensitive name. Nothing after that field is examined.
    pub fn get(self, name: &str) -> Option<Field<'a>> {
        self.fields().find(|field| field.is(name))
    }

    /// Returns all fields with this case-insensitive name, in order.
    pub fn get_all(self, name: &str) -> impl Iterator<Item = Field<'a>> {
        self.fields().filter(move |field| field.is(name))
    }

    /// Returns all lines of the message, header section and blank line included.
    pub const fn lines(self) -> Lines<'a> {
        Lines { rest: self }
    }

    /// Returns the lines of the body.
    pub fn body_lines(self) -> Lines<'a> {
        Self(self.body()).lines()
    }
}

/// An item of a header section.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Header<'a> {
    /// A field with all its continuation lines.
    Field(Field<'a>),
    /// One line that is not a field, line end included: it has no colon, or no name before the colon, or it continues
    /// no field. An mbox `From ` line is an example.
    Stray(&'a [u8]),
}

impl<'a> Header<'a> {
    /// Returns the octets as they appear in the message, line ends included. Concatenated in order, they are the header
    /// section.
    pub const fn as_bytes(self) -> &'a [u8] {
        match self {
            Self::Field(field) => field.as_bytes(),
            Self::Stray(line) => line,
        }
    }
}

/// A header field (RFC 5322, section 2.2).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Field<'a> {
    octets: &'a [u8],
    name: &'a [u8],
    raw_body: &'a [u8],
}

impl<'a> Field<'a> {
    /// Returns the whole field as it appears in the message, line ends included.
    pub const fn as_bytes(self) -> &'a [u8] {
        self.octets
    }

    /// Returns the name as sent: one or more printable US-ASCII octets, without spaces before the colon (RFC 5322,
    /// 4.5).
    pub const fn name(self) -> &'a [u8] {
        self.name
    }

    /// Returns true if the field has this case-insensitive name.
    pub fn is(self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// Returns everything after the colon, still folded: with spaces and inner line ends, but without the last line
    /// end.
    pub const fn raw_body(self) -> &'a [u8] {
        self.raw_body
    }

    /// Returns the non-empty pieces of the unfolded body (RFC 5322, 2.2.3).
    ///
    /// Line ends are removed, and so are spaces and tabs before the first other octet: `Subject: x` yields `x`. All
    /// other spaces and tabs remain, including those at the beginning of a continuation line and trailing ones.
    pub const fn unfolded(self) -> Unfolded<'a> {
        Unfolded { lines: MessageRef(self.raw_body).lines(), started: false }
    }

    /// Returns the unfolded body in one piece, as described for [`unfolded`](Self::unfolded); borrowed if it was not
    /// folded.
    #[cfg(feature = "alloc")]
    pub fn body(self) -> Cow<'a, [u8]> {
        let mut pieces = self.unfolded();
        let first = pieces.next().unwrap_or_default();
        let Some(second) = pieces.next() else {
            return Cow::Borrowed(first);
        };
        let mut body = Vec::with_capacity(self.raw_body.len());
        body.extend_from_slice(first);
        body.extend_from_slice(second);
        body.extend(pieces.flatten());
        Cow::Owned(body)
    }
}

/// An iterator over the items of a header section, created by [`MessageRef::headers`].
#[derive(Clone, Debug)]
pub struct Headers<'a> {
    rest: MessageRef<'a>,
}

impl<'a> Iterator for Headers<'a> {
    type Item = Header<'a>;

    fn next(&mut self) -> Option<Header<'a>> {
        let mut end = line_len(self.rest.0);
        let line = without_end(&self.rest.0[..end]);
        if line.is_empty() {
            self.rest.0 = &[];
            return None;
        }
        // The field before consumed its continuation lines, so a line that begins with a space here continues nothing;
        // a name cannot contain a space. The same applies to an mbox `From ` line with a time of day.
        let Some((name, colon)) = memchr(b':', line).and_then(|colon| Some((field_name(&line[..colon])?, colon)))
        else {
            let (stray, rest) = self.rest.0.split_at(end);
            self.rest.0 = rest;
            return Some(Header::Stray(stray));
        };
        while let Some(b' ' | b'\t') = self.rest.0.get(end) {
            end += line_len(&self.rest.0[end..]);
        }
        let (octets, rest) = self.rest.0.split_at(end);
        self.rest.0 = rest;
        Some(Header::Field(Field { octets, name, raw_body: &without_end(octets)[colon + 1..] }))
    }
}

impl FusedIterator for Headers<'_> {}

/// An iterator over the pieces of an unfolded field body, created by [`Field::unfolded`].
#[derive(Clone, Debug)]
pub struct Unfolded<'a> {
    lines: Lines<'a>,
    started: bool,
}

impl<'a> Iterator for Unfolded<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        // Every line end inside a field is followed by a space or tab, or the field would end there. All of them are
        // removed.
        for line in self.lines.by_ref() {
            let blanks = line.iter().take_while(|octet| !self.started && is_blank(**octet)).count();
            if blanks < line.len() {
                self.started = true;
                return Some(&line[blanks..]);
            }
        }
        None
    }
}

impl FusedIterator for Unfolded<'_> {}

/// An iterator over lines without their line ends, created by [`MessageRef::lines`].
///
/// A line ends in CRLF or a bare LF; a bare CR is content. Octets after the last line end form a line, and an empty
/// input has no lines.
#[derive(Clone, Debug)]
pub struct Lines<'a> {
    rest: MessageRef<'a>,
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.0.is_empty() {
            return None;
        }
        let (line, rest) = self.rest.0.split_at(line_len(self.rest.0));
        self.rest.0 = rest;
        Some(without_end(line))
    }
}

impl FusedIterator for Lines<'_> {}

/// A message that owns its octets. Read it with the methods of [`view`](Self::view).
#[cfg(feature = "alloc")]
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Message {
    octets: Vec<u8>,
}

#[cfg(feature = "alloc")]
impl Message {
    /// Returns a [`MessageRef`], which has the methods to read the message.
    pub fn view(&self) -> MessageRef<'_> {
        MessageRef::new(&self.octets)
    }

    /// Returns the whole message.
    pub fn as_bytes(&self) -> &[u8] {
        &self.octets
    }

    /// Returns the whole message without copying it.
    pub fn into_bytes(self) -> Vec<u8> {
        self.octets
    }
}

#[cfg(feature = "alloc")]
impl From<Vec<u8>> for Message {
    fn from(octets: Vec<u8>) -> Self {
        Self { octets }
    }
}

/// Returns the length up to and including the first LF, or the whole length if there is none.
fn line_len(octets: &[u8]) -> usize {
    memchr(b'\n', octets).map_or(octets.len(), |lf| lf + 1)
}

fn without_end(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r\n").or_else(|| line.strip_suffix(b"\n")).unwrap_or(line)
}

/// Returns the field name in the octets before a colon, if there is one (RFC 5322, 2.2 and 4.5).
fn field_name(octets: &[u8]) -> Option<&[u8]> {
    let len = octets.iter().rposition(|octet| !is_blank(*octet))? + 1;
    octets[..len].iter().all(u8::is_ascii_graphic).then_some(&octets[..len])
}

const fn is_blank(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t')
}

// A message can be huge and is private: `Debug` shows only sizes and the names of fields.

impl fmt::Debug for MessageRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageRef({} octets)", self.0.len())
    }
}

#[cfg(feature = "alloc")]
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Message({} octets)", self.octets.len())
    }
}

impl fmt::Debug for Header<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(field) => field.fmt(f),
            Self::Stray(line) => write!(f, "Stray({} octets)", line.len()),
        }
    }
}

impl fmt::Debug for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Field({}, {} octets)", self.name.escape_ascii(), self.octets.len())
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;
    use std::{format, vec};

    use proptest::prelude::*;

    use super::*;

    fn headers(octets: &[u8]) -> Vec<Header<'_>> {
        MessageRef::new(octets).headers().collect()
    }

    fn unfolded(octets: &[u8]) -> Vec<u8> {
        let field = MessageRef::new(octets).fields().next().unwrap();
        let unfolded: Vec<u8> = field.unfolded().flatten().copied().collect();
        #[cfg(feature = "alloc")]
        {
            assert_eq!(*field.body(), unfolded[..]);
            assert_eq!(matches!(field.body(), Cow::Borrowed(_)), field.unfolded().count() < 2);
        }
        unfolded
    }

    #[test]
    fn fields_keep_their_order_and_duplicates() {
        let message = MessageRef::new(b"Received: 1\r\nTO \t: me\nreceived:2\r\n\r\nReceived: 3\r\n");
        let names: Vec<_> = message.fields().map(Field::name).collect();
        assert_eq!(names, [&b"Received"[..], b"TO", b"received"]);
        assert_eq!(message.get("rECEIVED").unwrap().raw_body(), b" 1");
        assert_eq!(message.get("to").unwrap().as_bytes(), b"TO \t: me\n");
        let received: Vec<_> = message.get_all("Received").map(Field::raw_body).collect();
        assert_eq!(received, [&b" 1"[..], b"2"]);
        assert!(message.get("Receive").is_none());
        assert!(message.get("").is_none());
    }

    #[test]
    fn lines_that_are_no_fields_are_not_lost() {
        for stray in [
            &b" continues nothing: x\r\n"[..],
            b"From me@example.org Sat Jan  3 01:05:34 1996\n",
            b"no colon\r\n",
            b": no name\r\n",
            b" \t: no name\r\n",
            b"two words: x\r\n",
            b"caf\xC3\xA9: x\r\n",
            b"nul\0: x\r\n",
        ] {
            let octets = [stray, b"\tcontinues no field\n", b"A: b\n c\n", stray.trim_ascii_start()].concat();
            let found = headers(&octets);
            assert_eq!(found[..2], [Header::Stray(stray), Header::Stray(b"\tcontinues no field\n")]);
            assert_eq!(found[2].as_bytes(), b"A: b\n c\n");
            assert_eq!(found.len(), 4, "{}", stray.escape_ascii());
        }
    }

    #[test]
    fn unfolding_takes_line_ends_and_leading_blanks_and_nothing_else() {
        for (octets, expected) in [
            (&b"S: x"[..], &b"x"[..]),
            (b"S:x\r\n", b"x"),
            (b"S: \t x \t\r\n", b"x \t"),
            (b"S:\r\n", b""),
            (b"S: \r\n\t\r\n \r\n", b""),
            (b"S:\r\n  x\r\n", b"x"),
            (b"S: a\r\n b\n\tc\r\n", b"a b\tc"),
            (b"S: a \r\n \r\n  b\r\nc", b"a    b"),
            (b"S: a\rb\r\r\n \0\xFF:\r", b"a\rb\r \0\xFF:\r"),
            (b"S: a\r\n\r\n b", b"a"),
        ] {
            assert_eq!(unfolded(octets), expected, "{}", octets.escape_ascii());
        }
    }

    #[test]
    fn the_first_blank_line_ends_the_header_section() {
        for (octets, header, body) in [
            (&b""[..], &b""[..], &b""[..]),
            (b"\n", b"", b""),
            (b"\r\n\r\nx", b"", b"\r\nx"),
            (b"A: b", b"A: b", b""),
            (b"A: b\r\n\r", b"A: b\r\n\r", b""),
            (b"A: b\r\n\n\nx\r", b"A: b\r\n", b"\nx\r"),
            (b"A: b\n \n\r\r\n\r\nx", b"A: b\n \n\r\r\n", b"x"),
        ] {
            let message = MessageRef::new(octets);
            assert_eq!((message.header_bytes(), message.body()), (header, body), "{}", octets.escape_ascii());
        }
    }

    #[test]
    fn lines_end_in_crlf_or_lf() {
        let message = MessageRef::new(b"a\r\nb\n\r\n\rc\rd\r\r\n\n\0\r");
        assert!(message.lines().eq([&b"a"[..], b"b", b"", b"\rc\rd\r", b"", b"\0\r"]));
        assert!(message.body_lines().eq([&b"\rc\rd\r"[..], b"", b"\0\r"]));
        assert_eq!(MessageRef::new(b"").lines().next(), None);
    }

    /// Examining the whole message each time would take minutes here.
    #[test]
    fn reads_no_further_than_asked() {
        let octets = [b"A: b\r\nC: d\r\n".to_vec(), vec![b'x'; 16 << 20]].concat();
        for _ in 0..100_000 {
            let message = MessageRef::new(&octets);
            assert!(message.headers().next().is_some() && message.lines().next().is_some());
            assert_eq!(message.get("a").unwrap().raw_body(), b" b");
        }
    }

    #[test]
    fn debug_tells_sizes() {
        let message = MessageRef::new(b"A: secret\r\nB\n");
        assert_eq!(format!("{message:?}"), "MessageRef(13 octets)");
        let headers: Vec<_> = message.headers().collect();
        assert_eq!(format!("{headers:?}"), "[Field(A, 11 octets), Stray(2 octets)]");
        #[cfg(feature = "alloc")]
        {
            let message = Message::from(message.as_bytes().to_vec());
            assert_eq!(message.view().as_bytes(), message.as_bytes());
            assert_eq!(format!("{message:?}"), "Message(13 octets)");
            assert_eq!(message.into_bytes(), b"A: secret\r\nB\n");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn nothing_is_lost(octets in prop::collection::vec(prop::sample::select(&b"aB::\r\n\n \t\0\xFF"[..]), 0..60)) {
            let message = MessageRef::new(&octets);
            let (header, separator, body) = message.split();
            prop_assert_eq!([header, separator, body].concat(), &octets[..]);
            prop_assert!(separator == b"\r\n" || separator == b"\n" || separator.is_empty() && header == octets);
            let pieces: Vec<_> = message.headers().map(Header::as_bytes).collect();
            prop_assert_eq!(pieces.concat(), header);

            // Like `slice::split`, except after the last LF.
            let mut lines: Vec<_> = octets.split(|octet| *octet == b'\n').collect();
            let last = lines.pop().unwrap();
            let mut lines: Vec<_> = lines.iter().map(|line| line.strip_suffix(b"\r").unwrap_or(line)).collect();
            lines.extend((!last.is_empty()).then_some(last));
            prop_assert_eq!(message.lines().collect::<Vec<_>>(), &lines[..]);
            let in_header = lines.iter().position(|line| line.is_empty()).unwrap_or(lines.len());
            prop_assert_eq!(message.body_lines().collect::<Vec<_>>(), lines.get(in_header + 1..).unwrap_or_default());

            for field in message.fields() {
                prop_assert!(field.as_bytes().starts_with(field.name()) && !field.name().is_empty());
                let unfolded: Vec<_> = field.unfolded().collect();
                prop_assert!(unfolded.iter().all(|piece| !piece.is_empty() && !piece.contains(&b'\n')));
                prop_assert!(!unfolded.concat().starts_with(b" ") && !unfolded.concat().starts_with(b"\t"));
            }
        }
    }
}
