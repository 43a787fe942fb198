//! Tests of the proof that TLS is configured to require, before any connection.
#![cfg(feature = "tls")]

use std::sync::Arc;

use pop3_proto::login::Connect;
use pop3_proto::tls::{Tls, TlsError, rustls, server_name};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::ServerName;

fn certificate() -> CertifiedKey {
    generate_simple_self_signed(["localhost".to_owned()]).unwrap()
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
        "\"m\u{fc}hle\" is neither a name (an international one in its ASCII form, xn--...) nor an IP address"
    );
}

#[test]
fn an_authority_in_either_form() {
    let CertifiedKey { cert, key_pair } = certificate();
    Tls::new().root(cert.der().to_vec()).config().unwrap();
    let text = format!("words around it\n{}{}", cert.pem(), certificate().cert.pem());
    let tls = Tls::new().root_pem(text.as_bytes()).unwrap();
    assert_eq!(format!("{tls:?}"), "Tls { roots: 2, pins: 0, identity: false, own: false }");
    assert_eq!(tls.config().unwrap().alpn_protocols, [b"pop3"]);

    assert_eq!(Tls::new().root_pem(b"").unwrap_err(), TlsError::NoCertificate);
    assert_eq!(Tls::new().root_pem(key_pair.serialize_pem().as_bytes()).unwrap_err(), TlsError::NoCertificate);
    assert_eq!(Tls::new().root_pem(b"-----BEGIN CERTIFICATE-----\n@@@@").unwrap_err(), TlsError::Pem);
    assert!(matches!(Tls::new().root(*b"no DER").config(), Err(TlsError::Root(_))));
}

#[test]
fn an_identity_is_a_pair() {
    let (ours, other) = (certificate(), certificate());
    let (chain, key) = (ours.cert.pem(), ours.key_pair.serialize_pem());
    Tls::new().identity_pem(chain.as_bytes(), key.as_bytes()).unwrap().config().unwrap();
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
fn settings_of_ones_own_are_taken_as_they_are() {
    let own = Tls::new().root(certificate().cert.der().to_vec()).config().unwrap();
    let tls = Tls::from(Arc::clone(&own));
    assert!(Arc::ptr_eq(&own, &tls.config().unwrap()));
}

#[test]
fn nothing_is_added_to_settings_of_ones_own() {
    let own = Tls::new().config().unwrap();
    assert!(Tls::from(own.clone()).config().is_ok());
    assert_eq!(Tls::from(own).root(certificate().cert.der().to_vec()).config().unwrap_err(), TlsError::Own);
}
