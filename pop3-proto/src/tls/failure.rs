//! Errors that explain why TLS failed.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;
use std::io::{self, ErrorKind};

use crate::tls::pin::{Fingerprint, Unaccepted, is_authority, is_other};
use rustls::pki_types::ServerName;
use rustls::{AlertDescription, CertificateError, Error, InvalidMessage, PeerIncompatible};

/// A TLS error. `Display` explains it; match on [`error`](Self::error) to distinguish errors.
///
/// [`TlsFailure::of`] finds it in an [`Error`](crate::drive::error::Error).
#[derive(Clone, Debug, PartialEq)]
pub struct TlsFailure {
    host: String,
    error: Error,
    fingerprint: Option<Fingerprint>,
    is_unpinned: bool,
}

impl TlsFailure {
    /// Returns the TLS error that caused `error`, or `None` if `error` has another cause, such as a lost connection.
    pub fn of(error: &crate::drive::error::Error) -> Option<&TlsFailure> {
        error.io()?.get_ref()?.downcast_ref()
    }

    /// Returns the error of rustls.
    pub fn error(&self) -> &Error {
        &self.error
    }

    /// Returns true if the server's certificate was not accepted.
    pub fn is_certificate(&self) -> bool {
        matches!(self.error, Error::InvalidCertificate(_) | Error::NoCertificatesPresented)
    }

    /// Returns true if no trusted authority signed the server's certificate. Returns false if the server uses the
    /// certificate of an authority as its own, because trusting that authority would not help.
    pub fn is_unknown_authority(&self) -> bool {
        matches!(self.error, Error::InvalidCertificate(CertificateError::UnknownIssuer))
    }

    /// Returns the SHA-256 of the server's certificate if a [pin](crate::tls::Tls::pin) would help: no trusted
    /// authority signed it, it has expired, it is for another host, or it is not the pinned one. It may be an
    /// attacker's certificate: compare the fingerprint with that on the server.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.fingerprint
    }

    /// Returns true if the server did not answer with TLS: it uses plaintext or another protocol on this port.
    pub fn is_not_tls(&self) -> bool {
        matches!(self.error, Error::InvalidMessage(InvalidMessage::InvalidContentType))
    }
}

/// Converts an error of rustls on a connection to `host` to a [`TlsFailure`], which explains it. Returns other errors
/// unchanged.
pub fn explain(error: io::Error, host: &ServerName<'_>) -> io::Error {
    match error.downcast::<Error>() {
        Ok(error) => {
            let (host, mut failure) = (host.to_str().into_owned(), None);
            if let Error::InvalidCertificate(CertificateError::Other(other)) = &error {
                failure = other.0.downcast_ref::<Unaccepted>().cloned();
            }
            let fingerprint = failure.as_ref().map(|unaccepted| unaccepted.fingerprint);
            let is_unpinned = failure.as_ref().is_some_and(|unaccepted| unaccepted.error.is_none());
            let error = failure.and_then(|unaccepted| unaccepted.error).map_or(error, Error::InvalidCertificate);
            io::Error::new(ErrorKind::InvalidData, TlsFailure { host, error, fingerprint, is_unpinned })
        }
        Err(error) => error,
    }
}

impl fmt::Display for TlsFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.error {
            _ if self.is_not_tls() => {
                f.write_str("the server did not answer with TLS; it may speak plaintext on this port")
            }
            Error::InvalidCertificate(error) => {
                match error {
                    _ if self.is_unpinned => {
                        f.write_str("the server's certificate is not the pinned one, so this may be an attack")?;
                    }
                    // This error is about the handshake, unless your own configuration judged the certificate.
                    CertificateError::BadSignature if self.fingerprint.is_none() => f.write_str(
                        "the server did not prove that it has the key of its certificate, or the authority that the \
                         certificate names did not sign it",
                    )?,
                    error => certificate(error, &self.host, f)?,
                }
                let Some(fingerprint) = self.fingerprint else { return Ok(()) };
                write!(
                    f,
                    "; its SHA-256 fingerprint is {fingerprint} (before you pin it, compare it with the output of `openssl \
                     x509 -noout -fingerprint -sha256` for the certificate on the server)"
                )
            }
            Error::NoCertificatesPresented => f.write_str("the server presented no certificate"),
            Error::AlertReceived(alert) => alerted(*alert, f),
            Error::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13) => {
                f.write_str("the server supports neither TLS 1.2 nor 1.3")
            }
            Error::NoApplicationProtocol => f.write_str("the server does not speak POP3 inside TLS"),
            error => write!(f, "{error}"),
        }
    }
}

// There is no source: `Display` contains everything that the error of rustls would.
impl core::error::Error for TlsFailure {}

fn certificate(error: &CertificateError, host: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match error {
        CertificateError::NotValidForName => write!(f, "the server's certificate is not for {host}"),
        CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty() => {
            f.write_str("the server's certificate is not valid for any host: it has no subject alternative name")
        }
        CertificateError::NotValidForNameContext { presented, .. } => {
            write!(f, "the server's certificate is not for {host}, but for {}", Names(presented))
        }
        CertificateError::Expired => f.write_str("the server's certificate has expired"),
        CertificateError::ExpiredContext { time, not_after } => {
            let since = time.as_secs().saturating_sub(not_after.as_secs());
            write!(f, "the server's certificate expired {} ago", Span(since))
        }
        CertificateError::NotValidYet => f.write_str("the server's certificate is not valid yet; is the clock right?"),
        CertificateError::NotValidYetContext { time, not_before } => {
            let left = not_before.as_secs().saturating_sub(time.as_secs());
            write!(f, "the server's certificate will be valid in {}; is the clock right?", Span(left))
        }
        CertificateError::UnknownIssuer => {
            f.write_str("the server's certificate is not signed by a trusted authority")
        }
        CertificateError::BadSignature => f.write_str(
            "the server's certificate names a trusted authority, but is not signed by it",
        ),
        CertificateError::Revoked => f.write_str("the server's certificate was revoked"),
        error if is_other(error, "UnsupportedCertVersion") => {
            f.write_str("the server's certificate has X.509 version 1; only version 3 is accepted, even with a pin")
        }
        error if is_authority(error) => f.write_str(
            "the server presented an authority's certificate as its own, which is not accepted even if the authority is \
             trusted",
        ),
        error => write!(f, "the server's certificate was not accepted: {error}"),
    }
}

fn alerted(alert: AlertDescription, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str(match alert {
        AlertDescription::HandshakeFailure | AlertDescription::ProtocolVersion => {
            "the server refused TLS: it supports no version or cipher suite of this client"
        }
        AlertDescription::CertificateRequired => "the server requires a client certificate",
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnknownCA
        | AlertDescription::AccessDenied => "the server did not accept the client certificate, or requires one",
        AlertDescription::UnrecognisedName => "the server does not know this host name",
        AlertDescription::NoApplicationProtocol => "the server does not speak POP3 inside TLS",
        alert => return write!(f, "the server refused TLS with the alert {alert:?}"),
    })
}

/// The names in a certificate, as webpki formats them: `DnsName("localhost")`, `IpAddress(127.0.0.1)`.
struct Names<'a>(&'a [String]);

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 5;
        let bare = |name: &str| {
            let inside = name.split_once('(').map_or(name, |(_, name)| name.trim_end_matches(')'));
            inside.trim_matches('"').escape_debug().to_string()
        };
        let names: Vec<_> = self.0.iter().take(SHOWN).map(|name| bare(name)).collect();
        match self.0.len().saturating_sub(SHOWN) {
            0 => f.write_str(&names.join(", ")),
            more => write!(f, "{} and {more} more", names.join(", ")),
        }
    }
}

/// A duration in seconds, displayed in hours or days if it is long.
struct Span(u64);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const HOUR: u64 = 60 * 60;
        match self.0 {
            seconds if seconds < 2 * HOUR => write!(f, "{:?}", Duration::from_secs(seconds)),
            seconds if seconds < 48 * HOUR => write!(f, "{} hours", seconds / HOUR),
            seconds => write!(f, "{} days", seconds / (24 * HOUR)),
        }
    }
}
