//! Pins: servers identified by the fingerprint of their certificate or key.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme};
use sha2::{Digest, Sha256};

/// The SHA-256 of a certificate in DER, or of a public key as it is encoded in one (`SubjectPublicKeyInfo`, as in RFC
/// 7469).
///
/// As text it is 32 octets in hexadecimal, with or without colons, as `openssl x509 -noout -fingerprint -sha256`
/// prints it.
///
/// ```
/// use pop3_proto::tls::Fingerprint;
///
/// let fingerprint: Fingerprint = "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:\
///     00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff".parse()?;
/// assert_eq!(fingerprint.as_bytes()[1], 0x11);
/// # Ok::<(), pop3_proto::tls::NoFingerprint>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Computes the fingerprint of a certificate in DER, or of a public key.
    pub fn of(der: &[u8]) -> Fingerprint {
        Fingerprint(Sha256::digest(der).into())
    }

    /// Returns the octets of the SHA-256.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for Fingerprint {
    fn from(octets: [u8; 32]) -> Fingerprint {
        Fingerprint(octets)
    }
}

/// An error for a text that is not a fingerprint, which has 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint is a SHA-256: 64 hexadecimal digits, with or without colons")]
pub struct NoFingerprint;

impl FromStr for Fingerprint {
    type Err = NoFingerprint;

    fn from_str(text: &str) -> Result<Fingerprint, NoFingerprint> {
        let digits: String = text.chars().filter(|c| *c != ':').collect();
        let is_hex = digits.len() == 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        if !is_hex {
            return Err(NoFingerprint);
        }
        let mut octets = [0; 32];
        for (at, octet) in octets.iter_mut().enumerate() {
            *octet = u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).map_err(|_| NoFingerprint)?;
        }
        Ok(Fingerprint(octets))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, octet) in self.0.iter().enumerate() {
            write!(f, "{}{octet:02X}", if at == 0 { "" } else { ":" })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// The reason why a certificate was not accepted, with its fingerprint.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Unaccepted {
    pub(super) fingerprint: Fingerprint,
    /// The verifier's error; `None` if the certificate is not the pinned one.
    pub(super) error: Option<CertificateError>,
}

impl Unaccepted {
    fn of(certificate: &CertificateDer<'_>, error: Option<CertificateError>) -> Error {
        let unaccepted = Unaccepted { fingerprint: Fingerprint::of(certificate), error };
        Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(unaccepted))))
    }
}

impl fmt::Display for Unaccepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.error {
            Some(error) => write!(f, "{error} (fingerprint {})", self.fingerprint),
            None => write!(f, "not the pinned certificate, but {}", self.fingerprint),
        }
    }
}

impl core::error::Error for Unaccepted {}

/// The part of a [`Verifier`] that decides about certificates.
#[derive(Debug)]
pub(super) enum Judge {
    /// Fingerprints of certificates and keys. Name, authority and dates of the certificate are not checked.
    Pins(Vec<Fingerprint>),
    /// The platform's verifier. Its errors get the fingerprint if a pin would help.
    Platform(Arc<dyn ServerCertVerifier>),
}

/// Verifies certificates as its judge decides. It always verifies the signature of the handshake, which proves that the
/// server has the certificate's key.
#[derive(Debug)]
pub(super) struct Verifier {
    pub(super) judge: Judge,
    pub(super) provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match &self.judge {
            Judge::Pins(pins) => {
                let key = ParsedCertificate::try_from(certificate).map(|parsed| parsed.subject_public_key_info());
                let shown = [Some(Fingerprint::of(certificate)), key.ok().map(|key| Fingerprint::of(&key))];
                if shown.iter().flatten().any(|fingerprint| pins.contains(fingerprint)) {
                    Ok(ServerCertVerified::assertion())
                } else {
                    Err(Unaccepted::of(certificate, None))
                }
            }
            Judge::Platform(platform) => {
                let verified = platform.verify_server_cert(certificate, intermediates, name, ocsp, now);
                verified.map_err(|error| match error {
                    Error::InvalidCertificate(error) if could_be_pinned(&error) => {
                        Unaccepted::of(certificate, Some(error))
                    }
                    error => error,
                })
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Returns true if a pin would accept the certificate in spite of `error`. Returns false for a revoked certificate,
/// because others may have its key, and for one that is not valid yet or cannot be parsed.
fn could_be_pinned(error: &CertificateError) -> bool {
    match error {
        CertificateError::UnknownIssuer
        | CertificateError::BadSignature
        | CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidForName
        | CertificateError::NotValidForNameContext { .. } => true,
        error => is_authority(error),
    }
}

/// Returns true if the server presents an authority's certificate as its own, as self-signed certificates often are.
pub(super) fn is_authority(error: &CertificateError) -> bool {
    is_other(error, "CaUsedAsEndEntity")
}

/// Returns true if `error` wraps webpki's error of this name. Its type is not public.
pub(super) fn is_other(error: &CertificateError, name: &str) -> bool {
    matches!(error, CertificateError::Other(other) if other.0.to_string() == name)
}
