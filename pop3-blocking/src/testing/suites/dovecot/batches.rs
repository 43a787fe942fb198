//! Batches of messages, also with missing ones, and batches that are stopped before their end.

use std::fs;
use std::io::Read;

use super::super::adapter::{Adapter, Messages as _, Reader as _, Session as _};
use super::traces::{Log, read, sent};
use super::user::User;

fn numbered(count: usize) -> Vec<Vec<u8>> {
    (1..=count).map(|n| format!("Subject: {n}\n\n.body of {n}\n").into_bytes()).collect()
}

fn user(test: &str, messages: &[Vec<u8>]) -> User {
    User::with(test, &messages.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

pub fn retrieve_all_and_many<A: Adapter>() {
    let messages = numbered(5);
    let user = user("retrieve", &messages);
    let mut session = user.open::<A>();
    let mut batch = session.retrieve_all().unwrap();
    for (n, stored) in (1..).zip(&messages) {
        let message = batch.next().unwrap().unwrap();
        assert_eq!(message.number(), n);
        assert_eq!(read(message), sent(stored));
    }
    assert!(batch.next().unwrap().is_none());
    drop(batch);

    let mut batch = session.retrieve_many([5, 9, 1, 1]);
    assert_eq!(read(batch.next().unwrap().unwrap()), sent(&messages[4]));
    let missing = batch.next().unwrap_err();
    assert!(missing.refused().is_some() && missing.operation() == "RETR 9", "{missing}");
    assert_eq!(read(batch.next().unwrap().unwrap()), sent(&messages[0]));
    assert_eq!(read(batch.next().unwrap().unwrap()), sent(&messages[0]));
    assert!(batch.next().unwrap().is_none());
    drop(batch);
    session.quit().unwrap();
}

pub fn headers_all_and_many<A: Adapter>() {
    let messages = numbered(5);
    let user = user("headers", &messages);
    let mut session = user.open::<A>();
    let headers: Vec<_> = session.headers_all().unwrap().map(Result::unwrap).collect();
    assert_eq!(headers.len(), 5);
    for (n, (number, header)) in (1..).zip(&headers) {
        assert_eq!(*number, n);
        assert_eq!(header.as_bytes(), format!("Subject: {n}\r\n\r\n").as_bytes());
    }
    let headers: Vec<_> = session.headers_many([4, 9, 2]).collect();
    assert_eq!(headers[0].as_ref().unwrap().0, 4);
    assert_eq!(headers[1].as_ref().unwrap_err().operation(), "TOP 9 0");
    assert_eq!(headers[2].as_ref().unwrap().1.view().get("subject").unwrap().body(), &b"2"[..]);
    assert_eq!(headers.len(), 3);
    session.quit().unwrap();
}

pub fn delete_many_and_all<A: Adapter>() {
    let user = user("deletemany", &numbered(5));
    let mut session = user.open::<A>();
    let deletions: Vec<_> = session.delete_many([1, 9, 5, 1]).collect();
    assert_eq!(*deletions[0].as_ref().unwrap(), 1);
    assert_eq!(deletions[1].as_ref().unwrap_err().operation(), "DELE 9");
    assert_eq!(*deletions[2].as_ref().unwrap(), 5);
    assert!(deletions[3].as_ref().unwrap_err().refused().is_some(), "it is marked already");
    assert_eq!(deletions.len(), 4);
    session.quit().unwrap();
    assert_eq!(user.files(), 3);

    let mut session = user.open::<A>();
    assert!(session.delete_all().unwrap().all(|deletion| deletion.is_ok()));
    session.quit().unwrap();
    assert_eq!(user.files(), 0);
}

pub fn ten_thousand_messages<A: Adapter>() {
    let user = User::new("manymany");
    let stored = b"Subject: one of many\n\n.body\n";
    user.deliver(stored);
    // Many names for a few files: what counts here is the number of messages.
    let file = user.next_file();
    fs::write(&file, stored).unwrap();
    for _ in 2..10_000 {
        fs::hard_link(&file, user.next_file()).unwrap();
    }
    let expected = sent(stored);

    let mut session = user.open::<A>();
    let stat = session.stat().unwrap();
    assert_eq!((stat.messages, stat.octets), (10_000, 10_000 * expected.len() as u64));
    let mut batch = session.retrieve_all().unwrap();
    let (mut messages, mut octets) = (0, Vec::new());
    while let Some(mut message) = batch.next().unwrap() {
        messages += 1;
        assert_eq!(message.number(), messages);
        octets.clear();
        message.read_to_end(&mut octets).unwrap();
        assert!(octets == expected, "message {messages}");
    }
    assert_eq!(messages, 10_000);
    drop(batch);
    assert_eq!(session.headers_all().unwrap().map(Result::unwrap).count(), 10_000);
    assert_eq!(session.delete_all().unwrap().map(Result::unwrap).count(), 10_000);
    assert_eq!(session.stat().unwrap().messages, 0);
    session.quit().unwrap();
    assert_eq!(user.files(), 0);
}

pub fn messages_read_in_part_are_skipped<A: Adapter>() {
    let mut messages = numbered(20);
    messages[1] = [b"Subject: long\n\n".to_vec(), b".0123456789\n".repeat(100_000)].concat();
    let user = user("halfway", &messages);
    let mut session = user.open::<A>();
    let count = u32::try_from(messages.len()).unwrap();

    // A message that nobody reads, one read in part, one read in part through a buffer.
    session.retrieve(2).unwrap();
    assert_eq!(session.stat().unwrap().messages, count);
    let mut message = session.retrieve(2).unwrap();
    message.read_exact(&mut [0; 10_000]).unwrap();
    drop(message);
    assert_eq!(session.list().unwrap().len(), messages.len());
    std::io::BufRead::fill_buf(&mut session.retrieve(2).unwrap()).unwrap();
    assert_eq!(read(session.retrieve(3).unwrap()), sent(&messages[2]));

    // Batches left in the middle: of messages, of a message, of headers; and a batch after a batch.
    let mut batch = session.retrieve_all().unwrap();
    batch.next().unwrap().unwrap();
    batch.next().unwrap().unwrap().read_exact(&mut [0; 1000]).unwrap();
    drop(batch);
    assert_eq!(session.list_one(1).unwrap().octets, sent(&messages[0]).len() as u64);
    let mut headers = session.headers_all().unwrap();
    assert_eq!(headers.next().unwrap().unwrap().0, 1);
    drop(headers);
    let mut batch = session.retrieve_many([20, 19]);
    assert_eq!(read(batch.next().unwrap().unwrap()), sent(&messages[19]));
    assert_eq!(read(batch.next().unwrap().unwrap()), sent(&messages[18]));
    drop(batch);

    // Nobody reads what is in flight at the end.
    session.retrieve_all().unwrap().next().unwrap().unwrap();
    session.quit().unwrap();
    assert_eq!(user.files(), messages.len());
}

pub fn a_stopped_batch_returns_the_messages_in_flight<A: Adapter>() {
    let messages = numbered(100);
    let user = user("stopped", &messages);
    // Room for a handful of commands.
    let log = Log::default();
    let mut session = A::connect(user.connect().window(50).log(log.sink())).unwrap();
    let mut batch = session.retrieve_all().unwrap();
    for stored in &messages[..10] {
        assert_eq!(read(batch.next().unwrap().unwrap()), sent(stored));
    }
    batch.stop();
    let mut after = 10;
    while let Some(message) = batch.next().unwrap() {
        assert_eq!(read(message), sent(&messages[after]));
        after += 1;
    }
    assert!((10..20).contains(&after), "{after}");
    drop(batch);
    session.quit().unwrap();
    assert_eq!(log.said().iter().filter(|line| line.starts_with("RETR")).count(), after);
}
