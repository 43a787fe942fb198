//! Every fault at every octet.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::ops::Range;

use super::Play;
use crate::testing::faults::fault::{Context, Fault, Kind, Way};
use crate::testing::faults::judge::judge;
use crate::testing::faults::maildrop::Scene;
use crate::testing::faults::results::{Quit, Value};
use crate::testing::faults::wire::Record;

/// Octets of the largest message: more than a session's first buffer holds.
const LARGE: usize = 1300;

/// The most octets that a call carries: usually all. Their count is not a small multiple of the number of kinds.
const PIECES: [usize; 11] = [usize::MAX, 100, 9, usize::MAX, 30, usize::MAX, 1, 200, usize::MAX, 50, 20];

/// The ways in which a connection ends.
const ENDS: [Kind; 4] = [Kind::Closes, Kind::Swallows, Kind::Resets, Kind::Hangs];

/// Errors that a write may fail with.
const WRITE_ERRORS: [Kind; 3] =
    [Kind::Fails(ErrorKind::TimedOut), Kind::Fails(ErrorKind::NetworkUnreachable), Kind::TakesNothing];

/// Octets that nobody sent.
const STRAYS: [Kind; 7] = [
    Kind::Inserts(b"\0\0\0"),
    Kind::Inserts(b"+OK\r\n"),
    Kind::Inserts(b"-ERR\r\n"),
    Kind::Inserts(b".\r\n"),
    Kind::Inserts(b"\r\n.\r\n"),
    Kind::Inserts(b"\n"),
    Kind::Inserts(b"\r"),
];

/// Octets that were changed on the way. Of the bits, each has another way to make of a framing octet what is none.
const DAMAGES: [Kind; 5] = [Kind::Flips(0x01), Kind::Flips(0x20), Kind::Flips(0x80), Kind::Loses, Kind::Doubles];

/// The session as it is without a fault.
fn ideal(play: Play, scene: &Scene) -> Record {
    let (results, record, removed) = play(scene, None, usize::MAX);
    judge(scene, None, &record, &results, removed.as_deref());
    let messages = results.notes.iter().filter(|note| matches!(note, Ok(Value::Message(..)))).count();
    let marks = results.notes.iter().filter(|note| matches!(note, Ok(Value::Marked(_)))).count();
    assert_eq!((messages, marks), (5, 5), "this is what is put at risk: {results:?}");
    assert_eq!(results.quit, Some(if scene.refuses { Quit::Refused } else { Quit::Committed }));
    assert_eq!(removed.is_none(), scene.refuses);
    record
}

/// Runs `share` of the kinds of fault at an octet of a way.
fn at_each(play: Play, scene: &Scene, way: Way, kinds: &[Kind], share: impl Fn(&Record, usize) -> usize) {
    let ideal = ideal(play, scene);
    let octets = if way == Way::ToServer { ideal.said.len() } else { ideal.heard.len() };
    let mut endings = BTreeMap::<_, usize>::new();
    for at in 0..=octets {
        for nth in at..at + share(&ideal, at) {
            let (kind, piece) = (kinds[nth % kinds.len()], PIECES[(at + nth) % PIECES.len()]);
            let fault = Fault { way, at, kind };
            let _context = Context { fault, piece };
            let (results, record, removed) = play(scene, Some(fault), piece);
            judge(scene, Some(fault), &record, &results, removed.as_deref());
            let ending = match results.quit {
                None => "no session",
                Some(Quit::Committed) => "committed",
                Some(Quit::Refused) => "refused",
                Some(Quit::NotSent(_)) => "not sent",
                Some(Quit::Unknown(_)) => "unknown",
            };
            *endings.entry(ending).or_default() += 1;
        }
    }
    println!("{octets} octets {way:?}, {} kinds: {endings:?}", kinds.len());
}

fn at_every_octet(play: Play, scene: &Scene, way: Way, kinds: &[Kind]) {
    at_each(play, scene, way, kinds, |_, _| kinds.len());
}

/// Returns the range in which only the letters of a large message are near. A change there affects nothing but them.
fn dull(ideal: &Record) -> Range<usize> {
    let find = |run: &[u8]| ideal.heard.windows(run.len()).position(|octets| octets == run).unwrap();
    find(b"Subject: large") + 100..find(b"+OK 3 messages") - 100
}

/// All kinds where they can do more than change or miss a letter, and elsewhere one.
fn where_it_matters(play: Play, scene: &Scene, kinds: &[Kind]) {
    let share = |ideal: &Record, at| if dull(ideal).contains(&at) { 1 } else { kinds.len() };
    at_each(play, scene, Way::ToClient, kinds, share);
}

pub fn the_connection_ends(play: Play) {
    let scene = Scene::new(LARGE);
    where_it_matters(play, &scene, &ENDS);
    at_every_octet(play, &scene, Way::ToServer, &ENDS);
}

pub fn reading_or_writing_fails(play: Play, read_errors: &[Kind]) {
    let scene = Scene::new(LARGE);
    where_it_matters(play, &scene, read_errors);
    at_every_octet(play, &scene, Way::ToServer, &WRITE_ERRORS);
}

pub fn inserted_octets(play: Play) {
    where_it_matters(play, &Scene::new(LARGE), &STRAYS);
}

pub fn changed_octets(play: Play) {
    where_it_matters(play, &Scene::new(LARGE), &DAMAGES);
}

pub fn without_pipelining(play: Play) {
    let scene = Scene { pipelining: false, ..Scene::new(100) };
    at_every_octet(play, &scene, Way::ToClient, &ENDS);
    at_every_octet(play, &scene, Way::ToServer, &ENDS);
    at_each(play, &scene, Way::ToClient, &STRAYS, |_, _| 2);
}

pub fn a_server_that_refuses_the_quit(play: Play) {
    let scene = Scene { refuses: true, ..Scene::new(100) };
    at_each(play, &scene, Way::ToClient, &ENDS, |_, _| 1);
    at_every_octet(play, &scene, Way::ToServer, &ENDS);
}

pub fn faults_that_no_other_test_plays(play: Play, read_errors: &[Kind]) {
    let scene = Scene::new(LARGE);
    for kinds in [&ENDS[..], read_errors, &STRAYS, &DAMAGES] {
        at_every_octet(play, &scene, Way::ToClient, kinds);
    }
    at_every_octet(play, &Scene { pipelining: false, ..Scene::new(100) }, Way::ToClient, &STRAYS);
    at_every_octet(play, &Scene { refuses: true, ..Scene::new(100) }, Way::ToClient, &ENDS);
}
