//! A maildrop that supports SCRAM.
#[cfg(feature = "scram")]
use std::sync::LazyLock;

#[cfg(feature = "scram")]
use pop3_proto::sasl::ScramKeys;
use pop3_proto::serve::{Denial, LoginAttempt, Maildrop, StoreError};

use crate::maildrop::TestMaildrop;
#[cfg(feature = "scram")]
use crate::maildrop::{PASSWORD, USER};

#[derive(Debug)]
pub(crate) struct Keyed {
    pub(crate) maildrop: TestMaildrop,
    /// Has SCRAM keys.
    #[cfg_attr(not(feature = "scram"), allow(dead_code, reason = "there is nothing to offer"))]
    pub(crate) scram: bool,
}

impl Maildrop for Keyed {
    fn login(&mut self, credentials: LoginAttempt<'_>) -> Result<(), Denial> {
        self.maildrop.login(credentials)
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
        self.maildrop.count()
    }

    fn octets(&self, number: u32) -> u64 {
        self.maildrop.octets(number)
    }

    fn unique_id(&self, number: u32) -> &str {
        self.maildrop.unique_id(number)
    }

    fn read(&mut self, number: u32, at: u64, buffer: &mut [u8]) -> Result<usize, StoreError> {
        self.maildrop.read(number, at, buffer)
    }

    fn remove(&mut self, marked: &mut dyn Iterator<Item = u32>) -> Result<(), StoreError> {
        self.maildrop.remove(marked)
    }
}
