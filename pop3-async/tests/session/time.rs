//! Time-outs, on tokio's paused clock.

use std::io::ErrorKind;
use std::time::Duration;

use pop3_async::pop3_proto::Rejected;
use pop3_async::{Cause, Config, Connection, Error, QuitError};
use tokio::io::{AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{Instant, sleep, timeout};

use crate::peer::{POLICY, connection, credentials, numbered};

const LIMIT: Duration = Duration::from_secs(60);

/// A server that greets and then says nothing; it buffers so many octets of what it is told.
async fn mute(buffer: usize) -> (Connection<DuplexStream>, DuplexStream) {
    let (ours, mut theirs) = duplex(buffer);
    theirs.write_all(b"+OK\r\n").await.unwrap();
    let mut connection = Connection::new(ours, Config::default()).await.unwrap();
    connection.set_timeout(Some(LIMIT));
    (connection, theirs)
}

fn is_late(error: &Error) -> bool {
    matches!(error.cause(), Cause::Transport(error) if error.kind() == ErrorKind::TimedOut)
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing() {
    let (mut connection, _theirs) = mute(100).await;
    let begin = Instant::now();
    let error = connection.capabilities().await.unwrap_err();
    assert!(is_late(&error), "{error:?}");
    assert_eq!(error.to_string(), "CAPA failed: the server sent nothing for 60 s");
    assert!(!error.session_goes_on());
    assert_eq!(begin.elapsed().as_secs(), 60);

    // What comes too late is nobody's answer.
    let error = connection.utf8().await.unwrap_err();
    assert!(matches!(error.cause(), Cause::Rejected(Rejected::Over)), "{error:?}");
    assert!(matches!(connection.quit().await, Err(QuitError::NotSent(_))));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_read_either() {
    let (mut connection, _theirs) = mute(5).await;
    let begin = Instant::now();
    assert!(is_late(&connection.capabilities().await.unwrap_err()));
    assert_eq!(begin.elapsed().as_secs(), 60);
}

/// The limit is on each wait, not on the call.
#[tokio::test(start_paused = true)]
async fn a_slow_server_is_in_time() {
    let (mut connection, mut theirs) = mute(100).await;
    tokio::spawn(async move {
        for line in ["+OK\r\n", "TOP\r\n", "UIDL\r\n", ".\r\n"] {
            for octet in line.bytes() {
                sleep(Duration::from_secs(59)).await;
                theirs.write_u8(octet).await.unwrap();
            }
        }
        sleep(LIMIT).await;
    });
    assert_eq!(connection.capabilities().await.unwrap().iter().count(), 2);
}

/// A wait goes on when its future is dropped: who looks in every 20 seconds learns of it as well.
#[tokio::test(start_paused = true)]
async fn a_wait_outlives_its_future() {
    let (mut connection, _theirs) = mute(100).await;
    let begin = Instant::now();
    let error = loop {
        if let Ok(result) = timeout(Duration::from_secs(20), connection.capabilities()).await {
            break result.unwrap_err();
        }
    };
    assert!(is_late(&error), "{error:?}");
    assert_eq!(begin.elapsed().as_secs(), 60);
}

/// Nobody waits while nothing is asked.
#[tokio::test(start_paused = true)]
async fn an_idle_session_does_not_time_out() {
    let mut connection = connection(&numbered(1), 4096).await;
    connection.set_timeout(Some(LIMIT));
    let mut session = connection.login(credentials(), POLICY).await.unwrap();
    for _ in 0..3 {
        sleep(100 * LIMIT).await;
        assert_eq!(session.stat().await.unwrap().messages, 1);
    }
    let mut message = session.retrieve(crate::peer::number(1)).await.unwrap();
    sleep(100 * LIMIT).await;
    assert_eq!(tokio::io::AsyncReadExt::read_u8(&mut message).await.unwrap(), b'S');
    sleep(100 * LIMIT).await;
    session.quit().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn without_a_limit_it_waits_for_ever() {
    let (mut connection, _theirs) = mute(100).await;
    connection.set_timeout(None);
    assert!(timeout(1000 * LIMIT, connection.capabilities()).await.is_err());
    connection.set_timeout(Some(Duration::MAX));
    assert!(timeout(1000 * LIMIT, connection.capabilities()).await.is_err());
}
