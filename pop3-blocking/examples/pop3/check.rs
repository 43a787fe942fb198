//! The check that the server's answers still fit the commands: a question whose answer no mail can foresee.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroU32;

use pop3_blocking::pop3_proto::drive::OwnedUniqueId;
use pop3_blocking::pop3_proto::wire::DropListing;
use pop3_blocking::{Error, Session, Tcp};

use crate::failure::{Failure, Status};
use crate::survey::Found;

/// The question that this server answers, with the answers that are right.
///
/// A server need not answer each of them, so the first one that it does answer is found out at the beginning. Afterwards a
/// refusal of the same question is a wrong answer: it may come from a mail that pretends to be an answer.
#[derive(Debug)]
pub(crate) enum Check {
    /// The unique-id of a message that is drawn by lot.
    UniqueId(Vec<(NonZeroU32, OwnedUniqueId)>),
    /// The size of a message that is drawn by lot.
    Size(Vec<(NonZeroU32, u64)>),
    /// How many messages and octets there are.
    Totals(DropListing),
    /// There is no message.
    Nothing,
}

impl Check {
    /// Finds out which question the server answers. To be called before a message is asked for.
    pub(crate) fn new(session: &mut Session<Tcp>, found: &BTreeMap<NonZeroU32, Found>) -> Result<Check, Failure> {
        if found.is_empty() {
            return Ok(Check::Nothing);
        }
        let named = found.iter().filter_map(|(number, message)| Some((*number, message.unique_id.clone()?)));
        let sizes = found.iter().map(|(number, message)| (*number, message.octets));
        for check in [Check::UniqueId(named.collect()), Check::Size(sizes.collect())] {
            if check.fits(session)? {
                return Ok(check);
            }
        }
        Ok(Check::Totals(session.stat()?))
    }

    /// Asks the question, and again where there are few messages to draw from: until a mail that knows all answers has less
    /// than one chance in a thousand to give them in the right order.
    pub(crate) fn ask(&self, session: &mut Session<Tcp>) -> Result<(), Failure> {
        let choices = match self {
            Check::UniqueId(ids) => ids.len(),
            Check::Size(sizes) => sizes.len(),
            Check::Totals(_) | Check::Nothing => 1,
        };
        let mut orders = 1_usize;
        loop {
            if !self.fits(session)? {
                let why = "the server's answers do not fit the commands any more; what came since the last check was not kept";
                return Err(Failure::new(Status::Protocol, why));
            }
            orders = orders.saturating_mul(choices);
            if choices < 2 || orders >= 1000 {
                return Ok(());
            }
        }
    }

    /// Whether the answer is the right one. The error is one that ends the session.
    fn fits(&self, session: &mut Session<Tcp>) -> Result<bool, Error> {
        let answer = match self {
            Check::UniqueId(ids) => {
                let Some((number, id)) = drawn(ids) else { return Ok(false) };
                session.unique_id(*number).map(|answer| answer == *id)
            }
            Check::Size(sizes) => {
                let Some((number, octets)) = drawn(sizes) else { return Ok(false) };
                session.scan_listing(*number).map(|answer| answer.octets == *octets)
            }
            Check::Totals(totals) => session.stat().map(|answer| answer == *totals),
            Check::Nothing => Ok(true),
        };
        match answer {
            Err(error) if error.is_recoverable() => Ok(false),
            answer => answer,
        }
    }
}

fn drawn<T>(list: &[T]) -> Option<&T> {
    let lot = RandomState::new().hash_one(0);
    usize::try_from(lot % list.len().max(1) as u64).ok().and_then(|at| list.get(at))
}
