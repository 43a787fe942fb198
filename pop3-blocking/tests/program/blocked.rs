//! `fetch` if one message makes trouble: the message blocks neither the others nor their deletion.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::support::{Act, Ended, Home, Server, listen, mail, say};

fn fetch(home: &Home, server: &Server, options: &[&str]) -> Ended {
    home.run(&[&["--plaintext", &server.quick_url(), "fetch", "mail"], options].concat())
}

fn whole(text: &str) -> String {
    format!("Subject: {text}\r\n\r\n{text}\r\n")
}

/// The words of the messages in the Maildir, sorted.
fn here(home: &Home) -> Vec<String> {
    let words = mail(&home.path("mail")).into_iter().map(|message| {
        let message = String::from_utf8(message).unwrap();
        let word = message.lines().last().unwrap().to_owned();
        assert_eq!(message, whole(&word));
        word
    });
    words.collect()
}

/// The maildrop of a server whose answers to some commands are the test's.
#[derive(Clone)]
struct Post {
    /// Unique-ids, and words of which the messages are made.
    messages: Arc<Mutex<Vec<(String, String)>>>,
    capabilities: &'static str,
    has_ids: bool,
}

impl Post {
    fn new(messages: &[(&str, &str)]) -> Post {
        let maildrop = Post {
            messages: Arc::default(),
            capabilities: "PIPELINING\r\nTOP\r\nUIDL\r\nSASL PLAIN\r\n",
            has_ids: true,
        };
        for (id, text) in messages {
            maildrop.add(id, text);
        }
        maildrop
    }

    fn add(&self, id: &str, text: &str) {
        self.messages.lock().unwrap().push((id.to_owned(), text.to_owned()));
    }

    fn remove(&self, text: &str) {
        self.messages.lock().unwrap().retain(|message| message.1 != text);
    }

    /// The words of the messages that are there.
    fn left(&self) -> Vec<String> {
        self.messages.lock().unwrap().iter().map(|(_, text)| text.clone()).collect()
    }

    /// `special` gets a command and the word of the message that it is about.
    fn serve(&self, special: impl Fn(&str, &str) -> Act + Send + Sync + 'static) -> Server {
        let (maildrop, special) = (self.clone(), Arc::new(special));
        listen(move |stream, heard| {
            let (maildrop, special) = (maildrop.clone(), Arc::clone(&special));
            thread::spawn(move || maildrop.converse(stream, &heard, &*special));
        })
    }

    fn converse(
        &self,
        mut stream: TcpStream,
        heard: &Mutex<Vec<String>>,
        special: &dyn Fn(&str, &str) -> Act,
    ) -> std::io::Result<()> {
        let messages = self.messages.lock().unwrap().clone();
        let mut deleted = Vec::new();
        stream.write_all(b"+OK ready\r\n")?;
        for line in BufReader::new(stream.try_clone()?).lines() {
            let line = line?;
            heard.lock().unwrap().push(line.clone());
            let mut words = line.split(' ');
            let command = words.next().unwrap();
            let number: usize = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
            let message = messages.get(number.wrapping_sub(1));
            let rows = |row: &dyn Fn(&(String, String)) -> String| {
                let rows = messages.iter().enumerate().map(|(n, message)| format!("{} {}\r\n", n + 1, row(message)));
                format!("+OK\r\n{}.\r\n", rows.collect::<String>())
            };
            let usual = match (command, message) {
                ("CAPA", _) => format!("+OK\r\n{}.\r\n", self.capabilities),
                ("STAT", _) => format!("+OK {} 1\r\n", messages.len()),
                ("LIST", None) => rows(&|(_, text)| whole(text).len().to_string()),
                ("LIST", Some((_, text))) => format!("+OK {number} {}\r\n", whole(text).len()),
                ("UIDL", _) if !self.has_ids => "-ERR no\r\n".to_owned(),
                ("UIDL", None) => rows(&|(id, _)| id.clone()),
                ("UIDL", Some((id, _))) => format!("+OK {number} {id}\r\n"),
                ("RETR", Some((_, text))) => format!("+OK\r\n{}.\r\n", whole(text)),
                ("TOP", Some((_, text))) => format!("+OK\r\nSubject: {text}\r\n\r\n.\r\n"),
                _ => "+OK\r\n".to_owned(),
            };
            let (octets, is_over) = match special(command, message.map_or("", |(_, text)| text)) {
                Act::Usual => (usual.into_bytes(), command == "QUIT"),
                Act::Say(octets) => (octets, false),
                Act::Hang(octets) => (octets, true),
            };
            match command {
                "DELE" => deleted.push(message.unwrap().clone()),
                "QUIT" => self.messages.lock().unwrap().retain(|message| !deleted.contains(message)),
                _ => {}
            }
            stream.write_all(&octets)?;
            if is_over {
                break;
            }
        }
        Ok(())
    }
}

/// The ways in which a message breaks its session.
const BREAKS: [fn() -> Act; 3] =
    [|| Act::Hang(Vec::new()), || say("gibberish\r\n"), || Act::Hang(b"+OK\r\nSubject: half".to_vec())];

/// A server that breaks the session if the command is about the message, unless it is mended.
fn breaking(maildrop: &Post, command: &'static str, breaks: fn() -> Act) -> (Server, Arc<AtomicBool>) {
    let mended = Arc::<AtomicBool>::default();
    let is_mended = Arc::clone(&mended);
    let server = maildrop.serve(move |asked, text| {
        let breaks_now = asked == command && text.starts_with("poison") && !is_mended.load(Ordering::Relaxed);
        if breaks_now { breaks() } else { Act::Usual }
    });
    (server, mended)
}

#[test]
fn deletion_goes_on_beside_a_message_that_breaks_every_session() {
    for breaks in BREAKS {
        let maildrop = Post::new(&[("a", "first"), ("b", "poison"), ("c", "third")]);
        let (server, mended) = breaking(&maildrop, "RETR", breaks);
        let home = Home::in_memory();
        let ended = fetch(&home, &server, &["--delete"]);
        assert!(matches!(ended.status, Some(3 | 4)), "{ended:?}");
        for late in ["late", "later", "latest"] {
            maildrop.add(late, late);
            let ended = fetch(&home, &server, &["--delete"]);
            assert!(matches!(ended.status, Some(3 | 4)) && ended.said.contains(" deleted\n"), "{ended:?}");
            assert!(maildrop.left().contains(&"poison".to_owned()) && !maildrop.left().contains(&late.to_owned()));
        }
        assert_eq!(maildrop.left(), ["poison"]);
        assert_eq!(here(&home), ["first", "late", "later", "latest", "third"]);
        // One run does all.
        mended.store(true, Ordering::Relaxed);
        maildrop.add("last", "last");
        fetch(&home, &server, &["--delete"]).expect(0, "2 new, 0 already here, 0 refused; 2 deleted");
        assert!(maildrop.left().is_empty());
    }
}

#[test]
fn messages_without_a_usable_id_block_nothing() {
    for (ids, has_ids) in [(["same", "same", "c", "d"], true), (["", "b", "c", ""], true), ([""; 4], false)] {
        for breaks in BREAKS {
            // The others of the same size share its troubles.
            let messages: Vec<_> = ids.into_iter().zip(["poison", "second", "the third", "fourth"]).collect();
            let maildrop = Post { has_ids, ..Post::new(&messages) };
            let (server, _) = breaking(&maildrop, "RETR", breaks);
            let home = Home::in_memory();
            let is_all_here = (0..40).any(|run| {
                let late = format!("late {run}");
                maildrop.add(&late, &late);
                let ended = fetch(&home, &server, &["--delete"]);
                assert!(matches!(ended.status, Some(3 | 4)), "{ended:?}");
                // Those with an id are not even late.
                assert!(!has_ids || here(&home).contains(&late) && !maildrop.left().contains(&late), "{ended:?}");
                ["second", "the third", "fourth"].iter().all(|text| here(&home).contains(&(*text).to_owned()))
            });
            assert!(is_all_here, "{ids:?}: {:?}", here(&home));
            let once: BTreeSet<_> = here(&home).into_iter().collect();
            assert_eq!(once.len(), here(&home).len());
            let nameless = messages.iter().filter(|(id, _)| ["", "same"].contains(id));
            assert!(nameless.into_iter().all(|(_, text)| maildrop.left().contains(&(*text).to_owned())));
        }
    }
}

#[test]
fn a_header_that_breaks_the_session_is_not_requested_again() {
    for breaks in BREAKS {
        let maildrop = Post::new(&[("a", "first"), ("b", "poison"), ("c", "third")]);
        let (server, _) = breaking(&maildrop, "TOP", breaks);
        let home = Home::in_memory();
        fetch(&home, &server, &[]).expect(0, "3 new");
        let ended = fetch(&home, &server, &["--delete"]);
        assert!(matches!(ended.status, Some(3 | 4)), "{ended:?}");
        // Its octets show what its header could not.
        maildrop.add("late", "late");
        fetch(&home, &server, &["--delete"]).expect(0, "1 new, 3 already here, 0 refused; 4 deleted");
        assert!(maildrop.left().is_empty());
        assert_eq!(here(&home), ["first", "late", "poison", "third"]);
    }
}

#[test]
#[ignore = "four times 257 MiB"]
fn a_header_of_any_length_is_compared() {
    let maildrop = Post::new(&[("a", "large"), ("b", "small")]);
    let server = maildrop.serve(|command, text| match (command, text) {
        ("RETR" | "TOP", "large") => {
            say(format!("+OK\r\n{}\r\n.\r\n", format!("X: {}\r\n", "x".repeat(60)).repeat((257 << 20) / 65)))
        }
        _ => Act::Usual,
    });
    let home = Home::with_password();
    fetch(&home, &server, &[]).expect(0, "2 new");
    fetch(&home, &server, &["--delete"]).expect(0, "0 new, 2 already here, 0 refused; 2 deleted");
    let asked = server.heard().iter().filter(|line| line.starts_with("RETR 1")).count();
    assert_eq!(asked, 2, "in the first run, as its size is another one");
}

#[test]
fn a_message_that_failed_twice_has_a_session_of_its_own() {
    let refused = || say("-ERR only once\r\n");
    for breaks in [BREAKS[0], BREAKS[1], refused] {
        let maildrop = Post::new(&[("a", "first"), ("b", "poison"), ("c", "third")]);
        let asked = AtomicBool::new(false);
        let server = maildrop.serve(move |command, text| match (command, text) {
            // Each session begins anew.
            ("QUIT" | "CAPA", _) => {
                asked.store(false, Ordering::Relaxed);
                Act::Usual
            }
            ("LIST", "") => say("+OK\r\n1 26\r\n2 1\r\n3 26\r\n.\r\n"),
            ("RETR", "poison") if asked.swap(true, Ordering::Relaxed) => breaks(),
            _ => Act::Usual,
        });
        let home = Home::in_memory();
        let ended = fetch(&home, &server, &[]);
        assert_ne!(ended.status, Some(0), "{ended:?}");
        if ended.status == Some(1) {
            ended.expect(1, "2 new, 0 already here, 1 refused");
        }
        fetch(&home, &server, &[]).expect(0, "new");
        assert_eq!(here(&home), ["first", "poison", "third"]);
    }
}

#[test]
fn nameless_messages_are_stored_once() {
    let maildrop = Post::new(&[("", "first"), ("x", "second"), ("x", "third"), ("d", "fourth")]);
    let server = maildrop.serve(|_, _| Act::Usual);
    let home = Home::in_memory();
    fetch(&home, &server, &[]).expect(0, "4 new");
    fetch(&home, &server, &["--delete"]).expect(0, "0 new, 4 already here, 0 refused; 1 deleted");
    // Without the memory, the files tell.
    fs::remove_file(home.path("mail/.pop3-seen")).unwrap();
    fetch(&home, &server, &[]).expect(0, "0 new, 3 already here");
    // Without the files, the memory tells.
    fs::remove_dir_all(home.path("mail/new")).unwrap();
    fetch(&home, &server, &[]).expect(0, "0 new, 3 already here");
    // The same octets twice in one listing.
    maildrop.add("", "fifth");
    maildrop.add("", "fifth");
    for known in ["1 new, 4 already here", "0 new, 5 already here"] {
        fetch(&home, &server, &[]).expect(0, known);
    }
    // Somebody sends a message whose id is that of a stored one.
    maildrop.add("e", "sixth");
    fetch(&home, &server, &[]).expect(0, "1 new, 5 already here");
    maildrop.add("e", "forgery");
    for known in ["1 new, 6 already here", "0 new, 7 already here"] {
        fetch(&home, &server, &["--delete"]).expect(0, known);
    }
    // And takes it away again.
    maildrop.remove("forgery");
    fetch(&home, &server, &["--delete"]).expect(0, "0 new, 6 already here, 0 refused; 1 deleted");
    assert_eq!(here(&home), ["fifth", "forgery", "sixth"]);
}

#[test]
fn trouble_with_a_removed_message_is_forgotten() {
    let maildrop = Post::new(&[("a", "poison"), ("", "poison of another size"), ("c", "third")]);
    let (server, _) = breaking(&maildrop, "RETR", BREAKS[0]);
    let home = Home::in_memory();
    let path = home.path("mail/.pop3-seen");
    let troubles = || fs::read_to_string(&path).unwrap().lines().filter(|line| line.starts_with("T ")).count();
    for _ in 0..3 {
        fetch(&home, &server, &[]).expect(4, "");
    }
    assert_eq!(troubles(), 3);
    // Enough that has no meaning, so that the next run writes it anew.
    let compact = || {
        let junk = "A 00112233445566778899aabbccddeeff\n".repeat(1100);
        fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(junk.as_bytes()).unwrap();
    };
    compact();
    fetch(&home, &server, &[]).expect(4, "");
    assert_eq!(troubles(), 4);
    // Another account knows nothing of them.
    let other = Post::new(&[]).serve(|_, _| Act::Usual);
    fetch(&home, &other, &[]).expect(0, "0 new");
    maildrop.remove("poison");
    maildrop.remove("poison of another size");
    compact();
    fetch(&home, &server, &["--delete"]).expect(0, "; 1 deleted");
    compact();
    fetch(&home, &server, &[]).expect(0, "0 new");
    assert_eq!(fs::read_to_string(&path).unwrap(), "pop3-seen 2\n");
}
