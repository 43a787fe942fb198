//! The command line.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Looks at a POP3 maildrop, downloads from it, and deletes from it safely.
#[derive(Debug, Parser)]
#[command(name = "pop3", version, after_help = AFTER, arg_required_else_help = true, infer_subcommands = false)]
pub(crate) struct Options {
    /// The maildrop: pop://[user[;AUTH=mechanism]@]host[:port]; by default the host in $MAILHOST
    ///
    /// `;`, `:`, `@`, `/` and `%` in a user name are written %3B, %3A, %40, %2F and %25. The mechanism is PLAIN, +APOP, or
    /// `*` for any. pop3:// is the same as pop://; pop3s:// is for TLS, which is to come.
    #[arg(value_name = "URL")]
    pub(crate) url: Option<String>,

    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// Serves a sample maildrop on this machine, and talks to it
    #[arg(long, global = true)]
    pub(crate) demo: bool,

    /// Permits to send the password as it is over a connection that is not protected
    #[arg(long, global = true)]
    pub(crate) plaintext: bool,

    /// Reads the password from the first line of a file
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,

    /// Appends the conversation to a file, without secrets and without messages
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) log: Option<PathBuf>,

    /// Gives up when the server is silent for so long [default: 30 for connecting, then 60]
    #[arg(long, global = true, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) timeout: Option<u64>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Shows how many messages there are, and their octets
    Stat,
    /// Shows message numbers and octets
    List {
        /// Only of this message
        #[arg(value_name = "N", value_parser = message_number)]
        number: Option<NonZeroU32>,
    },
    /// Shows message numbers and unique-ids
    Uidl {
        /// Only of this message
        #[arg(value_name = "N", value_parser = message_number)]
        number: Option<NonZeroU32>,
    },
    /// Shows what the server announces
    Capa,
    /// Shows the highest message number accessed, where a server still knows it
    Last,
    /// Writes the header of a message to the standard output, octet by octet
    Headers {
        /// The message
        #[arg(value_name = "N", value_parser = message_number)]
        number: NonZeroU32,
    },
    /// Writes the header and the first lines of a message to the standard output, octet by octet
    Top {
        /// The message
        #[arg(value_name = "N", value_parser = message_number)]
        number: NonZeroU32,
        /// How many lines of the body
        #[arg(value_name = "LINES")]
        lines: u32,
    },
    /// Writes a message to the standard output, octet by octet
    Retr {
        /// The message
        #[arg(value_name = "N", value_parser = message_number)]
        number: NonZeroU32,
    },
    /// Deletes messages
    Dele {
        /// The messages
        #[arg(value_name = "N", required = true, value_parser = message_number)]
        numbers: Vec<NonZeroU32>,
    },
}

impl Command {
    pub(crate) const NAMES: &str = "stat, list, uidl, capa, last, headers, top, retr, dele";
}

fn message_number(text: &str) -> Result<NonZeroU32, &'static str> {
    text.parse().map_err(|_| "message numbers begin at 1, as `list` shows them")
}

// One line a paragraph: the parser wraps them to the terminal.
const AFTER: &str = "\
The password is the first of: --password-file, $POP3_PASSWORD, ~/.netrc (or the file that $NETRC names), and a prompt; \
never the command line. The user name is the URL's, else that of ~/.netrc, else a prompt.

Exit status:
  0  done
  1  the server refused
  2  wrong usage
  3  the server broke the protocol
  4  input or output failed, also by a time-out or a connection that ended early
  5  the login failed, or would have been unsafe";
