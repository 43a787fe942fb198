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
mod index;
#[cfg(unix)]
mod interrupt;
mod log;
mod maildir;
mod mark;
mod mbox;
mod messages;
mod notes;
mod options;
mod output;
mod pages;
mod password;
mod rows;
mod safe;
mod secret;
mod seen;
mod selection;
mod serve;
mod survey;
mod table;
mod terminal;
mod url;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use pop3_blocking::{Connect, LogEntry, Method, Security, Session, Tcp, Timeouts, Tls};
use zeroize::Zeroizing;

use delivery::Delivery;
use failure::{Failure, Status};
use log::Log;
use mark::Account;
use options::{Command, Options};
use output::Output;
use password::Login;
use url::Target;

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
    match &options.command {
        Some(Command::Serve(serving)) => return serve::run(serving, options.starttls),
        Some(Command::Completions { shell }) => return pages::completions(*shell),
        Some(Command::Man) => return pages::man(),
        _ => {}
    }
    let target = target(&options)?;
    let Some(command) = &options.command else {
        return Err(Failure::usage(format!("no command was given; use one of: {}", Command::NAMES)));
    };
    if options.json && matches!(command, Command::Retr { .. } | Command::Top { .. }) {
        return Err(Failure::usage("--json is for commands that list: `retr` and `top` write messages"));
    }
    let login = login(&target, &options)?;
    if let Command::Fetch(plan) = command {
        // Opened before connecting, so that an error here costs no login.
        let opened = if plan.dry_run { Delivery::look } else { Delivery::open };
        let delivery = opened(&plan.dir, account(&target, &options, login.account()))?;
        #[cfg(unix)]
        interrupt::tell_of_fetch();
        let out = Output::new(options.json);
        return fetch::run(|| open(&target, &options, &login), delivery, plan, !options.no_pipelining, out);
    }
    commands::run(open(&target, &options, &login)?, command, &mut Output::new(options.json))
}

/// Returns the server, and the known parts of the login.
fn target(options: &Options) -> Result<Target, Failure> {
    if options.demo {
        if options.url.is_some() {
            let commands = Command::NAMES;
            return Err(Failure::usage(format!(
                "--demo starts its own server: omit the URL, and use one of: {commands}"
            )));
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
        return target.map_err(|why| Failure::usage(format!("MAILHOST cannot be used: {why}")));
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

/// Returns the user name and the secret, unless it is already known that they cannot be used.
fn login(target: &Target, options: &Options) -> Result<Login, Failure> {
    // The login would return the same error, but only after asking for the password.
    let shows_secret = target.method.is_none_or(Method::shows_secret);
    if target.security == Security::Plaintext && shows_secret && !options.permits_plaintext() {
        return Err(Failure::unprotected());
    }
    if options.demo {
        return Ok(Login::password(demo::USER, demo::PASSWORD));
    }
    password::find(target, options)
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

fn open(target: &Target, options: &Options, login: &Login) -> Result<Session<Tcp>, Failure> {
    let mut connect = login
        .add_to(Connect::new())
        .host(&target.host)
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
        connect = connect.methods([method]);
    }
    if let Some(seconds) = options.timeout {
        let timeout = Duration::from_secs(seconds);
        connect = connect.timeouts(Timeouts::new().connect(timeout).each(timeout).login(2 * timeout));
    }
    let place = format!("{}, port {}, {}", target.host, target.port(), protection(target.security));
    if let Some(path) = &options.log {
        let log = Log::open(path)?;
        log.line(format_args!("-- session with {place}"));
        connect = connect.log(move |entry: LogEntry<'_>| log.line(entry));
    }
    notes::detail(format_args!("connecting to {place}"));
    let session = pop3_blocking::connect(connect)
        .map_err(|error| Failure::connecting(error, target.security, options.pin.is_some()))?;
    notes::detail(format_args!("logged in {}", login.describe()));
    Ok(session)
}

const fn protection(security: Security) -> &'static str {
    match security {
        Security::Tls => "TLS",
        Security::StartTls => "STLS",
        Security::Plaintext => "without TLS",
    }
}

fn tls(options: &Options) -> Result<Tls, Failure> {
    let failed = |what: &str, path: &Path, why: &dyn std::fmt::Display| {
        Failure::usage(format!("the {what} file {} cannot be used: {why}", path.display()))
    };
    let mut tls = Tls::new();
    if let Some(pin) = options.pin {
        tls = tls.pin(pin);
    }
    if let Some(path) = &options.ca {
        let pem = std::fs::read(path).map_err(|error| failed("authority", path, &error))?;
        tls = tls.root_pem(&pem).map_err(|error| failed("authority", path, &error))?;
    }
    if let Some(path) = &options.client_cert {
        let chain = std::fs::read(path).map_err(|error| failed("client certificate", path, &error))?;
        let of_key = options.client_key.as_ref().unwrap_or(path);
        let key = std::fs::read(of_key).map(Zeroizing::new).map_err(|error| failed("client key", of_key, &error))?;
        tls = tls.identity_pem(&chain, &key).map_err(|error| failed("client certificate", path, &error))?;
    }
    Ok(tls)
}
