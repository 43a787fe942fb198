//! Names and passwords out of `~/.netrc`, or the file that `$NETRC` names.

use zeroize::Zeroizing;

use crate::ConnectError;

/// The name and the password for a host in `~/.netrc`, or the file that `$NETRC` names, if the file exists and has an entry
/// for it: with the name of `user`, if that is given, or else any. Either may be empty.
///
/// [`connect`](crate::connect()) does this by itself; it is here for programs that must know whether to ask. It
/// blocks while it reads the file, which is a small one.
///
/// # Errors
///
/// [`ConnectError::Netrc`].
pub fn find(host: &str, user: Option<&str>) -> Result<Option<(String, Zeroizing<String>)>, ConnectError> {
    // The crate would turn to `~/.netrc` if the file that was named is not there.
    let named = std::env::var_os("NETRC").filter(|path| !path.is_empty());
    let file = named.map_or_else(netrc::Netrc::new, |path| netrc::Netrc::from_file(path.as_ref()));
    let file = match file {
        Ok(file) => file,
        Err(netrc::Error::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(netrc::Error::Io(error)) => return Err(ConnectError::Netrc(error.to_string())),
        // What the parser would quote may be a password.
        Err(_) => return Err(ConnectError::Netrc("it is not in the netrc format".to_owned())),
    };
    let entry = file.hosts.get(host).or_else(|| file.hosts.get("default"));
    let entry = entry.filter(|entry| user.is_none_or(|user| entry.login.is_empty() || entry.login == user));
    Ok(entry.map(|entry| (entry.login.clone(), Zeroizing::new(entry.password.clone()))))
}
