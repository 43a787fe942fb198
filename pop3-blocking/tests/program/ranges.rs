//! Ranges of messages: the messages that each form selects, in one session, and the output for several messages.

use crate::support::{Act, Ended, Home, Server, embedded, say, scripted, store};

fn five() -> Server {
    let messages = ["1", "2", "3", "4", "5"].map(|n| format!("Subject: {n}\r\n\r\nfirst\r\nsecond\r\n"));
    embedded(&store(&messages.each_ref().map(String::as_bytes)))
}

fn run(server: &Server, command: &[&str]) -> Ended {
    Home::with_password().run(&[&["--plaintext", &server.quick_url()], command].concat())
}

/// The numbers in the first column.
#[track_caller]
fn numbers(ended: &Ended) -> String {
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let text = std::str::from_utf8(&ended.out).unwrap();
    text.lines().map(|line| line.split([' ', '\t']).next().unwrap()).collect::<Vec<_>>().join(" ")
}

#[test]
fn each_form_of_a_range() {
    let server = five();
    for (range, expected) in [
        (&["2-4"][..], "2 3 4"),
        (&["1-2,5"], "1 2 5"),
        (&["4-"], "4 5"),
        (&["1-"], "1 2 3 4 5"),
        (&["last"], "5"),
        (&["last:1"], "5"),
        (&["last:2"], "4 5"),
        (&["last:99"], "1 2 3 4 5"),
        (&["5,1"], "5 1"),
        // Each once, at its first place.
        (&["3-4,2-5", "1", "last"], "3 4 2 5 1"),
        (&["2-2"], "2"),
    ] {
        assert_eq!(numbers(&run(&server, &[&["list"], range].concat())), expected, "{range:?}");
        assert_eq!(numbers(&run(&server, &[&["uidl"], range].concat())), expected, "{range:?}");
        assert_eq!(numbers(&run(&server, &[&["index"], range].concat())), expected, "{range:?}");
    }
    for range in ["0", "0-2", "2-0", "x", "1-x", "-", "1,,2", "", "lastly", "last:", "last:0", "last-2", "4294967296"] {
        assert_eq!(run(&server, &["list", range]).status, Some(2), "{range}");
    }
    run(&server, &["list", "5-3"]).expect(2, "the range 5-3 ends before it begins");
}

#[test]
fn an_empty_maildrop_has_no_last_message() {
    let server = embedded(&store(&[]));
    for range in ["1-", "last", "last:3"] {
        for command in ["list", "index", "retr", "headers", "dele"] {
            let ended = run(&server, &[command, range]);
            assert!(ended.status == Some(0) && ended.out.is_empty(), "{ended:?}");
        }
    }
    run(&server, &["retr", "1-2"]).expect(1, "there is no message 1: the maildrop is empty");
    run(&server, &["retr", "2-"]).expect(1, "there is no message 2: the maildrop is empty");
}

#[test]
fn a_number_beyond_the_maildrop_loses_nothing() {
    let maildrop = store(&[b"a\r\n", b"b\r\n"]);
    let server = embedded(&maildrop);
    for command in [
        &["retr", "1-3"][..],
        &["retr", "1", "3"],
        &["top", "2,3", "0"],
        &["headers", "3-"],
        &["dele", "1-3"],
        &["dele", "2", "3"],
        &["index", "3-4"],
        &["list", "1,3"],
    ] {
        let ended = run(&server, command);
        ended.expect(1, "error: there is no message 3: the last one is 2; nothing was done\n");
        assert!(ended.out.is_empty(), "{ended:?}");
    }
    assert_eq!(numbers(&run(&server, &["list"])), "1 2");
    run(&server, &["dele", "1-"]).expect(0, "the server committed: 2 deleted, 0 refused");
    run(&server, &["list"]).expect_out("");
    // Numbers need not be without gaps.
    let server = scripted(|line| if line == "LIST" { say("+OK\r\n1 1\r\n7 1\r\n.\r\n") } else { Act::Usual });
    run(&server, &["list", "5,7"]).expect(1, "there is no message 5: `list` shows those that exist");
    assert_eq!(numbers(&run(&server, &["list", "1-7"])), "1 7");
}

/// The output without the times in its `From ` lines.
fn untimed(ended: &Ended) -> String {
    let text = String::from_utf8(ended.out.clone()).unwrap();
    let line = |line: &str| match line.strip_prefix("From ") {
        Some(from) => {
            let (sender, time) = from.trim_end().split_once(' ').unwrap();
            let time = jiff::fmt::strtime::parse("%a %b %e %H:%M:%S %Y", time).unwrap();
            assert!(time.year().unwrap() > 2025);
            format!("From {sender}\n")
        }
        None => line.to_owned(),
    };
    text.split_inclusive('\n').map(line).collect()
}

#[test]
fn several_messages_are_a_mailbox_file() {
    let server = five();
    let message = |n: u32, body: &str| format!("From message-{n}\nSubject: {n}\n\n{body}\n");
    let retr = run(&server, &["retr", "2,4-5"]);
    assert_eq!(untimed(&retr), [2, 4, 5].map(|n| message(n, "first\nsecond\n")).concat());
    assert_eq!(untimed(&run(&server, &["top", "1-2", "1"])), [1, 2].map(|n| message(n, "first\n")).concat());
    assert_eq!(untimed(&run(&server, &["headers", "3", "1"])), [3, 1].map(|n| message(n, "")).concat());
    // A form that can name several is one, even if it names one.
    assert_eq!(untimed(&run(&server, &["headers", "5-"])), message(5, ""));
    run(&server, &["headers", "last"]).expect_out("Subject: 5\r\n\r\n");
}

/// No mail can begin another one.
#[test]
fn lines_like_the_separator_are_quoted() {
    let lines =
        "From a\r\n>From b\r\n>>From c\r\n From d\r\nFrom\r\nFro\r\n>\r\n>F\r\n\r\nFrom e\rFrom f\r\nFFrom g\r\n>x\r\n";
    let quoted = ">From a\n>>From b\n>>>From c\n From d\nFrom\nFro\n>\n>F\n\n>From e\rFrom f\nFFrom g\n>x\n";
    for (end, written) in [
        ("", ""),
        ("F", "F\n"),
        ("From", "From\n"),
        ("From ", ">From \n"),
        (">", ">\n"),
        (">>From ", ">>>From \n"),
        ("a\r", "a\r\n"),
    ] {
        // Cut anywhere, as the octets are on a network.
        let text = format!("{lines}{end}\r\n").replace("\r\n\r\n.", "\r\n\r\n..");
        let server = scripted(move |line| match line {
            "LIST" => say("+OK\r\n1 1\r\n.\r\n"),
            "RETR 1" => say(format!("+OK\r\n{text}.\r\n")),
            _ => Act::Usual,
        });
        let ended = run(&server, &["retr", "1-"]);
        assert_eq!(ended.status, Some(0), "{ended:?}");
        let out = String::from_utf8(ended.out).unwrap();
        let (_, body) = out.split_once('\n').unwrap();
        let last = if end.is_empty() { "\n" } else { written };
        assert_eq!(body, format!("{quoted}{last}\n"), "{end:?}");
    }
}

#[test]
fn a_refused_message_does_not_stop_the_others() {
    let server = scripted(|line| match line {
        "CAPA" => say("+OK\r\nPIPELINING\r\nSASL PLAIN\r\n.\r\n"),
        "LIST" => say("+OK\r\n1 1\r\n2 1\r\n3 1\r\n.\r\n"),
        "RETR 2" | "TOP 2 0" => say("-ERR gone\r\n"),
        _ if line.starts_with("RETR") || line.starts_with("TOP") => say("+OK\r\nSubject: x\r\n\r\n.\r\n"),
        _ => Act::Usual,
    });
    for command in ["retr", "headers", "index"] {
        let ended = run(&server, &[command, "1-"]);
        ended.expect(1, " failed: the server said -ERR gone\n");
        ended.expect(1, "2 of 3 messages were read");
    }
    let ended = run(&server, &["retr", "1-"]);
    assert_eq!(untimed(&ended).matches("From message-").count(), 2, "{ended:?}");
    let ended = run(&server, &["index"]);
    assert_eq!(ended.out, b"1\t1\t\t\tx\n2\t1\t\t\t\n3\t1\t\t\tx\n", "{ended:?}");
}

#[test]
fn a_session_that_ends_early_is_an_error() {
    let server = scripted(|line| match line {
        "LIST" => say("+OK\r\n1 1\r\n2 1\r\n.\r\n"),
        "RETR 1" => say("+OK\r\nx\r\n.\r\n"),
        "RETR 2" => Act::Hang(b"+OK\r\nhalf".to_vec()),
        _ => Act::Usual,
    });
    let ended = run(&server, &["retr", "1-2"]);
    ended.expect(4, "closed the connection");
    assert!(untimed(&ended).starts_with("From message-1\nx\n\n"), "{ended:?}");
}

/// All commands are sent before any is answered, in one session.
#[test]
fn ranges_are_pipelined() {
    use std::io::{BufRead, BufReader, Write};

    let server = crate::support::listen(|mut stream, heard| {
        stream.write_all(b"+OK ready\r\n").unwrap();
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
        let mut held = Vec::new();
        while let Some(Ok(line)) = lines.next() {
            heard.lock().unwrap().push(line.clone());
            match line.as_str() {
                "CAPA" => stream.write_all(b"+OK\r\nPIPELINING\r\nTOP\r\nSASL PLAIN\r\n.\r\n").unwrap(),
                "AUTH PLAIN" => stream.write_all(b"+ \r\n").unwrap(),
                "LIST" => stream.write_all(b"+OK\r\n1 1\r\n2 1\r\n3 1\r\n.\r\n").unwrap(),
                _ if line.starts_with("RETR") || line.starts_with("TOP") || line.starts_with("DELE") => {
                    held.push(line.clone());
                    if held.len() == 3 {
                        for line in held.drain(..) {
                            let answer: &[u8] = if line.starts_with("DELE") { b"+OK\r\n" } else { b"+OK\r\n\r\n.\r\n" };
                            stream.write_all(answer).unwrap();
                        }
                    }
                }
                _ => stream.write_all(b"+OK\r\n").unwrap(),
            }
            if line == "QUIT" {
                return;
            }
        }
    });
    for command in [&["retr", "1-3"][..], &["headers", "1-"], &["top", "1-3", "2"], &["index"], &["dele", "last:3"]] {
        let ended = run(&server, command);
        assert_eq!(ended.status, Some(0), "{command:?}: {ended:?}");
    }
    assert_eq!(server.heard().iter().filter(|line| *line == "QUIT").count(), 5);
}
