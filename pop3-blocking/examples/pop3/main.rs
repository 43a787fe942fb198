//! The program `pop3`, which lists, downloads and safely deletes the messages of a maildrop.
//!
//! `cargo run --release -p pop3-blocking --example pop3 -- --help` shows its usage.
#![forbid(unsafe_code)]

mod check;
mod commands;
mod delivery;
mod demo;
mod digest;
mod failure;
mod fetch;
#[cfg(unix)]
mod interrupt;
mod maildir;
mod mark;
mod notes;
mod options;
mod output;
mod password;
mod rows;
mod seen;
mod survey;
mod url;

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use pop3_blocking::{Connect, LogEntry, Method, Security, Session, Tcp, Tls};

use delivery::Delivery;
use failure::{Failure, Status};
use mark::Account;
use options::{Command, Options};
use output::Output;
use url::Target;

type Login = (String, zeroize::Zeroizing<String>);

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run() -> Result<(), Failure> {
    // Checked before parsing, since the parser quotes arguments that it does not understand.
    if std::env::args_os().skip(1).any(|argument| url::shows_password(&argument.to_string_lossy())) {
        return Err(Failure::usage(url::NO_PASSWORD));
    }
    let options = options::parse()?;
    notes::set(options.quiet, options.verbose);
    let target = target(&options)?;
    let Some(command) = &options.command else {
        return Err(Failure::usage(format!("no command was given; use one of: {}", Command::NAMES)));
    };
    let login = login(&target, &options)?;
    if let Command::Fetch { dir, delete } = command {
        // Opened before connecting, so that an error here costs no login.
        let delivery = Delivery::open(dir, account(&target, &options, &login.0))?;
        #[cfg(unix)]
        interrupt::tell_of_fetch();
        return fetch::run(|| open(&target, &options, &login), delivery, *delete, !options.no_pipelining);
    }
    commands::run(open(&target, &options, &login)?, command, &mut Output::new(options.json))
}

/// Returns the server, and the known parts of the login.
fn target(options: &Options) -> Result<Target, Failure> {
    if options.demo {
        if options.url.is_some() {
            return Err(Failure::usage("--demo starts its own server: omit the URL"));
        }
        let port = demo::start()
            .map_err(|error| Failure::new(Status::Io, format!("the demo server could not be started: {error}")))?;
        let mut target = Target::at_host("127.0.0.1", Security::Plaintext).map_err(Failure::usage)?;
        (target.port, target.user) = (Some(port), Some(demo::USER.to_owned()));
        return Ok(target);
    }
    let Some(url) = &options.url else {
        let Ok(host) = std::env::var("MAILHOST") else {
            return Err(Failure::usage("no server was given: use a URL such as pop3s://user@host, or set MAILHOST"));
        };
        let target = Target::at_host(&host, options.security());
        return target.map_err(|why| Failure::usage(format!("MAILHOST: {why}")));
    };
    let mut target = Target::at_url(url).map_err(Failure::usage)?;
    for (option, is_given) in [("--starttls", options.starttls), ("--plaintext", options.plaintext)] {
        if is_given && target.security == Security::Tls {
            return Err(Failure::usage(format!("pop3s:// uses TLS from the beginning: use {option} with pop://")));
        }
    }
    if options.starttls {
        target.security = Security::StartTls;
    }
    Ok(target)
}

/// Returns the user name and the password, unless it is already known that they cannot be used.
fn login(target: &Target, options: &Options) -> Result<Login, Failure> {
    // The login would return the same error, but only after asking for the password.
    let shows_secret = target.method.is_none_or(Method::shows_secret);
    if target.security == Security::Plaintext && shows_secret && !options.permits_plaintext() {
        return Err(Failure::unprotected());
    }
    if options.demo {
        return Ok((demo::USER.to_owned(), demo::PASSWORD.to_owned().into()));
    }
    password::find(target, options.password_file.as_deref())
}

/// Returns the account to which the unique-ids belong.
fn account(target: &Target, options: &Options, user: &str) -> Account {
    let server = match target.port {
        // The demo uses another port in each run.
        _ if options.demo => "demo".to_owned(),
        // The standard ports lead to the same maildrop. Another port may be a tunnel to another server.
        None | Some(110 | 995) => target.host.clone(),
        Some(port) => format!("{}:{port}", target.host),
    };
    Account { server, user: user.to_owned() }
}

fn open(target: &Target, options: &Options, (user, password): &Login) -> Result<Session<Tcp>, Failure> {
    let mut connect = Connect::new()
        .host(&target.host)
        .user(user)
        .password(password.as_str())
        .security(target.security)
        .tls(tls(options)?)
        .allow_plaintext(options.permits_plaintext());
    if options.no_pipelining {
        connect = connect.window(1);
    }
    if let Some(port) = target.port {
        connect = connect.port(port);
    }
    if let Some(method) = target.method {
        connect = connect.method(method);
    }
    if let Some(seconds) = options.timeout {
        let timeout = Duration::from_secs(seconds);
        connect = connect.connect_timeout(timeout).timeout(timeout).login_timeout(2 * timeout);
    }
    if let Some(path) = &options.log {
        let file = open_log(path).map_err(|error| {
            Failure::new(Status::Io, format!("the log {} could not be opened: {error}", path.display()))
        })?;
        connect = connect.log(move |entry: LogEntry<'_>| {
            // An error of the log does not stop the session.
            let _ = (&file).write_all(format!("{entry}\n").as_bytes());
        });
    }
    notes::detail(format_args!("connecting to {}", target.host));
    let session = pop3_blocking::connect(connect).map_err(|error| Failure::connecting(error, target.security))?;
    notes::detail(format_args!("logged in as {user}"));
    Ok(session)
}

fn tls(options: &Options) -> Result<Tls, Failure> {
    if let Some(pin) = options.pin {
        return Ok(Tls::new().pin(pin));
    }
    let Some(path) = &options.ca else { return Ok(Tls::new()) };
    let failed =
        |why: &dyn std::fmt::Display| Failure::usage(format!("the file {} cannot be used: {why}", path.display()));
    let pem = std::fs::read(path).map_err(|error| failed(&error))?;
    Tls::new().root_pem(&pem).map_err(|error| failed(&error))
}

/// Opens a log to append to. It contains private data about the user's mail, so only its owner can read it.
fn open_log(path: &std::path::Path) -> std::io::Result<File> {
    let mut how = OpenOptions::new();
    how.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut how, 0o600);
    how.open(path)
}
