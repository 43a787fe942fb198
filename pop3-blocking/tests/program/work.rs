//! Law 7 for the program: the work of `fetch` for hostile answers is linear, by instruction counts.

use std::process::Command;

use crate::support::{Act, Home, say, scripted};

/// The largest ratio of what each doubling adds: twice as much.
const LIMIT: f64 = 2.1;

/// The answers to LIST, UIDL and each RETR.
type Answers = fn(usize) -> [Vec<u8>; 3];

/// One message with `octets` octets of `piece`.
fn message(piece: &[u8], octets: usize) -> [Vec<u8>; 3] {
    let body: Vec<u8> = piece.iter().copied().cycle().take(octets).collect();
    let answer = [b"+OK\r\nSubject: x\r\n\r\n", body.as_slice(), b"\r\n.\r\n"].concat();
    [format!("+OK\r\n1 {octets}\r\n.\r\n").into_bytes(), b"+OK\r\n1 id-1\r\n.\r\n".to_vec(), answer]
}

/// Runs the program inside valgrind, and returns the number of instructions.
fn instructions(answers: Answers, octets: usize) -> u64 {
    let answers = answers(octets);
    let server = scripted(move |line| {
        let [list, uidl, retr] = &answers;
        match line.split_once(' ') {
            None if line == "LIST" => say(list),
            None if line == "UIDL" => say(uidl),
            Some(("RETR", _)) => say(retr),
            Some(("UIDL", number)) => say(format!("+OK {number} id-{number}\r\n")),
            _ => Act::Usual,
        }
    });
    let home = Home::in_memory();
    let url = server.url();
    let run = home.command(&["--plaintext", "--quiet", &url, "fetch", "mail"]);
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(run.get_program()).args(run.get_args());
    let output = home.wrap(valgrind).output().expect("valgrind is installed");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let count = said.lines().find_map(|line| line.split_once("Collected : ")).expect("valgrind says the count");
    count.1.trim().parse().unwrap()
}

#[test]
#[ignore = "needs valgrind"]
fn law_7_the_work_of_fetch_is_linear_by_instructions() {
    let shapes: [(&str, Answers, usize); 3] = [
        ("lines of dots", |octets| message(b"..\r\n", octets), 40_000),
        ("a long line", |octets| message(b"x", octets), 100_000),
        ("lines that are nearly the end", |octets| message(b".\r\r\n", octets), 40_000),
    ];
    let mut failed = Vec::new();
    for (name, answers, size) in shapes {
        // The start of the program is in each of them, so the differences are compared.
        let counts = [1, 2, 4].map(|times| instructions(answers, times * size));
        #[allow(clippy::cast_precision_loss, reason = "the counts are small")]
        let ratio = (counts[2] - counts[1]) as f64 / (counts[1] - counts[0]) as f64;
        println!("{counts:?}, {ratio:.2}: {name}");
        if ratio > LIMIT {
            failed.push(format!("{name}: {counts:?}"));
        }
    }
    assert!(failed.is_empty(), "what a doubling adds is more than {LIMIT} times what the one before added: {failed:?}");
}
