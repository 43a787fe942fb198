//! The user name and the password, from the URL, a file, the environment, netrc, or a prompt.

use std::env::VarError;
use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read};
use std::path::Path;

use zeroize::Zeroizing;

use crate::failure::{Failure, Status};
use crate::url::Target;

type Secret = Zeroizing<String>;

/// The maximum length of a password. No server accepts a longer one.
const LONGEST: u64 = 64 * 1024;

/// Returns the user name and the password. The order of precedence is that of the help text.
pub(crate) fn find(target: &Target, file: Option<&Path>) -> Result<(String, Secret), Failure> {
    let given = match file {
        Some(path) => Some(from_file(path)?),
        None => from_environment()?,
    };
    if let (Some(user), Some(password)) = (&target.user, &given) {
        return Ok((user.clone(), password.clone()));
    }
    let found = pop3_blocking::find_in_netrc(&target.host, target.user.as_deref())?;
    let (name, secret) = found.unwrap_or_default();
    let user = match &target.user {
        Some(user) => user.clone(),
        None if !name.is_empty() => name,
        None => ask_for_name(&target.host)?,
    };
    let password = match given {
        Some(password) => password,
        None if !secret.is_empty() => {
            warn_of_readers();
            secret
        }
        None => prompt(&user, &target.host)?,
    };
    Ok((user, password))
}

/// Warns if other users can read the passwords in the netrc file.
fn warn_of_readers() {
    #[cfg(unix)]
    if let Some(path) = pop3_blocking::netrc_file() {
        let mode = path.metadata().map_or(0, |metadata| std::os::unix::fs::MetadataExt::mode(&metadata));
        if mode & 0o077 != 0 {
            let path = path.display();
            eprintln!("pop3: other users can read the passwords in {path}; run `chmod 600 {path}` to prevent this");
        }
    }
}

fn from_file(path: &Path) -> Result<Secret, Failure> {
    let failed = |why: &dyn std::fmt::Display| {
        Failure::usage(format!("the password file {} cannot be used: {why}", path.display()))
    };
    let file = File::open(path).map_err(|error| failed(&error))?;
    let mut line = Secret::default();
    BufReader::new(file.take(LONGEST)).read_line(&mut line).map_err(|error| failed(&error))?;
    let password = line.strip_suffix('\n').unwrap_or(&line);
    let password = password.strip_suffix('\r').unwrap_or(password);
    if password.is_empty() { Err(failed(&"its first line is empty")) } else { Ok(Secret::new(password.to_owned())) }
}

fn from_environment() -> Result<Option<Secret>, Failure> {
    match std::env::var("POP3_PASSWORD") {
        Ok(password) => Ok(Some(Secret::new(password)).filter(|password| !password.is_empty())),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(Failure::usage("POP3_PASSWORD is not UTF-8")),
    }
}

fn ask_for_name(host: &str) -> Result<String, Failure> {
    if !io::stdin().is_terminal() {
        let why = format!("no user name was given: put it in the URL, as in pop3s://user@{host}, or in ~/.netrc");
        return Err(Failure::usage(why));
    }
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
fn prompt(user: &str, host: &str) -> Result<Secret, Failure> {
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
            "no password was given, and there is no terminal for a prompt: use ~/.netrc, --password-file or POP3_PASSWORD",
        )),
    }
}
