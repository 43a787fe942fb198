//! The system calls of `fetch`: names are on disk before anything depends on them, and octets are not written one by
//! one.
#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::Command;

use crate::support::{Ended, Home, embedded, mail, store};

/// Returns the calls of a run, one per line, with the path of its file after each descriptor: `write(5</home/x>, ...`.
fn traced(home: &Home, arguments: &[&str]) -> Vec<String> {
    let program = home.command(&[]).get_program().to_owned();
    let mut strace = Command::new("strace");
    strace.args([
        "-y",
        "-s",
        "0",
        "-o",
        "trace",
        "-e",
        "trace=mkdir,mkdirat,fsync,rename,renameat,renameat2,write,writev",
    ]);
    strace.arg(program).args(arguments);
    let ended = Ended::new(home.wrap(strace).output().expect("strace is there"));
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let trace = std::fs::read_to_string(home.path("trace")).unwrap();
    trace.lines().map(str::to_owned).collect()
}

/// Returns the index of the first line of a trace that begins with `call` and contains the path.
fn find(trace: &[String], call: &str, path: &Path) -> Option<usize> {
    let path = format!("<{}>", path.display());
    trace.iter().position(|line| line.starts_with(call) && line.contains(&path))
}

#[test]
#[ignore = "needs strace"]
fn new_folders_are_on_disk_before_mail_and_dots_are_written_by_the_buffer() {
    const LINES: usize = 100_000;
    let message = ".\r\n".repeat(LINES);
    let server = embedded(&store(&[message.as_bytes()]));
    let home = Home::with_password();
    // As the system has it, without symbolic links.
    let root = home.path("").canonicalize().unwrap();
    let trace = traced(&home, &["--plaintext", &server.quick_url(), "fetch", "a/b/mail"]);
    assert_eq!(mail(&home.path("a/b/mail")), [message.as_bytes()]);

    let delivered = trace.iter().position(|line| line.starts_with("rename") && line.contains("/new/"));
    let delivered = delivered.expect("the message is delivered");
    for (folder, parent) in [("a", ""), ("a/b", "a"), ("a/b/mail", "a/b"), ("a/b/mail/new", "a/b/mail")] {
        let made = trace.iter().position(|line| line.starts_with("mkdir") && line.contains(&format!("\"{folder}\"")));
        let made = made.unwrap_or_else(|| panic!("{folder} is made: {trace:#?}"));
        // One without the slash at its end.
        let parent = root.join(parent).components().collect::<std::path::PathBuf>();
        let synced = find(&trace[made..delivered], "fsync(", &parent);
        assert!(synced.is_some(), "{folder} is in {}, which is not synced: {trace:#?}", parent.display());
    }
    assert!(find(&trace[delivered..], "fsync(", &root.join("a/b/mail/new")).is_some(), "{trace:#?}");

    let half_written = format!("<{}/", root.join("a/b/mail/tmp").display());
    let writes = trace.iter().filter(|line| line.starts_with("write") && line.contains(&half_written)).count();
    assert!((1..=message.len() / 8192 + 2).contains(&writes), "{writes} writes for {} octets", message.len());
    // Nor are there many to other files.
    let all = trace.iter().filter(|line| line.starts_with("write")).count();
    assert!(all <= writes + 20, "{all} writes");
}
