//! The octets of one session: its conversation, its socket, TLS, and its deadlines.

use std::io::{self, ErrorKind, Read, Write};
use std::time::Duration;

use mio::net::TcpStream;
use pop3_proto::drive::{Conversation, Deadlines, Io};
use pop3_proto::tls::rustls::pki_types::ServerName;
use pop3_proto::tls::rustls::{ClientConnection, Stream};
use pop3_proto::tls::{established, explain};

pub(crate) struct Wire {
    pub(crate) conversation: Conversation,
    pub(crate) stream: TcpStream,
    /// TLS, if the session is to begin it, and the name that the certificate must be valid for.
    pub(crate) tls: Option<ClientConnection>,
    pub(crate) host: ServerName<'static>,
    pub(crate) deadlines: Deadlines,
    /// The time at which the current wait ends.
    pub(crate) deadline: Duration,
}

trait Duplex: Read + Write {}

impl<T: Read + Write> Duplex for T {}

impl Wire {
    /// Does the I/O that is due. Returns [`WouldBlock`](ErrorKind::WouldBlock) if the socket is not ready; `mio`
    /// reports when to try again.
    pub(crate) fn transfer(&mut self, io: Io, now: Duration) -> io::Result<()> {
        let (conversation, mut secured) = (&mut self.conversation, None);
        let stream: &mut dyn Duplex = match &mut self.tls {
            Some(tls) if conversation.client().inside_tls() => secured.insert(Stream::new(tls, &mut self.stream)),
            _ => &mut self.stream,
        };
        while !conversation.pending().is_empty() {
            match stream.write(conversation.pending()) {
                Ok(octets) => conversation.written(octets),
                // The server may not read before its output is read, so read next.
                Err(error) if would_wait(&error) => break,
                Err(_) => conversation.write_failed(),
            }
        }
        match stream.read(conversation.spare()) {
            Ok(octets) => {
                conversation.filled(octets);
                self.deadlines.received(octets, now);
            }
            Err(error) if would_wait(&error) && io == Io::Look => {}
            Err(error) if would_wait(&error) || error.kind() == ErrorKind::InvalidData => return Err(error),
            // The connection is gone, with or without TLS's close.
            Err(_) => conversation.filled(0),
        }
        conversation.looked();
        Ok(())
    }

    /// Begins or continues the TLS handshake.
    pub(crate) fn start_tls(&mut self) -> io::Result<()> {
        let tls = self.tls.as_mut().ok_or(ErrorKind::Unsupported)?;
        while tls.is_handshaking() {
            tls.complete_io(&mut self.stream).map_err(|error| explain(error, &self.host))?;
        }
        Ok(established(&mut self.conversation, tls)?)
    }
}

/// Returns true if the socket is not ready or not connected yet.
pub(crate) fn would_wait(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected | ErrorKind::Interrupted)
}
