//! Connecting by host name: addresses, time-outs, and the source of name and password.

use std::future::Future;
use std::io::{self, ErrorKind};

use pop3_proto::drive::{Conversation, Deadlines};
use pop3_proto::login::Destination;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout};

use crate::driver::Driver;
use crate::tls::Settings;
use crate::{Connect, Connection, Error, Security, Session};

/// Connects and logs in, inside TLS unless [`Connect::security`] specifies otherwise. If you drop the future, the
/// connection is closed and nothing has been deleted.
///
/// [`Timeouts`](crate::Timeouts) limits every wait; the limit for connecting to an address also applies to the lookup
/// of the host name. If you drop a future, the next one continues its wait. If the netrc file and the platform's
/// certificate authorities are needed, this function reads them on the current thread. If you connect often, load the
/// authorities once, with `client_config`.
///
/// The [window](Connect::window) may have any size: see [No deadlock](crate#no-deadlock).
///
/// # Errors
///
/// [`Error`]: a setting is missing, the server could not be reached, or the login failed.
///
/// ```no_run
/// use pop3_async::{Connect, connect};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let session = connect(Connect::new().host("pop.example.org").user("mrose")).await?;
/// # Ok(())
/// # }
/// ```
pub async fn connect(connect: Connect) -> Result<Session<TcpStream>, Error> {
    let parts = connect.into_parts(std::env::var("MAILHOST").ok(), crate::netrc::find)?;
    let security = parts.policy.security;
    // Before any I/O: if TLS is unavailable, nothing may be sent.
    let tls = if security == Security::Plaintext { None } else { Some(Box::new(Settings::of(&parts)?)) };
    let Destination { host, port, credentials } = parts.destination;
    let failed = |error: io::Error| Error::unreachable(&*host, port, error);
    let mut deadlines = Deadlines::new(parts.timeouts);
    let stream = dial(&host, port, &mut deadlines).await.map_err(failed)?;
    // The last command of a batch must not wait for an acknowledgement.
    stream.set_nodelay(true).map_err(failed)?;

    let inside_tls = security == Security::Tls;
    let mut conversation = Conversation::new(parts.config);
    if let Some(log) = parts.log {
        conversation.set_log(log);
    }
    let mut driver = Driver::new(stream, conversation, deadlines);
    driver.window = parts.window;
    driver.tls = tls;
    if inside_tls {
        driver = driver.start_tls().await?;
    }
    match Connection::open(driver).await?.login(credentials, parts.policy).await {
        Ok(session) => Ok(session),
        Err(failed) => {
            if let Some(connection) = failed.connection {
                // Errors are ignored: the reason of the failed login matters more.
                let _ = connection.quit().await;
            }
            Err(failed.error)
        }
    }
}

/// Connects to the first address of the host that answers.
async fn dial(host: &str, port: u16, deadlines: &mut Deadlines) -> io::Result<TcpStream> {
    let mut last = io::Error::new(ErrorKind::NotFound, "the name has no address");
    for address in limited(deadlines, lookup_host((host, port))).await? {
        match limited(deadlines, TcpStream::connect(address)).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Runs `part` within the deadline for connecting.
async fn limited<T>(deadlines: &mut Deadlines, part: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let left = deadlines.connection()?;
    let begin = Instant::now();
    let result = timeout(left, part).await;
    deadlines.spent(begin.elapsed(), 0);
    result.unwrap_or_else(|_| Err(io::Error::new(ErrorKind::TimedOut, "there was no answer in time")))
}
