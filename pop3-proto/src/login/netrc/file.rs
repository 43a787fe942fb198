//! The netrc file: its path, its maximum length, and an entry of its text. Adapters read the file.

use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::path::PathBuf;

use super::{NetrcEntry, find};
use crate::drive::error::Error;
use crate::drive::error::settings::SettingsError;

/// The maximum length of a netrc file in octets. Read one more, for [`find_in`] to notice a longer file.
pub const MAX_LEN: usize = 1 << 20;

/// Returns the path of the netrc file: `named`, the value of `$NETRC`, or else `.netrc` in the home directory. It need
/// not exist.
///
/// ```
/// use pop3_proto::login::netrc;
///
/// let path = netrc::path(std::env::var_os("NETRC"), std::env::home_dir());
/// ```
pub fn path(named: Option<OsString>, home: Option<PathBuf>) -> Option<PathBuf> {
    let named = named.filter(|path| !path.is_empty()).map(PathBuf::from);
    named.or_else(|| Some(home?.join(".netrc")))
}

/// Finds the entry for a host like [`find`] in the result of reading a netrc file. A file that does not exist has no
/// entries.
///
/// # Errors
///
/// [`SettingsError::Netrc`]: the file could not be read, is longer than [`MAX_LEN`], or is not in the format.
pub fn find_in(
    read: io::Result<impl AsRef<[u8]>>,
    host: &str,
    user: Option<&str>,
) -> Result<Option<NetrcEntry>, Error> {
    let failed = |error| Error::from(SettingsError::Netrc(error));
    match read {
        Ok(text) if text.as_ref().len() > MAX_LEN => Err(failed("it is longer than 1 MiB".into())),
        Ok(text) => find(text, host, user).map_err(|error| failed(error.into())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(error.into())),
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;
    use std::string::ToString;
    use std::vec::Vec;

    use super::*;

    #[test]
    fn the_variable_comes_before_the_home_directory() {
        let home = || Some(PathBuf::from("/home/mrose"));
        assert_eq!(path(Some("/etc/netrc".into()), home()), Some("/etc/netrc".into()));
        assert_eq!(path(Some("".into()), home()), Some("/home/mrose/.netrc".into()), "as if it were not set");
        assert_eq!(path(None, home()), Some("/home/mrose/.netrc".into()));
        assert_eq!(path(None, None), None);
    }

    #[test]
    fn a_missing_file_has_no_entries_and_other_errors_are_reported() {
        let read = |kind: ErrorKind| io::Result::<Vec<u8>>::Err(kind.into());
        assert_eq!(find_in(read(ErrorKind::NotFound), "h", None).unwrap(), None);
        let error = find_in(read(ErrorKind::PermissionDenied), "h", None).unwrap_err();
        assert_eq!(error.source().unwrap().to_string(), "permission denied");
        let error = find_in(Ok("secret"), "h", None).unwrap_err();
        assert_eq!(error.source().unwrap().to_string(), "line 1 is not in the netrc format");
    }

    #[test]
    fn a_file_may_have_one_mebioctet() {
        let mut text = b"machine h login a password p\n".to_vec();
        text.resize(MAX_LEN, b'\n');
        assert_eq!(find_in(Ok(&text), "h", None).unwrap().unwrap().login, "a");
        text.push(b'\n');
        let error = find_in(Ok(&text), "h", None).unwrap_err();
        assert_eq!(error.source().unwrap().to_string(), "it is longer than 1 MiB");
    }
}
