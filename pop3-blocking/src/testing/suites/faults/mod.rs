//! Sessions over a stream that fails at each of their octets: each ends in time and with the right error, no part of a
//! message is taken for the whole, and no deletion is reported that was not committed.

pub mod octets;
pub mod records;
pub mod sockets;

use crate::testing::faults::fault::Fault;
use crate::testing::faults::maildrop::Scene;
use crate::testing::faults::results::Results;
use crate::testing::faults::wire::Record;

/// Plays a session with an adapter, with a fault or none, whose calls carry no more than so many octets each. Returns
/// its results, the octets that came through, and the messages that UPDATE removed.
pub type Play = fn(&Scene, Option<Fault>, usize) -> (Results, Record, Option<Vec<u32>>);
