//! `--client-cert` and `--client-key`, against a server that requires a client certificate.

use std::sync::Arc;

use pop3_blocking::pop3_proto::tls::rustls::crypto::ring;
use pop3_blocking::pop3_proto::tls::rustls::pki_types::PrivateKeyDer;
use pop3_blocking::pop3_proto::tls::rustls::server::WebPkiClientVerifier;
use pop3_blocking::pop3_proto::tls::rustls::{RootCertStore, ServerConfig};
use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, KeyPair};

use crate::support::Home;
use crate::tls::{pop3s, secured};

struct Authority {
    key: KeyPair,
    certificate: Certificate,
}

impl Authority {
    fn new() -> Authority {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        Authority { key, certificate }
    }

    fn sign(&self, name: &str) -> (Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.certificate, &self.key).unwrap(), key)
    }

    /// The settings of a server that accepts only this authority's clients.
    fn server(&self) -> Arc<ServerConfig> {
        let (certificate, key) = self.sign("localhost");
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.der().clone()).unwrap();
        let provider = Arc::new(ring::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().unwrap();
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let chain = vec![certificate.der().clone()];
        Arc::new(builder.with_client_cert_verifier(verifier).with_single_cert(chain, key).unwrap())
    }
}

#[test]
fn a_client_certificate_is_shown() {
    let authority = Authority::new();
    let home = Home::with_password();
    let ca = home.file("ca.pem", &authority.certificate.pem());
    let (certificate, key) = authority.sign("u");
    let cert = home.file("cert.pem", &certificate.pem());
    let key_file = home.file("key.pem", &key.serialize_pem());
    let both = home.file("both.pem", &(certificate.pem() + &key.serialize_pem()));
    let server = secured(&authority.server(), false);
    let url = pop3s(&server, "localhost");
    let stat = |options: &[&str]| home.run(&[&["--ca", &ca, &url, "stat"], options].concat());
    stat(&["--client-cert", &cert, "--client-key", &key_file]).expect_out("2 320\n");
    stat(&["--client-cert", &both]).expect_out("2 320\n");

    let heard = server.heard().len();
    let ended = stat(&[]);
    assert!(matches!(ended.status, Some(4 | 5)), "{ended:?}");
    assert!(!server.heard()[heard..].iter().any(|line| line.starts_with("PASS")));
    // By STLS, and as the login.
    let stls = secured(&authority.server(), true);
    let url = format!("pop://u@localhost:{}", stls.port());
    home.run(&["--ca", &ca, "--starttls", "--client-cert", &both, &url, "stat"]).expect_out("2 320\n");
    for (login, response) in [(";AUTH=EXTERNAL", "="), ("u;AUTH=EXTERNAL", "dQ==")] {
        let url = format!("pop3s://{login}@localhost:{}", server.port());
        Home::new().run(&["--ca", &ca, "--client-cert", &both, &url, "stat"]).expect_out("2 320\n");
        let heard = server.heard();
        assert!(heard.ends_with(&[format!("AUTH EXTERNAL {response}"), "STAT".into(), "QUIT".into()]), "{heard:?}");
    }
}

#[test]
fn certificates_that_cannot_be_used() {
    let authority = Authority::new();
    let home = Home::with_password();
    let ((certificate, _), (_, other)) = (authority.sign("u"), authority.sign("u"));
    let cert = home.file("cert.pem", &certificate.pem());
    let key = home.file("key.pem", &other.serialize_pem());
    let stat = |options: &[&str]| home.run(&[options, &["pop3s://u@localhost:1", "stat"]].concat());
    stat(&["--client-cert", "missing"]).expect(2, "the client certificate file missing cannot be used");
    stat(&["--client-cert", &cert, "--client-key", "missing"]).expect(2, "the client key file missing cannot be used");
    stat(&["--client-cert", &key]).expect(2, "the PEM text contains no certificate");
    stat(&["--client-cert", &cert]).expect(2, "the PEM text contains no private key");
    stat(&["--client-cert", &cert, "--client-key", &key]).expect(2, "cannot be used: ");
    stat(&["--client-key", &key]).expect(2, "--client-cert");
    stat(&["--client-cert", &cert, "--plaintext"]).expect(2, "cannot be used with");
}
