//! A maildrop that fails on demand.
//!
//! [`Failures`] is a plan: the first login is refused, the second read fails, and so on. Put it above any maildrop as a
//! [`Layered`]. The calls of all sessions with clones of the plan are counted together, so that a test of a program
//! that connects again can plan for the next session.
//!
//! ```
//! use pop3_proto::serve::{Denial, Layered, LoginAttempt, MailStore, Maildrop};
//! use pop3_proto::testing::failing::{Call, Failures};
//!
//! let store = MailStore::new();
//! store.add_user("mrose", "secret");
//! store.deliver("mrose", "Subject: hello\n\nworld\n");
//!
//! let failures = Failures::new().refuse_login(1, Denial::InUse).fail_remove(1, 0);
//! let attempt = LoginAttempt::Password { user: "mrose", password: "secret" };
//! let mut maildrop = Layered::new(store.maildrop(), failures.clone());
//! assert_eq!(maildrop.login(attempt), Err(Denial::InUse));
//! assert_eq!(maildrop.login(attempt), Ok(()));
//! assert!(maildrop.remove(&mut [1].into_iter()).is_err());
//! assert_eq!(failures.calls(Call::Login), 2);
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
pub enum Call {
    /// [`Maildrop::login`].
    Login,
    /// `Maildrop::scram_keys`, with the feature `scram`.
    ScramKeys,
    /// [`Maildrop::read`]. A message has at least two: one for its octets, and one that finds its end.
    Read,
    /// [`Maildrop::remove`].
    Remove,
}

impl Call {
    const ALL: usize = 4;

    const fn index(self) -> usize {
        match self {
            Call::Login => 0,
            Call::ScramKeys => 1,
            Call::Read => 2,
            Call::Remove => 3,
        }
    }
}

/// The result of a call that the maildrop below does not answer alone.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fault {
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
    calls: [u64; Call::ALL],
    /// The faults, each with its call and the number of that call.
    faults: Vec<(Call, u64, Fault)>,
    /// The most octets that a read returns.
    mouthful: Option<usize>,
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
        self.plan(Call::Login, number, Fault::Refused(denial))
    }

    /// Lets the request for SCRAM keys with this number fail.
    #[must_use]
    pub fn fail_scram_keys(self, number: u64) -> Failures {
        self.plan(Call::ScramKeys, number, Fault::Failed)
    }

    /// Lets the read with this number fail. At the beginning of a message the server refuses RETR with `[SYS/TEMP]`; in
    /// the middle, it closes the connection.
    #[must_use]
    pub fn fail_read(self, number: u64) -> Failures {
        self.plan(Call::Read, number, Fault::Failed)
    }

    /// Lets the read with this number find the end of the message. The message looks complete, but is shorter than its
    /// size says.
    #[must_use]
    pub fn end_read(self, number: u64) -> Failures {
        self.plan(Call::Read, number, Fault::Ended)
    }

    /// Lets the removal with this number fail after `removed` of the marked messages were removed. With 0, nothing is
    /// removed, and the maildrop below does not see the call; with [`usize::MAX`], everything is removed and only the
    /// report is wrong.
    #[must_use]
    pub fn fail_remove(self, number: u64, removed: usize) -> Failures {
        self.plan(Call::Remove, number, Fault::Removed(removed))
    }

    /// Lets each read return at most so many octets, and at least one.
    #[must_use]
    pub fn mouthful(self, octets: usize) -> Failures {
        self.lock().mouthful = Some(octets.max(1));
        self
    }

    /// Returns the number of calls so far, including failed ones.
    pub fn calls(&self, call: Call) -> u64 {
        self.lock().calls[call.index()]
    }

    /// Returns the same plan with all counts at 0, independent of this one.
    #[must_use]
    pub fn restarted(&self) -> Failures {
        let plan = Plan { calls: [0; Call::ALL], ..self.lock().clone() };
        Failures(Arc::new(Mutex::new(plan)))
    }

    fn plan(self, call: Call, number: u64, fault: Fault) -> Failures {
        self.lock().faults.push((call, number, fault));
        self
    }

    /// Counts a call, and returns what is planned for it.
    fn next(&self, call: Call) -> Option<Fault> {
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
        match self.next(Call::Login) {
            Some(Fault::Refused(denial)) => Err(denial),
            _ => below.login(credentials),
        }
    }

    #[cfg(feature = "scram")]
    fn scram_keys<M: Maildrop + ?Sized>(&mut self, below: &mut M, user: &str) -> Result<ScramKeys, StoreError> {
        if self.next(Call::ScramKeys).is_some() { Err(planned()) } else { below.scram_keys(user) }
    }

    fn read<M: Maildrop + ?Sized>(
        &mut self,
        below: &mut M,
        number: u32,
        at: u64,
        buffer: &mut [u8],
    ) -> Result<usize, StoreError> {
        match self.next(Call::Read) {
            Some(Fault::Ended) => Ok(0),
            Some(_) => Err(planned()),
            None => {
                let mouthful = self.lock().mouthful.unwrap_or(usize::MAX).min(buffer.len());
                below.read(number, at, &mut buffer[..mouthful])
            }
        }
    }

    fn remove<M: Maildrop + ?Sized>(
        &mut self,
        below: &mut M,
        marked: &mut dyn Iterator<Item = u32>,
    ) -> Result<(), StoreError> {
        match self.next(Call::Remove) {
            Some(Fault::Removed(removed)) => {
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
        if let Some(octets) = plan.mouthful {
            shown.field("mouthful", &octets);
        }
        shown.field("faults", &plan.faults).finish()
    }
}
