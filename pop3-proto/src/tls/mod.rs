//! What TLS has to prove, as both adapters are told. No I/O here either.
//!
//! A session begins inside TLS, on port 995 (RFC 8314, section 3.1; "implicit TLS"), unless
//! [`Security`](crate::login::Security) says otherwise; with STLS the connection begins in the clear, on port 110, and
//! nothing secret is said before TLS is up (RFC 2595, section 4). Neither falls back to less.
//!
//! The server proves that it has the name or the address that the user gave as the host (RFC 8314, section 5.4; RFC 7817),
//! by a certificate that an authority vouches for. Which authorities those are is for the platform to say: its verifier
//! decides, with what the machine's administrator has set up. [`Tls::root`] and [`Tls::root_pem`] add a private
//! authority. A server with a certificate that it signed itself can be [pinned](Tls::pin): it is known by the fingerprint of
//! its certificate or key then. There is no switch that accepts anything; a [`ClientConfig`] of your own can.
//!
//! TLS 1.2 and 1.3 are spoken (RFC 8314, section 4.1; RFC 8996). Where [`Tls`] makes the settings it offers the application
//! protocol `pop3` (RFC 7301): a server that knows nothing of that ignores it, and one that knows it cannot be made to
//! speak another protocol to us. When the stream ends without TLS's close, that is an end like another: inside an answer it
//! is a truncation, and behind the answer to QUIT it is none.
//!
//! ```
//! use pop3_proto::login::Connect;
//! use pop3_proto::tls::Tls;
//!
//! # fn example(authority: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
//! let connect = Connect::new().host("pop.example.org").tls(Tls::new().root_pem(authority)?);
//! # Ok(())
//! # }
//! ```

mod failure;
mod pin;

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, ConnectionCommon, ProtocolVersion, RootCertStore};
use zeroize::Zeroizing;

use pin::{Judge, Verifier};

pub use failure::{TlsFailure, explain};
pub use pin::{Fingerprint, NoFingerprint};
pub use rustls;

/// What TLS has to prove: by default, to the platform's verifier, that the server has the name that the user gave.
///
/// `Debug` shows no key.
#[derive(Clone, Default)]
#[must_use = "it does nothing until it is given to a connection"]
pub struct Tls {
    roots: Vec<CertificateDer<'static>>,
    pins: Vec<Fingerprint>,
    identity: Option<Arc<CertifiedKey>>,
    own: Option<Arc<ClientConfig>>,
}

impl Tls {
    /// The platform's verifier, and no certificate of ours.
    pub fn new() -> Tls {
        Tls::default()
    }

    /// Trusts one more authority, beside the platform's: its certificate in DER.
    pub fn root(mut self, der: impl Into<Vec<u8>>) -> Tls {
        self.roots.push(CertificateDer::from(der.into()));
        self
    }

    /// Trusts more authorities, beside the platform's: all certificates that stand in a PEM text.
    ///
    /// # Errors
    ///
    /// [`TlsError::Pem`], or [`TlsError::NoCertificate`] if there is none.
    pub fn root_pem(mut self, pem: &[u8]) -> Result<Tls, TlsError> {
        self.roots.extend(certificates(pem)?);
        Ok(self)
    }

    /// Accepts the server whose certificate, or the public key in it, has this fingerprint, and no other server. May be
    /// called several times, as for a key that is about to change.
    ///
    /// The pin alone decides: neither an authority nor the name nor the dates of the certificate count. The server must still
    /// prove that it has the certificate's key. Take the fingerprint from the server itself, by a way that you trust: what a
    /// connection shows may be an attacker's. [`TlsFailure::fingerprint`] is there to be compared with it.
    pub fn pin(mut self, fingerprint: impl Into<Fingerprint>) -> Tls {
        self.pins.push(fingerprint.into());
        self
    }

    /// Has us prove who we are, if the server asks for it: a chain of certificates, ours first, and our key.
    ///
    /// # Errors
    ///
    /// [`TlsError::Identity`] if the key is of an unknown sort, or not that of the certificate.
    pub fn identity(
        mut self,
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Tls, TlsError> {
        let identity = CertifiedKey::from_der(chain, key, &provider()).map_err(TlsError::Identity)?;
        self.identity = Some(Arc::new(identity));
        Ok(self)
    }

    /// Like [`identity`](Self::identity), with chain and key as PEM texts, which may be the same one.
    ///
    /// # Errors
    ///
    /// Those of [`identity`](Self::identity), [`TlsError::Pem`], [`TlsError::NoCertificate`] or [`TlsError::NoKey`].
    pub fn identity_pem(self, chain: &[u8], key: &[u8]) -> Result<Tls, TlsError> {
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| match error {
            rustls::pki_types::pem::Error::NoItemsFound => TlsError::NoKey,
            _ => TlsError::Pem,
        })?;
        self.identity(certificates(chain)?, key)
    }

    /// What the settings amount to. The platform's authorities are read anew by each call, which takes a while: who opens
    /// many connections calls it once, and gives `Tls::from(config)` to each of them. That has them resume TLS sessions, too.
    ///
    /// # Errors
    ///
    /// [`TlsError::Root`], [`TlsError::Platform`] or [`TlsError::Own`].
    pub fn config(&self) -> Result<Arc<ClientConfig>, TlsError> {
        if let Some(own) = &self.own {
            let alone = self.roots.is_empty() && self.pins.is_empty() && self.identity.is_none();
            return if alone { Ok(Arc::clone(own)) } else { Err(TlsError::Own) };
        }
        let provider = provider();
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Platform)?
            .dangerous()
            .with_custom_certificate_verifier(self.verifier(provider)?);
        let mut config = match &self.identity {
            Some(identity) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(identity)))),
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols.push(b"pop3".to_vec());
        Ok(Arc::new(config))
    }

    fn verifier(&self, provider: Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, TlsError> {
        let judge = if self.pins.is_empty() {
            // The platform would not say whose fault it is.
            let mut store = RootCertStore::empty();
            self.roots.iter().try_for_each(|root| store.add(root.clone())).map_err(TlsError::Root)?;
            let platform = rustls_platform_verifier::Verifier::new_with_extra_roots(
                self.roots.iter().cloned(),
                Arc::clone(&provider),
            );
            Judge::Platform(Arc::new(platform.map_err(TlsError::Platform)?))
        } else {
            Judge::Pins(self.pins.clone())
        };
        Ok(Arc::new(Verifier { judge, provider }))
    }
}

/// Settings of one's own, which may be anything. They are taken as they are: roots, pins or an identity that are added to
/// them are an error.
impl From<Arc<ClientConfig>> for Tls {
    fn from(own: Arc<ClientConfig>) -> Tls {
        Tls { own: Some(own), ..Tls::default() }
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("roots", &self.roots.len())
            .field("pins", &self.pins.len())
            .field("identity", &self.identity.is_some())
            .field("own", &self.own.is_some())
            .finish()
    }
}

/// Why TLS cannot even be tried. Nothing was sent.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A PEM text cannot be read. It may hold a key, so nothing of it is shown.
    #[error("the PEM text is malformed")]
    Pem,
    /// A PEM text has no certificate in it.
    #[error("there is no certificate in the PEM text")]
    NoCertificate,
    /// A PEM text has no private key in it.
    #[error("there is no private key in the PEM text")]
    NoKey,
    /// The certificate of an authority that was added is none.
    #[error("the certificate of the authority cannot be used: {0}")]
    Root(rustls::Error),
    /// Our certificate and our key do not belong together, or cannot be used.
    #[error("the client's certificate and key cannot be used: {0}")]
    Identity(rustls::Error),
    /// Roots, pins or an identity were added to settings of one's own, which are taken as they are.
    #[error("nothing can be added to settings of one's own")]
    Own,
    /// The platform's authorities cannot be had.
    #[error("the platform's certificate authorities cannot be had: {0}")]
    Platform(rustls::Error),
    /// A certificate cannot be for this host.
    #[error("{0:?} is neither a name (an international one in its ASCII form, xn--...) nor an IP address")]
    Name(String),
}

/// What a certificate has to be for: the host that the user gave, which may be a name or an IP address.
///
/// # Errors
///
/// [`TlsError::Name`].
pub fn server_name(host: &str) -> Result<ServerName<'static>, TlsError> {
    ServerName::try_from(host.to_owned()).map_err(|_| TlsError::Name(host.to_owned()))
}

/// The channel binding `tls-exporter` of a connection whose handshake is done: 32 octets that both ends know and nobody
/// between them (RFC 9266, section 2). `None` unless it is TLS 1.3.
pub fn channel_binding<Data>(connection: &ConnectionCommon<Data>) -> Option<Zeroizing<Vec<u8>>> {
    if connection.protocol_version() != Some(ProtocolVersion::TLSv1_3) {
        return None;
    }
    let mut binding = Zeroizing::new(alloc::vec![0; 32]);
    connection.export_keying_material(&mut binding[..], b"EXPORTER-Channel-Binding", Some(b"")).ok()?;
    Some(binding)
}

/// The process's choice of cryptography, if it made one.
fn provider() -> Arc<CryptoProvider> {
    CryptoProvider::get_default().map_or_else(|| Arc::new(rustls::crypto::ring::default_provider()), Arc::clone)
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let all: Vec<_> = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|_| TlsError::Pem)?;
    if all.is_empty() { Err(TlsError::NoCertificate) } else { Ok(all) }
}
