//! The settings of TLS, handshakes that any judge or any octets end, and the errors that explain why.
#![no_main]

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::str;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use pop3_proto::drive::Conversation;
use pop3_proto::tls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use pop3_proto::tls::rustls::pki_types::pem::PemObject;
use pop3_proto::tls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use pop3_proto::tls::rustls::{
    self, CertificateError, ClientConnection, DigitallySignedStruct, OtherError, ServerConfig, ServerConnection,
    SignatureScheme,
};
use pop3_proto::tls::{Fingerprint, Tls, TlsFailure, channel_binding, established, explain, server_name};
use pop3_proto::{Cause, Config, Error};

/// A self-signed certificate for `pop.example.org`, with its key. Nothing trusts it.
const IDENTITY: &[u8] = include_bytes!("../src/identity.pem");
const HOST: &str = "pop.example.org";
/// Its SHA-256 and that of its public key, as `openssl` computes them.
const CERTIFICATE: &str = "42a928c4504d8fda4dd64b3e9815bbfb63484ae2aa6e236cc9532b8eb273da58";
const KEY: &str = "ebd77f42163eac232434068c8ccc21a8b042ea008e45ea5092b08ba7c5a4f17a";

fuzz_target!(|input: &[u8]| {
    let Some((&what, octets)) = input.split_first() else { return };
    match what {
        b'f' => fingerprint(octets),
        b'h' => host(octets),
        b'm' => pem(octets),
        b'p' => pins(octets),
        b'j' => judged(octets),
        _ => answered(octets),
    }
});

/// Checks that a text can be shown in a terminal.
fn shown(text: impl fmt::Display) -> String {
    let text = text.to_string();
    let disturbs = |c: char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    assert!(!text.contains(disturbs), "{text:?}");
    text
}

/// Returns the digits of a fingerprint, if the text is one.
fn digits(text: &str) -> Option<String> {
    let digits = text.replace(':', "").to_ascii_lowercase();
    (digits.len() == 64 && digits.chars().all(|digit| "0123456789abcdef".contains(digit))).then_some(digits)
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect::<Vec<_>>().concat()
}

fn fingerprint(octets: &[u8]) {
    let Ok(text) = str::from_utf8(octets) else { return };
    let parsed = text.parse::<Fingerprint>();
    assert_eq!(parsed.as_ref().ok().map(|pin| hex(pin.as_bytes())), digits(text));
    if let Ok(pin) = parsed {
        assert_eq!(pin.to_string().parse(), Ok(pin));
        assert_eq!(Fingerprint::from(*pin.as_bytes()), pin);
    }
}

fn host(octets: &[u8]) {
    let Ok(text) = str::from_utf8(octets) else { return };
    match server_name(text) {
        Ok(ServerName::IpAddress(address)) => assert_eq!(text.parse(), Ok(IpAddr::from(address))),
        Ok(name) => {
            assert!(text.len() <= 254 && text.parse::<IpAddr>().is_err(), "{text:?}");
            assert!(text.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"-._".contains(&octet)), "{text:?}");
            assert!(!text.contains("..") && !text.starts_with(['.', '-']), "{text:?}");
            assert_eq!(name.to_str(), text);
        }
        Err(error) => {
            assert!(text.parse::<IpAddr>().is_err(), "{text:?}");
            shown(error);
        }
    }
}

/// Reads any octets as certificates and as a key. No text shows a key.
fn pem(octets: &[u8]) {
    let begins = octets.windows(27).filter(|part| part == b"-----BEGIN CERTIFICATE-----").count();
    let [roots, identity] = [Tls::new().root_pem(octets), Tls::new().identity_pem(octets, octets)];
    assert!(begins > 0 || (roots.is_err() && identity.is_err()));
    for tls in [roots, identity] {
        let text = match tls {
            Ok(tls) => {
                let text = format!("{tls:?}");
                let _ = tls.config(|_, _| Ok(Arc::new(Judge(None)))).map_err(shown);
                text
            }
            Err(error) => format!("{error:?} {error}"),
        };
        let lines = octets.split(u8::is_ascii_whitespace).filter(|line| line.len() > 20);
        for line in lines.filter_map(|line| str::from_utf8(line).ok()) {
            assert!(!shown(&text).contains(line), "{text}");
        }
    }
}

/// Accepts a server exactly if one of the pins is that of its certificate or of its key.
fn pins(octets: &[u8]) {
    let Some((&version, texts)) = octets.split_first() else { return };
    let texts: Vec<&str> = texts.split(|&octet| octet == b'\n').filter_map(|text| str::from_utf8(text).ok()).collect();
    let pins: Vec<(Fingerprint, &str)> =
        texts.into_iter().filter_map(|text| Some((text.parse().ok()?, text))).take(4).collect();
    if pins.is_empty() {
        return;
    }
    let is_right = |text: &str| digits(text).is_some_and(|digits| [CERTIFICATE, KEY].contains(&digits.as_str()));
    let tls = pins.iter().fold(Tls::new(), |tls, (pin, _)| tls.pin(*pin));
    let made = tls.config(|_, _| panic!("the platform does not decide about a pin"));
    let mut client = ClientConnection::new(made.expect("pins suffice"), server_name(HOST).expect("it is a name"))
        .expect("the settings are complete");
    let mut server = ServerConnection::new(self::server(version)).expect("the settings are complete");
    let result = shake_hands(&mut client, &mut server);
    assert_eq!(result.is_ok(), pins.iter().any(|(_, text)| is_right(text)));
    match result {
        Ok(()) => complete(&client, &server, version),
        Err(error) => {
            let failure = failure(&error);
            assert!(shown(&failure).contains("is not the pinned one"), "{failure}");
            assert!(failure.is_certificate() && !failure.is_unknown_authority() && !failure.is_not_tls());
            assert_eq!(failure.fingerprint().map(|found| hex(found.as_bytes())).as_deref(), Some(CERTIFICATE));
        }
    }
}

/// Explains the error of a platform's verifier, with the fingerprint if a pin would help.
fn judged(octets: &[u8]) {
    let Some((&[version, which], rest)) = octets.split_first_chunk() else { return };
    let (judgement, is_pinnable, beginning) = judgement(which, rest);
    let tls = Tls::new();
    let made = tls.config(|_, _| Ok(Arc::new(Judge(judgement.clone()))));
    let mut client = ClientConnection::new(made.expect("it has a verifier"), server_name(HOST).expect("it is a name"))
        .expect("the settings are complete");
    let mut server = ServerConnection::new(self::server(version)).expect("the settings are complete");
    let result = shake_hands(&mut client, &mut server);
    assert_eq!(result.is_ok(), judgement.is_none());
    let Err(error) = result else { return complete(&client, &server, version) };
    let failure = failure(&error);
    assert!(failure.is_certificate() && !failure.is_not_tls());
    assert_eq!(failure.is_unknown_authority(), judgement == Some(CertificateError::UnknownIssuer));
    assert!(shown(&failure).starts_with(beginning), "{failure}");
    let fingerprint = failure.fingerprint().map(|found| hex(found.as_bytes()));
    assert_eq!(fingerprint.as_deref(), is_pinnable.then_some(CERTIFICATE));
    assert_eq!(failure.to_string().contains("openssl x509"), is_pinnable);
}

/// Returns an error of a verifier, `true` if a pin would help, and how its text begins.
fn judgement(which: u8, rest: &[u8]) -> (Option<CertificateError>, bool, &'static str) {
    let number = |at: usize| u64::from_le_bytes(std::array::from_fn(|octet| *rest.get(8 * at + octet).unwrap_or(&0)));
    let time = |at| UnixTime::since_unix_epoch(Duration::from_secs(number(at)));
    let text = String::from_utf8_lossy(rest);
    let other = |name: &str| CertificateError::Other(OtherError(Arc::new(Named(name.to_owned()))));
    let (error, is_pinnable, beginning) = match which {
        0 => return (None, false, ""),
        1 => (CertificateError::UnknownIssuer, true, "the server's certificate is not signed by a trusted"),
        2 => (CertificateError::BadSignature, true, "the server's certificate names a trusted authority"),
        3 => (CertificateError::Expired, true, "the server's certificate has expired"),
        4 => {
            let error = CertificateError::ExpiredContext { time: time(0), not_after: time(1) };
            (error, true, "the server's certificate expired ")
        }
        5 => (CertificateError::NotValidForName, true, "the server's certificate is not for pop.example.org"),
        6 => {
            let presented: Vec<String> = text.split('\n').map(|name| format!("DnsName({name:?})")).collect();
            let expected = server_name(HOST).expect("it is a name");
            let error = CertificateError::NotValidForNameContext { expected, presented };
            (error, true, "the server's certificate is not for pop.example.org, but for ")
        }
        7 => {
            let expected = server_name(HOST).expect("it is a name");
            let error = CertificateError::NotValidForNameContext { expected, presented: Vec::new() };
            (error, true, "the server's certificate is not valid for any host")
        }
        8 => (CertificateError::NotValidYet, false, "the server's certificate is not valid yet"),
        9 => {
            let error = CertificateError::NotValidYetContext { time: time(0), not_before: time(1) };
            (error, false, "the server's certificate will be valid in ")
        }
        10 => (CertificateError::Revoked, false, "the server's certificate was revoked"),
        11 => (other("CaUsedAsEndEntity"), true, "the server presented an authority's certificate as its own"),
        12 => (other("UnsupportedCertVersion"), false, "the server's certificate has X.509 version 1"),
        13 => {
            let presented: Vec<String> = text.split('\n').map(ToOwned::to_owned).collect();
            let expected = server_name(HOST).expect("it is a name");
            (
                CertificateError::NotValidForNameContext { expected, presented },
                true,
                "the server's certificate is not for",
            )
        }
        _ => (CertificateError::BadEncoding, false, "the server's certificate was not accepted: "),
    };
    (Some(error), is_pinnable, beginning)
}

/// Explains what the client makes of any octets instead of a handshake.
fn answered(octets: &[u8]) {
    let tls = Tls::new();
    let made = tls.config(|_, _| Ok(Arc::new(Judge(None)))).expect("it has a verifier");
    let mut client =
        ClientConnection::new(made, server_name(HOST).expect("it is a name")).expect("the settings are complete");
    let mut rest = octets;
    let result = loop {
        if rest.is_empty() {
            break Ok(());
        }
        client.read_tls(&mut rest).expect("a slice can be read");
        if let Err(error) = client.process_new_packets() {
            break Err(error);
        }
    };
    let Err(error) = result else { return };
    let failure = failure(&error);
    shown(&failure);
    assert_eq!(failure.fingerprint(), None);
    // The types of records are 20 to 24 (RFC 8446, section 5.1; RFC 6520).
    if octets.len() >= 5 && !(20..=24).contains(&octets[0]) {
        assert!(failure.is_not_tls(), "{failure}");
    }
}

/// Passes the octets of both sides on, until neither has any.
fn shake_hands(client: &mut ClientConnection, server: &mut ServerConnection) -> Result<(), rustls::Error> {
    loop {
        let (mut said, mut heard) = (Vec::new(), Vec::new());
        client.write_tls(&mut said).expect("a vector can be written");
        let mut rest = &said[..];
        while !rest.is_empty() {
            server.read_tls(&mut rest).expect("a slice can be read");
            // An error of the server is an alert of the client, which has an error of its own.
            let _ = server.process_new_packets();
        }
        while server.wants_write() {
            server.write_tls(&mut heard).expect("a vector can be written");
        }
        let mut rest = &heard[..];
        while !rest.is_empty() {
            client.read_tls(&mut rest).expect("a slice can be read");
            client.process_new_packets()?;
        }
        if said.is_empty() && heard.is_empty() {
            return Ok(());
        }
    }
}

/// Checks a connection whose handshake is complete.
fn complete(client: &ClientConnection, server: &ServerConnection, version: u8) {
    assert!(!client.is_handshaking() && client.alpn_protocol() == Some(b"pop3"));
    let binding = channel_binding(client);
    assert_eq!(binding.as_deref().map(Vec::len), (version & 1 == 0).then_some(32));
    assert_eq!(binding, channel_binding(server));
    let mut conversation = Conversation::new(Config::default());
    if version & 2 != 0 {
        let plaintext = b"+OK";
        conversation.spare()[..plaintext.len()].copy_from_slice(plaintext);
        conversation.filled(plaintext.len());
    }
    assert_eq!(established(&mut conversation, client).is_ok(), version & 2 == 0);
    assert_eq!(conversation.client().inside_tls(), version & 2 == 0);
}

/// Returns the explanation of an error, found in the error of a call.
fn failure(error: &rustls::Error) -> TlsFailure {
    let name = server_name(HOST).expect("it is a name");
    let explained = explain(io::Error::new(io::ErrorKind::InvalidData, error.clone()), &name);
    let error_of_call = Error::new("the call", Cause::Transport(explained.into()));
    let failure = TlsFailure::of(&error_of_call).expect("the cause is TLS").clone();
    // A judgement that was wrapped to carry the fingerprint is unwrapped again.
    assert!(failure.fingerprint().is_some() || format!("{:?}", failure.error()) == format!("{error:?}"));
    let plain = explain(io::ErrorKind::ConnectionReset.into(), &name);
    assert_eq!(plain.kind(), io::ErrorKind::ConnectionReset);
    assert!(TlsFailure::of(&Error::new("the call", Cause::Transport(plain.into()))).is_none());
    failure
}

/// Returns the settings of the server, with TLS 1.3 or only with TLS 1.2.
fn server(version: u8) -> Arc<ServerConfig> {
    static SERVERS: OnceLock<[Arc<ServerConfig>; 2]> = OnceLock::new();
    let servers = SERVERS.get_or_init(|| {
        [&rustls::version::TLS13, &rustls::version::TLS12].map(|version| {
            let chain = CertificateDer::pem_slice_iter(IDENTITY).map(|der| der.expect("it is a certificate")).collect();
            let key = PrivateKeyDer::from_pem_slice(IDENTITY).expect("it is a key");
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(&[version]);
            let builder = builder.expect("the provider has this version").with_no_client_auth();
            let mut config = builder.with_single_cert(chain, key).expect("the key belongs to the certificate");
            config.alpn_protocols.push(b"pop3".to_vec());
            Arc::new(config)
        })
    });
    Arc::clone(&servers[usize::from(version & 1)])
}

/// A platform's verifier that always judges in the same way.
#[derive(Debug)]
struct Judge(Option<CertificateError>);

impl ServerCertVerifier for Judge {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.0.clone().map_or(Ok(ServerCertVerified::assertion()), |error| Err(error.into()))
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        panic!("the crate verifies the signature itself")
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        panic!("the crate verifies the signature itself")
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        panic!("the crate knows the schemes itself")
    }
}

/// An error of webpki, known by its name.
#[derive(Debug)]
struct Named(String);

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Named {}
