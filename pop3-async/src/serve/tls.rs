//! The embedded server with TLS, from the beginning or after STLS.

use std::io::{self, ErrorKind};
use std::sync::Arc;

use pop3_proto::serve::Maildrop;
use pop3_proto::tls::{channel_binding, rustls};
use pop3_proto::{ServerConfig, Service};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::{begin, converse};

/// Serves a maildrop on a stream like [`serve`](super::serve), with TLS. TLS begins with the connection if
/// [`ServerConfig::inside_tls`] is set, as on port 995 (RFC 8314, section 3.1). Otherwise STLS is offered, as on port
/// 110 (RFC 2595, section 4), and the default config accepts a password only inside TLS.
///
/// If a client sends plaintext after STLS, the session ends. Everything that the client sent before TLS is forgotten.
/// With TLS 1.3, the server also offers SCRAM-SHA-256-PLUS, which binds the client's proof to the connection.
///
/// You manage tasks and time here too: unless you use a timeout, a client that never begins the handshake waits
/// forever. `rustls` limits the octets of a handshake that it buffers. If you drop the future, the stream is dropped
/// too, and nothing more is removed.
///
/// ```
/// use std::sync::Arc;
/// use pop3_async::pop3_proto::ServerConfig;
/// use pop3_async::pop3_proto::serve::MailStore;
/// use pop3_async::pop3_proto::tls::rustls;
/// use tokio::net::TcpStream;
///
/// /// Serves a connection that a listener on port 995 has accepted.
/// async fn accepted(stream: TcpStream, store: &MailStore, tls: Arc<rustls::ServerConfig>) -> std::io::Result<()> {
///     let config = ServerConfig::new().inside_tls(true);
///     pop3_async::serve_tls(stream, store.maildrop(), config, tls).await
/// }
/// ```
///
/// # Errors
///
/// Errors of the stream, and errors of `rustls` during and after the handshake. If a client disconnects without closing
/// TLS after the handshake, that is not an error: a truncated command is not executed, and nothing is removed.
pub async fn serve_tls<S, M>(
    mut stream: S,
    maildrop: M,
    config: ServerConfig,
    tls: Arc<rustls::ServerConfig>,
) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
    M: Maildrop,
{
    let acceptor = TlsAcceptor::from(tls);
    if config.inside_tls {
        let stream = Box::new(Box::pin(acceptor.accept(stream)).await?);
        return inside(stream, begin(maildrop, config)).await;
    }
    let mut service = begin(maildrop, config.stls(true));
    converse(&mut stream, &mut service).await?;
    if !service.wants_tls() {
        return Ok(());
    }
    let stream = Box::new(Box::pin(acceptor.accept(stream)).await?);
    service.tls_established();
    inside(stream, service).await
}

/// Converses inside TLS. The stream is boxed, like the handshake: the future of a session would reserve its size
/// several times.
async fn inside<S, M>(mut stream: Box<TlsStream<S>>, mut service: Service<M>) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
    M: Maildrop,
{
    if let Some(exporter) = channel_binding(stream.get_ref().1) {
        service.set_channel_binding(exporter);
    }
    match converse(&mut stream, &mut service).await {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(()),
        conversed => conversed?,
    }
    // The client has received everything, and may have disconnected.
    let _ = stream.shutdown().await;
    Ok(())
}
