//! Schedules of a link in memory.

use std::time::Duration;

use proptest::collection::vec as list;
use proptest::prelude::{Just, Strategy};
use proptest::{option, prop_oneof, sample};

use crate::testing::link::{Direction, Fault, Schedule};

/// Returns the behavior of one direction, without a fault.
fn direction() -> impl Strategy<Value = Direction> {
    let cuts = || list(0..9_usize, 0..8);
    let capacity = prop_oneof![4 => Just(64 * 1024), 1 => 1..64_usize];
    let stalls = list((0..2000_u64, (1..90_u64).prop_map(Duration::from_secs)), 0..2);
    (cuts(), cuts(), capacity, stalls).prop_map(|(cuts, writes, capacity, stalls)| {
        let mut direction = Direction::new().cuts(cuts).writes(writes).capacity(capacity);
        direction.stalls = stalls;
        direction
    })
}

/// Returns schedules of a [`Link`](crate::testing::link::Link): cuts, partial writes, small capacities, stalls of up to
/// 90 seconds, and a fault in about half of them. They shrink to the default schedule.
///
/// In a test with several values, let this one come first, for the reason given at [`cuts`](super::cuts()).
pub fn schedule() -> impl Strategy<Value = Schedule> {
    let fault = (prop_oneof![0..200_u64, 0..3000_u64], sample::select(&Fault::ALL[..]));
    let fault = option::of((proptest::bool::ANY, fault));
    (fault, direction(), direction()).prop_map(|(fault, mut to_server, mut to_client)| {
        match fault {
            Some((true, fault)) => to_server.fault = Some(fault),
            Some((false, fault)) => to_client.fault = Some(fault),
            None => {}
        }
        Schedule::new().to_server(to_server).to_client(to_client)
    })
}
