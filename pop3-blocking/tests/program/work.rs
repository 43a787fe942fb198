//! Law 7 for the program: the work of `fetch` for hostile answers is linear, by instruction counts.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use crate::support::{Act, Home, say, scripted};

/// The largest ratio of what each doubling adds: twice as much.
const LIMIT: f64 = 2.1;

/// What `fetch` gets, for a size.
type Case = fn(usize) -> Hostile;

/// The answers of a server, and the record of earlier runs.
struct Hostile {
    list: Vec<u8>,
    uidl: Vec<u8>,
    /// The answer to RETR.
    message: Vec<u8>,
    /// The lines of `.pop3-seen` after the version, in which `@` stands for the account.
    seen: String,
    /// The maximum number of messages to download.
    limit: usize,
}

impl Hostile {
    /// Lists messages by their numbers and unique-ids.
    fn listing(rows: impl Iterator<Item = (usize, String)> + Clone) -> Hostile {
        let list: Vec<String> = rows.clone().map(|(number, _)| format!("{number} 4\r\n")).collect();
        let uidl: Vec<String> = rows.map(|(number, id)| format!("{number} {id}\r\n")).collect();
        Hostile {
            list: format!("+OK\r\n{}.\r\n", list.concat()).into_bytes(),
            uidl: format!("+OK\r\n{}.\r\n", uidl.concat()).into_bytes(),
            message: b"+OK\r\nab\r\n.\r\n".to_vec(),
            seen: String::new(),
            limit: 1,
        }
    }

    /// Lists one message.
    fn one(message: &[u8]) -> Hostile {
        let message = [b"+OK\r\n", message, b"\r\n.\r\n"].concat();
        Hostile { message, ..Hostile::listing([(1, "id-1".to_owned())].into_iter()) }
    }
}

/// One message with `octets` octets of `piece` after a header.
fn message(piece: &[u8], octets: usize) -> Hostile {
    let body: Vec<u8> = piece.iter().copied().cycle().take(octets).collect();
    Hostile::one(&[b"Subject: x\r\n\r\n", body.as_slice()].concat())
}

/// Numbers up to `rows`, with neighbours far from each other.
fn shuffled(rows: usize) -> impl Iterator<Item = usize> + Clone {
    (0..rows).map(move |row| row * 7919 % rows + 1)
}

/// The record of `marks` messages of this account, each with octets of its own.
fn marks(marks: usize) -> String {
    (0..marks).fold(String::new(), |mut lines, mark| {
        let _ = writeln!(lines, "S {mark:032x} 1700000000 4 {mark:064x} {mark:064x} @ id-{mark}");
        lines
    })
}

fn many_messages(messages: usize) -> Hostile {
    Hostile { limit: messages, ..Hostile::listing((1..=messages).map(|number| (number, format!("id-{number}")))) }
}

fn rows_in_disorder(rows: usize) -> Hostile {
    Hostile::listing(shuffled(rows).map(|number| (number, format!("id-{number}"))))
}

fn one_number(rows: usize) -> Hostile {
    Hostile::listing((0..rows).map(|row| (1, format!("id-{row}"))))
}

fn one_unique_id(rows: usize) -> Hostile {
    Hostile::listing((1..=rows).map(|number| (number, "id".to_owned())))
}

fn long_unique_ids(octets: usize) -> Hostile {
    const LONG: usize = 2000;
    Hostile::listing((1..=octets / LONG).map(|number| (number, format!("{number:0LONG$}"))))
}

fn blank_rows(rows: usize) -> Hostile {
    let mut hostile = message(b"x", 1);
    for listing in [&mut hostile.list, &mut hostile.uidl] {
        listing.splice(5..5, b"\r\n".repeat(rows));
    }
    hostile
}

fn refused_messages(messages: usize) -> Hostile {
    Hostile { message: b"-ERR no\r\n".to_vec(), ..many_messages(messages) }
}

/// Messages that are recognized by their octets, among marks of other octets.
fn nameless_messages(messages: usize) -> Hostile {
    Hostile { limit: messages, seen: marks(20 * messages), ..one_unique_id(messages) }
}

fn absent_marks(lines: usize) -> Hostile {
    Hostile { seen: marks(lines), ..message(b"x", 1) }
}

fn changes_of_one_mark(lines: usize) -> Hostile {
    let change = format!("A {0:032x}\nK {0:032x}\n", 0);
    Hostile { seen: marks(1) + &change.repeat(lines / 2), ..message(b"x", 1) }
}

/// Runs the program inside valgrind, and returns the number of instructions.
fn instructions(case: Case, size: usize) -> u64 {
    let Hostile { list, uidl, message, seen, limit } = case(size);
    let refused = message.starts_with(b"-ERR");
    let listed = uidl.clone();
    let server = scripted(move |line| match line.split_once(' ') {
        None if line == "LIST" => say(&list),
        None if line == "UIDL" => say(&listed),
        Some(("RETR", _)) => say(&message),
        Some(("LIST", number)) => say(format!("+OK {number} 4\r\n")),
        Some(("UIDL", number)) => {
            let row =
                listed.split(|&octet| octet == b'\n').find(|row| row.starts_with(format!("{number} ").as_bytes()));
            say([b"+OK ", row.unwrap_or_default(), b"\n"].concat())
        }
        _ => Act::Usual,
    });
    let home = Home::in_memory();
    let account = format!("127.0.0.1:{} u", server.port());
    fs::create_dir(home.path("mail")).unwrap();
    home.file("mail/.pop3-seen", &format!("pop3-seen 2\n{}", seen.replace('@', &account)));
    let url = server.url();
    let run = home.command(&["--plaintext", "--quiet", &url, "fetch", "mail", "--limit", &limit.to_string()]);
    let mut valgrind = Command::new("valgrind");
    valgrind
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--vgdb=no"])
        .arg(run.get_program())
        .args(run.get_args());
    let output = home.wrap(valgrind).output().expect("valgrind is installed");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() != refused, "{said}");
    let count = said.lines().find_map(|line| line.split_once("Collected : ")).expect("valgrind says the count");
    count.1.trim().parse().unwrap()
}

#[test]
#[ignore = "needs valgrind"]
fn law_7_the_work_of_fetch_is_linear_by_instructions() {
    let cases: [(&str, Case, usize); 14] = [
        ("nameless messages beside many marks", nameless_messages, 50),
        ("rows in disorder", rows_in_disorder, 500),
        ("many rows with one number", one_number, 1000),
        ("many rows with one unique-id", one_unique_id, 500),
        ("long unique-ids", long_unique_ids, 200_000),
        ("blank rows", blank_rows, 2000),
        ("refused messages", refused_messages, 100),
        ("absent marks", absent_marks, 500),
        ("changes of one mark", changes_of_one_mark, 2000),
        ("many messages", many_messages, 50),
        ("lines of dots", |octets| message(b"..\r\n", octets), 40_000),
        ("a long line", |octets| message(b"x", octets), 100_000),
        ("lines that are nearly the end", |octets| message(b".\r\r\n", octets), 40_000),
        ("lines of a header", |octets| Hostile::one(&b"A: b\r\n".repeat(octets / 6)), 40_000),
    ];
    let mut failed = Vec::new();
    for (name, case, size) in cases {
        // The start of the program is in each of them, so the differences are compared.
        let counts = [1, 2, 4].map(|times| instructions(case, times * size));
        #[allow(clippy::cast_precision_loss, reason = "the counts are small")]
        let ratio = (counts[2] - counts[1]) as f64 / (counts[1] - counts[0]) as f64;
        println!("{counts:?}, {ratio:.2}: {name}");
        if ratio > LIMIT {
            failed.push(format!("{name}: {counts:?}"));
        }
    }
    assert!(failed.is_empty(), "what a doubling adds is more than {LIMIT} times what the one before added: {failed:?}");
}
