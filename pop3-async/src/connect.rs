//! From a host's name to a session: addresses, time-outs, and where name and password come from.

use std::future::Future;
use std::io::{self, ErrorKind};
use std::time::Duration;

use pop3_proto::connect::Destination;
use pop3_proto::conversation::Conversation;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout, timeout_at};

use crate::link::Link;
use crate::patience::Patience;
use crate::{Cause, Connect, ConnectError, Connection, Error, LoginError, Security, Session};

/// Connects and logs in. Dropped: the connection is closed; nothing was deleted.
///
/// The time for the login covers all of it, from the look-up of the name on. The netrc file is read, if it must be,
/// without leaving the thread: it is a small one.
///
/// The [window](Connect::window) may be of any size: see the [crate's docs](crate#no-deadlock). The
/// [time-out](Connect::timeout) is for a server that sends nothing and takes nothing; the wait of a future that was
/// dropped goes on with the next one.
///
/// # Errors
///
/// [`ConnectError`]: what is missing, what could not be reached, or why the login failed.
///
/// ```no_run
/// use pop3_async::{Connect, Security, connect};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let how = Connect::new().host("localhost").security(Security::Plaintext).allow_plaintext(true);
/// let session = connect(how).await?;
/// # Ok(())
/// # }
/// ```
pub async fn connect(connect: Connect) -> Result<Session<TcpStream>, ConnectError> {
    let parts = connect.into_parts(std::env::var("MAILHOST").ok(), crate::netrc::find)?;
    let Destination { host, port, credentials } = parts.destination;
    let failed = |error| ConnectError::Unreachable { host: host.clone(), port, error };
    if parts.policy.security != Security::Plaintext {
        return Err(LoginError::NoTls.into());
    }
    let late = |error| Error::new("the login", Cause::Transport(error));
    let deadline = Instant::now().checked_add(parts.timeouts.login);
    let dialling = by(deadline, dial(&host, port, parts.timeouts.connect)).await;
    let stream = dialling.and_then(|result| result).map_err(failed)?;
    // A batch writes many commands at once, and what it writes last must not wait for an acknowledgement.
    stream.set_nodelay(true).map_err(failed)?;
    let mut conversation = Conversation::new(parts.config);
    if let Some(log) = parts.log {
        conversation.set_log(log);
    }
    let mut link = Link::new(stream, conversation, Patience::new(Some(parts.timeouts.answer)));
    link.window = parts.window;
    let connection = by(deadline, Connection::open(link)).await.map_err(late)??;
    let failed = match by(deadline, connection.login(credentials, parts.policy)).await.map_err(late)? {
        Ok(session) => return Ok(session),
        Err(failed) => failed,
    };
    if let Some(connection) = failed.connection {
        // Only to be polite: why the login failed is what matters.
        let _ = by(deadline, connection.quit()).await;
    }
    Err(failed.reason.into())
}

/// Has a part of the login end by the deadline, if there is one.
async fn by<T>(deadline: Option<Instant>, part: impl Future<Output = T>) -> io::Result<T> {
    let Some(deadline) = deadline else { return Ok(part.await) };
    let late = |_| io::Error::new(ErrorKind::TimedOut, "the login took too long");
    timeout_at(deadline, part).await.map_err(late)
}

/// Connects to the first address of the host that answers.
async fn dial(host: &str, port: u16, patience: Duration) -> io::Result<TcpStream> {
    let mut last = io::Error::new(ErrorKind::NotFound, "the name has no address");
    for address in lookup_host((host, port)).await? {
        match timeout(patience, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = error,
            Err(_) => last = io::Error::new(ErrorKind::TimedOut, "there was no answer in time"),
        }
    }
    Err(last)
}
