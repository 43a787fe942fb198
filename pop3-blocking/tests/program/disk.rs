//! `fetch --delete` on a full disk: nothing is lost, only messages on disk are deleted, and the next run with enough
//! space completes.
#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use pop3_blocking::pop3_proto::serve::{Denial, LoginAttempt, MailStore, Maildrop as _};

use crate::dying_server::{check, is_tidy};
use crate::support::{Act, Ended, Home, PASSWORD, Server, embedded, mail, say, scripted, store};

/// Larger ones and smaller ones, and more of them than one line of memory.
fn messages() -> Vec<Vec<u8>> {
    let message =
        |n: usize| format!("Subject: {n}\r\n\r\n{}", "a line of text\r\n".repeat(n * n * 31 % 600)).into_bytes();
    (0..14).map(message).collect()
}

struct Scene {
    all: Vec<Vec<u8>>,
    store: MailStore,
    server: Server,
    home: Home,
}

impl Scene {
    fn new(messages: Vec<Vec<u8>>) -> Scene {
        let store = store(&messages.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let mut all = messages;
        all.sort();
        let server = embedded(&store);
        Scene { all, store, server, home: Home::in_memory() }
    }

    /// Fetches after a line of shell. If there was no space, the program said so, and nothing is lost.
    fn fetch_behind(&self, shell: &str, said: &str) -> Ended {
        let shell = format!("{shell} exec \"$@\"");
        let ended =
            self.home.run_behind(&shell, &["--plaintext", &self.server.quick_url(), "fetch", "mail", "--delete"]);
        let here = check(&self.all, &self.home, &self.store);
        match ended.status {
            Some(0) => assert!(here == self.all.len() && self.store.messages("u").is_empty(), "{ended:?}"),
            Some(4) => {
                assert!(ended.said.contains(said), "{ended:?}");
                // If one message is too large for a file, the others are fetched and deleted.
                let is_untouched = self.store.messages("u").len() == self.all.len();
                assert!(is_untouched || ended.said.contains("File too large"), "{ended:?}");
                assert!(is_tidy(&self.home.path("mail")), "{ended:?}");
            }
            // By the signal, before the messages were deleted or after.
            None => assert!(matches!(self.store.messages("u").len(), there if there == self.all.len() || there == 0)),
            _ => panic!("{ended:?}"),
        }
        ended
    }

    fn fetch(&self) {
        // The server releases the lock when it notices that a killed program is gone.
        let attempt = LoginAttempt::Password { user: "u", password: PASSWORD };
        while self.store.maildrop().login(attempt) == Err(Denial::InUse) {
            std::thread::yield_now();
        }
        assert_eq!(self.fetch_behind("", "").status, Some(0));
    }
}

/// Limits of a file's size, in blocks of 512 octets; after the last one everything fits. Without the trap, the write
/// kills the program.
#[test]
fn no_file_may_grow() {
    let few = vec![b"Subject: one of many\r\n\r\nthe memory outgrows them\r\n".to_vec(); 16];
    let numbered = |messages: Vec<Vec<u8>>| -> Vec<Vec<u8>> {
        messages
            .into_iter()
            .enumerate()
            .map(|(n, message)| [format!("N: {n}\r\n").into_bytes(), message].concat())
            .collect()
    };
    let mut ends = Vec::new();
    for messages in [messages(), numbered(few)] {
        for blocks in [0, 1, 2, 3, 5, 8, 13, 19, 40] {
            for trap in ["trap '' XFSZ;", ""] {
                let scene = Scene::new(messages.clone());
                let ended = scene.fetch_behind(&format!("{trap} ulimit -f {blocks};"), "File too large");
                assert!(trap.is_empty() || ended.status.is_some());
                ends.push(ended.status);
                scene.fetch();
            }
        }
    }
    for end in [Some(0), Some(4), None] {
        assert!(ends.contains(&end), "{ends:?}");
    }
}

/// A file system of its own.
struct Disk<'a>(&'a Path);

impl Disk<'_> {
    /// `None` where that is not permitted.
    fn new<'a>(place: &'a Path, options: &str) -> Option<Disk<'a>> {
        std::fs::create_dir(place).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(place).output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Disk(place))
    }

    fn remount(&self, options: &str) {
        let options = format!("remount,{options}");
        assert!(Command::new("mount").args(["-o", &options]).arg(self.0).status().unwrap().success());
    }
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(self.0).status().is_ok_and(|status| status.success());
        assert!(unmounted || std::thread::panicking());
    }
}

#[test]
#[ignore = "needs the right to mount a file system"]
fn the_disk_is_full() {
    let sizes = (1..40).map(|pages| format!("size={}k,nr_inodes=1000", 4 * pages));
    let inodes = (1..24).map(|inodes| format!("size=4m,nr_inodes={inodes}"));
    let (mut fits, mut full) = (0, 0);
    for options in sizes.chain(inodes) {
        let scene = Scene::new(messages());
        let place = scene.home.path("mail");
        let disk = Disk::new(&place, &options).expect("a file system can be mounted");
        match scene.fetch_behind("", "No space left on device").status {
            Some(0) => fits += 1,
            _ => full += 1,
        }
        disk.remount("size=4m,nr_inodes=1000");
        scene.fetch();
    }
    println!("{full} times full, {fits} times not");
    assert!(full > 20 && fits > 3);
}

#[test]
#[ignore = "needs the right to mount a file system"]
fn a_message_for_which_there_is_no_room_comes_last() {
    let small = |n: usize| format!("Subject: {n}\r\n\r\n").into_bytes();
    let scene = Scene::new(vec![small(1), b"x\r\n".repeat(1 << 18), small(3)]);
    let place = scene.home.path("mail");
    let disk = Disk::new(&place, "size=256k").expect("a file system can be mounted");
    let fetch = || {
        scene
            .home
            .run(&["--plaintext", &scene.server.quick_url(), "fetch", "mail", "--delete"])
            .expect(4, "No space left");
        check(&scene.all, &scene.home, &scene.store)
    };
    assert_eq!(fetch(), 1);
    assert_eq!((fetch(), scene.store.messages("u").len()), (2, 1));
    disk.remount("size=4m");
    scene.fetch();
}

#[test]
#[ignore = "needs the right to mount a file system"]
fn messages_received_before_the_disk_was_full_are_confirmed() {
    let first = AtomicBool::new(true);
    let server = scripted(move |line| match line {
        "CAPA" => say("+OK\r\nPIPELINING\r\nSASL PLAIN\r\n.\r\n"),
        "LIST" => say("+OK\r\n1 7\r\n2 7\r\n.\r\n"),
        "UIDL" => say("+OK\r\n1 a\r\n2 b\r\n.\r\n"),
        "UIDL 1" => say("+OK 1 a\r\n"),
        "UIDL 2" => say("+OK 2 b\r\n"),
        "RETR 1" if first.swap(false, Ordering::Relaxed) => say("+OK\r\nmsg 1\r\nmixed up\r\n.\r\n"),
        "RETR 1" => say("+OK\r\nmsg 1\r\n.\r\n"),
        "RETR 2" => say(format!("+OK\r\n{}.\r\n", "x\r\n".repeat(1 << 18))),
        _ => Act::Usual,
    });
    let home = Home::in_memory();
    let place = home.path("mail");
    let _disk = Disk::new(&place, "size=256k").expect("a file system can be mounted");
    let fetch = || home.run(&["--plaintext", &server.quick_url(), "fetch", "mail"]);
    fetch().expect(3, "message 1 was different");
    fetch().expect(4, "No space left");
    assert_eq!(mail(&place), [b"msg 1\r\n"]);
}

#[test]
fn there_is_no_room_for_the_log() {
    let scene = Scene::new(messages());
    let arguments = ["--plaintext", "--log", "/dev/full", &scene.server.quick_url(), "fetch", "mail", "--delete"];
    scene.home.run(&arguments).expect(0, "14 new");
    assert_eq!(check(&scene.all, &scene.home, &scene.store), 14);
}

#[test]
fn there_is_no_room_for_the_output() {
    let scene = Scene::new(messages());
    for command in ["retr", "list", "capa"] {
        let number = if command == "retr" { "14" } else { "" };
        let arguments = ["--plaintext", &scene.server.quick_url(), command, number];
        let given = &arguments[..arguments.len() - usize::from(number.is_empty())];
        let ended = scene.home.run_behind("exec \"$@\" >/dev/full", given);
        ended.expect(4, "the output could not be written: No space left on device");
    }
}
