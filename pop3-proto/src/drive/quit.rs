//! Errors of QUIT.

use crate::drive::error::{Cause, Error};
use crate::drive::refusal::OwnedRefusal;

use core::convert::Infallible;
use core::fmt;

/// The reason why QUIT is not known to have committed the deletions (RFC 1939, section 6). The session is always over.
#[derive(Debug)]
pub enum QuitError<T = Infallible> {
    /// The server refused: some of the marked messages were not deleted.
    Refused(OwnedRefusal),
    /// The session was over before QUIT was sent: nothing was deleted.
    NotSent(Error<T>),
    /// QUIT was sent, and no answer arrived: the marked messages may have been deleted or not.
    Unknown(Error<T>),
}

impl<T> QuitError<T> {
    /// Creates the error for a QUIT that failed with `error`, before or after it was `sent`.
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
