//! Log entries of a conversation: secrets are replaced, and bodies are given as a number of octets.

use alloc::boxed::Box;
use core::fmt;

use crate::client::Event;
use crate::wire::code::ResponseCode;
use crate::wire::command::Command;
use crate::wire::reply::Reply;
use crate::wire::text::Text;

/// A line of the conversation. `Display` writes it as one line of text with the prefix `C:` or `S:`, and escapes
/// control characters.
///
/// It is made from commands and events, never from encoded octets, and contains no secret.
///
/// ```
/// use pop3_proto::Config;
/// use pop3_proto::drive::Conversation;
///
/// let mut conversation = Conversation::new(Config::default());
/// conversation.set_log(|entry| eprintln!("{entry}"));
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum LogEntry<'a> {
    /// The client sent a command.
    Command(LoggedCommand<'a>),
    /// The client answered a challenge of AUTH.
    Response,
    /// The server sent the greeting, or the status line of an answer.
    Status {
        /// `+OK` or `-ERR`.
        indicator: &'static str,
        /// The response code, if there is one. If the text is hidden, only a known code is given.
        code: Option<ResponseCode<'a>>,
        /// The text after it. `None` from a secret until the login, because the server may echo the secret.
        text: Option<Text<'a>>,
    },
    /// The server sent a challenge of AUTH.
    Challenge,
    /// The server sent a line of a listing. `None` from a secret until the login, because the server may echo the
    /// secret.
    Row(Option<Text<'a>>),
    /// The server sent a message.
    Body {
        /// The number of octets received, without byte-stuffing.
        octets: u64,
    },
    /// The server sent the terminator of a listing or a message.
    End,
    /// The TLS handshake is complete.
    Tls,
    /// The server closed the connection.
    Closed,
}

/// A command that was sent, without its secrets. `Display` and `Debug` write the line as a log may show it.
#[derive(Clone, Copy)]
pub struct LoggedCommand<'a>(pub(crate) &'a Command<'a>);

impl fmt::Display for LoggedCommand<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for LoggedCommand<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'a> LogEntry<'a> {
    /// Returns the entry for an event, with its text hidden if it may `echo` a secret. The caller counts bodies.
    pub(crate) fn of(event: Event<'a>, echo: bool) -> Option<LogEntry<'a>> {
        let status = |indicator, reply: Reply<'a>| {
            let harmless =
                |code: &ResponseCode<'_>| code.as_bytes().eq_ignore_ascii_case(code.code().as_str().as_bytes());
            let code = reply.code().filter(|code| !echo || harmless(code));
            Some(LogEntry::Status { indicator, code, text: (!echo).then(|| reply.text()) })
        };
        match event {
            Event::Greeting(greeting) => status("+OK", greeting.0),
            Event::NoService(refusal) | Event::Refused { refusal, .. } => status("-ERR", refusal.reply),
            Event::Ok { reply, .. } => status("+OK", reply),
            Event::StartTls { .. } => status("+OK", Reply::new(b"")),
            Event::Challenge { .. } => Some(LogEntry::Challenge),
            Event::Row { row, .. } => Some(LogEntry::Row((!echo).then(|| Text::new(row.0)))),
            Event::Body { .. } => None,
            Event::End { .. } => Some(LogEntry::End),
        }
    }
}

impl fmt::Display for LogEntry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LogEntry::Command(command) => write!(f, "C: {command}"),
            LogEntry::Response => f.write_str("C: ***"),
            LogEntry::Status { indicator, code, text } => {
                write!(f, "S: {indicator}")?;
                if let Some(code) = code {
                    write!(f, " {code:?}")?;
                }
                match text {
                    None => f.write_str(" ***"),
                    Some(text) if text.as_bytes().is_empty() => Ok(()),
                    Some(text) => write!(f, " {text}"),
                }
            }
            LogEntry::Challenge => f.write_str("S: + ***"),
            LogEntry::Row(None) => f.write_str("S: ***"),
            LogEntry::Row(Some(text)) => write!(f, "S: {text}"),
            LogEntry::Body { octets } => write!(f, "S: ({octets} octets)"),
            LogEntry::End => f.write_str("S: ."),
            LogEntry::Tls => f.write_str("-- TLS established"),
            LogEntry::Closed => f.write_str("-- the server closed the connection"),
        }
    }
}

/// The destination of a conversation's log.
pub(crate) type Sink = Box<dyn FnMut(LogEntry<'_>) + Send>;
