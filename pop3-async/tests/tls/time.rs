//! The time limits of TLS, on tokio's paused clock.

use crate::told;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pop3_async::{Cause, Connect, Connection, Credentials, Policy, Security, Timeouts};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{Instant, sleep};
use tokio_rustls::TlsAcceptor;

use crate::authority::{Authority, valid_for};

const LIMITS: Timeouts = Timeouts::UNLIMITED.each(Duration::from_secs(60)).octets(256);
const STARTTLS: Policy = Policy::new().security(Security::StartTls);

fn credentials() -> Credentials {
    Credentials::new("mrose", "tanstaaf")
}

/// Plays a server, one answer for each line.
async fn answer(stream: &mut (impl AsyncReadExt + AsyncWriteExt + Unpin), answers: &[&str]) {
    for answer in answers {
        while stream.read_u8().await.unwrap() != b'\n' {}
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
    stream.flush().await.unwrap();
}

/// A connection with limits to a server that accepts STLS and then does `serve`.
async fn starting<F: Future + Send + 'static>(
    serve: impl FnOnce(DuplexStream) -> F + Send + 'static,
) -> Connection<DuplexStream>
where
    F::Output: Send,
{
    let (ours, mut theirs) = duplex(4096);
    tokio::spawn(async move {
        theirs.write_all(b"+OK\r\n").await.unwrap();
        answer(&mut theirs, &["+OK\r\nSTLS\r\n.\r\n", "+OK\r\n"]).await;
        // The handshake has begun.
        theirs.read_u8().await.unwrap();
        serve(theirs).await;
        pending::<()>().await;
    });
    Connection::over(ours, Connect::new().host("localhost").policy(STARTTLS).timeouts(LIMITS)).await.unwrap()
}

/// Says nothing more, and does not close the connection.
async fn silence(stream: DuplexStream) {
    pending::<()>().await;
    drop(stream);
}

/// Sends the beginning of a long `ServerHello`, one octet per second.
async fn drip(mut stream: DuplexStream) {
    let record = [&[22, 3, 3, 0x40, 0, 2, 0, 0x3f, 0xfc][..], &[0; 1 << 14]].concat();
    for octet in record {
        if stream.write_u8(octet).await.is_err() {
            return;
        }
        sleep(Duration::from_secs(1)).await;
    }
}

/// TLS's close before TLS has begun: nobody has to believe it, nor wait for ever.
async fn close(mut stream: DuplexStream) {
    stream.write_all(b"\x15\x03\x03\0\x02\x01\0").await.unwrap();
    silence(stream).await;
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_does_not_end() {
    let late = [starting(silence).await, starting(drip).await, starting(close).await];
    for connection in late {
        let begin = Instant::now();
        let failed = connection.login_as(credentials()).await.unwrap_err();
        assert_eq!(told(&failed), "TLS failed, nothing secret was sent: the TLS handshake took longer than 60 s");
        assert_eq!(failed.error.kind(), pop3_async::ErrorKind::TimedOut);
        assert!(failed.connection.is_none());
        assert_eq!(begin.elapsed().as_secs(), 60);
    }
}

/// Retrieves a message that the server sends in one record, of which so many octets arrive every 15 seconds.
async fn retrieve_slowly(octets: usize) -> Result<(), pop3_async::Error> {
    let authority = Authority::new();
    let acceptor = TlsAcceptor::from(authority.issue(valid_for(&["localhost"])).server());
    let (ours, line) = duplex(1 << 16);
    let (theirs, far) = duplex(1 << 16);
    let slow = Arc::new(AtomicBool::new(false));
    let turn = Arc::clone(&slow);
    let message = format!("Subject: slow\r\n\r\n{}", "all of it in one record\r\n".repeat(400));
    let said = format!("{message}.\r\n");
    tokio::spawn(async move {
        let mut stream = acceptor.accept(theirs).await.unwrap();
        stream.write_all(b"+OK\r\n").await.unwrap();
        answer(&mut stream, &["-ERR\r\n", "+OK\r\n", "+OK\r\n", "+OK\r\n"]).await;
        turn.store(true, Ordering::Relaxed);
        stream.write_all(said.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        pending::<()>().await;
    });
    let (mut from_client, mut to_client) = tokio::io::split(line);
    let (mut from_server, mut to_server) = tokio::io::split(far);
    tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
    tokio::spawn(async move {
        let mut some = vec![0; 1 << 16];
        loop {
            let read = from_server.read(&mut some).await.unwrap();
            for run in some[..read].chunks(octets) {
                if slow.load(Ordering::Relaxed) {
                    sleep(Duration::from_secs(15)).await;
                }
                if to_client.write_all(run).await.is_err() {
                    return;
                }
            }
        }
    });

    let tls = authority.trusted();
    let to = Connect::new().host("localhost").tls(tls).timeouts(LIMITS);
    let mut session = Connection::over(ours, to).await.unwrap().login_as(credentials()).await.unwrap();
    let received = session.retrieve(1).await?.into_message().await?;
    assert!(received.as_bytes() == message.as_bytes());
    Ok(())
}

/// Of a record of 10,000 octets nothing can be read before all of it is there, and yet it comes.
#[tokio::test(start_paused = true)]
async fn a_slow_record_does_not_time_out() {
    let begin = Instant::now();
    retrieve_slowly(100).await.unwrap();
    assert!(begin.elapsed() > Duration::from_secs(20 * 60), "{:?}", begin.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_record_that_trickles_times_out() {
    let error = retrieve_slowly(50).await.unwrap_err();
    assert!(matches!(error.cause(), Cause::TimedOut(_)), "{error:?}");
    assert_eq!(error.to_string(), "RETR 1 failed: the server sent fewer than 256 octets in 60 s");
}
