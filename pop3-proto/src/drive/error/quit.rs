//! Errors of QUIT.

use core::fmt;

use crate::drive::error::{Cause, Error};
use crate::drive::refusal::OwnedRefusal;

/// The reason why QUIT did not commit the deletions, or may not have committed them (RFC 1939, section 6). The session
/// is over.
///
/// This type is separate from [`Error`], because it reports whether the marked messages were deleted.
///
/// ```
/// use pop3_proto::QuitError;
///
/// fn report(error: &QuitError) -> &'static str {
///     match error {
///         QuitError::Refused(_) => "some of the messages are still there",
///         QuitError::NotSent(_) => "all of the messages are still there",
///         QuitError::Unknown(_) => "the next session shows which messages are left",
///     }
/// }
/// ```
#[derive(Debug)]
pub enum QuitError {
    /// The server refused: some of the marked messages were not deleted.
    Refused(OwnedRefusal),
    /// The session was over before QUIT was sent: nothing was deleted.
    NotSent(Error),
    /// QUIT was sent, and no answer arrived: the marked messages may or may not have been deleted.
    Unknown(Error),
}

impl QuitError {
    /// Creates the error for a QUIT that failed with `error`, before or after it was `sent`.
    pub(crate) fn new(error: Error, sent: bool) -> QuitError {
        if let Cause::Refused(refused) = error.cause() {
            return QuitError::Refused(refused.clone());
        }
        if sent { QuitError::Unknown(error) } else { QuitError::NotSent(error) }
    }
}

impl fmt::Display for QuitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            QuitError::Refused(refused) => {
                write!(f, "some messages were not deleted; the server answered QUIT with {refused}")
            }
            QuitError::NotSent(_) => f.write_str("nothing was deleted, because QUIT could not be sent"),
            QuitError::Unknown(_) => f.write_str("it is unknown whether messages were deleted"),
        }
    }
}

impl core::error::Error for QuitError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            QuitError::Refused(_) => None,
            QuitError::NotSent(error) | QuitError::Unknown(error) => Some(error),
        }
    }
}
