//! The identity of the server, and that of the client.

use std::sync::Arc;

use crate::{Cause, ErrorKind, Security, SettingsError, Tls, TlsError, TlsFailure, client_config};
use pop3_proto::tls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use pop3_proto::tls::rustls::crypto::{WebPkiSupportedAlgorithms, ring};
use pop3_proto::tls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use pop3_proto::tls::rustls::{
    ClientConfig, DigitallySignedStruct, Error as RustlsError, ServerConfig, SignatureScheme,
};
use rcgen::{CertificateParams, date_time_ymd};

use super::super::adapter::{Adapter, Session as _};
use crate::testing::authority::{Authority, Leaf, valid_for};
use crate::testing::peer::{LOGIN, Peer};
use crate::testing::tls::STLS_LOGIN;
use crate::testing::told;

const BOTH: [(Security, &str); 2] = [(Security::Tls, "-- tls\n"), (Security::StartTls, STLS_LOGIN)];

/// Returns the error of a client that calls the server `host` and does not log in, and the failure of TLS. Nothing may
/// be said inside TLS, nor any secret before.
fn refused<A: Adapter>(host: &str, security: Security, tls: Tls, config: &Arc<ServerConfig>) -> (String, TlsFailure) {
    let begin =
        if security == Security::Tls { "" } else { "S: +OK ready\nC: CAPA\nS: +OK\nS: STLS\nS: .\nC: STLS\nS: +OK\n" };
    let server = Peer::playing_tls(config, format!("{begin}-- tls\n-- hold\n"));
    let error = A::connect(server.connect_to(host, security, tls)).unwrap_err();
    server.done();
    assert!(matches!(error.cause(), Cause::Handshake(_)) && error.kind() == ErrorKind::Tls, "{error:?}");
    (told(&error), TlsFailure::of(&error).unwrap().clone())
}

/// Returns why TLS could not be set up.
fn cannot(error: &crate::Error) -> &TlsError {
    std::error::Error::source(error).unwrap().downcast_ref().unwrap()
}

fn refused_in_both<A: Adapter>(host: &str, tls: &Tls, config: &Arc<ServerConfig>) -> (String, TlsFailure) {
    let [one, other] = BOTH.map(|(security, _)| refused::<A>(host, security, tls.clone(), config));
    assert_eq!(one.0, other.0);
    one
}

pub fn a_certificate_is_valid_for_a_name_or_an_address<A: Adapter>() {
    let authority = Authority::new();
    for host in ["localhost", "127.0.0.1"] {
        let config = authority.issue(valid_for(&[host])).server();
        for (security, login) in [(Security::Tls, format!("-- tls\n{LOGIN}")), (Security::StartTls, STLS_LOGIN.into())]
        {
            let server = Peer::playing_tls(&config, login + "C: QUIT\nS: +OK\n");
            A::connect(server.connect_to(host, security, authority.trusted())).unwrap().quit().unwrap();
            server.done();
        }
    }
    // As a file has it.
    let server =
        Peer::playing_tls(&authority.issue(valid_for(&["localhost"])).server(), format!("-- tls\n{LOGIN}-- hold\n"));
    let tls = Tls::new().root_pem(authority.pem().as_bytes()).unwrap();
    drop(A::connect(server.connect_to("localhost", Security::Tls, tls)).unwrap());
    server.done();
}

pub fn a14_a_certificate_for_another_name_is_refused<A: Adapter>() {
    let authority = Authority::new();
    let names = ["pop.example.org", "*.example.com", "192.0.2.1"];
    let config = authority.issue(valid_for(&names)).server();
    let (says, failure) = refused_in_both::<A>("localhost", &authority.trusted(), &config);
    let begin = "TLS failed, nothing secret was sent: the server's certificate is not for localhost, but for \
                 pop.example.org, *.example.com, 192.0.2.1; its SHA-256 fingerprint is ";
    assert!(says.starts_with(begin), "{says}");
    assert!(failure.is_certificate() && !failure.is_unknown_authority());

    // An address is no name, and a name no address.
    let config = authority.issue(valid_for(&["localhost"])).server();
    let (says, _) = refused_in_both::<A>("127.0.0.1", &authority.trusted(), &config);
    assert!(says.contains("is not for 127.0.0.1, but for localhost; its SHA-256"), "{says}");
    let config = authority.issue(valid_for(&["127.0.0.1"])).server();
    let (says, _) = refused_in_both::<A>("localhost", &authority.trusted(), &config);
    assert!(says.contains("is not for localhost, but for 127.0.0.1; its SHA-256"), "{says}");
    let config = authority.issue(valid_for(&[])).server();
    let (says, _) = refused_in_both::<A>("localhost", &authority.trusted(), &config);
    assert!(says.contains("is not valid for any host: it has no subject alternative name; its SHA-256"), "{says}");

    let many: Vec<String> = (1..=8).map(|n| format!("n{n}.example.org")).collect();
    let config = authority.issue(valid_for(&many.iter().map(String::as_str).collect::<Vec<_>>())).server();
    let (says, _) = refused_in_both::<A>("localhost", &authority.trusted(), &config);
    assert!(says.contains("n4.example.org, n5.example.org and 3 more; its SHA-256"), "{says}");
}

pub fn a_certificate_out_of_date_is_refused<A: Adapter>() {
    let authority = Authority::new();
    let at = |from, to| {
        let mut params = valid_for(&["localhost"]);
        (params.not_before, params.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(to, 1, 1));
        authority.issue(params).server()
    };
    let (says, failure) = refused_in_both::<A>("localhost", &authority.trusted(), &at(1990, 2000));
    let days = says.strip_prefix("TLS failed, nothing secret was sent: the server's certificate expired ").unwrap();
    let days: u32 = days.split_once(" days ago; its SHA-256").unwrap().0.parse().unwrap();
    assert!(days > 9_000 && failure.is_certificate());

    let (says, failure) = refused_in_both::<A>("localhost", &authority.trusted(), &at(2900, 2999));
    assert!(says.contains("the server's certificate will be valid in "), "{says}");
    assert!(says.ends_with(" days; is the clock right?") && failure.is_certificate(), "{says}");
}

pub fn a14_an_unknown_authority_is_refused<A: Adapter>() {
    let (theirs, other) = (Authority::new(), Authority::new());
    let config = theirs.issue(valid_for(&["localhost"])).server();
    // The other one is trusted, and no better for it.
    for tls in [other.trusted(), other.trusted().root_pem(Authority::new().pem().as_bytes()).unwrap()] {
        let (says, failure) = refused_in_both::<A>("localhost", &tls, &config);
        assert!(says.contains("the server's certificate is not signed by a trusted authority; its SHA-256"), "{says}");
        assert!(failure.is_unknown_authority());
    }

    let [ours, impostor] = ["the same name"; 2].map(Authority::named);
    let config = impostor.issue(valid_for(&["localhost"])).server();
    let (says, failure) = refused_in_both::<A>("localhost", &ours.trusted(), &config);
    assert!(says.contains("the server's certificate names a trusted authority, but is not signed by it"), "{says}");
    assert!(failure.is_certificate());

    let signed_by_itself = |params: CertificateParams| {
        let key = rcgen::KeyPair::generate().unwrap();
        Leaf { certificate: params.self_signed(&key).unwrap(), key }.server()
    };
    let (says, failure) =
        refused_in_both::<A>("localhost", &other.trusted(), &signed_by_itself(valid_for(&["localhost"])));
    assert!(says.contains("the server's certificate is not signed by a trusted authority; its SHA-256"), "{says}");
    assert!(failure.is_unknown_authority());
    let mut params = valid_for(&["localhost"]);
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let (says, failure) = refused_in_both::<A>("localhost", &other.trusted(), &signed_by_itself(params));
    assert!(says.contains("the server presented an authority's certificate as its own"), "{says}");
    assert!(failure.is_certificate() && !failure.is_unknown_authority());
}

/// A reader who takes the NUL for the end sees another name.
pub fn a14_a_name_with_a_nul_is_refused<A: Adapter>() {
    let authority = Authority::new();
    for name in ["localhost\0.example.org", "localhost\0", "\0localhost"] {
        let mut params = valid_for(&[]);
        params.subject_alt_names.push(rcgen::SanType::DnsName(name.try_into().unwrap()));
        let (says, failure) =
            refused_in_both::<A>("localhost", &authority.trusted(), &authority.issue(params).server());
        assert!(says.starts_with("TLS failed, nothing secret was sent: ") && !says.contains('\0'), "{says:?}");
        assert!(!failure.is_unknown_authority(), "{says}");
    }
    // A common name counts for nothing: only what is meant as a name does.
    let mut params = valid_for(&["pop.example.org"]);
    params.distinguished_name.push(rcgen::DnType::CommonName, "localhost");
    let (says, _) = refused_in_both::<A>("localhost", &authority.trusted(), &authority.issue(params).server());
    assert!(says.contains("is not for localhost, but for pop.example.org; its SHA-256"), "{says}");
}

pub fn a_client_certificate<A: Adapter>() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let config = clients.demanded(&servers.issue(valid_for(&["localhost"])));
    let ours = clients.issue(valid_for(&["mrose"]));
    let tls = servers.trusted().identity(ours.chain(), ours.key()).unwrap();
    for (security, login) in [(Security::Tls, format!("-- tls\n{LOGIN}")), (Security::StartTls, STLS_LOGIN.into())] {
        let server = Peer::playing_tls(&config, login + "C: QUIT\nS: +OK\n");
        A::connect(server.connect_to("localhost", security, tls.clone())).unwrap().quit().unwrap();
        server.done();
    }

    // Inside TLS 1.3 the server learns of it last, when the handshake is done for us.
    let strangers = Authority::new().issue(valid_for(&["mrose"]));
    let stranger = servers.trusted().identity(strangers.chain(), strangers.key()).unwrap();
    for (tls, says) in [
        (servers.trusted(), "the server requires a client certificate"),
        (stranger, "the server did not accept the client certificate, or requires one"),
    ] {
        let server = Peer::playing_tls(&config, "-- tls\n-- hold\n");
        let error = A::connect(server.connect_to("localhost", Security::Tls, tls)).unwrap_err();
        assert_eq!(told(&error), format!("reading the greeting failed: the connection failed: {says}"));
        server.done();
    }
}

/// The only way to accept anything.
#[derive(Debug)]
struct Gullible(WebPkiSupportedAlgorithms);

impl ServerCertVerifier for Gullible {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, RustlsError> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, RustlsError> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, RustlsError> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}

pub fn own_tls_settings_may_accept_any_certificate<A: Adapter>() {
    let provider = Arc::new(ring::default_provider());
    let verifier = Arc::new(Gullible(provider.signature_verification_algorithms));
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let anything = builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    let config = Authority::new().issue(valid_for(&["pop.example.org"])).server();
    let server = Peer::playing_tls(&config, format!("-- tls\n{LOGIN}C: QUIT\nS: +OK\n"));
    A::connect(server.connect_to("localhost", Security::Tls, Arc::new(anything))).unwrap().quit().unwrap();
    server.done();
}

/// With the authorities of this machine.
pub fn own_tls_settings_are_used_unchanged() {
    let authority = Authority::new();
    let ours = authority.issue(valid_for(&["mrose"]));
    let with_identity = Tls::new().identity(ours.chain(), ours.key()).unwrap();
    let with_both = authority.trusted().root_pem(Authority::new().pem().as_bytes()).unwrap();
    for tls in [Tls::new(), with_identity, authority.trusted(), with_both] {
        let config = client_config(&tls).unwrap();
        assert_eq!(config.alpn_protocols, [b"pop3"]);
        let own = Tls::from(Arc::clone(&config));
        assert!(Arc::ptr_eq(&config, &client_config(&own).unwrap()), "as they are");
        assert_eq!(client_config(&own.root_pem(authority.pem().as_bytes()).unwrap()).unwrap_err(), TlsError::Own);
    }
    assert!(matches!(client_config(&Tls::new().root(*b"no DER")), Err(TlsError::Root(_))));
}

pub fn invalid_tls_settings_open_no_connection<A: Adapter>() {
    let server = Peer::new(|mut stream| assert_eq!(crate::testing::peer::rest(&mut stream), ""));
    for security in [Security::Tls, Security::StartTls] {
        let error = A::connect(server.connect_to("m\u{fc}hle", security, Tls::new())).unwrap_err();
        assert!(matches!(error.cause(), Cause::Settings(SettingsError::Tls(_))), "{error:?}");
        assert!(matches!(cannot(&error), TlsError::Name(_)), "{error:?}");
        let error = A::connect(server.connect_to("localhost", security, Tls::new().root(*b"no DER"))).unwrap_err();
        assert!(matches!(error.cause(), Cause::Settings(SettingsError::Tls(_))), "{error:?}");
        assert!(matches!(cannot(&error), TlsError::Root(_)), "{error:?}");
        assert!(told(&error).starts_with("TLS could not be configured: the certificate of the authority"), "{error}");
    }
    drop(std::net::TcpStream::connect(server.address).unwrap());
    server.done();
}
