//! The comparison of headers before messages of earlier runs are deleted.

use pop3_blocking::pop3_proto::wire::KnownCapability;
use pop3_blocking::{Session, Tcp};

use super::receive::digest;
use super::{Run, Visit};
use crate::failure::Failure;

impl Run {
    /// Compares the headers of messages that earlier runs stored, before they are deleted: another client may have
    /// deleted a message, and the server may have given its unique-id to a new one of the same size. If the server has
    /// no TOP, only the size is compared.
    pub(super) fn compare_headers(&mut self, visit: &mut Visit) -> Result<(), Failure> {
        let Visit { session, found, check } = visit;
        let known: Vec<_> =
            found.iter().filter(|(_, message)| self.delivery.has_for(message, self.plan.keep_days)).collect();
        if known.is_empty() {
            return Ok(());
        }
        let (mut compared, mut refused) = (false, Vec::new());
        for &(number, message) in &known {
            match digest(session.top(*number, 0)) {
                Ok(Ok(shown)) => {
                    compared = true;
                    if !self.delivery.has_header(message, &shown) {
                        self.delivery.doubt(message)?;
                    }
                }
                Ok(Err(error)) if error.refused().is_some() => refused.push(message),
                Ok(Err(_)) => self.delivery.doubt(message)?,
                Err(failure) => {
                    // The next run requests the whole message instead of its header, and requests it last.
                    self.delivery.doubt(message)?;
                    self.delivery.trouble(message)?;
                    return Err(failure);
                }
            }
        }
        if let Err(failure) = check.ask(session) {
            known.iter().try_for_each(|(_, message)| self.delivery.doubt(message))?;
            return Err(failure);
        }
        if !refused.is_empty() && (compared || announces_top(session)?) {
            refused.into_iter().try_for_each(|message| self.delivery.doubt(message))?;
        }
        Ok(())
    }
}

fn announces_top(session: &mut Session<Tcp>) -> Result<bool, Failure> {
    match session.capabilities() {
        Ok(capabilities) => Ok(capabilities.any(|known| known == KnownCapability::Top)),
        Err(error) if error.is_recoverable() => Ok(false),
        Err(error) => Err(error.into()),
    }
}
