//! The conversation as a log may show it: secrets replaced, bodies as a count of octets.

use alloc::boxed::Box;
use core::fmt;

use crate::client::Event;
use crate::command::{Command, Kind};
use crate::reply::{Reply, Text};

/// A line of the conversation. `Display` gives it as one line of text, prefixed `C:` or `S:`, with controls escaped.
///
/// It is made of commands and events, never of encoded octets, so there is no secret to be left in by mistake.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Entry<'a> {
    /// The client sent a command; its `Display` hides secrets.
    Command(&'a Command<'a>),
    /// The client answered a challenge of AUTH.
    Response,
    /// The greeting, or the status line of an answer.
    Status {
        /// `+OK` or `-ERR`.
        indicator: &'static str,
        /// What follows it.
        reply: Reply<'a>,
        /// The line answers a secret, which the server may have echoed: only its response code is shown.
        withhold: bool,
    },
    /// A challenge of AUTH.
    Challenge,
    /// A line of a listing.
    Row(Text<'a>),
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

impl<'a> Entry<'a> {
    /// The entry for an event that answers a command of this kind; bodies are counted by the caller.
    pub(crate) fn of(event: Event<'a>, kind: Option<Kind>) -> Option<Entry<'a>> {
        let withhold = matches!(kind, Some(Kind::Pass | Kind::Apop | Kind::Auth));
        let status = |indicator, reply| Some(Entry::Status { indicator, reply, withhold });
        match event {
            Event::Greeting(greeting) => status("+OK", greeting.0),
            Event::NoService(refusal) | Event::Refused { refusal, .. } => status("-ERR", refusal.0),
            Event::Ok { reply, .. } => status("+OK", reply),
            Event::StartTls { .. } => status("+OK", Reply::new(b"")),
            Event::Challenge { .. } => Some(Entry::Challenge),
            Event::Row { row, .. } => Some(Entry::Row(Text::new(row.0))),
            Event::Body { .. } => None,
            Event::End { .. } => Some(Entry::End),
        }
    }
}

impl fmt::Display for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Entry::Command(command) => write!(f, "C: {command}"),
            Entry::Response => f.write_str("C: ***"),
            Entry::Status { indicator, reply, withhold: true } => match reply.code() {
                Some(code) => write!(f, "S: {indicator} {code:?} ***"),
                None if reply.line().is_empty() => write!(f, "S: {indicator}"),
                None => write!(f, "S: {indicator} ***"),
            },
            Entry::Status { indicator, reply, .. } if reply.line().is_empty() => write!(f, "S: {indicator}"),
            Entry::Status { indicator, reply, .. } => write!(f, "S: {indicator} {}", Text::new(reply.line())),
            Entry::Challenge => f.write_str("S: + ***"),
            Entry::Row(text) => write!(f, "S: {text}"),
            Entry::Body { octets } => write!(f, "S: ({octets} octets)"),
            Entry::End => f.write_str("S: ."),
            Entry::Tls => f.write_str("-- TLS established"),
            Entry::Closed => f.write_str("-- the server closed the connection"),
        }
    }
}

/// Where a conversation's log goes.
pub(crate) type Sink = Box<dyn FnMut(Entry<'_>) + Send>;
