//! The commands that only read, `dele`, and the exit status of each failure.

use std::io::Read;

use crate::support::{Act, Ended, Home, embedded, say, scripted, store};

const ODD: &[u8] = b"Subject: odd\r\nX: a\r\n\tb\r\n\r\n.\r\n..dots\r\n\x00\xff bare \r and\r\nlast\r\n";

#[test]
fn listings_have_the_columns_of_the_wire() {
    let maildrop = store(&[]);
    maildrop.deliver_as("u", "first-id", ODD);
    maildrop.deliver_as("u", "second-id", "x\r\n");
    let (server, home) = (embedded(&maildrop), Home::with_password());
    let run = |arguments: &[&str]| home.run(&[&["--plaintext", &server.url()], arguments].concat());
    let size = ODD.len();
    run(&["stat"]).expect_out(format!("2 {}\n", size + 3));
    run(&["list"]).expect_out(format!("1 {size}\n2 3\n"));
    run(&["list", "2"]).expect_out("2 3\n");
    run(&["uidl"]).expect_out("1 first-id\n2 second-id\n");
    run(&["uidl", "2"]).expect_out("2 second-id\n");
    run(&["retr", "1"]).expect_out(ODD);
    run(&["headers", "1"]).expect_out("Subject: odd\r\nX: a\r\n\tb\r\n\r\n");
    run(&["top", "1", "2"]).expect_out("Subject: odd\r\nX: a\r\n\tb\r\n\r\n.\r\n..dots\r\n");
    let capa = run(&["capa"]);
    assert!(String::from_utf8(capa.out).unwrap().lines().any(|line| line == "UIDL"));
    for beyond in [&["list", "3"][..], &["uidl", "3"], &["retr", "3"], &["headers", "3"], &["top", "3", "0"], &["last"]]
    {
        run(beyond).expect(1, "-ERR");
    }
    for nonsense in [&["retr", "0"][..], &["retr", "x"], &["list", "-1"], &["dele"], &["dele", "1", "0"], &["top", "1"]]
    {
        assert_eq!(run(nonsense).status, Some(2), "{nonsense:?}");
    }
}

#[test]
fn each_way_to_fail_has_its_status() {
    let stat = |answer: &'static str| {
        let hang = answer.is_empty();
        let server = scripted(move |line| match line {
            "STAT" if hang => Act::Hang(Vec::new()),
            "STAT" => say(answer),
            _ => Act::Usual,
        });
        Home::with_password().run(&["--plaintext", &server.url(), "stat"])
    };
    stat("+OK 2 320\r\n").expect_out("2 320\n");
    stat("-ERR no\r\n").expect(1, "STAT failed: the server said -ERR no");
    stat("+OK many\r\n").expect(3, "STAT failed");
    stat("HTTP/1.1 400 Bad Request\r\n").expect(3, "STAT failed");
    stat("").expect(4, "closed the connection");
    // Nobody listens on a port that was just given back.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("pop://u@127.0.0.1:{port}");
    Home::with_password().run(&["--plaintext", &url, "stat"]).expect(4, "cannot connect");
}

#[test]
fn a_server_that_falls_silent() {
    let server = scripted(|line| if line == "STAT" { say("") } else { Act::Usual });
    let ended = Home::with_password().run(&["--plaintext", "--timeout", "3", &server.url(), "stat"]);
    ended.expect(4, "the server sent no answer to STAT for 3 s");
}

/// A part of a message is not taken for the whole.
#[test]
fn a_server_that_falls_silent_in_a_message() {
    let server = scripted(|line| if line == "RETR 1" { say("+OK\r\nhalf") } else { Act::Usual });
    let ended = Home::with_password().run(&["--plaintext", "--timeout", "3", &server.url(), "retr", "1"]);
    ended.expect(4, "the server sent fewer than 256 octets in 3 s");
}

#[test]
fn a_message_cut_short_is_no_success() {
    let server = scripted(|line| match line {
        "RETR 1" => Act::Hang(b"+OK\r\nall of it\r\n".to_vec()),
        _ => Act::Usual,
    });
    Home::with_password().run(&["--plaintext", &server.url(), "retr", "1"]).expect(4, "closed the connection");
}

/// Text from a server cannot move the cursor or reverse the order of letters.
#[test]
fn f03_what_servers_say_is_escaped() {
    let evil = "\x1b[2J\x07\u{202e}\u{9b}";
    let server = scripted(move |line| match line {
        "UIDL" => say(format!("+OK\r\n1 a{evil}\r\n.\r\n")),
        "UIDL 1" => say(format!("+OK 1 a{evil}\r\n")),
        "CAPA" => say(format!("+OK\r\nX-{evil} {evil}\r\n.\r\n")),
        "LIST" => say("+OK\r\n1 10\r\n.\r\n"),
        "QUIT" => say(format!("-ERR {evil}\r\n")),
        quiet if quiet.starts_with("USER") || quiet.starts_with("PASS") => Act::Usual,
        _ => say(format!("-ERR {evil}\r\n")),
    });
    let home = Home::with_password();
    for command in
        [&["uidl"][..], &["uidl", "1"], &["capa"], &["stat"], &["retr", "1"], &["dele", "1"], &["fetch", "mail"]]
    {
        let ended = home.run(&[&["--plaintext", "--log", "log", &server.url()], command].concat());
        let shown = [ended.said.as_bytes(), &ended.out].concat();
        assert!(!shown.is_empty(), "{command:?}");
        for raw in ["\x1b", "\x07", "\u{202e}", "\u{9b}"] {
            let raw = raw.as_bytes();
            assert!(!shown.windows(raw.len()).any(|window| window == raw), "{command:?}: {ended:?}");
        }
    }
    let log = std::fs::read_to_string(home.path("log")).unwrap();
    assert!(!log.contains(['\x1b', '\x07', '\u{202e}', '\u{9b}']));
}

#[test]
fn dele_says_how_quit_ended() {
    let dele = |quit: fn() -> Act| {
        let server = scripted(move |line| match line {
            "QUIT" => quit(),
            "LIST" => say("+OK\r\n1 1\r\n2 1\r\n3 1\r\n.\r\n"),
            "DELE 2" => say("-ERR no such message\r\n"),
            _ => Act::Usual,
        });
        move |numbers: &[&str]| {
            let ended =
                Home::with_password().run(&[&["--plaintext", "--verbose", &server.url(), "dele"], numbers].concat());
            assert!(server.heard_any("QUIT"));
            ended
        }
    };
    dele(|| Act::Usual)(&["1", "3"]).expect(0, "the server committed: 2 deleted, 0 refused");
    let partly = dele(|| Act::Usual)(&["1", "2"]);
    partly.expect(1, "the server committed: 1 deleted, 1 refused");
    partly.expect(1, "message 1 is marked");
    partly.expect(1, "DELE 2 failed");
    dele(|| say("-ERR some stay\r\n"))(&["1"]).expect(1, "some messages were not deleted");
    dele(|| Act::Hang(Vec::new()))(&["1"]).expect(4, "it is unknown whether");
    let server = scripted(|line| match line {
        "LIST" => say("+OK\r\n1 1\r\n3 1\r\n.\r\n"),
        "DELE 3" => Act::Hang(Vec::new()),
        _ => Act::Usual,
    });
    let ended = Home::with_password().run(&["--plaintext", &server.url(), "dele", "1", "3"]);
    ended.expect(4, "nothing was deleted");
}

#[test]
fn a_closed_output_pipe_is_not_an_error() {
    let server = embedded(&store(&["0123456789abcde\r\n".repeat(1 << 17).as_bytes()]));
    let home = Home::with_password();
    let mut child = home.command(&["--plaintext", &server.url(), "retr", "1"]).spawn().unwrap();
    let mut some = [0; 10];
    child.stdout.take().unwrap().read_exact(&mut some).unwrap();
    assert_eq!(&some, b"0123456789");
    let ended = Ended::new(child.wait_with_output().unwrap());
    assert!(ended.status == Some(0) && ended.said.is_empty(), "{ended:?}");
}

#[test]
fn the_demo_needs_no_server() {
    let home = Home::new();
    let listed = home.run(&["--demo", "list"]);
    assert_eq!(listed.out.split(|&b| b == b'\n').count(), 6);
    let dots = home.run(&["--demo", "retr", "2"]);
    assert!(dots.out.windows(5).any(|window| window == b"\n.\r\n."), "{dots:?}");
    home.run(&["--demo", "fetch", "mail"]).expect(0, "5 new, 0 already here, 0 refused; 0 deleted");
    home.run(&["--demo", "fetch", "mail"]).expect(0, "0 new, 5 already here");
    home.run(&["--demo", "pop://u@h", "stat"]).expect(2, "omit the URL");
}
