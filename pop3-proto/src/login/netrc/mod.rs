//! The netrc format: hosts, names and passwords, as read by `ftp`, `curl` and others.
//!
//! ```text
//! # a comment
//! machine pop.example.org login mrose password tanstaaf
//! machine pop.example.org login tim   password "two words"
//! default login anonymous password none
//! ```
//!
//! Words are separated by US-ASCII whitespace, including line ends of any kind. Whitespace inside double quotes or
//! after a backslash is part of the word, except for line ends. A `#` where a keyword is expected begins a comment. The
//! parser skips `account` and the word after it, and everything from `macdef` to the next blank line. If a host has
//! several entries, the name selects one. `default` applies if no entry for the host matches. The name and the password
//! of the selected entry must be UTF-8.

#[cfg(feature = "std")]
mod file;

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use zeroize::Zeroizing;

#[cfg(feature = "std")]
pub use file::{find_in, path};

/// An entry of a netrc file: the name and the password for a host. Either may be empty. `Debug` does not show the
/// password.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct NetrcEntry {
    /// The name.
    pub login: String,
    /// The password, wiped on drop.
    pub password: Zeroizing<String>,
}

impl fmt::Debug for NetrcEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NetrcEntry").field("login", &self.login).finish_non_exhaustive()
    }
}

/// An error for a line that is not in the netrc format. It never quotes the line, which may contain a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} is not in the netrc format")]
pub struct NetrcError {
    /// The line number, starting at 1.
    pub line: usize,
}

/// Finds the entry for a host in the text of a netrc file. With a user, an entry with that name takes precedence over
/// one without a name. Without a user, the first entry is returned. No other password is copied.
///
/// # Errors
///
/// [`NetrcError`] if any part of the text is not in the format, or if the name or the password of that entry is not
/// UTF-8. The rest of the text may contain any octets.
///
/// ```
/// use pop3_proto::login::netrc::find;
///
/// let text = "machine h login tim password a\nmachine h login mrose password b\n";
/// let entry = find(text, "h", Some("mrose"))?.expect("there is one");
/// assert_eq!(entry.password.as_str(), "b");
/// # Ok::<(), pop3_proto::login::netrc::NetrcError>(())
/// ```
pub fn find(text: impl AsRef<[u8]>, host: &str, user: Option<&str>) -> Result<Option<NetrcEntry>, NetrcError> {
    let mut words = Words { rest: text.as_ref(), line: 1 };
    let mut best: Option<(Rank, Found<'_>)> = None;
    let mut current: Option<(Place, Found<'_>)> = None;
    loop {
        let keyword = words.keyword();
        if matches!(keyword, None | Some(b"machine" | b"default")) {
            if let Some((place, found)) = current.take() {
                let rank = rank(place, found, user);
                if rank > best.as_ref().map_or(Rank::Unfit, |(rank, _)| *rank) {
                    best = Some((rank, found));
                }
            }
        }
        let Some(keyword) = keyword else { return best.map(|(_, found)| found.entry()).transpose() };
        match (keyword, &mut current) {
            (b"machine", _) => {
                let is_it = words.value()?.folded().eq(host.bytes().map(|octet| octet.to_ascii_lowercase()));
                current = Some((if is_it { Place::Host } else { Place::Elsewhere }, Found::default()));
            }
            (b"default", _) => current = Some((Place::Default, Found::default())),
            (b"login" | b"user", Some((_, found))) => found.login = words.value()?,
            (b"password" | b"passwd", Some((_, found))) => found.password = words.value()?,
            (b"account", Some(_)) => drop(words.value()?),
            (b"macdef", _) => words.skip_macro(),
            _ => return Err(words.error()),
        }
    }
}

/// An entry as written in the text.
#[derive(Clone, Copy, Default)]
struct Found<'a> {
    login: Word<'a>,
    password: Word<'a>,
}

impl Found<'_> {
    fn entry(self) -> Result<NetrcEntry, NetrcError> {
        let login = core::mem::take(&mut *self.login.text()?);
        Ok(NetrcEntry { login, password: self.password.text()? })
    }
}

/// A word as written in the text, without its quotes, and its line number.
#[derive(Clone, Copy, Default)]
struct Word<'a> {
    written: &'a [u8],
    line: usize,
}

impl Word<'_> {
    /// Returns the octets of the word, without the backslashes.
    fn octets(&self) -> impl Iterator<Item = u8> {
        let mut written = self.written.iter();
        core::iter::from_fn(move || match *written.next()? {
            b'\\' => written.next().copied(),
            octet => Some(octet),
        })
    }

    fn folded(&self) -> impl Iterator<Item = u8> {
        self.octets().map(|octet| octet.to_ascii_lowercase())
    }

    fn text(&self) -> Result<Zeroizing<String>, NetrcError> {
        // Allocated at full size, because growing would leave copies of the secret in freed memory.
        let mut octets = Zeroizing::new(Vec::with_capacity(self.written.len()));
        self.octets().for_each(|octet| octets.push(octet));
        let text = String::from_utf8(core::mem::take(&mut *octets)).map(Zeroizing::new);
        text.map_err(|error| {
            drop(Zeroizing::new(error.into_bytes()));
            NetrcError { line: self.line }
        })
    }
}

/// The host that an entry applies to, relative to the requested one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Host,
    Default,
    Elsewhere,
}

/// The precedence of an entry, lowest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Unfit,
    AnybodyByDefault,
    UserByDefault,
    Anybody,
    User,
}

fn rank(place: Place, found: Found<'_>, user: Option<&str>) -> Rank {
    let named = user.is_none_or(|user| found.login.octets().eq(user.bytes()));
    match place {
        Place::Host if named => Rank::User,
        Place::Host if found.login.written.is_empty() => Rank::Anybody,
        Place::Default if named => Rank::UserByDefault,
        Place::Default if found.login.written.is_empty() => Rank::AnybodyByDefault,
        _ => Rank::Unfit,
    }
}

/// The words of a file.
struct Words<'a> {
    rest: &'a [u8],
    line: usize,
}

const fn is_blank(octet: u8) -> bool {
    // Includes the vertical tab, which the standard library does not.
    octet.is_ascii_whitespace() || octet == 0x0B
}

impl<'a> Words<'a> {
    const fn error(&self) -> NetrcError {
        NetrcError { line: self.line }
    }

    /// Skips octets up to the first one for which `skipped` returns false.
    fn skip(&mut self, skipped: fn(u8) -> bool) {
        let end = self.rest.iter().position(|&octet| !skipped(octet)).unwrap_or(self.rest.len());
        let (gone, rest) = self.rest.split_at(end);
        self.line += memchr::memchr_iter(b'\n', gone).count();
        self.rest = rest;
    }

    /// Returns the next word that is not in a comment.
    fn keyword(&mut self) -> Option<&'a [u8]> {
        loop {
            self.skip(is_blank);
            if self.rest.first() != Some(&b'#') {
                break;
            }
            self.skip(|octet| octet != b'\n');
        }
        let end = self.rest.iter().position(|&octet| is_blank(octet)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some(word).filter(|word| !word.is_empty())
    }

    /// Returns the word after a keyword.
    fn value(&mut self) -> Result<Word<'a>, NetrcError> {
        self.skip(is_blank);
        if self.rest.is_empty() {
            return Err(self.error());
        }
        let quoted = self.rest.first() == Some(&b'"');
        let start = usize::from(quoted);
        let mut end = start;
        loop {
            match (self.rest.get(end), quoted) {
                (None | Some(b'\r' | b'\n'), true) => return Err(self.error()),
                (None, false) | (Some(b'"'), true) => break,
                (Some(&octet), false) if is_blank(octet) => break,
                (Some(b'\\'), _) if matches!(self.rest.get(end + 1), None | Some(b'\r' | b'\n')) => {
                    return Err(self.error());
                }
                (Some(b'\\'), _) => end += 2,
                (Some(_), _) => end += 1,
            }
        }
        let word = Word { written: &self.rest[start..end], line: self.line };
        self.rest = &self.rest[end + start..];
        if self.rest.first().is_some_and(|&octet| !is_blank(octet)) {
            return Err(self.error());
        }
        Ok(word)
    }

    /// Skips a macro: its name, and its lines up to a blank line.
    fn skip_macro(&mut self) {
        loop {
            self.skip(|octet| octet != b'\n');
            let Some(rest) = self.rest.strip_prefix(b"\n") else { return };
            self.rest = rest;
            self.line += 1;
            let first = rest.iter().find(|&&octet| !matches!(octet, b' ' | b'\t' | b'\r'));
            if first == Some(&b'\n') {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::borrow::ToOwned as _;

    use super::*;

    fn found(text: &str, host: &str, user: Option<&str>) -> Option<(String, String)> {
        let entry = find(text, host, user).expect("it is in the format")?;
        Some((entry.login, entry.password.as_str().into()))
    }

    fn pair(login: &str, password: &str) -> (String, String) {
        (login.into(), password.into())
    }

    #[test]
    fn host_and_name_decide() {
        let text = "machine h login a password 1 machine H login b password 2\nmachine i login a password 3\n\
                    machine h password 4\ndefault login a password 5";
        assert_eq!(found(text, "h", None), Some(pair("a", "1")));
        assert_eq!(found(text, "h", Some("a")), Some(pair("a", "1")));
        assert_eq!(found(text, "h", Some("b")), Some(pair("b", "2")));
        assert_eq!(found(text, "h", Some("c")), Some(pair("", "4")));
        assert_eq!(found(text, "i", Some("a")), Some(pair("a", "3")));
        assert_eq!(found(text, "i", Some("c")), None);
        assert_eq!(found(text, "j", None), Some(pair("a", "5")));
        assert_eq!(found("default password 5 machine h login a password 1", "h", Some("a")), Some(pair("a", "1")));
        assert_eq!(found("machine h password 4 machine h login a password 1", "h", Some("a")), Some(pair("a", "1")));
        assert_eq!(found("machine h login a password 1 machine h login a password 2", "h", None), Some(pair("a", "1")));
        assert_eq!(found("", "h", None), None);
    }

    #[test]
    fn every_kind_of_word_is_parsed() {
        for (text, password) in [
            ("machine h\r\n\tlogin a\r\n\tpassword p\r\n", "p"),
            ("machine h account x login a password p", "p"),
            ("machine h user a passwd p", "p"),
            (r#"machine h login a password "two  words""#, "two  words"),
            (r#"machine h login a password "a \"b\" \\c""#, r#"a "b" \c"#),
            (r"machine h login a password a\ b\\c", r"a b\c"),
            ("machine h login a password #1", "#1"),
            ("machine h login a password p#1", "p#1"),
            ("machine h login a password \"\"", ""),
            ("machine h login a password machine", "machine"),
            ("# machine h login x password y\nmachine h # z\nlogin a password p # password q", "p"),
            ("macdef init\nmachine h login x password y\n\nmachine h login a password p", "p"),
            ("machine h login a password p\nmacdef init\nmachine h login b password y", "p"),
            ("macdef init\r\ncd x\r\n\r\nmachine h login a password p", "p"),
            ("machine h login a password p\u{e4}ss", "p\u{e4}ss"),
        ] {
            assert_eq!(found(text, "h", None), Some(pair("a", password)), "{text:?}");
        }
    }

    #[test]
    fn a_format_error_shows_only_its_line_number() {
        for (text, line) in [
            ("machine", 1),
            ("machine h login", 1),
            ("machine h login a\npassword secret phrase", 2),
            ("\n\nlogin a", 3),
            ("machine h login a password \"secret\nphrase\"", 1),
            ("machine h login a password \"secret\"phrase", 1),
            ("macdef x\na\n\nsecret", 4),
            ("# x\nsecret", 2),
            ("machine h password a\\", 1),
        ] {
            let error = find(text, "other", None).expect_err(text);
            assert_eq!(error, NetrcError { line }, "{text:?}");
        }
    }

    #[test]
    fn octets_that_are_not_utf_8_affect_only_their_entry() {
        let text = b"# caf\xe9\nmachine i login \xe9 password \xff\nmachine h account \xe9 login a password p\n\
                     machine h login b\npassword \xff\nmachine h login \xe9 password c\nmacdef x\n\xe9\n\n";
        let found = |user| find(text, "h", user).map(|entry| entry.map(|entry| entry.password.as_str().to_owned()));
        assert_eq!(found(Some("a")), Ok(Some("p".into())));
        assert_eq!(found(None), Ok(Some("p".into())));
        assert_eq!(found(Some("c")), Ok(None));
        assert_eq!(found(Some("b")), Err(NetrcError { line: 5 }));
        assert_eq!(find(text, "i", None), Err(NetrcError { line: 2 }));
    }
}
