//! Texts of others: POP URLs, netrc files, timestamps, Base64, and texts for humans. Each parser finds the same as a
//! naive one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pop3_fuzz::login::{base64, unbase64};
use pop3_fuzz::naive_netrc::{entries, select};
use pop3_fuzz::naive_url::{may_have_password, url};
use pop3_proto::login::netrc::find;
use pop3_proto::login::{Connect, Methods, PopUrl, Security, UrlError};
use pop3_proto::wire::{Digest, Payload, Text, Timestamp};

fuzz_target!(|octets: &[u8]| {
    if let Ok(text) = std::str::from_utf8(octets) {
        check_url(text);
    }
    check_netrc(octets);
    check_timestamp(octets);
    check_base64(octets);
    check_text(octets);
});

fn check_url(text: &str) {
    let parsed = text.parse::<PopUrl>();
    let found = parsed.as_ref().ok().map(|parsed| pop3_fuzz::naive_url::Url {
        tls: parsed.security == Security::Tls,
        user: parsed.user.clone(),
        mechanism: parsed.method.as_ref().map(|method| match method.name() {
            "APOP" => "+APOP".to_owned(),
            name => name.to_owned(),
        }),
        host: parsed.host.clone(),
        port: parsed.port,
    });
    assert_eq!(found, url(text), "{text:?}: {parsed:?}");
    assert_eq!(parsed == Err(UrlError::Password), may_have_password(text), "{text:?}");
    let connect = text.parse::<Connect>();
    assert_eq!(connect.as_ref().err(), parsed.as_ref().err());
    if let (Ok(connect), Ok(parsed)) = (connect, parsed) {
        let default = if parsed.security == Security::Tls { 995 } else { 110 };
        assert_eq!(connect.server().expect("a URL has a host"), (parsed.host.as_str(), parsed.port.unwrap_or(default)));
        assert_eq!(connect.get_policy().methods, parsed.method.map(Methods::from));
        assert_eq!((connect.get_policy().security, connect.get_policy().allow_plaintext), (parsed.security, false));
    }
}

fn check_netrc(octets: &[u8]) {
    let all = entries(octets);
    for (host, user) in [("h", None), ("h", Some("u")), ("mail.example.org", Some("two words"))] {
        let found = find(octets, host, user);
        let expected = all.as_ref().map(|all| select(all, host, user));
        match (&found, expected) {
            (Ok(None), Some(None)) | (Err(_), None) => {}
            (Ok(Some(entry)), Some(Some(expected))) => {
                assert_eq!(
                    (entry.login.as_bytes(), entry.password.as_bytes()),
                    (&*expected.login, &*expected.password)
                );
                let shown = format!("{entry:?}");
                assert_eq!(shown, format!("NetrcEntry {{ login: {:?}, .. }}", entry.login));
            }
            (Err(_), Some(Some(expected))) => {
                let texts = [expected.login, expected.password].map(String::from_utf8);
                assert!(texts.iter().any(Result::is_err), "it could be read: {texts:?}");
            }
            (_, expected) => panic!("{found:?} instead of {expected:?}"),
        }
        if let Err(error) = found {
            let lines = octets.split(|&octet| octet == b'\n').count();
            assert!((1..=lines).contains(&error.line), "line {} of {lines}", error.line);
        }
    }
}

/// The first `<` decides: if a msg-id begins there, it is the timestamp. Otherwise, it comes after a later `>`, if at
/// all.
fn check_timestamp(octets: &[u8]) {
    let found = Timestamp::find(octets).map(|timestamp| timestamp.as_bytes());
    let Some(start) = octets.iter().position(|&octet| octet == b'<') else { return assert_eq!(found, None) };
    let first = (start..octets.len()).map(|end| &octets[start..=end]).find(|text| is_msg_id(text));
    match (first, found) {
        (Some(first), found) => assert_eq!(found, Some(first)),
        (None, Some(found)) => {
            assert!(is_msg_id(found), "{}", found.escape_ascii());
            let close = octets[start..].iter().position(|&octet| octet == b'>').expect("something was skipped");
            assert!(octets[start + close..].windows(found.len()).any(|window| window == found));
        }
        (None, None) => {}
    }
    let later = [b"<not one> ", octets].concat();
    assert_eq!(Timestamp::find(&later).map(|timestamp| timestamp.as_bytes()), found);
    if let Some(timestamp) = Timestamp::find(octets) {
        let digest = Digest::new(timestamp, octets);
        let upper = digest.as_bytes().to_ascii_uppercase();
        assert!(Digest::parse(&upper).is_some_and(|parsed| parsed.verify(&digest)));
        assert!(!Digest::new(timestamp, b"other").verify(&digest) || octets == b"other");
    }
}

/// Returns true for a msg-id of RFC 822 without comments, folding and tabs, and without quoted pairs in its domain.
fn is_msg_id(text: &[u8]) -> bool {
    let Some(inside) = text.strip_prefix(b"<").and_then(|text| text.strip_suffix(b">")) else { return false };
    // The first `@` outside quotes separates the two halves.
    let (mut is_quoted, mut is_escaped, mut at) = (false, false, None);
    for (place, &octet) in inside.iter().enumerate() {
        match octet {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            b'@' if !is_quoted => {
                at = Some(place);
                break;
            }
            _ => {}
        }
    }
    let Some(at) = at else { return false };
    let printable = inside.iter().all(|octet| (b' '..=b'~').contains(octet));
    printable
        && parts(&inside[..at], b'"').iter().all(|part| is_atom(part) || is_quoted_string(part))
        && parts(&inside[at + 1..], b'[').iter().all(|part| is_atom(part) || is_literal(part))
}

/// Splits at the dots outside quoted strings or domain literals.
fn parts(text: &[u8], open: u8) -> Vec<Vec<u8>> {
    let close = if open == b'[' { b']' } else { open };
    let (mut parts, mut is_inside, mut is_escaped) = (vec![Vec::new()], false, false);
    for &octet in text {
        let ends_part = octet == b'.' && !is_inside;
        if is_escaped {
            is_escaped = false;
        } else if octet == b'\\' && is_inside {
            is_escaped = true;
        } else if !is_inside && octet == open {
            is_inside = true;
        } else if is_inside && octet == close {
            is_inside = false;
        }
        if ends_part {
            parts.push(Vec::new());
        } else {
            parts.last_mut().expect("there is one").push(octet);
        }
    }
    parts
}

fn is_atom(part: &[u8]) -> bool {
    !part.is_empty() && !part.iter().any(|octet| b" ()<>@,;:\\\".[]".contains(octet))
}

fn is_quoted_string(part: &[u8]) -> bool {
    let Some(inside) = part.strip_prefix(b"\"").and_then(|part| part.strip_suffix(b"\"")) else { return false };
    let mut octets = inside.iter();
    while let Some(octet) = octets.next() {
        if *octet == b'"' || (*octet == b'\\' && octets.next().is_none()) {
            return false;
        }
    }
    true
}

fn is_literal(part: &[u8]) -> bool {
    let inside = part.strip_prefix(b"[").and_then(|part| part.strip_suffix(b"]"));
    inside.is_some_and(|inside| !inside.iter().any(|octet| b" []\\@<>".contains(octet)))
}

/// A text decodes only if it is the encoding of what it decodes to.
fn check_base64(octets: &[u8]) {
    let encoded = base64(octets);
    assert_eq!(Payload::Octets(octets).encoded_len(), encoded.len());
    assert_eq!(Payload::Base64(&encoded).to_vec().expect("it is Base64").as_slice(), octets);
    let naive = unbase64(octets);
    let is_base64 = base64(&naive) == octets;
    let decoded = Payload::Base64(octets).to_vec();
    assert_eq!(decoded.as_ref().map(|octets| octets.as_slice()).ok(), is_base64.then_some(&*naive));
    let mut small = vec![0; naive.len()];
    assert_eq!(Payload::Base64(octets).decode(&mut small).is_ok(), is_base64);
    if let Some(short) = naive.len().checked_sub(1) {
        assert!(Payload::Base64(octets).decode(&mut small[..short]).is_err());
    }
}

/// A text for humans shows each octet, and nothing that a terminal interprets.
fn check_text(octets: &[u8]) {
    let text = Text::new(octets);
    let shown = text.to_string();
    assert!(!shown.chars().any(|c| c.is_control() || is_hidden(c)), "{shown:?}");
    let mut expected = String::new();
    let mut rest = octets;
    while !rest.is_empty() {
        // A prefix of four octets or fewer that is one character.
        let one = (1..=rest.len().min(4)).find_map(|len| {
            let mut chars = std::str::from_utf8(&rest[..len]).ok()?.chars();
            Some((len, chars.next()?))
        });
        let (taken, text) = match one {
            Some((len, c)) if c.is_control() || is_hidden(c) => (len, format!("\\u{{{:x}}}", u32::from(c))),
            Some((len, c)) => (len, c.to_string()),
            None => (1, format!("\\x{:02x}", rest[0])),
        };
        expected += &text;
        rest = &rest[taken..];
    }
    assert_eq!(shown, expected);
    assert_eq!(format!("{text:?}"), format!("\"{expected}\""));
}

/// Marks and breaks that change how the text around them looks (Unicode Standard Annexes 9 and 14), and tags.
fn is_hidden(c: char) -> bool {
    matches!(
        u32::from(c),
        0xAD | 0x61C | 0x180E | 0x200B..=0x200F | 0x2028..=0x202E | 0x2060..=0x206F | 0xFEFF | 0xFFF9..=0xFFFB
            | 0xE0000..=0xE007F
    )
}
