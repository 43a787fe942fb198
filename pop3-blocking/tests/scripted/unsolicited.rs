//! A server that sends a line while the user is asked for the password, or after a blank line, does not answer the next
//! command with it.

use std::io::Write;
use std::sync::Mutex;
use std::sync::mpsc::channel;

use pop3_blocking::{Credentials, QuitError, connect};

use crate::peer::{LOGIN, Peer, play};

/// Plays `before` until the password is asked for, then says `words`, and returns why the login failed.
fn said_at_the_prompt(before: &'static str, words: &'static str) -> String {
    let (asked, is_asked) = channel::<()>();
    let (spoken, has_spoken) = channel::<()>();
    let peer = Peer::new(move |mut stream| {
        play(&mut stream, before);
        is_asked.recv().unwrap();
        stream.write_all(words.as_bytes()).unwrap();
        spoken.send(()).unwrap();
        play(&mut stream, "-- hold");
    });
    let has_spoken = Mutex::new(has_spoken);
    let connect_to = peer.connect().credentials(Credentials::ask("mrose", move |_| {
        asked.send(()).unwrap();
        has_spoken.lock().unwrap().recv().unwrap();
        Some("tanstaaf".to_owned().into())
    }));
    let error = connect(connect_to).unwrap_err();
    peer.done();
    error.to_string()
}

#[test]
fn unsolicited_octets_at_the_prompt() {
    const USER_PASS: &str = "S: +OK ready\nC: CAPA\nS: -ERR what?\n";
    const PLAIN: &str = "S: +OK ready\nC: CAPA\nS: +OK\nS: SASL PLAIN\nS: PIPELINING\nS: USER\nS: .\n";
    for before in [USER_PASS, PLAIN] {
        let error = said_at_the_prompt(before, "-ERR Disconnected for inactivity.\r\n");
        assert!(error.ends_with("saying -ERR Disconnected for inactivity."), "{error}");
        assert!(!error.contains("password"), "{error}");
        let error = said_at_the_prompt(before, "+OK\r\n");
        assert!(error.contains("the server has sent unsolicited octets"), "{error}");
    }
}

#[test]
fn unsolicited_octets_after_a_blank_line() {
    let (idle, is_idle) = channel::<()>();
    let (spoken, has_spoken) = channel::<()>();
    let peer = Peer::new(move |mut stream| {
        play(&mut stream, &format!("{LOGIN}C: NOOP\nS: +OK\nS: \n"));
        is_idle.recv().unwrap();
        stream.write_all(b"+OK 7 700\r\n").unwrap();
        spoken.send(()).unwrap();
        play(&mut stream, "-- hold");
    });
    let mut one = connect(peer.connect()).unwrap();
    one.noop().unwrap();
    idle.send(()).unwrap();
    has_spoken.recv().unwrap();
    let Err(QuitError::NotSent(error)) = one.quit() else { panic!("QUIT was sent") };
    assert!(!error.is_recoverable(), "{error}");
    peer.done();
}
