//! From a host's name to a session: addresses, time-outs, and where name and password come from.

use std::io::{self, ErrorKind};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use pop3_proto::connect::Destination;

use crate::{Cause, Connect, ConnectError, Connection, Error, LoginError, Security, Session, Tcp};

/// Connects and logs in.
///
/// However large the [window](Connect::window), and however small the buffers of the operating systems: the two sides
/// never wait for each other, because [`Tcp`] does not block in writing.
///
/// # Errors
///
/// [`ConnectError`]: what is missing, what could not be reached, or why the login failed.
///
/// ```no_run
/// use pop3_blocking::{Connect, Security, connect};
///
/// let session = connect(Connect::new().host("localhost").security(Security::Plaintext).allow_plaintext(true))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn connect(connect: Connect) -> Result<Session<Tcp>, ConnectError> {
    let parts = connect.into_parts(std::env::var("MAILHOST").ok(), crate::netrc::find)?;
    let Destination { host, port, credentials } = parts.destination;
    let failed = |error| ConnectError::Unreachable { host: host.clone(), port, error };
    if parts.policy.security != Security::Plaintext {
        return Err(LoginError::NoTls.into());
    }
    let deadline = Instant::now().checked_add(parts.timeouts.login);
    let stream = dial(&host, port, parts.timeouts.connect, deadline).map_err(failed)?;
    let mut tcp = Tcp::new(stream, parts.timeouts.answer).map_err(failed)?;
    tcp.set_deadline(deadline).map_err(failed)?;
    let connection = match parts.log {
        Some(log) => Connection::with_log(tcp, parts.config, log),
        None => Connection::new(tcp, parts.config),
    };
    let mut connection = connection?;
    connection.set_window(parts.window);
    connection.link.look = Some(Tcp::look);
    let mut session = match connection.login(credentials, parts.policy) {
        Ok(session) => session,
        Err(failed) => {
            // Only to be polite: why the login failed is what matters.
            let _ = failed.connection.map(Connection::quit);
            return Err(failed.reason.into());
        }
    };
    session.link.stream.set_deadline(None).map_err(|error| Error::new("the login", Cause::Transport(error)))?;
    Ok(session)
}

/// Connects to the first address of the host that answers.
///
/// The look-up of the name takes the time that the operating system takes; nothing can bound it from here.
fn dial(host: &str, port: u16, timeout: Duration, deadline: Option<Instant>) -> io::Result<TcpStream> {
    let mut last = io::Error::new(ErrorKind::NotFound, "the name has no address");
    for address in (host, port).to_socket_addrs()? {
        let left = deadline.map_or(timeout, |deadline| deadline.saturating_duration_since(Instant::now()));
        if left.is_zero() {
            return Err(io::Error::new(ErrorKind::TimedOut, "the login took too long"));
        }
        match TcpStream::connect_timeout(&address, timeout.min(left)) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}
