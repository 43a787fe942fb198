//! The embedded server: serves a maildrop on a stream until the client quits or disconnects.

#[cfg(feature = "tls")]
mod tls;

use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use pop3_proto::serve::Maildrop;
use pop3_proto::wire::Timestamp;
use pop3_proto::{ServerConfig, Service};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

#[cfg(feature = "tls")]
pub use tls::serve_tls;

/// Serves a maildrop on a stream until the client quits or closes the connection. It returns `Ok` in both cases.
/// Messages were removed only if [`Maildrop::remove`] was called. If you drop the future, the stream is dropped too,
/// and nothing more is removed.
///
/// You provide a task for each connection, and set timeouts around this function or in the stream (RFC 1939, section 3,
/// requires at least ten minutes). The maildrop is called on the task and should not block for long. A client that
/// sends and never reads delays only its own task, and uses no more memory than any other. [`ServerConfig`] limits a
/// client before the login.
///
/// ```
/// use pop3_async::pop3_proto::ServerConfig;
/// use pop3_async::pop3_proto::serve::MailStore;
/// use pop3_async::{Connect, Connection, Security};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = MailStore::new();
/// store.add_user("mrose", "tanstaaf");
/// store.deliver("mrose", "Subject: hello\r\n\r\nworld\r\n");
///
/// let (ours, theirs) = tokio::io::duplex(4096); // or a TcpStream and what a TcpListener accepts
/// let config = ServerConfig::new().plaintext_login(true);
/// tokio::spawn(pop3_async::serve(theirs, store.maildrop(), config));
///
/// let to = Connect::new().security(Security::Plaintext).allow_plaintext(true).user("mrose").password("tanstaaf");
/// let mut session = Connection::over(ours, to).await?.login().await?;
/// assert_eq!(session.stat().await?.messages, 1);
/// session.quit().await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Errors of the stream. [`Unsupported`](ErrorKind::Unsupported) if the client begins TLS: set `stls` to false, or use
/// `serve_tls`.
pub async fn serve<S, M>(mut stream: S, maildrop: M, config: ServerConfig) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
    M: Maildrop,
{
    let mut service = begin(maildrop, config);
    converse(&mut stream, &mut service).await?;
    if service.wants_tls() {
        return Err(io::Error::new(ErrorKind::Unsupported, "there is no TLS on this connection"));
    }
    Ok(())
}

fn begin<M: Maildrop>(maildrop: M, config: ServerConfig) -> Service<M> {
    let timestamp = timestamp();
    Service::new(maildrop, config, Timestamp::find(timestamp.as_bytes()))
}

/// Transfers octets until the session is over or TLS begins.
async fn converse<S, M>(stream: &mut S, service: &mut Service<M>) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
    M: Maildrop,
{
    while !service.is_over() {
        if !service.pending().is_empty() {
            match stream.write(service.pending()).await? {
                0 => return Err(ErrorKind::WriteZero.into()),
                octets => service.written(octets),
            }
        } else if service.wants_read() {
            stream.flush().await?;
            match stream.read(service.spare()).await? {
                0 => return Ok(()),
                octets => service.filled(octets),
            }
        } else {
            break;
        }
    }
    stream.flush().await
}

/// Returns a unique timestamp, made of process, time and a counter (RFC 1939, section 7).
fn timestamp() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("<{}.{}.{count}@localhost>", std::process::id(), now.as_nanos())
}
