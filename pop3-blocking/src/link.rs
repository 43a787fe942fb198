//! A conversation and the stream that carries it.

use std::io::{self, ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use pop3_proto::batch::{Batch, Item};
use pop3_proto::conversation::{Call, Conversation, Io, Step};
use pop3_proto::exchange::{Acknowledge, Exchange};
use pop3_proto::patience::{Patience, Timeouts};
use pop3_proto::{Cause, Command, Entry};

use crate::tcp::is_late;
use crate::tls::{Layer, Settings};
use crate::wire::{Abilities, Wire};
use crate::{Error, LoginError, QuitError};

pub(crate) struct Link<S> {
    pub(crate) conversation: Conversation,
    pub(crate) wire: Wire<S>,
    /// Octets of commands that a batch keeps in flight.
    pub(crate) window: usize,
    pub(crate) patience: Patience,
    /// What TLS has to prove, if it is begun.
    pub(crate) tls: Option<Settings>,
}

impl<S: Read + Write> Link<S> {
    /// A stream that is not known waits as long as it likes.
    pub(crate) fn new(stream: S, conversation: Conversation) -> Link<S> {
        let wire = Wire::new(stream, None);
        let patience = Patience::new(Timeouts::UNLIMITED);
        Link { conversation, wire, window: 4 * 1024, patience, tls: None }
    }

    pub(crate) fn timed(
        stream: S,
        abilities: Abilities<S>,
        conversation: Conversation,
        window: usize,
        patience: Patience,
    ) -> Link<S> {
        Link { conversation, wire: Wire::new(stream, Some(abilities)), window, patience, tls: None }
    }

    /// The TLS handshake, after which the stream carries nothing but TLS.
    pub(crate) fn start_tls(&mut self) -> Result<(), LoginError> {
        self.handshake().map_err(|error| {
            self.conversation.break_off();
            LoginError::Handshake(error)
        })?;
        self.conversation.tls_established().map_err(pop3_proto::Error::widen)?;
        if let Some(binding) = self.wire.layer().and_then(Layer::channel_binding) {
            self.conversation.set_channel_binding(binding);
        }
        Ok(())
    }

    fn handshake(&mut self) -> io::Result<()> {
        let settings = self.tls.as_ref().ok_or(ErrorKind::Unsupported)?;
        self.wire.secure(settings)?;
        loop {
            let limit = self.patience.handshake()?;
            if self.wait(limit, |link| link.wire.shake_hands(limit))? == Some(true) {
                return Ok(());
            }
        }
    }

    pub(crate) fn call<E: Exchange>(&mut self, exchange: E) -> Result<E::Value, Error> {
        self.finish(&mut Call::new(exchange))
    }

    pub(crate) fn finish<E: Exchange>(&mut self, call: &mut Call<E>) -> Result<E::Value, Error> {
        loop {
            match self.conversation.step(call).map_err(pop3_proto::Error::widen)? {
                Step::Done(value) => return Ok(value),
                Step::NeedIo(io) => self.io(io, || call.doing())?,
            }
        }
    }

    /// QUIT, and the end of TLS if it was answered: then the stream takes that without waiting.
    pub(crate) fn quit(&mut self) -> Result<(), QuitError> {
        let mut quit = Call::new(Acknowledge(Command::Quit));
        self.finish(&mut quit).map_err(|error| QuitError::new(error, quit.is_sent()))?;
        self.wire.close();
        Ok(())
    }

    /// Returns the next message of a batch.
    pub(crate) fn next_item(&mut self, batch: &mut Batch) -> Option<Item> {
        loop {
            match batch.next(&mut self.conversation) {
                Step::Done(item) => return item,
                Step::NeedIo(_) => self.look(),
            }
        }
    }

    /// Reads what the server has said while nothing was asked of it.
    fn look(&mut self) {
        match self.wire.look(self.conversation.spare()) {
            Ok(octets) => self.conversation.filled(octets),
            Err(error) if is_closed(&error) => self.conversation.filled(0),
            // There is nothing yet; or an error, after which the next read finds an error or the end.
            Err(_) => {}
        }
        self.conversation.looked();
    }

    /// Does the I/O that is due. `doing` names the operation that fails if it does.
    pub(crate) fn io(&mut self, io: Io, doing: impl FnOnce() -> String) -> Result<(), Error> {
        if io == Io::Look {
            self.look();
            return Ok(());
        }
        self.transfer().map_err(|error| {
            self.conversation.break_off();
            Error::new(doing(), Cause::Transport(error))
        })
    }

    /// Writes what is pending, then reads once.
    fn transfer(&mut self) -> io::Result<()> {
        loop {
            match self.send() {
                Err(error) if !is_closed(&error) => return Err(error),
                // If the server hung up, what it said before is there to be read.
                _ => {}
            }
            let limit = self.patience.answer(&self.conversation)?;
            let read = self.wait(limit, |link| link.wire.read(link.conversation.spare(), limit));
            match read {
                Ok(None) => {}
                Ok(Some(octets)) => {
                    self.conversation.filled(octets);
                    return Ok(());
                }
                Err(error) if is_closed(&error) => {
                    self.conversation.filled(0);
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Counts the time that `read` takes, which knows its `limit`. `None`: nothing came of it yet, and it is to be tried
    /// again.
    fn wait<T>(&mut self, limit: Duration, read: impl FnOnce(&mut Link<S>) -> io::Result<T>) -> io::Result<Option<T>> {
        let begin = Instant::now();
        let result = read(self);
        self.patience.spent(begin.elapsed(), self.wire.received());
        match result {
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(None),
            // Whether that was all the time there is, is for patience to say.
            Err(error) if is_late(&error) && limit != Duration::MAX => Ok(None),
            result => result.map(Some),
        }
    }

    fn send(&mut self) -> io::Result<()> {
        let sent = self.write_all().and_then(|()| self.wire.flush());
        match sent {
            // The server must be read from before it reads again.
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
            sent => sent,
        }
    }

    fn write_all(&mut self) -> io::Result<()> {
        while !self.conversation.pending().is_empty() {
            match self.wire.write(self.conversation.pending()) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(octets) => self.conversation.written(octets),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    pub(crate) fn set_log(&mut self, log: impl FnMut(Entry<'_>) + Send + 'static) {
        self.conversation.set_log(log);
    }
}

/// Whether it says no more than that the other side is gone.
pub(crate) fn is_closed(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted)
}

impl<S> std::fmt::Debug for Link<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.conversation.fmt(f)
    }
}
