//! The command line.
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};
use pop3_blocking::{Fingerprint, Security};

use crate::failure::Failure;
use crate::url;

/// Looks at a POP3 maildrop, downloads from it, and deletes from it safely.
#[derive(Debug, Parser)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
#[command(name = "pop3", version, after_help = AFTER, arg_required_else_help = true)]
pub(crate) struct Options {
    /// The maildrop: pop3s://[user[;AUTH=mechanism]@]host[:port]; by default the host in $MAILHOST
    ///
    /// pop3s:// is for TLS from the beginning (port 995), and so is $MAILHOST alone; pop:// or pop3:// is for a connection
    /// that begins in the clear (port 110), and then goes on in TLS with --starttls. Without that a password is not sent
    /// over it, unless --plaintext permits it.
    ///
    /// `;`, `:`, `@`, `/` and `%` in a user name are written %3B, %3A, %40, %2F and %25. The mechanism is
    /// SCRAM-SHA-256, SCRAM-SHA-1, either with -PLUS, CRAM-MD5, PLAIN, LOGIN, +APOP, or `*` for any.
    #[arg(value_name = "URL")]
    pub(crate) url: Option<String>,

    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// Serves a sample maildrop on this machine, and talks to it
    #[arg(long, global = true)]
    pub(crate) demo: bool,

    /// Begins TLS by STLS on pop://, and sends nothing secret if that does not succeed
    #[arg(long, global = true, conflicts_with = "plaintext")]
    pub(crate) starttls: bool,

    /// Trusts the authorities in a PEM file too, beside the system's: for one of your own
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,

    /// Accepts only the server whose certificate or public key has this SHA-256 fingerprint
    ///
    /// It is for servers whose certificate no authority vouches for. Take it from the server itself:
    /// `openssl x509 -noout -fingerprint -sha256 -in CERTIFICATE`.
    #[arg(long, global = true, value_name = "SHA256", conflicts_with = "ca")]
    pub(crate) pin: Option<Fingerprint>,

    /// Permits to send the password as it is over a connection that is not protected
    #[arg(long, global = true)]
    pub(crate) plaintext: bool,

    /// Asks for one message at a time: for servers that mix up their answers
    #[arg(long, global = true)]
    pub(crate) no_pipelining: bool,

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

impl Options {
    /// Returns the security for a server of which only the name is known.
    pub(crate) fn security(&self) -> Security {
        match (self.starttls, self.plaintext) {
            (true, _) => Security::StartTls,
            (false, true) => Security::Plaintext,
            (false, false) => Security::Tls,
        }
    }

    /// Returns `true` if a password may be sent in the clear. The demo permits it, since its octets stay on this
    /// machine.
    pub(crate) fn permits_plaintext(&self) -> bool {
        self.plaintext || self.demo
    }
}

/// A command of the program.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Shows how many messages there are, and their octets
    Stat,
    /// Shows message numbers and octets
    List {
        /// Only of this message
        #[arg(value_name = "N", value_parser = message_number)]
        number: Option<u32>,
    },
    /// Shows message numbers and unique-ids
    Uidl {
        /// Only of this message
        #[arg(value_name = "N", value_parser = message_number)]
        number: Option<u32>,
    },
    /// Shows what the server announces
    Capa,
    /// Shows the highest message number accessed, where a server still knows it
    Last,
    /// Writes the header of a message to the standard output, octet by octet
    Headers {
        /// The message
        #[arg(value_name = "N", value_parser = message_number)]
        number: u32,
    },
    /// Writes the header and the first lines of a message to the standard output, octet by octet
    Top {
        /// The message
        #[arg(value_name = "N", value_parser = message_number)]
        number: u32,
        /// How many lines of the body
        #[arg(value_name = "LINES")]
        lines: u32,
    },
    /// Writes a message to the standard output, octet by octet
    Retr {
        /// The message
        #[arg(value_name = "N", value_parser = message_number)]
        number: u32,
    },
    /// Deletes messages
    Dele {
        /// The messages
        #[arg(value_name = "N", required = true, value_parser = message_number)]
        numbers: Vec<u32>,
    },
    /// Downloads what is new into a Maildir
    ///
    /// Each message is stored octet by octet as the server sent it. A message is known by its unique-id while the server
    /// lists it: it is not downloaded again, even if it was moved elsewhere meanwhile; DIR/.pop3-seen remembers. If an id was
    /// gone and comes back, the message is downloaded again and compared. A run may be interrupted at any moment: the next
    /// one goes on, and no message is lost or doubled.
    Fetch {
        /// The Maildir, made if it is missing
        #[arg(value_name = "DIR")]
        dir: PathBuf,
        /// Deletes on the server what is safely on disk, also from an earlier run
        #[arg(long)]
        delete: bool,
    },
}

impl Command {
    pub(crate) const NAMES: &str = "stat, list, uidl, capa, last, headers, top, retr, dele, fetch";
}

fn message_number(text: &str) -> Result<u32, &'static str> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or("message numbers begin at 1, as `list` shows them")
}

// One line for each paragraph: the parser wraps them to the width of the terminal.
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

/// Parses the command line. Help and errors end the program here, except for the errors below.
pub(crate) fn parse() -> Result<Options, Failure> {
    Options::try_parse().map_err(|error| {
        let is_misplaced = matches!(error.kind(), ErrorKind::UnknownArgument | ErrorKind::InvalidSubcommand);
        if is_misplaced && std::env::args().skip(2).any(|argument| argument.contains("://")) {
            return Failure::usage("the URL comes before the command, as in: pop3 pop3s://user@host stat");
        }
        // The parser would quote the argument.
        let may_show = |argument: std::ffi::OsString| url::may_show_password(&argument.to_string_lossy());
        if error.use_stderr() && std::env::args_os().skip(1).any(may_show) {
            let kind = error.kind();
            return Failure::usage(format!("{kind}: one of the arguments may have a password in it, and is not shown"));
        }
        error.exit()
    })
}
