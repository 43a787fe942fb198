//! The embedded server with TLS: from the beginning, or from STLS on.

use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;

use pop3_proto::serve::Maildrop;
use pop3_proto::tls::channel_binding;
use pop3_proto::tls::rustls::{self, ServerConnection, StreamOwned};
use pop3_proto::{ServerConfig, Service};

use super::{Turn, begin, converse};

/// Serves a maildrop on a stream like [`serve_with`](super::serve_with), with TLS: from the beginning if
/// [`ServerConfig::inside_tls`] says so, as on port 995 (RFC 8314, section 3.1); else STLS is offered, as on port 110 (RFC
/// 2595, section 4), and the default config takes a password inside TLS only.
///
/// What a client sends in the clear behind STLS ends the session, and nothing that it said before counts inside TLS. In
/// TLS 1.3 a proof may be bound to the connection: SCRAM-SHA-256-PLUS.
///
/// Threads and time are the caller's here too: a client that never begins the handshake waits for the stream's time-out.
/// The octets that `rustls` keeps of a handshake are bounded.
///
/// ```
/// use std::net::TcpStream;
/// use std::sync::Arc;
/// use pop3_blocking::pop3_proto::ServerConfig;
/// use pop3_blocking::pop3_proto::serve::MailStore;
/// use pop3_blocking::pop3_proto::tls::rustls;
///
/// /// For each connection that a listener on port 995 accepts.
/// fn accepted(stream: TcpStream, store: &MailStore, tls: Arc<rustls::ServerConfig>) -> std::io::Result<()> {
///     let config = ServerConfig { inside_tls: true, ..ServerConfig::default() };
///     pop3_blocking::serve_tls(stream, store.maildrop(), config, tls)
/// }
/// ```
///
/// # Errors
///
/// What the stream says, and what `rustls` says of the handshake and of what comes after it. A client that goes away without
/// closing TLS is no error once the handshake is done: of a command cut short nothing is done, and nothing is removed.
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
    let mut service = begin(maildrop, ServerConfig { stls: true, ..config });
    match converse(&mut stream, &mut service)? {
        Turn::Over => Ok(()),
        Turn::Tls => {
            let stream = handshake(stream, tls)?;
            service.tls_established();
            inside(stream, service)
        }
    }
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
    };
    // The client has all that it asked for, and may be gone already.
    stream.conn.send_close_notify();
    let _ = stream.flush();
    Ok(())
}
