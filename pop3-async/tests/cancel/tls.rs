//! A certificate for this run, and both ends' settings.

use std::sync::{Arc, LazyLock};

use pop3_async::pop3_proto::tls::rustls::ServerConfig;
use pop3_async::pop3_proto::tls::rustls::crypto::ring;
use pop3_async::pop3_proto::tls::rustls::pki_types::PrivateKeyDer;
use pop3_async::{Tls, client_config};
use rcgen::{CertifiedKey, generate_simple_self_signed};

static SETTINGS: LazyLock<(Arc<ServerConfig>, Tls)> = LazyLock::new(|| {
    let CertifiedKey { cert, key_pair } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(key_pair.serialize_der()).unwrap();
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let server = Arc::new(builder.with_single_cert(vec![cert.der().clone()], key).unwrap());
    // Once for all sessions, because it is slow.
    let client = client_config(&Tls::new().root(cert.der().to_vec())).unwrap();
    (server, Tls::from(client))
});

pub(crate) fn client() -> &'static Tls {
    &SETTINGS.1
}

pub(crate) fn server() -> Arc<ServerConfig> {
    Arc::clone(&SETTINGS.0)
}
