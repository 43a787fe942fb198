//! Owned unique-ids.

use crate::wire::listing::UniqueId;

use alloc::boxed::Box;

/// An owned [`UniqueId`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnedUniqueId(Box<[u8]>);

impl OwnedUniqueId {
    /// Borrows the unique-id.
    pub const fn as_unique_id(&self) -> UniqueId<'_> {
        UniqueId::new(&self.0)
    }

    /// Returns the octets of the unique-id; there may be none.
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<UniqueId<'_>> for OwnedUniqueId {
    fn from(id: UniqueId<'_>) -> OwnedUniqueId {
        OwnedUniqueId(id.as_bytes().into())
    }
}

/// Formats as [`UniqueId`] does.
impl core::fmt::Display for OwnedUniqueId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Display::fmt(&self.as_unique_id(), f)
    }
}

impl core::fmt::Debug for OwnedUniqueId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Debug::fmt(&self.as_unique_id(), f)
    }
}
