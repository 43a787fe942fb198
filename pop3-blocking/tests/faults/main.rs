//! Sessions over a stream that fails at each of their octets: each ends in time and with the right error, no part of a
//! message is taken for the whole, and no deletion is reported that was not committed.
#![allow(missing_docs, reason = "tests")]

use std::io::ErrorKind;

use pop3_blocking::testing::faults::fault::{Fault, Kind};
use pop3_blocking::testing::faults::maildrop::Scene;
use pop3_blocking::testing::faults::results::Results;
use pop3_blocking::testing::faults::wire::{Record, Wire};
use pop3_blocking::testing::suites::faults::{octets, records};

/// Errors that a read may fail with. The first two are the time-out of a socket, depending on the platform.
const READ_ERRORS: &[Kind] =
    &[Kind::Fails(ErrorKind::WouldBlock), Kind::Fails(ErrorKind::TimedOut), Kind::Fails(ErrorKind::NetworkUnreachable)];

mod session {
    use std::io::{Read, Write};

    use pop3_blocking::testing::faults::converse::go_on;
    use pop3_blocking::testing::faults::login::log_in;

    go_on!(pop3_blocking, over [Read + Write], is [], waits by []);
    log_in!(pop3_blocking, over [Read + Write], is [], waits by []);
}

/// Plays a session, and gives what came of it, what came through, and what UPDATE removed.
fn play(scene: &Scene, fault: Option<Fault>, piece: usize) -> (Results, Record, Option<Vec<u32>>) {
    let (wire, observer) = Wire::new(scene, fault, piece);
    let mut results = Results::default();
    session::converse(session::open(wire, scene.protection.as_ref()), &mut results);
    let (record, removed) = observer.record();
    (results, record, removed)
}

#[test]
fn the_connection_ends() {
    octets::the_connection_ends(play);
}

#[test]
fn reading_or_writing_fails() {
    octets::reading_or_writing_fails(play, READ_ERRORS);
}

#[test]
fn inserted_octets() {
    octets::inserted_octets(play);
}

#[test]
fn changed_octets() {
    octets::changed_octets(play);
}

#[test]
fn without_pipelining() {
    octets::without_pipelining(play);
}

#[test]
fn a_server_that_refuses_the_quit() {
    octets::a_server_that_refuses_the_quit(play);
}

#[test]
#[ignore = "what the others leave out: some 30,000 sessions more"]
fn faults_that_no_other_test_plays() {
    octets::faults_that_no_other_test_plays(play, READ_ERRORS);
}

#[test]
fn faults_of_tls() {
    records::faults_of_tls(play);
}

#[test]
fn faults_of_tls_after_stls() {
    records::faults_of_tls_after_stls(play);
}

#[test]
#[ignore = "at each octet: some 40,000 sessions"]
fn faults_of_tls_at_each_octet() {
    records::faults_of_tls_at_each_octet(play);
}
