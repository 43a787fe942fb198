//! All commands except `fetch`.

use std::collections::HashMap;

use pop3_blocking::pop3_proto::wire::ScanListing;
use pop3_blocking::{Session, Tcp};

use crate::failure::{Failure, Status};
use crate::index;
use crate::messages::{self, Extent};
use crate::notes;
use crate::options::Command;
use crate::output::Output;
use crate::rows::{self, Capa, Uidl};
use crate::selection::Selection;

/// Runs a command, and ends the session.
pub(crate) fn run(mut session: Session<Tcp>, command: &Command, out: &mut Output) -> Result<(), Failure> {
    let done = match command {
        Command::Dele { messages } => match mark(&mut session, messages) {
            Ok(marks) => return commit(session, &marks, out),
            Err(failure) => Err(failure),
        },
        _ => look(&mut session, command, out).and_then(|()| out.finish()),
    };
    if done.as_ref().err().is_none_or(Failure::is_recoverable) {
        // The command has been answered, so an error of QUIT does not matter.
        let _ = session.quit();
    }
    done
}

/// Runs a command that only reads. Rows have the columns of the protocol, so that scripts can read them; everything
/// except messages is escaped.
fn look(session: &mut Session<Tcp>, command: &Command, out: &mut Output) -> Result<(), Failure> {
    match command {
        Command::Stat => {
            let drop = session.stat()?;
            out.row(&rows::Stat::from(&drop), drop)
        }
        Command::List { messages } => {
            let listings = list(session, messages)?;
            listings.iter().try_for_each(|listing| out.row(&rows::List::from(listing), listing))
        }
        Command::Uidl { messages } => {
            let ids = match Selection::number(messages) {
                Some(number) => vec![(number, session.uidl_one(number)?)],
                None if messages.is_empty() => session.uidl()?,
                None => {
                    let (numbers, _) = messages::choose(session, messages)?;
                    let mut ids: HashMap<_, _> = session.uidl()?.into_iter().collect();
                    numbers.into_iter().filter_map(|number| ids.remove_entry(&number)).collect()
                }
            };
            ids.iter().try_for_each(|(number, id)| out.row(&Uidl::new(*number, id), format_args!("{number} {id}")))
        }
        Command::Index { messages } => {
            let listings = list(session, messages)?;
            index::write(session, &listings, out)
        }
        Command::Capa => {
            let mut capabilities = session.capabilities()?.iter();
            capabilities.try_for_each(|capability| out.row(&Capa::from(capability), capability))
        }
        Command::Last => {
            let last = session.last()?;
            out.row(&rows::Last { last }, last)
        }
        Command::Headers { messages } if out.is_json() => messages::write_fields(session, messages, out),
        Command::Headers { messages } => messages::write(session, messages, Extent::Top(0), out),
        Command::Top { messages, lines } => {
            messages::write(session, std::slice::from_ref(messages), Extent::Top(*lines), out)
        }
        Command::Retr { messages } => messages::write(session, messages, Extent::Whole, out),
        // `run` and `main` handle these, because they do not only read.
        Command::Dele { .. } | Command::Fetch(_) | Command::Serve(_) | Command::Completions { .. } | Command::Man => {
            Ok(())
        }
    }
}

/// Returns the scan listings of these messages, or of all if there are no arguments.
fn list(session: &mut Session<Tcp>, selections: &[Selection]) -> Result<Vec<ScanListing>, Failure> {
    match Selection::number(selections) {
        Some(number) => Ok(vec![session.list_one(number)?]),
        None if selections.is_empty() => Ok(session.list()?),
        None => Ok(Selection::choose(selections, &session.list()?)?.listings),
    }
}

/// Marks messages as deleted. Returns each with `true` if the server has marked it.
fn mark(session: &mut Session<Tcp>, selections: &[Selection]) -> Result<Vec<(u32, bool)>, Failure> {
    let (numbers, _) = messages::choose(session, selections)?;
    let mut marks = Vec::new();
    for (number, deletion) in numbers.iter().zip(session.delete_many(numbers.iter().copied())) {
        match deletion {
            Ok(number) => notes::detail(format_args!("message {number} is marked as deleted")),
            Err(ref error) if error.refused().is_some() => notes::error(error),
            Err(error) => {
                let status = Status::from(&error);
                return Err(Failure::new(status, format!("nothing was deleted: {error}")));
            }
        }
        marks.push((*number, deletion.is_ok()));
    }
    Ok(marks)
}

/// Ends the session, so that the server deletes the marked messages.
fn commit(session: Session<Tcp>, marks: &[(u32, bool)], out: &mut Output) -> Result<(), Failure> {
    session.quit()?;
    for &(number, deleted) in marks {
        out.object(&rows::Dele { number, deleted })?;
    }
    out.finish()?;
    let refused = marks.iter().filter(|(_, deleted)| !deleted).count();
    notes::note(format_args!("the server committed: {} deleted, {refused} refused", marks.len() - refused));
    if refused > 0 {
        let why = format!("the server refused {refused} of {} deletions", marks.len());
        return Err(Failure::new(Status::Refused, why));
    }
    Ok(())
}
