//! Servers that exceed one time limit. Each test sets only that limit, and ends long before the server's own limits. A
//! login has answers that must arrive in time on a busy machine too, so there the limit is [`LONG`].

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::mpsc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use pop3_blocking::{Cause, Connection, Credentials, Error, LoginFailed, Method, Session, Tcp, Timeouts, connect};
use socket2::{Domain, Socket, Type};

use crate::peer::{LOGIN, LONG, Peer, play};

/// For what does not come, when nothing that comes has to keep to it.
const LIMIT: Duration = Duration::from_millis(200);
/// Between two octets of a server that drips.
const PAUSE: Duration = Duration::from_millis(5);
const AGES: Duration = Duration::from_secs(30);

/// A server that plays a script, and then sends these octets over and over, one at a time, until the client is gone.
fn dripping(script: String, octets: &'static [u8]) -> Peer {
    dripping_behind(script, b"", octets)
}

/// The same, but for the octets in `whole`, which arrive together.
fn dripping_behind(script: String, whole: &'static [u8], octets: &'static [u8]) -> Peer {
    Peer::new(move |mut stream| {
        play(&mut stream, &script);
        let _ = stream.write_all(whole);
        for octet in octets.iter().cycle() {
            if stream.write_all(&[*octet]).is_err() {
                return;
            }
            sleep(PAUSE);
        }
    })
}

fn unlimited() -> Timeouts {
    Timeouts::UNLIMITED.connect(AGES)
}

fn assert_late(error: &Error, says: &str) {
    assert!(matches!(error.cause(), Cause::TimedOut(_)), "{error:?}");
    assert_eq!(error.to_string(), says);
    assert!(!error.is_recoverable());
}

#[test]
fn f01_a_greeting_that_does_not_come() {
    let limits = unlimited().greeting(LIMIT);
    for peer in [Peer::playing("-- hold\n"), dripping(String::new(), b"+OK and so on ")] {
        let begin = Instant::now();
        let error = connect(peer.connect().timeouts(limits)).unwrap_err();
        assert_eq!(error.to_string(), "reading the greeting failed: the server sent no greeting for 0.2 s");
        assert!(begin.elapsed() >= LIMIT && begin.elapsed() < AGES);
        peer.done();
    }
}

#[test]
fn f01_an_answer_that_does_not_end() {
    let limits = unlimited().answer(LONG);
    let peer = dripping(format!("{LOGIN}C: NOOP\nS: +OK\nC: STAT\n"), b"+OK 1 1 ");
    let mut session = connect(peer.connect().timeouts(limits)).unwrap();
    session.noop().unwrap();
    let begin = Instant::now();
    assert_late(&session.stat().unwrap_err(), "STAT failed: the server sent no answer to STAT for 3 s");
    assert!(begin.elapsed() >= LONG && begin.elapsed() < AGES);
    drop(session);
    peer.done();
}

#[test]
fn f01_a_message_and_a_listing_that_trickle_time_out() {
    let limits = unlimited().interval(LIMIT).octets(1000);
    let says = "failed: the server sent fewer than 1000 octets in 0.2 s";

    // The first line is there when the message begins, however slow the rest.
    let peer = dripping_behind(format!("{LOGIN}C: RETR 1\n"), b"+OK\r\na line\r\n", b"a line\r\n");
    let mut session = connect(peer.connect().timeouts(limits)).unwrap();
    let mut message = session.retrieve(1).unwrap();
    let error = std::io::copy(&mut message, &mut std::io::sink()).unwrap_err();
    assert_late(&error.downcast().unwrap(), &format!("RETR 1 {says}"));
    assert!(message.octets() >= 8);
    drop(session);
    peer.done();

    let peer = dripping(format!("{LOGIN}C: UIDL\nS: +OK\n"), b"1 unique\r\n");
    let mut session = connect(peer.connect().timeouts(limits)).unwrap();
    assert_late(&session.uidl().unwrap_err(), &format!("UIDL {says}"));
    drop(session);
    peer.done();
}

/// Longer than an interval, and never too slow in one.
#[test]
fn a_slow_message_does_not_time_out() {
    const LINE: &[u8] = b"two dozen octets a line\r\n";
    const LINES: usize = 32;
    let limits = unlimited().interval(LONG).octets(20);
    let peer = Peer::new(|mut stream| {
        play(&mut stream, &format!("{LOGIN}C: RETR 1\nS: +OK\n"));
        for _ in 0..LINES {
            stream.write_all(LINE).unwrap();
            sleep(Duration::from_millis(100));
        }
        play(&mut stream, "S: .\n-- hold\n");
    });
    let mut session = connect(peer.connect().timeouts(limits)).unwrap();
    let begin = Instant::now();
    let message = session.retrieve(1).unwrap().into_message().unwrap();
    assert!(message.as_bytes() == LINE.repeat(LINES) && begin.elapsed() > limits.interval);
    drop(session);
    peer.done();
}

/// Time counts only while the server is waited for.
#[test]
fn a_caller_may_take_its_time() {
    // More than one read takes, and less than the systems buffer: all of it comes while nobody waits.
    const LINES: usize = 10_000;
    // All of the message has one interval, which the caller's own time would use up.
    let limits = unlimited().each(LONG).octets(u32::MAX);
    let peer = Peer::new(|mut stream| {
        play(&mut stream, &format!("{LOGIN}C: RETR 1\nS: +OK\n"));
        stream.write_all(&b"a line of a message\r\n".repeat(LINES)).unwrap();
        play(&mut stream, "S: .\nC: NOOP\nS: +OK\n-- hold\n");
    });
    let mut session = connect(peer.connect().timeouts(limits)).unwrap();
    let mut lines = BufReader::with_capacity(100, session.retrieve(1).unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "a line of a message");
    sleep(LONG + PAUSE);
    assert_eq!(lines.map(Result::unwrap).count(), LINES - 1);
    session.noop().unwrap();
    drop(session);
    peer.done();
}

/// A stream whose reads return by themselves is timed by that.
#[test]
fn limits_apply_to_the_callers_stream() {
    let peer = dripping("S: +OK ready\nC: CAPA\n".to_owned(), b"+OK 1 1 ");
    let stream = TcpStream::connect(peer.address).unwrap();
    stream.set_read_timeout(Some(PAUSE)).unwrap();
    let to = peer.connect().timeouts(Timeouts::UNLIMITED.answer(LIMIT));
    let connection = Connection::over(stream, to).unwrap();
    let begin = Instant::now();
    let failed = connection.login().unwrap_err();
    assert_eq!(failed.to_string(), "the login failed: the server sent no answer to CAPA for 0.2 s");
    assert!(failed.connection.is_none() && begin.elapsed() >= LIMIT && begin.elapsed() < AGES);
    peer.done();
}

/// More in Base64 than the systems buffer between them, however they size their buffers by themselves.
const MUCH: usize = 4 << 20;
/// The same of buffers that are as small as can be.
const LESS: usize = 1 << 18;

/// A server for a login with a large token, which goes on with `serve` when the token is due.
fn large_response(serve: impl FnOnce(TcpStream) + Send + 'static) -> Peer {
    Peer::new(|mut stream| {
        let script = "S: +OK\nC: CAPA\nS: +OK\nS: SASL XOAUTH2\nS: .\nC: AUTH XOAUTH2\nS: + \n";
        play(&mut stream, script);
        serve(stream);
    })
}

fn token(octets: usize) -> Credentials {
    Credentials::token("mrose", "x".repeat(octets))
}

/// On a socket that the caller has connected.
fn on_ones_own(peer: &Peer, timeouts: Timeouts) -> Result<Session<Tcp>, Box<LoginFailed<Tcp>>> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_send_buffer_size(1).unwrap();
    socket.connect(&peer.address.into()).unwrap();
    let to = peer.connect().methods([Method::Xoauth2]).timeouts(timeouts);
    Connection::over_tcp(socket.into(), to).unwrap().login_as(token(LESS))
}

/// The server has nothing to say until all of it was written.
#[test]
fn a_response_that_is_larger_than_the_buffers() {
    let taken = |mut stream: TcpStream| {
        let mut token = String::new();
        BufReader::new(&stream).read_line(&mut token).unwrap();
        assert!(token.len() > LESS);
        play(&mut stream, "S: +OK\n-- hold\n");
    };
    let peer = large_response(taken);
    let to = peer.connect().credentials(token(MUCH)).methods([Method::Xoauth2]);
    drop(connect(to.timeouts(unlimited().login(2 * AGES))).unwrap());
    peer.done();

    let peer = large_response(taken);
    drop(on_ones_own(&peer, unlimited().login(2 * AGES)).unwrap());
    peer.done();
}

/// A server that reads no more when the token comes, until the test is done with it.
fn untaken() -> (Peer, mpsc::Sender<()>) {
    let (done, wait) = mpsc::channel();
    let peer = large_response(move |stream| {
        let _ = wait.recv();
        drop(stream);
    });
    (peer, done)
}

/// Writing is tried again, and not for ever.
#[test]
fn a_response_that_the_server_does_not_read_times_out() {
    let (peer, done) = untaken();
    let begin = Instant::now();
    let to = peer.connect().credentials(token(MUCH)).methods([Method::Xoauth2]);
    let error = connect(to.timeouts(unlimited().answer(LONG))).unwrap_err();
    assert_eq!(error.to_string(), "the login failed: the server sent no answer to AUTH for 3 s");
    assert!(begin.elapsed() >= LONG && begin.elapsed() < AGES);
    drop(done);
    peer.done();
}

#[test]
fn a_response_on_the_callers_socket_that_is_not_read_times_out() {
    let (peer, done) = untaken();
    let begin = Instant::now();
    let failed = on_ones_own(&peer, unlimited().answer(LONG)).unwrap_err();
    assert_eq!(failed.to_string(), "the login failed: the server sent no answer to AUTH for 3 s");
    assert_eq!(failed.error.kind(), pop3_blocking::ErrorKind::TimedOut);
    assert!(begin.elapsed() >= LONG && begin.elapsed() < AGES);
    drop(done);
    peer.done();
}
