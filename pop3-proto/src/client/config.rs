//! Limits for a client.

/// Limits on what a server may send. They do not depend on how the octets are split into reads.
///
/// ```
/// use pop3_proto::Config;
///
/// let config = Config::new().max_line(512).max_body(64 << 20);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
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

impl Config {
    /// Creates the default limits, also for use in constants.
    pub const fn new() -> Config {
        Config {
            max_line: 8 * 1024,
            max_challenge: 64 * 1024,
            max_challenges: 16,
            max_rows: 1_000_000,
            max_body: u64::MAX,
            tolerate_lf: true,
        }
    }

    /// Sets [`max_line`](Self#structfield.max_line).
    #[must_use]
    pub const fn max_line(self, max_line: u32) -> Config {
        Config { max_line, ..self }
    }

    /// Sets [`max_challenge`](Self#structfield.max_challenge).
    #[must_use]
    pub const fn max_challenge(self, max_challenge: u32) -> Config {
        Config { max_challenge, ..self }
    }

    /// Sets [`max_challenges`](Self#structfield.max_challenges).
    #[must_use]
    pub const fn max_challenges(self, max_challenges: u8) -> Config {
        Config { max_challenges, ..self }
    }

    /// Sets [`max_rows`](Self#structfield.max_rows).
    #[must_use]
    pub const fn max_rows(self, max_rows: u32) -> Config {
        Config { max_rows, ..self }
    }

    /// Sets [`max_body`](Self#structfield.max_body).
    #[must_use]
    pub const fn max_body(self, max_body: u64) -> Config {
        Config { max_body, ..self }
    }

    /// Sets [`tolerate_lf`](Self#structfield.tolerate_lf).
    #[must_use]
    pub const fn tolerate_lf(self, tolerate_lf: bool) -> Config {
        Config { tolerate_lf, ..self }
    }
}

impl Default for Config {
    fn default() -> Config {
        Config::new()
    }
}
