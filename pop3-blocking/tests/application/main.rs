//! A test of an application with the test kit: the application never loses mail, whatever the network and the server
//! do. The same test finds a bug that was planted in it.

mod collector;

use std::collections::BTreeSet;

use pop3_blocking::pop3_proto::serve::{Layered, MailStore};
use pop3_blocking::pop3_proto::testing::failing::Failures;
use pop3_blocking::pop3_proto::testing::personality::{Personality, QuirkyService, UniqueIds};
use pop3_blocking::pop3_proto::testing::strategies;
use pop3_blocking::testing::link::{Line, LinkStream, Schedule};
use pop3_blocking::{Connect, Connection, Method, Security, ServerConfig};
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestError, TestRng, TestRunner};

use collector::Collector;

const KEEP_DAYS: u32 = 2;

// The scaffolding begins here.

/// A day: the network, the server, the failures of its store, and the messages that were delivered before.
type Day = (Schedule, Personality, Failures, Vec<Vec<u8>>);

fn days() -> impl Strategy<Value = Vec<Day>> {
    let personality = strategies::personality().prop_map(|personality| {
        // No program can notice that a server has reused a unique-id between two sessions.
        let reused = personality.unique_ids == UniqueIds::Reused;
        let personality = if reused { personality.unique_ids(UniqueIds::Own) } else { personality };
        // Nor can it keep messages on a server that removes them by itself.
        personality.removes_retrieved(false)
    });
    let messages = prop::collection::vec(strategies::message(), 0..3);
    prop::collection::vec((strategies::schedule(), personality, strategies::failures(), messages), 1..6)
}

/// Runs the application on one day. Its errors are not the test's business.
fn run(collector: &mut Collector, store: &MailStore, today: u32, (schedule, personality, failures, _): &Day) {
    let maildrop = Layered { maildrop: store.maildrop(), layer: failures.restarted() };
    let config = ServerConfig::new().plaintext_login(true);
    let service = QuirkyService::new(maildrop, config, None, personality.clone());
    let connect = Connect::new().security(Security::Plaintext).allow_plaintext(true).methods([Method::UserPass]);
    let stream = LinkStream::new(Line::new(service, schedule.clone()));
    let connection = Connection::over_link(stream, connect.user("ann").password("pw"));
    if let Some(session) = connection.ok().and_then(|connection| connection.login().ok()) {
        let _ = collector.collect(session, today);
    }
}

/// Messages without the line ends, which servers change.
fn contents<T: AsRef<[u8]>>(messages: &[T]) -> BTreeSet<Vec<u8>> {
    let octets = |message: &T| message.as_ref().iter().copied().filter(|octet| !b"\r\n".contains(octet)).collect();
    messages.iter().map(octets).collect()
}

/// Returns the first day on which a message is neither at the application nor on the server, or on which one that has
/// to stay on the server is gone.
fn loses_mail(marks_early: bool, days: &[Day]) -> Option<u32> {
    let store = MailStore::new();
    store.add_user("ann", "pw");
    let mut collector = Collector::new(KEEP_DAYS, marks_early);
    let mut delivered = Vec::new();
    for (today, day) in (1..).zip(days) {
        for content in &day.3 {
            // The header makes the message different from all others.
            let message = [format!("Subject: {}\n\n", delivered.len()).as_bytes(), content].concat();
            store.deliver("ann", &message);
            delivered.push((today, message));
        }
        run(&mut collector, &store, today, day);
        let (here, there) = (contents(&collector.mails), contents(&store.messages("ann")));
        let is_safe = |(day, message): &(u32, Vec<u8>)| {
            let [content] = [contents(&[message])];
            content.is_subset(&there) || (content.is_subset(&here) && today >= day + KEEP_DAYS)
        };
        if !delivered.iter().all(is_safe) {
            return Some(today);
        }
    }
    None
}

// The scaffolding ends here.

proptest! {
    #[test]
    fn no_mail_is_lost(days in days()) {
        prop_assert_eq!(loses_mail(false, &days), None);
    }
}

#[test]
fn without_faults_everything_arrives_and_is_deleted_in_time() {
    let store = MailStore::new();
    store.add_user("ann", "pw");
    store.deliver("ann", "Subject: one\n\n.\n");
    store.deliver("ann", "Subject: two\n\n");
    let mut collector = Collector::new(KEEP_DAYS, false);
    for (today, left) in [(1, 2), (2, 2), (3, 0)] {
        run(&mut collector, &store, today, &(Schedule::new(), Personality::new(), Failures::new(), Vec::new()));
        assert_eq!(store.messages("ann").len(), left, "day {today}");
    }
    assert_eq!(collector.mails, [&b"Subject: one\r\n\r\n.\r\n"[..], b"Subject: two\r\n\r\n"]);
}

#[test]
fn the_same_test_finds_the_planted_bug() {
    let config = ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() };
    // Always the same cases: how far one shrinks depends on where it began.
    let random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let found = TestRunner::new_with_rng(config, random).run(&days(), |days| {
        prop_assert_eq!(loses_mail(true, &days), None);
        Ok(())
    });
    let Err(TestError::Fail(_, days)) = found else { panic!("the bug was not found: {found:?}") };
    // A message or two, a fault on the day of a download, and the day of the deletion.
    assert!(days.iter().map(|day| day.3.len()).sum::<usize>() <= 2, "{days:?}");
    assert_eq!(loses_mail(true, &days), Some(u32::try_from(days.len()).unwrap()), "{days:?}");
    assert_eq!(loses_mail(false, &days), None, "without the bug, nothing is lost");
}
