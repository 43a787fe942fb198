//! TLS, at once and after STLS, with valid and invalid certificates.

use std::net::SocketAddr;

use crate::{Cause, Connect, Credentials, LoginError, Method, Security};
use pop3_proto::tls::{Tls, TlsFailure};

use super::super::adapter::{Adapter, Messages as _, Session as _};
use super::traces::{Log, read, sent};
use super::user::{User, variable};

const BOTH: [Security; 2] = [Security::Tls, Security::StartTls];

fn trusted() -> Tls {
    Tls::new().root_pem(&std::fs::read(variable("POP3_TEST_CA")).unwrap()).unwrap()
}

/// Returns the address at which TLS begins at once.
fn tls_address() -> SocketAddr {
    variable("POP3_TEST_TLS_ADDR").parse().expect("POP3_TEST_TLS_ADDR is not an address")
}

/// The server by another of its names or addresses, each of which has its own certificate.
fn at(host: &str, user: &User, security: Security) -> Connect {
    let connect = user.connect().host(host).security(security).allow_plaintext(false).tls(trusted());
    if security == Security::Tls { connect.port(tls_address().port()) } else { connect }
}

pub fn a_whole_session<A: Adapter>() {
    let large = b"Subject: large\n\n".iter().copied().chain(b"a line of it\n.\n".repeat(50_000)).collect::<Vec<_>>();
    let messages: [&[u8]; 3] = [b"Subject: one\n\n.\n", &large, b"Subject: three\n\nx\n"];
    for security in BOTH {
        for host in ["localhost", "127.0.0.1"] {
            let user = User::with("insidetls", &messages);
            let log = Log::default();
            let mut session = A::connect(at(host, &user, security).log(log.sink())).unwrap();
            assert_eq!(session.list().unwrap().len(), 3);
            let mut batch = session.retrieve_all().unwrap();
            for stored in messages {
                assert!(read(batch.next().unwrap().unwrap()) == sent(stored));
            }
            assert!(batch.next().unwrap().is_none());
            drop(batch);
            assert_eq!(session.delete_many([1, 2]).flatten().count(), 2);
            session.quit().unwrap();
            assert_eq!(user.files(), 1);

            // Capabilities that were received in the clear do not count inside TLS.
            let said = log.said();
            let begin: &[&str] = if security == Security::Tls { &["CAPA"] } else { &["CAPA", "STLS", "CAPA"] };
            assert_eq!(said[..begin.len()], *begin);
            assert!(said[begin.len()].starts_with("AUTH SCRAM-SHA-256 "), "{said:?}");
        }
    }
}

pub fn every_mechanism_inside_tls<A: Adapter>() {
    let user = User::with("mechanismsintls", &[b"Subject: x\n\nbody\n"]);
    let methods = [
        Method::Plain,
        Method::Login,
        Method::UserPass,
        Method::CramMd5,
        Method::ScramSha1,
        Method::ScramSha256,
        Method::Apop,
    ];
    for security in BOTH {
        for method in methods {
            let to = || at("127.0.0.1", &user, security).methods([method]);
            if method == Method::Apop && security == Security::StartTls {
                // Its timestamp was said in the clear.
                let error = A::connect(to()).unwrap_err();
                assert!(matches!(error.login(), Some(LoginError::NotOffered(name)) if name == "APOP"), "{error}");
                continue;
            }
            let mut session = A::connect(to()).unwrap();
            assert_eq!(session.stat().unwrap().messages, 1);
            session.quit().unwrap();
            let log = Log::default();
            let error = A::connect(to().password("wr0ngSecret").log(log.sink())).unwrap_err();
            assert!(matches!(error.login(), Some(LoginError::Credentials(_))), "{method}: {error}");
            assert!(!log.lines().join("\n").contains("wr0ngSecret"));
        }
    }
}

/// Nothing is said inside a TLS that proves nothing, and nothing but STLS before.
pub fn bad_certificates_are_refused<A: Adapter>() {
    let user = User::new("badcertificates");
    for security in BOTH {
        for (host, says) in [
            ("127.0.0.2", "the server's certificate expired "),
            ("127.0.0.3", "the server's certificate is not signed by a trusted authority"),
            ("127.0.0.4", "the server's certificate is not for 127.0.0.4, but for elsewhere.example"),
        ] {
            let log = Log::default();
            let error = A::connect(at(host, &user, security).log(log.sink())).unwrap_err();
            assert_eq!(error.to_string(), "TLS failed, nothing secret was sent");
            let failure = TlsFailure::of(&error).unwrap();
            assert!(failure.to_string().starts_with(says), "{failure}");
            assert!(failure.is_certificate() && failure.is_unknown_authority() == (host == "127.0.0.3"));
            let said: &[&str] = if security == Security::Tls { &[] } else { &["CAPA", "STLS"] };
            assert_eq!(log.said(), said);
        }
        // Nor is the platform's word enough for an authority that only we know of.
        let error = A::connect(at("localhost", &user, security).tls(Tls::new())).unwrap_err();
        assert!(matches!(error.cause(), Cause::Handshake(_)), "{error}");
    }
}

pub fn a_client_certificate<A: Adapter>() {
    let file = |name: &str| std::fs::read(variable(name)).unwrap();
    let name = variable("POP3_TEST_CLIENT_USER");
    let user = User::new("clientcertificate");
    for security in BOTH {
        let tls = trusted().identity_pem(&file("POP3_TEST_CLIENT_CERT"), &file("POP3_TEST_CLIENT_KEY")).unwrap();
        let to = || at("127.0.0.5", &user, security).methods([Method::External]);
        let external = || Credentials::external().acting_for(&name);
        let mut session = A::connect(to().tls(tls).credentials(external())).unwrap();
        session.stat().unwrap();
        session.quit().unwrap();
        // Without it the server does not let anybody in.
        assert!(A::connect(to().credentials(external())).is_err());
    }
}
