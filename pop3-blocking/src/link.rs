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
}

impl<S: Read + Write> Link<S> {
    pub(crate) fn call<E: Exchange>(&mut self, exchange: E) -> Result<E::Value, Error> {
        self.finish(&mut Call::new(exchange))
    }

    pub(crate) fn finish<E: Exchange>(&mut self, call: &mut Call<E>) -> Result<E::Value, Error> {
        loop {
            match self.conversation.step(call).map_err(pop3_proto::Error::widen)? {
                Step::Done(value) => return Ok(value),
                Step::NeedIo => self.io(|| call.doing())?,
            }
        }
    }

    /// Writes what is pending, then reads once. `doing` names what fails if it does.
    pub(crate) fn io(&mut self, doing: impl FnOnce() -> String) -> Result<(), Error> {
        self.transfer().map_err(|error| Error::new(doing(), Cause::Transport(error)))
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
        if self.conversation.pending().is_empty() {
            return Ok(());
        }
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
        self.stream.flush()
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
