//! POP URLs (RFC 2384): `pop://[user[;AUTH=mechanism]@]host[:port]`, or `pop3s://` for TLS from the beginning.
//!
//! Errors never quote text between the scheme and the host, since it may be a password.

use std::net::Ipv6Addr;
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use pop3_blocking::{Method, Security};

/// A server, and the known parts of the login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) security: Security,
    pub(crate) user: Option<String>,
    /// The only mechanism to use.
    pub(crate) mechanism: Option<Method>,
    /// A name or an address, in lower case, without brackets.
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
}

pub(crate) const NO_PASSWORD: &str = "a password has no place in a URL, where others can see it: use ~/.netrc, --password-file, POP3_PASSWORD or the prompt";

/// The values of `AUTH=`.
const MECHANISMS: &str = "PLAIN, LOGIN, CRAM-MD5, SCRAM-SHA-1, SCRAM-SHA-256, either with -PLUS, +APOP, or * for any";

const SHAPE: &str = "a URL looks like pop3s://user@host or pop3s://user@host:port";

impl Target {
    /// Creates a target from a host name alone.
    pub(crate) fn at_host(host: &str, security: Security) -> Result<Target, String> {
        let host = host_name(host)?;
        Ok(Target { security, user: None, mechanism: None, host, port: None })
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(url: &str) -> Result<Target, String> {
        if shows_password(url) {
            return Err(NO_PASSWORD.to_owned());
        }
        let Some((scheme, rest)) = url.split_once("://") else { return Err(without_scheme(url)) };
        let security = match scheme.to_ascii_lowercase().as_str() {
            "pop" | "pop3" => Security::Plaintext,
            "pop3s" => Security::Tls,
            _ => return Err(format!("the scheme must be pop, pop3 or pop3s: {SHAPE}")),
        };
        let (login, place) = match rest.rsplit_once('@') {
            Some((login, place)) => (Some(login), place),
            None => (None, rest),
        };
        let (user, mechanism) = login.map_or(Ok((None, None)), user_and_mechanism)?;
        let (host, port) = host_and_port(place)?;
        Ok(Target { security, user, mechanism, host, port })
    }
}

/// Returns `true` if a URL, or an argument that resembles one, has a colon before its `@`.
pub(crate) fn shows_password(argument: &str) -> bool {
    let Some((scheme, rest)) = argument.split_once(':') else { return false };
    let meant = scheme.to_ascii_lowercase().starts_with("pop") || rest.starts_with("//");
    let login = rest.trim_start_matches('/').rsplit_once('@').map_or("", |(login, _)| login);
    meant && login.contains(':')
}

/// Returns `true` if an argument could be a URL with a password whose scheme is missing or misspelt.
pub(crate) fn may_show_password(argument: &str) -> bool {
    let rest = match argument.split_once(':') {
        Some((scheme, rest)) if ["pop", "pop3", "pop3s"].contains(&scheme.to_ascii_lowercase().as_str()) => rest,
        _ => argument,
    };
    rest.rsplit_once('@').is_some_and(|(login, _)| login.contains(':'))
}

fn without_scheme(url: &str) -> String {
    let is_word = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    match url.split_once(':') {
        // A single word contains no secret.
        None if is_word(url) => format!("`{url}` is neither a command nor a URL: {SHAPE}"),
        Some((scheme, _)) if scheme.to_ascii_lowercase().starts_with("pop") => {
            format!(
                "`//` is missing behind `{scheme}:`: {SHAPE}",
                scheme = if is_word(scheme) { scheme } else { "pop" }
            )
        }
        _ => format!("the URL does not begin with pop3s:// or pop://: {SHAPE}"),
    }
}

fn user_and_mechanism(login: &str) -> Result<(Option<String>, Option<Method>), String> {
    let (user, parameter) = match login.split_once(';') {
        Some((user, parameter)) => (user, Some(parameter)),
        None => (login, None),
    };
    for (raw, encoded) in [('@', "%40"), ('/', "%2F")] {
        if user.contains(raw) {
            return Err(format!("`{raw}` in the user name must be written {encoded}"));
        }
    }
    let mechanism = parameter.map_or(Ok(None), mechanism)?;
    let user = decode(user, "user name")?;
    if user.is_empty() && mechanism.is_none() && parameter.is_none() {
        return Err(format!("the user name in front of `@` is missing: {SHAPE}"));
    }
    Ok((Some(user).filter(|user| !user.is_empty()), mechanism))
}

fn mechanism(parameter: &str) -> Result<Option<Method>, String> {
    let (key, name) = parameter.split_once('=').unwrap_or((parameter, ""));
    if !key.eq_ignore_ascii_case("AUTH") {
        return Err("only AUTH= may follow `;` in a POP URL; a `;` in the user name must be written %3B".to_owned());
    }
    match decode(name, "mechanism")?.to_ascii_uppercase().as_str() {
        "*" => Ok(None),
        "+APOP" => Ok(Some(Method::Apop)),
        "PLAIN" => Ok(Some(Method::Plain)),
        "LOGIN" => Ok(Some(Method::Login)),
        "CRAM-MD5" => Ok(Some(Method::CramMd5)),
        "SCRAM-SHA-1" => Ok(Some(Method::ScramSha1)),
        "SCRAM-SHA-1-PLUS" => Ok(Some(Method::ScramSha1Plus)),
        "SCRAM-SHA-256-PLUS" => Ok(Some(Method::ScramSha256Plus)),
        "SCRAM-SHA-256" => Ok(Some(Method::ScramSha256)),
        "APOP" => Err("APOP is no SASL mechanism: write AUTH=+APOP".to_owned()),
        _ => Err(format!("the mechanism behind AUTH= is unknown: it may be {MECHANISMS}")),
    }
}

/// Decodes percent-encoding, and rejects characters that could end a command line (RFC 2384, section 8; CVE-2012-0036).
fn decode(text: &str, what: &str) -> Result<String, String> {
    let mut escapes = text.split('%').skip(1);
    if !escapes.all(|rest| rest.len() >= 2 && rest.bytes().take(2).all(|b| b.is_ascii_hexdigit())) {
        return Err(format!("two hexadecimal digits must follow `%` in the {what}; a `%` itself is written %25"));
    }
    let decoded = percent_decode_str(text).decode_utf8().map_err(|_| format!("the {what} is not UTF-8"))?;
    if decoded.chars().any(char::is_control) {
        return Err(format!("the {what} has a control character in it"));
    }
    Ok(decoded.into_owned())
}

fn host_and_port(place: &str) -> Result<(String, Option<u16>), String> {
    let place = place.strip_suffix('/').unwrap_or(place);
    if place.contains(['/', '?', '#']) {
        return Err(format!("a POP URL ends with the host or the port: {SHAPE}"));
    }
    let (host, port) = if let Some(rest) = place.strip_prefix('[') {
        let (address, behind) = rest.split_once(']').ok_or("the `]` behind the IPv6 address is missing")?;
        let address: Ipv6Addr = address.parse().map_err(|_| "there is no IPv6 address between the brackets")?;
        let port = match behind.strip_prefix(':') {
            Some(port) => Some(port),
            None if behind.is_empty() => None,
            None => return Err("only a port may follow the `]`".to_owned()),
        };
        (address.to_string(), port)
    } else {
        let (host, port) = place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port)));
        if port.is_some_and(|port| port.contains(':')) {
            return Err("an IPv6 address is written in brackets, as in pop3s://user@[::1]:995".to_owned());
        }
        (host_name(host)?, port)
    };
    Ok((host, port.map_or(Ok(None), |port| port_number(port).map(Some))?))
}

fn host_name(host: &str) -> Result<String, String> {
    if host.parse::<Ipv6Addr>().is_ok() {
        return Ok(host.to_owned());
    }
    if host.is_empty() {
        return Err(format!("the host is missing: {SHAPE}"));
    }
    if !host.is_ascii() {
        return Err("the host name has letters beyond ASCII: write its `xn--` form".to_owned());
    }
    if !host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)) {
        return Err("the host name may have letters, digits, `-`, `_` and `.` only".to_owned());
    }
    Ok(host.to_ascii_lowercase())
}

fn port_number(port: &str) -> Result<u16, String> {
    let digits = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    let number = port.parse().ok().filter(|number| digits && *number != 0);
    number.ok_or_else(|| "the port must be a number from 1 to 65535".to_owned())
}
