//! Every call and every form of batch.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use futures_core::Stream;
use pop3_async::pop3_proto::UsageError;
use pop3_async::pop3_proto::wire::KnownCapability;
use pop3_async::{Cause, Connection, Credentials};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, duplex};

use crate::peer::{connection, credentials, numbered, plaintext, read, session, settings, store};

#[tokio::test]
async fn every_call() {
    let store = store(["Subject: a\n\n.one\ntwo\n", "Subject: b\r\n\r\n"]);
    store.deliver_as("mrose", "the-third", "\r\nno header\r\n");
    let connection = connection(&store, 4096).await;
    assert!(connection.greeting().unwrap().text().to_string().starts_with("POP3 server ready <"));
    let mut session = connection.login_as(credentials()).await.unwrap();

    let stat = session.stat().await.unwrap();
    assert_eq!((stat.messages, stat.octets), (3, 25 + 14 + 13));
    let list = session.list().await.unwrap();
    assert_eq!(
        list.iter().map(|listing| (listing.number, listing.octets)).collect::<Vec<_>>(),
        [(1, 25), (2, 14), (3, 13)]
    );
    assert_eq!(session.list_one(2).await.unwrap().octets, 14);
    assert!(session.list_one(9).await.unwrap_err().refused().is_some());
    let ids = session.uidl().await.unwrap();
    assert_eq!(ids[2].1.as_bytes(), b"the-third");
    assert_eq!(session.uidl_one(3).await.unwrap(), ids[2].1);
    assert_eq!(read(session.retrieve(1).await.unwrap()).await, b"Subject: a\r\n\r\n.one\r\ntwo\r\n");
    let top = session.top(1, 1).await.unwrap();
    assert_eq!(top.number(), 1);
    assert_eq!(read(top).await, b"Subject: a\r\n\r\n.one\r\n");
    assert_eq!(session.header(2).await.unwrap().as_bytes(), b"Subject: b\r\n\r\n");
    assert!(session.last().await.unwrap_err().refused().is_some());
    session.delete(2).await.unwrap();
    assert!(session.retrieve(2).await.unwrap_err().refused().is_some());
    session.reset().await.unwrap();
    session.noop().await.unwrap();
    assert!(session.capabilities().await.unwrap().any(|known| known == KnownCapability::Pipelining));
    assert!(session.raw("XTND").await.unwrap_err().refused().is_some());
    let rejected = session.raw("STAT").await.unwrap_err();
    assert!(matches!(rejected.cause(), Cause::Usage(UsageError::Argument(_))), "{rejected:?}");
    session.delete(1).await.unwrap();
    session.quit().await.unwrap();
    assert_eq!(store.messages("mrose").len(), 2);
}

#[tokio::test]
async fn calls_before_the_login() {
    let store = numbered(1);
    let mut connection = connection(&store, 100).await;
    assert!(connection.capabilities().await.unwrap().any(|known| known == KnownCapability::Pipelining));
    let error = connection.utf8().await.unwrap_err();
    assert!(matches!(error.cause(), Cause::Usage(UsageError::NotAnnounced(_))), "{error}");
    assert!(error.is_recoverable());
    let failed = connection.login_as(Credentials::new("mrose", "wrong")).await.unwrap_err();
    let session = failed.connection.unwrap().login_as(credentials()).await.unwrap();
    let _stream = session.abandon();

    let connection = crate::peer::connection(&store, 100).await;
    connection.quit().await.unwrap();
}

#[tokio::test]
async fn batches() {
    let store = numbered(5);
    let mut session = session(&store).await;
    let mut batch = session.retrieve_all().await.unwrap();
    for n in 1..=5 {
        let message = batch.next().await.unwrap().unwrap();
        assert_eq!(message.number(), n);
        assert_eq!(read(message).await, format!("Subject: {n}\r\n\r\n.body of {n}\r\n").as_bytes());
    }
    assert!(batch.next().await.unwrap().is_none());
    assert!(batch.next().await.unwrap().is_none());

    let mut batch = session.retrieve_many([5, 9, 1, 1]);
    assert!(batch.next().await.unwrap().is_some());
    let missing = batch.next().await.unwrap_err();
    assert!(missing.refused().is_some() && missing.message_number() == Some(9), "{missing}");
    assert_eq!(batch.next().await.unwrap().unwrap().into_message().await.unwrap().as_bytes().len(), 26);
    batch.stop();
    assert!(batch.next().await.unwrap().is_some(), "it was in flight");
    assert!(batch.next().await.unwrap().is_none());
    session.quit().await.unwrap();
}

#[tokio::test]
async fn messages_read_in_part_are_skipped() {
    let store = store([vec![b'x'; 300_000], b"two\r\n".to_vec(), b"three\r\n".to_vec()]);
    let mut session = session(&store).await;
    let mut message = session.retrieve(1).await.unwrap();
    message.read_exact(&mut [0; 1000]).await.unwrap();
    let _unread = session.retrieve(1).await.unwrap();
    assert_eq!(session.stat().await.unwrap().messages, 3);

    let mut batch = session.retrieve_all().await.unwrap();
    assert_eq!(batch.next().await.unwrap().unwrap().fill_buf().await.unwrap()[0], b'x');
    assert_eq!(read(batch.next().await.unwrap().unwrap()).await, b"two\r\n");
    // The batch is dropped with a message in flight.
    assert_eq!(session.uidl().await.unwrap().len(), 3);
    session.quit().await.unwrap();
}

#[tokio::test]
async fn lines_of_a_message() {
    let store = store(["one\n.two\n"]);
    let mut session = session(&store).await;
    let mut lines = session.retrieve(1).await.unwrap().lines();
    assert_eq!(lines.next_line().await.unwrap().as_deref(), Some("one"));
    assert_eq!(lines.next_line().await.unwrap().as_deref(), Some(".two"));
    assert_eq!(lines.next_line().await.unwrap(), None);
}

async fn collect<T>(mut stream: impl Stream<Item = T> + Unpin) -> Vec<T> {
    let mut items = Vec::new();
    while let Some(item) = poll_fn(|cx| Pin::new(&mut stream).poll_next(cx)).await {
        items.push(item);
    }
    items
}

#[tokio::test]
async fn streams() {
    let store = numbered(5);
    let mut session = session(&store).await;
    let headers = collect(session.headers_all().await.unwrap()).await;
    for (n, header) in (1..=5).zip(headers) {
        let (number, header) = header.unwrap();
        assert_eq!(number, n);
        assert_eq!(header.as_bytes(), format!("Subject: {n}\r\n\r\n").as_bytes());
    }
    let headers = collect(session.headers_many([4, 9, 2])).await;
    let missing = headers[1].as_ref().unwrap_err();
    assert_eq!((missing.operation(), missing.message_number()), ("TOP 9 0", Some(9)));
    assert_eq!(headers[2].as_ref().unwrap().1.view().get("subject").unwrap().body(), &b"2"[..]);
    assert_eq!(headers.len(), 3);

    let mut tops = session.top_many([4, 9, 2], 1);
    let mut next = tops.next().await.unwrap().unwrap();
    assert_eq!(next.number(), 4);
    let mut octets = Vec::new();
    next.read_to_end(&mut octets).await.unwrap();
    assert!(octets.starts_with(b"Subject: 4\r\n\r\n"), "{}", octets.escape_ascii());
    assert_eq!(tops.next().await.unwrap_err().operation(), "TOP 9 1");
    assert_eq!(tops.next().await.unwrap().unwrap().number(), 2);
    assert!(tops.next().await.unwrap().is_none());

    let deletions = collect(session.delete_many([1, 9, 5])).await;
    assert_eq!(*deletions[0].as_ref().unwrap(), 1);
    let missing = deletions[1].as_ref().unwrap_err();
    assert_eq!((missing.operation(), missing.message_number()), ("DELE 9", Some(9)));
    assert_eq!(*deletions[2].as_ref().unwrap(), 5);
    assert_eq!(session.stat().await.unwrap().messages, 3);
    session.reset().await.unwrap();
    assert_eq!(collect(session.delete_all().await.unwrap()).await.len(), 5);
    session.quit().await.unwrap();
    assert_eq!(store.messages("mrose").len(), 0);
}

#[tokio::test]
async fn the_log_shows_no_secret() {
    let store = numbered(1);
    let (ours, theirs) = duplex(4096);
    tokio::spawn(pop3_async::serve(theirs, store.maildrop(), plaintext()));
    let said = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&said);
    let log = move |entry: pop3_async::LogEntry<'_>| log.lock().unwrap().push(entry.to_string());
    let connection = Connection::over(ours, settings().log(log)).await.unwrap();
    let mut session = connection.login_as(credentials()).await.unwrap();
    read(session.retrieve(1).await.unwrap()).await;
    session.quit().await.unwrap();
    let said = said.lock().unwrap().join("\n");
    assert!(said.starts_with("S: +OK POP3 server ready <") && said.contains(">\nC: CAPA\n"), "{said}");
    assert!(said.contains("C: RETR 1\n") && said.ends_with("C: QUIT\nS: +OK bye"), "{said}");
    assert!(!said.contains("tanstaaf") && !said.contains("body of"), "{said}");
}

/// On a runtime of many threads, for which futures must be `Send`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_sessions_on_many_threads() {
    let tasks = (1..=50).map(|count| {
        tokio::spawn(async move {
            let store = numbered(count);
            let mut session = session(&store).await;
            let mut batch = session.retrieve_all().await.unwrap();
            while let Some(message) = batch.next().await.unwrap() {
                read(message).await;
            }
            assert_eq!(collect(session.headers_all().await.unwrap()).await.len(), count as usize);
            assert_eq!(collect(session.delete_all().await.unwrap()).await.len(), count as usize);
            session.quit().await.unwrap();
            assert!(store.messages("mrose").is_empty());
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
}
