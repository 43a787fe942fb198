//! The transfer of one message.

use std::io::{self, BufRead};

use indicatif::ProgressBar;
use pop3_blocking::{Error, MessageReader, Tcp};

use crate::delivery::Delivery;
use crate::digest::{Summing, Sums};
use crate::failure::Failure;
use crate::survey::Found;

/// A reason to stop the download.
pub(super) enum Stop {
    /// A message cannot be written. The answers of the server still fit the commands.
    Unwritten { why: Failure, others_can: bool },
    /// The session is over.
    Session(Failure),
}

/// Receives a message into the Maildir. Returns the number of its octets and their digests.
pub(super) fn receive(
    mut message: MessageReader<'_, Tcp>,
    delivery: &mut Delivery,
    found: &Found,
    bar: &ProgressBar,
) -> Result<(u64, Sums), Stop> {
    let what = format!("message {} could not be written", message.number());
    let failed = |delivery: &Delivery, error: io::Error| Stop::Unwritten {
        why: delivery.failed(&what, &error),
        others_can: error.kind() == io::ErrorKind::FileTooLarge,
    };
    let mut incoming = delivery.begin().map_err(|error| failed(delivery, error))?;
    loop {
        let run = message.fill_buf().map_err(|error| Stop::Session(Failure::reading(error)))?;
        if run.is_empty() {
            break;
        }
        incoming.write(run).map_err(|error| failed(delivery, error))?;
        let taken = run.len();
        message.consume(taken);
        bar.inc(taken as u64);
    }
    delivery.stage(incoming, found).map_err(|error| failed(delivery, error))
}

/// Receives a message or a header, and keeps only its digests. After the inner error, the session can continue.
pub(super) fn digest(message: Result<MessageReader<'_, Tcp>, Error>) -> Result<Result<Sums, Error>, Failure> {
    let mut message = match message {
        Ok(message) => message,
        Err(error) if error.is_recoverable() => return Ok(Err(error)),
        Err(error) => return Err(error.into()),
    };
    let mut summing = Summing::default();
    loop {
        let run = message.fill_buf().map_err(Failure::reading)?;
        if run.is_empty() {
            return Ok(Ok(summing.finish()));
        }
        summing.update(run);
        let taken = run.len();
        message.consume(taken);
    }
}
