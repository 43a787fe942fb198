//! Plaintext that somebody put after the answer to STLS.

use std::io::{Read, Write};

use crate::{Cause, Security, TlsFailure};
use pop3_proto::Violation;

use super::super::adapter::{Adapter, Session as _};
use crate::testing::authority::{Authority, valid_for};
use crate::testing::peer::{Peer, rest, say};

const BEGIN: &str = "S: +OK ready\nC: CAPA\nS: +OK\nS: STLS\nS: .\nC: STLS\n";
const TAIL: &[u8] = b"+OK\r\nSASL PLAIN\r\n.\r\n";

/// In one segment with the answer, whole or only begun: there is no handshake at all.
pub fn a01_a02_in_the_same_segment<A: Adapter>() {
    let tls = Authority::new().trusted();
    let tails = (1..=TAIL.len()).map(|octets| &TAIL[..octets]);
    for tail in tails.chain([&b"\r\n"[..], b"\n", b" ", b"-ERR", b"\x16\x03\x03"]) {
        let server = Peer::new(move |mut stream| {
            say(&mut stream, BEGIN);
            stream.write_all(&[b"+OK begin\r\n", tail].concat()).unwrap();
            assert_eq!(rest(&mut stream), "");
        });
        let error = A::connect(server.connect_tls(Security::StartTls, tls.clone())).unwrap_err();
        let Cause::Protocol(broken) = error.cause() else { panic!("{error:?}") };
        assert_eq!(broken.violation(), Violation::PlaintextAfterStls, "{}", tail.escape_ascii());
        server.done();
    }
}

/// In a segment of its own, which the client has read with the answer or not: it is never taken for what was said
/// inside TLS, nor kept for later.
pub fn a01_a02_in_the_next_segment<A: Adapter>() {
    let authority = Authority::new();
    for waits in [false, true] {
        let server = Peer::new(move |mut stream| {
            say(&mut stream, BEGIN);
            stream.write_all(b"+OK begin\r\n").unwrap();
            if waits {
                // The handshake has begun when this comes.
                stream.read_exact(&mut [0]).unwrap();
            }
            stream.write_all(TAIL).unwrap();
            let said = rest(&mut stream);
            assert!(!said.contains("CAPA") && !said.contains("mrose"), "{said}");
        });
        let error = A::connect(server.connect_tls(Security::StartTls, authority.trusted())).unwrap_err();
        match error.cause() {
            Cause::Handshake(_) => assert!(TlsFailure::of(&error).unwrap().is_not_tls()),
            _ => assert!(!waits && error.login().is_none(), "{error:?}"),
        }
        server.done();
    }
}

/// Capabilities from before TLS do not count inside it: neither PIPELINING nor the ways to log in.
pub fn a10_announcements_before_tls_are_forgotten<A: Adapter>() {
    let authority = Authority::new();
    let config = authority.issue(valid_for(&["127.0.0.1"])).server();
    let server = Peer::playing_tls(
        &config,
        "S: +OK ready <1.2@example.org>
C: CAPA
S: +OK
S: STLS
S: USER
S: SASL PLAIN
S: PIPELINING
S: .
C: STLS
S: +OK
-- tls
C: CAPA
S: +OK
S: USER
S: .
C: USER mrose
S: +OK
C: PASS tanstaaf
S: +OK
C: QUIT
S: +OK
",
    );
    A::connect(server.connect_tls(Security::StartTls, authority.trusted())).unwrap().quit().unwrap();
    server.done();
}
