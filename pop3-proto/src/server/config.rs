//! Bounds.

/// Bounds on what a client may send, and what it may do before TLS.
///
/// Whoever has not logged in costs no more than this, whatever he sends:
///
/// | | bound |
/// |---|---|
/// | a command line | `max_line`: the rest of a longer one is thrown away, and one `-ERR` answers it |
/// | a line inside AUTH | `max_response`: a longer one ends the session |
/// | lines that are refused, logins that fail, exchanges that are cancelled | `max_refusals` |
/// | octets in all, whatever they are: commands that are granted, the rest of a long line | `max_before_login` |
/// | rounds of an AUTH exchange of [`Service`](crate::Service) | one for PLAIN; three for SCRAM-SHA-256, of messages of 1 KiB at most |
/// | questions to the maildrop | one for each login that is tried, so no more than `max_refusals`; with SCRAM-SHA-256 two |
/// | buffers of [`Service`](crate::Service) | the longer of the two lines, at most as much again for the moment in which it is decoded, and 128 KiB for answers that he does not read |
///
/// They are for the whole session: STLS does not renew them. After the login, lines and buffers stay bounded, and the
/// session goes on for as long as the client likes. Time is not the core's: adapters and their callers set time-outs, and limit
/// how many connections there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ServerConfig {
    /// Octets of a command line, line end included. 255 by default, and never less (RFC 2449, section 4).
    pub max_line: u32,
    /// Octets of a client's line inside AUTH, line end included (RFC 5034, section 4): a longer one ends the session. 65,536
    /// by default, and never less than 255.
    pub max_response: u32,
    /// The `-ERR` before the login after which the session ends; 0 counts as 1. 20 by default.
    pub max_refusals: u32,
    /// The octets that a client may send before the login, in all: with the line in which it sends more the session ends,
    /// by an `-ERR` if that line has none yet. Those of TLS itself do not count. 256 KiB by default.
    pub max_before_login: u32,
    /// Whether USER, and mechanisms that show the password, are permitted outside TLS (RFC 2595, section 2.3). False by
    /// default.
    pub plaintext_login: bool,
    /// Whether STLS is offered (RFC 2595, section 4). False by default.
    pub stls: bool,
    /// Whether the session begins inside TLS, as on port 995 (RFC 8314, section 3.1). False by default.
    pub inside_tls: bool,
}

impl ServerConfig {
    /// The default, for constants.
    pub const fn new() -> ServerConfig {
        ServerConfig {
            max_line: 255,
            max_response: 64 * 1024,
            max_refusals: 20,
            max_before_login: 256 * 1024,
            plaintext_login: false,
            stls: false,
            inside_tls: false,
        }
    }
}

impl Default for ServerConfig {
    fn default() -> ServerConfig {
        ServerConfig::new()
    }
}
