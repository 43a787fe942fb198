//! The embedded server: serves a maildrop on a stream until the client quits or disconnects.

#[cfg(feature = "tls")]
mod tls;

use std::io::{self, ErrorKind, Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use pop3_proto::serve::Maildrop;
use pop3_proto::wire::Timestamp;
use pop3_proto::{ServerConfig, Service};

#[cfg(feature = "tls")]
pub use tls::serve_tls;

/// Serves a maildrop on a stream until the client quits or closes the connection. It returns `Ok` in both cases.
/// Messages were removed only if [`Maildrop::remove`] was called.
///
/// You provide a thread for each connection, and set the timeouts of the stream (RFC 1939, section 3, requires at least
/// ten minutes). A client that sends and never reads blocks only its own thread, and uses no more memory than any
/// other. [`ServerConfig`] limits a client before the login.
///
/// ```
/// use std::net::{TcpListener, TcpStream};
/// use std::thread;
/// use std::time::Duration;
/// use pop3_blocking::pop3_proto::ServerConfig;
/// use pop3_blocking::pop3_proto::serve::MailStore;
/// use pop3_blocking::{Connect, Connection, Security};
///
/// let store = MailStore::new();
/// store.add_user("mrose", "tanstaaf");
/// store.deliver("mrose", "Subject: hello\r\n\r\nworld\r\n");
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let address = listener.local_addr()?;
/// thread::spawn(move || {
///     for stream in listener.incoming().flatten() {
///         let maildrop = store.maildrop();
///         thread::spawn(move || {
///             stream.set_nodelay(true)?;
///             stream.set_read_timeout(Some(Duration::from_secs(600)))?;
///             stream.set_write_timeout(Some(Duration::from_secs(600)))?;
///             let config = ServerConfig::new().plaintext_login(true);
///             pop3_blocking::serve(stream, maildrop, config)
///         });
///     }
/// });
///
/// let to = Connect::new().security(Security::Plaintext).allow_plaintext(true).user("mrose").password("tanstaaf");
/// let mut session = Connection::over_tcp(TcpStream::connect(address)?, to)?.login()?;
/// assert_eq!(session.stat()?.messages, 1);
/// session.quit()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// Errors of the stream. [`Unsupported`](ErrorKind::Unsupported) if the client begins TLS: set `stls` to false, or use
/// `serve_tls`.
pub fn serve<S: Read + Write, M: Maildrop>(mut stream: S, maildrop: M, config: ServerConfig) -> io::Result<()> {
    let mut service = begin(maildrop, config);
    converse(&mut stream, &mut service)?;
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
fn converse<S: Read + Write, M: Maildrop>(stream: &mut S, service: &mut Service<M>) -> io::Result<()> {
    while !service.is_over() {
        if !service.pending().is_empty() {
            match stream.write(service.pending()) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(octets) => service.written(octets),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        } else if service.wants_read() {
            stream.flush()?;
            match stream.read(service.spare()) {
                Ok(0) => return Ok(()),
                Ok(octets) => service.filled(octets),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        } else {
            break;
        }
    }
    stream.flush()
}

/// Returns a unique timestamp, made of process, time and a counter (RFC 1939, section 7).
fn timestamp() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("<{}.{}.{count}@localhost>", std::process::id(), now.as_nanos())
}
