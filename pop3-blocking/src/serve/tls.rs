//! The embedded server with TLS, from the beginning or after STLS.

use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;

use pop3_proto::serve::Maildrop;
use pop3_proto::tls::channel_binding;
use pop3_proto::tls::rustls::{self, ServerConnection, StreamOwned};
use pop3_proto::{ServerConfig, Service};

use super::{begin, converse};

/// Serves a maildrop on a stream like [`serve`](super::serve), with TLS. TLS begins with the connection if
/// [`ServerConfig::inside_tls`] is set, as on port 995 (RFC 8314, section 3.1). Otherwise STLS is offered, as on port
/// 110 (RFC 2595, section 4), and the default config accepts a password only inside TLS.
///
/// If a client sends plaintext after STLS, the session ends. Everything that the client sent before TLS is forgotten.
/// With TLS 1.3, the server also offers SCRAM-SHA-256-PLUS, which binds the client's proof to the connection.
///
/// You provide threads and timeouts here too: a client that never begins the handshake occupies its thread until the
/// stream times out. `rustls` limits the octets of a handshake that it buffers.
///
/// ```
/// use std::net::TcpStream;
/// use std::sync::Arc;
/// use pop3_blocking::pop3_proto::ServerConfig;
/// use pop3_blocking::pop3_proto::serve::MailStore;
/// use pop3_blocking::pop3_proto::tls::rustls;
///
/// /// Serves a connection that a listener on port 995 has accepted.
/// fn accepted(stream: TcpStream, store: &MailStore, tls: Arc<rustls::ServerConfig>) -> std::io::Result<()> {
///     let config = ServerConfig::new().inside_tls(true);
///     pop3_blocking::serve_tls(stream, store.maildrop(), config, tls)
/// }
/// ```
///
/// # Errors
///
/// Errors of the stream, and errors of `rustls` during and after the handshake. If a client disconnects without closing
/// TLS after the handshake, that is not an error: a truncated command is not executed, and nothing is removed.
pub fn serve_tls<S: Read + Write, M: Maildrop>(
    mut stream: S,
    maildrop: M,
    config: ServerConfig,
    tls: Arc<rustls::ServerConfig>,
) -> io::Result<()> {
    if config.inside_tls {
        let stream = handshake(stream, tls)?;
        return inside(stream, begin(maildrop, config));
    }
    let mut service = begin(maildrop, config.stls(true));
    converse(&mut stream, &mut service)?;
    if !service.wants_tls() {
        return Ok(());
    }
    let stream = handshake(stream, tls)?;
    service.tls_established();
    inside(stream, service)
}

fn handshake<S: Read + Write>(
    mut stream: S,
    tls: Arc<rustls::ServerConfig>,
) -> io::Result<StreamOwned<ServerConnection, S>> {
    let mut connection = ServerConnection::new(tls).map_err(io::Error::other)?;
    while connection.is_handshaking() {
        connection.complete_io(&mut stream)?;
    }
    Ok(StreamOwned::new(connection, stream))
}

fn inside<S: Read + Write, M: Maildrop>(
    mut stream: StreamOwned<ServerConnection, S>,
    mut service: Service<M>,
) -> io::Result<()> {
    if let Some(exporter) = channel_binding(&stream.conn) {
        service.set_channel_binding(exporter);
    }
    match converse(&mut stream, &mut service) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(()),
        conversed => conversed?,
    }
    // The client has received everything, and may have disconnected.
    stream.conn.send_close_notify();
    let _ = stream.flush();
    Ok(())
}
