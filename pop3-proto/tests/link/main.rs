//! The link in memory carries every octet once and in order, except where its schedule says otherwise.

mod corruption;
mod faults;
mod lines;
mod script;
mod time;
#[cfg(feature = "tls")]
mod tls;

use pop3_proto::testing::link::{Direction, Halt, Link, Schedule, Side};
use proptest::prelude::*;

/// Returns a link whose direction to the client is `direction`.
fn to_client(direction: Direction) -> Link {
    Link::new(Schedule::new().to_client(direction))
}

/// Reads what has arrived at an end, and how the reading stopped.
fn drain(link: &mut Link, side: Side) -> (Vec<u8>, Result<usize, Halt>) {
    let (mut octets, mut space) = (Vec::new(), [0; 64]);
    loop {
        match link.read(side, &mut space) {
            Ok(len) if len > 0 => octets.extend(&space[..len]),
            Err(Halt::Interrupted) => {}
            stop => return (octets, stop),
        }
    }
}

#[test]
fn reads_and_writes_are_cut_in_turn() {
    let mut link = to_client(Direction::new().writes([4, 2]).cuts([3, 1, 64]));
    assert_eq!(link.write(Side::Server, b"abcdefgh"), Ok(4));
    assert_eq!(link.write(Side::Server, b"efgh"), Ok(2));
    assert_eq!(link.write(Side::Server, b"gh"), Ok(2));
    let mut space = [0; 8];
    let pieces = [3, 1, 4];
    for len in pieces {
        assert_eq!(link.read(Side::Client, &mut space), Ok(len));
    }
    assert_eq!(&space[..4], b"efgh");
    assert_eq!(link.read(Side::Client, &mut space), Err(Halt::Blocked));
}

#[test]
fn a_size_of_zero_interrupts_once() {
    let mut link = to_client(Direction::new().writes([0]).cuts([0, 0, 2]));
    let mut space = [0; 8];
    assert_eq!(link.write(Side::Server, b"abcd"), Err(Halt::Interrupted));
    assert_eq!(link.read(Side::Client, &mut space), Err(Halt::Blocked), "nothing to interrupt");
    assert_eq!(link.write(Side::Server, b"abcdef"), Ok(6));
    assert_eq!(link.read(Side::Client, &mut space[..3]), Err(Halt::Interrupted));
    assert_eq!(link.read(Side::Client, &mut space[..3]), Ok(3));
    assert_eq!(link.read(Side::Client, &mut space), Ok(2));
    assert_eq!(link.read(Side::Client, &mut space), Err(Halt::Interrupted));
    assert_eq!(link.read(Side::Client, &mut space), Ok(1));
}

#[test]
fn a_full_link_takes_nothing_until_something_is_read() {
    let mut link = to_client(Direction::new().capacity(3));
    assert_eq!(link.write(Side::Server, b"abcdef"), Ok(3));
    assert_eq!(link.write(Side::Server, b"def"), Err(Halt::Blocked));
    assert_eq!(link.read(Side::Client, &mut [0; 2]), Ok(2));
    assert_eq!(link.write(Side::Server, b"def"), Ok(2));
    assert_eq!(drain(&mut link, Side::Client), (b"cde".to_vec(), Err(Halt::Blocked)));
    assert_eq!(to_client(Direction::new().capacity(0)).write(Side::Server, b"ab"), Ok(1), "it carries something");
}

#[test]
fn octets_may_wait_for_a_flush() {
    let mut link = to_client(Direction::new().until_flush(true).capacity(4));
    assert_eq!(link.write(Side::Server, b"ab"), Ok(2));
    assert_eq!(link.read(Side::Client, &mut [0; 8]), Err(Halt::Blocked));
    link.flush(Side::Server).unwrap();
    assert_eq!(link.write(Side::Server, b"cd"), Ok(2));
    assert_eq!(drain(&mut link, Side::Client).0, b"ab");
    assert_eq!(link.write(Side::Server, b"ef"), Ok(2));
    assert_eq!(link.write(Side::Server, b"gh"), Err(Halt::Blocked), "a full buffer leaves without a flush");
    assert_eq!(drain(&mut link, Side::Client).0, b"cdef");
    assert_eq!(link.write(Side::Server, b"gh"), Ok(2));
    link.close(Side::Server);
    assert_eq!(drain(&mut link, Side::Client), (Vec::new(), Ok(0)), "what was not flushed is lost");
}

#[test]
fn a_closed_end_is_the_end_of_the_stream() {
    let mut link = Link::new(Schedule::new());
    link.write(Side::Client, b"QUIT\r\n").unwrap();
    link.close(Side::Client);
    assert_eq!(drain(&mut link, Side::Server), (b"QUIT\r\n".to_vec(), Ok(0)));
    assert_eq!(link.write(Side::Server, b"+OK\r\n"), Err(Halt::Closed));
    assert_eq!(link.write(Side::Client, b"NOOP\r\n"), Err(Halt::Closed));
    assert_eq!(link.fault(), None);
}

#[test]
#[should_panic(expected = "a read needs space")]
fn a_read_without_space_is_a_mistake() {
    let _ = Link::new(Schedule::new()).read(Side::Client, &mut []);
}

/// Returns behaviours that lose nothing.
fn direction() -> impl Strategy<Value = Direction> {
    let sizes = || prop::collection::vec(0..9_usize, 0..6);
    (sizes(), sizes(), prop_oneof![1..20_usize, Just(1 << 16)], any::<bool>()).prop_map(
        |(cuts, writes, capacity, until_flush)| {
            Direction::new().cuts(cuts).writes(writes).capacity(capacity).until_flush(until_flush)
        },
    )
}

proptest! {
    #[test]
    fn every_octet_arrives_once_and_in_order(
        direction in direction(), octets in prop::collection::vec(any::<u8>(), 0..300), reads in 1..20_usize,
    ) {
        let mut link = to_client(direction);
        let (mut left, mut read, mut calls) = (&octets[..], Vec::<u8>::new(), 0);
        let mut space = vec![0; reads];
        while read.len() < octets.len() {
            calls += 1;
            prop_assert!(calls < 4000, "it makes progress");
            if let Ok(len) = link.write(Side::Server, left) {
                left = &left[len..];
            }
            if left.is_empty() {
                link.flush(Side::Server).unwrap();
            }
            if let Ok(len) = link.read(Side::Client, &mut space) {
                prop_assert!(len > 0);
                read.extend(&space[..len]);
            }
        }
        prop_assert_eq!(read, octets);
    }
}
