//! Names and passwords from `~/.netrc`, or the file named by `$NETRC`.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::PathBuf;

use pop3_proto::login::netrc;
use zeroize::Zeroizing;

use crate::{Error, SettingsError};

/// The maximum length of a netrc file in octets.
const LONGEST: u64 = 1 << 20;

/// Returns the name and the password for a host from the [netrc file](file()), if the file exists and has an entry for
/// the host. If `user` is given, the entry must have this name or none. Name and password may each be empty.
/// [`pop3_proto::login::netrc`] describes the format.
///
/// [`connect`](crate::connect()) calls this itself; use it if your program must know whether to prompt for a password.
///
/// # Errors
///
/// [`SettingsError::Netrc`].
pub fn find(host: &str, user: Option<&str>) -> Result<Option<(String, Zeroizing<String>)>, Error> {
    let Some(path) = file() else { return Ok(None) };
    let text = match File::open(&path).and_then(|file| read(&file)) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(SettingsError::Netrc(error.into()).into()),
    };
    match netrc::find(&text, host, user) {
        Ok(entry) => Ok(entry.map(|entry| (entry.login, entry.password))),
        Err(error) => Err(SettingsError::Netrc(error.into()).into()),
    }
}

/// Returns the path of the netrc file: the value of `$NETRC`, or else `.netrc` in the home directory. It need not
/// exist.
pub fn file() -> Option<PathBuf> {
    let named = std::env::var_os("NETRC").filter(|path| !path.is_empty()).map(PathBuf::from);
    named.or_else(|| Some(std::env::home_dir()?.join(".netrc")))
}

fn read(file: &File) -> io::Result<Zeroizing<Vec<u8>>> {
    let len = usize::try_from(file.metadata()?.len().min(LONGEST)).unwrap_or(0);
    // Allocated in full size: growing would leave copies of the passwords behind.
    let mut text = Zeroizing::new(Vec::with_capacity(len + 1));
    file.take(LONGEST + 1).read_to_end(&mut text)?;
    if text.len() as u64 > LONGEST {
        return Err(io::Error::new(ErrorKind::InvalidData, "it is longer than 1 MiB"));
    }
    Ok(text)
}
