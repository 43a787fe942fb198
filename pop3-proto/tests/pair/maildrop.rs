//! The messages of one user, and a naive description of what a server must send.

use std::cell::RefCell;
use std::rc::Rc;

use pop3_proto::serve::{Denial, LoginAttempt, Maildrop, StoreError};
use pop3_proto::transmitted_octets;

pub(crate) const USER: &str = "ann";
pub(crate) const PASSWORD: &str = " tan  staaf";

#[derive(Clone, Debug)]
pub(crate) struct Mail {
    pub(crate) id: String,
    pub(crate) content: Vec<u8>,
}

impl Mail {
    /// Returns the octets that a client gets: every line with CRLF, the last one too.
    pub(crate) fn sent(&self) -> Vec<u8> {
        let mut lines: Vec<&[u8]> = self.content.split(|&octet| octet == b'\n').collect();
        if lines.last() == Some(&&b""[..]) {
            lines.pop();
        }
        let ended = lines.into_iter().map(|line| [line.strip_suffix(b"\r").unwrap_or(line), b"\r\n"].concat());
        ended.collect::<Vec<_>>().concat()
    }

    /// Returns the header, the blank line, and so many lines of the body.
    pub(crate) fn top(&self, lines: u32) -> Vec<u8> {
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

/// The messages of one session. The numbers that UPDATE removed stay known after the session.
#[derive(Clone, Debug)]
pub(crate) struct TestMaildrop {
    mails: Rc<[Mail]>,
    open: bool,
    /// The most octets that a read returns.
    mouthful: usize,
    removed: Rc<RefCell<Option<Vec<u32>>>>,
}

impl TestMaildrop {
    pub(crate) fn new(mails: &[Mail], mouthful: usize) -> TestMaildrop {
        TestMaildrop { mails: mails.into(), open: false, mouthful, removed: Rc::default() }
    }

    /// Returns the numbers that UPDATE removed, if there was one.
    pub(crate) fn removed(&self) -> Option<Vec<u32>> {
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
        let end = self.mail(number).content.len().min(at + buffer.len().min(self.mouthful));
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
