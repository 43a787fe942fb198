//! Names and passwords out of `~/.netrc`, or the file that `$NETRC` names.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::PathBuf;

use pop3_proto::login::netrc;
use zeroize::Zeroizing;

use crate::ConnectError;

/// No netrc file is longer, in octets.
const LONGEST: u64 = 1 << 20;

/// The name and the password for a host in the [netrc file](file()), if the file exists and has an entry for it: with the
/// name of `user`, if that is given, or else any. Either may be empty. The format is described in
/// [`pop3_proto::login::netrc`].
///
/// [`connect`](crate::connect()) does this by itself; it is here for programs that must know whether to ask.
///
/// # Errors
///
/// [`ConnectError::Netrc`].
pub fn find(host: &str, user: Option<&str>) -> Result<Option<(String, Zeroizing<String>)>, ConnectError> {
    let Some(path) = file() else { return Ok(None) };
    let text = match File::open(&path).and_then(|file| read(&file)) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(ConnectError::Netrc(error.to_string())),
    };
    let text = std::str::from_utf8(&text).map_err(|_| ConnectError::Netrc("it is not UTF-8".to_owned()))?;
    match netrc::find(text, host, user) {
        Ok(entry) => Ok(entry.map(|entry| (entry.login, entry.password))),
        Err(error) => Err(ConnectError::Netrc(error.to_string())),
    }
}

/// The netrc file: the one that `$NETRC` names, or else `.netrc` in the home folder. It need not exist.
pub fn file() -> Option<PathBuf> {
    let named = std::env::var_os("NETRC").filter(|path| !path.is_empty()).map(PathBuf::from);
    named.or_else(|| Some(std::env::home_dir()?.join(".netrc")))
}

fn read(file: &File) -> io::Result<Zeroizing<Vec<u8>>> {
    let len = usize::try_from(file.metadata()?.len().min(LONGEST)).unwrap_or(0);
    // Of its full size from the start: growing would leave copies of the passwords behind.
    let mut text = Zeroizing::new(Vec::with_capacity(len + 1));
    file.take(LONGEST + 1).read_to_end(&mut text)?;
    if text.len() as u64 > LONGEST {
        return Err(io::Error::new(ErrorKind::InvalidData, "it is longer than 1 MiB"));
    }
    Ok(text)
}
