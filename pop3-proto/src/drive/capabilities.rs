//! Capabilities announced by a server.

use crate::drive::listing::Listing;
use crate::wire::capability::{Capability, KnownCapability};

/// The capabilities that a server announced, in its order (RFC 2449, section 5).
///
/// ```
/// use pop3_proto::drive::{Capabilities, Listing};
/// use pop3_proto::wire::KnownCapability;
///
/// let lines: Listing = ["UIDL", "PIPELINING", "SASL PLAIN SCRAM-SHA-256", "XMOTTO"].into_iter().collect();
/// let capabilities = Capabilities::from(lines);
/// assert!(capabilities.any(|known| known == KnownCapability::Pipelining));
/// assert!(capabilities.iter().any(|capability| capability.tag() == b"XMOTTO"));
/// assert!(capabilities.mechanisms().eq(["PLAIN", "SCRAM-SHA-256"].map(str::as_bytes)));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    lines: Listing,
    /// These are cached, because every command checks them and there may be many lines.
    pipelining: bool,
    removes_retrieved: bool,
}

/// Takes the lines of an answer to CAPA.
impl From<Listing> for Capabilities {
    fn from(lines: Listing) -> Capabilities {
        let mut capabilities = Capabilities { lines, pipelining: false, removes_retrieved: false };
        capabilities.pipelining = capabilities.any(|known| known == KnownCapability::Pipelining);
        // Before the login, a server may not know yet how long it keeps the messages of this user.
        capabilities.removes_retrieved = capabilities.any(|known| {
            matches!(
                known,
                KnownCapability::Expire { days: Some(0), .. } | KnownCapability::Expire { per_user: true, .. }
            )
        });
        capabilities
    }
}

impl Capabilities {
    /// Returns all capabilities, including unknown ones.
    pub fn iter(&self) -> impl Iterator<Item = Capability<'_>> {
        self.lines.iter().map(Capability::new)
    }

    /// Returns true if a known capability satisfies `wanted`.
    pub fn any(&self, wanted: impl Fn(KnownCapability<'_>) -> bool) -> bool {
        self.iter().filter_map(Capability::known).any(wanted)
    }

    /// Returns true if commands may be sent before earlier ones are answered (RFC 2449, section 6.6).
    pub(crate) const fn pipelining(&self) -> bool {
        self.pipelining
    }

    /// Returns true if the server may delete a message as soon as it was retrieved (RFC 2449, section 6.7).
    pub(crate) const fn removes_retrieved(&self) -> bool {
        self.removes_retrieved
    }

    /// Returns the announced SASL mechanisms (RFC 5034), as received.
    pub fn mechanisms(&self) -> impl Iterator<Item = &[u8]> {
        self.iter().filter(|capability| capability.known() == Some(KnownCapability::Sasl)).flat_map(Capability::params)
    }
}
