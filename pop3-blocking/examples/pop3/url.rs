//! The server and the login that a URL or a host name stands for, and hints for this program.
//!
//! Errors never quote text between the scheme and the host, since it may be a password.

use std::net::Ipv6Addr;

use pop3_blocking::{Method, PopUrl, Security, UrlError};

/// A server, and the known parts of the login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) security: Security,
    pub(crate) user: Option<String>,
    /// The only method to use.
    pub(crate) method: Option<Method>,
    /// A name or an address, in lower case, without brackets.
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
}

pub(crate) const NO_PASSWORD: &str = "a URL must not contain a password, because others can see it: use ~/.netrc, --password-file, POP3_PASSWORD or the prompt";

/// The values of `AUTH=`.
const MECHANISMS: &str = "PLAIN, LOGIN, CRAM-MD5, SCRAM-SHA-1, SCRAM-SHA-256, either with -PLUS, +APOP, OAUTHBEARER, XOAUTH2, \
                          EXTERNAL, or * for any";

impl Target {
    /// Creates a target from a host name alone.
    pub(crate) fn at_host(host: &str, security: Security) -> Result<Target, String> {
        let host = if host.parse::<Ipv6Addr>().is_ok() {
            host.to_owned()
        } else if host.contains(['@', ':', '/', '?', '#', '[']) {
            // They have a meaning in a URL, but none in a host name.
            return Err("it must be a host name only; with a port or a user name, use a URL as an argument: \
                        pop3s://user@host:port"
                .to_owned());
        } else {
            let url = format!("pop://{host}").parse::<PopUrl>();
            url.map_err(|error| error.to_string())?.host
        };
        Ok(Target { security, user: None, method: None, host, port: None })
    }

    /// Returns the port, or else the default one.
    pub(crate) fn port(&self) -> u16 {
        self.port.unwrap_or(if self.security == Security::Tls { 995 } else { 110 })
    }

    /// Parses a URL.
    pub(crate) fn at_url(text: &str) -> Result<Target, String> {
        let url: PopUrl = text.parse().map_err(|error| explain(error, text))?;
        Ok(Target { security: url.security, user: url.user, method: url.method, host: url.host, port: url.port })
    }
}

/// Describes a mistake, with what this program knows better.
fn explain(error: UrlError, text: &str) -> String {
    match error {
        UrlError::Password => NO_PASSWORD.to_owned(),
        UrlError::UnknownMechanism => format!("the mechanism after AUTH= is unknown: it may be {MECHANISMS}"),
        // A single word contains no secret.
        UrlError::NoScheme if is_word(text) => {
            format!(
                "`{text}` is neither a command nor a URL: `pop3 --help` lists the commands, and a URL looks like \
                 pop3s://user@host or pop3s://user@host:port"
            )
        }
        error => error.to_string(),
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// Returns `true` if a URL, or an argument that resembles one, has a colon before its `@`.
pub(crate) fn shows_password(argument: &str) -> bool {
    argument.parse::<PopUrl>() == Err(UrlError::Password)
}

/// Returns `true` if an argument could be a URL with a password whose scheme is missing or misspelt.
pub(crate) fn may_show_password(argument: &str) -> bool {
    let rest = match argument.split_once(':') {
        Some((scheme, rest)) if ["pop", "pop3", "pop3s"].contains(&scheme.to_ascii_lowercase().as_str()) => rest,
        _ => argument,
    };
    rest.rsplit_once('@').is_some_and(|(login, _)| login.contains(':'))
}

/// Returns a user name as it is written in a URL (RFC 3986, section 2.1).
pub(crate) fn encoded(user: &str) -> String {
    let encode = |octet: u8| match octet {
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' | b'_' | b'~' => char::from(octet).to_string(),
        _ => format!("%{octet:02X}"),
    };
    user.bytes().map(encode).collect()
}
