//! The cost of a client's commands to a server: in proportion to their answers, however often they are repeated.

use std::cell::Cell;
use std::rc::Rc;

use base64ct::{Base64, Encoding as _};
use pop3_proto::serve::{Denial, LoginAttempt, Maildrop, StoreError};
use pop3_proto::{ServerConfig, Service};

use crate::service::{drain, feed};

const CONFIG: ServerConfig = ServerConfig::new().plaintext_login(true);
const MESSAGES: u32 = 1000;

/// A maildrop that counts how often it is asked for something.
#[derive(Clone, Default)]
struct Counting {
    logins: Rc<Cell<u32>>,
    asked: Rc<Cell<u32>>,
    /// The number of messages whose unique-id no server may give, or 0.
    nameless: u32,
    also_nameless: u32,
}

impl Counting {
    fn count_one(&self) {
        self.asked.set(self.asked.get() + 1);
    }
}

impl Maildrop for Counting {
    fn login(&mut self, _: LoginAttempt<'_>) -> Result<(), Denial> {
        self.logins.set(self.logins.get() + 1);
        Ok(())
    }
    fn count(&self) -> u32 {
        MESSAGES
    }
    fn octets(&self, number: u32) -> u64 {
        self.count_one();
        u64::from(number)
    }
    fn unique_id(&self, number: u32) -> &str {
        self.count_one();
        if [self.nameless, self.also_nameless].contains(&number) { "" } else { "id" }
    }
    fn read(&mut self, _: u32, _: u64, _: &mut [u8]) -> Result<usize, StoreError> {
        Ok(0)
    }
    fn remove(&mut self, _: &mut dyn Iterator<Item = u32>) -> Result<(), StoreError> {
        Ok(())
    }
}

fn inside(maildrop: &Counting) -> Service<Counting> {
    let mut service = Service::new(maildrop.clone(), CONFIG, None);
    drain(&mut service);
    assert!(feed(&mut service, b"USER u\r\nPASS p\r\n", usize::MAX).ends_with("+OK the maildrop is open\r\n"));
    service
}

#[test]
fn stat_is_answered_from_a_sum_that_is_kept() {
    let maildrop = Counting::default();
    let mut service = inside(&maildrop);
    let all = u64::from(MESSAGES) * u64::from(MESSAGES + 1) / 2;
    let before = maildrop.asked.get();
    let said = feed(&mut service, "STAT\r\n".repeat(170).as_bytes(), usize::MAX);
    assert_eq!(said, format!("+OK {MESSAGES} {all}\r\n").repeat(170));
    assert_eq!(maildrop.asked.get(), before, "STAT asks the maildrop for nothing");

    let said = feed(&mut service, b"DELE 10\r\nDELE 1000\r\nDELE 10\r\nSTAT\r\nRSET\r\nSTAT\r\nDELE 1\r\nSTAT\r\n", 7);
    let stats: Vec<_> = said.lines().filter(|line| line.as_bytes()[4].is_ascii_digit()).collect();
    let stat = |messages: u32, octets: u64| format!("+OK {messages} {octets}");
    assert_eq!(stats, [stat(998, all - 1010), stat(1000, all), stat(999, all - 1)]);
    assert!(maildrop.asked.get() <= before + 3, "each DELE asks once");
}

#[test]
fn a_listing_that_is_refused_is_not_walked_again_for_each_command() {
    let maildrop = Counting { nameless: MESSAGES, ..Counting::default() };
    let mut service = inside(&maildrop);
    let before = maildrop.asked.get();
    let said = feed(&mut service, "UIDL\r\n".repeat(170).as_bytes(), usize::MAX);
    assert_eq!(said.matches("-ERR [SYS/PERM]").count(), 170);
    assert!(maildrop.asked.get() - before <= MESSAGES + 3 * 170, "{}", maildrop.asked.get() - before);
    // Without the invalid message there are unique-ids.
    let said = feed(&mut service, format!("DELE {MESSAGES}\r\nUIDL\r\n").as_bytes(), usize::MAX);
    assert_eq!(said.matches(" id\r\n").count(), 999);
}

#[test]
fn a_listing_is_not_walked_again_when_some_without_unique_ids_are_marked() {
    let maildrop = Counting { nameless: MESSAGES, also_nameless: 1, ..Counting::default() };
    let mut service = inside(&maildrop);
    for begin in ["", "DELE 1\r\n", "RSET\r\nDELE 1000\r\nDELE 500\r\n"] {
        feed(&mut service, begin.as_bytes(), usize::MAX);
        let before = maildrop.asked.get();
        let said = feed(&mut service, "UIDL\r\n".repeat(170).as_bytes(), usize::MAX);
        assert_eq!(said.matches("-ERR [SYS/PERM]").count(), 170, "{begin}");
        assert!(maildrop.asked.get() - before <= MESSAGES, "{begin}: {}", maildrop.asked.get() - before);
    }
    let said = feed(&mut service, b"DELE 1\r\nUIDL\r\n", usize::MAX);
    assert_eq!(said.matches(" id\r\n").count(), 997);
    let said = feed(&mut service, b"RSET\r\nUIDL\r\nDELE 1\r\nUIDL\r\nDELE 1000\r\nUIDL\r\n", usize::MAX);
    assert_eq!((said.matches("-ERR [SYS/PERM]").count(), said.matches(" id\r\n").count()), (2, 998));
    assert!(maildrop.asked.get() < 8 * MESSAGES, "a listing asks once for each message, and little else does");
}

#[test]
fn marks_from_before_the_first_listing_count_when_they_are_reset() {
    let maildrop = Counting { nameless: MESSAGES, also_nameless: 1, ..Counting::default() };
    let mut service = inside(&maildrop);
    let said = feed(&mut service, b"DELE 1\r\nDELE 1000\r\nUIDL\r\nRSET\r\nUIDL\r\n", usize::MAX);
    assert_eq!((said.matches("-ERR [SYS/PERM]").count(), said.matches(" id\r\n").count()), (1, 998));
}

#[test]
fn long_credentials_beyond_ascii_are_refused_before_they_are_prepared() {
    // This character of three octets becomes eighteen.
    let long = "\u{fdfa}".repeat(86);
    let short = "\u{fdfa}".repeat(85);
    let ascii = "x".repeat(1000);
    for (user, password, heard) in [
        ("u", long.as_str(), false),
        (&long, "p", false),
        ("u", &short, true),
        (&short, "p", true),
        ("u", &ascii, true),
        (&ascii, "p", true),
    ] {
        let maildrop = Counting::default();
        let mut service = Service::new(maildrop.clone(), CONFIG, None);
        drain(&mut service);
        let message = Base64::encode_string(format!("\0{user}\0{password}").as_bytes());
        let said = feed(&mut service, format!("AUTH PLAIN\r\n{message}\r\n").as_bytes(), usize::MAX);
        let refused = said.ends_with("-ERR [AUTH] wrong user name or password\r\n");
        assert_eq!((maildrop.logins.get() == 1, refused), (heard, !heard), "{} {}: {said}", user.len(), password.len());
    }
}
