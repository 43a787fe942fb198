//! Buffers between a socket and the protocol.

use alloc::vec::Vec;

use zeroize::Zeroize;

use crate::wire::output::Output;

/// Received octets that have not been consumed. The buffer starts small, grows while reads fill it, and is freed when
/// idle.
pub(crate) struct Inbox {
    /// The unread octets are `octets[start..end]`.
    octets: Vec<u8>,
    start: usize,
    end: usize,
    /// The size of the next allocation.
    wanted: usize,
    first: usize,
    limit: usize,
    /// The buffer receives secrets, so consumed octets are wiped.
    secret: bool,
}

impl Inbox {
    /// Creates a buffer that starts with `first` octets; `limit` must exceed the longest line awaited.
    pub(crate) const fn new(first: usize, limit: usize) -> Inbox {
        Inbox { octets: Vec::new(), start: 0, end: 0, wanted: first, first, limit, secret: false }
    }

    /// Creates a buffer for secrets: [`wipe`](Self::wipe) erases consumed octets.
    pub(crate) const fn for_secrets(first: usize, limit: usize) -> Inbox {
        let mut inbox = Inbox::new(first, limit);
        inbox.secret = true;
        inbox
    }

    #[inline]
    pub(crate) fn unread(&self) -> &[u8] {
        &self.octets[self.start..self.end]
    }

    /// Calls `take`, which may shorten the unread octets. Its result may borrow from them.
    #[inline]
    pub(crate) fn take<'a, T>(&'a mut self, take: impl FnOnce(&mut &'a [u8]) -> T) -> T {
        let mut unread = &self.octets[self.start..self.end];
        let taken = take(&mut unread);
        self.start = self.end - unread.len();
        taken
    }

    /// Erases the `len` octets that were consumed last.
    pub(crate) fn wipe(&mut self, len: usize) {
        self.octets[self.start - len..self.start].zeroize();
    }

    /// Returns the range of the `len` octets that were consumed last.
    #[inline]
    pub(crate) const fn last(&self, len: usize) -> core::ops::Range<usize> {
        self.start - len..self.start
    }

    #[inline]
    pub(crate) fn get(&self, range: core::ops::Range<usize>) -> &[u8] {
        &self.octets[range]
    }

    /// Returns room for a read, never empty: the unread octets must be shorter than the limit.
    pub(crate) fn spare(&mut self) -> &mut [u8] {
        if self.start > 0 {
            self.octets.copy_within(self.start..self.end, 0);
            let moved = self.end - self.start;
            if self.secret {
                self.octets[moved..self.end].zeroize();
            }
            (self.start, self.end) = (0, moved);
        }
        let wanted = self.wanted.min(self.limit.max(self.first));
        if self.octets.len() < wanted {
            // A new zeroed allocation is cheaper than growing, and few octets are unread.
            let mut octets = alloc::vec![0; wanted];
            octets[..self.end].copy_from_slice(&self.octets[..self.end]);
            if self.secret {
                self.octets.zeroize();
            }
            self.octets = octets;
        }
        &mut self.octets[self.end..]
    }

    /// Returns true if [`spare`](Self::spare) would have no room.
    pub(crate) fn is_full(&self) -> bool {
        self.end - self.start >= self.limit.max(self.first).max(self.octets.len())
    }

    pub(crate) fn filled(&mut self, octets: usize) {
        self.end = self.end.saturating_add(octets).min(self.octets.len());
        if self.end == self.octets.len() {
            self.wanted = self.octets.len() * 4;
        }
    }

    /// Returns the allocated memory in octets.
    pub(crate) fn held(&self) -> usize {
        self.octets.capacity()
    }

    /// Frees the buffer if it is empty. Call this when nothing is in flight, because most sessions are idle.
    pub(crate) fn rest(&mut self) {
        if self.start == self.end && !self.octets.is_empty() {
            let wanted = (self.octets.len() / 2).max(self.first);
            (self.octets, self.start, self.end, self.wanted) = (Vec::new(), 0, 0, wanted);
        }
    }

    /// Like [`rest`](Self::rest), for a buffer that is read into while idle: frees the memory that exceeds the initial
    /// size, if the buffer is empty.
    pub(crate) fn shrink(&mut self) {
        if self.start == self.end && self.octets.len() > self.first {
            (self.octets, self.start, self.end, self.wanted) = (Vec::new(), 0, 0, self.first);
        }
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        if self.secret {
            self.octets.zeroize();
        }
    }
}

/// Octets to be sent. They are wiped once sent if they contain a secret.
#[derive(Default)]
pub(crate) struct Outbox {
    octets: Vec<u8>,
    sent: usize,
    secret: bool,
    closed: bool,
}

impl Outbox {
    /// Drops the octets and accepts no more, because the peer has closed the connection.
    pub(crate) fn close(&mut self) {
        if self.secret {
            self.octets.zeroize();
        }
        self.octets = Vec::new();
        (self.sent, self.secret, self.closed) = (0, false, true);
    }

    pub(crate) const fn is_closed(&self) -> bool {
        self.closed
    }

    /// Returns the number of lines of which at least one octet is pending.
    pub(crate) fn pending_lines(&self) -> usize {
        memchr::memchr_iter(b'\n', self.pending()).count()
    }

    #[inline]
    pub(crate) fn pending(&self) -> &[u8] {
        &self.octets[self.sent..]
    }

    pub(crate) fn written(&mut self, octets: usize) {
        self.sent = self.sent.saturating_add(octets).min(self.octets.len());
        if self.sent == self.octets.len() {
            if self.secret {
                self.octets.zeroize();
                self.secret = false;
            }
            self.octets.clear();
            self.sent = 0;
        }
    }

    /// Appends a secret to be sent.
    pub(crate) fn append(&mut self, secret: &Outbox) {
        if let Some(space) = self.line(secret.pending().len()) {
            space.copy_from_slice(secret.pending());
        }
        self.secret = true;
    }

    /// Removes the last `len` octets, which are not needed.
    pub(crate) fn take_back(&mut self, len: usize) {
        self.octets.truncate(self.octets.len() - len);
    }

    /// Drops the sent octets. A `Vec` would keep them while anything is pending, and leave a copy behind when it grows.
    #[cold]
    fn make_room(&mut self, len: usize) {
        let pending = self.pending().len();
        if !self.secret && self.sent >= self.octets.capacity() / 2 && self.octets.capacity() - pending >= len {
            self.octets.copy_within(self.sent.., 0);
            self.octets.truncate(pending);
        } else {
            let mut octets = Vec::with_capacity((pending + len).max(256) * 2);
            octets.extend_from_slice(self.pending());
            if self.secret {
                self.octets.zeroize();
            }
            self.octets = octets;
        }
        self.sent = 0;
    }

    /// Returns the allocated memory in octets.
    pub(crate) fn held(&self) -> usize {
        self.octets.capacity()
    }

    /// Frees the buffer if it is empty. Call this when nothing is in flight.
    pub(crate) fn rest(&mut self) {
        if self.octets.is_empty() {
            self.octets = Vec::new();
        }
    }

    /// Marks the next octets as secret: they are wiped once sent.
    pub(crate) fn mark_secret(&mut self) {
        self.secret = true;
    }
}

impl Output for Outbox {
    #[inline]
    fn line(&mut self, len: usize) -> Option<&mut [u8]> {
        if self.octets.capacity() - self.octets.len() < len {
            self.make_room(len);
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
            // Ten octets in, ten octets out, and never entirely empty.
            let already = outbox.pending().len().saturating_sub(95);
            outbox.written(already);
        }
        assert!(outbox.octets.capacity() < 1024, "{}", outbox.octets.capacity());
        assert!(outbox.pending().ends_with(b"RETR 1234\nRETR 1234\n"));
    }

    /// Receives as many octets as there is room for, which is `room`.
    fn fill(inbox: &mut Inbox, room: usize) {
        let spare = inbox.spare();
        assert_eq!(spare.len(), room);
        spare.fill(b'x');
        inbox.filled(room);
    }

    fn take(inbox: &mut Inbox, len: usize) {
        inbox.take(|unread| *unread = &unread[len..]);
    }

    #[test]
    fn an_inbox_grows_while_reads_fill_it() {
        let mut inbox = Inbox::new(16, 256);
        assert_eq!(inbox.held(), 0);
        for (room, is_full) in [(16, false), (64, false), (256, true), (256, true)] {
            fill(&mut inbox, room);
            assert_eq!((inbox.held(), inbox.unread().len(), inbox.is_full()), (room, room, is_full));
            take(&mut inbox, room);
            assert!(!inbox.is_full());
        }
        // Unread octets move to the beginning, or into the larger buffer.
        fill(&mut inbox, 256);
        take(&mut inbox, 255);
        assert_eq!(inbox.get(inbox.last(2)), b"xx");
        fill(&mut inbox, 255);
        let mut inbox = Inbox::new(16, 256);
        fill(&mut inbox, 16);
        fill(&mut inbox, 48);
        assert_eq!(inbox.unread(), [b'x'; 64]);
        // The first size counts if it is larger than the limit.
        let mut inbox = Inbox::new(16, 8);
        fill(&mut inbox, 16);
        assert!(inbox.is_full() && inbox.spare().is_empty());
    }

    #[test]
    fn an_idle_inbox_is_freed_and_starts_with_half() {
        let mut inbox = Inbox::new(16, 256);
        inbox.rest();
        for room in [16, 64, 256] {
            fill(&mut inbox, room);
            take(&mut inbox, room - 1);
            inbox.rest();
            inbox.shrink();
            assert_eq!(inbox.held(), room, "an octet is unread");
            take(&mut inbox, 1);
        }
        for room in [128, 64, 32, 16, 16] {
            inbox.rest();
            assert_eq!(inbox.held(), 0);
            assert_eq!(inbox.spare().len(), room);
        }
        fill(&mut inbox, 16);
        take(&mut inbox, 16);
        inbox.shrink();
        assert_eq!(inbox.held(), 16, "it has its first size");
        fill(&mut inbox, 64);
        take(&mut inbox, 64);
        inbox.shrink();
        assert_eq!(inbox.held(), 0);
        assert_eq!(inbox.spare().len(), 16);
    }

    #[test]
    fn an_outbox_moves_what_is_pending_if_half_is_sent() {
        for (sent, len, capacity) in [(600, 600, 1200), (599, 1, 1204), (600, 601, 2402)] {
            let mut outbox = Outbox::default();
            for octet in [b'a', b'b'] {
                outbox.line(600).unwrap().fill(octet);
            }
            assert_eq!(outbox.held(), 1200);
            outbox.written(sent);
            outbox.line(len).unwrap().fill(b'c');
            assert_eq!(outbox.held(), capacity, "{sent}, {len}");
            let expected = ["a".repeat(600 - sent), "b".repeat(600), "c".repeat(len)].concat();
            assert!(outbox.pending() == expected.as_bytes(), "{sent}, {len}");
        }
    }

    #[test]
    fn an_outbox_without_octets_is_freed() {
        let mut outbox = Outbox::default();
        outbox.line(8).unwrap().copy_from_slice(b"NOOP\nDEL");
        assert_eq!((outbox.held(), outbox.pending_lines()), (512, 1));
        outbox.take_back(3);
        assert_eq!(outbox.pending(), b"NOOP\n");
        outbox.written(4);
        outbox.rest();
        assert_eq!((outbox.held(), outbox.pending()), (512, &b"\n"[..]));
        outbox.written(2);
        outbox.rest();
        assert_eq!((outbox.held(), outbox.pending_lines()), (0, 0));
        outbox.close();
        assert!(outbox.is_closed());
    }

    #[test]
    fn an_appended_secret_follows_what_is_pending() {
        let (mut outbox, mut secret) = (Outbox::default(), Outbox::default());
        outbox.line(2).unwrap().copy_from_slice(b"a\n");
        secret.line(5).unwrap().copy_from_slice(b"hush\n");
        outbox.append(&secret);
        assert_eq!((outbox.pending(), outbox.secret), (&b"a\nhush\n"[..], true));
    }

    #[test]
    fn taken_octets_are_wiped() {
        let mut inbox = Inbox::for_secrets(1024, 4096);
        let mut rest: &[u8] = &b"PASS hush\r\n".repeat(200);
        while !rest.is_empty() {
            let spare = inbox.spare();
            assert!(!spare.is_empty());
            let len = rest.len().min(spare.len());
            spare[..len].copy_from_slice(&rest[..len]);
            inbox.filled(len);
            rest = &rest[len..];
        }
        inbox.spare();
        let last = inbox.unread().len() - 11;
        inbox.take(|unread| *unread = &unread[last..]);
        inbox.wipe(last);
        assert_eq!(inbox.unread(), b"PASS hush\r\n");
        inbox.spare();
        assert_eq!(inbox.unread(), b"PASS hush\r\n");
        inbox.take(|unread| *unread = &[]);
        inbox.wipe(11);
        assert!(inbox.octets.iter().all(|&octet| octet == 0), "not even where it lay before it was moved");
    }
}
