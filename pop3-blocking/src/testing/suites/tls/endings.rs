//! The end of TLS: with or without `close_notify`, in the middle of an answer or after the last one.

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::sync::Arc;

use crate::{Cause, Connect, Error, QuitError, Security};
use pop3_proto::tls::rustls::ServerConfig;

use super::super::adapter::{Adapter, Connection as _, Messages as _, Reader, Session as _};
use crate::testing::authority::{Authority, valid_for};
use crate::testing::peer::{LOGIN, Peer, rest, say};
use crate::testing::tls::{Encrypted, encrypt};
use crate::testing::told;

fn server() -> (Authority, Arc<ServerConfig>) {
    let authority = Authority::new();
    let config = authority.issue(valid_for(&["127.0.0.1"])).server();
    (authority, config)
}

/// The way in which TLS is ended.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    /// Closes TLS, and then the connection.
    Close,
    /// Closes the connection only.
    Eof,
}

fn end(mut stream: Encrypted, how: End) {
    if how == End::Close {
        stream.conn.send_close_notify();
        stream.flush().unwrap();
    }
    // A client that has given up already may be gone.
    let _ = stream.sock.shutdown(Shutdown::Write);
    rest(&mut stream.sock);
}

const SCRIPT: &str = "
S: +OK ready
C: CAPA
S: -ERR what?
C: USER mrose
S: +OK
C: PASS tanstaaf
S: +OK
C: UIDL
S: +OK
S: 1 one
S: 2 two
S: .
C: RETR 1
S: +OK
S: Subject: cut
S: 
S: ..
S: .
C: DELE 1
S: +OK
C: QUIT
S: +OK bye
";

/// Plays the script until the server has said so many octets.
fn cut(stream: &mut Encrypted, octets: usize) {
    let mut left = octets;
    for line in SCRIPT.lines() {
        let Some(said) = line.strip_prefix("S: ") else {
            say(stream, line);
            continue;
        };
        let said = format!("{said}\r\n");
        stream.write_all(&said.as_bytes()[..said.len().min(left)]).unwrap();
        left = left.saturating_sub(said.len());
        if left == 0 {
            return;
        }
    }
}

/// The last step that a client completed.
#[derive(Debug, PartialEq)]
enum Came {
    Nowhere,
    LoggedIn,
    Listed,
    Retrieved,
    Deleted,
    Quit,
}

fn session<A: Adapter>(to: Connect) -> (Came, Option<Error>) {
    let mut session = match A::connect(to) {
        Ok(session) => session,
        Err(error) => {
            assert!(error.login().is_none(), "{error:?}");
            return (Came::Nowhere, Some(error));
        }
    };
    match session.uidl() {
        Ok(all) => assert_eq!(all.len(), 2, "a part of a listing is none"),
        Err(error) => return (Came::LoggedIn, Some(error)),
    }
    match session.retrieve(1).and_then(Reader::into_message) {
        Ok(message) => assert_eq!(message.as_bytes(), b"Subject: cut\r\n\r\n.\r\n"),
        Err(error) => return (Came::Listed, Some(error)),
    }
    if let Err(error) = session.delete(1) {
        return (Came::Retrieved, Some(error));
    }
    match session.quit() {
        Ok(()) => (Came::Quit, None),
        Err(QuitError::Unknown(error) | QuitError::NotSent(error)) => (Came::Deleted, Some(error)),
        Err(error) => panic!("{error:?}"),
    }
}

/// An answer that was cut short is never taken for whole, wherever and in whichever way the server ends TLS.
pub fn a15_a_connection_cut_at_every_octet_is_an_error<A: Adapter>() {
    let (authority, config) = server();
    // The number of octets in all answers.
    let whole: usize = SCRIPT.lines().filter_map(|line| line.strip_prefix("S: ")).map(|said| said.len() + 2).sum();
    let tls = crate::Tls::from(crate::client_config(&authority.trusted()).unwrap());
    let mut reached = Vec::new();
    for octets in 0..=whole {
        for how in [End::Close, End::Eof] {
            let server = Peer::encrypted(&config, "", move |mut stream| {
                cut(&mut stream, octets);
                end(stream, how);
            });
            let (came, error) = session::<A>(server.connect_tls(Security::Tls, tls.clone()));
            server.done();
            match &error {
                None => assert_eq!((&came, octets), (&Came::Quit, whole)),
                Some(error) => {
                    // Between an answer and the next command it depends on who is faster.
                    let idle = matches!(error.cause(), Cause::ClosedWhileIdle(_));
                    assert!(error.is_truncated() || idle, "{octets} {how:?} {error:?}");
                    assert!(!error.is_recoverable() && octets < whole, "{octets} {how:?} {error:?}");
                }
            }
            reached.push(came);
        }
    }
    reached.dedup();
    let all = [Came::Nowhere, Came::LoggedIn, Came::Listed, Came::Retrieved, Came::Deleted, Came::Quit];
    assert_eq!(reached, all, "in order");
}

/// A server that closes an idle connection is heard before the next command, with its last words or without.
pub fn a_server_may_close_an_idle_connection<A: Adapter>() {
    let (authority, config) = server();
    for words in ["", "S: -ERR Autologout; idle for too long\n"] {
        for how in [End::Close, End::Eof] {
            let script = format!("{LOGIN}C: NOOP\nS: +OK\nC: NOOP\nS: +OK\n{words}");
            let (said, done) = std::sync::mpsc::channel();
            let server = Peer::encrypted(&config, script, move |mut stream| {
                if how == End::Close {
                    stream.conn.send_close_notify();
                    stream.flush().unwrap();
                }
                stream.sock.shutdown(Shutdown::Write).unwrap();
                said.send(()).unwrap();
                let _ = rest(&mut stream.sock);
            });
            let mut session = A::connect(server.connect_tls(Security::Tls, authority.trusted())).unwrap();
            session.noop().unwrap();
            session.noop().unwrap();
            done.recv().unwrap();
            let error = session.stat().unwrap_err();
            assert!(matches!(error.cause(), Cause::ClosedWhileIdle(_)), "{error:?}");
            assert_eq!(error.to_string().contains("Autologout"), !words.is_empty(), "{error}");
            drop(session);
            server.done();
        }
    }
}

/// Octets that are not TLS, or no longer, are an error of the transport: neither an end nor an answer.
pub fn a_bad_record_is_an_error<A: Adapter>() {
    let (authority, config) = server();
    for (record, says) in [
        (&b"\x17\x03\x03\0\x20abcdefghijklmnopqrstuvwxyzabcdef"[..], "cannot decrypt peer's message"),
        (b"+OK 1 100\r\n", "the server did not answer with TLS; it may speak plaintext on this port"),
    ] {
        let server = Peer::encrypted(&config, format!("{LOGIN}C: STAT\n"), |mut stream| {
            stream.write_all(b"+OK 1").unwrap();
            stream.sock.write_all(record).unwrap();
            rest(&mut stream.sock);
        });
        let mut session = A::connect(server.connect_tls(Security::Tls, authority.trusted())).unwrap();
        let error = session.stat().unwrap_err();
        assert_eq!(told(&error), format!("STAT failed: the connection failed: {says}"));
        assert!(matches!(error.cause(), Cause::Transport(_)) && error.kind() == crate::ErrorKind::Tls);
        assert!(session.noop().is_err());
        drop(session);
        server.done();
    }
}

/// The reason why TLS failed is reported even if a write notices it, and after the octets that came before it.
pub fn a_bad_record_is_noticed_before_the_next_command<A: Adapter>() {
    let (authority, config) = server();
    let server = Peer::encrypted(&config, format!("{LOGIN}C: RETR 1\n"), |mut stream| {
        // In one piece, so that the client has both when it reads.
        let mut records = Vec::new();
        stream.conn.writer().write_all(b"+OK\r\nwhole\r\n.\r\n").unwrap();
        while stream.conn.wants_write() {
            stream.conn.write_tls(&mut records).unwrap();
        }
        records.extend(b"+OK 1 100\r\n");
        stream.sock.write_all(&records).unwrap();
        rest(&mut stream.sock);
    });
    let mut session = A::connect(server.connect_tls(Security::Tls, authority.trusted())).unwrap();
    let mut messages = session.retrieve_many([1, 2]);
    let mut message = messages.next().unwrap().unwrap();
    let mut octets = Vec::new();
    message.read_to_end(&mut octets).unwrap();
    assert_eq!(octets, b"whole\r\n");
    drop(message);
    let error = messages.next().unwrap_err();
    assert_eq!(
        told(&error),
        "RETR 2 failed: the connection failed: the server did not answer with TLS; it may speak plaintext on this port"
    );
    drop(messages);
    drop(session);
    server.done();
}

/// Returns how the client ended TLS: with its close or without.
fn ended(stream: &mut Encrypted) -> End {
    match stream.read(&mut [0; 64]) {
        Ok(0) => End::Close,
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => End::Eof,
        other => panic!("{other:?}"),
    }
}

/// The end of a session by the client.
enum Way {
    Quit,
    Drop,
    Abandon,
}

pub fn the_client_closes_tls<A: Adapter>() {
    let (authority, config) = server();
    for (script, way) in [("C: QUIT\nS: +OK\n", Way::Quit), ("", Way::Drop), ("", Way::Abandon)] {
        let server = Peer::encrypted(&config, format!("{LOGIN}{script}"), |mut stream| {
            assert_eq!(ended(&mut stream), End::Close);
        });
        let session = A::connect(server.connect_tls(Security::Tls, authority.trusted())).unwrap();
        match way {
            Way::Quit => session.quit().unwrap(),
            Way::Drop => drop(session),
            Way::Abandon => session.abandon(),
        }
        server.done();
    }
}

/// A stream of one's own might block, so that TLS on it is closed by QUIT alone.
pub fn only_quit_closes_tls_on_the_callers_stream<A: Adapter>() {
    let (authority, config) = server();
    for quits in [true, false] {
        let config = Arc::clone(&config);
        let server = Peer::new(move |stream| {
            let mut stream = encrypt(stream, &config).unwrap();
            say(&mut stream, "S: +OK ready\n");
            if quits {
                say(&mut stream, "C: QUIT\nS: +OK\n");
            }
            assert_eq!(ended(&mut stream), if quits { End::Close } else { End::Eof });
        });
        let stream = std::net::TcpStream::connect(server.address).unwrap();
        let connection = A::over(stream, server.connect_tls(Security::Tls, authority.trusted())).unwrap();
        if quits {
            connection.quit().unwrap();
        } else {
            drop(connection);
        }
        server.done();
    }
}
