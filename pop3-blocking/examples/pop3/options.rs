//! The command line.
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Parser, Subcommand};
use clap_complete::Shell;
use pop3_blocking::{Fingerprint, Security};

use crate::failure::Failure;
use crate::fetch::Plan;
use crate::notes;
use crate::selection::Selection;
use crate::serve::Serving;
use crate::url;

/// Lists, downloads and safely deletes the messages of a POP3 maildrop.
#[derive(Debug, Parser)]
#[allow(clippy::struct_excessive_bools, reason = "each is an independent switch")]
#[command(name = "pop3", version, after_help = AFTER, arg_required_else_help = true)]
pub(crate) struct Options {
    /// The maildrop: pop3s://[user[;AUTH=mechanism]@]host[:port]; the default is the host in $MAILHOST
    ///
    /// pop3s:// uses TLS from the start of the connection (port 995), and so does $MAILHOST by default. pop:// and
    /// pop3:// begin without TLS (port 110); --starttls then switches to TLS. Without TLS, a password is sent only with
    /// --plaintext.
    ///
    /// Write `;`, `:`, `@`, `/` and `%` in a user name as %3B, %3A, %40, %2F and %25. The mechanism is SCRAM-SHA-256,
    /// SCRAM-SHA-256-PLUS, SCRAM-SHA-1, SCRAM-SHA-1-PLUS, CRAM-MD5, PLAIN, LOGIN, +APOP, or `*` for any. With a token,
    /// it is OAUTHBEARER or XOAUTH2; with --client-cert, it may be EXTERNAL.
    #[arg(value_name = "URL")]
    pub(crate) url: Option<String>,

    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// Serves a sample maildrop on this machine, and connects to it
    #[arg(long, global = true)]
    pub(crate) demo: bool,

    /// Starts TLS with STLS on pop://, and sends no secret if this fails
    #[arg(long, global = true, conflicts_with = "plaintext")]
    pub(crate) starttls: bool,

    /// Trusts the certificate authorities in a PEM file in addition to the system's
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,

    /// Accepts only the server whose certificate or public key has this SHA-256 fingerprint
    ///
    /// Use it for a server whose certificate no trusted authority has signed. Compute the fingerprint on the server:
    /// `openssl x509 -noout -fingerprint -sha256 -in CERTIFICATE`.
    #[arg(long, global = true, value_name = "SHA256", conflicts_with = "ca")]
    pub(crate) pin: Option<Fingerprint>,

    /// Allows sending the password without TLS, where others can read it
    #[arg(long, global = true)]
    pub(crate) plaintext: bool,

    /// Requests one message at a time, for servers that confuse the answers to pipelined commands
    #[arg(long, global = true)]
    pub(crate) no_pipelining: bool,

    /// Reads the password from the first line of a file
    #[arg(long, global = true, value_name = "FILE", group = "secret")]
    pub(crate) password_file: Option<PathBuf>,

    /// Runs a command in the shell, and takes the first line of its output as the password
    #[arg(long, global = true, value_name = "COMMAND", group = "secret")]
    pub(crate) password_command: Option<String>,

    /// Reads an OAuth access token from the first line of a file, instead of a password
    #[arg(long, global = true, value_name = "FILE", group = "secret")]
    pub(crate) token_file: Option<PathBuf>,

    /// Runs a command in the shell, and takes the first line of its output as an OAuth access token
    ///
    /// Gmail and Outlook need this. The command is a program that keeps a refresh token, such as `oama` or
    /// `mutt_oauth2.py`. The login uses OAUTHBEARER or XOAUTH2.
    #[arg(long, global = true, value_name = "COMMAND", group = "secret")]
    pub(crate) token_command: Option<String>,

    /// Shows the client certificate in a PEM file to a server that requests one
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "plaintext")]
    pub(crate) client_cert: Option<PathBuf>,

    /// Reads the key of the client certificate from a PEM file [default: the file of the certificate]
    #[arg(long, global = true, value_name = "FILE", requires = "client_cert")]
    pub(crate) client_key: Option<PathBuf>,

    /// Shows what is listed, and what `fetch` did, as JSON: one object in each line
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// Shows errors and warnings only
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,

    /// Also shows what is being done
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,

    /// Appends the conversation to a file, or to the standard error if it is `-`, without secrets or message contents
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) log: Option<PathBuf>,

    /// Sets the time limit for each wait for the server; the login may take twice as long [default: 30 to connect, 60
    /// for each answer, 120 for the login]
    ///
    /// The commands of --password-command and --token-command run before the connection, and have no time limit,
    /// because they may ask you something.
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

    /// Returns `true` if a password may be sent without TLS. The demo permits it, because its octets stay on this
    /// machine.
    pub(crate) fn permits_plaintext(&self) -> bool {
        self.plaintext || self.demo
    }
}

/// A command of the program.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Shows the number of messages and their total size in octets
    Stat,
    /// Shows the number and the size in octets of each message
    List {
        /// Shows only these messages
        #[arg(value_name = "N", value_parser = Selection::parse)]
        messages: Vec<Selection>,
    },
    /// Shows the number and the unique-id of each message
    Uidl {
        /// Shows only these messages
        #[arg(value_name = "N", value_parser = Selection::parse)]
        messages: Vec<Selection>,
    },
    /// Shows number, size, date, sender and subject of each message
    ///
    /// At a terminal, this is a table of its width, with local times. Elsewhere, each line has five columns with a tab
    /// between them: number, octets, date in UTC, name or address of the sender, and subject. A missing field is
    /// empty. Control characters are escaped.
    Index {
        /// Shows only these messages
        #[arg(value_name = "N", value_parser = Selection::parse)]
        messages: Vec<Selection>,
    },
    /// Shows the capabilities that the server announces
    Capa,
    /// Shows the highest message number accessed, if the server supports this command
    Last,
    /// Writes the headers of messages to the standard output
    Headers {
        /// The messages
        #[arg(value_name = "N", required = true, value_parser = Selection::parse)]
        messages: Vec<Selection>,
    },
    /// Writes the headers and the first lines of messages to the standard output
    Top {
        /// The messages
        #[arg(value_name = "N", value_parser = Selection::parse)]
        messages: Selection,
        /// The number of lines of each body
        #[arg(value_name = "LINES")]
        lines: u32,
    },
    /// Writes messages to the standard output
    Retr {
        /// The messages
        #[arg(value_name = "N", required = true, value_parser = Selection::parse)]
        messages: Vec<Selection>,
    },
    /// Deletes messages
    Dele {
        /// The messages
        #[arg(value_name = "N", required = true, value_parser = Selection::parse)]
        messages: Vec<Selection>,
    },
    /// Downloads new messages into a Maildir
    ///
    /// Stores each message exactly as the server sent it. DIR/.pop3-seen records the unique-ids of the stored messages:
    /// while the server lists an id, its message is not downloaded again, even if you have moved the file. If an id
    /// disappears and returns, the message is downloaded again, and stored only if it differs. You can interrupt a run
    /// at any time: the next run continues, and no message is lost or duplicated.
    Fetch(Plan),
    /// Serves a Maildir or a folder of .eml files as a POP3 server on this machine, for tests
    ///
    /// Writes the URL of the server to the standard output. The user and the password are `test` unless options say
    /// otherwise. Messages that a client deletes are hidden until the server ends; files change only with
    /// --delete-files. Lines of the messages may end in LF or CRLF.
    Serve(Serving),
    /// Writes the completions for a shell to the standard output
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Writes the man page to the standard output
    Man,
}

impl Command {
    pub(crate) const NAMES: &str = "stat, list, uidl, index, capa, last, headers, top, retr, dele, fetch, serve";
}

// One line for each paragraph: the parser wraps them to the width of the terminal. It writes its own headings in bold
// and underlined, and removes that where there are no colors.
const AFTER: &str = "\
\u{1b}[1;4mMessages (N):\u{1b}[0m
  7        message 7
  1-7,9    eight messages
  5-       all from message 5 on
  last     the last message
  last:3   the last three messages

Each message is taken once, in the order of the arguments. If a number does not exist, nothing is done. `headers`, `top` and `retr` \
write one message unchanged. If N could be several messages, they write a mailbox file (mboxrd): a line that begins with \
\"From \" before each message, an empty line after it, \">\" before lines that look like the first one, and LF as line \
end. At a terminal, control characters are escaped.

\u{1b}[1;4mFields of the JSON objects:\u{1b}[0m
  stat     messages, octets
  list     number, octets
  uidl     number, unique_id
  index    number, octets, date, from_name, from_address, subject
  capa     capability, arguments
  last     last
  headers  number, fields (each with name and value)
  dele     number, deleted
  fetch    action, number, octets, unique_id

Dates are in UTC. A value is null if the message has none. The actions of `fetch` are stored, known, \
skipped, refused, deleted and kept, and with --dry-run: would download, and would delete.

The password comes from the first of these sources that has one: --password-command or --password-file, \
$POP3_PASSWORD, ~/.netrc (or the file that $NETRC names), a prompt. It never comes from the command line. The user name \
comes from the URL, else from ~/.netrc, else from a prompt.

\u{1b}[1;4mExit status:\u{1b}[0m
  0  success
  1  the server refused a request, or there is no such message
  2  invalid usage
  3  the server broke the protocol
  4  input or output failed or timed out, or the connection ended early
  5  the login failed, or would have been unsafe
 75  the server asks to try again later";

/// Parses the command line. Help and errors end the program here, except for the errors below.
pub(crate) fn parse() -> Result<Options, Failure> {
    Options::try_parse().map_err(|error| {
        let is_misplaced = matches!(error.kind(), ErrorKind::UnknownArgument | ErrorKind::InvalidSubcommand);
        let surplus =
            [ContextKind::InvalidArg, ContextKind::InvalidSubcommand].into_iter().find_map(|kind| error.get(kind));
        if is_misplaced && matches!(surplus, Some(ContextValue::String(argument)) if argument.contains("://")) {
            return Failure::usage("put the URL before the command: pop3 pop3s://user@host stat");
        }
        // The parser would quote the argument.
        let may_show = |argument: std::ffi::OsString| url::may_show_password(&argument.to_string_lossy());
        if error.use_stderr() && std::env::args_os().skip(1).any(may_show) {
            let kind = error.kind();
            return Failure::usage(format!("{kind}: an argument is not shown because it may contain a password"));
        }
        if error.use_stderr() {
            // As `exit` does, but with lines of the width of the terminal.
            notes::styled(&error.render().ansi().to_string());
            std::process::exit(error.exit_code());
        }
        error.exit()
    })
}
