//! Tests of messages, also of any octets.

extern crate std;

#[cfg(feature = "alloc")]
use std::borrow::Cow;
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
    let received: Vec<_> = message.fields().filter(|field| field.is("Received")).map(Field::raw_body).collect();
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
    assert!(MessageRef::new(message.body()).lines().eq([&b"\rc\rd\r"[..], b"", b"\0\r"]));
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
        prop_assert_eq!(MessageRef::new(message.body()).lines().collect::<Vec<_>>(), lines.get(in_header + 1..).unwrap_or_default());

        for field in message.fields() {
            prop_assert!(field.as_bytes().starts_with(field.name()) && !field.name().is_empty());
            let unfolded: Vec<_> = field.unfolded().collect();
            prop_assert!(unfolded.iter().all(|piece| !piece.is_empty() && !piece.contains(&b'\n')));
            prop_assert!(!unfolded.concat().starts_with(b" ") && !unfolded.concat().starts_with(b"\t"));
        }
    }
}
