//! A stream with or without TLS, which carries the octets of a conversation.

use std::io::{self, ErrorKind, Read, Write};
use std::time::Duration;

#[cfg(feature = "tls")]
use crate::driver::is_closed;
#[cfg(feature = "tls")]
use crate::tls::{Layer, Settings};

pub(crate) struct Transport<S> {
    /// Taken once, at the end.
    stream: Option<S>,
    #[cfg(feature = "tls")]
    layer: Option<Layer>,
    abilities: Option<Abilities<S>>,
    /// Octets received from the stream since the last call of [`received`](Self::received).
    received: usize,
    /// The last read took everything that had arrived.
    is_drained: bool,
    /// Something was written, and the stream has not flushed it yet.
    unflushed: bool,
}

/// Operations that a [`Tcp`](crate::Tcp) supports beyond [`Read`] and [`Write`].
#[derive(Clone, Copy)]
pub(crate) struct Abilities<S> {
    /// Like [`Read::read`], but waits no longer than the limit, and not at all if it is zero.
    pub(crate) read_within: fn(&mut S, &mut [u8], Duration) -> io::Result<usize>,
    /// Like [`Write::write`], but waits no longer than the limit, and not at all if it is zero.
    pub(crate) write_within: fn(&mut S, &[u8], Duration) -> io::Result<usize>,
    /// Returns true if the last read, which did not fill its space, took everything that had arrived.
    pub(crate) is_drained: fn(&S) -> bool,
}

impl<S> Transport<S> {
    pub(crate) fn new(stream: S, abilities: Option<Abilities<S>>) -> Transport<S> {
        Transport {
            stream: Some(stream),
            #[cfg(feature = "tls")]
            layer: None,
            abilities,
            received: 0,
            is_drained: false,
            unflushed: false,
        }
    }

    pub(crate) fn get_ref(&self) -> &S {
        self.stream.as_ref().expect("it is there until the transport is gone")
    }

    /// Returns the stream. Closes TLS if that is possible without waiting.
    pub(crate) fn into_stream(mut self) -> S {
        #[cfg(feature = "tls")]
        self.say_goodbye();
        self.stream.take().expect("it is there until the transport is gone")
    }

    /// Returns the number of octets received from the stream since the last call, ciphertext included.
    pub(crate) fn received(&mut self) -> usize {
        std::mem::take(&mut self.received)
    }

    #[cfg(feature = "tls")]
    pub(crate) fn layer(&self) -> Option<&Layer> {
        self.layer.as_ref()
    }

    /// Returns true if the last read took everything that had arrived. Of a stream of the caller's own, only the end of
    /// a read is known.
    pub(crate) const fn is_drained(&self) -> bool {
        self.is_drained
    }

    /// Begins TLS: from now on, nothing that is read or written is plaintext on the stream.
    #[cfg(feature = "tls")]
    pub(crate) fn secure(&mut self, settings: &Settings) -> io::Result<()> {
        self.layer = Some(Layer::new(settings)?);
        Ok(())
    }

    /// Closes TLS without waiting, for sessions that are dropped.
    #[cfg(feature = "tls")]
    fn say_goodbye(&mut self) {
        if let (Some(stream), Some(layer), Some(abilities)) = (&mut self.stream, &mut self.layer, &self.abilities) {
            layer.close();
            let _ = layer.flush(&mut AtOnce(stream, abilities));
        }
    }
}

impl<S: Read + Write> Transport<S> {
    /// Reads once from the stream, for at most `limit` if the stream supports that. Returns
    /// [`Interrupted`](ErrorKind::Interrupted) if it is time to write again, or if more ciphertext is needed.
    pub(crate) fn read(&mut self, space: &mut [u8], limit: Duration) -> io::Result<usize> {
        self.is_drained = false;
        let Some(stream) = &mut self.stream else { return Ok(0) };
        let mut stream = Within::new(stream, self.abilities.as_ref(), limit);
        #[cfg(feature = "tls")]
        if let Some(layer) = &mut self.layer {
            if let Some(result) = at_hand(layer, space) {
                return result;
            }
            self.received += layer.fill(&mut stream)?;
            let octets = at_hand(layer, space).unwrap_or(Err(ErrorKind::Interrupted.into()))?;
            self.is_drained = stream.is_drained && octets < space.len() && !layer.is_partial();
            return Ok(octets);
        }
        let octets = stream.read(space)?;
        self.received += octets;
        self.is_drained = stream.is_drained;
        Ok(octets)
    }

    /// Continues the handshake: flushes, and reads once unless it is complete. Returns true if it is complete.
    #[cfg(feature = "tls")]
    pub(crate) fn shake_hands(&mut self, limit: Duration) -> io::Result<bool> {
        match self.flush(Duration::ZERO) {
            // If the server hung up, its last octets explain more.
            Err(error) if error.kind() != ErrorKind::WouldBlock && !is_closed(&error) => return Err(error),
            _ => {}
        }
        let (Some(stream), Some(layer)) = (&mut self.stream, &mut self.layer) else { return Ok(true) };
        if !layer.is_handshaking() {
            return Ok(true);
        }
        match layer.fill(&mut Within::new(stream, self.abilities.as_ref(), limit))? {
            0 => Err(io::Error::new(ErrorKind::UnexpectedEof, "the server closed the connection")),
            octets => {
                self.received += octets;
                Ok(false)
            }
        }
    }

    /// Reads what has arrived without waiting, or returns [`WouldBlock`](ErrorKind::WouldBlock).
    pub(crate) fn look(&mut self, space: &mut [u8]) -> io::Result<usize> {
        // Skips records of TLS itself, up to a limit.
        let rounds = if self.abilities.is_some() { 16 } else { 0 };
        for _ in 0..rounds {
            match self.read(space, Duration::ZERO) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => return result,
            }
        }
        #[cfg(feature = "tls")]
        if let Some(result) = self.layer.as_mut().and_then(|layer| at_hand(layer, space)) {
            return result;
        }
        Err(ErrorKind::WouldBlock.into())
    }

    /// Writes what the stream accepts, and waits for that no longer than the limit if the stream supports that.
    pub(crate) fn write(&mut self, octets: &[u8], limit: Duration) -> io::Result<usize> {
        self.unflushed = true;
        let Some(stream) = &mut self.stream else { return Ok(0) };
        let mut stream = Within::new(stream, self.abilities.as_ref(), limit);
        #[cfg(feature = "tls")]
        if let Some(layer) = &mut self.layer {
            return match layer.write(octets)? {
                0 => {
                    layer.flush(&mut stream)?;
                    layer.write(octets)
                }
                octets => Ok(octets),
            };
        }
        stream.write(octets)
    }

    /// Flushes everything written, with the limit of [`write`](Self::write). There may be something even without a
    /// write: TLS also sends records of its own.
    pub(crate) fn flush(&mut self, limit: Duration) -> io::Result<()> {
        let Some(stream) = &mut self.stream else { return Ok(()) };
        let mut stream = Within::new(stream, self.abilities.as_ref(), limit);
        #[cfg(feature = "tls")]
        if let Some(layer) = self.layer.as_mut().filter(|layer| layer.wants_write()) {
            self.unflushed = true;
            layer.flush(&mut stream)?;
        }
        if self.unflushed {
            loop {
                match stream.flush() {
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    result => break result?,
                }
            }
            self.unflushed = false;
        }
        Ok(())
    }

    /// Closes TLS, if there is any.
    #[cfg(feature = "tls")]
    pub(crate) fn close(&mut self) {
        if let Some(layer) = &mut self.layer {
            layer.close();
            // Errors are ignored: the close is only a courtesy.
            let _ = self.flush(Duration::ZERO);
        }
    }
}

#[cfg(feature = "tls")]
fn at_hand(layer: &mut Layer, space: &mut [u8]) -> Option<io::Result<usize>> {
    let result = layer.read(space);
    if result.as_ref().is_err_and(|error| error.kind() == ErrorKind::WouldBlock) { None } else { Some(result) }
}

#[cfg(feature = "tls")]
impl<S> Drop for Transport<S> {
    fn drop(&mut self) {
        self.say_goodbye();
    }
}

/// A stream whose reads and writes wait no longer than a limit, if it supports that.
struct Within<'a, S> {
    stream: &'a mut S,
    abilities: Option<&'a Abilities<S>>,
    limit: Duration,
    /// The last read took everything that had arrived.
    is_drained: bool,
}

impl<'a, S> Within<'a, S> {
    fn new(stream: &'a mut S, abilities: Option<&'a Abilities<S>>, limit: Duration) -> Within<'a, S> {
        Within { stream, abilities, limit, is_drained: false }
    }
}

impl<S: Read> Read for Within<'_, S> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let octets = match self.abilities {
            Some(abilities) => (abilities.read_within)(self.stream, space, self.limit)?,
            None => self.stream.read(space)?,
        };
        self.is_drained = octets < space.len() && self.abilities.is_none_or(|able| (able.is_drained)(self.stream));
        Ok(octets)
    }
}

impl<S: Write> Write for Within<'_, S> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        match self.abilities {
            Some(abilities) => (abilities.write_within)(self.stream, octets, self.limit),
            None => self.stream.write(octets),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// A stream whose writes do not wait. Unlike [`Within`], it needs no bounds on the stream.
#[cfg(feature = "tls")]
struct AtOnce<'a, S>(&'a mut S, &'a Abilities<S>);

#[cfg(feature = "tls")]
impl<S> Write for AtOnce<'_, S> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        (self.1.write_within)(self.0, octets, Duration::ZERO)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
