//! The same sessions in a bare loop, in the blocking adapter and in tokio, over a link that cuts, delays, joins and
//! fails: all three agree with each other and with an oracle.
#![allow(missing_docs, reason = "tests")]

mod adapters;
mod bare;
mod deaths;
mod oracle;
mod script;
mod wire;

use pop3_async::Method;
use pop3_async::pop3_proto::testing::maildrop;
use proptest::prelude::*;

use bare::Bare;
use maildrop::Mail;
use script::{Action, BatchCommand, BatchPlan, Reading, Script, play};
use wire::{Scene, Schedule, Wire};

type Blocking = pop3_blocking::Connection<Wire>;
type Tokio = pop3_async::Connection<Wire>;

fn mail() -> impl Strategy<Value = Mail> {
    let piece = prop_oneof![
        4 => Just(&b"."[..]),
        3 => Just(&b"\r\n"[..]),
        2 => Just(&b"\n"[..]),
        2 => Just(&b"\r"[..]),
        2 => Just(&b"a\xff"[..]),
        1 => Just(&b"A: b\r\n\r\n"[..]),
        1 => Just(&b"\r\n.\r\n"[..]),
    ];
    // Now and then more than the server keeps at once, and runs without a line end.
    let times = prop_oneof![30 => Just(1), 1 => 300..900_usize];
    let pieces = (prop::collection::vec(piece, 0..14), times).prop_map(|(pieces, times)| pieces.concat().repeat(times));
    let content = prop_oneof![15 => pieces, 1 => (3000..30_000_usize).prop_map(|len| vec![b'x'; len])];
    (content, "[!-~]{1,70}").prop_map(|(content, id)| Mail { id, content })
}

fn scene() -> impl Strategy<Value = Scene> {
    let mails = prop::collection::vec(mail(), 0..7);
    let max_read = prop_oneof![Just(usize::MAX), 1..20_usize];
    let odds = prop::bool::weighted;
    (mails, max_read, odds(0.7), odds(0.8), odds(0.1), 1..80_usize).prop_map(
        |(mails, max_read, pipelining, timestamp, refuses, window)| Scene {
            mails,
            max_read,
            pipelining,
            timestamp,
            refuses,
            window,
        },
    )
}

fn schedule() -> impl Strategy<Value = Schedule> {
    let queue = prop_oneof![1..60_usize, Just(usize::MAX)];
    (prop::collection::vec(any::<u8>(), 0..40), queue).prop_map(|(throws, queue)| Schedule {
        throws,
        queue,
        ..Schedule::IDEAL
    })
}

fn number() -> impl Strategy<Value = u32> {
    prop_oneof![5 => 1..5_u32, 1 => 5..9_u32].prop_map(|number| number)
}

fn reading() -> impl Strategy<Value = Reading> {
    prop_oneof![Just(Reading::Whole), Just(Reading::UpTo(1 << 40)), (0..40_u64).prop_map(Reading::UpTo)]
}

fn plan() -> impl Strategy<Value = BatchPlan> {
    let each = prop::sample::select(vec![
        BatchCommand::Retrieve,
        BatchCommand::Retrieve,
        BatchCommand::Header,
        BatchCommand::Delete,
    ]);
    let numbers = prop::option::of(prop::collection::vec(number(), 0..10));
    let items = prop_oneof![Just(usize::MAX), 0..8_usize];
    (each, numbers, items, any::<bool>(), reading()).prop_map(|(each, numbers, items, stops, reading)| BatchPlan {
        each,
        numbers,
        items,
        stops,
        reading,
    })
}

fn action() -> impl Strategy<Value = Action> {
    let plain = vec![Action::Stat, Action::Reset, Action::Noop, Action::Last, Action::Capabilities];
    prop_oneof![
        3 => prop::sample::select(plain),
        1 => prop::option::of(number()).prop_map(Action::List),
        1 => prop::option::of(number()).prop_map(Action::UniqueIds),
        2 => (number(), reading()).prop_map(|(number, reading)| Action::Retrieve(number, reading)),
        2 => (number(), 0..4_u32, reading()).prop_map(|(number, lines, reading)| Action::Top(number, lines, reading)),
        1 => number().prop_map(Action::Header),
        2 => number().prop_map(Action::Delete),
        4 => plan().prop_map(Action::Batch),
    ]
}

fn script() -> impl Strategy<Value = Script> {
    let mechanism = prop::sample::select(vec![None, Some(Method::UserPass), Some(Method::Apop), Some(Method::Plain)]);
    let logins = prop::collection::vec((mechanism, prop::bool::weighted(0.8)), 1..4);
    (logins, prop::collection::vec(action(), 0..12), prop::bool::weighted(0.8))
        .prop_map(|(logins, actions, quits)| Script { logins, actions, quits })
}

/// Returns true for a batch of messages that may not be read to its end.
fn is_abandoned(action: &Action) -> bool {
    matches!(action, Action::Batch(BatchPlan { each: BatchCommand::Retrieve | BatchCommand::Header, items, .. }) if *items < usize::MAX)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn all_drivers_do_what_the_oracle_says(scene in scene(), script in script(), schedule in schedule()) {
        let (ideal, all) = play::<Bare>(&scene, &script, &Schedule::IDEAL);
        oracle::judge(&scene, &script, &ideal);
        let played = [
            play::<Bare>(&scene, &script, &schedule),
            play::<Blocking>(&scene, &script, &schedule),
            play::<Tokio>(&scene, &script, &schedule),
        ];
        for (record, carried) in played {
            prop_assert_eq!(&record, &ideal);
            // An abandoned session may leave commands unsent and answers unread. An abandoned batch without pipelining
            // may have requested one more message.
            let differs = !script.quits || (!scene.pipelining && script.actions.iter().any(is_abandoned));
            prop_assert!(differs || carried == all, "they say the same");
        }
    }
}
