//! Handshakes that succeed in unusual ways, and handshakes that never end.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::{Error, LoginError, Method, Security, Tls, TlsFailure, client_config};
use pop3_proto::drive::Timeouts;
use pop3_proto::tls::rustls::version::{TLS12, TLS13};
use pop3_proto::tls::rustls::{HandshakeKind, ServerConnection, StreamOwned};

use super::super::adapter::{Adapter, Reader as _, Session as _};
use crate::testing::authority::{Authority, valid_for};
use crate::testing::peer::{LOGIN, LONG, Peer, TIMEOUT, rest, say};
use crate::testing::tls::STLS_LOGIN;
use crate::testing::told;

/// For what does not come, when nothing that comes has to keep to it.
const LIMIT: Duration = Duration::from_millis(200);
const STLS: &str = "S: +OK ready\nC: CAPA\nS: +OK\nS: STLS\nS: .\nC: STLS\nS: +OK\n";
const BOTH: [(Security, &str); 2] = [(Security::Tls, ""), (Security::StartTls, STLS)];

pub fn tls_1_2_and_1_3_are_accepted<A: Adapter>() {
    let authority = Authority::new();
    for version in [&TLS12, &TLS13] {
        let config = authority.issue(valid_for(&["127.0.0.1"])).server_of(&[version]);
        for (security, login) in [(Security::Tls, format!("-- tls\n{LOGIN}")), (Security::StartTls, STLS_LOGIN.into())]
        {
            let server = Peer::playing_tls(&config, login + "C: STAT\nS: +OK 1 100\nC: QUIT\nS: +OK\n");
            let mut session = A::connect(server.connect_tls(security, authority.trusted())).unwrap();
            assert_eq!(session.stat().unwrap().octets, 100);
            session.quit().unwrap();
            server.done();
        }
    }
}

/// A client that makes its settings once resumes sessions of TLS.
pub fn a_second_connection<A: Adapter>() {
    let authority = Authority::new();
    let config = authority.issue(valid_for(&["127.0.0.1"])).server();
    let tls = Tls::from(client_config(&authority.trusted()).unwrap());
    for kind in [HandshakeKind::Full, HandshakeKind::Resumed] {
        let server = Peer::encrypted(&config, format!("{LOGIN}C: QUIT\nS: +OK\n"), move |stream| {
            assert_eq!(stream.conn.handshake_kind(), Some(kind));
        });
        A::connect(server.connect_tls(Security::Tls, tls.clone())).unwrap().quit().unwrap();
        server.done();
    }
}

/// A stream that sends each octet by itself.
struct Drips(TcpStream);

impl Read for Drips {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        self.0.read(space)
    }
}

impl Write for Drips {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.write(&octets[..octets.len().min(1)])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

pub fn a_handshake_octet_by_octet<A: Adapter>() {
    let authority = Authority::new();
    let config = authority.issue(valid_for(&["127.0.0.1"])).server();
    let server = Peer::new(move |stream| {
        let mut stream = StreamOwned::new(ServerConnection::new(config).unwrap(), Drips(stream));
        say(&mut stream, LOGIN);
        say(&mut stream, "C: RETR 1\nS: +OK\nS: Subject: drops\nS: \nS: .\nC: QUIT\nS: +OK\n");
    });
    let mut session = A::connect(server.connect_tls(Security::Tls, authority.trusted())).unwrap();
    let message = session.retrieve(1).unwrap().into_message().unwrap();
    assert_eq!(message.as_bytes(), b"Subject: drops\r\n\r\n");
    session.quit().unwrap();
    server.done();
}

/// Returns why the handshake failed with a server that begins in the clear, hears the client's hello, and then does
/// `serve`.
fn failure<A: Adapter>(
    security: Security,
    begin: &'static str,
    limits: Timeouts,
    serve: impl FnOnce(TcpStream) + Send + 'static,
) -> (String, Error) {
    let server = Peer::new(move |mut stream| {
        say(&mut stream, begin);
        // All of the hello: octets that nobody has read would make a reset of the end. A client whose time is up before
        // it has said anything has hung up.
        let _ = stream.read(&mut [0; 4096]);
        serve(stream);
    });
    let error = A::connect(server.connect_tls(security, Tls::new()).timeouts(limits)).unwrap_err();
    server.done();
    (told(&error), error)
}

fn patient() -> Timeouts {
    Timeouts::UNLIMITED.each(TIMEOUT)
}

/// Silence instead of a `ServerHello`.
pub fn a08_a_silent_server_times_out<A: Adapter>() {
    let says = "TLS failed, nothing secret was sent: the TLS handshake took longer than 0.2 s";
    for (security, begin) in BOTH {
        let limits = patient().handshake(LIMIT);
        let begun = Instant::now();
        let (said, error) = failure::<A>(security, begin, limits, |mut stream| drop(rest(&mut stream)));
        assert_eq!((&*said, error.kind()), (says, crate::ErrorKind::TimedOut));

        // One octet at a time, of a record that might become one.
        let (said, error) = failure::<A>(security, begin, limits, |mut stream| {
            let record = [&[22, 3, 3, 0x40, 0, 2, 0, 0x3f, 0xfc][..], &[0; 1 << 14]].concat();
            for octet in record {
                if stream.write_all(&[octet]).is_err() {
                    return;
                }
                sleep(Duration::from_millis(5));
            }
            panic!("all of it was taken");
        });
        assert_eq!((&*said, error.kind()), (says, crate::ErrorKind::TimedOut));
        assert!(begun.elapsed() >= 2 * LIMIT && begun.elapsed() < TIMEOUT);

        // Up to STLS the login has to come in time.
        let login = if security == Security::Tls { LIMIT } else { LONG };
        let limits = patient().login(login);
        let (said, _) = failure::<A>(security, begin, limits, |mut stream| drop(rest(&mut stream)));
        let late = format!("the login took too long: more than {} s", login.as_secs_f32());
        assert_eq!(said, format!("TLS failed, nothing secret was sent: {late}"));
    }
}

/// Garbage instead of a `ServerHello`; a server that speaks in the clear where TLS is due, or hangs up.
pub fn a08_a16_a_server_that_does_not_speak_tls<A: Adapter>() {
    let not_tls = "TLS failed, nothing secret was sent: \
                   the server did not answer with TLS; it may speak plaintext on this port";
    for (security, begin) in BOTH {
        for garbage in [
            &b"+OK POP3 server ready\r\n"[..],
            b"-ERR no TLS today\r\n",
            b"+",
            b"\0\0\0\0\0\0\0\0",
            b"HTTP/1.1 400 \r\n",
        ] {
            let (said, error) = failure::<A>(security, begin, patient(), |mut stream| {
                stream.write_all(garbage).unwrap();
                assert!(!rest(&mut stream).contains("tanstaaf"));
            });
            assert_eq!(said, not_tls, "{}", garbage.escape_ascii());
            assert!(TlsFailure::of(&error).unwrap().is_not_tls());
        }
        // The same from one that hangs up at once, so that our alert finds nobody.
        let (said, _) = failure::<A>(security, begin, patient(), |mut stream| {
            stream.write_all(b"-ERR too many connections\r\n").unwrap();
        });
        assert_eq!(said, not_tls);
        // Less than a record's head, or a record of nonsense.
        for (garbage, expected) in [
            (&b""[..], ErrorKind::UnexpectedEof),
            (b"\x16\x03", ErrorKind::UnexpectedEof),
            (b"\x16\x03\x03\0\x04abcd", ErrorKind::InvalidData),
            // "close_notify" and "handshake_failure".
            (b"\x15\x03\x03\0\x02\x01\0", ErrorKind::UnexpectedEof),
            (b"\x15\x03\x03\0\x02\x02\x28", ErrorKind::InvalidData),
        ] {
            let (said, error) = failure::<A>(security, begin, patient(), |mut stream| {
                stream.write_all(garbage).unwrap();
            });
            assert_eq!(error.io().unwrap().kind(), expected, "{}: {said}", garbage.escape_ascii());
        }
    }
}

/// The login can be bound to the TLS that carries it: both ends know the same of it (RFC 9266).
pub fn scram_is_bound_to_the_channel<A: Adapter>() {
    let authority = Authority::new();
    let config = authority.issue(valid_for(&["127.0.0.1"])).server_of(&[&TLS13]);
    for (security, begin) in BOTH {
        let config = Arc::clone(&config);
        let server = Peer::new(move |mut plain| {
            say(&mut plain, begin);
            let mut stream = crate::testing::tls::encrypt(plain, &config).unwrap();
            if security == Security::Tls {
                say(&mut stream, "S: +OK ready");
            }
            say(&mut stream, "C: CAPA\nS: +OK\nS: SASL SCRAM-SHA-256-PLUS\nS: .\n");
            let first = line(&mut stream);
            let first = decode(first.strip_prefix("AUTH SCRAM-SHA-256-PLUS ").unwrap());
            let first = first.strip_prefix("p=tls-exporter,,n=mrose,r=").unwrap();
            let challenge = format!("r={first}3rfcNHYJY1ZVvWVs7j,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
            say(&mut stream, &format!("S: + {}", encode(challenge.as_bytes())));
            let last = decode(&line(&mut stream));
            let mut binding = [0; 32];
            stream.conn.export_keying_material(&mut binding, b"EXPORTER-Channel-Binding", None).unwrap();
            let expected = encode(&[&b"p=tls-exporter,,"[..], &binding].concat());
            assert!(last.starts_with(&format!("c={expected},")), "{last}, and not {expected}");
            say(&mut stream, "S: -ERR enough\nC: QUIT\nS: +OK\n");
        });
        let to = server.connect_tls(security, authority.trusted()).methods([Method::ScramSha256Plus]);
        let error = A::connect(to).unwrap_err();
        assert!(matches!(error.login(), Some(LoginError::Credentials(_))), "{error}");
        server.done();
    }
}

fn line(stream: &mut impl Read) -> String {
    let (mut line, mut octet) = (Vec::new(), [0]);
    while !line.ends_with(b"\r\n") {
        stream.read_exact(&mut octet).unwrap();
        line.extend(octet);
    }
    text(&line).trim_end().to_owned()
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base64 (RFC 4648), by bits.
fn encode(octets: &[u8]) -> String {
    let bits: Vec<String> = octets.iter().map(|octet| format!("{octet:08b}")).collect();
    let groups = bits.concat().into_bytes();
    let digit = |group: &[u8]| DIGITS[usize::from_str_radix(&format!("{:0<6}", text(group)), 2).unwrap()];
    let mut digits: Vec<u8> = groups.chunks(6).map(digit).collect();
    digits.resize(digits.len().next_multiple_of(4), b'=');
    text(&digits).to_owned()
}

fn decode(digits: &str) -> String {
    let value = |digit| DIGITS.iter().position(|&other| other == digit).unwrap();
    let digits = digits.bytes().take_while(|&digit| digit != b'=');
    let bits: Vec<String> = digits.map(|digit| format!("{:06b}", value(digit))).collect();
    let octets = bits.concat().into_bytes();
    octets.chunks_exact(8).map(|octet| char::from(u8::from_str_radix(text(octet), 2).unwrap())).collect()
}

fn text(ascii: &[u8]) -> &str {
    std::str::from_utf8(ascii).unwrap()
}
