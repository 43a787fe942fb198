//! `fetch` if the server uses a unique-id again for another message: a new message is never mistaken for a stored one,
//! and only stored messages are deleted.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use pop3_blocking::pop3_proto::serve::MailStore;
use pop3_blocking::{Connect, Connection, Security};

use crate::support::{Act, Ended, Home, PASSWORD, Server, embedded, mail, say, scripted, store};

fn fetch(home: &Home, server: &Server, options: &[&str]) -> Ended {
    home.run(&[&["--plaintext", &server.quick_url(), "fetch", "mail"], options].concat())
}

/// Another client deletes everything.
fn delete_elsewhere(maildrop: &MailStore, server: &Server) {
    let stream = std::net::TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    let to = Connect::new().security(Security::Plaintext).allow_plaintext(true).user("u").password(PASSWORD);
    let mut session = Connection::over(stream, to).unwrap().login().unwrap();
    session.delete_all().unwrap().for_each(|deletion| assert!(deletion.is_ok()));
    session.quit().unwrap();
    assert!(maildrop.messages("u").is_empty());
}

fn sorted(messages: &[&str]) -> Vec<Vec<u8>> {
    let mut messages: Vec<_> = messages.iter().map(|message| message.as_bytes().to_vec()).collect();
    messages.sort();
    messages
}

const FIRST: &str = "Subject: first\r\n\r\n1\r\n";
/// Of the same size.
const OTHER: &str = "Subject: other\r\n\r\n2\r\n";
const LONGER: &str = "Subject: longer\r\n\r\nthree\r\n";

#[test]
fn an_id_that_was_deleted_names_a_new_message() {
    for second in [OTHER, LONGER] {
        let maildrop = store(&[]);
        let (server, home) = (embedded(&maildrop), Home::with_password());
        maildrop.deliver_as("u", "1", FIRST);
        fetch(&home, &server, &["--delete"]).expect(0, "1 new, 0 already here, 0 refused; 1 deleted");
        maildrop.deliver_as("u", "1", second);
        fetch(&home, &server, &["--delete"]).expect(0, "1 new, 0 already here, 0 refused; 1 deleted");
        assert_eq!(mail(&home.path("mail")), sorted(&[FIRST, second]));
    }
}

#[test]
fn without_a_listing_in_between_headers_are_compared_before_deletion() {
    let maildrop = store(&[]);
    let (server, home) = (embedded(&maildrop), Home::with_password());
    maildrop.deliver_as("u", "1", FIRST);
    fetch(&home, &server, &[]).expect(0, "1 new");
    delete_elsewhere(&maildrop, &server);
    maildrop.deliver_as("u", "1", OTHER);
    fetch(&home, &server, &["--delete"]).expect(0, "1 new, 0 already here, 0 refused; 1 deleted");
    assert_eq!(mail(&home.path("mail")), sorted(&[FIRST, OTHER]));
    // Another size tells it in every run.
    delete_elsewhere(&maildrop, &server);
    maildrop.deliver_as("u", "2", FIRST);
    fetch(&home, &server, &[]).expect(0, "new");
    delete_elsewhere(&maildrop, &server);
    maildrop.deliver_as("u", "2", LONGER);
    fetch(&home, &server, &[]).expect(0, "1 new, 0 already here");
    assert!(mail(&home.path("mail")).contains(&LONGER.into()));
}

#[test]
fn an_id_that_comes_back_is_compared() {
    let maildrop = store(&[]);
    let (server, home) = (embedded(&maildrop), Home::with_password());
    maildrop.deliver_as("u", "1", FIRST);
    fetch(&home, &server, &[]).expect(0, "1 new");
    delete_elsewhere(&maildrop, &server);
    fetch(&home, &server, &[]).expect(0, "0 new, 0 already here");
    // A mailbox that is shown in portions.
    maildrop.deliver_as("u", "1", FIRST);
    // The file is not needed for it.
    fs::remove_dir_all(home.path("mail/new")).unwrap();
    fetch(&home, &server, &[]).expect(0, "0 new, 1 already here");
    assert!(mail(&home.path("mail")).is_empty());
    delete_elsewhere(&maildrop, &server);
    fetch(&home, &server, &[]).expect(0, "0 new, 0 already here");
    // An id that is used again.
    maildrop.deliver_as("u", "1", OTHER);
    fetch(&home, &server, &["--delete"]).expect(0, "1 new, 0 already here, 0 refused; 1 deleted");
    assert_eq!(mail(&home.path("mail")), sorted(&[OTHER]));
}

#[test]
fn a_moved_mailbox_delivers_no_mail_twice() {
    let maildrop = store(&[]);
    let (server, home) = (embedded(&maildrop), Home::with_password());
    for (id, message) in [("a", FIRST), ("b", OTHER)] {
        maildrop.deliver_as("u", id, message);
    }
    fetch(&home, &server, &[]).expect(0, "2 new");
    delete_elsewhere(&maildrop, &server);
    for (id, message) in [("new-a", FIRST), ("new-b", OTHER), ("new-c", LONGER)] {
        maildrop.deliver_as("u", id, message);
    }
    fetch(&home, &server, &[]).expect(0, "1 new, 2 already here");
    fetch(&home, &server, &["--delete"]).expect(0, "0 new, 3 already here, 0 refused; 3 deleted");
    assert_eq!(mail(&home.path("mail")), sorted(&[FIRST, OTHER, LONGER]));
    // The same octets once more are a message of their own: no mark of them is absent any more.
    maildrop.deliver_as("u", "later", FIRST);
    fetch(&home, &server, &[]).expect(0, "1 new");
}

#[test]
fn an_id_of_two_messages_identifies_neither() {
    let maildrop = store(&[]);
    let (server, home) = (embedded(&maildrop), Home::with_password());
    maildrop.deliver_as("u", "<sender@chooses>", FIRST);
    fetch(&home, &server, &[]).expect(0, "1 new");
    maildrop.deliver_as("u", "<sender@chooses>", OTHER);
    fetch(&home, &server, &["--delete"]).expect(0, "1 new, 1 already here, 0 refused; 0 deleted");
    assert_eq!(maildrop.messages("u").len(), 2);
    // One of them is gone, and nobody knows which.
    delete_elsewhere(&maildrop, &server);
    maildrop.deliver_as("u", "<sender@chooses>", OTHER);
    fetch(&home, &server, &[]).expect(0, "1 new, 0 already here");
}

/// One message, whose octets and id the test may change.
fn one(message: &Arc<Mutex<String>>, quit: impl Fn() -> Act + Send + Sync + 'static, top: bool) -> Server {
    let message = Arc::clone(message);
    scripted(move |line| {
        let message = message.lock().unwrap().clone();
        let size = message.len();
        match line {
            "LIST" => say(format!("+OK\r\n1 {size}\r\n.\r\n")),
            "UIDL" => say("+OK\r\n1 id\r\n.\r\n"),
            "UIDL 1" => say("+OK 1 id\r\n"),
            "RETR 1" => say(format!("+OK\r\n{message}.\r\n")),
            "TOP 1 0" if top => say(format!("+OK\r\n{}\r\n\r\n.\r\n", message.split("\r\n\r\n").next().unwrap())),
            "TOP 1 0" => say("-ERR what?\r\n"),
            "QUIT" => quit(),
            _ => Act::Usual,
        }
    })
}

fn count(server: &Server, line: &str) -> usize {
    server.heard().iter().filter(|heard| *heard == line).count()
}

#[test]
fn after_an_unanswered_quit_headers_are_compared() {
    // The message is still there, or another one of its size has its id.
    for (second, summary) in [(FIRST, "0 new, 1 already here"), (OTHER, "1 new, 0 already here")] {
        for top in [true, false] {
            let message = Arc::new(Mutex::new(FIRST.to_owned()));
            let quits = AtomicUsize::new(0);
            let quit = move || match quits.fetch_add(1, Ordering::Relaxed) {
                0 => Act::Hang(Vec::new()),
                _ => Act::Usual,
            };
            let (server, home) = (one(&message, quit, top), Home::with_password());
            fetch(&home, &server, &["--delete"]).expect(4, "it is unknown whether messages were deleted");
            second.clone_into(&mut message.lock().unwrap());
            fetch(&home, &server, &["--delete"]).expect(0, &format!("{summary}, 0 refused; 1 deleted"));
            assert_eq!(count(&server, "RETR 1"), 2);
        }
    }
}

#[test]
fn a_server_that_rewrites_headers_costs_one_more_download() {
    let message = Arc::new(Mutex::new(FIRST.to_owned()));
    let (server, home) = (one(&message, || Act::Usual, true), Home::with_password());
    fetch(&home, &server, &[]).expect(0, "1 new");
    *message.lock().unwrap() = FIRST.replacen("\r\n", "\r\nStatus: RO\r\n", 1);
    fetch(&home, &server, &[]).expect(0, "1 new");
    for _ in 0..3 {
        fetch(&home, &server, &[]).expect(0, "0 new, 1 already here");
    }
    assert_eq!(count(&server, "RETR 1"), 2);
    fetch(&home, &server, &["--delete"]).expect(0, "0 new, 1 already here, 0 refused; 1 deleted");

    // TOP never shows what RETR shows: that costs a download in each run that deletes, and blocks nothing.
    let server = scripted(|line| match line {
        "LIST" => say(format!("+OK\r\n1 {}\r\n.\r\n", FIRST.len())),
        "UIDL" => say("+OK\r\n1 id\r\n.\r\n"),
        "UIDL 1" => say("+OK 1 id\r\n"),
        "RETR 1" => say(format!("+OK\r\n{FIRST}.\r\n")),
        "TOP 1 0" => say("+OK\r\nX-UIDL: 1\r\n\r\n.\r\n"),
        _ => Act::Usual,
    });
    let home = Home::with_password();
    fetch(&home, &server, &[]).expect(0, "1 new");
    fetch(&home, &server, &["--delete"]).expect(0, "0 new, 1 already here, 0 refused; 1 deleted");
    assert_eq!(count(&server, "RETR 1"), 2);
}

/// The size is not enough where the header could tell more, but not today.
#[test]
fn a_refused_top_proves_nothing() {
    for (capabilities, second, summary) in [
        ("TOP\r\n", OTHER, "1 new, 0 already here, 0 refused; 1 deleted"),
        ("TOP\r\n", FIRST, "0 new, 1 already here, 0 refused; 1 deleted"),
        ("UIDL\r\n", FIRST, "0 new, 1 already here, 0 refused; 1 deleted"),
    ] {
        let message = Arc::new(Mutex::new(FIRST.to_owned()));
        let text = Arc::clone(&message);
        let server = scripted(move |line| {
            let text = text.lock().unwrap().clone();
            match line {
                "CAPA" => say(format!("+OK\r\nSASL PLAIN\r\n{capabilities}.\r\n")),
                "LIST" => say(format!("+OK\r\n1 {}\r\n.\r\n", text.len())),
                "UIDL" => say("+OK\r\n1 id\r\n.\r\n"),
                "UIDL 1" => say("+OK 1 id\r\n"),
                "RETR 1" => say(format!("+OK\r\n{text}.\r\n")),
                "TOP 1 0" => say("-ERR [SYS/TEMP] try later\r\n"),
                _ => Act::Usual,
            }
        });
        let home = Home::with_password();
        fetch(&home, &server, &[]).expect(0, "1 new");
        // Another client deletes it, and another message gets its id.
        second.clone_into(&mut message.lock().unwrap());
        fetch(&home, &server, &["--delete"]).expect(0, summary);
        assert!(mail(&home.path("mail")).contains(&second.into()));
        assert_eq!(count(&server, "RETR 1"), if capabilities == "TOP\r\n" { 2 } else { 1 });
    }
}

#[test]
fn a_memory_of_another_format_stops_the_program() {
    let maildrop = store(&[FIRST.as_bytes()]);
    let (server, home) = (embedded(&maildrop), Home::with_password());
    fs::create_dir(home.path("mail")).unwrap();
    let path = home.path("mail/.pop3-seen");
    for other in ["00112233445566778899aabbccddeeff host u 1\n", "pop3-seen 3\n", "pop3-seen 22\n", "\n"] {
        fs::write(&path, other).unwrap();
        fetch(&home, &server, &[]).expect(4, ".pop3-seen does not have the format of this version");
        assert_eq!(fs::read_to_string(&path).unwrap(), other);
    }
    assert!(server.heard().is_empty());
    // A full disk has cut short the first line, or all of it.
    for begun in ["", "pop3-s"] {
        fs::write(&path, begun).unwrap();
        fetch(&home, &server, &[]).expect(0, "already here");
        assert!(fs::read_to_string(&path).unwrap().starts_with("pop3-seen 2\nS "));
    }
}

#[test]
fn obsolete_records_are_removed_from_the_memory() {
    let maildrop = store(&[]);
    let (server, home) = (embedded(&maildrop), Home::in_memory());
    for round in 0..3 {
        for n in 0..400 {
            maildrop.deliver("u", format!("Subject: {round} {n}\r\n\r\n"));
        }
        fetch(&home, &server, &["--delete"]).expect(0, "400 new, 0 already here, 0 refused; 400 deleted");
    }
    fetch(&home, &server, &[]).expect(0, "0 new");
    assert_eq!(fs::read_to_string(home.path("mail/.pop3-seen")).unwrap(), "pop3-seen 2\n");
    assert_eq!(mail(&home.path("mail")).len(), 1200);
}
