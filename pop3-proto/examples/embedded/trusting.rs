//! TLS settings for an authority of your own.

use std::error::Error;
use std::sync::Arc;

use pop3_proto::tls::Tls;
use pop3_proto::tls::rustls::client::WebPkiServerVerifier;
use pop3_proto::tls::rustls::{self, ClientConfig, RootCertStore};

/// Returns TLS settings that trust the authorities in a PEM text, and no others.
pub(crate) fn trusting(authorities: &[u8]) -> Result<Arc<ClientConfig>, Box<dyn Error>> {
    Ok(Tls::new().root_pem(authorities)?.config(|added, provider| {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(added);
        let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), provider).build();
        verifier.map(|verifier| verifier as _).map_err(|error| rustls::Error::General(error.to_string()))
    })?)
}
