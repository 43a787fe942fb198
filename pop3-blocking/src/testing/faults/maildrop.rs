//! The maildrop of these sessions, and what it saw of UPDATE.
//!
//! See [`faults`](super) for an example.

use std::sync::{Arc, Mutex};

use pop3_proto::serve::{Layered, MailStore, Maildrop, MaildropLayer, MemoryMaildrop, StoreError};
use pop3_proto::{ServerConfig, Service};

use super::encryption::Protection;

/// The name of the user.
pub const USER: &str = "ann";
/// The password of the user.
pub const PASSWORD: &str = "tanstaaf";

/// Unique-ids that differ as much as possible.
const IDS: [&str; 6] = ["whqtswO00WBw418f9t5JxYwZ", "..", "3", "+OK", "-ERR", "~6"];

/// A message as it is stored, or `None` for one that cannot be read.
pub type Mail = Option<Vec<u8>>;

/// The server and its maildrop before the session begins.
#[derive(Clone, Debug)]
pub struct Scene {
    /// True if the server announces PIPELINING.
    pub pipelining: bool,
    /// True if UPDATE fails.
    pub refuses: bool,
    /// TLS, if there is any.
    pub protection: Option<Protection>,
    /// The messages, from number 1 on.
    pub mails: Arc<[Mail]>,
}

impl Scene {
    /// Creates a scene with six messages, the last but one of which cannot be read, and the largest of which has
    /// `large` octets.
    pub fn new(large: usize) -> Scene {
        let line = b"TWFueSBvY3RldHMgYW5kIG5vIGRvdCBhdCBhbGwgaW4gdGhlbSwgYXMgQmFzZTY0IGhhcyBpdC4g\r\n";
        let large = [b"Subject: large\r\n\r\n", &line.repeat(large / line.len() + 1)[..large]].concat();
        let mails = [
            Some(b"Subject: dots\r\n\r\n.\r\n..\r\n.x\r\n...\r\n.".to_vec()),
            Some(Vec::new()),
            Some(large),
            Some(b"+OK 3 messages\r\n-ERR no\r\n.\r\n+OK\r\n\r\n.\r\n-ERR\r\nQUIT\r\n".to_vec()),
            None,
            Some(b"bare \r, \r\r and\r\nno end of line".to_vec()),
        ];
        Scene { pipelining: true, refuses: false, protection: None, mails: mails.into() }
    }

    /// Returns true if these octets are the whole message, with CRLF after every line, the last one too.
    ///
    /// # Panics
    ///
    /// Panics if there is no message of this number.
    pub fn is_message(&self, number: u32, octets: &[u8]) -> bool {
        let Some(mail) = &self.mails[number as usize - 1] else { return false };
        let ended = mail.is_empty() || mail.ends_with(b"\n");
        octets.strip_prefix(&mail[..]) == Some(if ended { b"" } else { b"\r\n" })
    }

    /// Returns a server, and the place for the numbers that UPDATE will have removed.
    pub(super) fn serve(&self) -> (Service<Watched>, Removed) {
        let store = MailStore::new();
        store.add_user(USER, PASSWORD);
        for (mail, id) in self.mails.iter().zip(IDS) {
            store.deliver_as(USER, id, mail.as_deref().unwrap_or_default());
        }
        let removed = Removed::default();
        let keeper = Keeper { scene: self.clone(), removed: Arc::clone(&removed) };
        let stls = self.protection.as_ref().map(|protection| protection.stls);
        let (inside_tls, stls) = (stls == Some(false), stls == Some(true));
        let config = ServerConfig::new().plaintext_login(true).inside_tls(inside_tls).stls(stls);
        (Service::new(Layered { maildrop: store.maildrop(), layer: keeper }, config, None), removed)
    }
}

/// The numbers that UPDATE removed, if there was one.
pub(super) type Removed = Arc<Mutex<Option<Vec<u32>>>>;

/// The maildrop of a session.
pub(super) type Watched = Layered<MemoryMaildrop, Keeper>;

/// The changes that a scene makes to a maildrop in memory, and a record of UPDATE.
#[derive(Debug)]
pub(super) struct Keeper {
    scene: Scene,
    removed: Removed,
}

impl MaildropLayer for Keeper {
    fn read<M: Maildrop + ?Sized>(
        &mut self,
        below: &mut M,
        number: u32,
        at: u64,
        buffer: &mut [u8],
    ) -> Result<usize, StoreError> {
        if self.scene.mails[number as usize - 1].is_none() {
            return Err(StoreError("the message is damaged".into()));
        }
        below.read(number, at, buffer)
    }

    fn remove<M: Maildrop + ?Sized>(
        &mut self,
        below: &mut M,
        marked: &mut dyn Iterator<Item = u32>,
    ) -> Result<(), StoreError> {
        if self.scene.refuses {
            return Err(StoreError("it is nailed down".into()));
        }
        let marked: Vec<_> = marked.collect();
        let before = self.removed.lock().unwrap().replace(marked.clone());
        assert_eq!(before, None, "there is one UPDATE");
        below.remove(&mut marked.into_iter())
    }
}
