//! Owned unique-ids.

#[cfg(feature = "serde")]
mod stored;

use crate::wire::listing::UniqueId;

use alloc::boxed::Box;

/// An owned [`UniqueId`].
///
/// ```
/// use std::collections::HashSet;
///
/// use pop3_proto::drive::OwnedUniqueId;
/// use pop3_proto::wire::UniqueId;
///
/// let id = OwnedUniqueId::from(UniqueId::new(b"whqtswO00WBw418f9t5JxYwZ"));
/// let seen = HashSet::from([id.clone()]);
/// assert!(seen.contains(&id));
/// ```
///
/// The feature `serde` implements `Serialize` and `Deserialize`, for all octets that servers send. In a format for
/// people, such as JSON, an id is a string, which may also be a key: octets outside of 0x21 to 0x7E and the backslash
/// are written as `\x20`. In other formats, an id is its octets.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnedUniqueId(Box<[u8]>);

impl OwnedUniqueId {
    const fn as_unique_id(&self) -> UniqueId<'_> {
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
