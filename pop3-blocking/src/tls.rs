//! TLS between a conversation and its stream. rustls does no I/O; [`Transport`](crate::transport::Transport) does.

use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;

use pop3_proto::login::Parts;
use pop3_proto::tls::rustls::pki_types::ServerName;
use pop3_proto::tls::rustls::{ClientConfig, ClientConnection};
use pop3_proto::tls::{Tls, TlsError, channel_binding, explain, server_name};
use zeroize::Zeroizing;

use crate::ConnectError;

/// What TLS has to prove of this server.
#[derive(Clone)]
pub(crate) struct Settings {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl Settings {
    pub(crate) fn new(tls: &Tls, host: &str) -> Result<Settings, TlsError> {
        Ok(Settings { name: server_name(host)?, config: tls.config()? })
    }

    pub(crate) fn of(parts: &Parts) -> Result<Settings, ConnectError> {
        Ok(Settings::new(&parts.tls, &parts.destination.host)?)
    }
}

/// The TLS of one connection. What it buffers is bounded: one record that comes, and 64 KiB that go.
pub(crate) struct Layer {
    connection: Box<ClientConnection>,
    name: ServerName<'static>,
}

impl Layer {
    /// A handshake that has not begun.
    pub(crate) fn new(settings: &Settings) -> io::Result<Layer> {
        let Settings { config, name } = settings.clone();
        let connection = ClientConnection::new(config, name.clone()).map_err(io::Error::other)?;
        Ok(Layer { connection: Box::new(connection), name })
    }

    pub(crate) fn is_handshaking(&self) -> bool {
        self.connection.is_handshaking()
    }

    /// Whether something is to be flushed, which may be nothing that we wrote.
    pub(crate) fn wants_write(&self) -> bool {
        self.connection.wants_write()
    }

    pub(crate) fn channel_binding(&self) -> Option<Zeroizing<Vec<u8>>> {
        channel_binding(&self.connection)
    }

    /// The plaintext at hand: none is [`WouldBlock`](ErrorKind::WouldBlock), 0 octets are the end.
    pub(crate) fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        match self.connection.reader().read(space) {
            // That TLS was not closed before is no matter: the core knows whether the end is a truncation.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(0),
            result => result,
        }
    }

    /// Reads once from the stream, and gives the octets that came. Only while there is no plaintext at hand.
    ///
    /// What it makes of them, be it an error, is for the next call to tell: what came before an error is as good as ever.
    pub(crate) fn fill(&mut self, stream: &mut dyn Read) -> io::Result<usize> {
        self.process()?;
        let octets = self.connection.read_tls(stream)?;
        let _ = self.process();
        Ok(octets)
    }

    fn process(&mut self) -> io::Result<()> {
        let result = self.connection.process_new_packets();
        result.map(drop).map_err(|error| explain(io::Error::other(error), &self.name))
    }

    /// Takes octets to be sent, as many as there is room for, which may be none.
    ///
    /// Where TLS has failed nothing is written, as where the other side is gone: why is for the reader to say, behind what
    /// came before.
    pub(crate) fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.connection.writer().write(octets).map_err(|_| ErrorKind::BrokenPipe.into())
    }

    /// Writes to the stream what is to be sent, until all of it is.
    pub(crate) fn flush(&mut self, stream: &mut dyn Write) -> io::Result<()> {
        while self.connection.wants_write() {
            match self.connection.write_tls(stream) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Nothing is to be sent after this (RFC 8446, section 6.1).
    pub(crate) fn close(&mut self) {
        self.connection.send_close_notify();
    }
}
