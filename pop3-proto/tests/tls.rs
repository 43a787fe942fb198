//! Tests of the TLS configuration, before any connection.
#![cfg(feature = "tls")]

use std::sync::Arc;

use pop3_proto::login::Connect;
use pop3_proto::tls::{Fingerprint, Tls, TlsError, rustls, server_name};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};

fn certificate() -> CertifiedKey {
    generate_simple_self_signed(["localhost".to_owned()]).unwrap()
}

type Verifier = Result<Arc<dyn ServerCertVerifier>, rustls::Error>;

/// The verifier of a platform that has one authority.
fn platform(added: Vec<CertificateDer<'static>>, provider: Arc<CryptoProvider>) -> Verifier {
    let mut roots = RootCertStore::empty();
    roots.add(certificate().cert.der().clone())?;
    for root in added {
        roots.add(root)?;
    }
    Ok(WebPkiServerVerifier::builder_with_provider(roots.into(), provider).build().unwrap())
}

/// One that nobody may ask for.
fn no_platform(_: Vec<CertificateDer<'static>>, _: Arc<CryptoProvider>) -> Verifier {
    panic!("the platform's verifier does not decide here")
}

fn config(tls: &Tls) -> Result<Arc<ClientConfig>, TlsError> {
    tls.config(platform)
}

#[test]
fn names_and_addresses() {
    assert!(matches!(server_name("pop.example.org"), Ok(ServerName::DnsName(_))));
    assert!(matches!(server_name("127.0.0.1"), Ok(ServerName::IpAddress(_))));
    assert!(matches!(server_name("::1"), Ok(ServerName::IpAddress(_))));
    for host in ["", "pop example", "pop.ex\u{e4}mple.org", "[::1]", "fe80::1%eth0", "a..b", "host\0"] {
        assert_eq!(server_name(host), Err(TlsError::Name(host.to_owned())), "{host:?}");
    }
    assert_eq!(
        server_name("m\u{fc}hle").unwrap_err().to_string(),
        "\"m\u{fc}hle\" is neither an IP address nor a host name (write an international name in its ASCII form, xn--...)"
    );
}

#[test]
fn an_authority_in_either_form() {
    let CertifiedKey { cert, key_pair } = certificate();
    config(&Tls::new().root(cert.der().to_vec())).unwrap();
    let text = format!("words around it\n{}{}", cert.pem(), certificate().cert.pem());
    let tls = Tls::new().root_pem(text.as_bytes()).unwrap();
    assert_eq!(format!("{tls:?}"), "Tls { roots: 2, pins: 0, identity: false, own: false }");
    assert_eq!(config(&tls).unwrap().alpn_protocols, [b"pop3"]);

    assert_eq!(Tls::new().root_pem(b"").unwrap_err(), TlsError::NoCertificate);
    assert_eq!(Tls::new().root_pem(key_pair.serialize_pem().as_bytes()).unwrap_err(), TlsError::NoCertificate);
    assert_eq!(Tls::new().root_pem(b"-----BEGIN CERTIFICATE-----\n@@@@").unwrap_err(), TlsError::Pem);
    assert!(matches!(Tls::new().root(*b"no DER").config(no_platform), Err(TlsError::Root(_))));
}

#[test]
fn an_identity_is_a_pair() {
    let (ours, other) = (certificate(), certificate());
    let (chain, key) = (ours.cert.pem(), ours.key_pair.serialize_pem());
    config(&Tls::new().identity_pem(chain.as_bytes(), key.as_bytes()).unwrap()).unwrap();
    let both = format!("{key}{chain}");
    assert!(Tls::new().identity_pem(both.as_bytes(), both.as_bytes()).is_ok());

    let wrong = Tls::new().identity_pem(other.cert.pem().as_bytes(), key.as_bytes()).unwrap_err();
    assert!(matches!(wrong, TlsError::Identity(_)), "{wrong}");
    assert_eq!(Tls::new().identity_pem(chain.as_bytes(), chain.as_bytes()).unwrap_err(), TlsError::NoKey);
    assert_eq!(Tls::new().identity_pem(key.as_bytes(), key.as_bytes()).unwrap_err(), TlsError::NoCertificate);
}

#[test]
fn no_key_is_shown() {
    let CertifiedKey { cert, key_pair } = certificate();
    let key = key_pair.serialize_pem();
    let line = key.lines().nth(1).unwrap();
    let tls = Tls::new().identity_pem(cert.pem().as_bytes(), key.as_bytes()).unwrap();
    let shown = format!("{tls:?} {:?}", Connect::new().tls(tls.clone()));
    assert!(shown.contains("identity: true") && !shown.contains(line), "{shown}");
    let broken = key.replace("-----END", "+++++END");
    let error = Tls::new().identity_pem(cert.pem().as_bytes(), broken.as_bytes()).unwrap_err();
    assert!(!format!("{error:?} {error}").contains(line), "{error:?}");
}

#[test]
fn own_settings_are_used_unchanged() {
    let own = config(&Tls::new().root(certificate().cert.der().to_vec())).unwrap();
    let tls = Tls::from(Arc::clone(&own));
    assert!(Arc::ptr_eq(&own, &tls.config(no_platform).unwrap()));
}

#[test]
fn nothing_is_added_to_own_settings() {
    let own = config(&Tls::new()).unwrap();
    assert!(Tls::from(own.clone()).config(no_platform).is_ok());
    let added = Tls::from(own).root(certificate().cert.der().to_vec());
    assert_eq!(added.config(no_platform).unwrap_err(), TlsError::Own);
}

#[test]
fn the_platforms_verifier_gets_the_added_authorities() {
    let added = [certificate(), certificate()].map(|certificate| certificate.cert.der().clone());
    let tls = added.iter().fold(Tls::new(), |tls, root| tls.root(root.to_vec()));
    let mut given = Vec::new();
    let made = tls.config(|roots, provider| {
        given.clone_from(&roots);
        platform(roots, provider)
    });
    assert!(made.is_ok());
    assert_eq!(given, added);
}

#[test]
fn the_platforms_verifier_may_be_missing() {
    let missing = rustls::Error::General("no certificates".to_owned());
    let error = Tls::new().config(|_, _| Err(missing.clone())).unwrap_err();
    assert_eq!(error, TlsError::Platform(missing));
    let says = "the platform's certificate authorities could not be loaded: unexpected error: no certificates";
    assert_eq!(error.to_string(), says);
}

#[test]
fn a_pin_needs_no_platform() {
    let tls = Tls::new().pin(Fingerprint::of(certificate().cert.der()));
    assert_eq!(tls.config(no_platform).unwrap().alpn_protocols, [b"pop3"]);
}
