//! The netrc file: its path, its maximum length, and an entry of its text. Adapters read the file.

use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::vec::Vec;

use zeroize::Zeroizing;

use super::{NetrcEntry, find};
use crate::drive::error::Error;
use crate::drive::error::settings::SettingsError;

/// The maximum length of a netrc file in octets.
const MAX_LEN: usize = 1 << 20;

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

/// Finds the entry for a host like [`find`] in a netrc file, for an adapter. A file that does not exist has no
/// entries.
///
/// `read` appends the octets of the file to a vector, and stops after a number of octets. The vector has room for all of
/// them, so that no copy of a password is left behind, and it is wiped.
///
/// ```
/// use std::fs::File;
/// use std::io::Read;
/// use pop3_proto::login::netrc;
///
/// let path = netrc::path(Some("no-such-file".into()), None).expect("it is named");
/// let read = |limit, text: &mut Vec<u8>| File::open(&path)?.take(limit).read_to_end(text);
/// assert_eq!(netrc::find_in(read, "pop.example.org", None)?, None);
/// # Ok::<(), pop3_proto::Error>(())
/// ```
///
/// # Errors
///
/// [`SettingsError::Netrc`]: the file could not be read, is longer than 1 MiB, or is not in the format.
pub fn find_in(
    read: impl FnOnce(u64, &mut Vec<u8>) -> io::Result<usize>,
    host: &str,
    user: Option<&str>,
) -> Result<Option<NetrcEntry>, Error> {
    let failed = |error| Error::from(SettingsError::Netrc(error));
    let mut text = Zeroizing::new(Vec::with_capacity(MAX_LEN + 1));
    match read(MAX_LEN as u64 + 1, &mut text) {
        Ok(_) if text.len() > MAX_LEN => Err(failed("it is longer than 1 MiB".into())),
        Ok(_) => find(&*text, host, user).map_err(|error| failed(error.into())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(error.into())),
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;
    use std::io::Read as _;
    use std::string::ToString;

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
        let failing = |kind: ErrorKind| find_in(|_, _| Err(kind.into()), "h", None);
        assert_eq!(failing(ErrorKind::NotFound).unwrap(), None);
        let error = failing(ErrorKind::PermissionDenied).unwrap_err();
        assert_eq!(error.source().unwrap().to_string(), "permission denied");
        let error = find_in(|limit, text| b"secret".take(limit).read_to_end(text), "h", None).unwrap_err();
        assert_eq!(error.source().unwrap().to_string(), "line 1 is not in the netrc format");
    }

    #[test]
    fn a_file_may_have_one_mebioctet_and_is_read_without_copies() {
        let mut file = b"machine h login a password p\n".to_vec();
        file.resize(MAX_LEN, b'\n');
        let find = |file: &[u8]| {
            let read = |limit, text: &mut Vec<u8>| {
                let (place, read) = (text.as_ptr(), file.take(limit).read_to_end(text));
                assert_eq!(text.as_ptr(), place, "it did not grow");
                read
            };
            find_in(read, "h", None)
        };
        assert_eq!(find(&file).unwrap().unwrap().login, "a");
        for more in [1, MAX_LEN] {
            file.resize(MAX_LEN + more, b'\n');
            let error = find(&file).unwrap_err();
            assert_eq!(error.source().unwrap().to_string(), "it is longer than 1 MiB");
        }
    }
}
