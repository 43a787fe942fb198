//! A conversation and the stream that carries it.

use std::io::{self, ErrorKind, Read, Write};

use pop3_proto::conversation::{Call, Conversation, Step};
use pop3_proto::exchange::Exchange;
use pop3_proto::{Cause, Entry};

use crate::Error;

pub(crate) struct Link<S> {
    pub(crate) conversation: Conversation,
    pub(crate) stream: S,
    /// Octets of commands that a batch keeps in flight.
    pub(crate) window: usize,
    /// Reads what is there without waiting, if the stream can.
    pub(crate) look: Option<Look<S>>,
    /// Something was written and the stream had no room to flush it.
    unflushed: bool,
}

/// Like [`Read::read`], and gives [`WouldBlock`](ErrorKind::WouldBlock) where that would wait.
pub(crate) type Look<S> = fn(&mut S, &mut [u8]) -> io::Result<usize>;

impl<S: Read + Write> Link<S> {
    pub(crate) fn new(stream: S, conversation: Conversation) -> Link<S> {
        Link { conversation, stream, window: 4 * 1024, look: None, unflushed: false }
    }

    pub(crate) fn call<E: Exchange>(&mut self, exchange: E) -> Result<E::Value, Error> {
        self.finish(&mut Call::new(exchange))
    }

    pub(crate) fn finish<E: Exchange>(&mut self, call: &mut Call<E>) -> Result<E::Value, Error> {
        self.look();
        loop {
            match self.conversation.step(call).map_err(pop3_proto::Error::widen)? {
                Step::Done(value) => return Ok(value),
                Step::NeedIo => self.io(|| call.doing())?,
            }
        }
    }

    /// Before a command: hears what an idle server has said meanwhile, lest it be taken for the answer to the next command.
    pub(crate) fn look(&mut self) {
        let Some(look) = self.look.filter(|_| self.conversation.is_idle()) else { return };
        match look(&mut self.stream, self.conversation.spare()) {
            Ok(octets) => self.conversation.filled(octets),
            Err(error) if is_closed(&error) => self.conversation.filled(0),
            // There is nothing yet; or an error that the next read will meet again.
            Err(_) => {}
        }
    }

    /// Writes what is pending, then reads once. `doing` names what fails if it does.
    pub(crate) fn io(&mut self, doing: impl FnOnce() -> String) -> Result<(), Error> {
        self.transfer().map_err(|error| {
            self.conversation.break_off();
            Error::new(doing(), Cause::Transport(error))
        })
    }

    fn transfer(&mut self) -> io::Result<()> {
        let sent = self.send();
        match sent {
            Err(ref error) if !is_closed(error) => return sent,
            // The server hung up. What it said before is there to be read.
            _ => {}
        }
        loop {
            match self.stream.read(self.conversation.spare()) {
                Ok(octets) => self.conversation.filled(octets),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if is_closed(&error) => self.conversation.filled(0),
                Err(error) => return Err(error),
            }
            return Ok(());
        }
    }

    fn send(&mut self) -> io::Result<()> {
        if self.conversation.pending().is_empty() && !self.unflushed {
            return Ok(());
        }
        self.unflushed = true;
        while !self.conversation.pending().is_empty() {
            match self.stream.write(self.conversation.pending()) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(octets) => self.conversation.written(octets),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // The server must be read from before it reads again.
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        loop {
            match self.stream.flush() {
                Ok(()) => self.unflushed = false,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
            return Ok(());
        }
    }

    pub(crate) fn set_log(&mut self, log: impl FnMut(Entry<'_>) + Send + 'static) {
        self.conversation.set_log(log);
    }
}

/// Whether it says no more than that the other side is gone.
fn is_closed(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted)
}

impl<S> std::fmt::Debug for Link<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.conversation.fmt(f)
    }
}
