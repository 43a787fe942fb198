//! A server whose store fails, whose client does not read, and whose adapter makes mistakes.

use pop3_proto::serve::{Denial, LoginAttempt, Maildrop, StoreError};
use pop3_proto::{Service, State};

use crate::script::talk_with;
use crate::service::{PLAINTEXT, drain, feed};

/// A maildrop that can be made to fail, of one message of any size.
#[derive(Clone)]
struct Odd {
    size: u64,
    fails_at: u64,
    id: &'static str,
    refused: Option<Denial>,
}

const ODD: Odd = Odd { size: 1000, fails_at: u64::MAX, id: "id", refused: None };
const FORGED: &str = "[AUTH] no\r\n+OK forged\u{85}\u{2028}\0";

impl Maildrop for Odd {
    fn login(&mut self, _: LoginAttempt<'_>) -> Result<(), Denial> {
        self.refused.clone().map_or(Ok(()), Err)
    }
    fn count(&self) -> u32 {
        1
    }
    fn octets(&self, _: u32) -> u64 {
        self.size
    }
    fn unique_id(&self, _: u32) -> &str {
        self.id
    }
    fn read(&mut self, _: u32, at: u64, buffer: &mut [u8]) -> Result<usize, StoreError> {
        let until = self.size.min(self.fails_at);
        if at >= until && at < self.size {
            return Err(StoreError(FORGED.into()));
        }
        let len = buffer.len().min(usize::try_from(until - at).unwrap());
        for (octet, at) in buffer[..len].iter_mut().zip(at..) {
            *octet = match at % 80 {
                78 => b'\r',
                79 => b'\n',
                _ => b'x',
            };
        }
        Ok(len)
    }
    fn remove(&mut self, _: &mut dyn Iterator<Item = u32>) -> Result<(), StoreError> {
        Err(StoreError(FORGED.into()))
    }
}

#[test]
fn v5_v32_no_text_of_the_store_forges_a_line_or_a_code() {
    let refused = |refused| {
        talk_with(
            PLAINTEXT,
            || Odd { refused: Some(Denial::clone(&refused)), ..ODD },
            "
         C: USER u
         S: +OK~
         C: PASS pw
         S: -ERR [SYS/TEMP] (AUTH] no??+OK forged???
         C: NOOP
         S: -ERR~",
        )
    };
    refused(Denial::Temporary(FORGED.into()));
    let over = talk_with(
        PLAINTEXT,
        || ODD,
        "
         C: USER u
         S: +OK~
         C: PASS pw
         S: +OK~
         C: QUIT
         S: -ERR [SYS/TEMP] (AUTH] no??+OK forged???",
    );
    assert_eq!((over.state(), over.is_over()), (State::Update, true), "V-17: closed in either case");
    talk_with(
        PLAINTEXT,
        || Odd { refused: Some(Denial::Permanent("x".repeat(2000))), ..ODD },
        &format!(
            "
         C: USER u
         S: +OK~
         C: PASS pw
         S: -ERR [SYS/PERM] {}",
            "x".repeat(510 - 16)
        ),
    );
}

#[test]
fn v27_invalid_unique_ids_are_not_sent() {
    let too_long: &str = "0123456789012345678901234567890123456789012345678901234567890123456789.";
    for id in ["x\r\n+OK forged", "", "two words", "\u{e9}", too_long] {
        talk_with(
            PLAINTEXT,
            || Odd { id, ..ODD },
            "
             C: USER u
             S: +OK~
             C: PASS pw
             S: +OK~
             C: UIDL 1
             S: -ERR [SYS/PERM] ~
             C: UIDL 2
             S: -ERR no such message
             C: UIDL
             S: -ERR [SYS/PERM] ~
             C: DELE 1
             S: +OK~
             C: UIDL
             S: +OK~
             S: .",
        );
    }
}

#[test]
fn v23_a_message_that_cannot_be_read_has_no_end() {
    let login = b"USER u\r\nPASS pw\r\n";
    for (fails_at, command) in [(1, "RETR 1"), (999, "RETR 1"), (16 * 1024, "RETR 1"), (500, "TOP 1 9")] {
        let mut service = Service::new(Odd { size: 100_000, fails_at, ..ODD }, PLAINTEXT, None);
        feed(&mut service, login, usize::MAX);
        let said = feed(&mut service, format!("{command}\r\nNOOP\r\n").as_bytes(), usize::MAX);
        assert!(said.starts_with("+OK") && !said.contains("\r\n.\r\n") && !said.contains("-ERR"), "{said}");
        assert_eq!((service.state(), service.is_over()), (State::Closed, true));
    }
    talk_with(
        PLAINTEXT,
        || Odd { fails_at: 0, ..ODD },
        "
         C: USER u
         S: +OK~
         C: PASS pw
         S: +OK~
         C: RETR 1
         S: -ERR [SYS/TEMP] (AUTH] no??+OK forged???
         C: NOOP
         S: +OK",
    );
}

#[test]
fn g08_a_client_that_never_reads_is_not_read_from() {
    let mut service = Service::new(Odd { size: 1 << 20, ..ODD }, PLAINTEXT, None);
    feed(&mut service, b"USER u\r\nPASS pw\r\n", usize::MAX);
    let retr = b"RETR 1\r\n";
    let mut taken = 0;
    for _ in 0..100_000 {
        if !service.wants_read() {
            break;
        }
        service.spare()[..retr.len()].copy_from_slice(retr);
        service.filled(retr.len());
        taken += 1;
        assert!(service.pending().len() <= 64 * 1024);
    }
    assert_eq!(taken, 1, "the first message fills the output");
    service.written(0);
    assert!(service.pending().len() <= 64 * 1024);
    assert!(service.spare().len() <= 4096);
    let whole = drain(&mut service);
    assert!(whole.ends_with("x\r\n.\r\n") && service.wants_read());
}

#[test]
fn nonsense_from_the_adapter_does_no_harm() {
    let mut service = Service::new(ODD, PLAINTEXT, None);
    service.written(usize::MAX);
    service.filled(1);
    let _ = service.spare();
    service.filled(usize::MAX);
    service.tls_established();
    service.filled(usize::MAX);
    service.written(usize::MAX);
    assert!(service.is_over());
}

#[test]
fn a_client_that_says_nothing_costs_no_more_than_room_for_a_line() {
    let mut service = Service::new(Odd { size: 1 << 20, ..ODD }, PLAINTEXT, None);
    feed(&mut service, b"USER u\r\nPASS pw\r\n", usize::MAX);
    for _ in 0..3 {
        // There are so many commands at once that the room grows.
        feed(&mut service, &b"NOOP\r\n".repeat(10_000), usize::MAX);
        feed(&mut service, b"RETR 1\r\n", usize::MAX);
        assert!(service.wants_read() && service.pending().is_empty());
        assert!(!service.spare().is_empty());
        assert!(service.buffered() <= 1024, "{}", service.buffered());
    }
}
