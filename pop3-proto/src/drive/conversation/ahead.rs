//! Batches without pipelining: the command for the next message is sent as soon as a message has arrived.
//!
//! Otherwise the caller would have control between the last read and the command, and a look would be due for each
//! message.

use crate::drive::capabilities::Capabilities;
use crate::drive::conversation::{Asked, Conversation, Sent};
use crate::drive::log::{LogEntry, LoggedCommand};
use crate::wire::command::Command;
use crate::wire::kind::Kind;

/// The next command of a batch without pipelining.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ahead {
    Nothing,
    /// It may be sent when the awaited answer is complete.
    Prepared(Asked),
    /// It was sent, and no other command has been sent since.
    Sent(Asked, Sent),
}

impl Conversation {
    /// Returns true if [`send_next`](Self::send_next) may have a command to send: a batch without pipelining has
    /// another message, and the octets of the last read end like a message.
    pub fn has_next(&self) -> bool {
        matches!(self.ahead, Ahead::Prepared(_))
            && !self.ended
            && !self.inbox.is_full()
            && ends_in_a_terminator(self.inbox.unread())
    }

    /// Sends the command for the next message of a batch without pipelining, if the octets of the last read complete
    /// the answer to the command before. Then write [`pending`](Self::pending) before the next step.
    ///
    /// Call this only between [`filled`](Self::filled) and the next step, and only if the read took everything that had
    /// arrived: the remaining octets might be unsolicited. Inside TLS, `tls::Records` shows whether part of a record has
    /// arrived.
    ///
    /// Calling it is optional. Otherwise the command is sent when you step the next message of the batch, after an
    /// [`Io::Look`](crate::drive::Io::Look), which costs a system call and the time until you do it.
    pub fn send_next(&mut self) {
        let Ahead::Prepared(asked) = self.ahead else { return };
        if self.broken || self.ended || self.outbox.is_closed() || !self.has_whole_answer() {
            return;
        }
        let command = asked.command();
        // If it may not be sent, its retrieval returns the reason.
        if let Ok(ticket) = self.client.send(command, &mut self.outbox) {
            self.ahead = Ahead::Sent(asked, Sent { ticket, conversation: self.identity });
            (self.unanswered, self.lone) = (true, Some(ticket));
            self.note(LogEntry::Command(LoggedCommand(&command)));
        }
    }

    /// Sets the command that may be sent as soon as the awaited answer is complete.
    #[inline]
    pub(super) fn prepare(&mut self, next: Option<Asked>) {
        if !matches!(self.ahead, Ahead::Sent(..)) {
            let next = next.filter(|next| !self.removes(&next.command()));
            self.ahead = next.map_or(Ahead::Nothing, Ahead::Prepared);
        }
    }

    /// Returns true if the server may delete the message of this command (RFC 2449, section 6.7). If it is sent before
    /// the caller asks for the message, and the caller abandons the batch, the caller never sees the message.
    pub(crate) fn removes(&self, command: &Command<'_>) -> bool {
        command.kind() == Kind::Retr && self.capabilities.as_ref().is_some_and(Capabilities::removes_retrieved)
    }

    /// Returns the command that was sent ahead, if it is this one and its answer is still to come.
    pub(crate) fn take_sent(&mut self, asked: Asked) -> Option<Sent> {
        let Ahead::Sent(ahead, sent) = self.ahead else { return None };
        self.ahead = Ahead::Nothing;
        (ahead == asked && self.expect_owed(Some(sent)).is_ok()).then_some(sent)
    }

    /// Returns true if the server had answered everything before the newest command. It then waits for the command, so
    /// a write of [`pending`](Self::pending) that blocks cannot deadlock.
    pub const fn may_block(&self) -> bool {
        self.lone.is_some()
    }

    /// Returns true if the unread octets complete the only answer that is due, and nothing follows it.
    fn has_whole_answer(&self) -> bool {
        let (mut client, mut unread) = (self.client.clone(), self.inbox.unread());
        while let Ok(event) = client.receive(&mut unread) {
            if event.is_none() {
                return client.in_flight() == 0 && unread.is_empty() && !client.has_unsolicited();
            }
        }
        false
    }
}

/// Returns true if a message may end here. This costs less than reading the octets to find out.
fn ends_in_a_terminator(octets: &[u8]) -> bool {
    let lines = octets.strip_suffix(b".\r\n").or(octets.strip_suffix(b".\n"));
    lines.is_some_and(|lines| lines.last().is_none_or(|&octet| octet == b'\n'))
}
