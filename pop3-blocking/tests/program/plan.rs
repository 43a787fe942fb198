//! The options of `fetch` that leave messages on the server or on the disk as they are.

use std::fs;
use std::time::SystemTime;

use serde_json::{Value, json};

use crate::support::{Act, Ended, Home, Server, embedded, mail, say, scripted, serve, store};

fn fetch(home: &Home, server: &Server, options: &[&str]) -> Ended {
    home.run(&[&["--plaintext", &server.url(), "fetch", "mail"], options].concat())
}

/// Changes the times at which messages were stored: each becomes what `change` makes of it.
fn change_times(home: &Home, change: impl Fn(usize, &str) -> String) {
    let path = home.path("mail/.pop3-seen");
    let text = fs::read_to_string(&path).unwrap();
    let mut stored = 0;
    let lines = text.lines().map(|line| {
        let mut words: Vec<_> = line.split(' ').map(str::to_owned).collect();
        if words[0] == "S" {
            words[2] = change(stored, &words[2]);
            stored += 1;
        }
        words.join(" ") + "\n"
    });
    let text: String = lines.collect();
    fs::write(path, text).unwrap();
}

fn days_ago(days: u64) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    // A minute more, so that the program finds whole days.
    (now - days * 24 * 60 * 60 - 60).to_string()
}

#[test]
fn keep_days_deletes_messages_that_are_old_enough() {
    let maildrop = store(&[b"one\r\n", b"two, longer\r\n", b"three\r\n"]);
    let (server, home) = (embedded(&maildrop), Home::with_password());
    fetch(&home, &server, &["--delete", "--keep-days", "7"]).expect(0, "3 new, 0 already here, 0 refused; 0 deleted");
    assert_eq!(maildrop.messages("u").len(), 3);
    change_times(&home, |at, _| days_ago([6, 7, 8][at]));
    fetch(&home, &server, &[]).expect(0, "0 new, 3 already here, 0 refused; 0 deleted");
    fetch(&home, &server, &["--delete", "--keep-days", "9"]).expect(0, "; 0 deleted");
    fetch(&home, &server, &["--delete", "--keep-days", "7"]).expect(0, "0 new, 3 already here, 0 refused; 2 deleted");
    assert_eq!(maildrop.messages("u").iter().map(|left| left.to_vec()).collect::<Vec<_>>(), [b"one\r\n"]);
    // Without --delete it makes no sense.
    fetch(&home, &server, &["--keep-days", "7"]).expect(2, "--delete");
}

#[test]
fn a_time_that_is_wrong_or_in_the_future_keeps_the_message() {
    let maildrop = store(&[b"one\r\n", b"two\r\n"]);
    let (server, home) = (embedded(&maildrop), Home::with_password());
    fetch(&home, &server, &[]).expect(0, "2 new");
    change_times(&home, |at, now| if at == 0 { "yesterday".into() } else { format!("9{now}") });
    fetch(&home, &server, &["--delete", "--keep-days", "1"]).expect(0, "0 new, 2 already here, 0 refused; 0 deleted");
    fetch(&home, &server, &["--delete"]).expect(0, "2 deleted");
}

#[test]
fn receiving_a_message_again_does_not_make_it_newer() {
    let maildrop = store(&[b"one\r\n"]);
    let (server, home) = (embedded(&maildrop), Home::with_password());
    fetch(&home, &server, &[]).expect(0, "1 new");
    change_times(&home, |_, _| days_ago(3));
    // The record says that it may have changed.
    let record = fs::read_to_string(home.path("mail/.pop3-seen")).unwrap();
    let mark = record.lines().find_map(|line| line.strip_prefix("S ")).unwrap().split(' ').next().unwrap().to_owned();
    fs::write(home.path("mail/.pop3-seen"), format!("{record}U {mark}\n")).unwrap();
    fetch(&home, &server, &[]).expect(0, "0 new, 1 already here");
    fetch(&home, &server, &["--delete", "--keep-days", "4"]).expect(0, "0 deleted");
    fetch(&home, &server, &["--delete", "--keep-days", "3"]).expect(0, "1 deleted");
}

/// The unique-id of an old message may have been given to a new one of the same size.
#[test]
fn keep_days_compares_headers_before_it_deletes() {
    let before = store(&[]);
    before.deliver_as("u", "id", "Subject: a\r\n\r\nx\r\n");
    let after = store(&[]);
    after.deliver_as("u", "id", "Subject: b\r\n\r\nx\r\n");
    let home = Home::with_password();
    // Both stores are behind the same port, one after the other.
    let first = std::sync::atomic::AtomicBool::new(true);
    let late = after.clone();
    let server = serve(&before, move |maildrop| {
        if first.swap(false, std::sync::atomic::Ordering::Relaxed) { maildrop } else { late.maildrop() }
    });
    fetch(&home, &server, &[]).expect(0, "1 new");
    change_times(&home, |_, _| days_ago(3));
    fetch(&home, &server, &["--delete", "--keep-days", "2"]).expect(0, "1 new, 0 already here, 0 refused; 0 deleted");
    assert_eq!((mail(&home.path("mail")).len(), after.messages("u").len()), (2, 1));
}

#[test]
fn messages_that_are_too_large_are_named_and_stay() {
    let maildrop = store(&[b"small\r\n", &[b'x'; 1023], b"also small\r\n"]);
    let (server, home) = (embedded(&maildrop), Home::with_password());
    let ended = fetch(&home, &server, &["--delete", "--max-size", "1K"]);
    ended.expect(0, "message 2 is skipped, and stays on the server: it has 1025 octets");
    ended.expect(0, "2 new, 0 already here, 0 refused, 1 too large; 2 deleted");
    assert_eq!((mail(&home.path("mail")).len(), maildrop.messages("u").len()), (2, 1));
    fetch(&home, &server, &["--delete", "--max-size", "1025"]).expect(0, "1 new, 0 already here, 0 refused; 1 deleted");
    for nonsense in ["1G", "K", "-1", "+1", "", "99999999999999999M"] {
        assert_eq!(fetch(&home, &server, &[&format!("--max-size={nonsense}")]).status, Some(2), "{nonsense:?}");
    }
}

#[test]
fn limit_leaves_the_other_messages_for_the_next_run() {
    let all: Vec<_> = (0..7).map(|n| format!("message {n}\r\n").into_bytes()).collect();
    let maildrop = store(&all.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let (server, home) = (embedded(&maildrop), Home::with_password());
    let said = "3 new, 0 already here, 0 refused, 4 left for the next run; 3 deleted";
    fetch(&home, &server, &["--limit", "3", "--delete"]).expect(0, said);
    fetch(&home, &server, &["--limit", "3"]).expect(0, "3 new, 0 already here, 0 refused, 1 left for the next run");
    fetch(&home, &server, &["--limit", "3"]).expect(0, "1 new, 3 already here, 0 refused; 0 deleted");
    assert_eq!(mail(&home.path("mail")), all);
    assert_eq!(fetch(&home, &server, &["--limit", "0"]).status, Some(2));
}

/// Three messages without unique-ids.
fn nameless(size_of_2: u32) -> Server {
    scripted(move |line| match line {
        "LIST" => say(format!("+OK\r\n1 7\r\n2 {size_of_2}\r\n3 7\r\n.\r\n")),
        "UIDL" => say("-ERR unknown command\r\n"),
        _ => match line.split_once(' ') {
            Some(("RETR", number)) => say(format!("+OK\r\nmsg {number}\r\n.\r\n")),
            Some(("LIST", "2")) => say(format!("+OK 2 {size_of_2}\r\n")),
            Some(("LIST", number)) => say(format!("+OK {number} 7\r\n")),
            _ => Act::Usual,
        },
    })
}

/// The known messages do not use up the limit.
#[test]
fn limit_makes_progress_without_unique_ids() {
    let (server, home) = (nameless(7), Home::with_password());
    for said in ["1 new", "1 new", "1 new", "0 new, 3 already here"] {
        fetch(&home, &server, &["--limit", "1"]).expect(0, said);
    }
    assert_eq!(mail(&home.path("mail")).len(), 3);
}

#[test]
fn without_unique_ids_nothing_is_deleted_unless_the_user_says_so() {
    let (server, home) = (nameless(7), Home::with_password());
    let ended = fetch(&home, &server, &["--delete"]);
    ended.expect(0, "all messages are downloaded in every run, stored once, and deleted only with --delete --no-uidl");
    ended.expect(0, "3 new, 0 already here, 0 refused; 0 deleted");
    assert!(!server.heard_any("DELE"));
    // What was stored before is also safely on disk.
    fetch(&home, &server, &["--delete", "--no-uidl"]).expect(0, "0 new, 3 already here, 0 refused; 3 deleted");
    let deleted: Vec<_> = server.heard().into_iter().filter(|line| line.starts_with("DELE")).collect();
    assert_eq!(deleted, ["DELE 1", "DELE 2", "DELE 3"]);
    assert_eq!(mail(&home.path("mail")).len(), 3);
    fetch(&home, &server, &["--no-uidl"]).expect(2, "--delete");
    assert_eq!(fetch(&home, &server, &["--delete", "--no-uidl", "--keep-days", "1"]).status, Some(2));
}

#[test]
fn a_message_without_unique_id_and_of_another_size_is_not_deleted() {
    let (server, home) = (nameless(8), Home::with_password());
    let ended = fetch(&home, &server, &["--delete", "--no-uidl", "--verbose"]);
    ended.expect(0, "3 new, 0 already here, 0 refused; 2 deleted");
    ended.expect(0, "stored, but not deleted, because the server listed another size: 2\n");
    ended.expect(0, "message 2 (8 octets): kept\n");
    assert!(!server.heard_any("DELE 2"));
}

#[test]
fn a_dry_run_changes_nothing() {
    let maildrop = store(&[b"one\r\n", b"two\r\n"]);
    let (server, home) = (embedded(&maildrop), Home::with_password());
    let ended = fetch(&home, &server, &["--delete", "--dry-run"]);
    ended.expect(0, "dry run: 2 to download, 0 already here; 2 to delete; nothing was changed");
    ended.expect_out(
        "message 1 (5 octets): would download\nmessage 1 (5 octets): would delete\n\
         message 2 (5 octets): would download\nmessage 2 (5 octets): would delete\n",
    );
    assert!(!home.path("mail").exists() && maildrop.messages("u").len() == 2);
    fetch(&home, &server, &[]).expect(0, "2 new");
    maildrop.deliver("u", "three\r\n");
    maildrop.deliver("u", "four\r\n");
    let record = fs::read(home.path("mail/.pop3-seen")).unwrap();
    let said = "dry run: 1 to download, 2 already here, 1 left for the next run; 3 to delete";
    fetch(&home, &server, &["--delete", "--dry-run", "--limit", "1"]).expect(0, said);
    let said = "dry run: 2 to download, 2 already here; 0 to delete";
    fetch(&home, &server, &["--delete", "--dry-run", "--keep-days", "1"]).expect(0, said);
    assert_eq!(fs::read(home.path("mail/.pop3-seen")).unwrap(), record);
    assert_eq!((mail(&home.path("mail")).len(), maildrop.messages("u").len()), (2, 4));
}

#[test]
fn json_has_an_object_for_what_happened_to_each_message() {
    let maildrop = store(&[]);
    for (id, message) in [("a", "one\r\n"), ("b", "much too large\r\n"), ("c", "three\r\n")] {
        maildrop.deliver_as("u", id, message);
    }
    let (server, home) = (embedded(&maildrop), Home::with_password());
    let run = |options: &[&str]| {
        let ended = fetch(&home, &server, &[&["--json", "--max-size", "10"], options].concat());
        assert_eq!(ended.status, Some(0), "{ended:?}");
        let text = String::from_utf8(ended.out).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>()
    };
    let row =
        |action, number, octets, id| json!({"action": action, "number": number, "octets": octets, "unique_id": id});
    let skipped = row("skipped", 2, 16, "b");
    let first = [skipped.clone(), row("would download", 1, 5, "a"), row("would download", 3, 7, "c")];
    assert_eq!(run(&["--dry-run"]), first);
    assert_eq!(run(&[]), [skipped.clone(), row("stored", 1, 5, "a"), row("stored", 3, 7, "c")]);
    change_times(&home, |at, now| if at == 0 { days_ago(2) } else { now.to_owned() });
    let last = [skipped, row("kept", 3, 7, "c"), row("deleted", 1, 5, "a")];
    assert_eq!(run(&["--delete", "--keep-days", "1"]), last);
}

#[test]
fn a_server_that_is_busy_says_when_to_try_again() {
    for (capa, answer, said) in [
        ("-ERR no\r\n", "-ERR [IN-USE] locked\r\n", "Try again when the other session is over"),
        ("-ERR no\r\n", "-ERR [SYS/TEMP] maintenance\r\n", "Try again later."),
        ("-ERR no\r\n", "-ERR [LOGIN-DELAY] slow down\r\n", "Try again later."),
        (
            "+OK\r\nUSER\r\nRESP-CODES\r\nLOGIN-DELAY 300\r\n.\r\n",
            "-ERR [LOGIN-DELAY] slow down\r\n",
            "Try again in 300 seconds.",
        ),
    ] {
        let server = scripted(move |line| match line {
            "CAPA" => say(capa),
            _ if line.starts_with("PASS") || line.starts_with("AUTH") => say(answer),
            _ => Act::Usual,
        });
        Home::with_password().run(&["--plaintext", &server.url(), "stat"]).expect(75, said);
    }
    // After the login.
    let server = scripted(|line| if line == "STAT" { say("-ERR [SYS/TEMP] later\r\n") } else { Act::Usual });
    Home::with_password().run(&["--plaintext", &server.url(), "stat"]).expect(75, "Try again later.");
    assert!(server.heard_any("QUIT"));
    // In the greeting.
    let server = crate::support::greeting_with("-ERR [IN-USE] too many connections\r\n", |_| Act::Usual);
    Home::with_password().run(&["--plaintext", &server.url(), "stat"]).expect(75, "Try again");
}

#[test]
fn fetch_reports_temporary_refusals() {
    let fetch_with = |refusal: &'static str| {
        let server = scripted(move |line| match line {
            "LIST" => say("+OK\r\n1 7\r\n2 7\r\n.\r\n"),
            "UIDL" => say("+OK\r\n1 a\r\n2 b\r\n.\r\n"),
            "UIDL 1" => say("+OK 1 a\r\n"),
            "UIDL 2" => say("+OK 2 b\r\n"),
            "RETR 1" => say(refusal),
            "RETR 2" => say("+OK\r\nmsg 2\r\n.\r\n"),
            _ => Act::Usual,
        });
        fetch(&Home::with_password(), &server, &[])
    };
    fetch_with("-ERR [SYS/TEMP] busy\r\n").expect(75, "the server refused 1 requests temporarily. Try again later.");
    fetch_with("-ERR busy\r\n").expect(1, "the server refused 1 requests\n");
}
