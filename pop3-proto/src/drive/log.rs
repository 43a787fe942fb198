//! The conversation as a log may show it: secrets replaced, bodies as a count of octets.

use alloc::boxed::Box;
use core::fmt;

use crate::client::Event;
use crate::wire::code::ResponseCode;
use crate::wire::command::Command;
use crate::wire::kind::Kind;
use crate::wire::reply::Reply;
use crate::wire::text::Text;

/// A line of the conversation. `Display` gives it as one line of text, prefixed `C:` or `S:`, with controls escaped.
///
/// It is made of commands and events, never of encoded octets, and holds nothing secret: neither can be got out of it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum LogEntry<'a> {
    /// The client sent a command.
    Command(LoggedCommand<'a>),
    /// The client answered a challenge of AUTH.
    Response,
    /// The greeting, or the status line of an answer.
    Status {
        /// `+OK` or `-ERR`.
        indicator: &'static str,
        /// The response code, if there is one; only a known one where the text is hidden.
        code: Option<ResponseCode<'a>>,
        /// The text behind it; `None` from a secret on until the login, because the server may echo it.
        text: Option<Text<'a>>,
    },
    /// A challenge of AUTH.
    Challenge,
    /// A line of a listing; `None` from a secret on until the login, because the server may echo it.
    Row(Option<Text<'a>>),
    /// A message, and its octets without byte-stuffing.
    Body {
        /// How many octets came.
        octets: u64,
    },
    /// The terminator of a listing or a message.
    End,
    /// The TLS handshake is done.
    Tls,
    /// The server closed the connection.
    Closed,
}

/// A command that was sent, without its secrets: `Display` and `Debug` give the line as a log may show it.
#[derive(Clone, Copy)]
pub struct LoggedCommand<'a>(pub(crate) &'a Command<'a>);

impl LoggedCommand<'_> {
    /// What kind of command it is.
    pub const fn kind(&self) -> Kind {
        self.0.kind()
    }
}

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
    /// The entry for an event, whose text is hidden if it may be the `echo` of a secret. Bodies are counted by the caller.
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

/// Where a conversation's log goes.
pub(crate) type Sink = Box<dyn FnMut(LogEntry<'_>) + Send>;
