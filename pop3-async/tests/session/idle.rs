//! The memory that an idle session holds: many sessions must cost little.

use pop3_async::{Connection, Session};
use tokio::io::DuplexStream;

use crate::peer::{connection, credentials, numbered, read};

/// Each with a maildrop of its own, because a maildrop is locked.
async fn sessions(count: u32) -> Vec<Session<DuplexStream>> {
    let mut sessions = Vec::new();
    for _ in 0..count {
        let connection = connection(&numbered(20), 4096).await;
        sessions.push(connection.login_as(credentials()).await.unwrap());
    }
    sessions
}

#[tokio::test]
async fn an_idle_session_holds_no_buffers() {
    let mut sessions = sessions(200).await;
    assert!(sessions.iter().all(|session| session.buffered() == 0), "after the login");
    for session in &mut sessions {
        let mut messages = session.retrieve_all().await.unwrap();
        let mut fetched = 0;
        while let Some(message) = messages.next().await.unwrap() {
            assert!(read(message).await.ends_with(b"\r\n"));
            fetched += 1;
        }
        assert_eq!(fetched, 20);
    }
    // The last look for a message that is not there counts too.
    assert!(sessions.iter().all(|session| session.buffered() == 0), "after a batch");
    for session in sessions {
        session.quit().await.unwrap();
    }
}

#[tokio::test]
async fn every_call_gives_the_buffers_back() {
    let session = &mut sessions(1).await[0];
    session.noop().await.unwrap();
    assert_eq!(session.buffered(), 0, "a line");
    assert_eq!(session.list().await.unwrap().len(), 20);
    assert_eq!(session.buffered(), 0, "a listing");
    assert!(session.list_one(21).await.unwrap_err().refused().is_some());
    assert_eq!(session.buffered(), 0, "a refusal");
    let mut headers = session.headers_all().await.unwrap();
    while let Some(header) = headers.next().await {
        header.unwrap();
    }
    assert_eq!(session.buffered(), 0, "headers");
    let mut deletions = session.delete_many(1..=20);
    while let Some(deleted) = deletions.next().await {
        deleted.unwrap();
    }
    assert_eq!(session.buffered(), 0, "deletions");
    let mut message = session.retrieve_many([1]);
    assert!(message.next().await.unwrap_err().refused().is_some());
    assert_eq!(session.buffered(), 0, "a message that is refused");
}

/// They move from future to future, so each future has room for them, once or twice.
#[test]
fn a_session_moves_as_a_pointer() {
    assert_eq!(size_of::<Session<[u8; 1000]>>(), size_of::<usize>());
    assert_eq!(size_of::<Connection<[u8; 1000]>>(), 2 * size_of::<usize>(), "the driver and the settings");
}
