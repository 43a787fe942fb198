//! Parsing of a client's line, for a server.

use crate::wire::apop::Digest;
use crate::wire::argument::Charset;
use crate::wire::command::Command;
use crate::wire::kind::Kind;
use crate::wire::number::{message_number, number};
use crate::wire::payload::Payload;

/// The reason why a server could not parse a line as a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadCommand {
    /// The keyword is unknown.
    Unknown,
    /// The arguments do not fit the command.
    Arguments(Kind),
}

impl<'a> Command<'a> {
    /// Parses a client's line without its line end, as a server does: keywords are case-insensitive, arguments are
    /// separated by one space or more, and the password is the whole rest of the line.
    ///
    /// # Errors
    ///
    /// The keyword is unknown, or the arguments do not fit it.
    pub(crate) fn parse(line: &'a [u8]) -> Result<Command<'a>, BadCommand> {
        let end = line.iter().position(|&b| b == b' ').unwrap_or(line.len());
        let (keyword, rest) = line.split_at(end);
        let kind = |kind: &&Kind| kind.keyword().as_bytes().eq_ignore_ascii_case(keyword);
        let kind = *Kind::ALL.iter().find(kind).ok_or(BadCommand::Unknown)?;
        let bad = BadCommand::Arguments(kind);
        if kind == Kind::Pass {
            let password = rest.strip_prefix(b" ").unwrap_or_default();
            let command = Command::Pass(core::str::from_utf8(password).map_err(|_| bad)?);
            return command.check(Charset::Utf8).map(|()| command).map_err(|_| bad);
        }
        let mut words = rest.split(|&b| b == b' ').filter(|word| !word.is_empty());
        let mut word = || words.next();
        let text = |word: Option<&'a [u8]>| core::str::from_utf8(word.ok_or(bad)?).map_err(|_| bad);
        let message = |word: &'a [u8]| message_number(word).ok_or(bad);
        let command = match kind {
            Kind::User => Command::User(text(word())?),
            Kind::Apop => {
                let user = text(word())?;
                Command::Apop { user, digest: word().and_then(Digest::parse).ok_or(bad)? }
            }
            Kind::AuthList | Kind::Auth => match word() {
                Some(mechanism) => {
                    let mechanism = text(Some(mechanism))?;
                    Command::Auth { mechanism, initial_response: word().map(Payload::initial) }
                }
                None => Command::AuthList,
            },
            Kind::Lang | Kind::LangList => match word() {
                Some(tag) => Command::Lang(text(Some(tag))?),
                None => Command::LangList,
            },
            Kind::ListAll | Kind::ListOne => Command::List(word().map(message).transpose()?),
            Kind::UidlAll | Kind::UidlOne => Command::Uidl(word().map(message).transpose()?),
            Kind::Retr => Command::Retr(message(word().ok_or(bad)?)?),
            Kind::Dele => Command::Dele(message(word().ok_or(bad)?)?),
            Kind::Top => Command::Top {
                number: message(word().ok_or(bad)?)?,
                lines: word().and_then(number).and_then(|n| u32::try_from(n).ok()).ok_or(bad)?,
            },
            Kind::Stls => Command::Stls,
            Kind::Capa => Command::Capa,
            Kind::Utf8 => Command::Utf8,
            Kind::Stat => Command::Stat,
            Kind::Rset => Command::Rset,
            Kind::Noop => Command::Noop,
            Kind::Last => Command::Last,
            Kind::Quit => Command::Quit,
            Kind::Pass | Kind::Raw | Kind::RawListing => return Err(BadCommand::Unknown),
        };
        if word().is_some() {
            return Err(bad);
        }
        command.check(Charset::Utf8).map(|()| command).map_err(|_| bad)
    }
}
