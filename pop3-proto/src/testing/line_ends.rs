//! Line ends of servers that mix CRLF and LF, and messages as such servers send them.
//!
//! ```
//! use pop3_proto::testing::line_ends::{BOTH, LF};
//!
//! assert_eq!(LF.stuffed("dots\n.\n"), "dots\n..\n.\n");
//! assert_eq!(BOTH.stuffed("dots\n.\n"), "dots\n.\n\r\n.\r\n", "a sender can end such a message");
//! ```

use std::format;
use std::string::String;

/// The line ends that a server uses.
#[derive(Clone, Copy, Debug)]
pub struct LineEnds {
    /// The line end of the greeting.
    pub greeting: &'static str,
    /// The line end of status lines and rows.
    pub line: &'static str,
    /// The line end after which a dot is stuffed.
    pub stuffed_behind: &'static str,
    /// The end of a message or a listing.
    pub terminator: &'static str,
}

/// CRLF everywhere.
pub const CRLF: LineEnds = LineEnds { greeting: "\r\n", line: "\r\n", stuffed_behind: "\r\n", terminator: ".\r\n" };
/// CRLF everywhere except in the greeting.
pub const LF_GREETING: LineEnds = LineEnds { greeting: "\n", ..CRLF };
/// LF everywhere.
pub const LF: LineEnds = LineEnds { greeting: "\n", line: "\n", stuffed_behind: "\n", terminator: ".\n" };
/// LF in status lines and CRLF in messages. On such a server, a sender can end a message early, and the answer does not
/// show it.
pub const BOTH: LineEnds = LineEnds { greeting: "\n", line: "\n", ..CRLF };

impl LineEnds {
    /// Returns the message as the server sends it, with its end.
    pub fn stuffed(self, message: &str) -> String {
        let mut text = message.replace(&format!("{}.", self.stuffed_behind), &format!("{}..", self.stuffed_behind));
        if text.starts_with('.') {
            text.insert(0, '.');
        }
        if !text.ends_with(self.stuffed_behind) {
            text += self.stuffed_behind;
        }
        text + self.terminator
    }

    /// Returns the message as the client receives it, if it arrives completely.
    pub fn heard(self, message: &str) -> String {
        let end = if message.ends_with(self.stuffed_behind) { "" } else { self.stuffed_behind };
        format!("{message}{end}")
    }
}
