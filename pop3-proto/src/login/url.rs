//! POP URLs (RFC 2384).
//!
//! No error contains text of the URL: a part of it may be a password.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::Ipv6Addr;
use core::str::FromStr;

use crate::drive::error::Error;
use crate::drive::error::settings::SettingsError;
use crate::login::{Connect, Method, Methods, Security};

/// A POP URL (RFC 2384): a server, and perhaps a user name and a login method.
///
/// The form is `pop://[user[;AUTH=mechanism]@]host[:port]`. The scheme is one of these:
///
/// | scheme | protection | default port |
/// |---|---|---|
/// | `pop`, `pop3` | [`Security::Plaintext`] | 110 |
/// | `pop3s` | [`Security::Tls`] | 995 |
///
/// In the user name, `;`, `:`, `@`, `/` and `%` are written `%3B`, `%3A`, `%40`, `%2F` and `%25`. The mechanism is the
/// name of a SASL mechanism, `+APOP`, or `*` for any. Write an IPv6 address in brackets. A URL that contains a password
/// is rejected.
///
/// You can convert a `PopUrl` to [`Connect`], or parse a URL as [`Connect`] directly.
///
/// ```
/// use pop3_proto::login::{Method, PopUrl, Security, UrlError};
///
/// let url: PopUrl = "pop3s://mrose%40example.org;AUTH=SCRAM-SHA-256@pop.example.org".parse()?;
/// assert_eq!(url.security, Security::Tls);
/// assert_eq!(url.user.as_deref(), Some("mrose@example.org"));
/// assert_eq!(url.method, Some(Method::ScramSha256));
/// assert_eq!((&*url.host, url.port), ("pop.example.org", None));
///
/// assert_eq!("pop3s://mrose:tanstaaf@pop.example.org".parse::<PopUrl>(), Err(UrlError::Password));
/// # Ok::<(), UrlError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PopUrl {
    /// The protection that the scheme stands for. It is never [`Security::StartTls`], which has no scheme.
    pub security: Security,
    /// The user name, decoded, if the URL has one. It is not empty and has no control characters.
    pub user: Option<String>,
    /// The only permitted method, or `None` if the URL names none or has `AUTH=*`.
    pub method: Option<Method>,
    /// The name or address of the server, in lower case. An IPv6 address has no brackets.
    pub host: String,
    /// The port, or `None` if the URL has none and the default applies.
    pub port: Option<u16>,
}

/// The reason why a text is not a POP URL. It never contains text of the URL, because that may be a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// There is a colon before the `@`, so the text may contain a password. This error takes precedence over all
    /// others. It is returned for any text whose scheme begins with `pop`, or that has `//` after the first colon.
    #[error(
        "a URL must not contain a password, because others can see it; a `:` in the user name \
         must be written %3A"
    )]
    Password,
    /// The text does not begin with a scheme and `://`.
    #[error("the URL does not begin with pop3s:// or pop://: {SHAPE}")]
    NoScheme,
    /// `//` is missing after a known scheme.
    #[error("`//` is missing after the scheme: {SHAPE}")]
    NoSlashes,
    /// The scheme is unknown.
    #[error("the scheme must be pop, pop3 or pop3s: {SHAPE}")]
    UnknownScheme,
    /// There is an `@`, but no user name or mechanism before it.
    #[error("the user name before `@` is missing: {SHAPE}")]
    NoUser,
    /// The user name has an `@` or a `/` that is not encoded.
    #[error("`{0}` in the user name must be written %{code:02X}", code = u32::from(*.0))]
    Unescaped(char),
    /// A `;` is followed by something other than `AUTH=`.
    #[error("only AUTH= may follow `;` in a POP URL; a `;` in the user name must be written %3B")]
    UnknownParameter,
    /// The mechanism is `APOP` without `+`. APOP needs a `+`, because it is not a SASL mechanism.
    #[error("APOP is not a SASL mechanism: write AUTH=+APOP")]
    ApopWithoutPlus,
    /// The mechanism is missing or unknown.
    #[error("the mechanism after AUTH= is unknown; use * for any, +APOP, or one of {}", Methods::SASL)]
    UnknownMechanism,
    /// A `%` is not followed by two hexadecimal digits.
    #[error(
        "two hexadecimal digits must follow `%` in the user name and in the mechanism; a `%` itself is written %25"
    )]
    BadEscape,
    /// The decoded user name or mechanism is not UTF-8.
    #[error("the user name or the mechanism is not UTF-8")]
    NotUtf8,
    /// The decoded user name or mechanism contains a control character, which could end a command.
    #[error("the user name or the mechanism has a control character in it")]
    Control,
    /// The host is missing.
    #[error("the host is missing: {SHAPE}")]
    NoHost,
    /// The host name is not ASCII.
    #[error("the host name is not ASCII: write its `xn--` form")]
    NonAsciiHost,
    /// The host name contains a character that host names do not have.
    #[error("the host name may have letters, digits, `-`, `_` and `.` only")]
    BadHost,
    /// An IPv6 address, or another text with colons, is not in brackets.
    #[error("an IPv6 address is written in brackets, as in pop3s://user@[::1]:995")]
    NoBrackets,
    /// The closing bracket is missing.
    #[error("the `]` after the IPv6 address is missing")]
    OpenBracket,
    /// The text between the brackets is not an IPv6 address.
    #[error("there is no IPv6 address between the brackets")]
    BadAddress,
    /// The closing bracket is followed by something other than a port.
    #[error("only a port may follow the `]`")]
    BehindBracket,
    /// The port is not a number from 1 to 65535.
    #[error("the port must be a number from 1 to 65535")]
    BadPort,
    /// A path, a query or a fragment follows the host or the port. POP URLs have none.
    #[error("a POP URL ends with the host or the port: {SHAPE}")]
    BehindPort,
}

const SHAPE: &str = "a URL looks like pop3s://user@host or pop3s://user@host:port";

impl FromStr for PopUrl {
    type Err = UrlError;

    fn from_str(url: &str) -> Result<PopUrl, UrlError> {
        if has_password(url) {
            return Err(UrlError::Password);
        }
        let Some((scheme, rest)) = url.split_once("://") else {
            let scheme = url.split_once(':').and_then(|(scheme, _)| security(scheme));
            return Err(if scheme.is_some() { UrlError::NoSlashes } else { UrlError::NoScheme });
        };
        let security = security(scheme).ok_or(UrlError::UnknownScheme)?;
        let (login, place) = match rest.rsplit_once('@') {
            Some((login, place)) => (Some(login), place),
            None => (None, rest),
        };
        let (user, method) = login.map_or(Ok((None, None)), user_and_method)?;
        let (host, port) = host_and_port(place)?;
        Ok(PopUrl { security, user, method, host, port })
    }
}

impl From<PopUrl> for Connect {
    /// Creates settings for the server and the login of the URL. With `pop://`, see [`Connect::from_str`].
    fn from(url: PopUrl) -> Connect {
        let mut connect = Connect::new().host(url.host).security(url.security);
        if let Some(port) = url.port {
            connect = connect.port(port);
        }
        if let Some(user) = url.user {
            connect = connect.user(user);
        }
        if let Some(method) = url.method {
            connect = connect.methods([method]);
        }
        connect
    }
}

/// Parses a [`PopUrl`].
///
/// With `pop://` or `pop3://` the settings are for [`Security::Plaintext`], and no password is sent unless
/// [`Connect::allow_plaintext`] permits it. If the server offers STLS, call [`Connect::security`] with
/// [`Security::StartTls`], as in this example.
///
/// ```
/// use pop3_proto::login::{Connect, Security, UrlError};
///
/// let connect: Connect = "pop3s://mrose@pop.example.org".parse()?;
/// let connect = connect.password("tanstaaf");
///
/// let connect = "pop://mrose@pop.example.org".parse::<Connect>()?.security(Security::StartTls);
/// # Ok::<(), UrlError>(())
/// ```
impl FromStr for Connect {
    type Err = UrlError;

    fn from_str(url: &str) -> Result<Connect, UrlError> {
        url.parse().map(PopUrl::into)
    }
}

/// Returns true if a text that is meant as a URL has a colon before its `@`.
fn has_password(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once(':') else { return false };
    let is_meant = scheme.to_ascii_lowercase().starts_with("pop") || rest.starts_with("//");
    let login = rest.trim_start_matches('/').rsplit_once('@').map_or("", |(login, _)| login);
    is_meant && login.contains(':')
}

fn security(scheme: &str) -> Option<Security> {
    match &*scheme.to_ascii_lowercase() {
        "pop" | "pop3" => Some(Security::Plaintext),
        "pop3s" => Some(Security::Tls),
        _ => None,
    }
}

fn user_and_method(login: &str) -> Result<(Option<String>, Option<Method>), UrlError> {
    let (user, parameter) = match login.split_once(';') {
        Some((user, parameter)) => (user, Some(parameter)),
        None => (login, None),
    };
    if let Some(raw) = ['@', '/'].into_iter().find(|raw| user.contains(*raw)) {
        return Err(UrlError::Unescaped(raw));
    }
    let method = parameter.map_or(Ok(None), method)?;
    let user = decode(user)?;
    if user.is_empty() && parameter.is_none() {
        return Err(UrlError::NoUser);
    }
    Ok((Some(user).filter(|user| !user.is_empty()), method))
}

fn method(parameter: &str) -> Result<Option<Method>, UrlError> {
    let (key, name) = parameter.split_once('=').unwrap_or((parameter, ""));
    if !key.eq_ignore_ascii_case("AUTH") {
        return Err(UrlError::UnknownParameter);
    }
    match &*decode(name)?.to_ascii_uppercase() {
        "*" => Ok(None),
        "+APOP" => Ok(Some(Method::Apop)),
        "APOP" => Err(UrlError::ApopWithoutPlus),
        name => match Methods::SASL.iter().find(|method| method.name() == name) {
            Some(method) => Ok(Some(method)),
            None => Err(UrlError::UnknownMechanism),
        },
    }
}

/// Decodes percent-encoding, and rejects characters that could end a command line (RFC 2384, section 8; CVE-2012-0036).
fn decode(text: &str) -> Result<String, UrlError> {
    let mut parts = text.split('%');
    let mut octets = Vec::from(parts.next().unwrap_or_default());
    for part in parts {
        let (digits, rest) = part.split_at_checked(2).ok_or(UrlError::BadEscape)?;
        // The conversion alone would accept a sign.
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(UrlError::BadEscape);
        }
        octets.push(u8::from_str_radix(digits, 16).map_err(|_| UrlError::BadEscape)?);
        octets.extend_from_slice(rest.as_bytes());
    }
    let decoded = String::from_utf8(octets).map_err(|_| UrlError::NotUtf8)?;
    if decoded.chars().any(char::is_control) { Err(UrlError::Control) } else { Ok(decoded) }
}

fn host_and_port(place: &str) -> Result<(String, Option<u16>), UrlError> {
    let place = place.strip_suffix('/').unwrap_or(place);
    if place.contains(['/', '?', '#']) {
        return Err(UrlError::BehindPort);
    }
    let (host, port) = if let Some(rest) = place.strip_prefix('[') {
        let (address, behind) = rest.split_once(']').ok_or(UrlError::OpenBracket)?;
        let address: Ipv6Addr = address.parse().map_err(|_| UrlError::BadAddress)?;
        let port = match behind.strip_prefix(':') {
            Some(port) => Some(port),
            None if behind.is_empty() => None,
            None => return Err(UrlError::BehindBracket),
        };
        (address.to_string(), port)
    } else {
        let (host, port) = place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port)));
        if port.is_some_and(|port| port.contains(':')) {
            return Err(UrlError::NoBrackets);
        }
        (host_name(host)?, port)
    };
    Ok((host, port.map(port_number).transpose()?))
}

fn host_name(host: &str) -> Result<String, UrlError> {
    if host.is_empty() {
        return Err(UrlError::NoHost);
    }
    if !host.is_ascii() {
        return Err(UrlError::NonAsciiHost);
    }
    if !host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)) {
        return Err(UrlError::BadHost);
    }
    Ok(host.to_ascii_lowercase())
}

fn port_number(port: &str) -> Result<u16, UrlError> {
    // The conversion alone would accept a sign.
    let is_number = port.bytes().all(|digit| digit.is_ascii_digit());
    port.parse().ok().filter(|number| is_number && *number != 0).ok_or(UrlError::BadPort)
}

impl From<UrlError> for Error {
    fn from(error: UrlError) -> Error {
        SettingsError::Url(Box::new(error)).into()
    }
}
