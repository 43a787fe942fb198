//! Tests of the state machine: against a model written from the RFCs, against itself, and against its documentation.

#[allow(dead_code, reason = "it begins no session inside")]
#[path = "support/talk.rs"]
mod talk;

use core::fmt::Write as _;

use pop3_proto::state::TABLE;
use pop3_proto::wire::{Digest, Payload};
use pop3_proto::{Command, Config, Kind, Outcome, Shape, State, Violation};
use proptest::prelude::*;
use talk::Talk;

/// The phase of a session in RFC 1939.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Authorization {
        user_accepted: bool,
    },
    /// STLS was accepted (RFC 2595).
    Negotiation,
    Transaction,
    /// QUIT was answered; UPDATE was entered or not.
    Over {
        update: bool,
    },
}

/// Returns the phase after a command, or `None` where the RFCs do not permit the command. It is written by command, as
/// the RFCs are.
fn next(phase: Phase, kind: Kind, accepted: bool) -> Option<Phase> {
    use Phase::{Authorization, Negotiation, Over, Transaction};
    let login = |permitted: bool| {
        permitted.then_some(if accepted { Transaction } else { Authorization { user_accepted: false } })
    };
    match phase {
        Negotiation | Over { .. } => None,
        Authorization { user_accepted } => match kind {
            Kind::User => Some(Authorization { user_accepted: accepted }),
            // RFC 1939, section 7: only immediately after a successful USER.
            Kind::Pass => login(user_accepted),
            Kind::Apop | Kind::Auth => login(true),
            Kind::Stls if accepted => Some(Negotiation),
            Kind::AuthList
            | Kind::Stls
            | Kind::Capa
            | Kind::Utf8
            | Kind::Lang
            | Kind::LangList
            | Kind::Raw
            | Kind::RawListing => Some(Authorization { user_accepted: false }),
            // RFC 1939, section 6: QUIT in AUTHORIZATION does not enter UPDATE.
            Kind::Quit => Some(Over { update: false }),
            // All others concern messages.
            _ => None,
        },
        Transaction => match kind {
            Kind::Quit => Some(Over { update: true }),
            Kind::User | Kind::Pass | Kind::Apop | Kind::AuthList | Kind::Auth | Kind::Stls | Kind::Utf8 => None,
            _ => Some(Transaction),
        },
    }
}

fn state(phase: Phase) -> State {
    match phase {
        Phase::Authorization { user_accepted: false } => State::Authorization,
        Phase::Authorization { user_accepted: true } => State::Named,
        Phase::Negotiation => State::Handshake,
        Phase::Transaction => State::Transaction,
        Phase::Over { update: true } => State::Update,
        Phase::Over { update: false } => State::Closed,
    }
}

fn command() -> impl Strategy<Value = Command<'static>> {
    let (one, digest) = (1, Digest::parse(&[b'0'; 32]).unwrap());
    let initial_response = Some(Payload::Octets(b"proof"));
    // Commands that lead to new states are more frequent, and commands that end the session are rarer.
    prop_oneof![
        4 => Just(Command::User("u")),
        8 => Just(Command::Pass("p")),
        1 => Just(Command::Apop { user: "u", digest }),
        1 => Just(Command::Auth { mechanism: "PLAIN", initial_response }),
        2 => Just(Command::Stls),
        1 => Just(Command::Capa),
        1 => Just(Command::Utf8),
        1 => Just(Command::Lang("de")),
        1 => Just(Command::LangList),
        1 => Just(Command::Stat),
        2 => prop_oneof![Just(Command::List(None)), Just(Command::List(Some(one)))],
        2 => prop_oneof![Just(Command::Uidl(None)), Just(Command::Uidl(Some(one)))],
        2 => prop_oneof![Just(Command::Retr(one)), Just(Command::Top { number: one, lines: 0 })],
        2 => prop_oneof![Just(Command::Dele(one)), Just(Command::Rset), Just(Command::Noop), Just(Command::Last)],
        1 => Just(Command::Quit),
        1 => prop_oneof![Just(Command::Raw("XTND")), Just(Command::RawListing("XTND"))],
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]
    #[test]
    fn clients_follow_the_rfcs(
        steps in prop::collection::vec((command(), prop::bool::weighted(0.8), 0_usize..3), 1..40), cut in 1_usize..9,
    ) {
        let mut talk = Talk::greeted(Config::default());
        let mut confirmed = Phase::Authorization { user_accepted: false };
        let (mut owed, mut tls, mut utf8) = (std::collections::VecDeque::new(), false, false);
        for (command, accepted, answers) in steps {
            let kind = command.kind();
            let all_accepted = |phase, &(kind, _): &(Kind, bool)| next(phase, kind, true).unwrap_or(phase);
            let projected = owed.iter().fold(confirmed, all_accepted);
            prop_assert_eq!(talk.client.projected(), state(projected));
            let waits = matches!(owed.back(), Some((Kind::Stls | Kind::Auth | Kind::Quit, _)));
            let stls = kind != Kind::Stls || (!tls && !utf8 && owed.is_empty());
            let permitted = next(projected, kind, true).is_some() && !waits && stls;
            let sent = talk.client.send(command, &mut talk.sent);
            prop_assert_eq!(sent.is_ok(), permitted, "{:?} at {:?} with {:?}: {:?}", kind, confirmed, owed, sent);
            if permitted {
                owed.push_back((kind, accepted));
            }
            for _ in 0..answers {
                let Some((kind, accepted)) = owed.pop_front() else { break };
                let says = match (accepted, kind) {
                    (false, _) => "-ERR no\r\n",
                    (_, Kind::AuthList | Kind::Capa | Kind::LangList | Kind::ListAll | Kind::UidlAll | Kind::RawListing) => "+OK\r\n1 x\r\n.\r\n",
                    (_, Kind::Retr | Kind::Top) => "+OK\r\n..\r\n\r\n.\r\n",
                    _ => "+OK\r\n",
                };
                says.as_bytes().chunks(cut).for_each(|chunk| _ = talk.server(chunk));
                match next(confirmed, kind, accepted) {
                    None if accepted => {
                        prop_assert_eq!(talk.error.map(|error| error.violation()), Some(Violation::Impossible));
                        return Ok(());
                    }
                    after => confirmed = after.unwrap_or(confirmed),
                }
                utf8 |= kind == Kind::Utf8 && accepted;
                prop_assert_eq!(talk.client.state(), state(confirmed));
                if confirmed == Phase::Negotiation {
                    prop_assert_eq!(talk.client.tls_established(b""), Ok(()));
                    (confirmed, tls) = (Phase::Authorization { user_accepted: false }, true);
                }
            }
            prop_assert_eq!(talk.error, None);
            prop_assert_eq!(talk.client.in_flight(), owed.len());
        }
    }
}

#[test]
fn one_row_for_each_pair() {
    for (i, row) in TABLE.iter().enumerate() {
        assert!(TABLE[..i].iter().all(|other| (other.from, other.kind) != (row.from, row.kind)), "{row:?}");
        assert_eq!(row.from.after(row.kind, Outcome::Ok), Some(row.ok));
        assert_eq!(row.from.after(row.kind, Outcome::Err), Some(row.err));
    }
    let permitted =
        State::ALL.iter().flat_map(|state| Kind::ALL.iter().filter(|&&kind| state.after(kind, Outcome::Ok).is_some()));
    assert_eq!(permitted.count(), TABLE.len());
}

/// Checks that `Client::projected` looks at a run of equal kinds once.
#[test]
fn a_repeated_command_leads_to_the_same_state() {
    for row in TABLE {
        assert_eq!(row.ok.after(row.kind, Outcome::Ok).unwrap_or(row.ok), row.ok, "{row:?}");
    }
}

#[test]
fn every_state_is_reached_and_four_permit_nothing() {
    // From the greeting to the states after `+OK` and `-ERR`; a handshake ends in the first of these.
    let mut reached = vec![State::Greeting, State::Authorization, State::Closed];
    for _ in State::ALL {
        let more: Vec<_> =
            TABLE.iter().filter(|row| reached.contains(&row.from)).flat_map(|row| [row.ok, row.err]).collect();
        reached.extend(more);
    }
    assert!(State::ALL.iter().all(|state| reached.contains(state)));
    let is_silent = |state: &State| Kind::ALL.iter().all(|&kind| state.after(kind, Outcome::Ok).is_none());
    let silent = State::ALL.iter().copied().filter(is_silent);
    assert!(silent.eq([State::Greeting, State::Handshake, State::Update, State::Closed]));
}

#[test]
fn the_documentation_is_the_table() {
    let mut rows =
        "| State | Command | after `+OK` | after `-ERR` | `+OK` is followed by |\n|---|---|---|---|---|\n".to_owned();
    for row in TABLE {
        let follows = match row.kind.shape() {
            Shape::Single => "nothing",
            Shape::Listing => "a listing",
            Shape::Body => "a message",
        };
        writeln!(rows, "| {:?} | {:?} | {:?} | {:?} | {follows} |", row.from, row.kind, row.ok, row.err).unwrap();
    }
    let mut edges = String::new();
    for (from, to) in
        State::ALL.iter().flat_map(|&from| State::ALL.iter().map(move |&to| (from, to))).filter(|(from, to)| from != to)
    {
        let kinds = |leads: fn(&pop3_proto::state::Transition) -> State| {
            let there = TABLE.iter().filter(move |row| row.from == from && leads(row) == to);
            there.flat_map(|row| [" ".to_owned(), format!("{:?}", row.kind)]).collect::<String>()
        };
        for (indicator, kinds) in [("+OK", kinds(|row| row.ok)), ("-ERR", kinds(|row| row.err))] {
            if !kinds.is_empty() {
                writeln!(edges, "{from:?} -> {to:?}, {indicator} to{kinds}").unwrap();
            }
        }
    }
    let documentation = include_str!("../src/state.md");
    assert!(documentation.contains(&rows), "src/state.md needs this table:\n{rows}");
    assert!(documentation.contains(&edges), "src/state.md needs these edges:\n{edges}");
}
