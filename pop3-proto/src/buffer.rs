//! The octets between a socket and the protocol.

use alloc::vec::Vec;

use zeroize::Zeroize;

use crate::output::Output;

/// What was received and not yet taken. Small at first, larger while reads fill it, and given back when idle.
pub(crate) struct Inbox {
    octets: Vec<u8>,
    start: usize,
    end: usize,
    /// The size to have next time that room is needed.
    wanted: usize,
    limit: usize,
}

impl Inbox {
    const FIRST: usize = 4 * 1024;

    /// `limit` must be longer than the longest line awaited.
    pub(crate) const fn new(limit: usize) -> Inbox {
        Inbox { octets: Vec::new(), start: 0, end: 0, wanted: Self::FIRST, limit }
    }

    pub(crate) fn unread(&self) -> &[u8] {
        &self.octets[self.start..self.end]
    }

    /// Lets `take` shorten what is unread. What it returns may borrow from the octets.
    pub(crate) fn take<'a, T>(&'a mut self, take: impl FnOnce(&mut &'a [u8]) -> T) -> T {
        let mut unread = &self.octets[self.start..self.end];
        let taken = take(&mut unread);
        self.start = self.end - unread.len();
        taken
    }

    /// Where the `len` octets lie that were taken last.
    pub(crate) const fn last(&self, len: usize) -> core::ops::Range<usize> {
        self.start - len..self.start
    }

    pub(crate) fn get(&self, range: core::ops::Range<usize>) -> &[u8] {
        &self.octets[range]
    }

    /// Room for a read, never empty: what is unread must be shorter than the limit.
    pub(crate) fn spare(&mut self) -> &mut [u8] {
        if self.start > 0 {
            self.octets.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.octets.len() {
            self.wanted = self.wanted.max(self.end * 2);
        }
        let wanted = self.wanted.min(self.limit.max(Self::FIRST));
        if self.octets.len() < wanted {
            // Zeroed memory of its own comes cheaper than growing, and what is unread is short.
            let mut octets = alloc::vec![0; wanted];
            octets[..self.end].copy_from_slice(&self.octets[..self.end]);
            self.octets = octets;
        }
        &mut self.octets[self.end..]
    }

    pub(crate) fn filled(&mut self, octets: usize) {
        self.end = (self.end + octets).min(self.octets.len());
        if self.end == self.octets.len() {
            self.wanted = self.octets.len() * 4;
        }
    }

    /// Nothing is in flight: the buffer may go, if nothing is in it.
    pub(crate) fn rest(&mut self) {
        if self.start == self.end && self.octets.len() > Self::FIRST {
            self.wanted = (self.octets.len() / 2).max(Self::FIRST);
            *self = Inbox { wanted: self.wanted, ..Inbox::new(self.limit) };
        }
    }
}

/// What is to be sent. Wiped as soon as it is sent, if there was a secret in it.
#[derive(Default)]
pub(crate) struct Outbox {
    octets: Vec<u8>,
    sent: usize,
    secret: bool,
}

impl Outbox {
    pub(crate) fn pending(&self) -> &[u8] {
        &self.octets[self.sent..]
    }

    pub(crate) fn written(&mut self, octets: usize) {
        self.sent = (self.sent + octets).min(self.octets.len());
        if self.sent == self.octets.len() {
            if self.secret {
                self.octets.zeroize();
                self.secret = false;
            }
            self.octets.clear();
            self.sent = 0;
        }
    }

    /// What comes next must not stay in memory once it is sent.
    pub(crate) fn mark_secret(&mut self) {
        self.secret = true;
    }
}

impl Output for Outbox {
    fn line(&mut self, len: usize) -> Option<&mut [u8]> {
        if self.octets.capacity() - self.octets.len() < len {
            // Vec would leave a copy of the old octets behind, and keep what was sent as long as something is pending.
            let mut octets = Vec::with_capacity((self.pending().len() + len).max(256) * 2);
            octets.extend_from_slice(self.pending());
            if self.secret {
                self.octets.zeroize();
            }
            self.octets = octets;
            self.sent = 0;
        }
        self.octets.line(len)
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        if self.secret {
            self.octets.zeroize();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_never_catches_up_costs_no_more_than_the_window() {
        let mut outbox = Outbox::default();
        for _ in 0..100_000 {
            outbox.line(10).unwrap().copy_from_slice(b"RETR 1234\n");
            // Ten octets in, ten octets out, and never quite empty.
            let already = outbox.pending().len().saturating_sub(95);
            outbox.written(already);
        }
        assert!(outbox.octets.capacity() < 1024, "{}", outbox.octets.capacity());
        assert!(outbox.pending().ends_with(b"RETR 1234\nRETR 1234\n"));
    }
}
