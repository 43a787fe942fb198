//! The embedded server with TLS, and a client that has only `tokio-rustls` and lines.
#![cfg(feature = "tls")]

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use pop3_async::pop3_proto::ServerConfig;
use pop3_async::pop3_proto::serve::{LoginAttempt, MailStore, Maildrop as _};
use pop3_async::pop3_proto::tls::rustls;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, DuplexStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

const IMPLICIT: ServerConfig = ServerConfig::new().inside_tls(true);
const STLS: ServerConfig = ServerConfig::new().plaintext_login(true);

struct Server {
    store: MailStore,
    config: ServerConfig,
    tls: Arc<rustls::ServerConfig>,
    client: Arc<ClientConfig>,
}

impl Server {
    fn new(config: ServerConfig) -> Server {
        let store = MailStore::new();
        store.add_user("u", "pw");
        store.deliver("u", "one\r\n");
        store.deliver("u", "two\r\n");
        let CertifiedKey { cert, key_pair } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key_pair.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider));
        let tls = tls.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let tls = tls.with_single_cert(vec![cert.der().clone()], key).unwrap();
        let mut trusts = RootCertStore::empty();
        trusts.add(cert.der().clone()).unwrap();
        let client = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let client = client.with_root_certificates(trusts).with_no_client_auth();
        Server { store, config, tls: Arc::new(tls), client: Arc::new(client) }
    }

    /// With little room on the way, so that both sides have to wait.
    fn dial(&self) -> (DuplexStream, JoinHandle<io::Result<()>>) {
        let (ours, theirs) = tokio::io::duplex(64);
        let server = pop3_async::serve_tls(theirs, self.store.maildrop(), self.config, Arc::clone(&self.tls));
        (ours, tokio::spawn(server))
    }

    async fn secure(&self, stream: DuplexStream) -> BufReader<TlsStream<DuplexStream>> {
        let connector = TlsConnector::from(Arc::clone(&self.client));
        BufReader::new(connector.connect("localhost".try_into().unwrap(), stream).await.unwrap())
    }

    /// The first octets of a handshake that would be right.
    fn hello(&self) -> Vec<u8> {
        let mut hello = Vec::new();
        let name = "localhost".try_into().unwrap();
        ClientConnection::new(Arc::clone(&self.client), name).unwrap().write_tls(&mut hello).unwrap();
        hello
    }

    fn is_untouched(&self) -> bool {
        let free = self.store.maildrop().login(LoginAttempt::Password { user: "u", password: "pw" }).is_ok();
        free && self.store.messages("u").len() == 2
    }
}

async fn ask<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut BufReader<S>, line: &str) -> String {
    stream.write_all(format!("{line}\r\n").as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    read(stream).await
}

async fn read<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> String {
    let mut line = String::new();
    stream.read_line(&mut line).await.unwrap();
    line
}

async fn capabilities<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut BufReader<S>) -> String {
    let mut all = ask(stream, "CAPA").await;
    while !all.ends_with("\r\n.\r\n") {
        all += &read(stream).await;
    }
    all
}

/// Up to the `+OK` to STLS.
async fn begin_stls(stream: &mut DuplexStream, before: &str) {
    let mut lines = BufReader::with_capacity(1, stream);
    assert!(read(&mut lines).await.starts_with("+OK "));
    for line in before.split_terminator('\n') {
        assert!(ask(&mut lines, line).await.starts_with("+OK"));
    }
    assert_eq!(ask(&mut lines, "STLS").await, "+OK begin TLS\r\n");
}

#[tokio::test]
async fn v38_tls_from_the_beginning() {
    let server = Server::new(IMPLICIT);
    let (stream, ending) = server.dial();
    let mut inside = server.secure(stream).await;
    assert!(read(&mut inside).await.starts_with("+OK POP3 server ready <"), "the greeting comes inside TLS");
    let known = capabilities(&mut inside).await;
    assert!(known.contains("\r\nSASL PLAIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS\r\n"), "{known}");
    assert!(known.contains("\r\nUSER\r\n") && !known.contains("\r\nSTLS\r\n"), "{known}");
    assert!(ask(&mut inside, "AUTH PLAIN AHUAcHc=").await.starts_with("+OK "));
    assert_eq!(ask(&mut inside, "RETR 2").await, "+OK 5 octets\r\n");
    assert_eq!((read(&mut inside).await, read(&mut inside).await), ("two\r\n".into(), ".\r\n".into()));
    assert!(ask(&mut inside, "DELE 1").await.starts_with("+OK "));
    assert!(ask(&mut inside, "QUIT").await.starts_with("+OK "));
    // TLS is closed as it should be, or this would be an error.
    assert_eq!(inside.read_to_end(&mut Vec::new()).await.unwrap(), 0);
    ending.await.unwrap().unwrap();
    assert_eq!(server.store.messages("u").len(), 1);
}

#[tokio::test]
async fn g03_v35_stls_resets_the_session() {
    let server = Server::new(STLS);
    let (mut stream, ending) = server.dial();
    begin_stls(&mut stream, "USER u").await;
    let mut inside = server.secure(stream).await;
    assert!(ask(&mut inside, "PASS pw").await.starts_with("-ERR PASS is not permitted"), "USER is forgotten");
    assert!(ask(&mut inside, "STLS").await.starts_with("-ERR "));
    let known = capabilities(&mut inside).await;
    assert!(!known.contains("STLS") && known.contains("SCRAM-SHA-256-PLUS"), "{known}");
    assert!(ask(&mut inside, "USER u").await.starts_with("+OK "));
    assert!(ask(&mut inside, "PASS pw").await.starts_with("+OK "));
    assert!(ask(&mut inside, "STLS").await.starts_with("-ERR "));
    assert!(ask(&mut inside, "QUIT").await.starts_with("+OK "));
    ending.await.unwrap().unwrap();
}

#[tokio::test]
async fn g01_plaintext_after_stls_is_not_executed() {
    const INJECTED: &str = "USER u\r\nPASS pw\r\nDELE 1\r\nQUIT\r\n";
    let server = Server::new(STLS);
    let hello = server.hello();

    // In one piece with STLS: there is no TLS.
    for behind in [INJECTED.as_bytes(), b"\n", b"U", &hello] {
        let (mut stream, ending) = server.dial();
        let octets = [b"STLS\r\n", behind].concat();
        let fits = octets.len().min(64);
        stream.write_all(&octets[..fits]).await.unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).await.unwrap();
        assert!(said.starts_with("+OK ") && said.ends_with(">\r\n+OK begin TLS\r\n"), "{said}");
        ending.await.unwrap().unwrap();
        assert!(server.is_untouched());
    }

    // Later, when the handshake is due, even in front of one that is right: it fails.
    for behind in [&[][..], &hello] {
        let (mut stream, ending) = server.dial();
        begin_stls(&mut stream, "").await;
        // The server may be gone before all is written.
        let _ = stream.write_all(&[INJECTED.as_bytes(), behind].concat()).await;
        assert_eq!(ending.await.unwrap().unwrap_err().kind(), ErrorKind::InvalidData);
        assert!(server.is_untouched());
    }
}

#[tokio::test]
async fn g02_a_missing_handshake_ends_the_session() {
    for config in [IMPLICIT, STLS] {
        let server = Server::new(config);
        let hello = server.hello();
        for len in [0, 1, 5, hello.len() / 2, hello.len() - 1] {
            let (mut stream, ending) = server.dial();
            if !config.inside_tls {
                begin_stls(&mut stream, "").await;
            }
            stream.write_all(&hello[..len]).await.unwrap();
            stream.shutdown().await.unwrap();
            assert_eq!(ending.await.unwrap().unwrap_err().kind(), ErrorKind::UnexpectedEof, "{len} octets");
        }
        assert!(server.is_untouched());
    }
}

#[tokio::test]
async fn the_wait_for_a_handshake_can_be_dropped() {
    let server = Server::new(IMPLICIT);
    let (mut ours, theirs) = tokio::io::duplex(64);
    let mut waits = Box::pin(pop3_async::serve_tls(theirs, server.store.maildrop(), IMPLICIT, Arc::clone(&server.tls)));
    assert!(matches!(waits.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Pending));
    drop(waits);
    assert_eq!(ours.read(&mut [0; 9]).await.unwrap(), 0, "the stream is closed");
    assert!(server.is_untouched());
}

#[tokio::test]
async fn v18_a_session_cut_off_inside_tls_removes_nothing() {
    let server = Server::new(STLS);
    for last in ["DELE 2", "QUIT", "QUIT\r"] {
        let (mut stream, ending) = server.dial();
        begin_stls(&mut stream, "").await;
        let mut inside = server.secure(stream).await;
        for line in ["USER u", "PASS pw", "DELE 1"] {
            assert!(ask(&mut inside, line).await.starts_with("+OK "));
        }
        inside.write_all(last.as_bytes()).await.unwrap();
        inside.flush().await.unwrap();
        // Without a word of TLS.
        drop(inside);
        ending.await.unwrap().unwrap();
        assert!(server.is_untouched(), "{last:?}");
    }
}

#[tokio::test]
async fn without_tls_there_is_no_stls() {
    let (mut ours, theirs) = tokio::io::duplex(64);
    ours.write_all(b"STLS\r\n").await.unwrap();
    let config = ServerConfig::new().stls(true);
    let ending = tokio::spawn(pop3_async::serve(theirs, MailStore::new().maildrop(), config));
    // It is answered before it turns out.
    let _ = ours.read_to_string(&mut String::new()).await;
    assert_eq!(ending.await.unwrap().unwrap_err().kind(), ErrorKind::Unsupported);
}
