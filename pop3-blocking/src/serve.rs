//! The embedded server: a stream and a maildrop, until the client quits or goes away.

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

/// Serves a maildrop on a stream, with the default [`ServerConfig`]: APOP logs in, and SCRAM-SHA-256 if the maildrop has
/// keys for it, because USER and PLAIN show the password. [`serve_with`] takes another one.
///
/// # Errors
///
/// Those of [`serve_with`].
pub fn serve<S: Read + Write, M: Maildrop>(stream: S, maildrop: M) -> io::Result<()> {
    serve_with(stream, maildrop, ServerConfig::default())
}

/// Serves a maildrop on a stream until the client quits or closes the connection, which is `Ok` in both cases: the
/// maildrop knows what was removed.
///
/// Threads and time are the caller's: one thread for each connection, and time-outs on the stream (RFC 1939, section 3,
/// asks for ten minutes at least). A client that sends and never reads blocks its own thread, and takes no more memory
/// than any other. What a client can do before the login is bounded by the [`ServerConfig`].
///
/// ```
/// use std::net::{TcpListener, TcpStream};
/// use std::thread;
/// use std::time::Duration;
/// use pop3_blocking::pop3_proto::ServerConfig;
/// use pop3_blocking::pop3_proto::serve::MailStore;
/// use pop3_blocking::{Config, Connection, Credentials, Policy, Security};
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
///             let config = ServerConfig { plaintext_login: true, ..ServerConfig::default() };
///             pop3_blocking::serve_with(stream, maildrop, config)
///         });
///     }
/// });
///
/// let connection = Connection::new(TcpStream::connect(address)?, Config::default())?;
/// let policy = Policy { security: Security::Plaintext, allow_plaintext: true, methods: None };
/// let mut session = connection.login(Credentials::new("mrose", "tanstaaf"), policy)?;
/// assert_eq!(session.stat()?.messages, 1);
/// session.quit()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// What the stream says. [`Unsupported`](ErrorKind::Unsupported) if the client begins TLS: leave `stls` false, or take
/// `serve_tls`.
pub fn serve_with<S: Read + Write, M: Maildrop>(mut stream: S, maildrop: M, config: ServerConfig) -> io::Result<()> {
    let mut service = begin(maildrop, config);
    if converse(&mut stream, &mut service)? == Turn::Tls {
        return Err(io::Error::new(ErrorKind::Unsupported, "there is no TLS on this connection"));
    }
    Ok(())
}

fn begin<M: Maildrop>(maildrop: M, config: ServerConfig) -> Service<M> {
    let timestamp = timestamp();
    Service::new(maildrop, config, Timestamp::find(timestamp.as_bytes()))
}

/// What comes when there is nothing more to say.
#[derive(Debug, PartialEq)]
enum Turn {
    /// The end.
    Over,
    /// The TLS handshake.
    Tls,
}

/// Moves octets for as long as the session goes on.
fn converse<S: Read + Write, M: Maildrop>(stream: &mut S, service: &mut Service<M>) -> io::Result<Turn> {
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
                Ok(0) => return Ok(Turn::Over),
                Ok(octets) => service.filled(octets),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        } else {
            stream.flush()?;
            return Ok(Turn::Tls);
        }
    }
    stream.flush()?;
    Ok(Turn::Over)
}

/// A timestamp that no other session has: process, time and a count (RFC 1939, section 7).
fn timestamp() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("<{}.{}.{count}@localhost>", std::process::id(), now.as_nanos())
}
