//! The embedded server with TLS: from the beginning, or from STLS on.

use std::io::{self, ErrorKind};
use std::sync::Arc;

use pop3_proto::serve::Maildrop;
use pop3_proto::tls::{channel_binding, rustls};
use pop3_proto::{ServerConfig, Service};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::{Turn, begin, converse};

/// Serves a maildrop on a stream like [`serve_with`](super::serve_with), with TLS: from the beginning if
/// [`ServerConfig::inside_tls`] says so, as on port 995 (RFC 8314, section 3.1); else STLS is offered, as on port 110 (RFC
/// 2595, section 4), and the default config takes a password inside TLS only.
///
/// What a client sends in the clear behind STLS ends the session, and nothing that it said before counts inside TLS. In
/// TLS 1.3 a proof may be bound to the connection: SCRAM-SHA-256-PLUS.
///
/// Tasks and time are the caller's here too: a client that never begins the handshake waits for ever, unless there is a
/// time-out around it. The octets that `rustls` keeps of a handshake are bounded. Dropped: the stream is dropped too, and
/// nothing is removed from now on.
///
/// ```
/// use std::sync::Arc;
/// use pop3_async::pop3_proto::ServerConfig;
/// use pop3_async::pop3_proto::serve::MailStore;
/// use pop3_async::pop3_proto::tls::rustls;
/// use tokio::net::TcpStream;
///
/// /// For each connection that a listener on port 995 accepts.
/// async fn accepted(stream: TcpStream, store: &MailStore, tls: Arc<rustls::ServerConfig>) -> std::io::Result<()> {
///     let config = ServerConfig { inside_tls: true, ..ServerConfig::default() };
///     pop3_async::serve_tls(stream, store.maildrop(), config, tls).await
/// }
/// ```
///
/// # Errors
///
/// What the stream says, and what `rustls` says of the handshake and of what comes after it. A client that goes away without
/// closing TLS is no error once the handshake is done: of a command cut short nothing is done, and nothing is removed.
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
        let stream = acceptor.accept(stream).await?;
        return inside(stream, begin(maildrop, config)).await;
    }
    let mut service = begin(maildrop, ServerConfig { stls: true, ..config });
    match converse(&mut stream, &mut service).await? {
        Turn::Over => Ok(()),
        Turn::Tls => {
            let stream = acceptor.accept(stream).await?;
            service.tls_established();
            inside(stream, service).await
        }
    }
}

async fn inside<S, M>(mut stream: TlsStream<S>, mut service: Service<M>) -> io::Result<()>
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
    };
    // The client has all that it asked for, and may be gone already.
    let _ = stream.shutdown().await;
    Ok(())
}
