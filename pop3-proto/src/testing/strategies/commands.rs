//! Commands.

use std::vec;
use std::vec::Vec;

use proptest::collection::vec as list;
use proptest::option;
use proptest::prelude::{Just, Strategy};
use proptest::{prop_oneof, sample};

use crate::testing::maildrop::{PASSWORD, USER};
use crate::wire::command::Command;

/// Returns message numbers, most of which exist in a maildrop of three.
pub fn number() -> impl Strategy<Value = u32> {
    prop_oneof![5 => 1..4_u32, 1 => 4..7_u32]
}

/// Returns commands that are permitted before the login, that a [`Service`](crate::Service) refuses, or that cannot be
/// sent.
pub fn uncommon_command() -> impl Strategy<Value = Command<'static>> {
    sample::select(vec![
        Command::Noop,
        Command::Capa,
        Command::Utf8,
        Command::Lang("de"),
        Command::LangList,
        Command::Last,
        Command::RawListing("XTND x"),
        Command::Raw("XYZZY"),
        Command::Raw("DELE\0 1"),
        Command::Stls,
        Command::Pass("a\r\nQUIT"),
    ])
}

/// Returns commands for every state, valid and invalid: with numbers that do not exist, unknown commands, and arguments
/// that cannot be sent.
pub fn command() -> impl Strategy<Value = Command<'static>> {
    let listings = prop_oneof![
        Just(Command::Stat),
        option::of(number()).prop_map(Command::List),
        option::of(number()).prop_map(Command::Uidl),
    ];
    let lines = prop_oneof![0..4_u32, Just(u32::MAX)];
    prop_oneof![
        6 => listings,
        4 => uncommon_command(),
        8 => number().prop_map(Command::Retr),
        4 => (number(), lines).prop_map(|(number, lines)| Command::Top { number, lines }),
        6 => number().prop_map(Command::Dele),
        1 => Just(Command::Rset),
    ]
}

/// Returns sequences of commands before QUIT.
pub fn commands() -> impl Strategy<Value = Vec<Command<'static>>> {
    list(command(), 0..25)
}

/// Returns names and passwords, right and wrong ones for a [`TestMaildrop`](crate::testing::maildrop::TestMaildrop).
pub fn credentials() -> impl Strategy<Value = (&'static str, &'static str)> {
    prop_oneof![
        4 => Just((USER, PASSWORD)),
        1 => Just((USER, "tan staaf")),
        1 => Just(("bob", PASSWORD)),
        1 => Just(("two words", PASSWORD)),
    ]
}
