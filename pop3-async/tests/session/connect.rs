//! `connect`, on loopback sockets.

use std::error::Error as _;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use pop3_async::pop3_proto::serve::MailStore;
use pop3_async::{Cause, Connect, LoginError, Method, Security, Timeouts, connect};
use tokio::net::TcpListener;
use tokio::task::yield_now;

use crate::peer::{numbered, plaintext, store};

async fn listen(store: &MailStore) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let store = store.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(pop3_async::serve(stream, store.maildrop(), plaintext()));
        }
    });
    address
}

fn to(address: SocketAddr) -> Connect {
    let how = Connect::new().host(address.ip().to_string()).port(address.port());
    let how = how.user("mrose").password("tanstaaf").security(Security::Plaintext).allow_plaintext(true);
    // SCRAM is slow on purpose.
    how.methods([Method::UserPass])
}

#[tokio::test]
async fn a_whole_session() {
    let store = numbered(300);
    let address = listen(&store).await;
    let lines = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&lines);
    let log = move |_: pop3_async::LogEntry<'_>| {
        count.fetch_add(1, Ordering::Relaxed);
    };
    let open = connect(to(address).log(log).methods([Method::Apop]).window(100));
    // In a task of its own, for which it must be `Send`.
    let mut session = tokio::spawn(open).await.unwrap().unwrap();
    let mut batch = session.retrieve_all().await.unwrap();
    while let Some(message) = batch.next().await.unwrap() {
        message.into_message().await.unwrap();
    }
    session.delete(7).await.unwrap();
    session.quit().await.unwrap();
    assert_eq!(store.messages("mrose").len(), 299);
    assert!(lines.load(Ordering::Relaxed) > 600);
}

/// Big messages through the socket's own buffers, with thousands of commands behind them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_deadlock_on_tcp() {
    let store = store((0..4000).map(|_| vec![b'x'; 3000]));
    let mut session = connect(to(listen(&store).await).window(1 << 20)).await.unwrap();
    let mut batch = session.retrieve_all().await.unwrap();
    let mut octets = 0;
    while let Some(message) = batch.next().await.unwrap() {
        octets += message.into_message().await.unwrap().as_bytes().len();
    }
    assert_eq!(octets, 4000 * 3002);
    session.quit().await.unwrap();
}

#[tokio::test]
async fn each_failure_of_connect_has_its_error() {
    let address = listen(&numbered(1)).await;
    let error = connect(to(address).password("wrong")).await.unwrap_err();
    assert!(matches!(error.login(), Some(LoginError::Credentials(_))), "{error:?}");
    let error = connect(to(address).allow_plaintext(false).methods([Method::UserPass])).await.unwrap_err();
    assert!(matches!(error.login(), Some(LoginError::Unprotected)), "{error:?}");
    let error = connect(to(address).security(Security::Tls)).await.unwrap_err();
    let why = if cfg!(feature = "tls") {
        "the server did not answer with TLS; it may speak plaintext on this port"
    } else {
        "this build does not support TLS, or TLS is not configured for this connection; nothing was sent"
    };
    assert_eq!(error.source().map_or(error.to_string(), ToString::to_string), why);

    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = connect(to(nobody)).await.unwrap_err();
    assert!(matches!(error.cause(), Cause::Unreachable { port, .. } if *port == nobody.port()), "{error:?}");
}

#[tokio::test]
async fn a_server_that_never_greets() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = || to(listener.local_addr().unwrap());
    for (how, why) in [
        (silent().timeouts(Timeouts::new().each(Duration::from_millis(20))), "sent no greeting"),
        (
            silent().timeouts(Timeouts::new().login(Duration::from_millis(20))),
            "the login took too long: more than 0.02 s",
        ),
    ] {
        let error = connect(how).await.unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
        assert!(matches!(error.cause(), Cause::TimedOut(_)), "{error:?}");
    }
}

/// A dropped `connect` leaves nothing behind but a connection that the server sees closed.
#[tokio::test]
async fn connect_may_be_dropped() {
    let store = numbered(1);
    let address = listen(&store).await;
    let mut done = false;
    for polls in 0..1000 {
        let open = async {
            let mut open = pin!(connect(to(address)));
            for _ in 0..polls {
                if poll_fn(|cx| Poll::Ready(open.as_mut().poll(cx).is_ready())).await {
                    return true;
                }
                yield_now().await;
            }
            false
        };
        done = open.await;
        // Until the server has seen it, the maildrop is in use.
        let mut session = loop {
            match connect(to(address)).await {
                Ok(session) => break session,
                Err(error) if error.kind() == pop3_async::ErrorKind::InUse => yield_now().await,
                Err(error) => panic!("{error}"),
            }
        };
        assert_eq!(session.stat().await.unwrap().messages, 1);
        session.quit().await.unwrap();
        if done {
            break;
        }
    }
    assert!(done);
}
