//! Netrc files, read into a list of all entries: the oracle of `netrc::find`.

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// The host in lower case, or `None` for the default.
    host: Option<Vec<u8>>,
    pub login: Vec<u8>,
    pub password: Vec<u8>,
}

/// Returns all entries, or `None` if a part of the text is not in the format.
pub fn entries(text: &[u8]) -> Option<Vec<Entry>> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut rest = text;
    loop {
        rest = behind_blanks(rest);
        if rest.is_empty() {
            return Some(entries);
        }
        if rest[0] == b'#' {
            rest = behind_line(rest);
            continue;
        }
        let end = rest.iter().position(|octet| is_blank(*octet)).unwrap_or(rest.len());
        let keyword = &rest[..end];
        rest = &rest[end..];
        match keyword {
            b"default" => entries.push(Entry::default()),
            // A macro ends with a blank line, or the file.
            b"macdef" => loop {
                rest = behind_line(rest);
                let Some(after) = rest.strip_prefix(b"\n") else { break };
                rest = after;
                let line = &rest[..rest.iter().position(|&octet| octet == b'\n').unwrap_or(rest.len())];
                if line.len() < rest.len() && line.iter().all(|octet| b" \t\r".contains(octet)) {
                    break;
                }
            },
            b"machine" => {
                let host = value(&mut rest)?.to_ascii_lowercase();
                entries.push(Entry { host: Some(host), ..Entry::default() });
            }
            b"login" | b"user" if !entries.is_empty() => entries.last_mut()?.login = value(&mut rest)?,
            b"password" | b"passwd" if !entries.is_empty() => entries.last_mut()?.password = value(&mut rest)?,
            b"account" if !entries.is_empty() => drop(value(&mut rest)?),
            _ => return None,
        }
    }
}

/// Returns the entry that applies to a host and a user: one for the host before a default, and one with the name before
/// one without.
pub fn select(entries: &[Entry], host: &str, user: Option<&str>) -> Option<Entry> {
    let host = host.as_bytes().to_ascii_lowercase();
    for place in [Some(host), None] {
        for wants_name in [true, false] {
            let fits = |entry: &&Entry| {
                let named = user.is_none_or(|user| entry.login == user.as_bytes());
                entry.host == place && if wants_name { named } else { entry.login.is_empty() }
            };
            if let Some(entry) = entries.iter().find(fits) {
                return Some(entry.clone());
            }
        }
    }
    None
}

fn is_blank(octet: u8) -> bool {
    b" \t\r\n\x0b\x0c".contains(&octet)
}

fn behind_blanks(text: &[u8]) -> &[u8] {
    &text[text.iter().position(|octet| !is_blank(*octet)).unwrap_or(text.len())..]
}

fn behind_line(text: &[u8]) -> &[u8] {
    &text[text.iter().position(|&octet| octet == b'\n').unwrap_or(text.len())..]
}

/// Takes a word, which may be in quotes. A backslash takes the next octet literally, except for a line end.
fn value(rest: &mut &[u8]) -> Option<Vec<u8>> {
    *rest = behind_blanks(rest);
    let is_quoted = *rest.first()? == b'"';
    let mut octets = rest[usize::from(is_quoted)..].iter().copied().enumerate();
    let mut word = Vec::new();
    let taken = loop {
        match octets.next() {
            None if !is_quoted => break rest.len(),
            Some((at, b'"')) if is_quoted => break at + 2,
            Some((at, octet)) if !is_quoted && is_blank(octet) => break at,
            None | Some((_, b'\r' | b'\n')) => return None,
            Some((_, b'\\')) => {
                let escaped = octets.next().map(|(_, octet)| octet);
                word.push(escaped.filter(|octet| !b"\r\n".contains(octet))?);
            }
            Some((_, octet)) => word.push(octet),
        }
    };
    *rest = &rest[taken..];
    rest.first().is_none_or(|octet| is_blank(*octet)).then_some(word)
}
