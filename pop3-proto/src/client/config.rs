//! Limits for a client.

/// Limits on what a server may send. They do not depend on how the octets are split into reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    /// The maximum length of a status line or of a line of a listing, in octets, line end included. RFC 2449, section
    /// 4, permits 512; servers send more. The default is 8,192.
    pub max_line: u32,
    /// The maximum length of a challenge line, in octets, line end included (RFC 5034, section 4). The default is
    /// 65,536.
    pub max_challenge: u32,
    /// The maximum number of challenges in one AUTH exchange. The default is 16.
    pub max_challenges: u8,
    /// The maximum number of lines in one listing. The default is 1,000,000.
    pub max_rows: u32,
    /// The maximum size of one message in octets, without byte-stuffing. There is no limit by default.
    pub max_body: u64,
    /// True to accept servers whose lines end in a bare LF. The default is true.
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
