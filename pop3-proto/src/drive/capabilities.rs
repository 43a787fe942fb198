//! The capabilities that a server announced.

use crate::wire::capability::{Capability, KnownCapability};

use alloc::boxed::Box;
use alloc::vec::Vec;

/// What a server announced, in the order in which it did (RFC 2449, section 5).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    lines: Vec<Box<[u8]>>,
    /// Asked for with every command, and the lines may be many.
    pipelining: bool,
}

impl Capabilities {
    /// Takes the answer to CAPA.
    pub fn new(lines: Vec<Box<[u8]>>) -> Capabilities {
        let mut capabilities = Capabilities { lines, pipelining: false };
        capabilities.pipelining = capabilities.any(|known| known == KnownCapability::Pipelining);
        capabilities
    }

    /// Every capability, the unknown ones too.
    pub fn iter(&self) -> impl Iterator<Item = Capability<'_>> {
        self.lines.iter().map(|line| Capability::new(line))
    }

    /// Whether a capability is announced that `wanted` accepts.
    pub fn any(&self, wanted: impl Fn(KnownCapability<'_>) -> bool) -> bool {
        self.iter().filter_map(Capability::known).any(wanted)
    }

    /// Whether commands may be sent before earlier ones are answered (RFC 2449, section 6.6).
    pub const fn pipelining(&self) -> bool {
        self.pipelining
    }

    /// The SASL mechanisms announced (RFC 5034), as they came.
    pub fn mechanisms(&self) -> impl Iterator<Item = &[u8]> {
        self.iter().filter(|capability| capability.known() == Some(KnownCapability::Sasl)).flat_map(Capability::params)
    }
}
