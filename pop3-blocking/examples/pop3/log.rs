//! The log of the conversation: `--log FILE`, or `-` for the standard error.

use std::fmt::Display;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use jiff::Timestamp;

use crate::failure::{Failure, Status};

/// The destination of the log.
#[derive(Debug)]
pub(crate) enum Log {
    File(File),
    StandardError,
}

impl Log {
    /// Opens a log to append to.
    pub(crate) fn open(path: &Path) -> Result<Log, Failure> {
        if path == Path::new("-") {
            return Ok(Log::StandardError);
        }
        let file = private().open(path);
        file.map(Log::File).map_err(|error| {
            Failure::new(Status::Io, format!("the log {} could not be opened: {error}", path.display()))
        })
    }

    /// Appends a line with the current time. An error of the log does not stop the session.
    pub(crate) fn line(&self, text: impl Display) {
        let line = format!("{:.3} {text}\n", Timestamp::now());
        let _ = match self {
            // At once, so that lines of several runs are not mixed.
            Log::File(file) => (&*file).write_all(line.as_bytes()),
            Log::StandardError => io::stderr().write_all(line.as_bytes()),
        };
    }
}

/// The log contains private data about the user's mail, so only its owner can read it.
fn private() -> OpenOptions {
    let mut how = OpenOptions::new();
    how.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut how, 0o600);
    how
}
