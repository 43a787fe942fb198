//! The maildrop of these sessions, and what it saw of UPDATE.

use std::sync::{Arc, Mutex};

use pop3_proto::serve::{Denial, LoginAttempt, Maildrop, StoreError};
use pop3_proto::{ServerConfig, Service, transmitted_octets};

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
    pub(super) fn serve(&self) -> (Service<Keeper>, Removed) {
        let removed = Removed::default();
        let stls = self.protection.as_ref().map(|protection| protection.stls);
        let (inside_tls, stls) = (stls == Some(false), stls == Some(true));
        let config = ServerConfig::new().plaintext_login(true).inside_tls(inside_tls).stls(stls);
        (Service::new(Keeper { scene: self.clone(), removed: Arc::clone(&removed) }, config, None), removed)
    }
}

/// The numbers that UPDATE removed, if there was one.
pub(super) type Removed = Arc<Mutex<Option<Vec<u32>>>>;

#[derive(Debug)]
pub(super) struct Keeper {
    scene: Scene,
    removed: Removed,
}

impl Keeper {
    fn mail(&self, number: u32) -> Option<&[u8]> {
        self.scene.mails[number as usize - 1].as_deref()
    }
}

impl Maildrop for Keeper {
    fn login(&mut self, credentials: LoginAttempt<'_>) -> Result<(), Denial> {
        let proven = credentials.user() == USER && credentials.prove(PASSWORD.as_bytes());
        if proven { Ok(()) } else { Err(Denial::Credentials) }
    }

    fn count(&self) -> u32 {
        u32::try_from(self.scene.mails.len()).unwrap()
    }

    fn octets(&self, number: u32) -> u64 {
        self.mail(number).map_or(0, transmitted_octets)
    }

    fn unique_id(&self, number: u32) -> &str {
        IDS[number as usize - 1]
    }

    fn read(&mut self, number: u32, at: u64, buffer: &mut [u8]) -> Result<usize, StoreError> {
        let mail = self.mail(number).ok_or_else(|| StoreError("the message is damaged".into()))?;
        let rest = &mail[usize::try_from(at).unwrap().min(mail.len())..];
        let octets = rest.len().min(buffer.len());
        buffer[..octets].copy_from_slice(&rest[..octets]);
        Ok(octets)
    }

    fn remove(&mut self, marked: &mut dyn Iterator<Item = u32>) -> Result<(), StoreError> {
        if self.scene.refuses {
            return Err(StoreError("it is nailed down".into()));
        }
        let before = self.removed.lock().unwrap().replace(marked.collect());
        assert_eq!(before, None, "there is one UPDATE");
        Ok(())
    }
}
