//! `fetch` stores each message once and unchanged, and deletes only messages that are on disk.

use std::fs;
use std::io::Read;
use std::sync::{Arc, Mutex, mpsc};

use crate::support::{Act, Home, Server, embedded, files, mail, say, scripted, store};

const MESSAGES: [&[u8]; 4] = [
    b"Subject: plain\r\n\r\nhello\r\n",
    b".\r\n..\r\n.dots\r\n",
    b"\x00\xff bare \r and long \r\n\r\n\r\n",
    b"Subject: plain\r\n\r\nhello again\r\n",
];

fn fetch(home: &Home, server: &Server, options: &[&str]) -> crate::support::Ended {
    home.run(&[&["--plaintext", &server.url(), "fetch", "mail"], options].concat())
}

fn sorted(messages: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut messages: Vec<_> = messages.iter().map(|message| message.to_vec()).collect();
    messages.sort();
    messages
}

#[test]
fn each_message_is_stored_once_and_unchanged() {
    let maildrop = store(&MESSAGES);
    let (server, home) = (embedded(&maildrop), Home::with_password());
    fetch(&home, &server, &[]).expect(0, "4 new, 0 already here, 0 refused; 0 deleted");
    assert_eq!(mail(&home.path("mail")), sorted(&MESSAGES));
    assert_eq!(maildrop.messages("u").len(), 4);
    assert!(files(&home.path("mail/tmp")).is_empty());
    #[cfg(unix)]
    for path in [files(&home.path("mail/new")), vec![home.path("mail"), home.path("mail/.pop3-seen")]].concat() {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o077, 0, "{}", path.display());
    }
    fetch(&home, &server, &[]).expect(0, "0 new, 4 already here");
    maildrop.deliver("u", "late\r\n");
    fetch(&home, &server, &[]).expect(0, "1 new, 4 already here");
    assert_eq!(mail(&home.path("mail")).len(), 5);
}

#[test]
fn messages_that_were_read_moved_or_removed_are_still_known() {
    let (server, home) = (embedded(&store(&MESSAGES)), Home::with_password());
    fetch(&home, &server, &[]).expect(0, "4 new");
    let new = files(&home.path("mail/new"));
    // A mail reader marks one as seen, another goes to the trash.
    let read = format!("{}:2,S", new[0].file_name().unwrap().to_str().unwrap());
    fs::rename(&new[0], home.path("mail/cur").join(read)).unwrap();
    fs::remove_file(&new[1]).unwrap();
    fetch(&home, &server, &[]).expect(0, "0 new, 4 already here");
    // Messages on disk are known even without the memory, which is repaired.
    fs::remove_file(home.path("mail/.pop3-seen")).unwrap();
    fetch(&home, &server, &[]).expect(0, "1 new, 3 already here");
    fs::rename(home.path("mail/new"), home.path("elsewhere")).unwrap();
    fs::remove_dir_all(home.path("mail/cur")).unwrap();
    fetch(&home, &server, &[]).expect(0, "0 new, 4 already here");
    // A line that was cut short spoils neither itself nor the next one.
    let memory = fs::read_to_string(home.path("mail/.pop3-seen")).unwrap();
    fs::write(home.path("mail/.pop3-seen"), &memory[..memory.trim_end().rfind('\n').unwrap() + 20]).unwrap();
    fetch(&home, &server, &[]).expect(0, "1 new, 3 already here");
    fs::remove_dir_all(home.path("mail/new")).unwrap();
    fetch(&home, &server, &[]).expect(0, "0 new, 4 already here");
}

#[test]
fn accounts_do_not_mix() {
    let maildrop = store(&[]);
    maildrop.add_user("v", crate::support::PASSWORD);
    maildrop.deliver_as("u", "same", "of u\r\n");
    maildrop.deliver_as("v", "same", "of v\r\n");
    let (server, home) = (embedded(&maildrop), Home::with_password());
    fetch(&home, &server, &["--delete"]).expect(0, "1 new, 0 already here, 0 refused; 1 deleted");
    assert_eq!(maildrop.messages("v").len(), 1);
    home.run(&["--plaintext", &server.url_of("v"), "fetch", "mail"]).expect(0, "1 new, 0 already here");
    // Behind another port may be another server with the same ids.
    let other = store(&[]);
    other.deliver_as("u", "same", "of the other u\r\n");
    fetch(&home, &embedded(&other), &["--delete"]).expect(0, "1 new, 0 already here, 0 refused; 1 deleted");
    assert_eq!(mail(&home.path("mail")).len(), 3);
}

#[test]
fn delete_takes_exactly_what_is_on_disk() {
    let maildrop = store(&MESSAGES);
    let (server, home) = (embedded(&maildrop), Home::with_password());
    fetch(&home, &server, &[]).expect(0, "4 new");
    maildrop.deliver("u", "late\r\n");
    fetch(&home, &server, &["--delete"]).expect(0, "1 new, 4 already here, 0 refused; 5 deleted");
    assert!(maildrop.messages("u").is_empty());
    assert_eq!(mail(&home.path("mail")).len(), 5);
    fetch(&home, &server, &["--delete"]).expect(0, "0 new, 0 already here, 0 refused; 0 deleted");
}

/// Three messages of 7 octets. Answers to LIST, UIDL and RETR; the rest is up to the test.
fn three(uidl: &'static str) -> impl Fn(&str) -> Act + Send + Sync {
    move |line| match line {
        "LIST" => say("+OK\r\n1 7\r\n2 7\r\n3 7\r\n.\r\n"),
        "UIDL" => say(uidl),
        _ => match line.split_once(' ') {
            Some(("RETR", number)) => say(format!("+OK\r\nmsg {number}\r\n.\r\n")),
            Some(("TOP", number)) => say(format!("+OK\r\nmsg {}\r\n.\r\n", &number[..1])),
            Some(("LIST", number)) => say(format!("+OK {number} 7\r\n")),
            Some(("UIDL", number)) => match uidl.lines().find(|row| row.starts_with(&format!("{number} "))) {
                Some(row) => say(format!("+OK {row}\r\n")),
                None => say("-ERR no such message\r\n"),
            },
            _ => Act::Usual,
        },
    }
}

const GOOD: &str = "+OK\r\n1 a\r\n2 b\r\n3 c\r\n.\r\n";

#[test]
fn unreliable_unique_ids_delete_nothing() {
    for (uidl, said, safe) in [
        ("-ERR no\r\n", "there are no unique-ids", &[][..]),
        ("+OK\r\nnonsense\r\n.\r\n", "there are no unique-ids", &[]),
        ("+OK\r\n.\r\n", "3 messages have an empty, duplicate or missing unique-id (1, 2, 3)", &[]),
        ("+OK\r\n1 a\r\n2 \r\n3 c\r\n.\r\n", "1 messages have an empty, duplicate or missing unique-id (2)", &[1, 3]),
        // A number without a blank is no row, and a listing with one is no listing.
        ("+OK\r\n1 a\r\n2\r\n3 c\r\n.\r\n", "there are no unique-ids", &[]),
        ("+OK\r\n1 a\r\n2 b\r\n3 a\r\n.\r\n", "(1, 3)", &[2]),
        ("+OK\r\n1 a\r\n2 b\r\n.\r\n", "(3)", &[1, 2]),
        // A number with two ids, and an id of a message that is not there.
        ("+OK\r\n1 a\r\n1 b\r\n2 c\r\n3 d\r\n4 d\r\n.\r\n", "(1, 3)", &[2]),
    ] {
        let server = scripted(three(uidl));
        let home = Home::with_password();
        let ended = fetch(&home, &server, &["--delete"]);
        ended.expect(0, said);
        ended.expect(0, &format!("3 new, 0 already here, 0 refused; {} deleted", safe.len()));
        let deleted: Vec<_> = server.heard().into_iter().filter(|line| line.starts_with("DELE")).collect();
        assert_eq!(deleted, safe.iter().map(|number| format!("DELE {number}")).collect::<Vec<_>>(), "{uidl:?}");
        assert_eq!(mail(&home.path("mail")).len(), 3);
        // Nothing is stored again.
        fetch(&home, &server, &[]).expect(0, "0 new, 3 already here");
    }
}

#[test]
fn a_refused_message_does_not_stop_the_other_messages() {
    let server = scripted(|line| if line == "RETR 2" { say("-ERR damaged\r\n") } else { three(GOOD)(line) });
    let home = Home::with_password();
    let ended = fetch(&home, &server, &["--delete"]);
    ended.expect(1, "RETR 2 failed: the server said -ERR damaged");
    ended.expect(1, "2 new, 0 already here, 1 refused; 2 deleted");
    assert_eq!(mail(&home.path("mail")), sorted(&[b"msg 1\r\n", b"msg 3\r\n"]));
    assert!(!server.heard_any("DELE 2"));
}

#[test]
fn a_server_that_dies_in_the_middle_costs_nothing() {
    let server = scripted(|line| match line {
        "RETR 2" => Act::Hang(b"+OK\r\nmsg".to_vec()),
        _ => three(GOOD)(line),
    });
    let home = Home::with_password();
    let ended = fetch(&home, &server, &["--delete"]);
    ended.expect(4, "closed the connection");
    // Nothing shows that the answer to RETR 1 was not a part of something else.
    ended.expect(4, "0 new, 0 already here, 0 refused");
    assert!(!server.heard_any("DELE") && !server.heard_any("QUIT"));
    assert!(mail(&home.path("mail")).is_empty());
    assert!(files(&home.path("mail/tmp")).is_empty());
    // Beside the version only the one is remembered that was being read.
    let memory = fs::read_to_string(home.path("mail/.pop3-seen")).unwrap();
    let letters: Vec<_> = memory.lines().skip(1).map(|line| &line[..1]).collect();
    assert_eq!(letters, ["T"]);
}

#[test]
fn fetch_says_how_quit_ended() {
    for (quit, status, said) in [
        ("-ERR some stay\r\n", 1, "some messages were not deleted"),
        ("", 4, "it is unknown whether messages were deleted"),
        ("gibberish\r\n", 3, "it is unknown whether messages were deleted"),
    ] {
        let server = scripted(move |line| match line {
            "QUIT" => Act::Hang(quit.into()),
            _ => three(GOOD)(line),
        });
        let home = Home::with_password();
        let ended = fetch(&home, &server, &["--delete"]);
        ended.expect(status, said);
        ended.expect(status, "3 new, 0 already here, 0 refused\n");
        // Without --delete nobody cares.
        fetch(&home, &server, &[]).expect(0, "0 new, 3 already here");
    }
    let server = scripted(|line| match line {
        "DELE 2" => Act::Hang(Vec::new()),
        _ => three(GOOD)(line),
    });
    let home = Home::with_password();
    fetch(&home, &server, &["--delete"]).expect(4, "nothing was deleted");
    assert!(!server.heard_any("QUIT"));
}

#[test]
fn two_runs_cannot_use_a_folder_at_once() {
    let (reached, wait) = mpsc::channel();
    let (reached, go_on) = (Mutex::new(reached), Arc::new(Mutex::new(())));
    let held = go_on.lock().unwrap();
    let gate = Arc::clone(&go_on);
    let server = scripted(move |line| {
        if line == "RETR 2" {
            reached.lock().unwrap().send(()).unwrap();
            drop(gate.lock());
        }
        three(GOOD)(line)
    });
    let home = Home::with_password();
    let mut first = home.command(&["--plaintext", &server.url(), "fetch", "mail"]).spawn().unwrap();
    wait.recv().unwrap();
    fetch(&home, &server, &[]).expect(4, "another fetch is using it");
    drop(held);
    let mut said = String::new();
    first.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(first.wait().unwrap().success() && said.contains("3 new"), "{said}");
}

#[test]
fn a_file_that_a_killed_run_left_incomplete_is_removed() {
    let (server, home) = (embedded(&store(&MESSAGES)), Home::with_password());
    fetch(&home, &server, &[]).expect(0, "4 new");
    let ours = home.path("mail/tmp/1700000000.M000001P1Q1U00112233445566778899aabbccddeeff.pop3");
    let foreign = home.path("mail/tmp/1700000000.M1P1.host");
    for path in [&ours, &foreign] {
        fs::write(path, "half").unwrap();
    }
    fetch(&home, &server, &[]).expect(0, "0 new, 4 already here");
    assert!(!ours.exists() && foreign.exists());
}

/// The others come, and are deleted.
#[cfg(unix)]
#[test]
fn a_message_that_is_too_large_for_a_file_loses_and_blocks_nothing() {
    let big = vec![b'x'; 1 << 20];
    let maildrop = store(&[b"small\r\n", &big, b"never asked for in vain\r\n"]);
    let (server, home) = (embedded(&maildrop), Home::with_password());
    let arguments = ["--plaintext", &server.url(), "fetch", "mail", "--delete"];
    for deleted in [2, 1, 1] {
        let ended = home.run_behind("trap '' XFSZ; ulimit -f 128; exec \"$@\"", &arguments);
        ended.expect(4, "could not be written in mail");
        ended.expect(4, &format!("{deleted} new, 0 already here, 0 refused; {deleted} deleted\n"));
        assert!(matches!(&maildrop.messages("u")[..], [left] if left[..] == big));
        assert!(files(&home.path("mail/tmp")).is_empty());
        maildrop.deliver("u", format!("after {deleted} and {}\r\n", mail(&home.path("mail")).len()));
    }
    home.run(&arguments).expect(0, "2 new, 0 already here, 0 refused; 2 deleted");
    assert_eq!(mail(&home.path("mail")).len(), 6);
}

#[test]
fn a_folder_that_cannot_be_used_costs_no_login() {
    let (server, home) = (scripted(|_| Act::Usual), Home::with_password());
    home.file("mail", "a file");
    fetch(&home, &server, &[]).expect(4, "mail cannot be used");
    assert!(server.heard().is_empty());
}
