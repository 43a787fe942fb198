//! The system calls of a download without pipelining: one to write the command, one to read the message, and in an
//! event loop one to wait.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::{fs, thread};

use super::{example, run};

/// Starts a server for one session, which has so many messages of 2 KiB, does not announce PIPELINING, and writes each
/// answer at once. Returns its port.
fn serve(messages: usize) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_nodelay(true).unwrap();
        stream.write_all(b"+OK ready\r\n").unwrap();
        let listing: Vec<String> = (1..=messages).map(|number| format!("{number} 2048\r\n")).collect();
        let content = format!("{}\r\n", "x".repeat(62)).repeat(32);
        for line in BufReader::new(stream.try_clone().unwrap()).lines() {
            let answer = match line.unwrap().split(' ').next().unwrap() {
                "CAPA" => "+OK\r\nUSER\r\n.\r\n",
                "LIST" => &format!("+OK\r\n{}.\r\n", listing.concat()),
                "RETR" => &format!("+OK\r\n{content}.\r\n"),
                _ => "+OK\r\n",
            };
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    port
}

/// Returns the number of system calls of a run.
fn calls(name: &str, folder: &Path, messages: usize) -> f64 {
    let (port, summary) = (serve(messages), folder.join("summary"));
    let mut strace = Command::new("strace");
    strace.args(["-f", "-c", "-U", "calls,name", "-o"]).arg(&summary).arg(example(name).get_program());
    let said = run(strace.args(["127.0.0.1", &port.to_string(), "mrose", "tanstaaf"])).unwrap();
    assert!(said.contains(&format!("{messages} messages {} octets", messages * 2048)), "{said}");
    let summary = fs::read_to_string(summary).unwrap();
    let total = summary.lines().find(|line| line.ends_with(" total")).unwrap_or_else(|| panic!("{summary}"));
    total.split_whitespace().next().unwrap().parse().unwrap()
}

/// The example is called `name`, and may write to `folder`. It makes at most `limit` system calls for each message.
pub fn a_message_without_pipelining_costs_few_system_calls(name: &str, folder: &Path, limit: f64) {
    const MORE: u16 = 1000;
    let [few, many] = [10, 10 + MORE].map(|messages| calls(name, folder, messages.into()));
    let each = (many - few) / f64::from(MORE);
    println!("{each} system calls for each message");
    assert!((2.0..=limit).contains(&each), "{each}");
}
