//! The netrc format: hosts, names and passwords, as `ftp`, `curl` and others read them.
//!
//! ```text
//! # a comment
//! machine pop.example.org login mrose password tanstaaf
//! machine pop.example.org login tim   password "two words"
//! default login anonymous password none
//! ```
//!
//! Words stand between blanks and line ends of any kind. In double quotes, and behind a backslash, a blank is a part of the
//! word. A `#` begins a comment where a keyword could stand. `account` is skipped with its word, and `macdef` up to the next
//! blank line. There may be several entries for one host: the name decides. `default` is for every host that has no entry.

use alloc::string::String;
use core::fmt;

use zeroize::Zeroizing;

/// The name and the password that a netrc file has for a host. Either may be empty. `Debug` does not show the password.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// The name.
    pub login: String,
    /// The password, wiped when dropped.
    pub password: Zeroizing<String>,
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("login", &self.login).finish_non_exhaustive()
    }
}

/// A line that is not in the netrc format. What it says is never quoted: it may be a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("its line {line} is not in the netrc format")]
pub struct NetrcError {
    /// The number of the line, from 1.
    pub line: usize,
}

/// Finds the entry for a host in the text of a netrc file: the one with the name of `user` before one without a name, or
/// the first one if no user is given. No other password is copied.
///
/// # Errors
///
/// [`NetrcError`] for a text that is not in the format, wherever that is.
///
/// ```
/// use pop3_proto::login::netrc::find;
///
/// let text = "machine h login tim password a\nmachine h login mrose password b\n";
/// let entry = find(text, "h", Some("mrose"))?.expect("there is one");
/// assert_eq!(entry.password.as_str(), "b");
/// # Ok::<(), pop3_proto::login::netrc::NetrcError>(())
/// ```
pub fn find(text: &str, host: &str, user: Option<&str>) -> Result<Option<Entry>, NetrcError> {
    let mut words = Words { rest: text, line: 1 };
    let mut best: Option<(Rank, Entry)> = None;
    let mut current: Option<(Place, Entry)> = None;
    loop {
        let keyword = words.keyword();
        if matches!(keyword, None | Some("machine" | "default")) {
            if let Some((place, entry)) = current.take() {
                let rank = rank(place, &entry, user);
                if rank > best.as_ref().map_or(Rank::Unfit, |(rank, _)| *rank) {
                    best = Some((rank, entry));
                }
            }
        }
        let Some(keyword) = keyword else { return Ok(best.map(|(_, entry)| entry)) };
        let place = current.as_ref().map(|(place, _)| *place);
        match (keyword, &mut current) {
            ("machine", _) => {
                let is_it = words.value()?.eq_ignore_ascii_case(host);
                current = Some((if is_it { Place::Host } else { Place::Elsewhere }, Entry::default()));
            }
            ("default", _) => current = Some((Place::Default, Entry::default())),
            ("login" | "user", Some((_, entry))) => entry.login = core::mem::take(&mut *words.value()?),
            ("password" | "passwd", Some((_, entry))) => {
                let password = words.value()?;
                if place != Some(Place::Elsewhere) {
                    entry.password = password;
                }
            }
            ("account", Some(_)) => drop(words.value()?),
            ("macdef", _) => words.skip_macro(),
            _ => return Err(words.error()),
        }
    }
}

/// For whom an entry is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Host,
    Default,
    Elsewhere,
}

/// How well an entry fits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Unfit,
    AnybodyByDefault,
    UserByDefault,
    Anybody,
    User,
}

fn rank(place: Place, entry: &Entry, user: Option<&str>) -> Rank {
    let named = user.is_none_or(|user| entry.login == user);
    match place {
        Place::Host if named => Rank::User,
        Place::Host if entry.login.is_empty() => Rank::Anybody,
        Place::Default if named => Rank::UserByDefault,
        Place::Default if entry.login.is_empty() => Rank::AnybodyByDefault,
        _ => Rank::Unfit,
    }
}

/// The words of a file.
struct Words<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Words<'a> {
    const fn error(&self) -> NetrcError {
        NetrcError { line: self.line }
    }

    /// Takes all that stands before the first character that is not `skipped`.
    fn skip(&mut self, skipped: fn(char) -> bool) {
        let rest = self.rest.trim_start_matches(skipped);
        let gone = &self.rest[..self.rest.len() - rest.len()];
        self.line += gone.matches('\n').count();
        self.rest = rest;
    }

    /// The next word that is not in a comment.
    fn keyword(&mut self) -> Option<&'a str> {
        loop {
            self.skip(char::is_whitespace);
            if !self.rest.starts_with('#') {
                break;
            }
            self.skip(|c| c != '\n');
        }
        let end = self.rest.find(char::is_whitespace).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some(word).filter(|word| !word.is_empty())
    }

    /// The word behind a keyword, without its quotes and backslashes.
    fn value(&mut self) -> Result<Zeroizing<String>, NetrcError> {
        self.skip(char::is_whitespace);
        if self.rest.is_empty() {
            return Err(self.error());
        }
        // Of its full size from the start: growing would leave copies of the secret behind.
        let end = self.rest.find(['\r', '\n']).unwrap_or(self.rest.len());
        let mut value = Zeroizing::new(String::with_capacity(end));
        let quoted = self.rest.starts_with('"');
        let mut chars = self.rest[..end].char_indices().skip(usize::from(quoted));
        let len = loop {
            match chars.next() {
                None if quoted => return Err(self.error()),
                None => break end,
                Some((at, '"')) if quoted => break at + 1,
                Some((at, c)) if !quoted && c.is_whitespace() => break at,
                Some((_, '\\')) => value.push(chars.next().ok_or(self.error())?.1),
                Some((_, c)) => value.push(c),
            }
        };
        self.rest = &self.rest[len..];
        if !self.rest.is_empty() && !self.rest.starts_with(char::is_whitespace) {
            return Err(self.error());
        }
        Ok(value)
    }

    /// Skips a macro: its name, and its lines up to a blank one.
    fn skip_macro(&mut self) {
        loop {
            self.skip(|c| c != '\n');
            let Some(rest) = self.rest.strip_prefix('\n') else { return };
            self.rest = rest;
            self.line += 1;
            if rest.trim_start_matches([' ', '\t', '\r']).starts_with('\n') {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
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
    fn words_of_every_kind() {
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
    fn what_is_not_in_the_format_is_told_by_its_line_alone() {
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
}
