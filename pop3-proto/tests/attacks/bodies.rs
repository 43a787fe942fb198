//! D01 to D07: the end of a message, and its content.

use pop3_proto::drive::{Acknowledge, Batch, ListAll, Selection, Stat, UidlAll};
use pop3_proto::{Command, Config, Kind, Violation};
use proptest::prelude::*;

use crate::play::{CUTS, Cut, Script};
use crate::session::{LOGIN, PIPELINING, RETR, inside, is_poisoned, message, violation};
use crate::talk::Talk;

/// Returns the events that a client in TRANSACTION hears for `answer` to `command`, in pieces that end where `cuts` has
/// a bit, repeated every 64 octets.
fn heard(command: Command<'_>, answer: &[u8], cuts: u64) -> Vec<String> {
    let mut talk = Talk::logged_in(Config::default());
    talk.client(command);
    let (before, mut from) = (talk.heard.len(), 0);
    for to in (1..answer.len()).filter(|to| cuts >> (to % 64) & 1 == 1).chain([answer.len()]) {
        talk.server(&answer[from..to]);
        from = to;
    }
    assert!(talk.left.is_empty() || talk.error.is_some());
    talk.heard.split_off(before)
}

#[test]
fn d01_every_cut_of_short_answers_gives_the_same_events() {
    let answers: [(Command<'_>, &[u8], &[&str]); 9] = [
        (Command::Noop, b"+OK\r\n", &["#2 ok"]),
        (Command::Noop, b"-ERR a b\r\n", &["#2 refused a b"]),
        (Command::List(None), b"+OK\r\n.\r\n", &["#2 ok", "#2 end"]),
        (Command::List(None), b"+OK\r\n1 2\r\n.\r\n", &["#2 ok", "#2 row 1 2", "#2 end"]),
        (Command::Uidl(None), b"+OK\r\n..\r\n.\r\n", &["#2 ok", "#2 row .", "#2 end"]),
        (RETR, b"+OK\r\n.\r\n", &["#2 ok", "#2 end"]),
        (RETR, b"+OK\r\n..\r\n.\r\n", &["#2 ok", "#2 body .\\r\\n", "#2 end"]),
        (RETR, b"+OK\r\n\r\r\n.\r\n", &["#2 ok", "#2 body \\r\\r\\n", "#2 end"]),
        (RETR, b"+OK\r\n\n.\n\r\n.\r\n", &["#2 ok", "#2 body \\n.\\n\\r\\n", "#2 end"]),
    ];
    for (command, answer, expected) in answers {
        for cuts in (0..1 << answer.len()).step_by(2) {
            assert_eq!(heard(command, answer, cuts), expected, "{} cut by {cuts:b}", answer.escape_ascii());
        }
    }
}

/// Returns a message as RFC 1939, section 3, sends it: each line that begins with a dot gets another one. This works
/// line by line, and shares no code with the crate.
fn stuffed(message: &str) -> String {
    message
        .split_inclusive("\r\n")
        .map(|line| if line.starts_with('.') { format!(".{line}") } else { line.into() })
        .collect()
}

proptest! {
    #[test]
    fn d01_every_cut_of_messages_gives_the_same_events(text in r"[.ab\r\n]{0,62}", cuts: u64) {
        let message = format!("{text}\r\n");
        let answer = format!("+OK\r\n{}.\r\n", stuffed(&message));
        let body = format!("#2 body {}", message.as_bytes().escape_ascii());
        prop_assert_eq!(heard(RETR, answer.as_bytes(), cuts), ["#2 ok", &body, "#2 end"]);
    }
}

#[test]
fn d02_an_incomplete_terminator_ends_nothing() {
    let answers: [(Command<'_>, &str, &[u8]); 4] = [
        (Command::List(None), "LIST", b"+OK\r\n1 2\r\n.\r\n"),
        (Command::Uidl(None), "UIDL", b"+OK\r\n1 a\r\n.\r\n"),
        (RETR, "RETR 1", b"+OK\r\nbody\r\n..\r\n.\r\n"),
        (Command::Noop, "NOOP", b"+OK\r\n"),
    ];
    for (command, line, answer) in answers {
        for len in 0..answer.len() {
            for cut in CUTS {
                let mut play = inside(&LOGIN, &[(line, &answer[..len])], cut);
                let error = match command.kind() {
                    Kind::ListAll => play.call(ListAll::default()).unwrap_err(),
                    Kind::UidlAll => play.call(UidlAll::default()).unwrap_err(),
                    Kind::Retr => message(&mut play).unwrap_err(),
                    _ => play.call(Acknowledge(command)).unwrap_err(),
                };
                assert!(error.is_truncated(), "{line}, {len} octets: {error}");
                is_poisoned(&mut play);
            }
        }
    }
}

#[test]
fn d03_exactly_one_dot_is_taken_from_a_line() {
    let messages: [(&[u8], &[u8]); 14] = [
        (b".\r\n", b""),
        (b"..\r\n.\r\n", b".\r\n"),
        (b"...\r\n.\r\n", b"..\r\n"),
        (b"....\r\n.\r\n", b"...\r\n"),
        (b". \r\n.\r\n", b" \r\n"),
        (b".x\r\n.\r\n", b"x\r\n"),
        (b"..x\r\n.\r\n", b".x\r\n"),
        (b"..\r\n..\r\n..\r\n.\r\n", b".\r\n.\r\n.\r\n"),
        (b"x.\r\n.\r\n", b"x.\r\n"),
        (b" .\r\n.\r\n", b" .\r\n"),
        (b"\r\n.\r\n", b"\r\n"),
        (b"\r\n..\r\n\r\n.\r\n", b"\r\n.\r\n\r\n"),
        (b"..\r\r\n.\r\n", b".\r\r\n"),
        (b".\n\r\n.\r\n", b"\n\r\n"),
    ];
    for (wire, content) in messages {
        for cut in CUTS {
            let answer = [b"+OK\r\n", wire].concat();
            let mut play = inside(&LOGIN, &[("RETR 1", &answer), ("NOOP", b"+OK\r\n")], cut);
            assert_eq!(message(&mut play).unwrap().escape_ascii().to_string(), content.escape_ascii().to_string());
            play.call(Acknowledge(Command::Noop)).unwrap();
        }
    }
}

#[test]
fn d04_only_crlf_ends_a_message() {
    // A sender of mail might put these into a message so that its reader takes the rest for answers.
    let smuggled: [&[u8]; 6] = [
        b"x\n.\n+OK 1 forged\r\nDELE 2\r\n",
        b"x\n.\r\n+OK forged\r\n",
        b"x\r\n.\n-ERR forged\r\n",
        b"Subject: x\n\nhi\n.\nRETR 2\n+OK\nforged\n.\n\r\n",
        b"\n.\n\n.\n\r\n",
        b"x\r.\n+OK\r\n",
    ];
    for content in smuggled {
        for cut in CUTS {
            // The server stuffs lines, and a line ends in CRLF.
            let text = String::from_utf8(content.to_vec()).unwrap();
            let answer = format!("+OK\r\n{}.\r\n", stuffed(&text));
            let mut play = inside(&LOGIN, &[("RETR 1", answer.as_bytes()), ("STAT", b"+OK 7 8\r\n")], cut);
            assert_eq!(message(&mut play).unwrap().escape_ascii().to_string(), content.escape_ascii().to_string());
            assert_eq!(play.call(Stat).unwrap().messages, 7, "the answer is the server's own");
        }
    }
    // In a listing and in a status line of such a session, they are an error.
    for (command, line, answer) in [
        (Command::List(None), "LIST", &b"+OK\r\n1 2\n.\r\n"[..]),
        (Command::Uidl(None), "UIDL", b"+OK\r\n1 a\n.\n"),
        (Command::Noop, "NOOP", b"+OK\n"),
    ] {
        let mut play = inside(&LOGIN, &[(line, answer)], Cut::Whole);
        let error = play.call(Acknowledge(command)).map(drop).and_then(|()| play.call(Acknowledge(Command::Noop)));
        assert_eq!(violation(&error.unwrap_err()), Some(Violation::BareLf));
        is_poisoned(&mut play);
    }
}

#[test]
fn d05_a_bare_cr_is_not_a_line_end() {
    let messages: [(&[u8], &[u8]); 6] = [
        (b"x\r.\r\n.\r\n", b"x\r.\r\n"),
        (b"x\r\r\n.\r\n", b"x\r\r\n"),
        (b"x\r\n\r.\r\n.\r\n", b"x\r\n\r.\r\n"),
        (b"\r.\r\r\n.\r\n", b"\r.\r\r\n"),
        (b"\r\r.\r\n.\r\n", b"\r\r.\r\n"),
        (b"x\n\r.\r\n.\r\n", b"x\n\r.\r\n"),
    ];
    for (wire, content) in messages {
        for cut in CUTS {
            let answer = [b"+OK\r\n", wire].concat();
            let mut play = inside(&LOGIN, &[("RETR 1", &answer), ("NOOP", b"+OK\r\n")], cut);
            assert_eq!(message(&mut play).unwrap().escape_ascii().to_string(), content.escape_ascii().to_string());
            play.call(Acknowledge(Command::Noop)).unwrap();
        }
    }
    for answer in [&b"+OK\rmore\r\n"[..], b"+OK\r\r\n", b"\r+OK\r\n", b"-ERR \r\r\n"] {
        let mut play = inside(&LOGIN, &[("NOOP", answer)], Cut::Whole);
        let error = play.call(Acknowledge(Command::Noop)).unwrap_err();
        assert_eq!(violation(&error), Some(Violation::BareCr));
        is_poisoned(&mut play);
    }
}

#[test]
fn d06_octets_after_an_unstuffed_dot_answer_nothing() {
    let answer = b"+OK\r\nSubject: x\r\n\r\nlist:\r\n.\r\nthe rest\r\n.\r\n";
    for at in 1..=answer.len() {
        let mut play = inside(&LOGIN, &[("RETR 1", answer), ("STAT", b"+OK 1 1\r\n")], Cut::At(at));
        assert_eq!(
            message(&mut play).unwrap(),
            b"Subject: x\r\n\r\nlist:\r\n",
            "it ends there for all that can be known"
        );
        let error = play.call(Stat).unwrap_err();
        assert!(matches!(violation(&error), Some(Violation::Unsolicited | Violation::NotAStatus)), "{error}");
        is_poisoned(&mut play);
    }
    // The same holds for the next command, if that is already on its way.
    for cut in CUTS {
        let script: Script<'_> = &[("RETR 1", answer), ("RETR 2", b"+OK\r\nsecond\r\n.\r\n")];
        let mut play = inside(&PIPELINING, script, cut);
        let mut batch = Batch::retrieve(Selection::from_iter([1, 2]), 1000);
        let first = play.next(&mut batch).unwrap();
        play.retrieve(first.call, &mut Vec::new()).unwrap();
        let second = play.next(&mut batch).unwrap();
        let mut octets = Vec::new();
        let error = play.retrieve(second.call, &mut octets).unwrap_err();
        assert_eq!((violation(&error), octets.len()), (Some(Violation::NotAStatus), 0));
        is_poisoned(&mut play);
    }
}

#[test]
fn d07_answers_inside_a_message_are_content() {
    let content =
        "+OK\r\n-ERR\r\n+OK 99 99\r\n1 5\r\n2 5\r\n+OK 5 octets\r\nfake\r\n+ \r\n-ERR [SYS/TEMP] no\r\nQUIT\r\n";
    let answer = format!("+OK\r\n{content}.\r\n");
    for cut in CUTS {
        let script: Script<'_> = &[("RETR 1", answer.as_bytes()), ("STAT", b"+OK 2 3\r\n")];
        let mut play = inside(&LOGIN, script, cut);
        assert_eq!(message(&mut play).unwrap(), content.as_bytes());
        assert_eq!(play.call(Stat).unwrap().messages, 2);
    }
}
