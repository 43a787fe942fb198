//! A conversation and its stream.

use std::io::{self, ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use pop3_proto::Command;
use pop3_proto::drive::{Acknowledge, Batch, Call, Conversation, Deadlines, Exchange, Io, Item, Step};

#[cfg(feature = "tls")]
use crate::Cause;
use crate::tcp::{STEP, is_late};
#[cfg(feature = "tls")]
use crate::tls::Settings;
use crate::transport::Transport;
use crate::{Connect, Error, QuitError, Security};

/// Without the feature, there are no TLS requirements.
#[cfg(not(feature = "tls"))]
type Settings = std::convert::Infallible;

pub(crate) struct Driver<S> {
    pub(crate) conversation: Conversation,
    pub(crate) transport: Transport<S>,
    /// Octets of commands that a batch keeps in flight.
    pub(crate) window: usize,
    pub(crate) deadlines: Deadlines,
    /// The TLS requirements, if TLS may begin.
    tls: Option<Settings>,
}

impl<S: Read + Write> Driver<S> {
    /// Returns the TLS requirements, if the connection has any. Call this before any I/O: if TLS is unavailable,
    /// nothing may be sent.
    pub(crate) fn requirements(connect: &Connect) -> Result<Option<Settings>, Error> {
        match connect.get_policy().security {
            Security::Plaintext => Ok(None),
            #[cfg(feature = "tls")]
            Security::Tls | Security::StartTls => Settings::new(connect).map(Some),
            #[cfg(not(feature = "tls"))]
            Security::Tls | Security::StartTls => Err(crate::LoginError::NoTls.into()),
        }
    }

    /// Receives the greeting, inside TLS if the settings require it.
    pub(crate) fn open(
        transport: Transport<S>,
        connect: &Connect,
        tls: Option<Settings>,
        deadlines: Deadlines,
        window: usize,
    ) -> Result<Driver<S>, Error> {
        let (conversation, window) = (connect.conversation(), connect.get_window().unwrap_or(window));
        let mut driver = Driver { conversation, transport, window, deadlines, tls };
        if connect.get_policy().security == Security::Tls {
            driver.start_tls()?;
        }
        driver.run(Conversation::greet)?;
        Ok(driver)
    }

    /// Without the feature, no connection has TLS requirements.
    #[cfg(not(feature = "tls"))]
    pub(crate) fn start_tls(&mut self) -> Result<(), Error> {
        match self.tls {
            Some(never) => match never {},
            None => Err(crate::LoginError::NoTls.into()),
        }
    }

    /// Performs the TLS handshake, after which the stream carries only TLS.
    #[cfg(feature = "tls")]
    pub(crate) fn start_tls(&mut self) -> Result<(), Error> {
        let failed = |error| Error::new("beginning TLS", Cause::Handshake(error));
        self.handshake().map_err(|error| failed(error.into()))?;
        let Some(layer) = self.transport.layer() else { return Ok(()) };
        layer.established(&mut self.conversation).map_err(|error| failed(error.into()))
    }

    #[cfg(feature = "tls")]
    fn handshake(&mut self) -> io::Result<()> {
        let settings = self.tls.as_ref().ok_or(ErrorKind::Unsupported)?;
        self.transport.secure(settings)?;
        loop {
            let limit = self.deadlines.handshake()?;
            if self.wait(limit, |driver| driver.transport.shake_hands(limit))? == Some(true) {
                return Ok(());
            }
        }
    }

    pub(crate) fn call<E: Exchange>(&mut self, exchange: E) -> Result<E::Value, Error> {
        self.finish(&mut Call::new(exchange))
    }

    pub(crate) fn finish<E: Exchange>(&mut self, call: &mut Call<E>) -> Result<E::Value, Error> {
        self.run(|conversation| conversation.step(call))
    }

    /// Repeats `step` until it is done, and does the I/O that each step needs.
    pub(crate) fn run<T>(
        &mut self,
        mut step: impl FnMut(&mut Conversation) -> Result<Step<T>, Error>,
    ) -> Result<T, Error> {
        loop {
            match step(&mut self.conversation)? {
                Step::Done(value) => return Ok(value),
                Step::NeedIo(io) => self.io(io),
            }
        }
    }

    /// Sends QUIT, and closes TLS if it was answered: the stream then accepts the close without waiting.
    pub(crate) fn quit(&mut self) -> Result<(), QuitError> {
        let mut quit = Call::new(Acknowledge(Command::Quit));
        self.finish(&mut quit).map_err(|error| quit.quit_error(error))?;
        #[cfg(feature = "tls")]
        self.transport.close();
        Ok(())
    }

    /// Returns the next message of a batch.
    pub(crate) fn next_item<T>(&mut self, batch: &mut Batch<T>) -> Option<Item<T>> {
        loop {
            match batch.next(&mut self.conversation) {
                Step::Done(item) => return item,
                Step::NeedIo(io) => self.io(io),
            }
        }
    }

    /// Reads unsolicited input, without waiting.
    fn look(&mut self) {
        match self.transport.look(self.conversation.spare()) {
            Ok(octets) => self.conversation.filled(octets),
            Err(error) if is_closed(&error) => self.conversation.filled(0),
            // Nothing has arrived; or an error, which the next read reports again.
            Err(_) => {}
        }
        self.conversation.looked();
    }

    /// Performs the I/O that is due. If it fails, the next step returns the error.
    pub(crate) fn io(&mut self, io: Io) {
        match io {
            Io::Look => self.look(),
            Io::Transfer => {
                if let Err(error) = self.transfer() {
                    self.conversation.abort(error);
                }
            }
        }
    }

    /// Writes pending octets, then reads once. If that completes a message, writes the command for the next one.
    fn transfer(&mut self) -> io::Result<()> {
        self.exchange()?;
        if self.transport.is_drained() && self.conversation.has_next() {
            self.conversation.send_next();
            // This message is complete. After an error, the next read returns an error or the end.
            let _ = self.send();
        }
        Ok(())
    }

    fn exchange(&mut self) -> io::Result<()> {
        loop {
            self.send()?;
            let limit = self.deadlines.answer(&self.conversation)?;
            let read = self.wait(limit, |driver| driver.transport.read(driver.conversation.spare(), limit));
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

    /// Measures the time that `read` takes; `read` respects `limit` itself. Returns `None` if it must be called again.
    fn wait<T>(
        &mut self,
        limit: Duration,
        read: impl FnOnce(&mut Driver<S>) -> io::Result<T>,
    ) -> io::Result<Option<T>> {
        let begin = Instant::now();
        let result = read(self);
        let waited = begin.elapsed();
        // A link in memory has a clock of its own.
        #[cfg(feature = "testing")]
        let waited = result.as_ref().err().and_then(crate::testing::link::waited).unwrap_or(waited);
        self.deadlines.spent(waited, self.transport.received());
        match result {
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(None),
            // The deadlines decide whether all the time has been used.
            Err(error) if is_late(&error) && limit != Duration::MAX => Ok(None),
            result => result.map(Some),
        }
    }

    fn send(&mut self) -> io::Result<()> {
        let limit = if self.conversation.may_block() { STEP } else { Duration::ZERO };
        match self.write_all(limit).and_then(|()| self.transport.flush(limit)) {
            // Read from the server, so that it reads again.
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
            Err(error) if is_closed(&error) => {
                self.conversation.write_failed();
                Ok(())
            }
            sent => sent,
        }
    }

    fn write_all(&mut self, limit: Duration) -> io::Result<()> {
        while !self.conversation.pending().is_empty() {
            match self.transport.write(self.conversation.pending(), limit) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(octets) => self.conversation.written(octets),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Returns true if the error only means that the peer has closed the connection.
pub(crate) fn is_closed(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted)
}

impl<S> std::fmt::Debug for Driver<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.conversation.fmt(f)
    }
}
