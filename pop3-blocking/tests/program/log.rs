//! `--log`: times, the line at the beginning of each session, and the standard error.

use jiff::Timestamp;

use crate::support::{Home, PASSWORD, embedded, store};

/// The lines without their times, which are checked.
#[track_caller]
fn untimed(log: &str, begin: Timestamp) -> Vec<&str> {
    let mut last = begin;
    let line = |line| {
        let (time, text) = str::split_once(line, ' ').unwrap();
        assert_eq!(time.len(), "2026-11-28T10:54:13.123Z".len(), "{time}");
        let time: Timestamp = time.parse().unwrap();
        // In milliseconds, so the first may seem to be before the begin.
        assert!(time.as_millisecond() >= last.as_millisecond() && time <= Timestamp::now(), "{log}");
        last = time;
        text
    };
    log.lines().map(line).collect()
}

#[test]
fn each_line_has_a_time_and_each_session_a_begin() {
    let server = embedded(&store(&[b"x\r\n"]));
    let home = Home::with_password();
    let begin = Timestamp::now();
    for command in [&["stat"][..], &["list", "9"]] {
        home.run(&[&["--plaintext", "--log", "log", &server.quick_url()], command].concat());
    }
    let log = std::fs::read_to_string(home.path("log")).unwrap();
    let lines = untimed(&log, begin);
    let first = format!("-- session with 127.0.0.1, port {}, without TLS", server.port());
    assert_eq!(lines[0], first);
    assert!(lines.contains(&"C: STAT") && lines.contains(&"S: +OK 1 3") && lines.contains(&"C: LIST 9"), "{log}");
    assert_eq!(lines.iter().filter(|line| **line == first).count(), 2, "{log}");
    assert!(!log.contains(PASSWORD));
}

#[test]
fn a_dash_is_the_standard_error() {
    let server = embedded(&store(&[]));
    let home = Home::with_password();
    let begin = Timestamp::now();
    let ended = home.run(&["--plaintext", "--log", "-", &server.quick_url(), "stat"]);
    ended.expect_out("0 0\n");
    let lines = untimed(&ended.said, begin);
    assert!(lines.contains(&"C: STAT") && lines.contains(&"S: +OK 0 0"), "{ended:?}");
    assert!(!home.path("-").exists());
    // A file of this name is another path.
    home.run(&["--plaintext", "--log", "./-", &server.quick_url(), "stat"]).expect_out("0 0\n");
    assert!(home.path("-").exists());
}

/// A log shows where a session was to be, even if nothing is there.
#[test]
fn a_session_that_does_not_begin_is_logged() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let ended = Home::with_password().run(&["--log", "-", &format!("pop3s://u@127.0.0.1:{port}"), "stat"]);
    ended.expect(4, &format!("-- session with 127.0.0.1, port {port}, TLS\n"));
}
