//! `fetch DIR`: downloads what is new into a Maildir, and deletes on the server only what is safely on disk.
//!
//! The order makes it safe to kill this at any moment: a message is synced to disk under a name that carries its mark, then
//! it is remembered, only then may it be marked as deleted, and QUIT alone deletes.

use std::collections::BTreeMap;
use std::io::{BufRead, IsTerminal, Write};
use std::num::NonZeroU32;

use indicatif::{ProgressBar, ProgressStyle};
use pop3_blocking::{Message, Session, Tcp};

use crate::delivery::Delivery;
use crate::failure::{Failure, Status};
use crate::survey::{Found, survey};

/// Fetches, and ends the session.
pub(crate) fn run(mut session: Session<Tcp>, mut delivery: Delivery, delete: bool) -> Result<(), Failure> {
    let found = survey(&mut session)?;
    let had = |message: &Found| message.unique_id.as_ref().is_some_and(|id| delivery.has(id));
    let wanted: BTreeMap<_, _> = found.iter().filter(|(_, message)| !had(message)).map(|(n, m)| (*n, m)).collect();

    let bar = progress_bar(wanted.values().map(|message| message.octets).sum());
    let mut refusals = Vec::new();
    let transferred = transfer(&mut session, &wanted, &mut delivery, &bar, &mut refusals);
    // What came before a failure is whole, and worth keeping.
    let delivered = delivery.flush();
    bar.finish_and_clear();
    for refusal in &refusals {
        eprintln!("pop3: {refusal}");
    }
    let summary = format!(
        "{} new, {} already here, {} refused",
        delivery.delivered(),
        found.len() - wanted.len(),
        refusals.len()
    );

    let safe = |message: &&Found| message.unique_id.as_ref().is_some_and(|id| delivery.has(id));
    let numbers = found.iter().filter(|(_, message)| safe(message)).map(|(number, _)| *number);
    let ended = match transferred.and(delivered) {
        Ok(()) if delete => delete_all(session, numbers.collect(), &mut refusals),
        Ok(()) => {
            // Nothing is at stake.
            let _ = session.quit();
            Ok(0)
        }
        Err(failure) => Err(failure),
    };
    match ended {
        Ok(deleted) => eprintln!("pop3: {summary}; {deleted} deleted"),
        Err(failure) => {
            eprintln!("pop3: {summary}");
            return Err(failure);
        }
    }
    if refusals.is_empty() {
        return Ok(());
    }
    Err(Failure::new(Status::Refused, format!("the server refused {} requests", refusals.len())))
}

/// Downloads messages. One that is refused does not stop the others.
fn transfer(
    session: &mut Session<Tcp>,
    wanted: &BTreeMap<NonZeroU32, &Found>,
    delivery: &mut Delivery,
    bar: &ProgressBar,
    refusals: &mut Vec<String>,
) -> Result<(), Failure> {
    let mut messages = session.retrieve_many(wanted.keys().copied());
    loop {
        match messages.next() {
            Ok(None) => return Ok(()),
            Ok(Some(message)) => receive(message, wanted, delivery, bar)?,
            Err(error) if error.refused().is_some() => refusals.push(error.to_string()),
            Err(error) => return Err(error.into()),
        }
    }
}

fn receive(
    mut message: Message<'_, Tcp>,
    wanted: &BTreeMap<NonZeroU32, &Found>,
    delivery: &mut Delivery,
    bar: &ProgressBar,
) -> Result<(), Failure> {
    let number = message.number();
    let unique_id = wanted.get(&number).and_then(|message| message.unique_id.as_ref());
    let what = format!("message {number} cannot be written");
    let mut file = delivery.begin(unique_id).map_err(|error| delivery.failed(&what, &error))?;
    loop {
        let run = message.fill_buf().map_err(Failure::reading)?;
        if run.is_empty() {
            break;
        }
        file.write_all(run).map_err(|error| delivery.failed(&what, &error))?;
        let taken = run.len();
        message.consume(taken);
        bar.inc(taken as u64);
    }
    delivery.add(file, unique_id, message.octets())
}

/// Deletes messages, and ends the session. Returns how many the server says are gone.
fn delete_all(
    mut session: Session<Tcp>,
    numbers: Vec<NonZeroU32>,
    refusals: &mut Vec<String>,
) -> Result<usize, Failure> {
    let mut marked = 0;
    for deletion in session.delete_many(numbers) {
        match deletion {
            Ok(_) => marked += 1,
            Err(error) if error.refused().is_some() => {
                eprintln!("pop3: {error}");
                refusals.push(error.to_string());
            }
            Err(error) => {
                let status = Status::from(&error);
                return Err(Failure::new(status, format!("nothing was deleted: {error}")));
            }
        }
    }
    match session.quit() {
        Ok(()) => Ok(marked),
        // Without marks there is nothing that the answer could tell.
        Err(_) if marked == 0 => Ok(0),
        Err(error) => Err(error.into()),
    }
}

/// On a terminal only.
fn progress_bar(octets: u64) -> ProgressBar {
    if octets == 0 || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:30} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left");
    ProgressBar::new(octets).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
