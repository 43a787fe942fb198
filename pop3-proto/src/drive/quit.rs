//! How a session ended.

use crate::drive::error::{Cause, Error};
use crate::drive::refusal::OwnedRefusal;

use core::convert::Infallible;
use core::fmt;

/// Why a QUIT is not known to have committed the deletions (RFC 1939, section 6). The session is over in any case.
#[derive(Debug)]
pub enum QuitError<T = Infallible> {
    /// The server refused: some messages that were marked are still there.
    Refused(OwnedRefusal),
    /// The session was over before QUIT was sent: nothing was deleted.
    NotSent(Error<T>),
    /// QUIT was sent, and no answer came: the marked messages may be deleted or not.
    Unknown(Error<T>),
}

impl<T> QuitError<T> {
    /// What it means that QUIT failed with `error`, after it was `sent` or before.
    pub fn new(error: Error<T>, sent: bool) -> QuitError<T> {
        match *error.cause {
            Cause::Refused(refused) => QuitError::Refused(refused),
            cause => {
                let error = Error::new(error.operation, cause);
                if sent { QuitError::Unknown(error) } else { QuitError::NotSent(error) }
            }
        }
    }
}

impl<T: fmt::Display> fmt::Display for QuitError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            QuitError::Refused(refused) => {
                write!(f, "some messages were not deleted; the server answered QUIT with {refused}")
            }
            QuitError::NotSent(error) => write!(f, "nothing was deleted, because QUIT could not be sent: {error}"),
            QuitError::Unknown(error) => write!(f, "it is unknown whether messages were deleted: {error}"),
        }
    }
}

impl<T: fmt::Debug + fmt::Display> core::error::Error for QuitError<T> {}
