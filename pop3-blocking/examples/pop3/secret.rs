//! Secrets from files and commands: the first line of each, in memory that is wiped.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use zeroize::Zeroizing;

use crate::failure::{Failure, Status};

pub(crate) type Secret = Zeroizing<String>;

/// The maximum length of a secret. No server accepts a longer one.
const LONGEST: usize = 64 * 1024;

/// Returns the first line of a file. `what` names the secret in errors.
pub(crate) fn from_file(path: &Path, what: &str) -> Result<Secret, Failure> {
    let failed =
        |why: &dyn Display| Failure::usage(format!("the {what} file {} cannot be used: {why}", path.display()));
    let octets = File::open(path).and_then(read).map_err(|error| failed(&error))?;
    first_line(&octets).map_err(|why| failed(&format_args!("its first line {why}")))
}

/// Returns the first line that a command writes to its standard output. The shell runs it, and it may use the terminal.
/// Errors show neither its output nor the command, which may contain a secret.
pub(crate) fn from_command(command: &str, what: &str) -> Result<Secret, Failure> {
    let failed = |why: &dyn Display| Failure::new(Status::Login, format!("the {what} command {why}"));
    let mut child = Command::new("sh")
        .args(["-c", command])
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| failed(&format_args!("could not be run by `sh`: {error}")))?;
    let octets = child.stdout.take().map_or_else(|| Ok(Zeroizing::default()), read);
    let status = child.wait().map_err(|error| failed(&format_args!("cannot be waited for: {error}")))?;
    if !status.success() {
        return Err(failed(&format_args!("failed: {}", ending(status))));
    }
    let octets = octets.map_err(|error| failed(&format_args!("cannot be read from: {error}")))?;
    first_line(&octets).map_err(|why| failed(&format_args!("succeeded, but the first line of its output {why}")))
}

fn ending(status: ExitStatus) -> String {
    // The text of other systems and of signals says it all.
    status.code().map_or_else(|| status.to_string(), |code| format!("its exit status was {code}"))
}

/// Reads as much as a secret may have.
fn read(source: impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    // Allocated in full size: growing would leave copies behind, as a buffered reader would.
    let mut octets = Zeroizing::new(Vec::with_capacity(LONGEST + 1));
    source.take(LONGEST as u64).read_to_end(&mut octets)?;
    Ok(octets)
}

/// Returns the first line, or the reason why it is not a secret.
fn first_line(octets: &[u8]) -> Result<Secret, &'static str> {
    let line = octets.split(|octet| *octet == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.is_empty() {
        return Err("is empty");
    }
    if line.len() == LONGEST {
        return Err("is too long");
    }
    std::str::from_utf8(line).map(|line| Secret::new(line.to_owned())).map_err(|_| "is not UTF-8")
}
