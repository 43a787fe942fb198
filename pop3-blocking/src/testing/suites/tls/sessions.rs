//! Whole sessions inside TLS.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use super::super::adapter::{Adapter, Connection as _, Messages as _, Reader as _, Session as _};
use crate::testing::authority::{Authority, valid_for};
use crate::testing::peer::{LOGIN, PIPELINED_LOGIN, Peer, TIMEOUT, rest, say};
use crate::testing::tls::{Encrypted, STLS_LOGIN, encrypt};
use crate::{Cause, Connect, Credentials, LogEntry, LoginError, Security, SettingsError, Timeouts, Tls};
use pop3_proto::tls::rustls::ServerConfig;

fn server() -> (Tls, Arc<ServerConfig>) {
    let authority = Authority::new();
    (authority.trusted(), authority.issue(valid_for(&["127.0.0.1"])).server())
}

fn body(number: u32) -> String {
    format!("Subject: {number}\r\n\r\n{}", format!("a line of message {number}\r\n").repeat(40))
}

/// Answers RETR, one after the other, until there are no more commands.
fn retrieve(stream: Encrypted) {
    let mut stream = BufReader::new(stream);
    let mut command = String::new();
    while stream.read_line(&mut command).unwrap_or(0) > 0 {
        let number = command.trim_end().strip_prefix("RETR ").and_then(|number| number.parse().ok());
        let Some(number) = number else { panic!("{command:?}") };
        stream.get_mut().write_all(format!("+OK\r\n{}.\r\n", body(number)).as_bytes()).unwrap();
        command.clear();
    }
}

pub fn a_message_larger_than_any_buffer<A: Adapter>() {
    const LINES: usize = 200_000;
    let (tls, config) = server();
    let server = Peer::encrypted(&config, format!("{LOGIN}C: RETR 1\nS: +OK\n"), |mut stream| {
        stream.write_all(&b"a line of a message\r\n".repeat(LINES)).unwrap();
        say(&mut stream, "S: .\nC: NOOP\nS: +OK\n-- hold\n");
    });
    let mut session = A::connect(server.connect_tls(Security::Tls, tls)).unwrap();
    let mut lines = session.retrieve(1).unwrap().lines();
    assert!(lines.by_ref().take(LINES).all(|line| line.unwrap() == "a line of a message"));
    assert!(lines.next().is_none());
    drop(lines);
    session.noop().unwrap();
    drop(session);
    server.done();
}

/// New keys are TLS's own affair; so is that the client has to answer with its own.
pub fn the_server_may_change_its_keys<A: Adapter>() {
    let (tls, config) = server();
    let server = Peer::encrypted(&config, format!("{LOGIN}C: RETR 1\nS: +OK\n"), |mut stream| {
        for _ in 0..10 {
            stream.write_all(&b"a line of a message\r\n".repeat(1000)).unwrap();
            stream.conn.refresh_traffic_keys().unwrap();
        }
        say(&mut stream, "S: .\nC: NOOP\n");
        stream.conn.refresh_traffic_keys().unwrap();
        say(&mut stream, "S: +OK\nC: NOOP\nS: +OK\nC: QUIT\nS: +OK\n");
    });
    let mut session = A::connect(server.connect_tls(Security::Tls, tls)).unwrap();
    assert_eq!(session.retrieve(1).unwrap().into_message().unwrap().as_bytes().len(), 210_000);
    session.noop().unwrap();
    session.noop().unwrap();
    session.quit().unwrap();
    server.done();
}

pub fn a_pipelined_batch<A: Adapter>() {
    const MESSAGES: u32 = 2000;
    let (tls, config) = server();
    let server = Peer::encrypted(&config, PIPELINED_LOGIN, retrieve);
    let mut session = A::connect(server.connect_tls(Security::Tls, tls)).unwrap();
    let mut batch = session.retrieve_many(1..=MESSAGES);
    let (mut count, mut octets) = (0, String::new());
    while let Some(mut message) = batch.next().unwrap() {
        count += 1;
        octets.clear();
        message.read_to_string(&mut octets).unwrap();
        assert!(octets == body(count), "message {count}");
    }
    assert_eq!(count, MESSAGES);
    drop(batch);
    drop(session);
    server.done();
}

/// A server that does not read while it writes, with small buffers, and far more commands than those hold. The sockets
/// of `listener` have the smallest receive buffers that the system permits, which std cannot set.
pub fn small_buffers_cause_no_deadlock<A: Adapter>(listener: TcpListener) {
    const MESSAGES: u32 = 5000;
    let (tls, config) = server();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        let stream = listener.accept().unwrap().0;
        // Only a client that waits too lets this pass, and then it finds the connection closed.
        stream.set_write_timeout(Some(TIMEOUT)).unwrap();
        let mut stream = encrypt(stream, &config).unwrap();
        say(&mut stream, PIPELINED_LOGIN);
        retrieve(stream);
    });
    let to = crate::Connect::new().host("127.0.0.1").port(address.port()).user("mrose").password("tanstaaf");
    let mut session = A::connect(to.tls(tls).timeouts(Timeouts::new().each(TIMEOUT)).window(1 << 20)).unwrap();
    let mut batch = session.retrieve_many(1..=MESSAGES);
    let mut count = 0;
    while let Some(message) = batch.next().unwrap() {
        count += 1;
        assert!(message.into_message().unwrap().as_bytes() == body(count).as_bytes(), "message {count}");
    }
    assert_eq!(count, MESSAGES);
    drop(batch);
    drop(session);
    server.join().unwrap();
}

/// The commands of a batch are sent although the server answers only after it has received all of them.
pub fn more_commands_than_the_socket_takes<A: Adapter>() {
    const COMMANDS: u32 = 300_000;
    let (tls, config) = server();
    let server = Peer::encrypted(&config, PIPELINED_LOGIN, |stream| {
        let mut stream = BufReader::new(stream);
        let mut command = String::new();
        for number in 1..=COMMANDS {
            command.clear();
            stream.read_line(&mut command).unwrap();
            assert_eq!(command, format!("DELE {number}\r\n"));
        }
        stream.get_mut().write_all(&b"+OK\r\n".repeat(COMMANDS as usize)).unwrap();
        assert_eq!(rest(&mut stream), "");
    });
    let to = server.connect_tls(Security::Tls, tls).window(16 << 20);
    let mut session = A::connect(to).unwrap();
    assert_eq!(session.delete_many(1..=COMMANDS).flatten().count(), COMMANDS as usize);
    drop(session);
    server.done();
}

/// Octets behind a message do not answer the command for the next one, even if too few of their record have arrived to
/// read them.
pub fn no_message_is_requested_ahead_behind_half_a_record<A: Adapter>() {
    for half in [0, 10] {
        let (tls, config) = server();
        let (taken, is_taken) = channel::<()>();
        let (sent, is_sent) = channel::<()>();
        let server = Peer::encrypted(&config, format!("{LOGIN}C: RETR 1\n"), move |mut stream| {
            let mut record = |says: &str| {
                let mut record = Vec::new();
                stream.conn.writer().write_all(says.as_bytes()).unwrap();
                stream.conn.write_tls(&mut record).unwrap();
                record
            };
            let message = record("+OK\r\none\r\n.\r\n");
            let behind = record("-ERR Disconnected for inactivity.\r\n");
            stream.sock.write_all(&[&message, &behind[..half]].concat()).unwrap();
            is_taken.recv().unwrap();
            stream.sock.set_nonblocking(true).unwrap();
            assert_eq!(stream.sock.peek(&mut [0]).is_ok(), half == 0, "only then is the next message requested");
            stream.sock.set_nonblocking(false).unwrap();
            stream.sock.write_all(&behind[half..]).unwrap();
            sent.send(()).unwrap();
            assert_eq!(rest(&mut stream), if half == 0 { "RETR 2\\r\\n" } else { "" });
        });
        let mut session = A::connect(server.connect_tls(Security::Tls, tls)).unwrap();
        let mut batch = session.retrieve_many([1, 2]);
        assert_eq!(batch.next().unwrap().unwrap().into_message().unwrap().as_bytes(), b"one\r\n");
        taken.send(()).unwrap();
        is_sent.recv().unwrap();
        let error = batch.next().unwrap_err();
        assert_eq!(error.is_recoverable(), half == 0, "{error}");
        drop(batch);
        drop(session);
        server.done();
    }
}

pub fn tls_works_on_the_callers_streams<A: Adapter>() {
    let (tls, config) = server();
    let script = format!("-- tls\n{LOGIN}C: STAT\nS: +OK 1 100\nC: QUIT\nS: +OK\n");
    let server = Peer::playing_tls(&config, script);
    let stream = TcpStream::connect(server.address).unwrap();
    let mut session = A::over(stream, server.connect_tls(Security::Tls, tls.clone())).unwrap().login().unwrap();
    assert_eq!(session.stat().unwrap().octets, 100);
    session.quit().unwrap();
    server.done();

    let server = Peer::playing_tls(&config, format!("{STLS_LOGIN}C: STAT\nS: +OK 1 100\nC: QUIT\nS: +OK\n"));
    let stream = TcpStream::connect(server.address).unwrap();
    let connection = A::over(stream, server.connect_tls(Security::StartTls, tls)).unwrap();
    assert!(connection.greeting().is_some());
    let mut session = connection.login().unwrap();
    assert_eq!(session.stat().unwrap().octets, 100);
    session.quit().unwrap();
    server.done();
}

/// The certificate has to be for somebody: nothing is sent, not even read, before that is known.
pub fn the_callers_stream_needs_a_host_for_tls<A: Adapter>() {
    for security in [Security::Tls, Security::StartTls] {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut theirs, _) = listener.accept().unwrap();
        let error = A::over(ours, Connect::new().security(security)).unwrap_err();
        assert!(matches!(error.cause(), Cause::Settings(SettingsError::NoHost)), "{error:?}");
        let mut said = Vec::new();
        theirs.read_to_end(&mut said).unwrap();
        assert!(said.is_empty());
    }
}

/// A connection that has been put under TLS by a login that failed stays there, for the next try.
pub fn a_second_login_inside_tls<A: Adapter>() {
    let (tls, config) = server();
    let script = STLS_LOGIN.replace("C: PASS tanstaaf\nS: +OK", "C: PASS tanstaaf\nS: -ERR no");
    let again = "C: USER mrose\nS: +OK\nC: PASS hush\nS: +OK\nC: QUIT\nS: +OK\n";
    let server = Peer::playing_tls(&config, format!("{script}{again}"));
    let stream = TcpStream::connect(server.address).unwrap();
    let connection = A::over(stream, server.connect_tls(Security::StartTls, tls)).unwrap();
    let failed = connection.login().unwrap_err();
    assert!(matches!(failed.error.login(), Some(LoginError::Credentials(_))), "{failed:?}");
    failed.connection.unwrap().login_as(Credentials::new("mrose", "hush")).unwrap().quit().unwrap();
    server.done();
}

pub fn the_log_shows_tls<A: Adapter>() {
    let (tls, config) = server();
    let server = Peer::playing_tls(&config, format!("{STLS_LOGIN}C: QUIT\nS: +OK\n"));
    let lines = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&lines);
    let sink = move |entry: LogEntry<'_>| log.lock().unwrap().push(entry.to_string());
    A::connect(server.connect_tls(Security::StartTls, tls).log(sink)).unwrap().quit().unwrap();
    server.done();
    let lines = lines.lock().unwrap();
    let stls = lines.iter().position(|line| line == "C: STLS").unwrap();
    let tls = lines.iter().position(|line| *line == LogEntry::Tls.to_string()).unwrap();
    let user = lines.iter().position(|line| line.starts_with("C: USER")).unwrap();
    assert!(stls < tls && tls < user, "{lines:?}");
    assert!(!lines.concat().contains("tanstaaf"));
}
