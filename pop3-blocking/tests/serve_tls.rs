//! The embedded server with TLS, and a client that has only `rustls` and lines.
#![cfg(feature = "tls")]

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use pop3_blocking::pop3_proto::ServerConfig;
use pop3_blocking::pop3_proto::serve::MailStore;
use pop3_blocking::pop3_proto::tls::rustls::{self, version};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion};

type Inside = BufReader<StreamOwned<ClientConnection, TcpStream>>;

const IMPLICIT: ServerConfig = ServerConfig::new().inside_tls(true);
const STLS: ServerConfig = ServerConfig::new();

/// One server for one connection after the other, and how each of them ended.
struct Server {
    store: MailStore,
    listener: TcpListener,
    config: ServerConfig,
    tls: Arc<rustls::ServerConfig>,
    trusts: RootCertStore,
}

/// One connection's server.
struct Ending(mpsc::Receiver<std::io::Result<()>>);

impl Ending {
    fn get(&self) -> std::io::Result<()> {
        self.0.recv_timeout(Duration::from_secs(60)).expect("the session ends")
    }
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
        let tls = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let tls = tls.with_no_client_auth().with_single_cert(vec![cert.der().clone()], key).unwrap();
        let mut trusts = RootCertStore::empty();
        trusts.add(cert.der().clone()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        Server { store, listener, config, tls: Arc::new(tls), trusts }
    }

    fn dial(&self) -> (TcpStream, Ending) {
        let stream = TcpStream::connect(self.listener.local_addr().unwrap()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let (theirs, _) = self.listener.accept().unwrap();
        let (maildrop, config, tls) = (self.store.maildrop(), self.config, Arc::clone(&self.tls));
        let (ended, ending) = mpsc::channel();
        thread::spawn(move || ended.send(pop3_blocking::serve_tls(theirs, maildrop, config, tls)));
        (stream, Ending(ending))
    }

    fn client(&self, version: &'static SupportedProtocolVersion) -> ClientConnection {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(&[version]).unwrap();
        let config = config.with_root_certificates(self.trusts.clone()).with_no_client_auth();
        ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap()
    }

    fn secure(&self, stream: TcpStream) -> Inside {
        BufReader::new(StreamOwned::new(self.client(&version::TLS13), stream))
    }

    fn is_untouched(&self) -> bool {
        use pop3_blocking::pop3_proto::serve::{LoginAttempt, Maildrop as _};
        let free = self.store.maildrop().login(LoginAttempt::Password { user: "u", password: "pw" }).is_ok();
        free && self.store.messages("u").len() == 2
    }
}

/// Says a line and reads one.
fn ask(stream: &mut BufReader<impl Read + Write>, line: &str) -> String {
    write!(stream.get_mut(), "{line}\r\n").unwrap();
    stream.get_mut().flush().unwrap();
    read(stream)
}

fn read(stream: &mut impl BufRead) -> String {
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    line
}

fn capabilities(stream: &mut BufReader<impl Read + Write>) -> Vec<String> {
    assert!(ask(stream, "CAPA").starts_with("+OK"));
    std::iter::repeat_with(|| read(stream).trim_end().to_owned()).take_while(|line| line != ".").collect()
}

fn has(capabilities: &[String], line: &str) -> bool {
    capabilities.iter().any(|capability| capability == line)
}

/// Up to the `+OK` to STLS.
fn begin_stls(stream: &TcpStream, before: &str) {
    let mut lines = BufReader::with_capacity(1, stream);
    assert!(read(&mut lines).starts_with("+OK "));
    for line in before.split_terminator('\n') {
        assert!(ask_plainly(&mut lines, line).starts_with("+OK"));
    }
    assert_eq!(ask_plainly(&mut lines, "STLS"), "+OK begin TLS\r\n");
}

fn ask_plainly(lines: &mut BufReader<&TcpStream>, line: &str) -> String {
    lines.get_mut().write_all(format!("{line}\r\n").as_bytes()).unwrap();
    read(lines)
}

#[test]
fn v38_tls_from_the_beginning() {
    let server = Server::new(IMPLICIT);
    let (stream, ending) = server.dial();
    let mut inside = server.secure(stream);
    assert!(read(&mut inside).starts_with("+OK POP3 server ready <"), "the greeting comes inside TLS");
    let known = capabilities(&mut inside);
    assert!(has(&known, "USER") && has(&known, "SASL PLAIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS"), "{known:?}");
    assert!(!has(&known, "STLS") && ask(&mut inside, "STLS").starts_with("-ERR "));
    assert!(ask(&mut inside, "AUTH PLAIN AHUAcHc=").starts_with("+OK "));
    assert_eq!(ask(&mut inside, "RETR 2"), "+OK 5 octets\r\n");
    assert_eq!((read(&mut inside), read(&mut inside)), ("two\r\n".into(), ".\r\n".into()));
    assert!(ask(&mut inside, "DELE 1").starts_with("+OK "));
    assert!(ask(&mut inside, "QUIT").starts_with("+OK "));
    // TLS is closed as it should be, or this would be an error.
    assert_eq!(inside.read_to_end(&mut Vec::new()).unwrap(), 0);
    ending.get().unwrap();
    assert_eq!(server.store.messages("u").len(), 1);
}

#[test]
fn v35_capabilities_are_correct_before_and_after_stls() {
    let server = Server::new(STLS);
    let (stream, ending) = server.dial();
    let mut lines = BufReader::new(&stream);
    assert!(read(&mut lines).starts_with("+OK POP3 server ready <"));
    write!(lines.get_mut(), "CAPA\r\n").unwrap();
    let known: Vec<_> =
        std::iter::repeat_with(|| read(&mut lines).trim_end().to_owned()).take_while(|line| line != ".").collect();
    assert!(has(&known, "STLS") && has(&known, "SASL SCRAM-SHA-256"), "{known:?}");
    assert!(!has(&known, "USER"), "a password is not for the clear: {known:?}");
    assert!(ask_plainly(&mut lines, "USER u").starts_with("-ERR "));
    assert!(ask_plainly(&mut lines, "AUTH PLAIN AHUAcHc=").starts_with("-ERR "));
    assert_eq!(ask_plainly(&mut lines, "STLS"), "+OK begin TLS\r\n");

    let mut inside = server.secure(stream.try_clone().unwrap());
    let known = capabilities(&mut inside);
    assert!(!has(&known, "STLS") && has(&known, "USER"), "{known:?}");
    assert!(has(&known, "SASL PLAIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS"), "{known:?}");
    assert!(ask(&mut inside, "STLS").starts_with("-ERR "), "once is enough");
    assert!(ask(&mut inside, "USER u").starts_with("+OK ") && ask(&mut inside, "PASS pw").starts_with("+OK "));
    assert!(ask(&mut inside, "STLS").starts_with("-ERR "), "and after the login it is too late");
    assert!(ask(&mut inside, "QUIT").starts_with("+OK "));
    ending.get().unwrap();
}

#[test]
fn stls_comes_before_the_login() {
    let server = Server::new(STLS.plaintext_login(true));
    let (stream, ending) = server.dial();
    let mut lines = BufReader::new(&stream);
    read(&mut lines);
    for (line, answer) in [("USER u", "+OK "), ("PASS pw", "+OK "), ("STLS", "-ERR "), ("QUIT", "+OK ")] {
        assert!(ask_plainly(&mut lines, line).starts_with(answer), "{line}");
    }
    ending.get().unwrap();
}

#[test]
fn g03_a_name_sent_before_stls_is_forgotten() {
    let server = Server::new(STLS.plaintext_login(true));
    let (stream, _ending) = server.dial();
    begin_stls(&stream, "USER u");
    let mut inside = server.secure(stream);
    assert!(ask(&mut inside, "PASS pw").starts_with("-ERR PASS is not permitted"));
    assert!(server.is_untouched());
}

#[test]
fn g01_plaintext_after_stls_is_not_executed() {
    const INJECTED: &str = "USER u\r\nPASS pw\r\nDELE 1\r\nQUIT\r\n";
    let server = Server::new(STLS.plaintext_login(true));

    // In one segment with STLS: there is no TLS.
    for behind in [INJECTED, "\n", "U"] {
        let (mut stream, ending) = server.dial();
        stream.write_all(format!("STLS\r\n{behind}").as_bytes()).unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).unwrap();
        assert!(said.starts_with("+OK ") && said.ends_with(">\r\n+OK begin TLS\r\n"), "{said}");
        ending.get().unwrap();
        assert!(server.is_untouched());
    }

    // The same with the client's first octets of TLS, which a client in a hurry may send: they are not to be told
    // apart.
    let (mut stream, ending) = server.dial();
    let mut hello = b"STLS\r\n".to_vec();
    server.client(&version::TLS13).write_tls(&mut hello).unwrap();
    stream.write_all(&hello).unwrap();
    stream.read_to_string(&mut String::new()).unwrap();
    ending.get().unwrap();

    // Later, when the handshake is due: it fails.
    let (mut stream, ending) = server.dial();
    begin_stls(&stream, "");
    stream.write_all(INJECTED.as_bytes()).unwrap();
    assert_eq!(ending.get().unwrap_err().kind(), ErrorKind::InvalidData);
    assert!(server.is_untouched());

    // And in front of a handshake that is right.
    let (mut stream, ending) = server.dial();
    begin_stls(&stream, "");
    let mut octets = INJECTED.as_bytes().to_vec();
    server.client(&version::TLS13).write_tls(&mut octets).unwrap();
    stream.write_all(&octets).unwrap();
    assert_eq!(ending.get().unwrap_err().kind(), ErrorKind::InvalidData);
    assert!(server.is_untouched());
}

#[test]
fn g02_a_missing_handshake_ends_the_session() {
    for config in [IMPLICIT, STLS] {
        let server = Server::new(config);
        let mut hello = Vec::new();
        server.client(&version::TLS13).write_tls(&mut hello).unwrap();
        for len in [0, 1, 5, hello.len() / 2, hello.len() - 1] {
            let (mut stream, ending) = server.dial();
            if !config.inside_tls {
                begin_stls(&stream, "");
            }
            stream.write_all(&hello[..len]).unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
            assert_eq!(ending.get().unwrap_err().kind(), ErrorKind::UnexpectedEof, "{len} octets");
        }
        assert!(server.is_untouched());
    }
}

#[test]
fn a_time_out_of_the_stream_ends_the_wait_for_a_handshake() {
    let server = Server::new(IMPLICIT);
    let stream = TcpStream::connect(server.listener.local_addr().unwrap()).unwrap();
    let (theirs, _) = server.listener.accept().unwrap();
    theirs.set_read_timeout(Some(Duration::from_millis(10))).unwrap();
    let ended = pop3_blocking::serve_tls(theirs, server.store.maildrop(), IMPLICIT, Arc::clone(&server.tls));
    assert!(matches!(ended.unwrap_err().kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut));
    drop(stream);
}

#[test]
fn a_handshake_that_fails_ends_the_session() {
    let server = Server::new(STLS);
    let (stream, ending) = server.dial();
    begin_stls(&stream, "");
    // A client that trusts no authority ends the handshake.
    let untrusting = Server { trusts: RootCertStore::empty(), ..Server::new(STLS) };
    let mut inside = untrusting.secure(stream);
    assert!(inside.get_mut().write_all(b"USER u\r\n").and_then(|()| inside.read(&mut [0; 9])).is_err());
    drop(inside);
    ending.get().unwrap_err();
    assert!(server.is_untouched());
}

#[test]
fn v18_a_session_cut_off_inside_tls_removes_nothing() {
    let server = Server::new(STLS);
    for last in ["DELE 2", "QUIT", "QUIT\r"] {
        let (stream, ending) = server.dial();
        begin_stls(&stream, "");
        let mut inside = server.secure(stream.try_clone().unwrap());
        for line in ["USER u", "PASS pw", "DELE 1"] {
            assert!(ask(&mut inside, line).starts_with("+OK "));
        }
        inside.get_mut().write_all(last.as_bytes()).unwrap();
        inside.get_mut().flush().unwrap();
        // Without a word of TLS.
        stream.shutdown(Shutdown::Both).unwrap();
        ending.get().unwrap();
        assert!(server.is_untouched(), "{last:?}");
    }
}

#[test]
fn v39_tls_1_2_offers_no_channel_binding() {
    let server = Server::new(IMPLICIT);
    let (stream, ending) = server.dial();
    let mut inside = BufReader::new(StreamOwned::new(server.client(&version::TLS12), stream));
    read(&mut inside);
    let known = capabilities(&mut inside);
    assert!(has(&known, "SASL PLAIN SCRAM-SHA-256"), "{known:?}");
    assert!(ask(&mut inside, "QUIT").starts_with("+OK "));
    ending.get().unwrap();
}

#[test]
fn without_tls_there_is_no_stls() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (theirs, _) = listener.accept().unwrap();
    stream.write_all(b"STLS\r\n").unwrap();
    let config = ServerConfig::new().stls(true);
    let ended = pop3_blocking::serve(theirs, MailStore::new().maildrop(), config);
    assert_eq!(ended.unwrap_err().kind(), ErrorKind::Unsupported);
}
