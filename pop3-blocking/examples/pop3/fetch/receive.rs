//! The transfer of one message.

use std::io::{self, Read};

use indicatif::ProgressBar;
use pop3_blocking::{Error, MessageReader, Tcp};

use crate::delivery::Delivery;
use crate::digest::{Summing, Sums};
use crate::failure::Failure;
use crate::survey::Found;

/// The octets that are read and written at once.
const BUFFER: usize = 64 * 1024;

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
    let mut buffer = vec![0; BUFFER];
    loop {
        let read = message.read(&mut buffer).map_err(|error| Stop::Session(Failure::reading(error)))?;
        if read == 0 {
            break;
        }
        incoming.write(&buffer[..read]).map_err(|error| failed(delivery, error))?;
        bar.inc(read as u64);
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
    let (mut summing, mut buffer) = (Summing::default(), vec![0; BUFFER]);
    loop {
        let read = message.read(&mut buffer).map_err(Failure::reading)?;
        if read == 0 {
            return Ok(Ok(summing.finish()));
        }
        summing.update(&buffer[..read]);
    }
}
