//! Certificates, and the settings of servers that show them.
//!
//! ```
//! use pop3_blocking::testing::authority::{Authority, valid_for};
//!
//! let authority = Authority::new();
//! let server = authority.issue(valid_for(&["localhost"])).server(); // a `rustls::ServerConfig`
//! let client = authority.trusted(); // for `Connect::tls`
//! # drop((server, client));
//! ```

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use pop3_proto::tls::rustls::crypto::ring;
use pop3_proto::tls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use pop3_proto::tls::rustls::server::WebPkiClientVerifier;
use pop3_proto::tls::rustls::{ALL_VERSIONS, RootCertStore, ServerConfig, SupportedProtocolVersion};
use rcgen::{BasicConstraints, Certificate, CertificateParams, DnType, IsCa, KeyPair, KeyUsagePurpose};

use crate::Tls;

pub use rcgen;

/// A certificate authority that nobody trusts by default.
pub struct Authority {
    certificate: Certificate,
    key: KeyPair,
}

/// A certificate and its key.
pub struct Leaf {
    /// The certificate.
    pub certificate: Certificate,
    /// Its key.
    pub key: KeyPair,
}

/// Returns parameters of a certificate that is valid for these names and addresses.
///
/// # Panics
///
/// Panics if one is neither.
pub fn valid_for(names: &[&str]) -> CertificateParams {
    CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap()
}

impl Default for Authority {
    fn default() -> Authority {
        Authority::new()
    }
}

impl Authority {
    /// Creates an authority with a name that no other has.
    pub fn new() -> Authority {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        Authority::named(&format!("authority {}", COUNT.fetch_add(1, Ordering::Relaxed)))
    }

    /// Creates an authority with this name.
    ///
    /// # Panics
    ///
    /// Panics if no key can be generated.
    pub fn named(name: &str) -> Authority {
        let mut params = valid_for(&[]);
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().unwrap();
        Authority { certificate: params.self_signed(&key).unwrap(), key }
    }

    /// Issues a certificate with a key of its own.
    ///
    /// # Panics
    ///
    /// Panics if the parameters make no certificate.
    pub fn issue(&self, params: CertificateParams) -> Leaf {
        let key = KeyPair::generate().unwrap();
        Leaf { certificate: params.signed_by(&key, &self.certificate, &self.key).unwrap(), key }
    }

    /// Returns the settings of a client that trusts this authority.
    pub fn trusted(&self) -> Tls {
        Tls::new().root(self.certificate.der().to_vec())
    }

    /// Returns the authority's own certificate in PEM.
    pub fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// Returns the settings of a server that shows `leaf`, and demands a certificate of this authority from the client.
    ///
    /// # Panics
    ///
    /// Panics if the certificate cannot be used.
    pub fn demanded(&self, leaf: &Leaf) -> Arc<ServerConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.der().clone()).unwrap();
        let provider = Arc::new(ring::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(&provider)).build().unwrap();
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = builder.with_client_cert_verifier(verifier).with_single_cert(leaf.chain(), leaf.key());
        Arc::new(config.unwrap())
    }
}

impl Leaf {
    /// Returns the chain of certificates, which is one.
    pub fn chain(&self) -> Vec<CertificateDer<'static>> {
        vec![self.certificate.der().clone()]
    }

    /// Returns the key for `rustls`.
    ///
    /// # Panics
    ///
    /// Panics if `rustls` does not know this kind of key.
    pub fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::try_from(self.key.serialize_der()).unwrap()
    }

    /// Returns the settings of a server that shows the certificate.
    pub fn server(&self) -> Arc<ServerConfig> {
        self.server_of(ALL_VERSIONS)
    }

    /// Returns the settings of a server that shows the certificate and has only these versions of TLS.
    ///
    /// # Panics
    ///
    /// Panics if the certificate cannot be used.
    pub fn server_of(&self, versions: &[&'static SupportedProtocolVersion]) -> Arc<ServerConfig> {
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_protocol_versions(versions).unwrap().with_no_client_auth();
        Arc::new(builder.with_single_cert(self.chain(), self.key()).unwrap())
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

impl fmt::Debug for Leaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leaf").finish_non_exhaustive()
    }
}
