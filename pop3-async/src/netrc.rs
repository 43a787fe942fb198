//! Reading `~/.netrc`, or the file named by `$NETRC`.

use std::env;
use std::fs::File;
use std::io::Read;

use pop3_proto::login::netrc;

use crate::{Error, NetrcEntry};

/// Returns the name and the password for a host from the [netrc file](netrc::path), if the file exists and has an entry
/// for the host. If `user` is given, the entry must have this name or none. Name and password may each be empty.
/// [`pop3_proto::login::netrc`] describes the format.
///
/// [`connect`](crate::connect()) calls this itself; use it if your program must know whether to prompt for a password.
///
/// # Errors
///
/// [`SettingsError::Netrc`](crate::SettingsError::Netrc).
///
/// ```no_run
/// use pop3_async::find_in_netrc;
///
/// match find_in_netrc("pop.example.org", Some("mrose"))? {
///     Some(entry) => println!("log in as {:?}", entry.login),
///     None => println!("ask for the password"),
/// }
/// # Ok::<(), pop3_async::Error>(())
/// ```
pub fn find_in_netrc(host: &str, user: Option<&str>) -> Result<Option<NetrcEntry>, Error> {
    let Some(path) = netrc::path(env::var_os("NETRC"), env::home_dir()) else { return Ok(None) };
    netrc::find_in(|limit, text| File::open(path)?.take(limit).read_to_end(text), host, user)
}
