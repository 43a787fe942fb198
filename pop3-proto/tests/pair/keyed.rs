//! A shelf whose owner may prove by SCRAM that the password is known.

use std::num::NonZeroU32;
#[cfg(feature = "scram")]
use std::sync::LazyLock;

#[cfg(feature = "scram")]
use pop3_proto::sasl::ScramKeys;
use pop3_proto::serve::{Denial, LoginAttempt, Maildrop, StoreError};

use crate::shelf::Shelf;
#[cfg(feature = "scram")]
use crate::shelf::{PASSWORD, USER};

#[derive(Debug)]
pub(crate) struct Keyed {
    pub(crate) shelf: Shelf,
    /// Whether there are keys.
    #[cfg_attr(not(feature = "scram"), allow(dead_code, reason = "there is nothing to offer"))]
    pub(crate) scram: bool,
}

impl Maildrop for Keyed {
    fn login(&mut self, credentials: LoginAttempt<'_>) -> Result<(), Denial> {
        self.shelf.login(credentials)
    }

    #[cfg(feature = "scram")]
    fn has_scram(&self) -> bool {
        self.scram
    }

    #[cfg(feature = "scram")]
    fn scram_keys(&mut self, user: &str) -> Result<ScramKeys, StoreError> {
        static KEYS: LazyLock<ScramKeys> = LazyLock::new(|| ScramKeys::derive(PASSWORD, b"salt", 4096).unwrap());
        assert!(self.scram && user == USER);
        Ok(KEYS.clone())
    }

    fn count(&self) -> u32 {
        self.shelf.count()
    }

    fn octets(&self, number: NonZeroU32) -> u64 {
        self.shelf.octets(number)
    }

    fn unique_id(&self, number: NonZeroU32) -> &str {
        self.shelf.unique_id(number)
    }

    fn read(&mut self, number: NonZeroU32, at: u64, buffer: &mut [u8]) -> Result<usize, StoreError> {
        self.shelf.read(number, at, buffer)
    }

    fn remove(&mut self, marked: &mut dyn Iterator<Item = NonZeroU32>) -> Result<(), StoreError> {
        self.shelf.remove(marked)
    }
}
