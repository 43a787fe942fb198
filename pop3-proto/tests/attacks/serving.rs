//! G: the server's side. Tests that need a clock are with the adapters.

use pop3_proto::drive::Retrieval;
use pop3_proto::serve::{Denial, LoginAttempt, MailStore, Maildrop, StoreError};
use pop3_proto::{Config, ServerConfig, Service, State, transmitted_octets};
use proptest::prelude::*;

use crate::memory::used;
use crate::oracle::base64;
use crate::play::{CLEAR, CUTS, Play};
use crate::service::{GREETING, PLAINTEXT, drain, feed, store};

const STLS: ServerConfig = PLAINTEXT.stls(true);

fn served(config: ServerConfig) -> Service<impl Maildrop> {
    let mut service = Service::new(store().maildrop(), config, None);
    assert_eq!(drain(&mut service), GREETING);
    service
}

#[test]
fn g01_commands_behind_stls_are_executed_nowhere() {
    let tails = ["USER bob\r\nPASS pw\r\n", "CAPA\r\n", "QUIT\r\n", "\r\n", "\n", "\x16\x03\x01"];
    for tail in tails {
        for len in 1..=tail.len() {
            let tail = &tail[..len];
            // The tail is in one segment with STLS, wherever that is cut: it arrives before the answer is sent.
            let said = format!("STLS\r\n{tail}");
            for at in (1..=said.len()).filter(|at| *at != 6) {
                let mut service = served(STLS);
                let (first, rest) = said.split_at(at);
                let mut answers = feed(&mut service, first.as_bytes(), usize::MAX);
                answers += &feed(&mut service, rest.as_bytes(), usize::MAX);
                assert!(service.is_over(), "{said:?} cut at {at}");
                assert_eq!(answers, "+OK begin TLS\r\n", "{said:?} cut at {at}");
                service.tls_established();
                assert_eq!(feed(&mut service, b"USER bob\r\nPASS pw\r\n", usize::MAX), "");
                assert_eq!((service.is_over(), service.state()), (true, State::Closed));
            }
            // The tail comes after the answer and before the handshake, in an adapter that has read ahead.
            let mut service = served(STLS);
            assert_eq!(feed(&mut service, b"STLS\r\n", usize::MAX), "+OK begin TLS\r\n");
            assert!(service.wants_tls() && !service.wants_read());
            service.spare()[..len].copy_from_slice(tail.as_bytes());
            service.filled(len);
            service.tls_established();
            assert_eq!(feed(&mut service, b"USER bob\r\nPASS pw\r\n", usize::MAX), "");
            assert_eq!((service.is_over(), service.state()), (true, State::Closed));
        }
    }
    // With nothing after STLS, TLS begins, and the octets inside are heard.
    let mut service = served(STLS);
    feed(&mut service, b"STLS\r\n", 1);
    service.tls_established();
    let answers = feed(&mut service, b"USER bob\r\nPASS pw\r\n", 1);
    assert_eq!((answers.matches("+OK").count(), service.state()), (2, State::Transaction));
}

#[test]
fn g02_all_input_before_the_login_is_limited() {
    // A line that is too long costs one -ERR and no memory, and one without an end costs the session.
    let long = vec![b'A'; 1 << 20];
    let mut service = served(PLAINTEXT);
    let (answers, usage) = used(|| feed(&mut service, &long[..100_000], 4096));
    let answers = answers + &feed(&mut service, b"\r\nCAPA\r\n", usize::MAX);
    assert_eq!(answers.matches("-ERR").count(), 1, "{answers}");
    assert!(answers.ends_with("\r\n.\r\n") && usage.peak < 32 * 1024, "{answers} {usage:?}");
    let ((), usage) = used(|| assert!(feed(&mut service, &long, 4096).starts_with("-ERR")));
    assert!(service.is_over() && usage.peak < 32 * 1024, "{usage:?}");

    // Permitted commands cannot be repeated for ever either.
    for line in ["CAPA\r\n", "USER bob\r\n"] {
        let mut service = served(PLAINTEXT);
        let mut sent = 0;
        while !service.is_over() {
            feed(&mut service, line.as_bytes(), usize::MAX);
            sent += line.len();
            assert!(sent <= 300_000, "{line:?}");
        }
    }

    // There are a million invalid commands: the session ends at the twentieth, and takes no more.
    for line in ["X\r\n", "\r\n", "STAT\r\n", "PASS pw\r\n", "AUTH NONE\r\n", "USER\r\n", "\0\r\n"] {
        let mut service = served(PLAINTEXT);
        let mut refused = 0;
        for _ in 0..1_000_000 {
            if service.is_over() {
                break;
            }
            refused += feed(&mut service, line.as_bytes(), usize::MAX).matches("-ERR").count();
        }
        assert_eq!((refused, service.is_over(), service.wants_read()), (20, true, false), "{line:?}");
    }
    // Guesses at a password count as commands that fail.
    let mut service = served(PLAINTEXT);
    let mut guesses = 0;
    while !service.is_over() {
        feed(&mut service, b"USER bob\r\nPASS guess\r\n", usize::MAX);
        guesses += 1;
    }
    assert_eq!(guesses, 20);

    // AUTH begins, and its response never ends.
    let mut service = served(PLAINTEXT);
    assert_eq!(feed(&mut service, b"AUTH PLAIN\r\n", usize::MAX), "+ \r\n");
    let (answers, usage) = used(|| feed(&mut service, &long, 4096));
    assert!(usage.peak < 256 * 1024, "{usage:?}");
    assert_eq!((answers.matches("-ERR").count(), service.is_over()), (1, true), "{answers}");

    // AUTH begins again and again.
    let mut service = served(PLAINTEXT);
    let mut tries = 0;
    while !service.is_over() {
        feed(&mut service, b"AUTH PLAIN\r\n*\r\n", usize::MAX);
        tries += 1;
        assert!(tries <= 20);
    }
}

#[test]
fn g03_a_name_sent_in_plaintext_is_forgotten_inside_tls() {
    for at_once in [1, usize::MAX] {
        let mut service = served(STLS);
        feed(&mut service, b"USER bob\r\nSTLS\r\n", at_once);
        assert!(service.wants_tls());
        service.tls_established();
        assert_eq!(drain(&mut service), "", "and there is no greeting inside");
        let answers = feed(&mut service, b"PASS pw\r\n", at_once);
        assert!(answers.starts_with("-ERR "), "{answers}");
        assert_ne!(service.state(), State::Transaction);
        feed(&mut service, b"USER bob\r\nPASS pw\r\n", at_once);
        assert_eq!(service.state(), State::Transaction);
    }
}

#[test]
fn g04_no_name_injects_a_line() {
    let names =
        ["a\r\n+OK forged", "a\nb", "a\rb", "\0", "a\0b", "\u{85}x\u{2028}y", "\x1b[2J", "[AUTH] a", "+OK", "."];
    for name in names {
        let plain = |fields: &str| format!("AUTH PLAIN {}\r\n", base64(fields.as_bytes()));
        let lines = [
            plain(&format!("\0{name}\0secret")),
            plain(&format!("{name}\0bob\0pw")),
            plain(&format!("{name}\0{name}\0pw")),
            plain(&format!("\0bob\0{name}")),
            plain(name),
            format!("AUTH PLAIN {name}\r\n"),
            format!("AUTH {name}\r\n"),
            format!("AUTH SCRAM-SHA-256 {}\r\n", base64(format!("n,,n={name},r=nonce").as_bytes())),
            format!("AUTH SCRAM-SHA-256 {}\r\n", base64(format!("n,a={name},n=bob,r={name}").as_bytes())),
            format!("USER {name}\r\nPASS {name}\r\n"),
            format!("APOP {name} c4c9334bac560ecc979e58001b3e22fb\r\n"),
        ];
        for said in lines {
            for at_once in [usize::MAX, 1] {
                let mut service = served(PLAINTEXT);
                let answers = feed(&mut service, said.as_bytes(), at_once);
                let lines = said.matches('\n').count();
                assert_eq!(answers.matches('\n').count(), lines, "one line for each: {said:?} {answers:?}");
                for answer in answers.split_terminator("\r\n") {
                    assert!(["-ERR ", "+OK ", "+ "].iter().any(|status| answer.starts_with(status)), "{answer:?}");
                    assert!(answer.bytes().all(|octet| (b' '..=b'~').contains(&octet)), "{answer:?}");
                    assert!(!answer.contains("forged"), "{answer:?}");
                }
                assert_ne!(service.state(), State::Transaction);
            }
        }
    }
}

/// Returns a message with LF alone as RFC 1939, section 3, sends it: line by line, and without the crate.
fn on_the_wire(stored: &str) -> String {
    let mut lines: Vec<&str> = stored.split('\n').collect();
    if lines.last() == Some(&"") {
        lines.pop();
    }
    let stuffed = |line: &&str| {
        let line = line.strip_suffix('\r').unwrap_or(line);
        format!("{}{line}\r\n", if line.starts_with('.') { "." } else { "" })
    };
    lines.iter().map(stuffed).collect()
}

#[test]
fn g05_no_stored_line_ends_its_message() {
    let messages = [
        "Subject: x\n\nhi\n.\n+OK 1 forged\n",
        "\n.\n",
        ".",
        ".\n.\n.\n",
        ".\r\n.\n.\r\n",
        "a\n.\r\n-ERR forged\r\n",
        "a\r\n.\nb\n",
        "..\n...\n",
        "a\r.\r\nb",
        "a\r\r\n.\n",
        "",
    ];
    for stored in messages {
        let store = MailStore::new();
        store.add_user("bob", "pw");
        store.deliver("bob", stored);
        store.deliver("bob", "second\n");
        let wire = on_the_wire(stored);
        for at_once in [usize::MAX, 1] {
            let mut service = Service::new(store.maildrop(), PLAINTEXT, None);
            let said = feed(&mut service, b"USER bob\r\nPASS pw\r\nLIST 1\r\nRETR 1\r\nRETR 2\r\n", at_once);
            let size = wire.len() - wire.split_terminator("\r\n").filter(|line| line.starts_with("..")).count();
            // A dot that was there before stuffing counts, and the added one does not.
            let (_, rest) = said.split_once(&format!("+OK 1 {size}\r\n")).unwrap_or_else(|| panic!("{size}: {said}"));
            assert_eq!(transmitted_octets(stored.as_bytes()), size as u64);
            let expected = format!("+OK {size} octets\r\n{wire}.\r\n+OK 8 octets\r\nsecond\r\n.\r\n");
            assert_eq!(rest, expected, "{stored:?}");
        }
        // A client gets back the stored message, with complete line ends.
        for cut in CUTS {
            let mut service = Service::new(store.maildrop(), PLAINTEXT, None);
            let mut greeted = false;
            let server = move |said: &str| {
                let mut answers = drain(&mut service);
                if core::mem::replace(&mut greeted, true) {
                    answers += &feed(&mut service, format!("{said}\r\n").as_bytes(), usize::MAX);
                }
                answers.into_bytes()
            };
            let mut play = Play::new(server, Config::default(), cut);
            play.greet().unwrap();
            let credentials = pop3_proto::login::Credentials::new("bob", "pw");
            play.log_in(pop3_proto::login::Login::new(credentials, CLEAR)).unwrap();
            let mut octets = Vec::new();
            play.retrieve(Retrieval::retr(1), &mut octets).unwrap();
            let unstuffed =
                wire.split_inclusive("\r\n").map(|line| if line.starts_with("..") { &line[1..] } else { line });
            assert_eq!(String::from_utf8(octets).unwrap(), unstuffed.collect::<String>());
        }
    }
}

/// A message that is 100,000 octets long and cannot be read beyond `fails_at`.
struct Failing {
    fails_at: u64,
}

impl Maildrop for Failing {
    fn login(&mut self, _: LoginAttempt<'_>) -> Result<(), Denial> {
        Ok(())
    }
    fn count(&self) -> u32 {
        1
    }
    fn octets(&self, _: u32) -> u64 {
        100_000
    }
    fn unique_id(&self, _: u32) -> &'static str {
        "id"
    }
    fn read(&mut self, _: u32, at: u64, buffer: &mut [u8]) -> Result<usize, StoreError> {
        let left = usize::try_from(self.fails_at - at).unwrap();
        let len = left.min(buffer.len());
        buffer[..len].fill(b'x');
        if len == 0 { Err(StoreError("the disk is gone".into())) } else { Ok(len) }
    }
    fn remove(&mut self, marked: &mut dyn Iterator<Item = u32>) -> Result<(), StoreError> {
        assert_eq!(marked.count(), 0, "nothing may be removed");
        Ok(())
    }
}

#[test]
fn g06_a_message_that_cannot_be_read_has_no_terminator() {
    for fails_at in [1, 511, 16 * 1024, 16 * 1024 + 1, 99_999] {
        for command in ["RETR 1\r\n", "TOP 1 5\r\n"] {
            let mut service = Service::new(Failing { fails_at }, PLAINTEXT, None);
            feed(&mut service, b"USER u\r\nPASS p\r\nDELE 1\r\nRSET\r\n", usize::MAX);
            let said = feed(&mut service, format!("{command}NOOP\r\nQUIT\r\n").as_bytes(), usize::MAX);
            assert!(said.starts_with("+OK") && !said.contains("\r\n.\r\n") && !said.contains("-ERR"), "{fails_at}");
            assert_eq!(said.matches('x').count() as u64, fails_at, "all that could be read was sent");
            assert_eq!((service.state(), service.is_over()), (State::Closed, true), "and then the connection ends");
        }
    }
    // An error that is known in time is a refusal.
    let mut service = Service::new(Failing { fails_at: 0 }, PLAINTEXT, None);
    feed(&mut service, b"USER u\r\nPASS p\r\n", usize::MAX);
    assert!(feed(&mut service, b"RETR 1\r\n", usize::MAX).starts_with("-ERR [SYS/TEMP] "));
    assert_eq!(feed(&mut service, b"NOOP\r\n", usize::MAX), "+OK\r\n");
}

proptest! {
    /// No lines in any order let anybody in or panic, and only status lines answer them.
    #[test]
    fn g07_odd_input_never_logs_in(
        lines in prop::collection::vec(
            prop_oneof![
                "AUTH [A-Z0-9-]{0,22}( [A-Za-z0-9+/=*]{0,40})?",
                "(AUTH PLAIN|AUTH SCRAM-SHA-256|AUTH) [ -~]{0,300}",
                "[A-Za-z0-9+/=]{0,64}",
                prop::collection::vec(any::<u8>(), 0..60).prop_map(|octets| base64(&octets)),
                r"(USER|PASS|APOP|STLS|CAPA|UTF8|LANG|LAST) ?[\x00-\x7f]{0,30}",
                Just("*".to_owned()),
                Just("=".to_owned()),
            ],
            0..12,
        ),
        at_once in prop::sample::select(&[1, 7, usize::MAX][..]),
    ) {
        let mut service = served(PLAINTEXT);
        for line in &lines {
            let said = feed(&mut service, format!("{line}\r\n").as_bytes(), at_once);
            for answer in said.split_terminator("\r\n") {
                let listing = said.contains("\r\n.\r\n");
                prop_assert!(listing || ["+OK", "-ERR", "+"].contains(&answer.split(' ').next().unwrap()), "{said:?}");
            }
        }
        prop_assert_ne!(service.state(), State::Transaction);
    }
}

#[test]
fn g07_a_failed_proof_cannot_be_repaired() {
    // The penalty counts over all ways to log in, and no other way avoids it.
    let plain = format!("AUTH PLAIN {}\r\n", base64(b"\0bob\0guess"));
    let guesses =
        [&*plain, "USER bob\r\nPASS guess\r\n", "APOP bob c4c9334bac560ecc979e58001b3e22fb\r\n", "AUTH PLAIN\r\n*\r\n"];
    let mut service = served(PLAINTEXT);
    let mut refused = 0;
    for guess in guesses.iter().cycle().take(1000) {
        refused += feed(&mut service, guess.as_bytes(), usize::MAX).matches("-ERR").count();
    }
    assert_eq!((refused, service.is_over()), (20, true));
}

#[test]
fn g08_a_client_that_does_not_read_is_not_read() {
    let store = MailStore::new();
    store.add_user("bob", "pw");
    store.deliver("bob", vec![b'x'; 4 << 20]);
    let mut service = Service::new(store.maildrop(), PLAINTEXT, None);
    feed(&mut service, b"USER bob\r\nPASS pw\r\n", usize::MAX);
    let retr = b"RETR 1\r\n";
    let ((), usage) = used(|| {
        let mut taken = 0;
        while service.wants_read() {
            service.spare()[..retr.len()].copy_from_slice(retr);
            service.filled(retr.len());
            taken += 1;
            assert!(taken < 10, "as much as the client sends is read");
        }
        assert!(service.pending().len() <= 64 * 1024);
    });
    assert!(usage.peak < 256 * 1024, "{usage:?}");
    // Once the client reads, everything comes, and in order.
    let whole = drain(&mut service);
    assert!(whole.ends_with("x\r\n.\r\n") && service.wants_read());
}
