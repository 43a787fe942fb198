//! Sessions over a stream that fails at each of their octets, as in the tests of the blocking adapter. Tokio's clock is
//! paused, so that a time-out takes no time and an endless wait is noticed.
#![allow(missing_docs, reason = "tests")]

mod stream;

use std::io::ErrorKind;
use std::time::Duration;

use pop3_async::pop3_proto::drive::Timeouts;
use pop3_async::{Cause, Error};
use pop3_blocking::testing::faults::fault::{Fault, Kind};
use pop3_blocking::testing::faults::maildrop::Scene;
use pop3_blocking::testing::faults::results::Results;
use pop3_blocking::testing::faults::wire::{Record, Wire};
use pop3_blocking::testing::suites::faults::{octets, records};
use tokio::runtime::{Builder, Runtime};
use tokio::time::{Instant, timeout};

use stream::Stream;

/// Errors that a read may fail with. The time-out is not the socket's here: nothing comes, and the clock runs on.
const READ_ERRORS: &[Kind] = &[Kind::Fails(ErrorKind::NetworkUnreachable)];

/// The longest wait.
const TIMEOUT: Duration = Duration::from_secs(60);

mod session {
    use pop3_blocking::testing::faults::converse::go_on;
    use pop3_blocking::testing::faults::login::log_in;
    use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};

    go_on!(pop3_async, over [AsyncRead + AsyncWrite + Unpin], is [async], waits by [.await]);
    log_in!(pop3_async, over [AsyncRead + AsyncWrite + Unpin], is [async], waits by [.await]);
}

thread_local! {
    static RUNTIME: Runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
}

/// Plays a session, and gives what came of it, what came through, and what UPDATE removed.
fn play(scene: &Scene, fault: Option<Fault>, piece: usize) -> (Results, Record, Option<Vec<u32>>) {
    let (wire, observer) = Wire::new(scene, fault, piece);
    let mut results = Results::default();
    RUNTIME.with(|runtime| {
        runtime.block_on(async {
            let begun = Instant::now();
            let protection = scene.protection.as_ref();
            let late = |_| {
                let cause = Cause::Transport(std::io::Error::from(ErrorKind::TimedOut).into());
                Err(Error::new("reading the greeting", cause).into())
            };
            let mut opened = timeout(TIMEOUT, session::open(Stream(wire), protection)).await.unwrap_or_else(late);
            if let Ok(connection) = &mut opened {
                connection.set_timeouts(Timeouts::UNLIMITED.octets(1).each(TIMEOUT));
            }
            session::converse(opened, &mut results).await;
            // Only one wait takes too long, because nothing is waited for after it.
            assert!(begun.elapsed() <= TIMEOUT + Duration::from_millis(1), "{:?}", begun.elapsed());
        });
    });
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
