//! Unique-ids in the formats of serde.

use std::collections::BTreeMap;

use pop3_proto::drive::OwnedUniqueId;
use pop3_proto::wire::UniqueId;
use proptest::prelude::*;
use serde_test::{Configure as _, Token, assert_tokens};

fn id(octets: &[u8]) -> OwnedUniqueId {
    UniqueId::new(octets).into()
}

#[test]
fn text_for_people_and_octets_for_programs() {
    for (octets, text) in [
        (&b"whqtswO00WBw418f9t5JxYwZ"[..], "whqtswO00WBw418f9t5JxYwZ"),
        (b"", ""),
        (b"!~\"'", "!~\"'"),
        // As some servers send them.
        (b"<a b>", "<a\\x20b>"),
        (b"\xc3\xa9\0\x7f", "\\xc3\\xa9\\x00\\x7f"),
        // What looks like an escape is none.
        (b"\\x20", "\\x5cx20"),
    ] {
        assert_tokens(&id(octets).readable(), &[Token::Str(text)]);
        assert_tokens(&id(octets).compact(), &[Token::Bytes(octets)]);
    }
}

#[test]
fn an_id_is_a_key_in_json() {
    let seen = BTreeMap::from([(id(b"a\\b\xff"), 7)]);
    let json = serde_json::to_string(&seen).unwrap();
    assert_eq!(json, r#"{"a\\x5cb\\xff":7}"#);
    assert_eq!(serde_json::from_str::<BTreeMap<OwnedUniqueId, u32>>(&json).unwrap(), seen);
}

#[test]
fn an_invalid_id_is_rejected() {
    for json in [
        r#""a b""#,
        r#""\\""#,
        r#""\\x""#,
        r#""\\x4""#,
        r#""\\xg0""#,
        r#""\\x+1""#,
        r#""\\n""#,
        r#""é""#,
        "7",
        "[97]",
        "null",
    ] {
        assert!(serde_json::from_str::<OwnedUniqueId>(json).is_err(), "{json}");
    }
}

proptest! {
    #[test]
    fn all_octets_come_back(octets: Vec<u8>) {
        let json = serde_json::to_string(&id(&octets)).unwrap();
        prop_assert_eq!(serde_json::from_str::<OwnedUniqueId>(&json).unwrap(), id(&octets));
    }
}
