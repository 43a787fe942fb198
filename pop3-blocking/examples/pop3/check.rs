//! The check that the server's answers still fit the commands: a question whose answer a mail cannot predict.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};

use pop3_blocking::pop3_proto::drive::OwnedUniqueId;
use pop3_blocking::pop3_proto::wire::DropListing;
use pop3_blocking::{Error, Session, Tcp};

use crate::failure::{Failure, Status};
use crate::survey::Found;

/// The question that this server answers, with the correct answers.
///
/// A server need not answer each question, so the first one that it answers correctly is chosen at the beginning. After
/// that, a refusal of the question is a wrong answer: it may come from a mail that imitates an answer.
#[derive(Debug)]
pub(crate) enum Check {
    /// The unique-id of a random message.
    UniqueId(Vec<(u32, OwnedUniqueId)>),
    /// The size of a random message.
    Size(Vec<(u32, u64)>),
    /// The numbers of messages and octets.
    Totals(DropListing),
    /// No question, because there are no messages.
    Nothing,
}

impl Check {
    /// Chooses a question that the server answers. It must be called before any message is requested.
    pub(crate) fn new(session: &mut Session<Tcp>, found: &BTreeMap<u32, Found>) -> Result<Check, Failure> {
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

    /// Asks the question. If there are few messages to choose from, repeats it until a mail that knows all answers has
    /// at most one chance in a thousand of giving them in the right order.
    pub(crate) fn ask(&self, session: &mut Session<Tcp>) -> Result<(), Failure> {
        let choices = match self {
            Check::UniqueId(ids) => ids.len(),
            Check::Size(sizes) => sizes.len(),
            Check::Totals(_) | Check::Nothing => 1,
        };
        let mut orders = 1_usize;
        loop {
            if !self.fits(session)? {
                let why = "the server's answers no longer match the commands; the messages since the last check were discarded";
                return Err(Failure::new(Status::Protocol, why));
            }
            orders = orders.saturating_mul(choices);
            if choices < 2 || orders >= 1000 {
                return Ok(());
            }
        }
    }

    /// Returns `true` if the answer is correct. An error is one that ends the session.
    fn fits(&self, session: &mut Session<Tcp>) -> Result<bool, Error> {
        let answer = match self {
            Check::UniqueId(ids) => {
                let Some((number, id)) = choose(ids) else { return Ok(false) };
                session.uidl_one(*number).map(|answer| answer == *id)
            }
            Check::Size(sizes) => {
                let Some((number, octets)) = choose(sizes) else { return Ok(false) };
                session.list_one(*number).map(|answer| answer.octets == *octets)
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

fn choose<T>(list: &[T]) -> Option<&T> {
    let random = RandomState::new().hash_one(0);
    usize::try_from(random % list.len().max(1) as u64).ok().and_then(|at| list.get(at))
}
