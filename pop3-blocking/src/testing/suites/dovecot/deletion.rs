//! Deletion: only QUIT deletes messages (RFC 1939, section 6).

use std::net::{Shutdown, TcpStream};

use super::super::adapter::{Adapter, Connection as _, Session as _};
use super::user::{User, address};
use crate::QuitError;

const MESSAGES: [&[u8]; 3] = [b"Subject: 1\n\na\n", b"Subject: 2\n\nb\n", b"Subject: 3\n\nc\n"];

pub fn quit_commits<A: Adapter>() {
    let user = User::with("quit", &MESSAGES);
    let mut session = user.open::<A>();
    session.delete(2).unwrap();
    assert!(session.delete(2).unwrap_err().refused().is_some(), "it is marked already");
    assert!(session.retrieve(2).is_err());
    assert_eq!(session.stat().unwrap().messages, 2);
    assert_eq!(session.list().unwrap().iter().map(|row| row.number).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(user.files(), 3, "a mark deletes nothing");
    session.quit().unwrap();
    assert_eq!(user.files(), 2);
}

pub fn reset_unmarks<A: Adapter>() {
    let user = User::with("reset", &MESSAGES);
    let mut session = user.open::<A>();
    assert_eq!(session.delete_all().unwrap().count(), 3);
    assert_eq!(session.stat().unwrap().messages, 0);
    session.reset().unwrap();
    assert_eq!(session.stat().unwrap().messages, 3);
    session.quit().unwrap();
    assert_eq!(user.files(), 3);
}

pub fn without_quit_nothing_is_deleted<A: Adapter>() {
    let user = User::with("abandon", &MESSAGES);
    let mut session = user.open::<A>();
    session.delete(1).unwrap();
    session.abandon();
    let mut session = user.open::<A>();
    session.delete(1).unwrap();
    drop(session);
    assert_eq!(user.open::<A>().stat().unwrap().messages, 3);
    assert_eq!(user.files(), 3);
}

pub fn a_broken_connection_deletes_nothing<A: Adapter>() {
    let user = User::with("broken", &MESSAGES);
    let stream = TcpStream::connect(address()).unwrap();
    let cable = stream.try_clone().unwrap();
    let mut session = A::over(stream, user.connect()).unwrap().login().unwrap();
    for deletion in session.delete_all().unwrap() {
        deletion.unwrap();
    }
    cable.shutdown(Shutdown::Both).unwrap();
    let error = session.noop().unwrap_err();
    assert!(!error.is_recoverable(), "{error}");
    assert!(matches!(session.quit(), Err(QuitError::NotSent(_))));
    assert_eq!(user.open::<A>().stat().unwrap().messages, 3);
    assert_eq!(user.files(), 3);
}
