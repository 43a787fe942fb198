//! A server that speaks while somebody is asked for the password, or behind a blank line, is not answering the command
//! that follows.

use std::io::Write;
use std::net::TcpListener;
use std::sync::mpsc::channel;

use pop3_async::{Config, Connection, Credentials, Policy, QuitError};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::net::TcpStream;

use crate::peer::{POLICY, credentials};

async fn line(stream: &mut (impl AsyncReadExt + Unpin), expected: &str) {
    let mut said = vec![0; expected.len()];
    stream.read_exact(&mut said).await.unwrap();
    assert_eq!(said, expected.as_bytes());
}

/// The prompt keeps the thread, so that the runtime hears nothing of the socket meanwhile.
async fn said_at_the_prompt(words: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (asked, is_asked) = channel::<()>();
    let (spoken, has_spoken) = channel::<()>();
    let server = std::thread::spawn(move || {
        use std::io::Read;

        let (mut stream, _) = listener.accept().unwrap();
        stream.set_nodelay(true).unwrap();
        stream.write_all(b"+OK ready\r\n").unwrap();
        let mut said = [0; 6];
        stream.read_exact(&mut said).unwrap();
        assert_eq!(&said, b"CAPA\r\n");
        stream.write_all(b"-ERR what?\r\n").unwrap();
        is_asked.recv().unwrap();
        stream.write_all(words.as_bytes()).unwrap();
        spoken.send(()).unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap();
        rest
    });
    let connection = Connection::new(TcpStream::connect(address).await.unwrap(), Config::default()).await.unwrap();
    let credentials = Credentials::ask("mrose", move |_| {
        asked.send(()).unwrap();
        has_spoken.recv().unwrap();
        Some("tanstaaf".to_owned().into())
    });
    let failed = connection.login(credentials, Policy { methods: None, ..POLICY }).await.unwrap_err();
    let error = failed.to_string();
    drop(failed);
    assert_eq!(String::from_utf8(server.join().unwrap()).unwrap(), "", "nothing is sent after the words");
    error
}

#[tokio::test]
async fn at_the_prompt() {
    let error = said_at_the_prompt("-ERR Disconnected for inactivity.\r\n").await;
    assert!(error.ends_with("saying -ERR Disconnected for inactivity."), "{error}");
    let error = said_at_the_prompt("+OK\r\n").await;
    assert!(error.contains("the server has sent what nobody asked for"), "{error}");
}

#[tokio::test]
async fn behind_a_blank_line() {
    let (ours, mut theirs) = duplex(4096);
    let login = async {
        let connection = Connection::new(ours, Config::default()).await.unwrap();
        let mut session = connection.login(credentials(), POLICY).await.unwrap();
        session.noop().await.unwrap();
        session
    };
    let serve = async {
        theirs.write_all(b"+OK ready\r\n").await.unwrap();
        for (command, answer) in [
            ("CAPA\r\n", "-ERR\r\n"),
            ("USER mrose\r\n", "+OK\r\n"),
            ("PASS tanstaaf\r\n", "+OK\r\n"),
            ("NOOP\r\n", "+OK\r\n\r\n"),
        ] {
            line(&mut theirs, command).await;
            theirs.write_all(answer.as_bytes()).await.unwrap();
        }
    };
    let (session, ()) = tokio::join!(login, serve);
    theirs.write_all(b"+OK 7 700\r\n").await.unwrap();
    let error = session.quit().await.unwrap_err();
    assert!(matches!(&error, QuitError::NotSent(error) if !error.is_recoverable()), "{error:?}");
}
