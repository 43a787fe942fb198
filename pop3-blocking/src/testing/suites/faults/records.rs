//! Faults at the octets of TLS records. The test does not know what these octets mean, and needs no knowledge: only
//! complete and unchanged records get through.

use std::io::ErrorKind;

use pop3_proto::Violation;
use pop3_proto::tls::rustls::version::{TLS12, TLS13};

use super::Play;
use crate::testing::faults::encryption::Protection;
use crate::testing::faults::fault::{Context, Fault, Kind, Way};
use crate::testing::faults::loose::{judge, terminated, whole};
use crate::testing::faults::maildrop::Scene;
use crate::testing::faults::results::{Quit, Results, Why};
use crate::testing::faults::wire::Record;

const KINDS: [Kind; 9] = [
    Kind::Closes,
    Kind::Flips(0x01),
    Kind::Swallows,
    Kind::Flips(0x80),
    Kind::Hangs,
    Kind::Inserts(b"+OK\r\n"),
    Kind::Resets,
    Kind::Loses,
    Kind::Doubles,
];

const ENDS: [Kind; 4] = [Kind::Closes, Kind::Swallows, Kind::Resets, Kind::Hangs];

/// Returns whether a client may give this reason for the end of a session with a fault of this kind.
fn fits(kind: Kind, why: &Why) -> bool {
    let closed = matches!(why, Why::Closed | Why::ClosedWhileIdle | Why::Handshake(ErrorKind::UnexpectedEof));
    let late = matches!(why, Why::Transport(ErrorKind::TimedOut) | Why::Handshake(ErrorKind::TimedOut));
    match kind {
        Kind::Swallows => closed,
        Kind::Closes => closed || *why == Why::Handshake(ErrorKind::BrokenPipe),
        Kind::Resets => closed || matches!(why, Why::Handshake(ErrorKind::ConnectionReset)),
        Kind::Hangs => late,
        // A changed length makes the client wait for octets that never come.
        _ => {
            let damaged =
                matches!(why, Why::Transport(ErrorKind::InvalidData) | Why::Handshake(ErrorKind::InvalidData));
            damaged || late || closed || *why == Why::Protocol(Violation::PlaintextAfterStls)
        }
    }
}

fn run(play: Play, scene: &Scene, ideal: &Results, fault: Fault, piece: usize) -> bool {
    let _context = Context { fault, piece };
    let (results, record, removed) = play(scene, Some(fault), piece);
    judge(scene, ideal, &results, removed.as_deref(), |why| fits(fault.kind, why));
    let pairs = record.encrypted.iter().zip(&record.heard);
    let intact = pairs.take_while(|(sent, heard)| sent == heard).count();
    let known = record.plaintext.iter().take_while(|(known, _)| *known <= intact);
    let plaintext: Vec<u8> = known.flat_map(|(_, plaintext)| plaintext.clone()).collect();
    if fault.way == Way::ToClient {
        // Messages before the fault are whole, and none after it is.
        let unharmed = results == *ideal;
        assert!(unharmed || whole(&results) == terminated(&plaintext), "{results:?}");
        return unharmed;
    }
    results == *ideal
}

fn ideal(play: Play, scene: &Scene) -> (Results, Record) {
    let (results, record, removed) = play(scene, None, usize::MAX);
    assert!(whole(&results) == 5 && results.quit == Some(Quit::Committed) && removed.is_some(), "{results:?}");
    (results, record)
}

/// `share` of the kinds at each octet, all of them around the ends of records.
fn at_each(play: Play, scene: &Scene, share: impl Fn(usize) -> usize) {
    let (results, record) = ideal(play, scene);
    let ends: Vec<usize> = record.plaintext.iter().map(|(known, _)| *known).collect();
    // Before TLS there is nothing that could protect from changes.
    let stls = record.heard.windows(11).position(|octets| octets == b"begin TLS\r\n").map_or(0, |at| at + 11);
    let (mut runs, mut unharmed) = (0, 0);
    for at in 0..record.heard.len() {
        let near = ends.iter().any(|end| end.abs_diff(at) < 4);
        for nth in at..at + if near { KINDS.len() } else { share(at) } {
            let fault = Fault { way: Way::ToClient, at, kind: KINDS[nth % KINDS.len()] };
            if at < stls && !ENDS.contains(&fault.kind) {
                continue;
            }
            runs += 1;
            unharmed += usize::from(run(play, scene, &results, fault, [usize::MAX, 400, 7][nth % 3]));
        }
    }
    for at in 0..record.said.len() {
        for nth in at..at + share(at) {
            let kind = ENDS[nth % ENDS.len()];
            runs += 1;
            unharmed += usize::from(run(play, scene, &results, Fault { way: Way::ToServer, at, kind }, usize::MAX));
        }
    }
    println!("{} octets, {} records, {runs} runs, {unharmed} unharmed", record.heard.len(), ends.len());
}

fn scene(protection: Protection) -> Scene {
    Scene { protection: Some(protection), ..Scene::new(100) }
}

pub fn faults_of_tls(play: Play) {
    at_each(play, &scene(Protection::new(&TLS13, false)), |at| usize::from(at % 4 == 0));
}

pub fn faults_of_tls_after_stls(play: Play) {
    at_each(play, &scene(Protection::new(&TLS12, true)), |at| usize::from(at % 16 == 0));
}

pub fn faults_of_tls_at_each_octet(play: Play) {
    at_each(play, &scene(Protection::new(&TLS13, false)), |_| KINDS.len());
    at_each(play, &scene(Protection::new(&TLS13, true)), |_| 2);
    at_each(play, &scene(Protection::new(&TLS12, false)), |_| 3);
}
