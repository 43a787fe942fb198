//! A client's line as a [`Command`], for the tests to know which command the crate must write.

use pop3_proto::sasl::{Mechanism, Plain};
use pop3_proto::wire::{Digest, Payload, Timestamp};
use pop3_proto::{BadArgument, Command};

use crate::transcript::Case;

/// The reason why a line cannot be a command.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum NoCommand {
    /// The line is APOP, and the greeting has no valid timestamp.
    NoTimestamp,
    /// The secret cannot be sent in this way.
    Secret(BadArgument),
}

/// Returns the response of PLAIN for the configuration, made by the crate and not copied from the transcript.
pub(crate) fn plain(case: &Case) -> Result<Vec<u8>, BadArgument> {
    let setting = |key| case.setting(key, "");
    let mut plain = Plain::new(setting("authzid"), setting("user"), setting("password"))?;
    let made = plain.first().expect("it is ready").expect("the client sends first");
    Ok(made.to_vec())
}

/// Checks that the crate knows the mechanism and that the configuration has the password.
pub(crate) fn is_plain(case: &Case, mechanism: &str) -> bool {
    mechanism == "PLAIN" && case.config.get("password").is_some()
}

pub(crate) fn parse<'a>(
    line: &'a str,
    case: &Case,
    timestamp: Option<&[u8]>,
    plain: &'a Result<Vec<u8>, BadArgument>,
) -> Result<Command<'a>, NoCommand> {
    let (keyword, rest) = line.split_once(' ').unwrap_or((line, ""));
    let mut words = rest.split(' ').filter(|word| !word.is_empty());
    let message = words.clone().next().and_then(|word| word.parse::<u32>().ok());
    Ok(match keyword {
        "USER" => Command::User(rest),
        "PASS" => Command::Pass(rest),
        "APOP" => {
            let timestamp = Timestamp::find(timestamp.unwrap_or_default()).ok_or(NoCommand::NoTimestamp)?;
            let digest = Digest::new(timestamp, case.setting("password", "").as_bytes());
            Command::Apop { user: words.next().unwrap_or_default(), digest }
        }
        "AUTH" => {
            let mechanism = words.next().unwrap_or_default();
            let initial_response = match (words.next(), plain) {
                (None, _) => None,
                (Some(_), Ok(response)) if is_plain(case, mechanism) => Some(Payload::Octets(response)),
                (Some(_), Err(bad)) if is_plain(case, mechanism) => return Err(NoCommand::Secret(*bad)),
                (Some("="), _) => Some(Payload::Base64(b"")),
                (Some(text), _) => Some(Payload::Base64(text.as_bytes())),
            };
            Command::Auth { mechanism, initial_response }
        }
        "STLS" => Command::Stls,
        "CAPA" => Command::Capa,
        "UTF8" => Command::Utf8,
        "LANG" => words.next().map_or(Command::LangList, Command::Lang),
        "STAT" => Command::Stat,
        "LIST" => Command::List(message),
        "UIDL" => Command::Uidl(message),
        "RETR" => Command::Retr(message.expect("a number")),
        "DELE" => Command::Dele(message.expect("a number")),
        "TOP" => {
            let lines = words.nth(1).and_then(|word| word.parse().ok()).expect("a number of lines");
            Command::Top { number: message.expect("a number"), lines }
        }
        "RSET" => Command::Rset,
        "NOOP" => Command::Noop,
        "LAST" => Command::Last,
        "QUIT" => Command::Quit,
        _ => Command::Raw(line),
    })
}
