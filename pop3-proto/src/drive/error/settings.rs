//! Errors of the settings for a connection.

use alloc::string::String;
use core::fmt;

use crate::drive::error::Foreign;

/// An error in the settings for a connection or its login. No part of the credentials was sent.
#[derive(Debug)]
#[non_exhaustive]
pub enum SettingsError {
    /// No host was given. To connect by name, `$MAILHOST` was not set either.
    NoHost,
    /// The name or the password is missing, and the netrc file has none for this host.
    NoCredentials {
        /// The host.
        host: String,
    },
    /// The URL is not a POP URL (RFC 2384).
    Url(Foreign),
    /// The netrc file exists but cannot be read.
    Netrc(Foreign),
    /// TLS cannot be configured.
    Tls(Foreign),
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SettingsError::NoHost => {
                f.write_str("no host was given, neither in the settings nor, to connect by name, in MAILHOST")
            }
            SettingsError::NoCredentials { host } => {
                write!(f, "no user name and password were given for {host}, and the netrc file has none")
            }
            SettingsError::Netrc(_) => f.write_str("the netrc file cannot be read"),
            SettingsError::Url(_) => f.write_str("the URL cannot be used"),
            SettingsError::Tls(_) => f.write_str("TLS could not be configured"),
        }
    }
}

impl core::error::Error for SettingsError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            SettingsError::Url(error) | SettingsError::Netrc(error) | SettingsError::Tls(error) => Some(&**error),
            SettingsError::NoHost | SettingsError::NoCredentials { .. } => None,
        }
    }
}
