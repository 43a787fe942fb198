//! The user name and what proves it, from the URL, options, the environment, netrc, or a prompt.

use std::env::VarError;
use std::io::{self, IsTerminal};
use std::net::ToSocketAddrs;

use pop3_blocking::pop3_proto::login::netrc;
use pop3_blocking::{Cause, Connect, Credentials, Error, Method, NetrcEntry};

use crate::failure::{Failure, Status};
use crate::notes;
use crate::options::Options;
use crate::secret::{self, Secret};
use crate::url::Target;

/// A user, and the proof of identity.
#[derive(Debug)]
pub(crate) struct Login {
    /// May be empty if the certificate names the user.
    user: String,
    proof: Proof,
}

enum Proof {
    Password(Secret),
    Token(Secret),
    /// The client certificate, which TLS has shown.
    Certificate,
}

impl std::fmt::Debug for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Proof::Password(_) => "Password",
            Proof::Token(_) => "Token",
            Proof::Certificate => "Certificate",
        })
    }
}

impl Login {
    pub(crate) fn password(user: &str, password: &str) -> Login {
        Login { user: user.to_owned(), proof: Proof::Password(Secret::new(password.to_owned())) }
    }

    /// Describes the proof for the user.
    pub(crate) fn describe(&self) -> String {
        match &self.proof {
            Proof::Certificate => "with the client certificate".to_owned(),
            Proof::Password(_) | Proof::Token(_) => format!("as {}", self.user),
        }
    }

    /// Returns the name that belongs to the account. A certificate may name another user, but only one for each server.
    pub(crate) fn account(&self) -> &str {
        if self.user.is_empty() { "EXTERNAL" } else { &self.user }
    }

    /// Adds the login to the settings of a connection.
    pub(crate) fn add_to(&self, connect: Connect) -> Connect {
        match &self.proof {
            Proof::Password(password) => connect.user(&self.user).password(password.as_str()),
            Proof::Token(token) => connect.credentials(Credentials::token(&self.user, token.as_str())),
            Proof::Certificate if self.user.is_empty() => connect.credentials(Credentials::external()),
            Proof::Certificate => connect.credentials(Credentials::external().acting_for(&self.user)),
        }
    }
}

/// Returns the login. The order of precedence is that of the help text.
pub(crate) fn find(target: &Target, options: &Options) -> Result<Login, Failure> {
    check_mechanism(target, options)?;
    if target.method == Some(Method::External) {
        return Ok(Login { user: target.user.clone().unwrap_or_default(), proof: Proof::Certificate });
    }
    let given = given(options)?;
    let given = match (&target.user, given) {
        (Some(user), Some(proof)) => return Ok(Login { user: user.clone(), proof }),
        (_, given) => given,
    };
    let found = pop3_blocking::find_in_netrc(&target.host, target.user.as_deref())?;
    let NetrcEntry { login, password } = found.unwrap_or_default();
    let user = match &target.user {
        Some(user) => user.clone(),
        None if !login.is_empty() => login,
        None => ask_for_name(target)?,
    };
    let proof = match given {
        Some(proof) => proof,
        None if !password.is_empty() => {
            warn_of_readers();
            Proof::Password(password)
        }
        None => Proof::Password(prompt(&user, target)?),
    };
    Ok(Login { user, proof })
}

/// Returns an error if the mechanism in the URL needs another secret than the options give.
fn check_mechanism(target: &Target, options: &Options) -> Result<(), Failure> {
    let Some(method) = target.method else { return Ok(()) };
    let is_token = options.token_command.is_some() || options.token_file.is_some();
    let wants_token = matches!(method, Method::OauthBearer | Method::Xoauth2);
    let why = match method {
        Method::External if options.client_cert.is_none() => "needs --client-cert",
        _ if wants_token && !is_token => "needs --token-command or --token-file",
        _ if is_token && !wants_token => "does not use a token: omit it, or use OAUTHBEARER or XOAUTH2",
        _ => return Ok(()),
    };
    Err(Failure::usage(format!("the mechanism {} in the URL {why}", method.name())))
}

/// Returns the secret from an option or the environment.
fn given(options: &Options) -> Result<Option<Proof>, Failure> {
    if let Some(path) = &options.password_file {
        return secret::from_file(path, "password").map(Proof::Password).map(Some);
    }
    if let Some(command) = &options.password_command {
        return secret::from_command(command, "password").map(Proof::Password).map(Some);
    }
    if let Some(path) = &options.token_file {
        return secret::from_file(path, "token").map(|line| token(&line)).map(Some);
    }
    if let Some(command) = &options.token_command {
        return secret::from_command(command, "token").map(|line| token(&line)).map(Some);
    }
    Ok(from_environment()?.map(Proof::Password))
}

/// Returns a token without the spaces around it, which scripts may write and no token contains.
fn token(line: &Secret) -> Proof {
    Proof::Token(Secret::new(line.trim().to_owned()))
}

/// Warns if other users can read the passwords in the netrc file.
fn warn_of_readers() {
    #[cfg(unix)]
    if let Some(path) = netrc::path(std::env::var_os("NETRC"), std::env::home_dir()) {
        let mode = path.metadata().map_or(0, |metadata| std::os::unix::fs::MetadataExt::mode(&metadata));
        if mode & 0o077 != 0 {
            let path = path.display();
            notes::warning(format_args!(
                "other users can read the passwords in {path}; run `chmod 600 {path}` to prevent this"
            ));
        }
    }
}

fn from_environment() -> Result<Option<Secret>, Failure> {
    match std::env::var("POP3_PASSWORD") {
        Ok(password) => Ok(Some(Secret::new(password)).filter(|password| !password.is_empty())),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(Failure::usage("POP3_PASSWORD is not UTF-8")),
    }
}

/// Returns an error if the host has no address, so that a mistake in its name is found before the user types a
/// password.
fn check_host(target: &Target) -> Result<(), Failure> {
    let (host, port) = (target.host.as_str(), target.port());
    (host, port).to_socket_addrs().map(drop).map_err(|error| {
        let cause = Cause::Unreachable { host: host.into(), port, error: error.into() };
        Failure::from(Error::new("connecting", cause))
    })
}

fn ask_for_name(target: &Target) -> Result<String, Failure> {
    let host = &target.host;
    if !io::stdin().is_terminal() {
        let why = format!("no user name was given: put it in the URL, as in pop3s://user@{host}, or in ~/.netrc");
        return Err(Failure::usage(why));
    }
    check_host(target)?;
    eprint!("User name at {host}: ");
    let mut name = String::new();
    io::stdin().read_line(&mut name).map_err(|error| Failure::new(Status::Io, error))?;
    match name.trim() {
        "" => Err(Failure::usage("no user name was given")),
        name => Ok(name.to_owned()),
    }
}

/// Prompts at the terminal, even if the standard input is redirected. If a signal ends the program here, the terminal
/// is restored.
fn prompt(user: &str, target: &Target) -> Result<Secret, Failure> {
    check_host(target)?;
    let host = &target.host;
    #[cfg(unix)]
    crate::interrupt::restore_terminal();
    match rpassword::prompt_password(format!("Password for {user} at {host}: ")) {
        Ok(password) if password.is_empty() => Err(Failure::usage("no password was given")),
        Ok(password) => Ok(Secret::new(password)),
        // The signal was raised, and will end the program.
        Err(error) if error.kind() == io::ErrorKind::Interrupted => loop {
            std::thread::park();
        },
        Err(_) => Err(Failure::usage(
            "no password was given, and there is no terminal for a prompt: use ~/.netrc, --password-command, --password-file or POP3_PASSWORD",
        )),
    }
}
