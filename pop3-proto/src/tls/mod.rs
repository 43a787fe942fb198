//! TLS settings for adapters, and errors that explain why TLS failed. Nothing here does I/O.
//!
//! A session begins inside TLS, on port 995 (RFC 8314, section 3.1; "implicit TLS"), unless
//! [`Security`](crate::login::Security) says otherwise. With STLS the connection begins in plaintext, on port 110, and
//! no secret is sent before TLS is established (RFC 2595, section 4). Neither falls back to an unprotected connection.
//!
//! The server's certificate must be valid for the host name or address that you gave (RFC 8314, section 5.4; RFC 7817).
//! The platform's verifier decides which authorities are trusted. It reads the platform's certificates, so it is not
//! part of this crate; the adapters pass it to [`Tls::config`]. [`Tls::root`] and [`Tls::root_pem`] add a private
//! authority. [`Tls::pin`] accepts a server by the fingerprint of its certificate or key, such as one with a
//! self-signed certificate. Verification cannot be disabled; supply your own [`ClientConfig`] to change it.
//!
//! TLS 1.2 and 1.3 are supported (RFC 8314, section 4.1; RFC 8996). A configuration made by [`Tls`] offers the
//! application protocol `pop3` (RFC 7301), so that a server that supports this extension cannot be made to speak
//! another protocol. If a stream ends without `close_notify`, this is treated like any end of a stream: it is a
//! truncation inside an answer, and normal after the answer to QUIT.
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
mod records;

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

use crate::drive::conversation::Conversation;
use crate::drive::error::Error;
use crate::drive::error::settings::SettingsError;
use pin::{Judge, Verifier};

pub use failure::{TlsFailure, explain};
pub use pin::{Fingerprint, NoFingerprint};
pub use records::Records;
pub use rustls;

/// TLS settings. By default the platform's verifier must accept the server's certificate for the host that you gave.
///
/// `Debug` shows no key.
///
/// ```
/// use pop3_proto::tls::{Fingerprint, Tls};
///
/// # fn example(authority: &[u8], own: &[u8], key: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
/// // A private authority, and a client certificate.
/// let tls = Tls::new().root_pem(authority)?.identity_pem(own, key)?;
/// // A self-signed server, by the SHA-256 of its certificate.
/// let pin: Fingerprint = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".parse()?;
/// let pinned = Tls::new().pin(pin);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
#[must_use = "it does nothing until it is given to a connection"]
pub struct Tls {
    roots: Vec<CertificateDer<'static>>,
    pins: Vec<Fingerprint>,
    identity: Option<Arc<CertifiedKey>>,
    own: Option<Arc<ClientConfig>>,
}

impl Tls {
    /// Creates settings with the platform's verifier and without a client certificate.
    pub fn new() -> Tls {
        Tls::default()
    }

    /// Trusts one more authority in addition to the platform's. `der` is its certificate.
    pub fn root(mut self, der: impl Into<Vec<u8>>) -> Tls {
        self.roots.push(CertificateDer::from(der.into()));
        self
    }

    /// Trusts all certificates in a PEM text as authorities, in addition to the platform's.
    ///
    /// # Errors
    ///
    /// [`TlsError::Pem`], or [`TlsError::NoCertificate`] if there is none.
    pub fn root_pem(mut self, pem: &[u8]) -> Result<Tls, TlsError> {
        self.roots.extend(certificates(pem)?);
        Ok(self)
    }

    /// Accepts the server whose certificate, or the public key in it, has this fingerprint, and no other server. Call
    /// this several times to accept several pins, for example while the server changes its key.
    ///
    /// The pin alone decides: authority, name and dates of the certificate are not checked. The server must still
    /// prove that it has the certificate's key. Obtain the fingerprint from the server itself over a trusted channel,
    /// and compare it with [`TlsFailure::fingerprint`]: the certificate that a connection presents may be an
    /// attacker's.
    pub fn pin(mut self, fingerprint: impl Into<Fingerprint>) -> Tls {
        self.pins.push(fingerprint.into());
        self
    }

    /// Sets the client certificate, which is sent if the server requests one. The chain begins with your certificate;
    /// `key` is its private key.
    ///
    /// # Errors
    ///
    /// [`TlsError::Identity`] if the key's type is not supported, or the key does not match the certificate.
    pub fn identity(
        mut self,
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Tls, TlsError> {
        let identity = CertifiedKey::from_der(chain, key, &provider()).map_err(TlsError::Identity)?;
        self.identity = Some(Arc::new(identity));
        Ok(self)
    }

    /// Sets the client certificate from PEM texts for the chain and the key, which may be the same text.
    ///
    /// # Errors
    ///
    /// The errors of [`identity`](Self::identity), [`TlsError::Pem`], [`TlsError::NoCertificate`] or
    /// [`TlsError::NoKey`].
    pub fn identity_pem(self, chain: &[u8], key: &[u8]) -> Result<Tls, TlsError> {
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| match error {
            rustls::pki_types::pem::Error::NoItemsFound => TlsError::NoKey,
            _ => TlsError::Pem,
        })?;
        self.identity(certificates(chain)?, key)
    }

    /// Builds the rustls configuration. `pop3-blocking` and `pop3-async` call this. Call it yourself only in your own
    /// loop.
    ///
    /// `platform` creates the platform's verifier. It takes the certificates of the added authorities, which the
    /// verifier must trust in addition to the platform's, and the provider of cryptography. It is called at most once,
    /// and not at all if you set pins or your own configuration. It may do I/O; `config` itself does none. The crate
    /// `rustls-platform-verifier` has a suitable function, `Verifier::new_with_extra_roots`.
    ///
    /// For many connections, call this function once and give `Tls::from(config)` to each of them. They can then also
    /// resume TLS sessions.
    ///
    /// # Errors
    ///
    /// [`TlsError::Root`], [`TlsError::Own`], or [`TlsError::Platform`] with the error of `platform`.
    ///
    /// ```
    /// use pop3_proto::tls::Tls;
    /// use pop3_proto::tls::rustls::{self, RootCertStore, client::WebPkiServerVerifier};
    ///
    /// # fn example(authority: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
    /// // Trusts the added authorities only.
    /// let config = Tls::new().root_pem(authority)?.config(|added, provider| {
    ///     let mut roots = RootCertStore::empty();
    ///     roots.add_parsable_certificates(added);
    ///     match WebPkiServerVerifier::builder_with_provider(roots.into(), provider).build() {
    ///         Ok(verifier) => Ok(verifier),
    ///         Err(error) => Err(rustls::Error::General(error.to_string())),
    ///     }
    /// })?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn config(
        &self,
        platform: impl FnOnce(
            Vec<CertificateDer<'static>>,
            Arc<CryptoProvider>,
        ) -> Result<Arc<dyn ServerCertVerifier>, rustls::Error>,
    ) -> Result<Arc<ClientConfig>, TlsError> {
        if let Some(own) = &self.own {
            let alone = self.roots.is_empty() && self.pins.is_empty() && self.identity.is_none();
            return if alone { Ok(Arc::clone(own)) } else { Err(TlsError::Own) };
        }
        let provider = provider();
        let judge = if self.pins.is_empty() {
            // The error of `platform` would not show that one of these is invalid.
            let mut store = RootCertStore::empty();
            self.roots.iter().try_for_each(|root| store.add(root.clone())).map_err(TlsError::Root)?;
            Judge::Platform(platform(self.roots.clone(), Arc::clone(&provider)).map_err(TlsError::Platform)?)
        } else {
            Judge::Pins(self.pins.clone())
        };
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Platform)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Verifier { judge, provider }));
        let mut config = match &self.identity {
            Some(identity) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(identity)))),
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols.push(b"pop3".to_vec());
        Ok(Arc::new(config))
    }
}

/// Uses your own configuration unchanged. If you add roots, pins or an identity, [`Tls::config`] returns
/// [`TlsError::Own`].
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

/// The reason why TLS was not attempted. Nothing was sent.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A PEM text is malformed. It may contain a key, so none of it is shown.
    #[error("the PEM text is malformed")]
    Pem,
    /// A PEM text contains no certificate.
    #[error("the PEM text contains no certificate")]
    NoCertificate,
    /// A PEM text contains no private key.
    #[error("the PEM text contains no private key")]
    NoKey,
    /// The certificate of an added authority cannot be used.
    #[error("the certificate of the authority cannot be used: {0}")]
    Root(rustls::Error),
    /// The client certificate and its key do not match, or cannot be used.
    #[error("the client's certificate and key cannot be used: {0}")]
    Identity(rustls::Error),
    /// Roots, pins or an identity were added to your own configuration, which is used as it is.
    #[error("roots, pins and identities cannot be added to your own configuration")]
    Own,
    /// The platform's verifier cannot be created, for example because the platform's authorities cannot be loaded.
    #[error("the platform's certificate authorities could not be loaded: {0}")]
    Platform(rustls::Error),
    /// The host is neither a host name nor an IP address.
    #[error("{0:?} is neither an IP address nor a host name (write an international name in its ASCII form, xn--...)")]
    Name(String),
}

impl From<TlsError> for Error {
    fn from(error: TlsError) -> Error {
        SettingsError::Tls(error.into()).into()
    }
}

/// Returns the name or IP address that the certificate must be valid for: the host that the user gave. An IPv6 address
/// has no brackets, as in [`PopUrl::host`](crate::login::PopUrl::host).
///
/// # Errors
///
/// [`TlsError::Name`]: `host` is neither a name nor an address.
///
/// ```
/// use pop3_proto::tls::server_name;
///
/// assert!(server_name("pop.example.org").is_ok());
/// assert!(server_name("::1").is_ok());
/// assert!(server_name("[::1]").is_err(), "brackets belong to URLs");
/// ```
pub fn server_name(host: &str) -> Result<ServerName<'static>, TlsError> {
    ServerName::try_from(host.to_owned()).map_err(|_| TlsError::Name(host.to_owned()))
}

/// Reports to the conversation that the handshake of `connection` is complete, with its channel binding: see
/// [`Conversation::tls_established`].
///
/// # Errors
///
/// The errors of [`Conversation::tls_established`].
pub fn established<Data>(conversation: &mut Conversation, connection: &ConnectionCommon<Data>) -> Result<(), Error> {
    conversation.tls_established(channel_binding(connection))
}

/// Returns the channel binding `tls-exporter` of a connection whose handshake is done: 32 octets that only the client
/// and the server know (RFC 9266, section 2). Returns `None` unless the connection uses TLS 1.3.
pub fn channel_binding<Data>(connection: &ConnectionCommon<Data>) -> Option<Zeroizing<Vec<u8>>> {
    if connection.protocol_version() != Some(ProtocolVersion::TLSv1_3) {
        return None;
    }
    let mut binding = Zeroizing::new(alloc::vec![0; 32]);
    connection.export_keying_material(&mut binding[..], b"EXPORTER-Channel-Binding", Some(b"")).ok()?;
    Some(binding)
}

/// Returns the process's default provider of cryptography, or ring.
fn provider() -> Arc<CryptoProvider> {
    CryptoProvider::get_default().map_or_else(|| Arc::new(rustls::crypto::ring::default_provider()), Arc::clone)
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let all: Vec<_> = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|_| TlsError::Pem)?;
    if all.is_empty() { Err(TlsError::NoCertificate) } else { Ok(all) }
}
