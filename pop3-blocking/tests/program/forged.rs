//! `fetch` against misleading answers: mail that imitates an answer, answers that are mixed up, and sizes that are
//! wrong.

use std::io::{BufRead, BufReader, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{fs, thread};

use pop3_blocking::pop3_proto::testing::line_ends::{BOTH, CRLF, LF, LF_GREETING, LineEnds};

use crate::support::{Act, Ended, Home, Server, listen, mail, say, scripted};

fn fetch(home: &Home, server: &Server, options: &[&str]) -> Ended {
    home.run(&[&["--plaintext", &server.quick_url(), "fetch", "mail"], options].concat())
}

/// The style in which a server writes.
#[derive(Clone, Copy, Debug)]
struct Style {
    ends: LineEnds,
    /// Messages come line by line.
    is_slow: bool,
    /// UIDL and LIST with a number are refused.
    refuses: bool,
}

/// A server whose messages have no other defence than the check.
const UNSAFE: Style = Style::quick(BOTH);

impl Style {
    const fn quick(ends: LineEnds) -> Style {
        Style { ends, is_slow: false, refuses: false }
    }

    /// A server that pipelines, and has these messages.
    fn serve(self, messages: Vec<String>) -> Server {
        listen(move |mut stream, heard| {
            let messages = messages.clone();
            thread::spawn(move || -> std::io::Result<()> {
                stream.set_nodelay(true)?;
                let line_end = self.ends.line;
                write!(stream, "+OK ready{}", self.ends.greeting)?;
                for line in BufReader::new(stream.try_clone()?).lines() {
                    let line = line?;
                    heard.lock().unwrap().push(line.clone());
                    let (command, argument) = line.split_once(' ').unwrap_or((&line, ""));
                    let number: usize = argument.split(' ').next().unwrap().parse().unwrap_or(0);
                    let rows = |row: &dyn Fn(usize) -> String| {
                        let rows: Vec<String> = (1..=messages.len()).map(|n| row(n) + line_end).collect();
                        format!("+OK{line_end}{}{}", rows.concat(), self.ends.terminator)
                    };
                    let size = |n: usize| format!("{n} {}", self.ends.heard(&messages[n - 1]).len());
                    let answer = match command {
                        "CAPA" => {
                            format!("+OK{line_end}PIPELINING{line_end}SASL PLAIN{line_end}{}", self.ends.terminator)
                        }
                        "UIDL" | "LIST" if self.refuses && number > 0 => format!("-ERR{line_end}"),
                        "STAT" => {
                            let octets: usize = messages.iter().map(|message| self.ends.heard(message).len()).sum();
                            format!("+OK {} {octets}{line_end}", messages.len())
                        }
                        "LIST" if number == 0 => rows(&size),
                        "LIST" => format!("+OK {}{line_end}", size(number)),
                        "UIDL" if number == 0 => rows(&|n| format!("{n} id-{n}")),
                        "UIDL" => format!("+OK {number} id-{number}{line_end}"),
                        "RETR" => format!("+OK{line_end}{}", self.ends.stuffed(&messages[number - 1])),
                        "TOP" => format!("-ERR{line_end}"),
                        _ => format!("+OK{line_end}"),
                    };
                    if self.is_slow && command == "RETR" {
                        for part in answer.split_inclusive('\n') {
                            stream.write_all(part.as_bytes())?;
                            // A pause where an answer may end.
                            let may_end = part == ".\n" || part.starts_with(['+', '-']);
                            thread::sleep(Duration::from_millis(if may_end { 30 } else { 0 }));
                        }
                        continue;
                    }
                    stream.write_all(answer.as_bytes())?;
                    if command == "QUIT" {
                        break;
                    }
                }
                Ok(())
            });
        })
    }
}

const FORGERIES: [&str; 6] = [
    "\n.\n+OK\r\nFrom: bank\r\n\r\npay\r\n",
    "\n.\n+OK\nFrom: bank\n\npay\n",
    "\n.\n+OK\nFrom: bank\n\npay\n.\n+OK 1 id-1\n",
    "\n.\r\n+OK\r\nFrom: bank\r\n\r\npay\r\n.\r\n+OK 3 id-3\r\n",
    "\r\n.\n-ERR gone\r\n",
    "\r.\r+OK\rFrom: bank\r\r\n.\r\n+OK 2 id-2\n",
];

/// Each sequence in each message, where something begins or ends. The core has tests of each octet.
#[test]
fn no_mail_can_imitate_another_mail() {
    for ends in [CRLF, LF_GREETING, LF, BOTH] {
        for forgery in FORGERIES {
            insert(Style::quick(ends), forgery);
        }
    }
}

/// The same where messages come slowly, at the server that has no other defence than the check.
#[test]
fn no_slow_mail_can_imitate_another_mail() {
    let style = Style { is_slow: true, ..UNSAFE };
    thread::scope(|scope| {
        for forgery in FORGERIES {
            scope.spawn(move || insert(style, forgery));
        }
    });
}

fn insert(style: Style, forgery: &str) {
    let plain = |n: usize| format!("Subject: {n}{0}{0}mail number {n}{0}", style.ends.line);
    for victim in 1..=3 {
        let own = plain(victim);
        // Before the message, after its header, in the middle of a line, and at its end.
        let places = [0, own.find(style.ends.line).unwrap(), own.len() - 6, own.len()];
        for place in places {
            let mut messages: Vec<_> = (1..=3).map(plain).collect();
            messages[victim - 1].insert_str(place, forgery);
            let scene = format!("{style:?} {forgery:?} in {victim} at {place}");
            judge(style, &style.serve(messages.clone()), &messages, victim, &scene);
        }
    }
}

/// The parts of a message that comes slowly pass for the answers to all later commands.
#[test]
fn no_mail_passes_the_check() {
    // To RETR of two messages, and of each of them again.
    const MESSAGES: &str = "\n.\n+OK\nFrom: bank\n\npay\n.\n+OK\n{}\n.\n+OK\nFrom: bank\n\npay\n.\n";
    // To the questions of the check, and to QUIT.
    let guesses = "+OK 1 id-1\n".repeat(3);
    for (refuses, check) in [(false, "-ERR\n-ERR\n+OK 0 0\n+OK\n"), (true, "+OK 0 0\n+OK\n"), (false, &guesses)] {
        let style = Style { is_slow: true, refuses, ..UNSAFE };
        for victims in 1..=2 {
            for begin in ["", "Subject: 1\n\nmail"] {
                let forgery = format!("{begin}{}{check}rest\n", MESSAGES.replace("{}", begin));
                let genuine = (2..2 + victims).map(|n| format!("Subject: {n}\n\nmail number {n}\n"));
                let messages: Vec<_> = std::iter::once(forgery).chain(genuine).collect();
                let scene = format!("{begin:?} before {victims}, {check:?}");
                judge(style, &style.serve(messages.clone()), &messages, 1, &scene);
            }
        }
    }
}

fn judge(style: Style, server: &Server, messages: &[String], attacker: usize, scene: &str) {
    let home = Home::in_memory();
    let genuine: Vec<_> = messages.iter().map(|message| style.ends.heard(message).into_bytes()).collect();
    for _ in 0..4 {
        let ended = fetch(&home, server, &["--delete"]);
        assert!(matches!(ended.status, Some(0 | 1 | 3)), "{scene}: {ended:?}");
        let here = mail(&home.path("mail"));
        for file in &here {
            assert!(genuine.contains(file), "{scene}: {}", file.escape_ascii());
        }
        // Deleted messages are in the Maildir.
        for (n, message) in genuine.iter().enumerate() {
            let deleted = server.heard_any(&format!("DELE {}", n + 1));
            assert!(!deleted || here.contains(message), "{scene}: {} was deleted unread", n + 1);
        }
    }
    // One such message does not block the others.
    let here = mail(&home.path("mail"));
    for (n, message) in genuine.iter().enumerate().filter(|(n, _)| n + 1 != attacker) {
        assert!(here.contains(message), "{scene}: {} never comes", n + 1);
    }
}

/// Three messages of 7 octets. `mixed` says whether the answers are mixed up this time.
fn mixing(sizes: &'static str, mixed: impl Fn() -> bool + Send + Sync + 'static) -> Server {
    scripted(move |line| match line {
        "CAPA" => say("+OK\r\nPIPELINING\r\nSASL PLAIN\r\n.\r\n"),
        "LIST" => say(sizes),
        "UIDL" => say("+OK\r\n1 a\r\n2 b\r\n3 c\r\n.\r\n"),
        "RETR 1" if mixed() => say("+OK\r\nmsg 1\r\n+OK 2074 octets\r\n.\r\n"),
        _ => match line.split_once(' ') {
            Some(("RETR", number)) => say(format!("+OK\r\nmsg {number}\r\n.\r\n")),
            Some(("UIDL", number)) => {
                say(format!("+OK {number} {}\r\n", ["a", "b", "c"][number.parse::<usize>().unwrap() - 1]))
            }
            Some(("TOP", _)) => say("-ERR\r\n"),
            _ => Act::Usual,
        },
    })
}

const SEVEN: &str = "+OK\r\n1 7\r\n2 7\r\n3 7\r\n.\r\n";

#[test]
fn a_message_of_another_size_is_asked_for_again_alone() {
    let first = AtomicBool::new(true);
    let server = mixing(SEVEN, move || first.swap(false, Ordering::Relaxed));
    let home = Home::with_password();
    let ended = fetch(&home, &server, &["--delete"]);
    ended.expect(3, "message 1 was different when it was requested alone");
    ended.expect(3, "--no-pipelining");
    ended.expect(3, "0 new");
    assert!(mail(&home.path("mail")).is_empty() && !server.heard_any("DELE"));
    // Each comes alone now, and is itself.
    fetch(&home, &server, &[]).expect(0, "3 new");
    assert_eq!(mail(&home.path("mail")), ["1", "2", "3"].map(|n| format!("msg {n}\r\n").into_bytes()));

    // A server that misreports sizes costs each of the first eight one more download. What is larger than a group comes
    // alone.
    let server = mixing("+OK\r\n1 5\r\n2 7\r\n3 18446744073709551615\r\n.\r\n", || false);
    let home = Home::with_password();
    fetch(&home, &server, &[]).expect(0, "3 new");
    let asked: Vec<_> = server.heard().into_iter().filter(|line| line.starts_with("RETR")).collect();
    let counts = ["RETR 1", "RETR 2", "RETR 3"].map(|line| asked.iter().filter(|heard| *heard == line).count());
    assert_eq!(counts, [2, 1, 1]);
    // One at a time there is nothing to be mixed up.
    let home = Home::with_password();
    let before = server.heard().len();
    fetch(&home, &server, &["--no-pipelining"]).expect(0, "3 new");
    let asked = server.heard()[before..].iter().filter(|line| line.starts_with("RETR")).count();
    assert_eq!(asked, 3);
}

#[test]
fn sizes_near_the_largest_number_do_no_harm() {
    let server =
        mixing("+OK\r\n1 18446744073709551615\r\n2 18446744073709551614\r\n3 9223372036854775808\r\n.\r\n", || false);
    fetch(&Home::with_password(), &server, &["--delete"]).expect(0, "3 new, 0 already here, 0 refused; 3 deleted");
}

/// All sizes are wrong, and later, when that is known, an answer is mixed up with others in flight.
#[test]
fn unreliable_sizes_end_pipelining() {
    let rows =
        |row: &dyn Fn(u32) -> String| (1..=60).map(|n| format!("{n} {}\r\n", row(n))).collect::<Vec<_>>().concat();
    let text = |n: &str| format!("msg {n} {}\r\n", "x".repeat(2000));
    let (list, uidl) = (format!("+OK\r\n{}.\r\n", rows(&|_| "1999".to_owned())), rows(&|n| format!("id{n}")));
    for mixed in ["12", "40"] {
        let (list, uidl) = (list.clone(), format!("+OK\r\n{uidl}.\r\n"));
        let first = AtomicBool::new(true);
        let server = listen(move |mut stream, heard| {
            let lines = BufReader::new(stream.try_clone().unwrap());
            stream.write_all(b"+OK ready\r\n").unwrap();
            let mut lines = lines;
            let mut line = String::new();
            while matches!(lines.read_line(&mut line), Ok(1..)) {
                let command = line.trim_end().to_owned();
                line.clear();
                heard.lock().unwrap().push(command.clone());
                let in_flight = !lines.buffer().is_empty();
                let answer = match command.split_once(' ') {
                    Some(("RETR", n)) if n == mixed && in_flight && first.swap(false, Ordering::Relaxed) => {
                        format!("+OK\r\n{}+OK 2074 octets\r\n.\r\n", text(n))
                    }
                    Some(("RETR", n)) => format!("+OK\r\n{}.\r\n", text(n)),
                    Some(("UIDL", n)) => format!("+OK {n} id{n}\r\n"),
                    Some(("TOP", _)) => "-ERR\r\n".to_owned(),
                    _ if command == "CAPA" => "+OK\r\nPIPELINING\r\nSASL PLAIN\r\n.\r\n".to_owned(),
                    _ if command == "LIST" => list.clone(),
                    _ if command == "UIDL" => uidl.clone(),
                    _ => "+OK\r\n".to_owned(),
                };
                if stream.write_all(answer.as_bytes()).is_err() || command == "QUIT" {
                    break;
                }
            }
        });
        let home = Home::in_memory();
        let ended = fetch(&home, &server, &["--delete"]);
        let here = mail(&home.path("mail"));
        assert!(!here.iter().any(|message| message.ends_with(b"2074 octets\r\n")), "{ended:?}");
        let asked = server.heard().iter().filter(|line| line.starts_with("RETR")).count();
        if mixed == "40" {
            // Those of the first group come twice, and all others once.
            ended.expect(0, "60 new");
            assert!((68..80).contains(&asked), "{asked}");
        } else {
            ended.expect(3, "message 12 was different");
        }
    }
}

#[test]
fn a_message_that_breaks_every_session_comes_last() {
    let server = scripted(|line| match line {
        "RETR 2" => say("gibberish\r\n"),
        "LIST" => say(SEVEN),
        "UIDL" => say("+OK\r\n1 a\r\n2 b\r\n3 c\r\n.\r\n"),
        _ => match line.split_once(' ') {
            Some(("RETR", number)) => say(format!("+OK\r\nmsg {number}\r\n.\r\n")),
            Some(("UIDL", number)) => {
                say(format!("+OK {number} {}\r\n", ["a", "b", "c"][number.parse::<usize>().unwrap() - 1]))
            }
            _ => Act::Usual,
        },
    });
    let home = Home::with_password();
    fetch(&home, &server, &[]).expect(3, "0 new, 0 already here");
    // The other one that was asked for is not to blame.
    fetch(&home, &server, &[]).expect(3, "2 new, 0 already here");
    fetch(&home, &server, &[]).expect(3, "0 new, 2 already here");
}

#[test]
fn a_server_that_refuses_everything_is_reported_in_few_lines() {
    let rows = |what: &str| (1..=3000).map(|n| format!("{n} {what}{n}\r\n")).collect::<Vec<_>>().concat();
    let (list, uidl) = (format!("+OK\r\n{}.\r\n", rows("1")), format!("+OK\r\n{}.\r\n", rows("id")));
    let server = scripted(move |line| match line {
        "LIST" => say(&list),
        "UIDL" => say(&uidl),
        "STAT" => say("+OK 3000 3000\r\n"),
        _ if line.starts_with("UIDL ") => say(format!("+OK {} id{}\r\n", &line[5..], &line[5..])),
        _ if line.starts_with("RETR ") => say(format!("-ERR {}\r\n", "x".repeat(500))),
        _ => Act::Usual,
    });
    let ended = fetch(&Home::with_password(), &server, &[]);
    ended.expect(1, "0 new, 0 already here, 3000 refused");
    ended.expect(1, "2990 more refusals are not shown");
    assert_eq!(ended.said.matches("RETR ").count(), 10);
}

#[cfg(unix)]
#[test]
fn no_symbolic_link_is_followed() {
    use std::os::unix::fs::symlink;
    for name in ["new", "tmp", "cur", ".pop3-seen", ".pop3-lock"] {
        let home = Home::with_password();
        let server = mixing(SEVEN, || false);
        fs::create_dir_all(home.path("mail")).unwrap();
        fs::create_dir_all(home.path("elsewhere")).unwrap();
        let target = if name.starts_with('.') { "elsewhere/file" } else { "elsewhere" };
        symlink(home.path(target), home.path("mail").join(name)).unwrap();
        fetch(&home, &server, &[]).expect(4, "mail cannot be used");
        assert!(server.heard().is_empty());
        assert_eq!(fs::read_dir(home.path("elsewhere")).unwrap().count(), 0, "{name}");
    }
    // The Maildir itself may be anywhere, and so may be what leads to it.
    let home = Home::with_password();
    fs::create_dir_all(home.path("elsewhere")).unwrap();
    symlink(home.path("elsewhere"), home.path("link")).unwrap();
    let server = mixing(SEVEN, || false);
    home.run(&["--plaintext", &server.quick_url(), "fetch", "link/a/b/mail"]).expect(0, "3 new");
    assert_eq!(mail(&home.path("elsewhere/a/b/mail")).len(), 3);
}

/// The check finds a question that the server answers rightly, if it is only STAT.
#[test]
fn one_correct_answer_is_enough_for_the_check() {
    for (uidl, list) in [
        ("+OK a\r\n", "+OK 7\r\n"),
        ("-ERR\r\n", "+OK {} 7\r\n"),
        ("-ERR\r\n", "+OK {} 8\r\n"),
        ("+OK {} other\r\n", "-ERR\r\n"),
    ] {
        let server = scripted(move |line| match line {
            "CAPA" => say("+OK\r\nPIPELINING\r\nSASL PLAIN\r\n.\r\n"),
            "LIST" => say(SEVEN),
            "UIDL" => say("+OK\r\n1 a\r\n2 b\r\n3 c\r\n.\r\n"),
            "STAT" => say("+OK 3 21\r\n"),
            _ => match line.split_once(' ') {
                Some(("RETR", number)) => say(format!("+OK\r\nmsg {number}\r\n.\r\n")),
                Some(("UIDL", number)) => say(uidl.replace("{}", number)),
                Some(("LIST", number)) => say(list.replace("{}", number)),
                _ => Act::Usual,
            },
        });
        fetch(&Home::in_memory(), &server, &[]).expect(0, "3 new");
    }
}

/// Nobody may write to a pipe that lies in a prepared folder, or read from it.
#[cfg(unix)]
#[test]
fn no_named_pipe_blocks_the_program() {
    use std::time::{Duration, Instant};

    let home = Home::with_password();
    let server = mixing(SEVEN, || false);
    fetch(&home, &server, &[]).expect(0, "3 new");
    let new = fs::read_dir(home.path("mail/new")).unwrap().next().unwrap().unwrap().path();
    let heard = server.heard().len();
    for path in [home.path("mail/.pop3-lock"), home.path("mail/.pop3-seen"), new] {
        let kept = home.path("kept");
        fs::rename(&path, &kept).unwrap();
        let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        // Without it, what is in `new/` is compared.
        let is_mail = path.parent() != Some(&home.path("mail"));
        if is_mail {
            fs::rename(home.path("mail/.pop3-seen"), home.path("mail/seen")).unwrap();
        }
        let mut child = home.command(&["--plaintext", &server.quick_url(), "fetch", "mail"]).spawn().unwrap();
        let begun = Instant::now();
        while child.try_wait().unwrap().is_none() {
            if begun.elapsed() > Duration::from_secs(20) {
                child.kill().unwrap();
                panic!("{} is waited for", path.display());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let ended = Ended::new(child.wait_with_output().unwrap());
        ended.expect(4, &format!("{} is not a regular file", path.strip_prefix(home.path("")).unwrap().display()));
        assert_eq!(server.heard().len() > heard, is_mail, "what is wrong here costs no login");
        fs::remove_file(&path).unwrap();
        fs::rename(&kept, &path).unwrap();
    }
}
