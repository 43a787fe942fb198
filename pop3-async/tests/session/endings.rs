//! The ends of a session, and what the client knows after each.

use std::io::ErrorKind;

use pop3_async::{Cause, Error, Method, Methods, QuitError, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::task::yield_now;

use crate::peer::{credentials, numbered, over, plaintext, scripted, session};

#[tokio::test]
async fn quit_commits_and_abandon_does_not() {
    let store = numbered(3);
    let mut first = session(&store).await;
    first.delete(1).await.unwrap();
    drop(first.abandon());
    yield_now().await;
    assert_eq!(store.messages("mrose").len(), 3);

    let mut second = session(&store).await;
    second.delete(1).await.unwrap();
    drop(second);
    yield_now().await;
    assert_eq!(store.messages("mrose").len(), 3);

    let mut third = session(&store).await;
    third.delete(1).await.unwrap();
    third.quit().await.unwrap();
    assert_eq!(store.messages("mrose").len(), 2);
}

#[tokio::test]
async fn quit_refused() {
    let (session, verdict) = scripted("C: QUIT\nS: -ERR some messages were not removed\n").await;
    let error = session.quit().await.unwrap_err();
    verdict.done();
    assert!(
        matches!(&error, QuitError::Refused(refused) if refused.text().to_string() == "some messages were not removed")
    );
}

#[tokio::test]
async fn f02_quit_unknown() {
    let (session, verdict) = scripted("C: QUIT\nS= +O\n").await;
    let error = session.quit().await.unwrap_err();
    verdict.done();
    assert!(matches!(error, QuitError::Unknown(_)), "{error:?}");
}

#[tokio::test]
async fn quit_not_sent() {
    let (session, verdict) = scripted("").await;
    let error = session.quit().await.unwrap_err();
    verdict.done();
    assert!(
        matches!(&error, QuitError::NotSent(error) if matches!(error.cause(), Cause::ClosedWhileIdle(_))),
        "{error:?}"
    );
}

/// The last words of an idle server are no answer to what is asked next.
#[tokio::test]
async fn a_server_that_logs_out_by_itself() {
    let (mut session, verdict) = scripted("C: NOOP\nS: +OK\nS: -ERR [SYS/TEMP] autologout\n").await;
    session.noop().await.unwrap();
    let error = session.stat().await.unwrap_err();
    verdict.done();
    assert!(error.refused().is_none() && !error.is_recoverable(), "{error:?}");
    assert!(error.to_string().contains("autologout"), "{error}");
}

#[tokio::test]
async fn a_message_cut_short() {
    let (mut session, verdict) = scripted(
        r"
C: RETR 1
S= +OK\r\nSubject: a\r\n\r\nbo
",
    )
    .await;
    let mut message = session.retrieve(1).await.unwrap();
    let mut octets = Vec::new();
    let error = message.read_to_end(&mut octets).await.unwrap_err();
    assert_eq!(octets, b"Subject: a\r\n\r\nbo");
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    let error = error.downcast::<Error>().unwrap();
    assert!(error.is_truncated() && error.operation() == "RETR 1", "{error:?}");
    assert!(!session.stat().await.unwrap_err().is_recoverable());
    verdict.done();
}

#[tokio::test]
async fn a_batch_cut_short() {
    let (mut session, verdict) = scripted(
        r"
C: CAPA
S: +OK
S: PIPELINING
S: .
C: RETR 1
S= +OK\r\none\r\n.\r\n+OK\r\ntw
",
    )
    .await;
    session.capabilities().await.unwrap();
    let mut batch = session.retrieve_many([1, 2, 3]);
    assert_eq!(batch.next().await.unwrap().unwrap().into_message().await.unwrap().as_bytes(), b"one\r\n");
    let second = batch.next().await.unwrap().unwrap();
    assert!(second.into_message().await.unwrap_err().is_truncated());
    assert!(!batch.next().await.unwrap_err().is_recoverable());
    assert!(batch.next().await.unwrap().is_none(), "it ends all the same");

    let mut headers = session.headers_many([1, 2, 3]);
    assert!(!headers.next().await.unwrap().unwrap_err().is_recoverable());
    assert!(headers.next().await.is_none());
    let mut deletions = session.delete_many([1, 2, 3]);
    assert!(!deletions.next().await.unwrap().unwrap_err().is_recoverable());
    assert!(deletions.next().await.is_none());
    verdict.done();
}

#[tokio::test]
async fn malformed_answers_and_protocol_errors() {
    let script = "C: STAT\nS: +OK many\nC: NOOP\nS: +OK\nC: STAT\nS: maybe\n-- hold\n";
    let (mut session, verdict) = scripted(script).await;
    let error = session.stat().await.unwrap_err();
    assert!(matches!(error.cause(), Cause::Malformed(_)) && error.is_recoverable(), "{error:?}");
    session.noop().await.unwrap();
    let error = session.stat().await.unwrap_err();
    assert!(matches!(error.cause(), Cause::Protocol(_)) && !error.is_recoverable(), "{error:?}");
    drop(session);
    verdict.done();
}

#[tokio::test]
async fn no_service() {
    let (ours, mut theirs) = duplex(100);
    theirs.write_all(b"-ERR not today\r\n").await.unwrap();
    let error = over(ours).await.unwrap_err();
    assert_eq!(error.refused().unwrap().text().to_string(), "not today");
}

#[tokio::test]
async fn a_server_that_closes_in_the_login() {
    let (ours, mut theirs) = duplex(100);
    theirs.write_all(b"+OK\r\n-ERR go away\r\n").await.unwrap();
    drop(theirs);
    let connection = over(ours).await.unwrap();
    let failed = connection.login_as(credentials()).await.unwrap_err();
    assert!(failed.connection.is_none() && failed.error.login().is_none(), "{failed:?}");
}

#[tokio::test]
async fn serving_ends_well_when_the_client_goes_away() {
    let store = numbered(1);
    let (ours, theirs) = duplex(100);
    let serving = tokio::spawn(pop3_async::serve(theirs, store.maildrop(), plaintext()));
    drop(over(ours).await.unwrap());
    serving.await.unwrap().unwrap();

    let (mut ours, theirs) = duplex(100);
    let stls = plaintext().stls(true);
    let serving = tokio::spawn(pop3_async::serve(theirs, store.maildrop(), stls));
    ours.write_all(b"STLS\r\n").await.unwrap();
    assert_eq!(serving.await.unwrap().unwrap_err().kind(), ErrorKind::Unsupported);

    // By default nothing logs in that shows the password.
    let (ours, theirs) = duplex(100);
    tokio::spawn(pop3_async::serve(theirs, store.maildrop(), ServerConfig::default()));
    let connection = over(ours).await.unwrap();
    let failed = connection.login_as(credentials()).await.unwrap_err();
    let mut connection = failed.connection.unwrap();
    connection.set_methods(Some(Methods::from(Method::Apop)));
    connection.login_as(credentials()).await.unwrap().quit().await.unwrap();
}
