//! A fault occurs after exactly the chosen number of octets, in both directions.

use pop3_proto::testing::link::{Direction, Fault, Halt, Link, Schedule, Side};

use super::drain;

const SAID: &[u8] = b"+OK ready\r\n";

/// Returns a link with this fault in the direction to `side`.
fn faulty(side: Side, at: u64, fault: Fault) -> Link {
    let direction = Direction::new().fault_after(at, fault);
    Link::new(match side {
        Side::Client => Schedule::new().to_client(direction),
        Side::Server => Schedule::new().to_server(direction),
    })
}

#[test]
fn a_fault_occurs_at_exactly_the_chosen_octet() {
    for side in [Side::Client, Side::Server] {
        for at in 0..SAID.len() {
            for fault in Fault::ALL {
                let mut link = faulty(side, at as u64, fault);
                let other = side.other();
                // The other direction carries octets before the fault.
                let early = link.write(side, b"hello");
                assert_eq!(early.is_ok(), at > 0 || matches!(fault, Fault::Swallows | Fault::Hangs));
                let heard = if at > 0 && fault != Fault::Resets { &b"hello"[..] } else { b"" };

                let mut taken = 0;
                let refused = loop {
                    match link.write(other, &SAID[taken..]) {
                        Ok(len) if taken + len == SAID.len() => break Ok(()),
                        Ok(len) => taken += len,
                        Err(halt) => break Err(halt),
                    }
                };
                let (refusal, end) = match fault {
                    Fault::Closes => (Err(Halt::Closed), Ok(0)),
                    Fault::Resets => (Err(Halt::Reset), Err(Halt::Reset)),
                    Fault::Swallows => (Ok(()), Ok(0)),
                    Fault::Hangs => (Ok(()), Err(Halt::Blocked)),
                };
                assert_eq!(refused, refusal);
                assert_eq!(link.fault(), Some((fault, side)));
                assert_eq!(link.carried_to(side), at as u64);
                assert_eq!(drain(&mut link, side), (SAID[..at].to_vec(), end), "{side:?} {at} {fault:?}");
                assert_eq!(drain(&mut link, other), (heard.to_vec(), end), "{side:?} {at} {fault:?}");
                assert_eq!(link.write(side, b"NOOP").is_ok(), refusal.is_ok());
            }
        }
    }
}

#[test]
fn a_fault_that_is_not_reached_does_not_occur() {
    let mut link = faulty(Side::Client, SAID.len() as u64 + 1, Fault::Resets);
    assert_eq!(link.write(Side::Server, SAID), Ok(SAID.len()));
    assert_eq!(drain(&mut link, Side::Client), (SAID.to_vec(), Err(Halt::Blocked)));
    assert_eq!(link.fault(), None);
}

/// The first fault ends the connection, and the other one has no effect.
#[test]
fn there_is_one_fault() {
    let to_server = Direction::new().end_after(4);
    let mut link = Link::new(Schedule::new().to_server(to_server).to_client(Direction::new().reset_after(5)));
    assert_eq!(link.write(Side::Client, b"STAT\r\n"), Ok(4));
    assert_eq!(link.write(Side::Server, SAID), Err(Halt::Closed));
    assert_eq!(link.fault(), Some((Fault::Closes, Side::Server)));
}

/// The octets before a fault are not lost because they were not flushed.
#[test]
fn a_fault_flushes() {
    let direction = Direction::new().until_flush(true).end_after(3);
    let mut link = Link::new(Schedule::new().to_client(direction));
    assert_eq!(link.write(Side::Server, SAID), Ok(3));
    assert_eq!(drain(&mut link, Side::Client), (b"+OK".to_vec(), Ok(0)));
}
