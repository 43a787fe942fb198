//! The strategies reach what they promise, and a planted failure shrinks to the smallest case.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use pop3_proto::Command;
use pop3_proto::serve::{Layered, LoginAttempt, MailStore, Maildrop};
use pop3_proto::testing::cuts::pieces;
use pop3_proto::testing::link::{Direction, Fault, Schedule};
use pop3_proto::testing::maildrop::Mail;
use pop3_proto::testing::personality::{Personality, UniqueIds};
use pop3_proto::testing::strategies::{
    command, commands, cuts, failures, maildrop, message, number, personality, schedule, server_stream,
};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};

/// Returns the smallest value that proptest finds for which `holds` is false.
fn smallest<S: Strategy>(strategy: S, holds: impl Fn(&S::Value) -> bool) -> S::Value
where
    S::Value: Debug,
{
    let config = Config { cases: 20_000, failure_persistence: None, ..Config::default() };
    let found = TestRunner::new_with_rng(
        config,
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    )
    .run(&strategy, |value| if holds(&value) { Ok(()) } else { Err(TestCaseError::fail("planted")) });
    match found {
        Err(TestError::Fail(_, value)) => value,
        other => panic!("the planted failure was not found: {other:?}"),
    }
}

fn samples<S: Strategy>(strategy: S, count: usize) -> Vec<S::Value> {
    let mut runner = TestRunner::deterministic();
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

#[test]
fn messages_shrink_to_the_octets_that_matter() {
    let contains = |needle: &'static [u8]| move |message: &Vec<u8>| !message.windows(needle.len()).any(|w| w == needle);
    assert_eq!(smallest(message(), contains(b"\r\n.\r\n")), b"\r\n.\r\n");
    assert_eq!(smallest(message(), contains(b"\xff")), b"\xff\x80");
    assert_eq!(smallest(message(), contains(b"\0")), b"\0");
    let is_short = |message: &Vec<u8>| message.len() < 65_536 || message[0] != b'x';
    assert_eq!(smallest(message(), is_short).len(), 65_536);
}

#[test]
fn a_maildrop_shrinks_to_the_messages_that_matter() {
    let mails = smallest(maildrop(0..6), |mails| !mails.iter().any(|mail| mail.content.starts_with(b".")));
    assert_eq!(mails.len(), 1, "{mails:?}");
    assert_eq!((mails[0].content.as_slice(), mails[0].id.len()), (&b"."[..], 1));
    let mails = smallest(maildrop(0..6), |mails| mails.len() < 3);
    assert!(mails.len() == 3 && mails.iter().all(|mail| mail.content.is_empty()), "{mails:?}");
}

#[test]
fn the_ids_of_a_maildrop_differ_also_while_it_shrinks() {
    let all_differ = |mails: &Vec<Mail>| {
        let ids: BTreeSet<_> = mails.iter().map(|mail| &mail.id).collect();
        ids.len() == mails.len() && ids.iter().all(|id| (1..=70).contains(&id.len()))
    };
    let mut runner = TestRunner::deterministic();
    for _ in 0..50 {
        let mut tree = maildrop(0..6).new_tree(&mut runner).unwrap();
        assert!(all_differ(&tree.current()));
        while tree.simplify() {
            assert!(all_differ(&tree.current()), "{:?}", tree.current());
        }
    }
}

#[test]
fn commands_shrink_to_the_command_that_matters() {
    let deletes = |commands: &Vec<Command<'_>>| commands.iter().any(|command| matches!(command, Command::Dele(_)));
    let commands = smallest(commands(), |commands| !deletes(commands));
    assert!(matches!(commands[..], [Command::Dele(1)]), "{commands:?}");
    assert!(matches!(smallest(command(), |_| false), Command::Stat));
    assert_eq!(smallest(number(), |number| *number < 3), 3);
}

#[test]
fn streams_and_cuts_shrink() {
    assert_eq!(smallest(server_stream(), |stream| !stream.starts_with(b"-ERR")), b"-ERR");
    assert_eq!(smallest(cuts(), |_| false), []);
    // A reader that fails at a line end if anything was cut.
    let reads = |(cuts, stream): &(Vec<usize>, Vec<u8>)| pieces(stream, cuts).count() < 2 || !stream.ends_with(b"\r\n");
    assert_eq!(smallest((cuts(), server_stream()), reads), (vec![1], b"\r\n".to_vec()));
}

#[test]
fn plans_of_failures_shrink_to_the_failure_that_matters() {
    let store = MailStore::new();
    store.add_user("ann", "pw");
    let attempt = LoginAttempt::Password { user: "ann", password: "pw" };
    // A program that gives up if the second login is refused.
    let second_succeeds = |plan: &pop3_proto::testing::failing::Failures| {
        // The counts belong to the plan, so the test takes one that was not used: shrinking makes new ones.
        let _ = Layered { maildrop: store.maildrop(), layer: plan.clone() }.login(attempt);
        Layered { maildrop: store.maildrop(), layer: plan.clone() }.login(attempt).is_ok()
    };
    let plan = smallest(failures(), second_succeeds);
    assert_eq!(format!("{plan:?}"), "Failures { faults: [(Login, 2, Refused(InUse))] }");
}

#[test]
fn personalities_shrink_to_the_quirk_that_matters() {
    assert_eq!(smallest(personality(), |_| false), Personality::new());
    let wanted = Personality::new().unique_ids(UniqueIds::Reused);
    let found = smallest(personality(), |personality| personality.unique_ids == UniqueIds::Own);
    assert_eq!(found, wanted);
    assert_eq!(format!("{found:?}"), "Personality { unique_ids: Reused }", "the report is short");
    let found = smallest(personality(), |personality| personality.idle.is_none());
    assert_eq!(found, Personality::new().idle(Duration::from_secs(30)));
    let found = smallest(personality(), |personality| personality.added_capabilities.is_empty());
    assert_eq!(found, Personality::new().add_capability("EXPIRE 0"));
    let found = smallest(personality(), |personality| personality.greeting.is_none());
    assert_eq!(found, Personality::new().greeting(""));
    let found = smallest(personality(), |personality| !personality.removes_retrieved);
    assert_eq!(found, Personality::new().removes_retrieved(true));
}

#[test]
fn the_hostile_cases_occur() {
    let messages = samples(message(), 500);
    let any = |holds: fn(&[u8]) -> bool| messages.iter().any(|message| holds(message));
    assert!(any(|m| m.starts_with(b".")) && any(|m| m.windows(5).any(|w| w == b"\r\n.\r\n")));
    assert!(any(|m| m.windows(2).any(|w| w[0] == b'\r' && w[1] != b'\n')) && any(|m| m.contains(&0)));
    assert!(any(|m| std::str::from_utf8(m).is_err()) && any(|m| m.len() > 60_000) && any(<[u8]>::is_empty));
    assert!(any(|m| !m.is_empty() && !m.ends_with(b"\n")));
    assert!(samples(cuts(), 100).concat().iter().all(|len| *len > 0));
    // A planted failure is a failure: `smallest` does not succeed by itself.
    assert!(catch_unwind(AssertUnwindSafe(|| smallest(number(), |_| true))).is_err());
}

#[test]
fn schedules_shrink_to_the_fault_that_matters() {
    assert_eq!(smallest(schedule(), |_| false), Schedule::new());
    let reset = smallest(schedule(), |schedule| schedule.to_client.fault.is_none_or(|(at, _)| at < 100));
    assert_eq!(reset, Schedule::new().to_client(Direction::new().fault_after(100, Fault::ALL[0])));
}
