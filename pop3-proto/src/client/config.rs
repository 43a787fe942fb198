//! Bounds.

/// Bounds on what a server may send. All of them hold however the octets are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    /// Octets of a status line or of a line of a listing, line end included. RFC 2449, section 4, permits 512; servers
    /// send more. 8,192 by default.
    pub max_line: u32,
    /// Octets of a challenge, line end included (RFC 5034, section 4). 65,536 by default.
    pub max_challenge: u32,
    /// Challenges in one AUTH exchange. 16 by default.
    pub max_challenges: u8,
    /// Lines of one listing. 1,000,000 by default.
    pub max_rows: u32,
    /// Octets of one message, without byte-stuffing. No bound by default.
    pub max_body: u64,
    /// Whether servers whose lines end in a bare LF are understood. True by default.
    pub tolerate_lf: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            max_line: 8 * 1024,
            max_challenge: 64 * 1024,
            max_challenges: 16,
            max_rows: 1_000_000,
            max_body: u64::MAX,
            tolerate_lf: true,
        }
    }
}
