//! Commands, and how a client writes them.

use crate::wire::argument::{Charset, check_line, check_word};
use crate::wire::encoder::Encoder;
use crate::wire::kind::Kind;

use core::fmt;

use crate::wire::apop::Digest;
use crate::wire::argument::BadArgument;
use crate::wire::output::Output;
use crate::wire::payload::Payload;

/// The longest command line, in octets, with its CRLF (RFC 2449, section 4).
pub const MAX_COMMAND_LINE: usize = 255;

/// A command of the client (RFC 1939, and the extensions named at each variant).
///
/// Message numbers are 1-based, as in scan listings. `Debug` never shows a secret.
///
/// ```
/// use pop3_proto::Command;
///
/// assert_eq!(Command::Top { number: 1, lines: 0 }.to_string(), "TOP 1 0");
/// // `Display` shows no secret.
/// assert_eq!(Command::Pass("tanstaaf").to_string(), "PASS ***");
/// ```
#[derive(Clone, Copy)]
pub enum Command<'a> {
    /// USER: sends the name of the mailbox, without spaces (RFC 1939, section 7).
    User(&'a str),
    /// PASS: sends the password, which extends to the end of the line, spaces included (RFC 1939, section 7).
    ///
    /// It may be UTF-8, but must not contain control characters. RFC 6856, section 2.2, permits UTF-8 only if the
    /// server has announced `UTF8 USER`. Other servers compare the octets, and there is no other way to use such a
    /// password with them.
    Pass(&'a str),
    /// APOP: sends the name and the digest of the greeting's timestamp (RFC 1939, section 7).
    Apop {
        /// The name of the mailbox, without spaces.
        user: &'a str,
        /// The result of [`Digest::new`] for the timestamp and the shared secret.
        digest: Digest,
    },
    /// AUTH without a mechanism: lists the mechanisms, on servers older than the SASL capability. No RFC specifies it.
    AuthList,
    /// AUTH: begins a SASL exchange (RFC 5034).
    Auth {
        /// The name of the mechanism: 1 to 20 letters, digits, `-` and `_`; sent in upper case.
        mechanism: &'a str,
        /// The initial response, to be sent with the command if the server announced SASL; with `None` the server asks
        /// for it.
        initial_response: Option<Payload<'a>>,
    },
    /// STLS: asks for TLS (RFC 2595, section 4).
    Stls,
    /// CAPA: asks for the capabilities (RFC 2449, section 5).
    Capa,
    /// UTF8: asks for UTF-8 mode (RFC 6856, section 2.1).
    Utf8,
    /// LANG with a language tag or `*`: selects the language of texts (RFC 6856, section 3.1).
    Lang(&'a str),
    /// LANG without an argument: lists the languages (RFC 6856, section 3.1).
    LangList,
    /// STAT: asks for the drop listing (RFC 1939, section 5).
    Stat,
    /// LIST: asks for the scan listing of one message or of all (RFC 1939, section 5).
    List(Option<u32>),
    /// UIDL: asks for the unique-id of one message or of all (RFC 1939, section 7).
    Uidl(Option<u32>),
    /// RETR: retrieves a message (RFC 1939, section 5).
    Retr(u32),
    /// TOP: retrieves the header of a message and the first lines of its body (RFC 1939, section 7).
    Top {
        /// The message number.
        number: u32,
        /// The number of lines of the body.
        lines: u32,
    },
    /// DELE: marks a message as deleted (RFC 1939, section 5).
    Dele(u32),
    /// RSET: unmarks all messages (RFC 1939, section 5).
    Rset,
    /// NOOP: keeps the session alive (RFC 1939, section 5).
    Noop,
    /// LAST: asks for the highest message number accessed (RFC 1460; removed from POP3 by RFC 1725).
    Last,
    /// QUIT: ends the session; from TRANSACTION it commits the deletions (RFC 1939, section 6).
    Quit,
    /// A command of an extension that this crate does not support, whose answer is one line. Contains the keyword and
    /// the arguments, without the CRLF.
    Raw(&'a str),
    /// The same, with an answer in which lines up to a lone dot follow `+OK`.
    RawListing(&'a str),
}

impl Command<'_> {
    /// Returns the kind of the command.
    #[inline]
    pub const fn kind(&self) -> Kind {
        match self {
            Command::User(_) => Kind::User,
            Command::Pass(_) => Kind::Pass,
            Command::Apop { .. } => Kind::Apop,
            Command::AuthList => Kind::AuthList,
            Command::Auth { .. } => Kind::Auth,
            Command::Stls => Kind::Stls,
            Command::Capa => Kind::Capa,
            Command::Utf8 => Kind::Utf8,
            Command::Lang(_) => Kind::Lang,
            Command::LangList => Kind::LangList,
            Command::Stat => Kind::Stat,
            Command::List(None) => Kind::ListAll,
            Command::List(Some(_)) => Kind::ListOne,
            Command::Uidl(None) => Kind::UidlAll,
            Command::Uidl(Some(_)) => Kind::UidlOne,
            Command::Retr(_) => Kind::Retr,
            Command::Top { .. } => Kind::Top,
            Command::Dele(_) => Kind::Dele,
            Command::Rset => Kind::Rset,
            Command::Noop => Kind::Noop,
            Command::Last => Kind::Last,
            Command::Quit => Kind::Quit,
            Command::Raw(_) => Kind::Raw,
            Command::RawListing(_) => Kind::RawListing,
        }
    }

    /// Returns the number of the message that the command is for, if it is for one message.
    pub(crate) const fn message(&self) -> Option<u32> {
        match *self {
            Command::List(number) | Command::Uidl(number) => number,
            Command::Retr(number) | Command::Dele(number) | Command::Top { number, .. } => Some(number),
            _ => None,
        }
    }

    /// Returns the length of the encoded line in octets, CRLF included, even if it may not be sent.
    pub(crate) fn encoded_len(&self) -> usize {
        let mut encoder = Encoder::measuring();
        self.write(&mut encoder);
        encoder.len()
    }

    /// Checks the arguments, for names in `charset`.
    ///
    /// # Errors
    ///
    /// The reason for which the first bad argument may not be sent. It never contains the argument itself.
    pub fn check(&self, charset: Charset) -> Result<(), BadArgument> {
        match *self {
            Command::User(name) | Command::Apop { user: name, .. } => check_word(name, charset),
            Command::Pass(password) => check_line(password, Charset::Utf8),
            Command::Lang(tag) => check_word(tag, Charset::Ascii),
            Command::Auth { mechanism, initial_response } => {
                let named = matches!(mechanism.len(), 1..=20)
                    && mechanism.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
                if !named {
                    return Err(BadArgument::Mechanism);
                }
                initial_response.map_or(Ok(()), |payload| payload.check())
            }
            Command::Raw(raw) | Command::RawListing(raw) => {
                check_line(raw, Charset::Ascii)?;
                let keyword = raw.split(' ').next().unwrap_or_default();
                let known = Kind::ALL.iter().any(|kind| kind.keyword().eq_ignore_ascii_case(keyword));
                if known || keyword.is_empty() || raw.ends_with(' ') {
                    return Err(BadArgument::Keyword);
                }
                Ok(())
            }
            _ if self.message() == Some(0) => Err(BadArgument::Zero),
            _ => Ok(()),
        }
    }

    /// Writes the whole line to `out`, or nothing if there is no room. `len` is its [length](Self::encoded_len).
    pub(crate) fn encode(&self, len: usize, out: &mut impl Output) -> Option<()> {
        let mut encoder = Encoder::writing(out.line(len)?);
        self.write(&mut encoder);
        Some(())
    }

    fn write(&self, encoder: &mut Encoder<'_>) {
        if let Command::Raw(line) | Command::RawListing(line) = self {
            encoder.put(line.as_bytes());
        } else {
            encoder.put(self.kind().keyword().as_bytes());
        }
        match *self {
            Command::User(text) | Command::Pass(text) | Command::Lang(text) => encoder.argument(text.as_bytes()),
            Command::Apop { user, digest } => {
                encoder.argument(user.as_bytes());
                encoder.argument(digest.as_bytes());
            }
            Command::Auth { mechanism, initial_response } => {
                encoder.put(b" ");
                mechanism.bytes().for_each(|b| encoder.put(&[b.to_ascii_uppercase()]));
                match initial_response {
                    None => {}
                    // RFC 5034, section 4: an empty initial response is sent as `=`.
                    Some(payload) if payload.encoded_len() == 0 => encoder.put(b" ="),
                    Some(payload) => {
                        encoder.put(b" ");
                        encoder.payload(payload);
                    }
                }
            }
            Command::List(Some(number))
            | Command::Uidl(Some(number))
            | Command::Retr(number)
            | Command::Dele(number) => {
                encoder.number(number);
            }
            Command::Top { number, lines } => {
                encoder.number(number);
                encoder.number(lines);
            }
            _ => {}
        }
        encoder.put(b"\r\n");
    }
}

impl fmt::Debug for Command<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Shows the command as a log may contain it: without password, digest or SASL payload, with control characters
/// escaped.
impl fmt::Display for Command<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Command::Raw(line) | Command::RawListing(line) = self {
            // The arguments of an unknown extension may be secret.
            let keyword = line.split(' ').next().unwrap_or_default().escape_debug();
            return write!(f, "{keyword}{}", if line.contains(' ') { " ***" } else { "" });
        }
        f.write_str(self.kind().keyword())?;
        match self {
            Command::User(text) | Command::Lang(text) => write!(f, " {}", text.escape_debug()),
            Command::Pass(_) => f.write_str(" ***"),
            Command::Apop { user, .. } => write!(f, " {} ***", user.escape_debug()),
            Command::Auth { mechanism, initial_response } => {
                let hidden = if initial_response.is_some() { " ***" } else { "" };
                write!(f, " {}{hidden}", mechanism.escape_debug())
            }
            Command::List(Some(number))
            | Command::Uidl(Some(number))
            | Command::Retr(number)
            | Command::Dele(number) => {
                write!(f, " {number}")
            }
            Command::Top { number, lines } => write!(f, " {number} {lines}"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::format;
    use std::string::{String, ToString as _};

    use super::*;
    use crate::wire::parse::BadCommand;

    /// Parses a line as a server does, and returns the command as a client would have written it.
    fn read(line: &[u8]) -> Result<String, BadCommand> {
        let command = Command::parse(line)?;
        let mut room = [0; 2 * MAX_COMMAND_LINE];
        let len = command.encoded_len();
        command.encode(len, &mut &mut room[..]).expect("there is room");
        Ok(String::from_utf8(room[..len - 2].to_vec()).expect("it came from text"))
    }

    #[test]
    fn a_server_parses_every_command_of_a_client() {
        for line in [
            "USER mrose",
            "USER m\u{fc}ller",
            "PASS  tan staaf ",
            "APOP mrose c4c9334bac560ecc979e58001b3e22fb",
            "AUTH",
            "AUTH PLAIN",
            "AUTH PLAIN AHUAcA==",
            "AUTH X-SPECIAL_1 =",
            "STLS",
            "CAPA",
            "UTF8",
            "LANG",
            "LANG *",
            "LANG en-GB",
            "STAT",
            "LIST",
            "LIST 1",
            "UIDL",
            "UIDL 4294967295",
            "RETR 2",
            "TOP 1 0",
            "TOP 1 4294967295",
            "DELE 3",
            "RSET",
            "NOOP",
            "LAST",
            "QUIT",
        ] {
            assert_eq!(read(line.as_bytes()), Ok(line.to_string()));
        }
    }

    #[test]
    fn v1_keywords_come_in_any_case_and_arguments_after_any_number_of_blanks() {
        assert_eq!(read(b"sTaT"), Ok("STAT".into()));
        assert_eq!(read(b"TOP     1    2    "), Ok("TOP 1 2".into()));
        assert_eq!(read(b"auth  plain AHUAcA== "), Ok("AUTH PLAIN AHUAcA==".into()));
        assert_eq!(read(b"LIST 007"), Ok("LIST 7".into()));
        assert_eq!(read(b"QUIT "), Ok("QUIT".into()));
    }

    #[test]
    fn v12_the_password_is_the_rest_of_the_line() {
        let password = |line| match Command::parse(line) {
            Ok(Command::Pass(password)) => password,
            other => panic!("{other:?}"),
        };
        assert_eq!(password(b"PASS a"), "a");
        assert_eq!(password(b"pass  a  b "), " a  b ");
        assert_eq!(password(b"PASS  "), " ");
    }

    #[test]
    fn v1_unknown_words_are_no_commands() {
        for line in [
            &b""[..],
            b" ",
            b" STAT",
            b"XYZZY",
            b"STATS",
            b"STA",
            b"\tSTAT",
            b"STAT\0",
            b"STAT\r",
            b"a raw command",
            b"\xff",
        ] {
            assert_eq!(read(line), Err(BadCommand::Unknown), "{}", line.escape_ascii());
        }
    }

    #[test]
    fn v22_wrong_arguments_are_refused() {
        for (kind, lines) in [
            (
                Kind::User,
                &[&b"USER"[..], b"USER ", b"USER a b", b"USER a\rb", b"USER a\0", b"USER \xff", b"USER a\tb"][..],
            ),
            (Kind::Pass, &[b"PASS", b"PASS ", b"PASS a\rb", b"PASS \0", b"PASS \xff"]),
            (Kind::Apop, &[b"APOP", b"APOP u", b"APOP u 00", b"APOP u c4c9334bac560ecc979e58001b3e22fg"]),
            (Kind::Auth, &[b"AUTH PLAIN !!!!", b"AUTH PLAIN AA AA", b"AUTH ABCDEFGHIJKLMNOPQRSTU", b"AUTH P.N"]),
            (Kind::Stat, &[b"STAT 1"]),
            (Kind::Quit, &[b"QUIT now"]),
            (Kind::Stls, &[b"STLS now"]),
            (Kind::Capa, &[b"CAPA all"]),
            (Kind::Retr, &[b"RETR", b"RETR 0", b"RETR -1", b"RETR +1", b"RETR 1 2", b"RETR x", b"RETR 4294967296"]),
            (Kind::Dele, &[b"DELE", b"DELE 0", b"DELE 1.0", b"DELE 1\r"]),
            (Kind::Top, &[b"TOP", b"TOP 1", b"TOP 0 1", b"TOP 1 -1", b"TOP 1 2 3", b"TOP 1 4294967296"]),
        ] {
            for line in lines {
                assert_eq!(read(line), Err(BadCommand::Arguments(kind)), "{}", line.escape_ascii());
            }
        }
        for line in [&b"LIST 0"[..], b"LIST 1 2", b"LIST 99999999999999999999999999999999", b"LIST \xd9\xa1"] {
            assert!(matches!(read(line), Err(BadCommand::Arguments(_))), "{}", line.escape_ascii());
        }
    }

    #[test]
    fn no_parsed_command_shows_a_secret() {
        for line in [&b"PASS hush"[..], b"AUTH PLAIN aHVzaA==", b"APOP u c4c9334bac560ecc979e58001b3e22fb"] {
            let shown = format!("{0} {0:?}", Command::parse(line).unwrap());
            assert!(!["hush", "aHVz", "c4c9"].iter().any(|secret| shown.contains(secret)), "{shown}");
        }
    }
}
