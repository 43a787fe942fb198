//! `index`: decoded fields, and a table that fits the terminal.

use serde_json::json;

use crate::json::objects;
use crate::support::{Act, Ended, Home, embedded, say, scripted, store};

fn index(messages: &[&[u8]], options: &[&str]) -> Ended {
    let server = embedded(&store(messages));
    Home::with_password().run(&[&["--plaintext", &server.quick_url(), "index"], options].concat())
}

const ENCODED: &[u8] = b"Date: Sat, 28 Nov 2026 10:54:13 +0100\r\nFrom: =?utf-8?Q?J=C3=BCrgen?= <j@example.org>\r\n\
    Subject: =?iso-8859-1?Q?Gr=FC=DFe?=\r\n =?utf-8?B?IGF1cyBLw7Zsbg==?=\r\n\r\nbody\r\n";
const BARE: &[u8] = b"From: a@example.org\r\nDate: tomorrow\r\n\r\n";

#[test]
fn fields_are_decoded() {
    let size = ENCODED.len();
    let bare = BARE.len();
    let row = format!("1\t{size}\t2026-11-28T09:54:13Z\tJ\u{fc}rgen\tGr\u{fc}\u{df}e aus K\u{f6}ln\n");
    index(&[ENCODED, BARE, b"no header\r\n"], &[])
        .expect_out(format!("{row}2\t{bare}\t\ta@example.org\t\n3\t11\t\t\t\n"));
    let entries = objects(&index(&[ENCODED, BARE], &["--json"]));
    let decoded = json!({
        "number": 1, "octets": size, "date": "2026-11-28T09:54:13Z", "from_name": "J\u{fc}rgen",
        "from_address": "j@example.org", "subject": "Gr\u{fc}\u{df}e aus K\u{f6}ln",
    });
    let missing = json!({
        "number": 2, "octets": bare, "date": null, "from_name": null, "from_address": "a@example.org", "subject": null,
    });
    assert_eq!(entries, [decoded, missing]);
}

#[test]
fn dates_that_do_not_exist_are_missing() {
    for date in [
        "Fri, 99 Foo 2026 10:00:00 +0000",
        "Sat, 28 Nov 99999 10:00:00 +0000",
        "Sat, 28 Nov 2026 77:00:00 +0000",
        "\u{661}\u{662} Nov 2026",
        "",
    ] {
        let ended = index(&[format!("Date: {date}\r\nSubject: x\r\n\r\n").as_bytes()], &["--json"]);
        assert_eq!(objects(&ended)[0]["date"], json!(null), "{date}");
    }
}

/// Characters that would move the cursor, change colours or reverse the order of letters.
const EVIL: &[&str] = &["\x1b[2J", "\x1b]0;title\x07", "\u{202e}", "\u{9b}31m", "\u{200b}", "\x7f", "\u{e0041}"];

/// Raw, and encoded as RFC 2047 has it.
fn evil() -> Vec<u8> {
    let text = EVIL.concat();
    let encoded = text.bytes().chain(*b"\r\n\t\0").map(|octet| format!("={octet:02X}")).collect::<Vec<_>>().concat();
    let word = format!("=?utf-8?Q?{encoded}?=");
    let zalgo = "a\u{301}".replace('\u{301}', &"\u{301}".repeat(500));
    format!("From: \"{text}\" {word} <{text}@x>\r\nSubject: {text} {word} {zalgo} end\r\nDate: {text}\r\n\r\n")
        .into_bytes()
}

#[track_caller]
fn assert_harmless(out: &[u8], marks: bool) {
    let text = std::str::from_utf8(out).unwrap();
    for c in text.chars().filter(|c| !matches!(c, '\n' | '\t')) {
        assert!(!c.is_control() && !"\u{202e}\u{9b}\u{200b}\u{e0041}".contains(c), "{text:?}");
    }
    assert!(!marks || text.matches('\u{301}').count() < 10, "{text:?}");
}

#[test]
fn no_header_reaches_the_terminal_raw() {
    let ended = index(&[&evil()], &[]);
    assert!(ended.status == Some(0) && ended.said.is_empty(), "{ended:?}");
    assert_harmless(&ended.out, true);
    let row = std::str::from_utf8(&ended.out).unwrap();
    assert_eq!((row.matches('\n').count(), row.matches('\t').count()), (1, 4), "{row:?}");
    assert!(row.contains(r"\u{1b}"), "{row}");
    let ended = index(&[&evil()], &["--json"]);
    assert_harmless(&ended.out, false);
    assert!(objects(&ended)[0]["subject"].as_str().unwrap().starts_with("\x1b[2J"));
}

/// A header of any length takes no more memory than an ordinary one, and what it begins with is shown.
#[test]
fn an_endless_header_is_cut() {
    let server = scripted(|line| match line {
        "LIST" => say("+OK\r\n1 9\r\n2 9\r\n.\r\n"),
        "TOP 1 0" => {
            let filler = format!("X: {}\r\n", "x".repeat(70)).repeat((8 << 20) / 75);
            say(format!("+OK\r\nSubject: first\r\n{filler}From: late@example.org\r\n\r\n.\r\n"))
        }
        "TOP 2 0" => say("+OK\r\nSubject: second\r\n\r\n.\r\n"),
        _ => Act::Usual,
    });
    let ended = Home::with_password().run(&["--plaintext", &server.quick_url(), "index"]);
    ended.expect_out("1\t9\t\t\tfirst\n2\t9\t\t\tsecond\n");
}

#[test]
fn a_server_without_top_is_named() {
    let server = scripted(|line| match line {
        "LIST" => say("+OK\r\n1 9\r\n2 9\r\n.\r\n"),
        "TOP 1 0" | "TOP 2 0" => say("-ERR unknown command\r\n"),
        _ => Act::Usual,
    });
    let ended = Home::with_password().run(&["--plaintext", &server.quick_url(), "index"]);
    ended.expect(1, "TOP 1 0 failed: the server said -ERR unknown command");
    ended.expect(1, "0 of 2 messages were read");
    assert_eq!(ended.out, b"1\t9\t\t\t\n2\t9\t\t\t\n");
}

/// Returns what the program shows at a terminal of this width, where it must succeed.
#[cfg(unix)]
fn at_terminal(width: usize, arguments: &[&str]) -> String {
    const TERMINAL: &str = r"
import fcntl, os, pty, struct, sys, termios
width, *command = sys.argv[1:]
child, terminal = pty.fork()
if child == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack('HHHH', 24, int(width), 0, 0))
    os.environ.update(TZ='UTC')
    os.execv(command[0], command)
try:
    while octets := os.read(terminal, 4096):
        sys.stdout.buffer.write(octets)
except OSError:
    pass
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
";
    let home = Home::with_password();
    let script = home.file("terminal.py", TERMINAL);
    let mut python = std::process::Command::new("python3");
    python.arg(&script).arg(width.to_string()).arg(home.command(&[]).get_program()).args(arguments);
    let ended = Ended::new(home.wrap(python).output().unwrap());
    assert_eq!(ended.status, Some(0), "{ended:?}");
    String::from_utf8(ended.out).unwrap().replace("\r\n", "\n")
}

/// The table on terminals of several widths, none of whose lines is longer than the terminal is wide.
#[cfg(unix)]
#[test]
#[ignore = "needs python3, for a terminal"]
fn the_table_fits_the_terminal() {
    let wide = "From: =?utf-8?B?5bGx55Sw5aSq6YOO5bGx55Sw5aSq6YOO?= <y@example.org>\r\nDate: Sat, 28 Nov 2009 10:54:13 +0000\r\n\
        Subject: =?utf-8?B?5pel5pys6Kqe44Gu6ZW344GE5Lu25ZCN5pel5pys6Kqe44Gu6ZW344GE5Lu25ZCN?=\r\n\r\n";
    let long = format!("From: {0}@example.org\r\nSubject: {0}\r\n\r\n", "long".repeat(50));
    let server = embedded(&store(&[ENCODED, BARE, wide.as_bytes(), long.as_bytes(), &evil()]));
    for width in [1_usize, 32, 40, 59, 60, 80, 200] {
        let text = at_terminal(width, &["--plaintext", &server.quick_url(), "index"]);
        assert_harmless(text.as_bytes(), true);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 6, "{text}");
        for line in &lines {
            assert!(unicode_width::UnicodeWidthStr::width(*line) <= width.max(32), "{width}: {text}");
        }
        assert!(lines[0].starts_with("N ") && lines[0].ends_with("Subject"), "{text}");
        if width == 80 {
            assert!(
                lines[1].contains("2026-11-28 09:54  J\u{fc}rgen ") && lines[1].ends_with(" aus K\u{f6}ln"),
                "{text}"
            );
        }
        if width == 40 {
            assert!(lines[3].contains(" 2009 ") && lines[3].ends_with('…'), "{text}");
        }
    }
}

/// Elsewhere, messages are unchanged.
#[cfg(unix)]
#[test]
#[ignore = "needs python3, for a terminal"]
fn no_mail_controls_the_terminal() {
    // A character may be cut anywhere, as reads end anywhere.
    let umlauts = "\u{e4}\u{20ac}\u{1f600}\r\n".repeat(30_000);
    let mail = [&evil()[..], "a\tb \rc\u{8} \u{fc}\r\n".as_bytes(), b"\xff\x1b(0\r\n", umlauts.as_bytes()].concat();
    let server = embedded(&store(&[&mail]));
    for command in [&["retr", "1"][..], &["retr", "1-"], &["headers", "1"], &["top", "1", "5"]] {
        let text = at_terminal(80, &[&["--plaintext", &server.quick_url()], command].concat());
        assert_harmless(text.as_bytes(), false);
        assert!(text.contains(r"Subject: \u{1b}[2J"), "{command:?}: {}", &text[..500]);
        if command[0] != "headers" {
            assert!(
                text.contains("a\tb \\u{d}c\\u{8} \u{fc}\n\\xff\\u{1b}(0\n\u{e4}\u{20ac}\u{1f600}\n"),
                "{command:?}"
            );
        }
        if command[0] == "retr" {
            assert!(text.ends_with(&umlauts.replace("\r\n", "\n")) || command[1] == "1-", "{command:?}");
            assert_eq!(text.matches('\u{1f600}').count(), 30_000);
        }
    }
    let unchanged = Home::with_password().run(&["--plaintext", &server.quick_url(), "retr", "1"]);
    unchanged.expect_out(mail);
}

/// Messages are broken between words.
#[cfg(unix)]
#[test]
#[ignore = "needs python3, for a terminal"]
fn messages_fit_the_terminal() {
    let server = embedded(&store(&[b"a\r\n", b"b\r\n"]));
    let text = at_terminal(30, &["--plaintext", "-v", &server.quick_url(), "dele", "1-"]);
    assert!(text.ends_with("\nthe server committed: 2\ndeleted, 0 refused\n"), "{text}");
    assert!(text.lines().all(|line| line.len() <= 30), "{text}");
}
