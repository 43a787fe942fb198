//! TLS between a conversation and its stream. rustls does no I/O; [`Transport`](crate::transport::Transport) does.

use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;

use pop3_proto::drive::Conversation;
use pop3_proto::tls::rustls::pki_types::ServerName;
use pop3_proto::tls::rustls::{ClientConfig, ClientConnection};
use pop3_proto::tls::{Records, Tls, TlsError, established, explain, server_name};
use rustls_platform_verifier::Verifier;

use crate::{Connect, Error};

/// Builds the rustls configuration for `tls`, with the platform's verifier. This reads the platform's certificate
/// authorities, unless pins or your own configuration decide.
///
/// Each connection does the same, which takes a while. For many connections, call this function once and give the
/// configuration to each of them; they can then resume TLS sessions, too.
///
/// # Errors
///
/// [`TlsError::Root`], [`TlsError::Platform`] or [`TlsError::Own`].
///
/// ```no_run
/// use pop3_blocking::{Connect, Tls, client_config, connect};
///
/// let config = client_config(&Tls::new())?;
/// for host in ["pop.example.org", "pop.example.com"] {
///     let to = Connect::new().host(host).user("mrose").tls(config.clone());
///     connect(to)?.quit()?;
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn client_config(tls: &Tls) -> Result<Arc<ClientConfig>, TlsError> {
    tls.config(|roots, provider| Ok(Arc::new(Verifier::new_with_extra_roots(roots, provider)?)))
}

/// The TLS requirements for one server.
#[derive(Clone)]
pub(crate) struct Settings {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl Settings {
    pub(crate) fn new(connect: &Connect) -> Result<Settings, Error> {
        let (host, _) = connect.server()?;
        Ok(Settings { name: server_name(host)?, config: client_config(connect.get_tls())? })
    }
}

/// The TLS of one connection. Its buffers are limited: one record to be read, and 64 KiB to be written.
pub(crate) struct Layer {
    connection: Box<ClientConnection>,
    name: ServerName<'static>,
    records: Records,
}

impl Layer {
    /// Creates a layer whose handshake has not begun.
    pub(crate) fn new(settings: &Settings) -> io::Result<Layer> {
        let Settings { config, name } = settings.clone();
        let connection = ClientConnection::new(config, name.clone()).map_err(io::Error::other)?;
        Ok(Layer { connection: Box::new(connection), name, records: Records::new() })
    }

    pub(crate) fn is_handshaking(&self) -> bool {
        self.connection.is_handshaking()
    }

    /// Returns true if a record has arrived in part.
    pub(crate) fn is_partial(&self) -> bool {
        self.records.is_partial()
    }

    /// Returns true if TLS has octets to send, possibly of its own.
    pub(crate) fn wants_write(&self) -> bool {
        self.connection.wants_write()
    }

    /// Reports the handshake to the conversation.
    pub(crate) fn established(&self, conversation: &mut Conversation) -> Result<(), Error> {
        established(conversation, &self.connection)
    }

    /// Reads available plaintext. Returns [`WouldBlock`](ErrorKind::WouldBlock) if there is none, and 0 octets at the
    /// end.
    pub(crate) fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        match self.connection.reader().read(space) {
            // A missing close_notify is acceptable: the conversation detects truncation.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(0),
            result => result,
        }
    }

    /// Reads once from the stream, and returns the number of octets. Call this only if no plaintext is available.
    ///
    /// If the octets are invalid, the next call reports the error, because data before the error is valid.
    pub(crate) fn fill(&mut self, stream: &mut dyn Read) -> io::Result<usize> {
        self.process()?;
        let octets = self.connection.read_tls(&mut Followed { stream, records: &mut self.records })?;
        let _ = self.process();
        Ok(octets)
    }

    fn process(&mut self) -> io::Result<()> {
        let result = self.connection.process_new_packets();
        result.map(drop).map_err(|error| explain(io::Error::other(error), &self.name))
    }

    /// Accepts as many octets to be sent as there is room for, possibly none.
    ///
    /// After a TLS failure, this fails like a closed connection: reads report the reason, after the data before it.
    pub(crate) fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.connection.writer().write(octets).map_err(|_| ErrorKind::BrokenPipe.into())
    }

    /// Writes everything that TLS has to send to the stream.
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

    /// Closes TLS: nothing may be sent after this (RFC 8446, section 6.1).
    pub(crate) fn close(&mut self) {
        self.connection.send_close_notify();
    }
}

/// A stream whose records are followed.
struct Followed<'a> {
    stream: &'a mut dyn Read,
    records: &'a mut Records,
}

impl Read for Followed<'_> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let octets = self.stream.read(space)?;
        self.records.received(&space[..octets]);
        Ok(octets)
    }
}
