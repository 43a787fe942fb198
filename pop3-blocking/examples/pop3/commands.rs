//! All commands except `fetch`.

use std::io::{BufRead, BufWriter, Write};

use pop3_blocking::{MessageReader, Session, Tcp};

use crate::failure::{Failure, Status};
use crate::options::Command;

/// Runs a command, and ends the session.
pub(crate) fn run(mut session: Session<Tcp>, command: &Command) -> Result<(), Failure> {
    if let Command::Dele { numbers } = command {
        return delete(session, numbers);
    }
    let mut out = BufWriter::new(std::io::stdout().lock());
    let done = look(&mut session, command, &mut out).and_then(|()| out.flush().map_err(Failure::output));
    if done.as_ref().err().is_none_or(Failure::is_recoverable) {
        // The command has been answered, so an error of QUIT does not matter.
        let _ = session.quit();
    }
    done
}

/// Runs a command that only reads. Rows have the columns of the protocol, so that scripts can read them; everything
/// except messages is escaped.
fn look(session: &mut Session<Tcp>, command: &Command, out: &mut impl Write) -> Result<(), Failure> {
    match *command {
        Command::Stat => {
            let drop = session.stat()?;
            writeln!(out, "{drop}")
        }
        Command::List { number } => {
            let listings = match number {
                Some(number) => vec![session.list_one(number)?],
                None => session.list()?,
            };
            listings.iter().try_for_each(|listing| writeln!(out, "{listing}"))
        }
        Command::Uidl { number } => {
            let ids = match number {
                Some(number) => vec![(number, session.uidl_one(number)?)],
                None => session.uidl()?,
            };
            ids.iter().try_for_each(|(number, id)| writeln!(out, "{number} {id}"))
        }
        Command::Capa => {
            let capabilities = session.capabilities()?;
            capabilities.iter().try_for_each(|capability| writeln!(out, "{capability}"))
        }
        Command::Last => writeln!(out, "{}", session.last()?),
        Command::Headers { number } => return copy(session.top(number, 0)?, out),
        Command::Top { number, lines } => return copy(session.top(number, lines)?, out),
        Command::Retr { number } => return copy(session.retrieve(number)?, out),
        // `run` and `main` handle these, because they do not only read.
        Command::Dele { .. } | Command::Fetch { .. } => Ok(()),
    }
    .map_err(Failure::output)
}

fn copy(mut message: MessageReader<'_, Tcp>, out: &mut impl Write) -> Result<(), Failure> {
    loop {
        let run = message.fill_buf().map_err(Failure::reading)?;
        if run.is_empty() {
            return Ok(());
        }
        out.write_all(run).map_err(Failure::output)?;
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
                eprintln!("pop3: message {number} is marked as deleted");
            }
            Err(error) if error.refused().is_some() => {
                refused += 1;
                eprintln!("pop3: {error}");
            }
            Err(error) => {
                let status = Status::from(&error);
                return Err(Failure::new(status, format!("nothing was deleted: {error}")));
            }
        }
    }
    session.quit()?;
    eprintln!("pop3: the server committed: {marked} deleted, {refused} refused");
    if refused > 0 {
        return Err(Failure::new(
            Status::Refused,
            format!("the server refused {refused} of {} deletions", numbers.len()),
        ));
    }
    Ok(())
}
