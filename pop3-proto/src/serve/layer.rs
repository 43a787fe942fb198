//! Changes to a maildrop that leave the rest of it as it is.

use alloc::boxed::Box;
use core::fmt;

#[cfg(feature = "scram")]
use crate::sasl::ScramKeys;
use crate::serve::maildrop::{Denial, LoginAttempt, Maildrop, StoreError};

/// A change to some methods of a [`Maildrop`].
///
/// Each method is called in place of the method of the same name, with the maildrop below as an argument. By default,
/// it calls that maildrop. Implement the methods that you want to change, and combine both in a [`Layered`].
///
/// A type that implements [`Maildrop`] itself and forwards only the required methods has the defaults of the others:
/// users could then no longer log in with SCRAM. A layer forwards every method, with any set of features.
///
/// ```
/// use pop3_proto::serve::{Layered, MailStore, Maildrop, MaildropLayer};
///
/// /// Hides all messages but the first three.
/// struct FirstThree;
///
/// impl MaildropLayer for FirstThree {
///     fn count<M: Maildrop + ?Sized>(&self, below: &M) -> u32 {
///         below.count().min(3)
///     }
/// }
///
/// let store = MailStore::new();
/// let maildrop = Layered { maildrop: store.maildrop(), layer: FirstThree };
/// assert_eq!(maildrop.count(), 0, "nobody has logged in");
/// ```
pub trait MaildropLayer {
    /// Changes [`Maildrop::login`].
    ///
    /// # Errors
    ///
    /// The reason for the refusal.
    fn login<M: Maildrop + ?Sized>(&mut self, below: &mut M, credentials: LoginAttempt<'_>) -> Result<(), Denial> {
        below.login(credentials)
    }

    /// Changes [`Maildrop::has_scram`].
    #[cfg(feature = "scram")]
    fn has_scram<M: Maildrop + ?Sized>(&self, below: &M) -> bool {
        below.has_scram()
    }

    /// Changes [`Maildrop::scram_keys`].
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store failed.
    #[cfg(feature = "scram")]
    fn scram_keys<M: Maildrop + ?Sized>(&mut self, below: &mut M, user: &str) -> Result<ScramKeys, StoreError> {
        below.scram_keys(user)
    }

    /// Changes [`Maildrop::count`].
    fn count<M: Maildrop + ?Sized>(&self, below: &M) -> u32 {
        below.count()
    }

    /// Changes [`Maildrop::octets`].
    fn octets<M: Maildrop + ?Sized>(&self, below: &M, number: u32) -> u64 {
        below.octets(number)
    }

    /// Changes [`Maildrop::unique_id`].
    fn unique_id<'a, M: Maildrop + ?Sized>(&'a self, below: &'a M, number: u32) -> &'a str {
        below.unique_id(number)
    }

    /// Changes [`Maildrop::read`].
    ///
    /// # Errors
    ///
    /// The reason for the failure.
    fn read<M: Maildrop + ?Sized>(
        &mut self,
        below: &mut M,
        number: u32,
        at: u64,
        buffer: &mut [u8],
    ) -> Result<usize, StoreError> {
        below.read(number, at, buffer)
    }

    /// Changes [`Maildrop::remove`].
    ///
    /// # Errors
    ///
    /// [`StoreError`] if some of the marked messages were not removed.
    fn remove<M: Maildrop + ?Sized>(
        &mut self,
        below: &mut M,
        marked: &mut dyn Iterator<Item = u32>,
    ) -> Result<(), StoreError> {
        below.remove(marked)
    }
}

/// A maildrop with a [`MaildropLayer`] above it. It has all abilities of the maildrop.
pub struct Layered<M, L> {
    /// The maildrop below.
    pub maildrop: M,
    /// The layer.
    pub layer: L,
}

impl<M: Maildrop, L: MaildropLayer> Maildrop for Layered<M, L> {
    fn login(&mut self, credentials: LoginAttempt<'_>) -> Result<(), Denial> {
        self.layer.login(&mut self.maildrop, credentials)
    }
    #[cfg(feature = "scram")]
    fn has_scram(&self) -> bool {
        self.layer.has_scram(&self.maildrop)
    }
    #[cfg(feature = "scram")]
    fn scram_keys(&mut self, user: &str) -> Result<ScramKeys, StoreError> {
        self.layer.scram_keys(&mut self.maildrop, user)
    }
    fn count(&self) -> u32 {
        self.layer.count(&self.maildrop)
    }
    fn octets(&self, number: u32) -> u64 {
        self.layer.octets(&self.maildrop, number)
    }
    fn unique_id(&self, number: u32) -> &str {
        self.layer.unique_id(&self.maildrop, number)
    }
    fn read(&mut self, number: u32, at: u64, buffer: &mut [u8]) -> Result<usize, StoreError> {
        self.layer.read(&mut self.maildrop, number, at, buffer)
    }
    fn remove(&mut self, marked: &mut dyn Iterator<Item = u32>) -> Result<(), StoreError> {
        self.layer.remove(&mut self.maildrop, marked)
    }
}

impl<M, L: fmt::Debug> fmt::Debug for Layered<M, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Layered").field("layer", &self.layer).finish_non_exhaustive()
    }
}

/// Implements [`Maildrop`] for a pointer to a maildrop.
macro_rules! forward_to_pointee {
    ($pointer:ty) => {
        impl<M: Maildrop + ?Sized> Maildrop for $pointer {
            fn login(&mut self, credentials: LoginAttempt<'_>) -> Result<(), Denial> {
                (**self).login(credentials)
            }
            #[cfg(feature = "scram")]
            fn has_scram(&self) -> bool {
                (**self).has_scram()
            }
            #[cfg(feature = "scram")]
            fn scram_keys(&mut self, user: &str) -> Result<ScramKeys, StoreError> {
                (**self).scram_keys(user)
            }
            fn count(&self) -> u32 {
                (**self).count()
            }
            fn octets(&self, number: u32) -> u64 {
                (**self).octets(number)
            }
            fn unique_id(&self, number: u32) -> &str {
                (**self).unique_id(number)
            }
            fn read(&mut self, number: u32, at: u64, buffer: &mut [u8]) -> Result<usize, StoreError> {
                (**self).read(number, at, buffer)
            }
            fn remove(&mut self, marked: &mut dyn Iterator<Item = u32>) -> Result<(), StoreError> {
                (**self).remove(marked)
            }
        }
    };
}

forward_to_pointee!(&mut M);
forward_to_pointee!(Box<M>);
