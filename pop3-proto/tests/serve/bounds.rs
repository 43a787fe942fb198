//! Limits of the resources that a client without a login can take from a server.

use std::cell::Cell;
use std::rc::Rc;

#[cfg(feature = "scram")]
use pop3_proto::sasl::{ScramKeys, ScramSecret};
use pop3_proto::serve::{Denial, LoginAttempt, MailStore, Maildrop, StoreError};
use pop3_proto::{ServerConfig, Service, State};
use proptest::prelude::*;

use crate::service::{drain, feed};

const CONFIG: ServerConfig = ServerConfig::new().plaintext_login(true).stls(true);

/// The octets that the buffers may hold in all: the longest line, and answers that are not read.
const BUFFERS: usize = 64 * 1024 + 128 * 1024;

/// A store that counts what it is asked for.
#[derive(Clone, Default)]
struct Counting {
    asked: Rc<Cell<u32>>,
}

impl Maildrop for Counting {
    fn login(&mut self, _: LoginAttempt<'_>) -> Result<(), Denial> {
        self.asked.set(self.asked.get() + 1);
        Err(Denial::Credentials)
    }
    #[cfg(feature = "scram")]
    fn has_scram(&self) -> bool {
        true
    }
    #[cfg(feature = "scram")]
    fn scram_keys(&mut self, user: &str) -> Result<ScramKeys, StoreError> {
        self.asked.set(self.asked.get() + 1);
        Ok(ScramSecret::new([1; 32]).keys_of_nobody(user, 4096))
    }
    fn count(&self) -> u32 {
        unreachable!("nobody logs in")
    }
    fn octets(&self, _: u32) -> u64 {
        unreachable!("nobody logs in")
    }
    fn unique_id(&self, _: u32) -> &str {
        unreachable!("nobody logs in")
    }
    fn read(&mut self, _: u32, _: u64, _: &mut [u8]) -> Result<usize, StoreError> {
        unreachable!("nobody logs in")
    }
    fn remove(&mut self, _: &mut dyn Iterator<Item = u32>) -> Result<(), StoreError> {
        unreachable!("nobody logs in")
    }
}

/// The cost of a session.
#[derive(Debug, Default)]
struct Cost {
    taken: usize,
    held: usize,
    asked: u32,
}

/// Sends these pieces over and over until the session is over.
fn exhaust(config: ServerConfig, pieces: &[&[u8]]) -> Cost {
    let store = Counting::default();
    let mut service = Service::new(store.clone(), config, None);
    let mut cost = Cost::default();
    for mut rest in pieces.iter().copied().cycle() {
        while !rest.is_empty() {
            service.written(usize::MAX);
            if service.wants_tls() {
                service.tls_established();
            }
            if service.is_over() {
                cost.asked = store.asked.get();
                return cost;
            }
            let spare = service.spare();
            let len = rest.len().min(spare.len());
            spare[..len].copy_from_slice(&rest[..len]);
            rest = &rest[len..];
            cost.taken += len;
            service.filled(len);
            cost.held = cost.held.max(service.buffered());
            assert!(cost.taken <= 1 << 20, "it never ends: {cost:?}");
        }
    }
    unreachable!("there are pieces")
}

#[test]
fn g02_every_way_to_go_on_comes_to_an_end() {
    let long = vec![b'A'; 4096];
    let all = ServerConfig::default().max_before_login as usize;
    let a_line = ServerConfig::default().max_response as usize;
    // Each row has the lines to repeat, the most octets of them that are taken, and the most often that the store is
    // asked.
    let ways: &[(&[&[u8]], usize, u32)] = &[
        (&[b"XYZZY\r\n"], 20 * 7, 0),
        (&[b"\n"], 20, 0),
        (&[b"PASS x\r\n"], 20 * 8, 0),
        (&[b"USER u\r\nPASS x\r\n"], 20 * 16, 20),
        (&[b"USER u\r\n"], all, 0),
        (&[b"CAPA\r\n"], all, 0),
        (&[b"USER u\r\nCAPA\r\n"], all, 0),
        // This line never ends.
        (&[&long], all, 0),
        (&[b"CAPA\r", &long], all, 0),
        // AUTH begins again and again.
        (&[b"AUTH PLAIN\r\n*\r\n"], 20 * 15, 0),
        (&[b"AUTH PLAIN\r\n\r\n"], 20 * 14, 0),
        (&[b"AUTH PLAIN AHUAeA==\r\n"], 20 * 21, 20),
        (&[b"AUTH NOSUCH\r\n"], 20 * 13, 0),
        // This response never ends.
        (&[b"AUTH PLAIN\r\n", &vec![b'A'; a_line + 1]], a_line, 0),
        (&[b"APOP u c4c9334bac560ecc979e58001b3e22fb\r\n"], 20 * 41, 0),
        // Inside TLS the counts do not start anew.
        (&[b"STLS\r\n", b"XYZZY\r\n"], 20 * 13, 0),
    ];
    for (pieces, taken, asked) in ways {
        let cost = exhaust(CONFIG, pieces);
        let way = String::from_utf8_lossy(pieces[0]);
        // Octets that were read ahead are taken too: at most as many as the buffer holds.
        assert!(cost.taken <= taken + a_line, "{way:?}: {cost:?}");
        assert!(cost.held <= BUFFERS, "{way:?}: {cost:?}");
        assert!(cost.asked <= *asked, "{way:?}: {cost:?}");
    }
}

#[test]
#[cfg(feature = "scram")]
fn g02_scram_costs_no_more_than_its_refusals() {
    let long = vec![b'A'; 70_000];
    // The pieces are `n,,n=u,r=x` and an invalid proof.
    for (pieces, asked) in [
        (&[&b"AUTH SCRAM-SHA-256 biwsbj11LHI9eA==\r\n*\r\n"[..]][..], 20),
        (&[b"AUTH SCRAM-SHA-256 biwsbj11LHI9eA==\r\nAAAA\r\n"], 20),
        (&[b"AUTH SCRAM-SHA-256\r\nbiwsbj11LHI9eA==\r\nAAAA\r\n"], 20),
        (&[b"AUTH SCRAM-SHA-256\r\n\r\n"], 0),
        (&[b"AUTH SCRAM-SHA-256 biwsbj11LHI9eA==\r\n", &long], 1),
    ] {
        let cost = exhaust(CONFIG, pieces);
        assert!(cost.asked == asked && cost.held <= BUFFERS && cost.taken <= 128 * 1024, "{cost:?}");
    }
}

#[test]
fn g02_a_million_bad_commands_are_not_answered() {
    let mut service = Service::new(Counting::default(), CONFIG, None);
    let said = feed(&mut service, &b"XYZZY\r\n".repeat(1_000_000), usize::MAX);
    assert_eq!(said.matches("-ERR unknown command\r\n").count(), 20);
    assert!(service.is_over() && service.state() == State::Closed);
}

#[test]
fn g02_a_line_of_a_mebioctet_ends_the_session() {
    let mut service = Service::new(Counting::default(), CONFIG, None);
    let said = feed(&mut service, &vec![b'x'; 1 << 20], usize::MAX);
    assert!(said.ends_with("ready\r\n-ERR the line is too long\r\n"), "one line, one answer: {said}");
    assert!(service.is_over());
}

#[test]
fn a_client_that_does_not_read_is_not_read_from() {
    let mut service = Service::new(Counting::default(), CONFIG, None);
    let (capa, mut held) = (b"CAPA\r\n".repeat(100), 0);
    while service.wants_read() {
        let spare = service.spare();
        let len = spare.len().min(capa.len());
        spare[..len].copy_from_slice(&capa[..len]);
        service.filled(len);
        held = held.max(service.buffered());
    }
    assert!(!service.is_over() && service.pending().len() <= 64 * 1024);
    assert!(held <= BUFFERS, "{held}");
}

#[test]
fn the_bound_is_exact_and_ends_with_the_login() {
    let config = ServerConfig::new().max_before_login(20).plaintext_login(true);
    let store = MailStore::new();
    store.add_user("u", "pw");
    let session = |said: &str| {
        let mut service = Service::new(store.maildrop(), config, None);
        drain(&mut service);
        let answers = feed(&mut service, said.as_bytes(), 1);
        (answers, service.is_over())
    };
    let (answers, over) = session("USER u\r\nPASS 67890\r\n");
    assert!(answers.ends_with("-ERR [AUTH] wrong user name or password\r\n") && !over, "{answers}");
    let (answers, over) = session("USER u\r\nPASS 678901\r\n");
    assert!(answers.ends_with("-ERR too much was sent before the login\r\n") && over, "{answers}");
    let (answers, over) = session(&format!("USER u\r\nPASS pw\r\n{}", "NOOP\r\n".repeat(100)));
    assert!(answers.ends_with("+OK\r\n") && !over, "{answers}");
}

#[test]
fn stls_does_not_renew_the_bounds() {
    let mut service = Service::new(Counting::default(), CONFIG.max_refusals(3), None);
    feed(&mut service, b"X\r\nX\r\nSTLS\r\n", usize::MAX);
    service.tls_established();
    assert_eq!(feed(&mut service, b"X\r\nX\r\n", usize::MAX), "-ERR unknown command\r\n");
    assert!(service.is_over());

    let mut service = Service::new(Counting::default(), CONFIG.max_before_login(30), None);
    feed(&mut service, b"CAPA\r\nCAPA\r\nCAPA\r\nSTLS\r\n", usize::MAX);
    service.tls_established();
    let said = feed(&mut service, b"CAPA\r\nCAPA\r\n", usize::MAX);
    assert!(said.ends_with(".\r\n-ERR too much was sent before the login\r\n") && service.is_over(), "{said}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// No lines end in a login or go on for ever, however often they are repeated.
    #[test]
    fn no_client_goes_on_forever(lines in prop::collection::vec(line(), 1..6)) {
        let config = CONFIG.max_before_login(8192).max_response(1024);
        let pieces: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
        let cost = exhaust(config, &pieces);
        prop_assert!(cost.taken <= 8192 + 1024, "{:?}", cost);
        prop_assert!(cost.held <= 1024 + 128 * 1024 && cost.asked <= 20, "{:?}", cost);
    }
}

fn line() -> impl Strategy<Value = Vec<u8>> {
    let known = prop_oneof![
        Just("CAPA"),
        Just("USER u"),
        Just("PASS p"),
        Just("AUTH PLAIN"),
        Just("AUTH PLAIN AHUAeA=="),
        Just("AUTH SCRAM-SHA-256"),
        Just("AUTH SCRAM-SHA-256 biwsbj11LHI9eA=="),
        Just("biwsbj11LHI9eA=="),
        Just("APOP u c4c9334bac560ecc979e58001b3e22fb"),
        Just("STLS"),
        Just("UTF8"),
        Just("*"),
        Just("="),
        Just(""),
    ];
    prop_oneof![
        8 => known.prop_map(|line| format!("{line}\r\n").into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 1..300),
        1 => (1..2000usize).prop_map(|len| vec![b'A'; len]),
    ]
}
