//! Back-pressure inside TLS, and no deadlock with a transport that buffers little.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use pop3_async::pop3_proto::ServerConfig;
use pop3_async::pop3_proto::serve::MailStore;
use pop3_async::pop3_proto::tls::rustls;
use pop3_async::pop3_proto::tls::rustls::version::{TLS12, TLS13};
use pop3_async::{Connect, Connection, Credentials, Security};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, DuplexStream, ReadBuf, duplex};
use tokio::task::coop::consume_budget;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use crate::authority::{Authority, valid_for};
use crate::peer::{LOGIN, Peer};

type Inside = pop3_async::Session<DuplexStream>;

/// The server's end, that counts what is written.
struct Counted<S>(S, Arc<AtomicUsize>);

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, space: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, space)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
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

/// A maildrop with these messages.
fn store<C: AsRef<[u8]>>(messages: impl IntoIterator<Item = C>) -> MailStore {
    let store = MailStore::new();
    store.add_user("mrose", "tanstaaf");
    for message in messages {
        store.deliver("mrose", message);
    }
    store
}

/// A session with the embedded server, through so many octets of buffer; and what the server wrote inside TLS.
async fn session(
    store: &MailStore,
    buffer: usize,
    version: &'static rustls::SupportedProtocolVersion,
) -> (Inside, Arc<AtomicUsize>) {
    let authority = Authority::new();
    let acceptor = TlsAcceptor::from(authority.issue(valid_for(&["localhost"])).server_of(&[version]));
    let (ours, theirs) = duplex(buffer);
    let written = Arc::new(AtomicUsize::new(0));
    let (maildrop, count) = (store.maildrop(), Arc::clone(&written));
    tokio::spawn(async move {
        let theirs = Counted(acceptor.accept(theirs).await.unwrap(), count);
        let config = ServerConfig::new().inside_tls(true);
        pop3_async::serve(theirs, maildrop, config).await
    });
    let tls = authority.trusted();
    let mut connection = Connection::over(ours, Connect::new().host("localhost").tls(tls)).await.unwrap();
    connection.set_window(1 << 20);
    let session = connection.login_as(Credentials::new("mrose", "tanstaaf")).await.unwrap();
    (session, written)
}

/// Each side can write 64 octets before the other reads, and twenty thousand octets of commands want to go, in records
/// of which each must be whole before it can be read.
#[tokio::test]
async fn two_thousand_pipelined_messages_through_64_octets() {
    for version in [&TLS12, &TLS13] {
        let store = store((1..=2000).map(|n| format!("Subject: {n}\r\n\r\n.body of {n}\r\n")));
        let all = async {
            let (mut session, _) = session(&store, 64, version).await;
            let mut batch = session.retrieve_all().await.unwrap();
            let mut count = 0;
            while let Some(message) = batch.next().await.unwrap() {
                count += 1;
                let whole = message.into_message().await.unwrap();
                assert_eq!(whole.as_bytes(), format!("Subject: {count}\r\n\r\n.body of {count}\r\n").as_bytes());
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
}

/// A caller that stops reading stops the server: the octets written meanwhile fit into the transport, the client's
/// inbox, and a record.
#[tokio::test]
async fn a_caller_who_does_not_read_stops_the_server() {
    const BUFFER: usize = 16 * 1024;
    const MESSAGE: usize = 8 << 20;
    // Octets that rustls keeps for a server whose client does not read.
    const SERVERS: usize = 64 * 1024;
    let store = store([[b'x'; 62].iter().chain(b"\r\n").copied().cycle().take(MESSAGE).collect::<Vec<u8>>()]);
    let (mut session, written) = session(&store, BUFFER, &TLS13).await;
    let mut message = session.retrieve(1).await.unwrap();
    let mut some = vec![0; MESSAGE / 2];
    message.read_exact(&mut some).await.unwrap();
    sleep(Duration::from_millis(50)).await;
    let ahead = written.load(Ordering::Relaxed) - MESSAGE / 2;
    assert!(ahead < SERVERS + BUFFER + (64 + 32) * 1024, "{ahead} octets ahead of the caller");
    sleep(Duration::from_millis(50)).await;
    assert_eq!(written.load(Ordering::Relaxed) - MESSAGE / 2, ahead);

    assert_eq!(message.into_message().await.unwrap().as_bytes().len(), MESSAGE / 2);
    session.quit().await.unwrap();
}

/// The runtime has a task that does much wait. A session that is dropped then does not wait, and says its goodbye.
#[tokio::test]
async fn a_busy_task_ends_tls_too() {
    let authority = Authority::new();
    let config = authority.issue(valid_for(&["127.0.0.1"])).server();
    let server = Peer::encrypted(&config, LOGIN, |mut stream| {
        let read = std::io::Read::read(&mut stream, &mut [0; 64]);
        assert!(matches!(read, Ok(0)), "{read:?}");
    });
    let to = server.connect_tls(Security::Tls, authority.trusted());
    let session = pop3_async::connect(to).await.unwrap();
    let mut busy = pin!(async {
        loop {
            consume_budget().await;
        }
    });
    assert!(poll_fn(|cx| Poll::Ready(Future::poll(busy.as_mut(), cx))).await.is_pending());
    // The same poll goes on.
    drop(session);
    server.done();
}
