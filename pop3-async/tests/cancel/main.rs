//! Any future may be dropped after any number of polls: the next call gets its own answer, and the maildrop is changed
//! only by the calls that were made. This is also tested inside TLS, whose records are cut anywhere.

mod calls;
mod tls;
mod wire;

use std::collections::BTreeSet;

use calls::{MESSAGES, OPS, Op, World, content, credentials, head, number};
use pop3_async::Security;
use tokio::io::{AsyncBufReadExt, AsyncReadExt};
use wire::{finished, polled};

const EACH: [Security; 3] = [Security::Plaintext, Security::Tls, Security::StartTls];

fn all() -> BTreeSet<usize> {
    (1..=MESSAGES.len()).collect()
}

/// Every call dropped after every number of polls, and then other calls in its place.
fn every_call(security: Security, pipelining: bool, seeds: u64) {
    let mut dropped = 0;
    for (seed, (n, op)) in (1..=seeds).flat_map(|seed| OPS.into_iter().enumerate().map(move |op| (seed, op))) {
        for polls in 0.. {
            let mut world = World::new(security);
            let mut session = world.session(pipelining, seed);
            let done = polled(polls, world.run(op, &mut session)).is_some();
            // Another one for each seed and number of polls.
            let next = OPS[(5 * usize::try_from(seed).unwrap() + n + polls) % OPS.len()];
            finished(world.run(next, &mut session));
            finished(world.finish(session));
            if done {
                break;
            }
            dropped += 1;
        }
    }
    assert!(dropped > 100 * seeds, "{dropped}");
}

#[test]
fn any_call_may_be_dropped() {
    every_call(Security::Plaintext, true, 4);
}

#[test]
fn any_call_may_be_dropped_without_pipelining() {
    every_call(Security::Plaintext, false, 4);
}

#[test]
fn any_call_inside_tls_may_be_dropped() {
    every_call(Security::Tls, true, 1);
    every_call(Security::Tls, false, 1);
}

/// A long row of calls, most of them dropped, in one session.
#[test]
fn a_session_survives_many_dropped_calls() {
    for seed in 1..120_usize {
        let security = EACH[seed % 3];
        let mut world = World::new(security);
        let mut session = world.session(seed % 2 == 0, seed as u64);
        for step in 0..40 {
            let op = OPS[(seed * 7 + step * (seed % 11 + 1)) % OPS.len()];
            polled((seed + step * 5) % 23, world.run(op, &mut session));
        }
        finished(world.finish(session));
    }
}

/// Batches keep their place: with every future dropped after a few polls, each message comes once and in order.
#[test]
fn a_batch_keeps_its_place() {
    for (seed, polls) in (1..25).flat_map(|seed| (1..6).map(move |polls| (seed, polls))) {
        let mut world = World::new(EACH[polls % 3]);
        let mut session = world.session(seed % 2 == 0, seed);
        let mut messages = session.retrieve_many([1, 3, 2, 4].map(number));
        let mut numbers = Vec::new();
        loop {
            let Some(message) = polled(polls, messages.next()) else { continue };
            let Some(mut message) = message.unwrap() else { break };
            numbers.push(message.number());
            let mut octets = Vec::new();
            loop {
                let Some(run) = polled(polls, message.fill_buf()) else { continue };
                let Some(&first) = run.unwrap().first() else { break };
                octets.push(first);
                message.consume(1);
            }
            assert_eq!(octets, content(message.number()));
        }
        assert_eq!(numbers, [1, 3, 2, 4].map(number));
        finished(world.finish(session));
    }
}

#[test]
fn streams_keep_their_place() {
    for (seed, polls) in (1..25).flat_map(|seed| (1..6).map(move |polls| (seed, polls))) {
        let world = World::new(EACH[polls % 3]);
        let mut session = world.session(seed % 2 == 0, seed);

        let mut headers = session.headers_many([1, 3, 2, 4].map(number));
        let mut numbers = Vec::new();
        loop {
            let Some(header) = polled(polls, headers.next()) else { continue };
            let Some(header) = header else { break };
            let (number, header) = header.unwrap();
            assert_eq!(header.as_bytes(), head(number));
            numbers.push(number);
        }
        assert_eq!(numbers, [1, 3, 2, 4].map(number));

        let mut deletions = session.delete_many([4, 2].map(number));
        let mut numbers = Vec::new();
        loop {
            let Some(deletion) = polled(polls, deletions.next()) else { continue };
            let Some(deletion) = deletion else { break };
            numbers.push(deletion.unwrap());
        }
        assert_eq!(numbers, [4, 2].map(number));

        finished(session.quit()).unwrap();
        world.holds(&[1, 3].into());
    }
}

/// Dropped, `over`, `login_as` and `quit` of a connection end it: the server has closed, and the maildrop is as it
/// was.
fn connecting(security: Security, seeds: u64) {
    for seed in 1..=seeds {
        for polls in 0.. {
            let world = World::new(security);
            let connect = || world.connect(seed % 2 == 0, seed);
            let connected = polled(polls, connect()).is_some();
            let logged_in = polled(polls, finished(connect()).login_as(credentials())).is_some();
            world.holds(&all());
            // The maildrop is free again.
            let mut session = world.session(true, seed);
            assert_eq!(finished(session.stat()).unwrap().messages, 4);
            drop(session);
            let quit = polled(polls, finished(connect()).quit()).is_some();
            world.holds(&all());
            assert!(polls > 0 || !(connected || logged_in || quit));
            if connected && logged_in && quit {
                break;
            }
        }
    }
}

#[test]
fn connecting_may_be_dropped() {
    connecting(Security::Plaintext, 19);
}

/// In the middle of a handshake, too.
#[test]
fn connecting_by_tls_may_be_dropped() {
    connecting(Security::Tls, 1);
    connecting(Security::StartTls, 1);
}

/// A login skips the answers to earlier commands of its connection.
#[test]
fn dropped_calls_before_the_login_are_skipped() {
    for seed in 1..40 {
        for polls in 0.. {
            let mut world = World::new(EACH[(seed % 3) as usize]);
            let mut connection = finished(world.connect(true, seed));
            let utf8 = polled(polls, connection.utf8());
            assert!(utf8.as_ref().is_none_or(calls::is_not_announced));
            let asked = polled(polls, connection.capabilities()).is_some();
            let session = finished(connection.login_as(credentials())).unwrap();
            finished(world.finish(session));
            if utf8.is_some() && asked {
                break;
            }
        }
    }
}

/// A dropped quit has an unknown result: the marked message is gone or not, and no other is touched.
#[test]
fn a_dropped_quit_is_unknown() {
    let (mut gone, mut kept) = (0, 0);
    for seed in 1..60 {
        for polls in 0.. {
            let mut world = World::new(EACH[(seed % 3) as usize]);
            let mut session = world.session(true, seed);
            finished(world.run(Op::Delete, &mut session));
            let done = polled(polls, session.quit());
            if world.store.messages("mrose").len() == 4 {
                kept += 1;
                world.holds(&all());
                assert!(done.is_none());
            } else {
                gone += 1;
                world.holds(&[1, 3, 4].into());
                assert!(polls > 0);
            }
            if let Some(done) = done {
                done.unwrap();
                break;
            }
        }
    }
    assert!(gone > 60 && kept > 60, "{gone} {kept}");
}

/// Half a message, and then something else.
#[test]
fn a_message_may_be_dropped_half_read() {
    for (seed, left) in (1..20).flat_map(|seed| (0..20).map(move |left| (seed, left))) {
        let mut world = World::new(EACH[left % 3]);
        let mut session = world.session(true, seed);
        let mut message = finished(session.retrieve(number(1))).unwrap();
        let mut octets = vec![0; left];
        finished(message.read_exact(&mut octets)).unwrap();
        assert_eq!(octets, content(number(1))[..left]);
        polled(left, message.into_message());
        finished(world.finish(session));
    }
}
