//! Schedules of faults in the maildrop, and personalities.

use std::string::String;
use std::time::Duration;
use std::vec;
use std::vec::Vec;

use proptest::collection::vec as list;
use proptest::prelude::{Just, Strategy};
use proptest::{option, prop_oneof, sample};

use crate::serve::Denial;
use crate::testing::failing::Failures;
use crate::testing::personality::{Personality, Sizes, UniqueIds, Update};
use crate::wire::kind::Kind;

/// A failure of one call.
#[derive(Clone, Debug)]
enum Failure {
    Login(u64, Denial),
    Read(u64),
    Remove(u64, usize),
}

/// Returns plans in which some of the first logins, reads and removals fail. They shrink to a plan without failures.
///
/// No message ends early, because a program cannot notice that: add [`end_read`](Failures::end_read) for a test of that
/// case.
pub fn failures() -> impl Strategy<Value = Failures> {
    let denial = sample::select(vec![
        Denial::InUse,
        Denial::TooSoon,
        Denial::Credentials,
        Denial::Temporary(String::from("the store is busy")),
        Denial::Permanent(String::from("the mailbox is disabled")),
    ]);
    let failure = prop_oneof![
        (1..4_u64, denial).prop_map(|(number, denial)| Failure::Login(number, denial)),
        (1..12_u64).prop_map(Failure::Read),
        (1..3_u64, prop_oneof![0..3_usize, Just(usize::MAX)])
            .prop_map(|(number, removed)| Failure::Remove(number, removed)),
    ];
    let max_read = option::of(1..40_usize);
    // The plan is made when the test gets it, because its counts start at 0.
    (list(failure, 0..4), max_read).prop_map(|(failures, max_read)| {
        let plan = max_read.map_or_else(Failures::new, |octets| Failures::new().max_read(octets));
        failures.into_iter().fold(plan, |plan, failure| match failure {
            Failure::Login(number, denial) => plan.refuse_login(number, denial),
            Failure::Read(number) => plan.fail_read(number),
            Failure::Remove(number, removed) => plan.fail_remove(number, removed),
        })
    })
}

/// Returns personalities with few quirks, or none. They shrink to the personality without quirks.
///
/// The capabilities that they add are unknown ones, and known ones that permit no command. Blank lines are not
/// included, because a client may refuse them: set them yourself. Some personalities remove at QUIT what was retrieved,
/// as Gmail does: if your test is about messages that stay on the server, set
/// [`removes_retrieved`](Personality::removes_retrieved) to false.
pub fn personality() -> impl Strategy<Value = Personality> {
    // With more quirks, most sessions would do nothing: a test would hardly see a message.
    let rarely = || proptest::bool::weighted(0.1);
    let unknown = (rarely(), rarely(), rarely());
    let form = (rarely(), rarely(), rarely(), rarely());
    let seldom = (greeting(), added_capabilities(), rarely(), idle());
    let odd_ids = vec![UniqueIds::Reused, UniqueIds::Doubled, UniqueIds::Empty];
    let ids = sample::select([vec![UniqueIds::Own; 7], odd_ids].concat());
    let sizes = sample::select([vec![Sizes::Exact; 7], vec![Sizes::Stored, Sizes::RoundedUp, Sizes::Zero]].concat());
    let update = sample::select(vec![
        Update::Prompt,
        Update::Prompt,
        Update::Prompt,
        Update::Prompt,
        Update::Prompt,
        Update::Prompt,
        Update::Slow(Duration::from_secs(30)),
        Update::Silent { removed: true },
        Update::Silent { removed: false },
    ]);
    let refused =
        option::weighted(0.2, sample::select(vec![Kind::Stat, Kind::ListAll, Kind::Retr, Kind::Dele, Kind::Quit]));
    (unknown, form, ids, sizes, update, refused, option::weighted(0.1, 0..4_u32), seldom).prop_map(
        |(
            (no_capa, no_uidl, no_top),
            (lf, bare_ok, no_codes, unstuffed),
            ids,
            sizes,
            update,
            refused,
            visible,
            seldom,
        )| {
            let mut personality = Personality::new()
                .lf(lf)
                .bare_ok(bare_ok)
                .first_dot_unstuffed(unstuffed)
                .unique_ids(ids)
                .sizes(sizes)
                .update(update);
            personality.visible = visible;
            (personality.greeting, personality.added_capabilities) = (seldom.0, seldom.1);
            (personality.removes_retrieved, personality.idle) = (seldom.2, seldom.3);
            for (holds, change) in [
                (no_capa, Personality::no_capa as fn(Personality) -> Personality),
                (no_uidl, Personality::no_uidl),
                (no_top, Personality::no_top),
                (no_codes, Personality::no_response_codes),
            ] {
                if holds {
                    personality = change(personality);
                }
            }
            refused.into_iter().fold(personality, |personality, kind| personality.refuse(kind, "[SYS/TEMP] not now"))
        },
    )
}

/// Returns the text of a greeting. One has a timestamp of its own, which no server of this crate can check.
fn greeting() -> impl Strategy<Value = Option<String>> {
    let texts = vec!["", "ready", "[X-CODE] ready", "POP3 <1896.697170952@dbc.mtview.ca.us>", "gr\u{fc}\u{df}e"];
    option::weighted(0.2, sample::select(texts).prop_map(String::from))
}

fn added_capabilities() -> impl Strategy<Value = Vec<String>> {
    let known = vec!["EXPIRE 0", "EXPIRE 60 USER", "LOGIN-DELAY 900", "X-ODD one two", "x-lower", "IMPLEMENTATION"];
    prop_oneof![4 => Just(Vec::new()), 1 => list(sample::select(known).prop_map(String::from), 1..4)]
}

/// Returns an idle time-out, perhaps with a text. RFC 1939, section 3, requires ten minutes; many servers wait for
/// less.
fn idle() -> impl Strategy<Value = Option<(Duration, Option<String>)>> {
    let texts = vec!["", "[SYS/TEMP] idle for too long", "autologout"];
    let limit = (30..700_u64).prop_map(Duration::from_secs);
    option::weighted(0.1, (limit, option::of(sample::select(texts).prop_map(String::from))))
}
