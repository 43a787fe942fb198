//! Time-outs, on tokio's paused clock.

use std::pin::pin;
use std::time::Duration;

use pop3_async::pop3_proto::UsageError;
use pop3_async::{Cause, Connection, Error, QuitError, Timeouts};
use tokio::io::{AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{Instant, sleep, timeout};

use crate::peer::{connection, credentials, numbered, over};

const LIMIT: Duration = Duration::from_secs(60);
const LIMITS: Timeouts = Timeouts::UNLIMITED.each(LIMIT).octets(256);

/// A server that greets and then says nothing; it buffers so many octets of what it is told.
async fn mute(buffer: usize) -> (Connection<DuplexStream>, DuplexStream) {
    let (ours, mut theirs) = duplex(buffer);
    theirs.write_all(b"+OK\r\n").await.unwrap();
    let mut connection = over(ours).await.unwrap();
    connection.set_timeouts(LIMITS);
    (connection, theirs)
}

/// A server that greets, and then says an octet after each pause.
async fn dripping(said: String, pause: Duration) -> Connection<DuplexStream> {
    let (connection, mut theirs) = mute(100).await;
    tokio::spawn(async move {
        for octet in said.bytes() {
            sleep(pause).await;
            theirs.write_u8(octet).await.unwrap();
        }
        std::future::pending::<()>().await;
    });
    connection
}

fn is_late(error: &Error) -> bool {
    matches!(error.cause(), Cause::TimedOut(_))
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing() {
    let (mut connection, _theirs) = mute(100).await;
    let begin = Instant::now();
    let error = connection.capabilities().await.unwrap_err();
    assert!(is_late(&error), "{error:?}");
    assert_eq!(error.to_string(), "CAPA failed: the server sent no answer to CAPA for 60 s");
    assert!(!error.is_recoverable());
    assert_eq!(begin.elapsed().as_secs(), 60);

    // An answer that comes too late belongs to no call.
    let error = connection.utf8().await.unwrap_err();
    assert!(matches!(error.cause(), Cause::Usage(UsageError::Over)), "{error:?}");
    assert!(matches!(connection.quit().await, Err(QuitError::NotSent(_))));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_neither_sends_nor_reads_times_out() {
    let (mut connection, _theirs) = mute(5).await;
    let begin = Instant::now();
    assert!(is_late(&connection.capabilities().await.unwrap_err()));
    assert_eq!(begin.elapsed().as_secs(), 60);
}

/// The limit is on the whole line, however it comes.
#[tokio::test(start_paused = true)]
async fn f01_a_status_line_that_trickles_times_out() {
    let mut connection = dripping("+OK\r\n".to_owned(), Duration::from_secs(25)).await;
    let begin = Instant::now();
    let error = connection.capabilities().await.unwrap_err();
    assert!(is_late(&error), "{error:?}");
    assert_eq!(error.to_string(), "CAPA failed: the server sent no answer to CAPA for 60 s");
    assert_eq!(begin.elapsed().as_secs(), 60);
}

/// So many octets must come in each interval, and there may be as many intervals as it takes.
#[tokio::test(start_paused = true)]
async fn f01_a_listing_that_trickles_times_out() {
    let listing = format!("+OK\r\n{}.\r\n", "X-CAPABILITY\r\n".repeat(100));
    let mut connection = dripping(listing.clone(), Duration::from_millis(230)).await;
    let begin = Instant::now();
    assert_eq!(connection.capabilities().await.unwrap().iter().count(), 100);
    assert!(begin.elapsed() > 5 * LIMIT, "{:?}", begin.elapsed());

    let mut connection = dripping(listing, Duration::from_millis(240)).await;
    let begin = Instant::now();
    let error = connection.capabilities().await.unwrap_err();
    assert!(is_late(&error), "{error:?}");
    assert_eq!(error.to_string(), "CAPA failed: the server sent fewer than 256 octets in 60 s");
    assert!(begin.elapsed() < LIMIT + Duration::from_secs(5), "{:?}", begin.elapsed());
}

/// A caller that reads slowly does not make the server late.
#[tokio::test(start_paused = true)]
async fn the_time_between_reads_does_not_count() {
    let mut connection = connection(&numbered(1), 16).await;
    connection.set_timeouts(LIMITS);
    let mut session = connection.login_as(credentials()).await.unwrap();
    let mut message = session.retrieve(1).await.unwrap();
    while tokio::io::AsyncReadExt::read_u8(&mut message).await.is_ok() {
        sleep(10 * LIMIT).await;
    }
    assert_eq!(message.octets(), 26);
    session.quit().await.unwrap();
}

/// All waiting until the login is done has one limit more, whatever each wait may take.
#[tokio::test(start_paused = true)]
async fn a_login_that_takes_too_long_times_out() {
    let (ours, mut theirs) = duplex(100);
    tokio::spawn(async move {
        for answer in ["+OK\r\n", "-ERR\r\n", "+OK\r\n", "+OK\r\n"] {
            theirs.write_all(answer.as_bytes()).await.unwrap();
            sleep(Duration::from_secs(50)).await;
        }
    });
    let mut connection = over(ours).await.unwrap();
    connection.set_timeouts(LIMITS.login(Duration::from_secs(90)));
    let begin = Instant::now();
    let failed = connection.login_as(credentials()).await.unwrap_err();
    assert_eq!(failed.to_string(), "the login failed: the login took too long: more than 90 s");
    assert!(failed.connection.is_none());
    assert_eq!(begin.elapsed().as_secs(), 90);
}

/// A wait goes on when its future is dropped: who looks in every 20 seconds learns of it as well.
#[tokio::test(start_paused = true)]
async fn a_wait_continues_after_its_future_is_dropped() {
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

/// An answer that came while nobody listened came in time.
#[tokio::test(start_paused = true)]
async fn an_answer_to_a_dropped_future_is_not_late() {
    let (mut connection, mut theirs) = mute(100).await;
    assert!(timeout(Duration::from_secs(20), connection.capabilities()).await.is_err());
    theirs.write_all(b"+OK\r\nTOP\r\n.\r\n").await.unwrap();
    sleep(100 * LIMIT).await;
    tokio::spawn(async move {
        sleep(LIMIT / 2).await;
        theirs.write_all(b"+OK\r\nTOP\r\nUIDL\r\n.\r\n").await.unwrap();
        sleep(LIMIT).await;
    });
    assert_eq!(connection.capabilities().await.unwrap().iter().count(), 2);
}

/// An answer, or a part of it, that came while the task did something else came in time.
#[tokio::test(start_paused = true)]
async fn a_sleeping_task_does_not_time_out() {
    let (mut connection, mut theirs) = mute(100).await;
    let mut call = pin!(connection.capabilities());
    assert!(timeout(Duration::from_secs(20), call.as_mut()).await.is_err());
    theirs.write_all(b"+O").await.unwrap();
    sleep(100 * LIMIT).await;
    tokio::spawn(async move {
        sleep(LIMIT / 2).await;
        theirs.write_all(b"K\r\nTOP\r\n.\r\n").await.unwrap();
        sleep(LIMIT).await;
    });
    assert_eq!(call.await.unwrap().iter().count(), 1);
}

/// A runtime that polls a task a little late does not extend the limit, or a server could send an octet after each.
#[tokio::test(start_paused = true)]
async fn an_octet_just_after_the_limit_is_late() {
    let (mut connection, mut theirs) = mute(100).await;
    let begin = Instant::now();
    let mut call = pin!(connection.capabilities());
    assert!(timeout(Duration::from_secs(59), call.as_mut()).await.is_err());
    sleep(Duration::from_millis(1900)).await;
    theirs.write_all(b"+").await.unwrap();
    assert!(is_late(&call.await.unwrap_err()));
    assert!(begin.elapsed() < LIMIT + Duration::from_secs(1), "{:?}", begin.elapsed());
}

/// Nobody waits while nothing is asked.
#[tokio::test(start_paused = true)]
async fn an_idle_session_does_not_time_out() {
    let mut connection = connection(&numbered(1), 4096).await;
    connection.set_timeouts(LIMITS);
    let mut session = connection.login_as(credentials()).await.unwrap();
    for _ in 0..3 {
        sleep(100 * LIMIT).await;
        assert_eq!(session.stat().await.unwrap().messages, 1);
    }
    let mut message = session.retrieve(1).await.unwrap();
    sleep(100 * LIMIT).await;
    assert_eq!(tokio::io::AsyncReadExt::read_u8(&mut message).await.unwrap(), b'S');
    sleep(100 * LIMIT).await;
    session.quit().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn without_a_limit_it_waits_for_ever() {
    let (mut connection, _theirs) = mute(100).await;
    connection.set_timeouts(Timeouts::UNLIMITED);
    assert!(timeout(1000 * LIMIT, connection.capabilities()).await.is_err());
    // And a limit that is set while something is awaited counts what was waited already.
    connection.set_timeouts(LIMITS);
    assert!(is_late(&connection.capabilities().await.unwrap_err()));
}
