//! A maildrop of one user, and the octets that a client must receive for each message.
//!
//! ```
//! use pop3_proto::testing::maildrop::{Mail, TestMaildrop};
//! use pop3_proto::{ServerConfig, Service};
//!
//! let mail = Mail { id: "1".into(), content: b"Subject: dots\n\n.\n".to_vec() };
//! assert_eq!(mail.sent(), b"Subject: dots\r\n\r\n.\r\n");
//! let maildrop = TestMaildrop::new(&[mail], usize::MAX);
//! let service = Service::new(maildrop.clone(), ServerConfig::default(), None);
//! // ... let a client log in, mark message 1 as deleted, and quit ...
//! assert_eq!(maildrop.removed(), None, "there was no QUIT yet");
//! # drop(service);
//! ```

use std::cell::RefCell;
use std::rc::Rc;
use std::string::String;
use std::vec::Vec;

use crate::serve::{Denial, LoginAttempt, Maildrop, StoreError};
use crate::wire::stuffing::transmitted_octets;

/// The name of the user of a [`TestMaildrop`].
pub const USER: &str = "ann";
/// The user's password, which has blanks in front and inside.
pub const PASSWORD: &str = " tan  staaf";

/// A message.
#[derive(Clone, Debug)]
pub struct Mail {
    /// The unique-id.
    pub id: String,
    /// The message as it is stored, with any line ends.
    pub content: Vec<u8>,
}

impl Mail {
    /// Returns the octets that a client gets: every line with CRLF, the last one too.
    pub fn sent(&self) -> Vec<u8> {
        let mut lines: Vec<&[u8]> = self.content.split(|&octet| octet == b'\n').collect();
        if lines.last() == Some(&&b""[..]) {
            lines.pop();
        }
        let ended = lines.into_iter().map(|line| [line.strip_suffix(b"\r").unwrap_or(line), b"\r\n"].concat());
        ended.collect::<Vec<_>>().concat()
    }

    /// Returns the header, the blank line, and so many lines of the body.
    pub fn top(&self, lines: u32) -> Vec<u8> {
        let (sent, mut top, mut left) = (self.sent(), Vec::new(), None);
        for line in sent.split_inclusive(|&octet| octet == b'\n') {
            match &mut left {
                Some(0) => break,
                Some(left) => *left -= 1,
                None if line == b"\r\n" => left = Some(lines),
                None => {}
            }
            top.extend(line);
        }
        top
    }
}

/// A maildrop for one session.
///
/// A clone is another handle to the same messages, which tells after the session what was removed.
///
/// # Panics
///
/// Its methods panic if a server does what no server may: a second login, a question before the login, or a second
/// removal.
#[derive(Clone, Debug)]
pub struct TestMaildrop {
    mails: Rc<[Mail]>,
    open: bool,
    /// The most octets that a read returns.
    max_read: usize,
    removed: Rc<RefCell<Option<Vec<u32>>>>,
}

impl TestMaildrop {
    /// Creates a maildrop whose reads return no more than `max_read` octets each.
    pub fn new(mails: &[Mail], max_read: usize) -> TestMaildrop {
        TestMaildrop { mails: mails.into(), open: false, max_read, removed: Rc::default() }
    }

    /// Returns the numbers that UPDATE removed, if there was one.
    pub fn removed(&self) -> Option<Vec<u32>> {
        self.removed.borrow().clone()
    }

    fn mail(&self, number: u32) -> &Mail {
        &self.mails[number as usize - 1]
    }
}

impl Maildrop for TestMaildrop {
    fn login(&mut self, credentials: LoginAttempt<'_>) -> Result<(), Denial> {
        assert!(!self.open, "nobody logs in twice");
        self.open = credentials.user() == USER && credentials.prove(PASSWORD.as_bytes());
        if self.open { Ok(()) } else { Err(Denial::Credentials) }
    }

    fn count(&self) -> u32 {
        assert!(self.open);
        u32::try_from(self.mails.len()).unwrap()
    }

    fn octets(&self, number: u32) -> u64 {
        transmitted_octets(&self.mail(number).content)
    }

    fn unique_id(&self, number: u32) -> &str {
        &self.mail(number).id
    }

    fn read(&mut self, number: u32, at: u64, buffer: &mut [u8]) -> Result<usize, StoreError> {
        assert!(self.open && !buffer.is_empty());
        let at = usize::try_from(at).unwrap();
        let end = self.mail(number).content.len().min(at + buffer.len().min(self.max_read));
        let read = &self.mail(number).content[at..end];
        buffer[..read.len()].copy_from_slice(read);
        Ok(read.len())
    }

    fn remove(&mut self, marked: &mut dyn Iterator<Item = u32>) -> Result<(), StoreError> {
        assert!(self.open);
        let before = self.removed.replace(Some(marked.collect()));
        assert_eq!(before, None, "there is one UPDATE");
        Ok(())
    }
}
