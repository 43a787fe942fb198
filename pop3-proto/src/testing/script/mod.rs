//! A server that plays a script, without I/O.
//!
//! A script is a conversation, a line each. Blank lines are ignored.
//!
//! | line | |
//! |---|---|
//! | `S: +OK ready` | the server sends this line, with CRLF |
//! | `C: STAT` | the client must send this line, with CRLF |
//! | `S= +O` | the server sends exactly these octets, with escapes: `\r`, `\n`, `\t`, `\0`, `\\`, `\xff` |
//! | `C= QUIT\n` | the client must send exactly these octets, with the same escapes |
//! | `-- tls` | the client and the server do the handshake, if the server can: with the feature `tls`, that is one in `link::Encrypted` |
//! | `-- wait 90 s` | the server says nothing for so many seconds |
//! | `-- quiet` | the client must wait for an answer, and send nothing, for 30 ms |
//! | `-- hold` | the client must close the connection, and send nothing before |
//!
//! The server takes turns: it sends its lines only after the client has sent all lines before them, even if the octets
//! arrive early. At the end of the script, it closes the connection. It closes it too if the client does not keep to
//! the script, and its [`Verdict`] says which line was expected, and what the client did instead.
//!
//! ```
//! use pop3_proto::testing::link::{Line, Schedule};
//! use pop3_proto::testing::script::ScriptedServer;
//!
//! let server = ScriptedServer::new("S: +OK ready\nC: STAT\nS: +OK 2 320\n");
//! let verdict = server.verdict();
//! let mut line = Line::new(server, Schedule::new());
//!
//! let mut space = [0; 64];
//! let len = line.read(&mut space)?;
//! assert_eq!(&space[..len], b"+OK ready\r\n");
//! line.write(b"LIST\r\n")?;
//! assert_eq!(line.read(&mut space)?, 0, "the server closes the connection");
//! assert_eq!(
//!     verdict.check().unwrap_err().to_string(),
//!     "line 2 of the script: expected `STAT`, but the client sent `LIST`"
//! );
//! # Ok::<(), pop3_proto::testing::link::Halt>(())
//! ```
//!
//! `testing::link` of the adapters plays a script on a stream for `Connection::over`, and `testing::peer` of
//! `pop3-blocking` on a socket.

mod server;
mod verdict;

use std::format;
use std::time::Duration;
use std::vec::Vec;

pub use server::ScriptedServer;
pub use verdict::{Mismatch, Verdict};

/// A login as USER and PASS, as the beginning of a script, on a server that does not know CAPA. The user is `mrose` and
/// the password `tanstaaf`.
pub const LOGIN: &str = "
S: +OK ready
C: CAPA
S: -ERR what?
C: USER mrose
S: +OK
C: PASS tanstaaf
S: +OK
";

/// The same login on a server that announces PIPELINING.
pub const PIPELINED_LOGIN: &str = "
S: +OK ready
C: CAPA
S: +OK
S: USER
S: PIPELINING
S: .
C: USER mrose
C: PASS tanstaaf
S: +OK
S: +OK
";

/// The time for which `-- quiet` waits.
const QUIET: Duration = Duration::from_millis(30);

/// The meaning of a line of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Turn {
    /// The server sends these octets.
    Server(Vec<u8>),
    /// The client must send these octets.
    Client(Vec<u8>),
    /// TLS begins.
    Tls,
    /// The server says nothing for this time.
    Wait(Duration),
    /// The client waits, and sends nothing for a moment.
    Quiet,
    /// The client closes the connection and sends nothing before.
    Hold,
}

/// Returns the meanings of the lines of a script, each with the number of its line from 1.
///
/// # Panics
///
/// The iterator panics at a line that has none.
pub fn turns(script: &str) -> impl Iterator<Item = (usize, Turn)> + '_ {
    let lines = script.lines().enumerate().filter(|(_, line)| !line.is_empty());
    lines.map(|(before, line)| {
        let number = before + 1;
        let turn = turn(line).unwrap_or_else(|| panic!("line {number} is not a line of a script: {line}"));
        (number, turn)
    })
}

fn turn(line: &str) -> Option<Turn> {
    let octets = |text| format!("{text}\r\n").into_bytes();
    match line.split_at_checked(3)? {
        ("S: ", said) => Some(Turn::Server(octets(said))),
        ("C: ", said) => Some(Turn::Client(octets(said))),
        ("S= ", said) => Some(Turn::Server(unescaped(said)?)),
        ("C= ", said) => Some(Turn::Client(unescaped(said)?)),
        ("-- ", "tls") => Some(Turn::Tls),
        ("-- ", "quiet") => Some(Turn::Quiet),
        ("-- ", "hold") => Some(Turn::Hold),
        ("-- ", wait) => {
            let seconds = wait.strip_prefix("wait ")?.strip_suffix(" s")?.parse().ok()?;
            Some(Turn::Wait(Duration::try_from_secs_f64(seconds).ok()?))
        }
        _ => None,
    }
}

/// Returns the octets for which a text with escapes stands.
fn unescaped(text: &str) -> Option<Vec<u8>> {
    let (mut octets, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((&octet, after)) = rest.split_first() {
        rest = after;
        if octet != b'\\' {
            octets.push(octet);
            continue;
        }
        let (&escape, after) = rest.split_first()?;
        rest = after;
        octets.push(match escape {
            b'r' => b'\r',
            b'n' => b'\n',
            b't' => b'\t',
            b'0' => 0,
            b'\\' => b'\\',
            b'x' => {
                let (digits, after) = rest.split_at_checked(2)?;
                rest = after;
                u8::from_str_radix(core::str::from_utf8(digits).ok()?, 16).ok()?
            }
            _ => return None,
        });
    }
    Some(octets)
}
