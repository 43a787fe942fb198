//! All commands except `fetch`.

use std::io::BufRead;

use pop3_blocking::{MessageReader, Session, Tcp};

use crate::failure::{Failure, Status};
use crate::notes;
use crate::options::Command;
use crate::output::Output;
use crate::rows::{self, Capa, Uidl};

/// Runs a command, and ends the session.
pub(crate) fn run(mut session: Session<Tcp>, command: &Command, out: &mut Output) -> Result<(), Failure> {
    if let Command::Dele { numbers } = command {
        return delete(session, numbers);
    }
    let done = look(&mut session, command, out).and_then(|()| out.finish());
    if done.as_ref().err().is_none_or(Failure::is_recoverable) {
        // The command has been answered, so an error of QUIT does not matter.
        let _ = session.quit();
    }
    done
}

/// Runs a command that only reads. Rows have the columns of the protocol, so that scripts can read them; everything
/// except messages is escaped.
fn look(session: &mut Session<Tcp>, command: &Command, out: &mut Output) -> Result<(), Failure> {
    match *command {
        Command::Stat => {
            let drop = session.stat()?;
            out.row(&rows::Stat::from(&drop), drop)
        }
        Command::List { number } => {
            let listings = match number {
                Some(number) => vec![session.list_one(number)?],
                None => session.list()?,
            };
            listings.iter().try_for_each(|listing| out.row(&rows::List::from(listing), listing))
        }
        Command::Uidl { number } => {
            let ids = match number {
                Some(number) => vec![(number, session.uidl_one(number)?)],
                None => session.uidl()?,
            };
            ids.iter().try_for_each(|(number, id)| out.row(&Uidl::new(*number, id), format_args!("{number} {id}")))
        }
        Command::Capa => {
            let mut capabilities = session.capabilities()?.iter();
            capabilities.try_for_each(|capability| out.row(&Capa::from(capability), capability))
        }
        Command::Last => {
            let last = session.last()?;
            out.row(&rows::Last { last }, last)
        }
        Command::Headers { number } => copy(session.top(number, 0)?, out),
        Command::Top { number, lines } => copy(session.top(number, lines)?, out),
        Command::Retr { number } => copy(session.retrieve(number)?, out),
        // `run` and `main` handle these, because they do not only read.
        Command::Dele { .. } | Command::Fetch { .. } => Ok(()),
    }
}

fn copy(mut message: MessageReader<'_, Tcp>, out: &mut Output) -> Result<(), Failure> {
    loop {
        let run = message.fill_buf().map_err(Failure::reading)?;
        if run.is_empty() {
            return Ok(());
        }
        out.octets(run)?;
        let taken = run.len();
        message.consume(taken);
    }
}

fn delete(mut session: Session<Tcp>, numbers: &[u32]) -> Result<(), Failure> {
    let (mut marked, mut refused) = (0, 0);
    for deletion in session.delete_many(numbers.iter().copied()) {
        match deletion {
            Ok(number) => {
                marked += 1;
                notes::detail(format_args!("message {number} is marked as deleted"));
            }
            Err(error) if error.refused().is_some() => {
                refused += 1;
                notes::error(error);
            }
            Err(error) => {
                let status = Status::from(&error);
                return Err(Failure::new(status, format!("nothing was deleted: {error}")));
            }
        }
    }
    session.quit()?;
    notes::note(format_args!("the server committed: {marked} deleted, {refused} refused"));
    if refused > 0 {
        return Err(Failure::new(
            Status::Refused,
            format!("the server refused {refused} of {} deletions", numbers.len()),
        ));
    }
    Ok(())
}
