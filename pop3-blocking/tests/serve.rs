//! The embedded server on a socket, with the client of this crate.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use pop3_blocking::pop3_proto::ServerConfig;
use pop3_blocking::pop3_proto::serve::MailStore;
use pop3_blocking::pop3_proto::wire::KnownCapability;
use pop3_blocking::{Connect, Connection, LoginError, Method, Security, Session};

const PLAINTEXT: ServerConfig = ServerConfig::new().plaintext_login(true);

/// Serves the store, and reports how each connection ended.
fn listen(store: MailStore, config: ServerConfig) -> (SocketAddr, mpsc::Receiver<std::io::Result<()>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (ended, ends) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (maildrop, ended) = (store.maildrop(), ended.clone());
            thread::spawn(move || ended.send(pop3_blocking::serve(stream, maildrop, config)));
        }
    });
    (address, ends)
}

fn store(messages: &[&[u8]]) -> MailStore {
    let store = MailStore::new();
    store.add_user("u", "pw");
    for message in messages {
        store.deliver("u", message);
    }
    store
}

fn settings() -> Connect {
    Connect::new().security(Security::Plaintext).allow_plaintext(true).user("u").password("pw")
}

fn dial(address: SocketAddr, to: Connect) -> Connection<TcpStream> {
    Connection::over(TcpStream::connect(address).unwrap(), to).unwrap()
}

fn login(address: SocketAddr, mechanism: Method) -> Session<TcpStream> {
    dial(address, settings().methods([mechanism])).login().unwrap()
}

#[test]
fn every_octet_comes_back_by_every_login() {
    let odd: &[u8] = b"A: b\r\n\r\n.\r\n..x\r\n\x00\xff bare \r and\r\nno end";
    let (address, ends) = listen(store(&[odd, b"", b"Subject: second\n\nlf\n"]), PLAINTEXT);
    for mechanism in [Method::UserPass, Method::Plain, Method::Apop] {
        let mut session = login(address, mechanism);
        assert_eq!(session.stat().unwrap().messages, 3);
        let mut octets = Vec::new();
        session.retrieve(1).unwrap().read_to_end(&mut octets).unwrap();
        // The end of the last line is the terminator's beginning.
        assert_eq!(octets, [odd, b"\r\n"].concat());
        octets.clear();
        session.top(3, 0).unwrap().read_to_end(&mut octets).unwrap();
        assert_eq!(octets, b"Subject: second\r\n\r\n");
        session.quit().unwrap();
        // The lock is released by the time that QUIT is answered.
        assert!(ends.recv().unwrap().is_ok());
    }
}

#[test]
fn only_quit_deletes() {
    let store = store(&[b"one\r\n", b"two\r\n", b"three\r\n"]);
    let (address, ends) = listen(store.clone(), PLAINTEXT);
    let mut session = login(address, Method::UserPass);
    session.delete(2).unwrap();
    drop(session.abandon());
    assert!(ends.recv().unwrap().is_ok(), "a client that goes away is no error");
    assert_eq!(store.messages("u").len(), 3);

    let mut session = login(address, Method::UserPass);
    session.delete(2).unwrap();
    session.quit().unwrap();
    let left: Vec<_> = store.messages("u").iter().map(|message| message.to_vec()).collect();
    assert_eq!(left, [b"one\r\n".to_vec(), b"three\r\n".to_vec()]);
}

#[test]
fn by_default_only_apop_logs_in() {
    let (address, _ends) = listen(store(&[]), ServerConfig::default());
    let failed = dial(address, settings().methods([Method::UserPass])).login().unwrap_err();
    assert!(failed.error.login().is_some(), "{failed}");
    login(address, Method::Apop).quit().unwrap();

    // A timestamp that came twice could be replayed.
    let timestamp = |connection: &Connection<TcpStream>| {
        connection.greeting().unwrap().timestamp().map(|timestamp| timestamp.as_bytes().to_vec())
    };
    let (first, second) = (timestamp(&dial(address, settings())), timestamp(&dial(address, settings())));
    assert!(first.is_some() && first != second);
}

#[test]
fn g08_a_client_that_never_reads_blocks_no_other_client() {
    let big = vec![b'x'; 1 << 20];
    let (address, _ends) = listen(store(&[&big]), PLAINTEXT);
    let mut rude = TcpStream::connect(address).unwrap();
    rude.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
    let mut requests = b"USER u\r\nPASS pw\r\n".to_vec();
    requests.extend(b"RETR 1\r\n".repeat(100_000));
    // The requests may not fit into the kernel's buffers, since nobody reads the answers.
    let _ = rude.write_all(&requests);

    let mut polite = dial(address, settings());
    assert!(polite.capabilities().unwrap().any(|known| known == KnownCapability::Pipelining));
    polite.quit().unwrap();
    drop(rude);
    // The server's thread sees the reset and releases the maildrop, sooner or later.
    for _ in 0..600 {
        match dial(address, settings()).login() {
            Ok(session) => return session.quit().unwrap(),
            Err(failed) => assert!(matches!(failed.error.login(), Some(LoginError::InUse(_))), "{failed}"),
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("the maildrop is still locked");
}
