//! Messages and maildrops.

use std::collections::BTreeSet;
use std::string::String;
use std::vec::Vec;
use std::{format, vec};

use proptest::collection::{SizeRange, vec as list};
use proptest::prelude::{Just, Strategy};
use proptest::prop_oneof;

use crate::testing::maildrop::Mail;

/// Returns messages as they are stored, with everything that framing can get wrong: dots at the beginning of lines, a
/// line of one dot, bare CR and LF, NUL, octets that are not UTF-8, headers, and no line end at the end. Some are
/// larger than any buffer, and some have a line of up to 70,000 octets.
pub fn message() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        2 => Just(&b"a"[..]),
        4 => Just(&b"."[..]),
        3 => Just(&b"\r\n"[..]),
        2 => Just(&b"\n"[..]),
        2 => Just(&b"\r"[..]),
        1 => Just(&b"\0"[..]),
        1 => Just(&b"\xff\x80"[..]),
        1 => Just(&b"A: b\r\n\r\n"[..]),
        1 => Just(&b"\r\n.\r\n"[..]),
        1 => Just(&b"+OK\r\n-ERR\r\n"[..]),
    ];
    let times = prop_oneof![30 => Just(1), 2 => Just(700), 1 => 4000..9000_usize];
    let pieces = (list(piece, 0..14), times).prop_map(|(pieces, times)| pieces.concat().repeat(times));
    prop_oneof![9 => pieces, 1 => (0..70_000_usize).prop_map(|len| vec![b'x'; len])]
}

/// Returns unique-ids of 1 to 70 octets from 0x21 to 0x7E (RFC 1939, section 7).
pub fn unique_id() -> impl Strategy<Value = String> {
    "[!-~]{1,70}"
}

/// Returns messages with unique-ids.
pub fn mail() -> impl Strategy<Value = Mail> {
    (message(), unique_id()).prop_map(|(content, id)| Mail { id, content })
}

/// Returns maildrops with a number of messages in this range, whose unique-ids are all different.
pub fn maildrop(messages: impl Into<SizeRange>) -> impl Strategy<Value = Vec<Mail>> {
    list(mail(), messages).prop_map(|mut mails| {
        let mut taken = BTreeSet::new();
        for (at, mail) in mails.iter_mut().enumerate() {
            // A number makes an id unique, in at most 70 octets: no other id of this maildrop ends in it.
            while !taken.insert(mail.id.clone()) {
                mail.id = format!("{}-{at}", mail.id.chars().take(60).collect::<String>());
            }
        }
        mails
    })
}
