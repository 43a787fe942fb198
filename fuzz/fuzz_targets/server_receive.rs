//! The server's role: its answers are the same wherever a client's octets are cut, and each line is answered once.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pop3_fuzz::{CheckedServer, Cuts, lines, serve, session};
use pop3_proto::serve::{Layered, MailStore, Maildrop, MaildropLayer};
use pop3_proto::wire::Timestamp;
use pop3_proto::{ServerConfig, Service};

fuzz_target!(|octets: &[u8]| {
    let Some((&[limits, seed], octets)) = octets.split_first_chunk() else { return };
    let config = config(limits);
    let all = [Cuts::Whole, Cuts::Every, Cuts::Some(seed)];

    // The bare role writes the client's own octets as the text of its answers.
    let text = String::from_utf8_lossy(octets);
    let servers = all.map(|cuts| {
        let mut server = CheckedServer::new(config, &text);
        server.offer(octets, cuts);
        server
    });
    let [whole, others @ ..] = &servers;
    for other in others {
        assert_eq!(other.error, whole.error);
        assert_eq!(other.heard, whole.heard);
        if whole.error.is_none() {
            assert_eq!((&other.server, &other.inbox), (&whole.server, &whole.inbox));
        }
    }

    // A whole service is compared with one that knows no user.
    let said = all.map(|cuts| hold(true, config, octets, cuts));
    let (whole, shown) = &said[0];
    for (other, other_shown) in &said[1..] {
        assert_eq!((other.escape_ascii().to_string(), other_shown), (whole.escape_ascii().to_string(), shown));
    }

    let limit = config.max_line.max(255) as usize;
    let same_limits = config.max_response.max(255) as usize == limit;
    // With two limits, the number of lines depends on what the server asked for.
    if same_limits {
        let lines = lines(octets, limit);
        let session = session(&lines, whole);
        let over = session.quit || shown.contains("state: Closed") || shown.contains("state: Handshake");
        assert!(over || session.answers == lines.len(), "{} answers to {} lines", session.answers, lines.len());
        let before = session.before_login;
        assert!(!before.windows(6).any(|seen| seen == b"CANARY"), "told before the login");
        let (stranger, _) = hold(false, config, octets, Cuts::Whole);
        assert!(stranger.starts_with(before), "who exists is told before the password");
        assert!(session.logged_in || stranger.len() == before.len());
    }
});

/// Returns the octets that a service says, with or without its user, and its state afterwards.
fn hold(exists: bool, config: ServerConfig, octets: &[u8], cuts: Cuts) -> (Vec<u8>, String) {
    let store = MailStore::new();
    if exists {
        store.add_user("u", "p");
        for message in ["A: CANARY\n\n.\n..\r\nCANARY", "", &"CANARY.\n".repeat(1000)] {
            store.deliver_as("u", &format!("CANARY-{}", message.len()), message);
        }
    }
    let timestamp = Timestamp::find(b"<1@host>").expect("it is one");
    let gulp = if let Cuts::Some(seed) = cuts { usize::from(seed) + 1 } else { usize::MAX };
    if let Cuts::Every = cuts {
        // A layer that changes nothing makes no difference.
        let layered = Layered { maildrop: Box::new(store.maildrop()), layer: Unchanged };
        return converse(Service::new(layered, config, Some(timestamp)), octets, cuts, gulp);
    }
    converse(Service::new(store.maildrop(), config, Some(timestamp)), octets, cuts, gulp)
}

/// A layer that changes nothing.
struct Unchanged;

impl MaildropLayer for Unchanged {}

fn converse<M: Maildrop>(mut service: Service<M>, octets: &[u8], cuts: Cuts, gulp: usize) -> (Vec<u8>, String) {
    let said = serve(&mut service, octets, cuts, gulp);
    assert!(service.wants_read() || service.wants_tls() || service.is_over(), "it waits for nobody");
    (masked(said), format!("{service:?}"))
}

/// Masks the challenges of SCRAM, which differ each time and have the same length.
fn masked(mut said: Vec<u8>) -> Vec<u8> {
    for line in said.split_inclusive_mut(|&octet| octet == b'\n') {
        if let [b'+', b' ', challenge @ .., b'\r', b'\n'] = line {
            challenge.fill(b'x');
        }
    }
    said
}

/// Returns a configuration. Octet `0` stands for the defaults with passwords permitted, and each bit of the others for
/// a change.
fn config(octet: u8) -> ServerConfig {
    let bits = octet ^ b'0';
    let max_response = match bits & 3 {
        0 => 255,
        1 => 256,
        2 => 300,
        _ => 64 * 1024,
    };
    ServerConfig::new()
        .max_line(if bits & 4 == 0 { 255 } else { 300 })
        .max_response(max_response)
        .max_refusals(if bits & 8 == 0 { 20 } else { 2 })
        .plaintext_login(bits & 0x10 == 0)
        .stls(bits & 0x20 != 0)
        .inside_tls(bits & 0x40 != 0)
        .max_before_login(if bits & 0x80 == 0 { 256 * 1024 } else { 400 })
}
