//! Back-pressure, and no deadlock with a transport that buffers little.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, DuplexStream};
use tokio::io::{ReadBuf, duplex};
use tokio::net::TcpSocket;
use tokio::time::{sleep, timeout};

use crate::peer::{connection, credentials, numbered, over, plaintext, read, store};

/// Counts what is written.
struct Counted(DuplexStream, Arc<AtomicUsize>);

impl AsyncRead for Counted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, space: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, space)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.0).poll_write(cx, octets);
        if let Poll::Ready(Ok(octets)) = written {
            self.1.fetch_add(octets, Ordering::Relaxed);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// A caller that stops reading stops the server: the octets written meanwhile fit into the transport and the client's
/// inbox.
#[tokio::test]
async fn a_caller_who_does_not_read_stops_the_server() {
    const BUFFER: usize = 16 * 1024;
    const MESSAGE: usize = 8 << 20;
    let store = store([[b'x'; 62].iter().chain(b"\r\n").copied().cycle().take(MESSAGE).collect::<Vec<u8>>()]);
    let (ours, theirs) = duplex(BUFFER);
    let written = Arc::new(AtomicUsize::new(0));
    let theirs = Counted(theirs, Arc::clone(&written));
    tokio::spawn(pop3_async::serve(theirs, store.maildrop(), plaintext()));
    let connection = over(ours).await.unwrap();
    let mut session = connection.login_as(credentials()).await.unwrap();

    let mut message = session.retrieve(1).await.unwrap();
    let mut some = vec![0; MESSAGE / 2];
    message.read_exact(&mut some).await.unwrap();
    sleep(Duration::from_millis(50)).await;
    let ahead = written.load(Ordering::Relaxed) - MESSAGE / 2;
    assert!(ahead < BUFFER + 64 * 1024 + 2048, "{ahead} octets ahead of the caller");
    sleep(Duration::from_millis(50)).await;
    assert_eq!(written.load(Ordering::Relaxed) - MESSAGE / 2, ahead);

    assert_eq!(read(message).await.len(), MESSAGE / 2);
    session.quit().await.unwrap();
}

/// Each side can write 64 octets before the other reads, and twenty thousand octets of commands want to go.
#[tokio::test]
async fn two_thousand_pipelined_messages_through_64_octets() {
    let store = numbered(2000);
    let all = async {
        let mut connection = connection(&store, 64).await;
        connection.set_window(1 << 20);
        let mut session = connection.login_as(credentials()).await.unwrap();
        let mut batch = session.retrieve_all().await.unwrap();
        let mut count = 0;
        while let Some(message) = batch.next().await.unwrap() {
            count += 1;
            assert_eq!(message.number(), count);
            assert_eq!(read(message).await, format!("Subject: {count}\r\n\r\n.body of {count}\r\n").as_bytes());
        }
        assert_eq!(count, 2000);
        let mut deletions = session.delete_all().await.unwrap();
        while let Some(deletion) = deletions.next().await {
            deletion.unwrap();
        }
        session.quit().await.unwrap();
    };
    timeout(Duration::from_secs(60), all).await.expect("a deadlock");
    assert!(store.messages("mrose").is_empty());
}

/// Sockets whose buffers are as small as they come towards the server, which does not read while it writes.
#[tokio::test]
async fn d18_two_thousand_pipelined_messages_through_small_sockets() {
    const ANSWERS: u32 = 64 * 1024;
    let store = numbered(2000);
    let listener = TcpSocket::new_v4().unwrap();
    listener.set_recv_buffer_size(1).unwrap();
    listener.set_send_buffer_size(ANSWERS).unwrap();
    listener.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let listener = listener.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let maildrop = store.maildrop();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        pop3_async::serve(stream, maildrop, plaintext()).await
    });
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(ANSWERS).unwrap();
    socket.set_send_buffer_size(1).unwrap();
    let all = async {
        let mut connection = over(socket.connect(address).await.unwrap()).await.unwrap();
        connection.set_window(1 << 20);
        let mut session = connection.login_as(credentials()).await.unwrap();
        let mut batch = session.retrieve_all().await.unwrap();
        let mut count = 0;
        while let Some(message) = batch.next().await.unwrap() {
            count += 1;
            let whole = message.into_message().await.unwrap();
            assert_eq!(whole.as_bytes(), format!("Subject: {count}\r\n\r\n.body of {count}\r\n").as_bytes());
        }
        assert_eq!(count, 2000);
        session.quit().await.unwrap();
    };
    timeout(Duration::from_secs(60), all).await.expect("a deadlock");
}

/// With a window of nothing at all, commands still go one by one.
#[tokio::test]
async fn every_window_works() {
    let store = numbered(20);
    for window in [0, 1, 100, usize::MAX] {
        let mut connection = connection(&store, 100).await;
        connection.set_window(window);
        let mut session = connection.login_as(credentials()).await.unwrap();
        let mut headers = session.headers_all().await.unwrap();
        let mut count = 0;
        while let Some(header) = headers.next().await {
            header.unwrap();
            count += 1;
        }
        assert_eq!(count, 20);
        session.quit().await.unwrap();
    }
}

/// The octets that fill the inbox look like the end of a message, but more of it follows. There is no space for another
/// read then, and a read without space is not the end of the stream.
#[tokio::test]
async fn a_full_inbox_is_not_the_end_of_a_message() {
    // The reads have room for 1, 4, 16 and then 64 KiB.
    for full in [1, 2].map(|reads| (21 << 10) + reads * (64 << 10)) {
        let mut message = b"x\r\n".repeat(full / 3);
        message.truncate(full - "+OK\r\nx\n.\r\n".len());
        message.extend_from_slice(b"x\n.\r\nthe rest\r\n");
        let answer = [b"+OK\r\n", message.as_slice(), b".\r\n"].concat();
        let (ours, theirs) = duplex(1 << 20);
        tokio::spawn(async move {
            let mut stream = BufReader::new(theirs);
            stream.write_all(b"+OK\r\n").await.unwrap();
            let mut line = String::new();
            while stream.read_line(&mut line).await.unwrap() > 0 {
                let octets: &[u8] = match line.split([' ', '\r']).next() {
                    Some("RETR") => &answer,
                    Some("CAPA") => b"-ERR\r\n",
                    _ => b"+OK\r\n",
                };
                stream.write_all(octets).await.unwrap();
                line.clear();
            }
        });
        let connection = over(ours).await.unwrap();
        let mut session = connection.login_as(credentials()).await.unwrap();
        let mut messages = session.retrieve_many([1, 2, 3]);
        for _ in 1..=3 {
            assert!(read(messages.next().await.unwrap().unwrap()).await == message, "{full}");
        }
        assert!(messages.next().await.unwrap().is_none());
        session.quit().await.unwrap();
    }
}
