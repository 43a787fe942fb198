//! New messages, downloaded once and deleted some days later.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use super::server::Server;
use super::{example, run};

/// The folder of a user who runs the example from time to time.
struct User<'a> {
    name: &'a str,
    server: Server,
    home: &'a Path,
}

impl<'a> User<'a> {
    /// The example is called `name`, and may write to `home`.
    fn new(name: &'a str, home: &'a Path) -> User<'a> {
        fs::write(home.join("netrc"), "machine 127.0.0.1 login mrose password tanstaaf\n").unwrap();
        User { name, server: Server::new(), home }
    }

    fn run(&self, days: &str) -> Result<String, String> {
        let mut program = example(self.name);
        program.arg(format!("pop://127.0.0.1:{}", self.server.port)).arg(self.folder()).arg(days);
        run(program.env("NETRC", self.home.join("netrc")))
    }

    fn folder(&self) -> PathBuf {
        self.home.join("mail")
    }

    /// The stored messages, sorted by content.
    fn stored(&self) -> Vec<String> {
        let paths = fs::read_dir(self.folder()).unwrap().map(|entry| entry.unwrap().path());
        let is_message = |path: &Path| path.extension().is_some_and(|end| end == "eml");
        let mut messages: Vec<_> =
            paths.filter(|path| is_message(path)).map(|path| fs::read_to_string(path).unwrap()).collect();
        messages.sort();
        messages
    }

    /// Moves the time at which messages were stored back by some days.
    fn wait(&self, days: u64) {
        let file = self.folder().join("seen");
        let earlier = |line: &str| {
            let (stored, id) = line.split_once(' ').unwrap();
            format!("{} {id}\n", stored.parse::<u64>().unwrap() - days * 24 * 60 * 60)
        };
        let lines: String = fs::read_to_string(&file).unwrap().lines().map(earlier).collect();
        fs::write(file, lines).unwrap();
    }

    fn left(&self) -> usize {
        self.server.store.messages("mrose").len()
    }
}

pub fn messages_are_downloaded_once_and_deleted_after_some_days(name: &str, home: &Path) {
    let user = User::new(name, home);
    user.server.store.deliver("mrose", "Subject: one\r\n\r\n.dot\r\n");
    user.server.store.deliver("mrose", "Subject: two\r\n\r\n");
    assert_eq!(user.run("7").unwrap(), "2 stored, 0 deleted\n");
    assert_eq!(user.run("7").unwrap(), "0 stored, 0 deleted\n");

    user.wait(6);
    user.server.store.deliver("mrose", "Subject: three\r\n\r\n");
    assert_eq!(user.run("7").unwrap(), "1 stored, 0 deleted\n");
    user.wait(1);
    assert_eq!(user.run("7").unwrap(), "0 stored, 2 deleted\n");
    assert_eq!(user.left(), 1);
    assert_eq!(user.run("0").unwrap(), "0 stored, 1 deleted\n");
    assert_eq!(user.left(), 0);
    assert_eq!(user.stored(), ["Subject: one\r\n\r\n.dot\r\n", "Subject: three\r\n\r\n", "Subject: two\r\n\r\n"]);
}

pub fn a_mark_ends_when_its_id_disappears(name: &str, home: &Path) {
    let user = User::new(name, home);
    user.server.store.deliver_as("mrose", "1", "Subject: one\r\n\r\n");
    assert_eq!(user.run("0").unwrap(), "1 stored, 1 deleted\n");
    assert_eq!(user.run("0").unwrap(), "0 stored, 0 deleted\n");
    user.server.store.deliver_as("mrose", "1", "Subject: another\r\n\r\n");
    assert_eq!(user.run("7").unwrap(), "1 stored, 0 deleted\n");
    assert_eq!(user.stored(), ["Subject: another\r\n\r\n", "Subject: one\r\n\r\n"]);
}

pub fn a_new_message_may_have_the_id_of_a_deleted_one(name: &str, home: &Path) {
    let user = User::new(name, home);
    user.server.store.deliver_as("mrose", "1", "Subject: one\r\n\r\n");
    assert_eq!(user.run("0").unwrap(), "1 stored, 1 deleted\n");
    user.server.store.deliver_as("mrose", "1", "Subject: another\r\n\r\n");
    assert_eq!(user.run("0").unwrap(), "1 stored, 1 deleted\n");
    assert_eq!(user.stored(), ["Subject: another\r\n\r\n", "Subject: one\r\n\r\n"]);
}

pub fn a_message_whose_file_was_moved_stays(name: &str, home: &Path) {
    let user = User::new(name, home);
    user.server.store.deliver("mrose", "Subject: one\r\n\r\n");
    assert_eq!(user.run("7").unwrap(), "1 stored, 0 deleted\n");
    fs::rename(user.folder(), user.home.join("moved")).unwrap();
    fs::create_dir(user.folder()).unwrap();
    fs::rename(user.home.join("moved/seen"), user.folder().join("seen")).unwrap();
    let out = user.run("0").unwrap();
    assert!(out.starts_with("0 stored, 0 deleted\n") && out.contains("message 1 is kept"), "{out}");
    assert_eq!(user.left(), 1);
}

pub fn messages_that_share_an_id_are_never_deleted(name: &str, home: &Path) {
    let user = User::new(name, home);
    for (id, content) in [("1", "Subject: one\r\n\r\n"), ("1", "Subject: twin\r\n\r\n"), ("2", "Subject: two\r\n\r\n")]
    {
        user.server.store.deliver_as("mrose", id, content);
    }
    let out = user.run("0").unwrap();
    assert!(out.starts_with("1 stored, 1 deleted\n") && out.contains("message 2 is skipped"), "{out}");
    assert_eq!((user.left(), user.stored().len()), (2, 1));
}

pub fn a_message_that_was_cut_off_is_downloaded_again(name: &str, home: &Path) {
    let user = User::new(name, home);
    user.server.store.deliver("mrose", "Subject: one\r\n\r\n");
    user.server.store.deliver("mrose", format!("Subject: two\r\n\r\n{}", "a line\r\n".repeat(10_000)));
    user.server.room.store(40_000, Ordering::SeqCst);
    let said = user.run("0").unwrap_err();
    assert!(said.contains("RETR 2"), "{said}");
    assert_eq!((user.left(), user.stored()), (2, vec!["Subject: one\r\n\r\n".to_owned()]));

    user.server.room.store(usize::MAX, Ordering::SeqCst);
    assert_eq!(user.run("0").unwrap(), "1 stored, 2 deleted\n");
    assert_eq!((user.left(), user.stored().len()), (0, 2));
}
