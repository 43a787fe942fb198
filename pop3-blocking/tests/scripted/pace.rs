//! The pace of client and server: which side waits for the other, and for how long.

use std::io::{ErrorKind, Write};
use std::sync::mpsc;
use std::thread::sleep;
use std::time::Duration;

use pop3_blocking::{Cause, Connect, Connection, QuitError, Security, Timeouts, connect};

use crate::memory::Memory;
use crate::peer::{LOGIN, LONG, PIPELINED_LOGIN, Peer, play, rest, session};

/// For what does not come, when nothing that comes has to keep to it.
const MOMENT: Duration = Duration::from_millis(300);

#[test]
fn a_server_that_says_nothing() {
    let peer = Peer::playing(format!("{LOGIN}C: NOOP\nS: +OK\nC: STAT\n-- hold\n"));
    let mut session = connect(peer.connect().timeouts(Timeouts::new().each(LONG))).unwrap();
    session.noop().unwrap();
    let error = session.stat().unwrap_err();
    assert!(matches!(error.cause(), Cause::TimedOut(_)), "{error:?}");
    assert_eq!(error.to_string(), "STAT failed: the server sent no answer to STAT for 3 s");
    assert!(!error.is_recoverable());
    // Whatever comes now is too late.
    assert_eq!(session.noop().unwrap_err().to_string(), "NOOP failed: the session is over");
    assert!(matches!(session.quit(), Err(QuitError::NotSent(_))));
    peer.done();
}

#[test]
fn a_message_that_stalls_times_out() {
    // Listings and messages arrive together with their status lines, so that only the rest is waited for.
    let peer = Peer::new(|mut stream| {
        let (before, behind) = PIPELINED_LOGIN.split_once("S: +OK\nS: USER\nS: PIPELINING\nS: .\n").unwrap();
        play(&mut stream, before);
        stream.write_all(b"+OK\r\nUSER\r\nPIPELINING\r\n.\r\n").unwrap();
        play(&mut stream, &format!("{behind}C: RETR 1\nC: RETR 2\n"));
        stream.write_all(b"+OK\r\nhalf\r\n").unwrap();
        play(&mut stream, "-- hold\n");
    });
    let limits = Timeouts::new().interval(MOMENT);
    let mut session = connect(peer.connect().timeouts(limits)).unwrap();
    let mut batch = session.retrieve_many([1, 2]);
    let mut message = batch.next().unwrap().unwrap();
    let error = std::io::copy(&mut message, &mut std::io::sink()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert_eq!(message.octets(), 6);
    assert!(batch.next().is_err());
    assert!(batch.next().unwrap().is_none());
    drop(session);
    peer.done();
}

#[test]
fn a_login_that_trickles_times_out() {
    let peer = Peer::new(|mut stream| {
        for octet in b"+OK ready and waiting for you\r\n".iter().cycle() {
            if stream.write_all(&[*octet]).is_err() {
                return;
            }
            sleep(Duration::from_millis(5));
        }
    });
    // No single wait is long.
    let error = connect(peer.connect().timeouts(Timeouts::new().login(MOMENT * 2))).unwrap_err();
    assert!(matches!(error.cause(), Cause::TimedOut(_) | Cause::Protocol(_)), "{error}");
    peer.done();

    let peer = Peer::new(|mut stream| {
        while stream.write_all(b"x").is_ok() {
            sleep(Duration::from_millis(5));
        }
    });
    let error = connect(peer.connect().timeouts(Timeouts::new().login(MOMENT * 2))).unwrap_err();
    assert_eq!(error.to_string(), "reading the greeting failed: the login took too long: more than 0.6 s");
    peer.done();
}

#[test]
fn the_deadline_of_the_login_ends_with_it() {
    // Only waiting counts, so it is the server that takes its time.
    let peer = Peer::new(|mut stream| {
        play(&mut stream, &format!("{LOGIN}C: NOOP\n"));
        sleep(LONG + MOMENT);
        play(&mut stream, "S: +OK\n-- hold\n");
    });
    let mut session = connect(peer.connect().timeouts(Timeouts::new().login(LONG))).unwrap();
    session.noop().unwrap();
    drop(session);
    peer.done();
}

#[test]
fn the_longest_timeouts_do_not_overflow() {
    let peer = Peer::playing(format!("{LOGIN}C: NOOP\nS: +OK\n-- hold\n"));
    let connect =
        peer.connect().timeouts(Timeouts::new().login(Duration::MAX).each(Duration::MAX).connect(Duration::MAX));
    let mut session = pop3_blocking::connect(connect).unwrap();
    session.noop().unwrap();
    drop(session);
    peer.done();
}

#[test]
fn one_by_one_without_pipelining() {
    let (mut session, peer) = session(
        LOGIN,
        "
C: RETR 1
-- quiet
S: +OK
S: one
-- quiet
S: .
C: RETR 2
-- quiet
S: -ERR gone
C: RETR 3
-- quiet
S: +OK
S: three
S: .
C: TOP 1 0
-- quiet
S: +OK
S: .
C: TOP 2 0
-- quiet
S: +OK
S: .
C: DELE 1
-- quiet
S: +OK
C: DELE 2
-- quiet
S: +OK
C: RETR 1
-- quiet
S: +OK
S: abandoned
-- quiet
S: .
C: STAT
S: +OK 0 0
-- hold
",
    );
    let mut batch = session.retrieve_many([1, 2, 3]);
    assert_eq!(batch.next().unwrap().unwrap().into_message().unwrap().as_bytes(), b"one\r\n");
    assert!(batch.next().unwrap_err().refused().is_some());
    assert_eq!(batch.next().unwrap().unwrap().into_message().unwrap().as_bytes(), b"three\r\n");
    assert!(batch.next().unwrap().is_none());
    assert_eq!(session.headers_many([1, 2]).flatten().count(), 2);
    assert_eq!(session.delete_many([1, 2]).flatten().count(), 2);
    session.retrieve(1).unwrap();
    assert_eq!(session.stat().unwrap().messages, 0);
    drop(session);
    peer.done();
}

/// The server sends on while the caller works, and the client must not take what answers no command for an answer.
#[test]
fn slow_work_between_two_messages_does_not_time_out() {
    // The second message is requested before the caller has the first one, and the octets behind it answer nothing.
    let retrieved: &[_] = &[("C: RETR 1\n", "+OK\r\none\r\n.\r\n"), ("C: RETR 2\n", "+OK\r\ntwo\r\n.\r\n")];
    let deleted: &[_] = &[("C: DELE 1\n", "+OK\r\n")];
    for script in [retrieved, deleted] {
        let (sender, sent) = mpsc::channel();
        let peer = Peer::new(move |mut stream| {
            play(&mut stream, LOGIN);
            for (command, answer) in script {
                play(&mut stream, command);
                stream.write_all(answer.as_bytes()).unwrap();
            }
            stream.write_all(b"-ERR Disconnected for inactivity.\r\n").unwrap();
            sender.send(()).unwrap();
            assert_eq!(rest(&mut stream), "", "no command follows");
        });
        let mut session = connect(peer.connect()).unwrap();
        let error = if script == deleted {
            let mut batch = session.delete_many([1, 2]);
            assert_eq!(batch.next().unwrap().unwrap(), 1);
            sent.recv().unwrap();
            batch.next().unwrap().unwrap_err()
        } else {
            let mut batch = session.retrieve_many([1, 2, 3]);
            let message = batch.next().unwrap().unwrap();
            sent.recv().unwrap();
            assert_eq!(message.into_message().unwrap().as_bytes(), b"one\r\n");
            assert_eq!(batch.next().unwrap().unwrap().into_message().unwrap().as_bytes(), b"two\r\n");
            batch.next().unwrap_err()
        };
        assert!(error.to_string().contains("while it was idle, saying -ERR Disconnected for inactivity."), "{error}");
        drop(session);
        peer.done();
    }
}

/// The window is filled before the first answer, and again when half of it is free.
#[test]
fn a_window_full_with_pipelining() {
    let retrieved = "S: +OK\nS: body\nS: .\n";
    // Eight octets a command, of which a fourth would not fit.
    let script = format!(
        "
C: RETR 1
C: RETR 2
C: RETR 3
-- quiet
{retrieved}-- quiet
{retrieved}C: RETR 4
C: RETR 5
-- quiet
{retrieved}{retrieved}{retrieved}C: DELE 1
C: DELE 2
C: DELE 3
S: +OK
S: +OK
S: -ERR
-- hold
"
    );
    let peer = Peer::playing(format!("{PIPELINED_LOGIN}{script}").replace("\n\n", "\n"));
    let mut session = connect(peer.connect().window(31)).unwrap();
    let mut batch = session.retrieve_many(1..=5);
    for _ in 0..5 {
        assert_eq!(batch.next().unwrap().unwrap().into_message().unwrap().as_bytes(), b"body\r\n");
    }
    assert!(batch.next().unwrap().is_none());
    assert_eq!(session.delete_many(1..=3).flatten().count(), 2);
    drop(session);
    peer.done();
}

#[test]
fn many_commands_in_one_write() {
    const COUNT: u32 = 1000;
    let commands: Vec<String> = (1..=COUNT).map(|n| format!("C: DELE {n}\n")).collect();
    let script = format!("{PIPELINED_LOGIN}{}{}", commands.concat(), "S: +OK\n".repeat(commands.len()));
    let memory = Memory::playing(&script, usize::MAX, usize::MAX, None);
    let to = Connect::new().security(Security::Plaintext).allow_plaintext(true).window(64 * 1024);
    let to = to.user("mrose").password("tanstaaf");
    let mut session = Connection::over(memory, to).unwrap().login().unwrap();
    assert_eq!(session.delete_many(1..=COUNT).flatten().count(), commands.len());
    // CAPA, USER with PASS, and all of the batch.
    assert_eq!(session.abandon().writes, 3);
}
