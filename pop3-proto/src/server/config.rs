//! Limits for a server.

/// Limits on what a client may send, and on what it may do before TLS.
///
/// A client that has not logged in is limited as follows:
///
/// | | limit |
/// |---|---|
/// | a command line | `max_line`: the rest of a longer line is discarded, and one `-ERR` answers it |
/// | a line inside AUTH | `max_response`: a longer line ends the session |
/// | refused lines, failed logins and cancelled exchanges | `max_refusals` |
/// | octets in total, including accepted commands and the rest of a long line | `max_before_login` |
/// | rounds of an AUTH exchange of `Service` | one for PLAIN; three for SCRAM-SHA-256, with messages of at most 1 KiB |
/// | calls to the maildrop | one for each login attempt, so at most `max_refusals`; two with SCRAM-SHA-256 |
/// | buffers of `Service` | the longer of the two lines, at most the same again while it is decoded, and 128 KiB for answers that the client does not read |
///
/// The limits apply to the whole session: STLS does not reset them. After the login, lines and buffers remain limited,
/// and the session lasts as long as the client likes. This crate has no clock: adapters and their callers set timeouts
/// and limit the number of connections.
///
/// ```
/// use pop3_proto::ServerConfig;
///
/// let config = ServerConfig::new().stls(true).max_refusals(3);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ServerConfig {
    /// The maximum length of a command line in octets, line end included. The default is 255, which is also the minimum
    /// (RFC 2449, section 4).
    pub max_line: u32,
    /// The maximum length of a client's line inside AUTH in octets, line end included (RFC 5034, section 4). A longer
    /// line ends the session. The default is 65,536, and the minimum is 255.
    pub max_response: u32,
    /// The number of `-ERR` answers before the login after which the session ends; 0 counts as 1. The default is 20.
    pub max_refusals: u32,
    /// The number of octets that a client may send before the login. The line that exceeds it ends the session, with an
    /// `-ERR` if that line has not been answered yet. The overhead of TLS does not count. The default is 256 KiB.
    pub max_before_login: u32,
    /// True to permit USER, and mechanisms that reveal the password, outside TLS (RFC 2595, section 2.3). The default
    /// is false.
    pub plaintext_login: bool,
    /// True to offer STLS (RFC 2595, section 4). The default is false.
    pub stls: bool,
    /// True if the session begins inside TLS, as on port 995 (RFC 8314, section 3.1). The default is false.
    pub inside_tls: bool,
}

impl ServerConfig {
    /// Creates the default limits, also for use in constants.
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

    /// Sets [`max_line`](Self#structfield.max_line).
    #[must_use]
    pub const fn max_line(self, max_line: u32) -> ServerConfig {
        ServerConfig { max_line, ..self }
    }

    /// Sets [`max_response`](Self#structfield.max_response).
    #[must_use]
    pub const fn max_response(self, max_response: u32) -> ServerConfig {
        ServerConfig { max_response, ..self }
    }

    /// Sets [`max_refusals`](Self#structfield.max_refusals).
    #[must_use]
    pub const fn max_refusals(self, max_refusals: u32) -> ServerConfig {
        ServerConfig { max_refusals, ..self }
    }

    /// Sets [`max_before_login`](Self#structfield.max_before_login).
    #[must_use]
    pub const fn max_before_login(self, max_before_login: u32) -> ServerConfig {
        ServerConfig { max_before_login, ..self }
    }

    /// Sets [`plaintext_login`](Self#structfield.plaintext_login).
    #[must_use]
    pub const fn plaintext_login(self, plaintext_login: bool) -> ServerConfig {
        ServerConfig { plaintext_login, ..self }
    }

    /// Sets [`stls`](Self#structfield.stls).
    #[must_use]
    pub const fn stls(self, stls: bool) -> ServerConfig {
        ServerConfig { stls, ..self }
    }

    /// Sets [`inside_tls`](Self#structfield.inside_tls).
    #[must_use]
    pub const fn inside_tls(self, inside_tls: bool) -> ServerConfig {
        ServerConfig { inside_tls, ..self }
    }
}

impl Default for ServerConfig {
    fn default() -> ServerConfig {
        ServerConfig::new()
    }
}
