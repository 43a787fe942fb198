//! A maildrop that fails on demand.
//!
//! [`Failures`] is a plan: the first login is refused, the second read fails, and so on. Put it above any maildrop as a
//! [`Layered`]. The calls of all sessions with clones of the plan are counted together, so that a test of a program
//! that connects again can plan for the next session.
//!
//! ```
//! use pop3_proto::serve::{Denial, Layered, LoginAttempt, MailStore, Maildrop};
//! use pop3_proto::testing::failing::{MaildropCall, Failures};
//!
//! let store = MailStore::new();
//! store.add_user("mrose", "secret");
//! store.deliver("mrose", "Subject: hello\n\nworld\n");
//!
//! let failures = Failures::new().refuse_login(1, Denial::InUse).fail_remove(1, 0);
//! let attempt = LoginAttempt::Password { user: "mrose", password: "secret" };
//! let mut maildrop = Layered { maildrop: store.maildrop(), layer: failures.clone() };
//! assert_eq!(maildrop.login(attempt), Err(Denial::InUse));
//! assert_eq!(maildrop.login(attempt), Ok(()));
//! assert!(maildrop.remove(&mut [1].into_iter()).is_err());
//! assert_eq!(failures.calls(MaildropCall::Login), 2);
//! assert_eq!(store.messages("mrose").len(), 1, "nothing was removed");
//! ```
//!
//! [`Layered`]: crate::serve::Layered

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::vec::Vec;

#[cfg(feature = "scram")]
use crate::sasl::ScramKeys;
use crate::serve::{Denial, LoginAttempt, Maildrop, MaildropLayer, StoreError};

/// The calls of a [`Maildrop`] that can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MaildropCall {
    /// [`Maildrop::login`].
    Login,
    /// `Maildrop::scram_keys`, with the feature `scram`.
    ScramKeys,
    /// [`Maildrop::read`]. A message has at least two: one for its octets, and one that finds its end.
    Read,
    /// [`Maildrop::remove`].
    Remove,
}

impl MaildropCall {
    const ALL: usize = 4;

    const fn index(self) -> usize {
        match self {
            MaildropCall::Login => 0,
            MaildropCall::ScramKeys => 1,
            MaildropCall::Read => 2,
            MaildropCall::Remove => 3,
        }
    }
}

/// The result of a call that the maildrop below does not answer alone.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Planned {
    /// The login is refused.
    Refused(Denial),
    /// The call fails.
    Failed,
    /// The read finds the end of the message.
    Ended,
    /// So many of the marked messages are removed, and then the call fails.
    Removed(usize),
}

#[derive(Clone, Default)]
struct Plan {
    calls: [u64; MaildropCall::ALL],
    /// The faults, each with its call and the number of that call.
    faults: Vec<(MaildropCall, u64, Planned)>,
    /// The most octets that a read returns.
    max_read: Option<usize>,
}

/// A plan of failures, as a layer above a maildrop. A clone is another handle to the same plan and the same counts.
///
/// Calls are counted from 1. A call for which nothing is planned reaches the maildrop below. If two failures are
/// planned for the same call, the first one counts.
#[derive(Clone, Default)]
pub struct Failures(Arc<Mutex<Plan>>);

impl Failures {
    /// Creates a plan without failures.
    pub fn new() -> Failures {
        Failures::default()
    }

    /// Refuses the login with this number. The maildrop below does not see it.
    #[must_use]
    pub fn refuse_login(self, number: u64, denial: Denial) -> Failures {
        self.plan(MaildropCall::Login, number, Planned::Refused(denial))
    }

    /// Lets the request for SCRAM keys with this number fail.
    #[must_use]
    pub fn fail_scram_keys(self, number: u64) -> Failures {
        self.plan(MaildropCall::ScramKeys, number, Planned::Failed)
    }

    /// Lets the read with this number fail. At the beginning of a message the server refuses RETR with `[SYS/TEMP]`; in
    /// the middle, it closes the connection.
    #[must_use]
    pub fn fail_read(self, number: u64) -> Failures {
        self.plan(MaildropCall::Read, number, Planned::Failed)
    }

    /// Lets the read with this number find the end of the message. The message looks complete, but is shorter than its
    /// size says.
    #[must_use]
    pub fn end_read(self, number: u64) -> Failures {
        self.plan(MaildropCall::Read, number, Planned::Ended)
    }

    /// Lets the removal with this number fail after `removed` of the marked messages were removed. With 0, nothing is
    /// removed, and the maildrop below does not see the call; with [`usize::MAX`], everything is removed and only the
    /// report is wrong.
    #[must_use]
    pub fn fail_remove(self, number: u64, removed: usize) -> Failures {
        self.plan(MaildropCall::Remove, number, Planned::Removed(removed))
    }

    /// Lets each read return at most so many octets, and at least one.
    #[must_use]
    pub fn max_read(self, octets: usize) -> Failures {
        self.lock().max_read = Some(octets.max(1));
        self
    }

    /// Returns the number of calls so far, including failed ones.
    pub fn calls(&self, call: MaildropCall) -> u64 {
        self.lock().calls[call.index()]
    }

    /// Returns the same plan with all counts at 0, independent of this one.
    #[must_use]
    pub fn restarted(&self) -> Failures {
        let plan = Plan { calls: [0; MaildropCall::ALL], ..self.lock().clone() };
        Failures(Arc::new(Mutex::new(plan)))
    }

    fn plan(self, call: MaildropCall, number: u64, fault: Planned) -> Failures {
        self.lock().faults.push((call, number, fault));
        self
    }

    /// Counts a call, and returns what is planned for it.
    fn next(&self, call: MaildropCall) -> Option<Planned> {
        let mut plan = self.lock();
        plan.calls[call.index()] += 1;
        let number = plan.calls[call.index()];
        plan.faults.iter().find(|(of, at, _)| (*of, *at) == (call, number)).map(|(.., fault)| fault.clone())
    }

    /// Locks the plan. A test that panicked cannot have left it in an inconsistent state.
    fn lock(&self) -> MutexGuard<'_, Plan> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn planned() -> StoreError {
    StoreError("the store failed, as planned".into())
}

impl MaildropLayer for Failures {
    fn login<M: Maildrop + ?Sized>(&mut self, below: &mut M, credentials: LoginAttempt<'_>) -> Result<(), Denial> {
        match self.next(MaildropCall::Login) {
            Some(Planned::Refused(denial)) => Err(denial),
            _ => below.login(credentials),
        }
    }

    #[cfg(feature = "scram")]
    fn scram_keys<M: Maildrop + ?Sized>(&mut self, below: &mut M, user: &str) -> Result<ScramKeys, StoreError> {
        if self.next(MaildropCall::ScramKeys).is_some() { Err(planned()) } else { below.scram_keys(user) }
    }

    fn read<M: Maildrop + ?Sized>(
        &mut self,
        below: &mut M,
        number: u32,
        at: u64,
        buffer: &mut [u8],
    ) -> Result<usize, StoreError> {
        match self.next(MaildropCall::Read) {
            Some(Planned::Ended) => Ok(0),
            Some(_) => Err(planned()),
            None => {
                let max_read = self.lock().max_read.unwrap_or(usize::MAX).min(buffer.len());
                below.read(number, at, &mut buffer[..max_read])
            }
        }
    }

    fn remove<M: Maildrop + ?Sized>(
        &mut self,
        below: &mut M,
        marked: &mut dyn Iterator<Item = u32>,
    ) -> Result<(), StoreError> {
        match self.next(MaildropCall::Remove) {
            Some(Planned::Removed(removed)) => {
                if removed > 0 {
                    below.remove(&mut marked.take(removed))?;
                }
                Err(planned())
            }
            _ => below.remove(marked),
        }
    }
}

/// Shows the failures that are planned: the call, its number, and the result.
impl fmt::Debug for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plan = self.lock();
        let mut shown = f.debug_struct("Failures");
        if let Some(octets) = plan.max_read {
            shown.field("max_read", &octets);
        }
        shown.field("faults", &plan.faults).finish()
    }
}
