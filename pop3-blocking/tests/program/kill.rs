//! SIGKILL at any moment: in the end every message is there exactly once.

use std::num::NonZeroU32;
use std::process::Child;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use pop3_blocking::pop3_proto::maildrop::{Credentials, LoginRefused, Maildrop, StoreError};
use pop3_blocking::pop3_proto::memory::MemoryMaildrop;

use crate::support::{Ended, Home, mail, serve, store};

/// The program, and what the server must still do before it kills it.
#[derive(Default)]
struct Victim {
    child: Option<Child>,
    /// Calls of the maildrop; none for never.
    fuse: Option<u32>,
}

/// A maildrop in front of which the program dies.
struct Deadly {
    maildrop: MemoryMaildrop,
    victim: Arc<(Mutex<Victim>, Condvar)>,
}

impl Deadly {
    fn burn(&self) {
        let (victim, started) = &*self.victim;
        let mut victim = started.wait_while(victim.lock().unwrap(), |victim| victim.child.is_none()).unwrap();
        victim.fuse = victim.fuse.and_then(|fuse| fuse.checked_sub(1));
        if victim.fuse == Some(0) {
            // It may be dead already.
            let _ = victim.child.as_mut().unwrap().kill();
        }
    }
}

impl Maildrop for Deadly {
    fn login(&mut self, credentials: Credentials<'_>) -> Result<(), LoginRefused> {
        // The session of a run that was killed ends when the server notices.
        for _ in 0..1000 {
            match self.maildrop.login(credentials) {
                Err(LoginRefused::InUse) => thread::sleep(Duration::from_millis(10)),
                answer => return answer,
            }
        }
        Err(LoginRefused::InUse)
    }

    fn count(&self) -> u32 {
        self.maildrop.count()
    }

    fn octets(&self, number: NonZeroU32) -> u64 {
        self.maildrop.octets(number)
    }

    fn unique_id(&self, number: NonZeroU32) -> &str {
        self.maildrop.unique_id(number)
    }

    fn read(&mut self, number: NonZeroU32, at: u64, buffer: &mut [u8]) -> Result<usize, StoreError> {
        self.burn();
        self.maildrop.read(number, at, buffer)
    }

    fn remove(&mut self, marked: &mut dyn Iterator<Item = NonZeroU32>) -> Result<(), StoreError> {
        self.burn();
        self.maildrop.remove(marked)
    }
}

#[test]
fn every_message_exactly_once() {
    const MESSAGES: u32 = 300;
    let message = |n: u32| format!("Subject: {n}\r\n\r\n{}\r\n", "x".repeat(n as usize * 7 % 3000)).into_bytes();
    let mut all: Vec<_> = (0..MESSAGES).map(message).collect();
    let maildrop = store(&all.iter().map(Vec::as_slice).collect::<Vec<_>>());
    all.sort();

    let victim = Arc::<(Mutex<Victim>, Condvar)>::default();
    let shared = Arc::clone(&victim);
    let server = serve(&maildrop, move |maildrop| Deadly { maildrop, victim: Arc::clone(&shared) });
    let home = Home::with_password();
    let url = server.url();
    let arguments = ["--plaintext", &url, "fetch", "mail", "--delete"];

    let mut random = 0x2545_f491_u32;
    let (mut killed, mut round) = (0, 0);
    while killed < 24 {
        round += 1;
        assert!(round < 1000, "only {killed} runs were killed");
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        // By what the server has done, which is certain, or by time: between them they hit every step.
        let by_time = round % 3 == 0;
        let left = u32::try_from(maildrop.messages("u").len()).unwrap();
        let fuse = (!by_time).then_some(1 + (random >> 8) % left);
        *victim.0.lock().unwrap() = Victim { child: None, fuse };
        let child = home.command(&arguments).spawn().unwrap();
        victim.0.lock().unwrap().child = Some(child);
        victim.1.notify_all();
        if by_time {
            thread::sleep(Duration::from_micros(u64::from((random >> 8) % 60_000)));
            let _ = victim.0.lock().unwrap().child.as_mut().unwrap().kill();
        }
        let status = loop {
            // Not `wait`, which would keep the server from its kill.
            if let Some(status) = victim.0.lock().unwrap().child.as_mut().unwrap().try_wait().unwrap() {
                break status;
            }
            thread::sleep(Duration::from_millis(1));
        };
        killed += u32::from(!status.success());

        // Whenever it died: nothing is doubled, and nothing is gone from both sides.
        let here = if home.path("mail/new").exists() { mail(&home.path("mail")) } else { Vec::new() };
        let mut once = here.clone();
        once.dedup();
        assert_eq!(once.len(), here.len(), "round {round}: a message is there twice");
        let there = maildrop.messages("u");
        for message in &all {
            let safe = here.binary_search(message).is_ok() || there.iter().any(|kept| **kept == **message);
            assert!(safe, "round {round}: a message is lost");
        }
        if there.is_empty() {
            // All was done: begin again with the same server and another folder.
            assert_eq!(here, all);
            std::fs::remove_dir_all(home.path("mail")).unwrap();
            for message in &all {
                assert!(maildrop.deliver("u", message));
            }
        }
    }

    *victim.0.lock().unwrap() = Victim { child: Some(home.command(&["--help"]).spawn().unwrap()), fuse: None };
    Ended::new(home.command(&arguments).output().unwrap()).expect(0, "0 refused");
    assert_eq!(mail(&home.path("mail")), all);
    assert!(maildrop.messages("u").is_empty());
    let _ = victim.0.lock().unwrap().child.take().unwrap().wait();
}
