//! `fetch --delete` against a server that dies at any octet: in the end every message is there exactly once.

use std::sync::{Arc, Mutex, mpsc};

use pop3_blocking::pop3_proto::serve::MailStore;

use crate::dying_server::{End, Life, check, dying, is_tidy};
use crate::support::{Act, Ended, Home, Server, files, mail, say, scripted, store};

const SMALL: [&[u8]; 4] = [b".\r\n..\r\n.x\r\n", b"", b"+OK\r\n-ERR no\r\nQUIT\r\n", b"Subject: 4\r\n\r\nfour\r\n"];

/// A maildrop, its server and a place for its mail.
struct Scene {
    all: Vec<Vec<u8>>,
    store: MailStore,
    life: Arc<Mutex<Life>>,
    server: Server,
    home: Home,
}

impl Scene {
    fn new(messages: &[impl AsRef<[u8]>]) -> Scene {
        let mut all: Vec<Vec<u8>> = messages.iter().map(|message| message.as_ref().to_vec()).collect();
        let store = store(&all.iter().map(Vec::as_slice).collect::<Vec<_>>());
        all.sort();
        let life = Arc::<Mutex<Life>>::default();
        let server = dying(&store, &life);
        Scene { all, store, life, server, home: Home::in_memory() }
    }

    /// Begins again with nothing fetched.
    fn renew(&mut self) {
        self.home = Home::in_memory();
        let there = self.store.messages("u");
        for message in self.all.iter().filter(|message| !there.iter().any(|kept| **kept == ***message)) {
            assert!(self.store.deliver("u", message));
        }
    }

    /// `timeout` is in seconds.
    fn run(&self, left: [Option<usize>; 2], end: End, timeout: &str) -> (Ended, [usize; 2]) {
        *self.life.lock().unwrap() = Life { left, end, carried: [0; 2] };
        let ended = self.home.run(&[
            "--plaintext",
            "--timeout",
            timeout,
            &self.server.quick_url(),
            "fetch",
            "mail",
            "--delete",
        ]);
        assert!(!ended.said.contains("panicked"), "{ended:?}");
        (ended, self.life.lock().unwrap().carried)
    }

    /// A run against a server that carries so many octets. Gives how it ended and how many there were.
    fn fetch(&self, left: [Option<usize>; 2], end: End) -> (Ended, [usize; 2]) {
        let (ended, carried) = self.run(left, end, "20");
        let here = check(&self.all, &self.home, &self.store);
        assert!(is_tidy(&self.home.path("mail")), "it removes what it could not finish");
        let gone = self.all.len() - self.store.messages("u").len();
        match ended.status {
            Some(0) => assert!(here == self.all.len() && gone == here, "{ended:?}"),
            Some(4) => {
                assert!(gone == 0 || ended.said.contains("it is unknown whether messages were deleted"), "{ended:?}");
            }
            _ => panic!("{ended:?}"),
        }
        (ended, carried)
    }
}

/// A death at each of the places, and then a run that lives.
fn at(step: usize, first: usize) {
    let mut scene = Scene::new(&SMALL);
    let (_, [down, up]) = scene.fetch([None; 2], End::Closes);
    let deaths = (first..down).step_by(step).map(|at| [Some(at), None]);
    let mut runs = 0;
    for left in deaths.chain((first..up).step_by(step).map(|at| [None, Some(at)])) {
        scene.renew();
        let end = if runs % 4 == 0 { End::Closes } else { End::Resets };
        let (ended, carried) = scene.fetch(left, end);
        assert!(ended.status == Some(4), "it died after {left:?}: {ended:?}");
        assert!((0..2).all(|way| left[way].is_none_or(|at| at == carried[way])), "{left:?}: {carried:?}");
        let (ended, _) = scene.fetch([None; 2], End::Closes);
        assert_eq!(ended.status, Some(0), "after {left:?}: {ended:?}");
        assert!(scene.store.messages("u").is_empty());
        runs += 2;
    }
    println!("{down} octets from the server and {up} to it: {runs} runs");
}

#[test]
fn a_server_that_dies_at_some_octets() {
    at(23, 5);
}

#[test]
#[ignore = "at each octet, which takes a quarter of a minute"]
fn a_server_that_dies_at_each_octet() {
    at(1, 0);
}

/// Octets that nobody sent may change what a message says, and POP3 without TLS has nothing to see it by. But the
/// program ends, with a status that fits, and deletes no more than it has.
fn garbled(step: usize) {
    const STRAYS: [&[u8]; 6] = [b"\0", b"+OK\r\n", b"-ERR\r\n", b".\r\n", b"\n", b"\r\n.\r\n"];
    let mut scene = Scene::new(&SMALL);
    let (_, [down, _]) = scene.fetch([None; 2], End::Closes);
    let mut statuses = std::collections::BTreeMap::<_, usize>::new();
    for at in (0..down).step_by(step) {
        scene.renew();
        let (ended, _) = scene.run([Some(at), None], End::Adds(STRAYS[at / step % STRAYS.len()]), "1");
        assert!(matches!(ended.status, Some(0 | 1 | 3 | 4 | 5)), "after {at}: {ended:?}");
        assert!(is_tidy(&scene.home.path("mail")));
        let gone = SMALL.len() - scene.store.messages("u").len();
        assert!(gone <= mail(&scene.home.path("mail")).len(), "after {at}: {ended:?}");
        *statuses.entry(ended.status).or_default() += 1;
    }
    println!("{statuses:?}");
}

#[test]
fn octets_garbled_at_some_places() {
    garbled(17);
}

#[test]
#[ignore = "at each octet"]
fn octets_garbled_at_each_place() {
    garbled(1);
}

#[test]
fn a_server_that_says_nothing_more() {
    let scene = Scene::new(&SMALL);
    for octets in [0, 100, 300, 400] {
        let ((reached, _), (go_on, wait)) = (mpsc::channel(), mpsc::channel());
        let left = [Some(octets), None];
        *scene.life.lock().unwrap() = Life { left, end: End::Waits { reached, go_on: wait }, carried: [0; 2] };
        let arguments = ["--plaintext", "--timeout", "1", &scene.server.quick_url(), "fetch", "mail", "--delete"];
        scene.home.run(&arguments).expect(4, "the server sent ");
        drop(go_on);
        check(&scene.all, &scene.home, &scene.store);
        assert_eq!(scene.store.messages("u").len(), SMALL.len(), "nothing is deleted");
    }
    let (ended, _) = scene.fetch([None; 2], End::Closes);
    assert_eq!(ended.status, Some(0));
}

/// Run after run into the same Maildir, each of which ends somewhere, until one comes to the end.
fn run_after_run(chains: usize) {
    let message = |n: usize| format!("Subject: {n}\r\n\r\n{}", ".a line of text\r\n".repeat(n * 37 % 300)).into_bytes();
    let messages: Vec<_> = (0..150).map(message).collect();
    let mut random = 0x9e37_79b9_u32;
    let mut runs = Vec::new();
    for _ in 0..chains {
        let scene = Scene::new(&messages);
        // About what a whole session takes; the fewer messages are left, the less it takes.
        let octets = messages.iter().map(Vec::len).sum::<usize>();
        for run in 1.. {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let at = (random >> 4) as usize % octets;
            let end = if random & 8 == 0 { End::Closes } else { End::Resets };
            let (ended, _) = scene.fetch([Some(at), None], end);
            if ended.status == Some(0) {
                runs.push(run);
                break;
            }
        }
        assert!(scene.store.messages("u").is_empty());
    }
    println!("until one came to the end: {runs:?} runs");
}

#[test]
fn runs_repeat_until_one_succeeds() {
    run_after_run(1);
}

#[test]
#[ignore = "the same ten times more"]
fn runs_repeat_until_one_succeeds_ten_times() {
    run_after_run(10);
}

/// A message of which only its file tells that it is here, because the run that delivered it was killed; and a mail
/// reader that moves it after the next run has looked at the folders.
#[test]
fn a_mail_reader_moves_what_a_killed_run_has_delivered() {
    let home = Home::with_password();
    let maildir = home.path("mail");
    let server = scripted(move |line| match line {
        "LIST" => say("+OK\r\n1 5\r\n.\r\n"),
        "UIDL" => say("+OK\r\n1 a\r\n.\r\n"),
        "UIDL 1" => say("+OK 1 a\r\n"),
        "RETR 1" => {
            for path in files(&maildir.join("new")) {
                let name = path.file_name().unwrap().to_str().unwrap();
                std::fs::rename(&path, maildir.join("cur").join(format!("{name}:2,S"))).unwrap();
            }
            say("+OK\r\none\r\n.\r\n")
        }
        _ => Act::Usual,
    });
    let fetch = || home.run(&["--plaintext", &server.quick_url(), "fetch", "mail"]);
    fetch().expect(0, "1 new, 0 already here");
    std::fs::remove_file(home.path("mail/.pop3-seen")).unwrap();
    fetch().expect(0, "0 new, 1 already here");
    assert_eq!(mail(&home.path("mail")), [b"one\r\n"]);
}

/// A run that was killed may have made the folder, and had no time to sync what it lies in.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "needs strace"]
fn the_name_of_an_existing_folder_is_synced() {
    let server = scripted(|line| if line == "UIDL" || line == "LIST" { say("+OK\r\n.\r\n") } else { Act::Usual });
    let home = Home::with_password();
    std::fs::create_dir_all(home.path("a/mail")).unwrap();
    let mut strace = std::process::Command::new("strace");
    strace.args(["-y", "-o", "trace", "-e", "trace=fsync"]).arg(home.command(&[]).get_program());
    strace.args(["--plaintext", &server.quick_url(), "fetch", "a/mail"]);
    let ended = Ended::new(home.wrap(strace).output().expect("strace is there"));
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let trace = std::fs::read_to_string(home.path("trace")).unwrap();
    let parent = home.path("a").canonicalize().unwrap();
    assert!(trace.contains(&format!("<{}>)", parent.display())), "{trace}");
}
