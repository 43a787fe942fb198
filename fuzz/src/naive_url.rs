//! POP URLs as in RFC 2384, read character by character: the oracle of `PopUrl`.

/// The parts of a URL.
#[derive(Debug, PartialEq, Eq)]
pub struct Url {
    pub tls: bool,
    pub user: Option<String>,
    /// The name of the only permitted mechanism, in upper case.
    pub mechanism: Option<String>,
    pub host: String,
    pub port: Option<u16>,
}

const MECHANISMS: [&str; 11] = [
    "PLAIN",
    "LOGIN",
    "CRAM-MD5",
    "SCRAM-SHA-1",
    "SCRAM-SHA-256",
    "SCRAM-SHA-1-PLUS",
    "SCRAM-SHA-256-PLUS",
    "OAUTHBEARER",
    "XOAUTH2",
    "EXTERNAL",
    "+APOP",
];

/// Returns true if the text has a colon between the scheme and the last `@`, and may thus contain a password.
pub fn may_have_password(text: &str) -> bool {
    let Some(at) = text.rfind('@') else { return false };
    let Some(colon) = text.find(':') else { return false };
    let is_url = text[..colon].to_ascii_lowercase().starts_with("pop") || text[colon + 1..].starts_with("//");
    let mut start = colon + 1;
    while text[start..].starts_with('/') {
        start += 1;
    }
    is_url && start <= at && text[start..at].contains(':')
}

/// Reads a URL, or returns `None`.
pub fn url(text: &str) -> Option<Url> {
    if may_have_password(text) {
        return None;
    }
    let (scheme, rest) = text.split_once("://")?;
    let tls = match scheme.to_ascii_lowercase().as_str() {
        "pop" | "pop3" => false,
        "pop3s" => true,
        _ => return None,
    };
    let at = rest.rfind('@');
    let mut url = place(&rest[at.map_or(0, |at| at + 1)..])?;
    url.tls = tls;
    let Some(at) = at else { return Some(url) };
    let login = &rest[..at];
    let (user, auth) = login.split_at(login.find(';').unwrap_or(login.len()));
    if user.contains(['@', '/']) || (user.is_empty() && auth.is_empty()) {
        return None;
    }
    url.user = Some(decoded(user)?).filter(|user| !user.is_empty());
    if !auth.is_empty() {
        if auth.len() < 6 || !auth.is_char_boundary(6) || !auth[..6].eq_ignore_ascii_case(";AUTH=") {
            return None;
        }
        let name = decoded(&auth[6..])?.to_ascii_uppercase();
        if name != "*" {
            url.mechanism = Some(MECHANISMS.iter().find(|known| **known == name)?.to_string());
        }
    }
    Some(url)
}

/// Reads a host and a port.
fn place(text: &str) -> Option<Url> {
    let text = text.strip_suffix('/').unwrap_or(text);
    let (host, port) = if text.starts_with('[') {
        let end = text.find(']')?;
        let address: std::net::Ipv6Addr = text[1..end].parse().ok()?;
        (address.to_string(), &text[end + 1..])
    } else {
        let (host, port) = text.split_at(text.find(':').unwrap_or(text.len()));
        let is_name =
            !host.is_empty() && host.chars().all(|c| matches!(c, 'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' | '.'));
        is_name.then(|| (host.to_ascii_lowercase(), port))?
    };
    let mut url = Url { tls: false, user: None, mechanism: None, host, port: None };
    if !port.is_empty() {
        let mut number = 0u32;
        let digits = port.strip_prefix(':').filter(|digits| !digits.is_empty())?;
        for digit in digits.chars() {
            number = (number * 10 + digit.to_digit(10)?).min(100_000);
        }
        url.port = Some(u16::try_from(number).ok().filter(|port| *port > 0)?);
    }
    Some(url)
}

/// Decodes percent-encoding to text without control characters.
fn decoded(text: &str) -> Option<String> {
    let mut octets = Vec::new();
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        if octet == b'%' {
            let mut digit = || char::from(rest.next()?).to_digit(16);
            octets.push(u8::try_from(digit()? * 16 + digit()?).ok()?);
        } else {
            octets.push(octet);
        }
    }
    String::from_utf8(octets).ok().filter(|text| !text.chars().any(char::is_control))
}
