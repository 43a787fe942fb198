//! Client and server over a link that cuts, delays, joins and fails agree on everything.
//!
//! An oracle judges them. It reads the RFCs naively and shares no code with either.
#![cfg(feature = "std")]

mod bare;
mod keyed;
mod link;
mod logins;
mod oracle;
mod typed;

use pop3_proto::login::{Method, Methods, Policy, Security};
use pop3_proto::testing::maildrop;
use pop3_proto::testing::strategies::{command, mail, number, uncommon_command};
use pop3_proto::wire::{Payload, Response};
use pop3_proto::{Command, ServerConfig};
use proptest::prelude::*;

use link::{Scene, Schedule};
use maildrop::{PASSWORD, USER};
use oracle::{PLAIN, Said, digest};
use typed::{Action, Each};

fn server() -> impl Strategy<Value = ServerConfig> {
    (any::<bool>(), any::<bool>(), prop::bool::weighted(0.8), 2..20_u32).prop_map(
        |(inside_tls, stls, plaintext_login, max_refusals)| {
            ServerConfig::new()
                .inside_tls(inside_tls)
                .stls(stls)
                .plaintext_login(plaintext_login)
                .max_refusals(max_refusals)
        },
    )
}

fn scene() -> impl Strategy<Value = Scene> {
    let max_read = prop_oneof![Just(usize::MAX), 1..20_usize];
    // SCRAM proofs take time, so they are rare.
    let scram = (prop::bool::weighted(0.05), prop::option::of(Just((7, 7))));
    (prop::collection::vec(mail(), 0..6), max_read, server(), prop::bool::weighted(0.8), scram).prop_map(
        |(mails, max_read, server, timestamp, (scram, exporters))| Scene {
            mails,
            max_read,
            server,
            timestamp,
            scram: scram && cfg!(feature = "scram"),
            exporters,
        },
    )
}

fn schedule() -> impl Strategy<Value = Schedule> {
    prop::collection::vec(any::<u8>(), 0..40).prop_map(|throws| Schedule { throws, ..Schedule::IDEAL })
}

fn deadly() -> impl Strategy<Value = Schedule> {
    let down = prop_oneof![0..300_usize, 300..3000_usize];
    let life = prop_oneof![(0..300_usize).prop_map(|up| (up, usize::MAX)), down.prop_map(|down| (usize::MAX, down))];
    (schedule(), life).prop_map(|(schedule, life)| Schedule { life, ..schedule })
}

/// Returns commands that log in, and commands that almost do.
fn proof() -> impl Strategy<Value = Vec<Said>> {
    let auth = |mechanism, initial_response| Command::Auth { mechanism, initial_response };
    let plain = |response| vec![(auth("PLAIN", None), response)];
    let payload = Payload::Octets;
    let one = |command| vec![(command, Response::Cancel)];
    let both =
        |user, password| vec![(Command::User(user), Response::Cancel), (Command::Pass(password), Response::Cancel)];
    let proof = prop_oneof![
        4 => Just(both(USER, PASSWORD)),
        1 => Just(both(USER, "tan staaf")),
        1 => Just(both("bob", PASSWORD)),
        1 => Just(both("two words", PASSWORD)),
        2 => Just(one(Command::Apop { user: USER, digest: digest(PASSWORD) })),
        1 => Just(one(Command::Apop { user: USER, digest: digest("x") })),
        2 => Just(one(auth("PLAIN", Some(payload(PLAIN))))),
        1 => Just(one(auth("PLAIN", Some(payload(b""))))),
        1 => Just(one(auth("X-NONE", None))),
        2 => Just(plain(Response::Data(payload(PLAIN)))),
        1 => Just(plain(Response::Data(Payload::Base64(b"===")))),
        1 => Just(plain(Response::Cancel)),
        1 => Just(one(Command::Stls)),
        2 => Just(one(Command::User(USER))),
        1 => Just(one(Command::Pass(PASSWORD))),
    ];
    (proof, any::<bool>()).prop_map(|(proof, waits)| {
        proof.into_iter().map(|(command, response)| Said { command, response, waits }).collect()
    })
}

fn said(command: impl Strategy<Value = Command<'static>>) -> impl Strategy<Value = Said> {
    let waits = prop::bool::weighted(0.3);
    (command, waits).prop_map(|(command, waits)| Said { command, response: Response::Cancel, waits })
}

fn script() -> impl Strategy<Value = Vec<Said>> {
    let noise = prop::collection::vec(said(uncommon_command()), 0..3);
    let proof = (proof(), noise).prop_map(|(proof, noise)| [proof, noise].concat());
    let rest = prop::collection::vec(said(command()), 0..25);
    let quit = prop::option::weighted(0.7, said(Just(Command::Quit)));
    (prop::collection::vec(proof, 1..5), rest, quit)
        .prop_map(|(proofs, rest, quit)| [proofs.concat(), rest, quit.into_iter().collect()].concat())
}

/// Returns ways to log in, and whether the password is right.
fn policies() -> impl Strategy<Value = Vec<(Policy, bool)>> {
    let security = prop::sample::select(vec![Security::Plaintext, Security::StartTls, Security::Tls]);
    let mechanism = prop::sample::select(vec![
        None,
        Some(Method::UserPass),
        Some(Method::Apop),
        Some(Method::Plain),
        Some(Method::ScramSha256),
    ]);
    let policy = (security, prop::bool::weighted(0.9), mechanism).prop_map(|(security, allow_plaintext, method)| {
        Policy::new().security(security).allow_plaintext(allow_plaintext).methods(method.map(Methods::from))
    });
    prop::collection::vec((policy, prop::bool::weighted(0.8)), 1..5)
}

fn action() -> impl Strategy<Value = Action> {
    let enough = || prop_oneof![Just(usize::MAX), 1..40_usize];
    let lines = || 0..4_u32;
    let together = prop_oneof![
        number().prop_map(Command::Dele),
        prop::sample::select(vec![Command::Rset, Command::Noop, Command::Last, Command::RawListing("X")]),
    ];
    let each = prop_oneof![Just(Each::Retrieve), lines().prop_map(Each::Top), Just(Each::Delete)];
    let command = prop_oneof![
        number().prop_map(Command::Retr),
        (number(), lines()).prop_map(|(number, lines)| Command::Top { number, lines }),
    ];
    prop_oneof![
        Just(Action::Stat),
        prop::option::of(number()).prop_map(Action::List),
        prop::option::of(number()).prop_map(Action::Uidl),
        any::<bool>().prop_map(Action::Pipelining),
        (command, enough()).prop_map(|(command, enough)| Action::Read(command, enough)),
        prop::collection::vec((together, prop::bool::weighted(0.7)), 0..6).prop_map(Action::Together),
        (each, prop::collection::vec(number(), 0..8), 1..60_usize, 0..8_usize, enough())
            .prop_map(|(each, numbers, window, items, octets)| Action::Batch { each, numbers, window, items, octets }),
    ]
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    prop::collection::vec(action(), 0..10)
}

proptest! {
    #[test]
    fn the_bare_client_and_the_server_agree(scene in scene(), script in script(), schedule in schedule()) {
        bare::converse(&scene, &script, &schedule);
    }

    #[test]
    fn the_bare_client_notices_a_dead_link(scene in scene(), script in script(), schedule in deadly()) {
        bare::converse(&scene, &script, &schedule);
    }

    #[test]
    fn typed_calls_do_not_depend_on_the_schedule(
        scene in scene(), policies in policies(), actions in actions(), schedule in schedule(),
    ) {
        let ideal = typed::converse(&scene, &policies, &actions, &Schedule::IDEAL);
        prop_assert_eq!(typed::converse(&scene, &policies, &actions, &schedule), ideal);
    }

    #[test]
    fn typed_calls_notice_a_dead_link(
        scene in scene(), policies in policies(), actions in actions(), schedule in deadly(),
    ) {
        let ideal = typed::converse(&scene, &policies, &actions, &Schedule::IDEAL);
        let heard = typed::converse(&scene, &policies, &actions, &schedule);
        prop_assert!(ideal.starts_with(&heard), "{heard:?} instead of {ideal:?}");
    }
}
