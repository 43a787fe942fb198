//! A maildrop that fails on demand, and the answers that a client gets from it.

use pop3_proto::serve::{Denial, Layered, LoginAttempt, MailStore, Maildrop, MemoryMaildrop};
use pop3_proto::testing::failing::{Failures, MaildropCall};
use pop3_proto::{ServerConfig, Service};

fn store() -> MailStore {
    let store = MailStore::new();
    store.add_user("ann", "pw");
    for content in ["one\n", "two\n", "three\n"] {
        store.deliver("ann", content);
    }
    store
}

fn answers(store: &MailStore, failures: &Failures, said: &str) -> (String, bool) {
    let maildrop = Layered { maildrop: store.maildrop(), layer: failures.clone() };
    let mut service = Service::new(maildrop, ServerConfig::new().plaintext_login(true), None);
    service.spare()[..said.len()].copy_from_slice(said.as_bytes());
    service.filled(said.len());
    let heard = String::from_utf8(service.pending().to_vec()).unwrap();
    service.written(usize::MAX);
    (heard, service.is_over())
}

const LOGIN: &str = "USER ann\r\nPASS pw\r\n";

#[test]
fn the_second_session_fails_too_because_calls_are_counted_together() {
    let (store, failures) = (store(), Failures::new().refuse_login(2, Denial::TooSoon));
    assert!(answers(&store, &failures, LOGIN).0.ends_with("+OK the maildrop is open\r\n"));
    assert!(answers(&store, &failures, LOGIN).0.ends_with("-ERR [LOGIN-DELAY] the last login was too recent\r\n"));
    assert!(answers(&store, &failures, LOGIN).0.ends_with("+OK the maildrop is open\r\n"));
    assert_eq!(failures.calls(MaildropCall::Login), 3);

    let restarted = failures.restarted();
    assert!(answers(&store, &restarted, LOGIN).0.ends_with("+OK the maildrop is open\r\n"));
    assert!(answers(&store, &restarted, LOGIN).0.contains("LOGIN-DELAY"));
    assert_eq!((failures.calls(MaildropCall::Login), restarted.calls(MaildropCall::Login)), (3, 2));
}

#[test]
fn a_read_fails_before_and_inside_a_message() {
    let (heard, over) = answers(&store(), &Failures::new().fail_read(1), &format!("{LOGIN}RETR 1\r\nRETR 2\r\n"));
    assert!(heard.contains("-ERR [SYS/TEMP] the store failed, as planned\r\n+OK") && !over, "{heard}");
    assert!(heard.ends_with("two\r\n.\r\n"), "{heard}");

    let failures = Failures::new().max_read(2).fail_read(2);
    let (heard, over) = answers(&store(), &failures, &format!("{LOGIN}RETR 1\r\nRETR 2\r\n"));
    assert!(heard.ends_with("octets\r\non") && over, "{heard}");

    let failures = Failures::new().max_read(2).end_read(2);
    let (heard, over) = answers(&store(), &failures, &format!("{LOGIN}RETR 1\r\nNOOP\r\n"));
    assert!(heard.ends_with("on\r\n.\r\n+OK\r\n") && !over, "{heard}");
}

#[test]
fn a_removal_fails_with_as_much_removed_as_planned() {
    for (removed, left) in [(0, 3), (1, 2), (usize::MAX, 1)] {
        let (store, failures) = (store(), Failures::new().fail_remove(1, removed));
        let (heard, over) = answers(&store, &failures, &format!("{LOGIN}DELE 1\r\nDELE 3\r\nQUIT\r\n"));
        assert!(heard.ends_with("-ERR [SYS/TEMP] the store failed, as planned\r\n") && over, "{heard}");
        assert_eq!(store.messages("ann").len(), left);
    }
}

#[test]
fn nothing_planned_changes_nothing() {
    let mut maildrop: Layered<MemoryMaildrop, Failures> =
        Layered { maildrop: store().maildrop(), layer: Failures::new() };
    assert_eq!(maildrop.login(LoginAttempt::Password { user: "ann", password: "pw" }), Ok(()));
    assert_eq!((maildrop.count(), maildrop.octets(3)), (3, 7));
    let mut buffer = [0; 9];
    assert_eq!(maildrop.read(3, 1, &mut buffer), Ok(5));
    assert_eq!(&buffer[..5], b"hree\n");
}

#[test]
#[cfg(feature = "scram")]
fn scram_is_still_offered_and_its_keys_can_fail() {
    let failures = Failures::new().fail_scram_keys(1);
    let said = "CAPA\r\nAUTH SCRAM-SHA-256 biwsbj1hbm4scj14\r\n";
    let (heard, _) = answers(&store(), &failures, said);
    assert!(heard.contains("SCRAM-SHA-256") && heard.ends_with("-ERR [SYS/TEMP] the store failed, as planned\r\n"));
    let (heard, _) = answers(&store(), &failures, said);
    assert!(heard.contains("\r\n+ "), "the second request succeeds: {heard}");
}
