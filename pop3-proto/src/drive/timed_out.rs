//! Waits that exceeded their limit.

use core::fmt;
use core::time::Duration;

use crate::client::Ticket;
use crate::wire::kind::Kind;

/// The subject of a wait. A different value is a new wait with its full time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    Connection,
    Handshake,
    Greeting,
    Answer(Option<Ticket>, Option<Kind>),
    /// The rest of an answer that is a message or a listing.
    Octets(Option<Ticket>, Option<Kind>),
}

/// A wait that exceeded its limit. With the feature `std`, it converts to an `io::Error` of the kind `TimedOut`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedOut {
    pub(super) what: What,
    pub(super) limit: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Login,
    Wait(Wait, u32),
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limit = self.limit.as_secs_f32();
        match self.what {
            What::Login => write!(f, "the login took too long: more than {limit} s"),
            What::Wait(Wait::Connection, _) => write!(f, "the server could not be reached for {limit} s"),
            What::Wait(Wait::Handshake, _) => write!(f, "the TLS handshake took longer than {limit} s"),
            What::Wait(Wait::Greeting, _) => write!(f, "the server sent no greeting for {limit} s"),
            What::Wait(Wait::Answer(_, None), _) => write!(f, "the server sent no answer for {limit} s"),
            What::Wait(Wait::Answer(_, Some(kind)), _) => {
                write!(f, "the server sent no answer to {kind} for {limit} s")
            }
            What::Wait(Wait::Octets(..), octets) => {
                write!(f, "the server sent fewer than {octets} octets in {limit} s")
            }
        }
    }
}

impl core::error::Error for TimedOut {}

#[cfg(feature = "std")]
impl From<TimedOut> for std::io::Error {
    fn from(timed_out: TimedOut) -> std::io::Error {
        std::io::Error::new(std::io::ErrorKind::TimedOut, timed_out)
    }
}
