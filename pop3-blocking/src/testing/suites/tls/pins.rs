//! Servers that are identified by the fingerprint of their certificate or key.

use std::sync::Arc;

use crate::{Cause, Fingerprint, Security, Tls, TlsFailure};
use pop3_proto::tls::rustls::crypto::ring;
use pop3_proto::tls::rustls::pki_types::CertificateDer;
use pop3_proto::tls::rustls::pki_types::pem::PemObject;
use pop3_proto::tls::rustls::server::{ClientHello, ResolvesServerCert};
use pop3_proto::tls::rustls::sign::CertifiedKey;
use pop3_proto::tls::rustls::version::{TLS12, TLS13};
use pop3_proto::tls::rustls::{ServerConfig, SupportedProtocolVersion};
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, date_time_ymd};

use super::super::adapter::{Adapter, Session as _};
use crate::testing::authority::{Authority, Leaf, valid_for};
use crate::testing::peer::{LOGIN, Peer};
use crate::testing::tls::STLS_LOGIN;

/// As `openssl req -x509` makes it: signed by itself, as an authority's. And out of date, for another host.
fn signed_by_itself() -> Leaf {
    let mut params = valid_for(&["elsewhere.example.org"]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.not_after = date_time_ymd(2000, 1, 1);
    let key = KeyPair::generate().unwrap();
    Leaf { certificate: params.self_signed(&key).unwrap(), key }
}

fn of_certificate(leaf: &Leaf) -> Fingerprint {
    Fingerprint::of(leaf.certificate.der())
}

/// Shows a certificate, and signs with a key that may be another one.
#[derive(Debug)]
struct Shows(Arc<CertifiedKey>);

impl ResolvesServerCert for Shows {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

fn shows(
    shown: Vec<CertificateDer<'static>>,
    signs: &Leaf,
    version: &'static SupportedProtocolVersion,
) -> Arc<ServerConfig> {
    let provider = ring::default_provider();
    let key = provider.key_provider.load_private_key(signs.key()).unwrap();
    let certified = CertifiedKey::new(shown, key);
    let builder = ServerConfig::builder_with_provider(Arc::new(provider)).with_protocol_versions(&[version]).unwrap();
    Arc::new(builder.with_no_client_auth().with_cert_resolver(Arc::new(Shows(Arc::new(certified)))))
}

fn refused<A: Adapter>(config: &Arc<ServerConfig>, tls: &Tls) -> TlsFailure {
    let server = Peer::playing_tls(config, "-- tls\n-- hold\n");
    let error = A::connect(server.connect_tls(Security::Tls, tls.clone())).unwrap_err();
    server.done();
    assert!(matches!(error.cause(), Cause::Handshake(_)), "{error:?}");
    TlsFailure::of(&error).unwrap().clone()
}

pub fn a_pinned_certificate_or_key_is_judged_by_its_pin_alone<A: Adapter>() {
    let (leaf, other) = (signed_by_itself(), signed_by_itself());
    let of_key = Fingerprint::of(&leaf.key.public_key_der());
    for version in [&TLS12, &TLS13] {
        for pin in [of_certificate(&leaf), of_key] {
            // One more pin does no harm.
            for tls in [Tls::new().pin(pin), Tls::new().pin(of_certificate(&other)).pin(pin)] {
                for (security, login) in
                    [(Security::Tls, format!("-- tls\n{LOGIN}")), (Security::StartTls, STLS_LOGIN.to_owned())]
                {
                    let server = Peer::playing_tls(&leaf.server_of(&[version]), login + "C: QUIT\nS: +OK\n");
                    A::connect(server.connect_tls(security, tls.clone())).unwrap().quit().unwrap();
                    server.done();
                }
            }
        }
    }
}

pub fn another_certificate_is_refused_even_if_its_authority_is_trusted<A: Adapter>() {
    let (pinned, other) = (signed_by_itself(), signed_by_itself());
    let authority = Authority::new();
    let vouched = authority.issue(valid_for(&["127.0.0.1"]));
    let tls = authority.trusted().pin(of_certificate(&pinned));
    for shown in [&other, &vouched] {
        let failure = refused::<A>(&shown.server(), &tls);
        assert_eq!(failure.fingerprint(), Some(of_certificate(shown)));
        let says = failure.to_string();
        assert!(
            says.starts_with("the server's certificate is not the pinned one, so this may be an attack; its SHA-256"),
            "{says}"
        );
        assert!(failure.is_certificate() && !failure.is_unknown_authority());
    }
}

pub fn a_server_without_the_key_is_refused<A: Adapter>() {
    let (pinned, impostor) = (signed_by_itself(), signed_by_itself());
    for version in [&TLS12, &TLS13] {
        for pin in [of_certificate(&pinned), Fingerprint::of(&pinned.key.public_key_der())] {
            let failure = refused::<A>(&shows(pinned.chain(), &impostor, version), &Tls::new().pin(pin));
            assert!(failure.is_certificate(), "{failure}");
            assert_eq!(failure.fingerprint(), None, "it is the pinned one, and no other is to be pinned: {failure}");
            let says = failure.to_string();
            assert!(says.starts_with("the server did not prove that it has the key of its certificate"), "{says}");
            // The same settings accept the real one.
            let server = Peer::playing_tls(
                &shows(pinned.chain(), &pinned, version),
                format!("-- tls\n{LOGIN}C: QUIT\nS: +OK\n"),
            );
            A::connect(server.connect_tls(Security::Tls, Tls::new().pin(pin))).unwrap().quit().unwrap();
            server.done();
        }
    }
}

/// Wherever a pin would help, the fingerprint is told, and how to compare it.
pub fn a_refused_certificate_is_reported_with_its_fingerprint<A: Adapter>() {
    let [authority, namesake] = ["the same name"; 2].map(Authority::named);
    let issued = |names: &[&str], from: i32, to: i32| {
        let mut params = valid_for(names);
        (params.not_before, params.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(to, 1, 1));
        params
    };
    let alone = |mut params: CertificateParams, is_ca: IsCa| {
        params.is_ca = is_ca;
        let key = KeyPair::generate().unwrap();
        Leaf { certificate: params.self_signed(&key).unwrap(), key }
    };
    let good = || issued(&["127.0.0.1"], 2000, 2900);
    let old = || issued(&["127.0.0.1"], 1990, 2000);
    let ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let expired = "the server's certificate expired ";
    for (leaf, says) in [
        (Authority::new().issue(good()), "the server's certificate is not signed by a trusted authority"),
        (namesake.issue(good()), "the server's certificate names a trusted authority, but is not signed by it"),
        (alone(good(), IsCa::NoCa), "the server's certificate is not signed by a trusted authority"),
        (alone(good(), ca.clone()), "the server presented an authority's certificate as its own"),
        // As private servers have it, some years later.
        (alone(old(), IsCa::NoCa), expired),
        (alone(old(), ca), expired),
        (authority.issue(old()), expired),
        (
            authority.issue(issued(&["elsewhere"], 2000, 2900)),
            "the server's certificate is not for 127.0.0.1, but for elsewhere",
        ),
        (authority.issue(issued(&[], 2000, 2900)), "the server's certificate is not valid for any host"),
    ] {
        let failure = refused::<A>(&leaf.server(), &authority.trusted());
        let (said, fingerprint) = (failure.to_string(), of_certificate(&leaf));
        assert!(said.starts_with(says) && failure.is_certificate(), "{said}, and not {says}");
        assert_eq!(failure.fingerprint(), Some(fingerprint), "{said}");
        let advice = format!(
            "; its SHA-256 fingerprint is {fingerprint} (before you pin it, compare it with the output of `openssl x509 \
             -noout -fingerprint -sha256` for the certificate on the server)"
        );
        assert!(said.ends_with(&advice), "{said}");
        // It is true that a pin helps.
        let server = Peer::playing_tls(&leaf.server(), format!("-- tls\n{LOGIN}C: QUIT\nS: +OK\n"));
        A::connect(server.connect_tls(Security::Tls, Tls::new().pin(fingerprint))).unwrap().quit().unwrap();
        server.done();
    }
    // Here the clock is to be looked at, and no pin is needed.
    let failure = refused::<A>(&authority.issue(issued(&["127.0.0.1"], 2900, 2999)).server(), &authority.trusted());
    assert_eq!(failure.fingerprint(), None, "{failure}");
    assert!(failure.to_string().ends_with("; is the clock right?"), "{failure}");
}

/// A certificate whose key cannot be read cannot be pinned either, and an authority cannot help.
pub fn a_certificate_of_version_1<A: Adapter>() {
    let certificate = CertificateDer::from_pem_slice(include_bytes!("version_1.pem")).unwrap();
    let pinned = Tls::new().pin(Fingerprint::of(&certificate));
    for version in [&TLS12, &TLS13] {
        for tls in [&Tls::new(), &pinned] {
            let failure = refused::<A>(&shows(vec![certificate.clone()], &signed_by_itself(), version), tls);
            assert_eq!(
                failure.to_string(),
                "the server's certificate has X.509 version 1; only version 3 is accepted, even with a pin"
            );
            assert!(failure.is_certificate() && !failure.is_unknown_authority());
            assert_eq!(failure.fingerprint(), None);
        }
    }
}
