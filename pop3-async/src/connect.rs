//! Connecting by host name: addresses, timeouts, and the source of name and password.

use std::future::Future;
use std::io::{self, ErrorKind};

use pop3_proto::drive::Deadlines;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout};

use crate::driver::Driver;
use crate::{Cause, Connect, Connection, Error, Session};

/// Connects and logs in, inside TLS unless [`Connect::security`] specifies otherwise. If the login fails, this ends the
/// connection with QUIT. If you drop the future, the connection is closed and nothing has been deleted.
///
/// Missing settings come from `$MAILHOST` and the [netrc file](crate::find_in_netrc), which is read on the current
/// thread. To do something between the greeting and the login, use [`Connection::open`]. To use a stream of your own,
/// call [`Connection::over`].
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
    let connect = connect.default_host(std::env::var("MAILHOST").ok());
    let credentials = connect.find_credentials(crate::find_in_netrc)?;
    match Connection::open(connect).await?.login_as(credentials).await {
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

impl Connection<TcpStream> {
    /// Connects to a host and waits for the greeting. If you drop the future, the connection is closed.
    ///
    /// [`Timeouts`](crate::Timeouts) limits every wait; the limit for connecting to an address also applies to the
    /// lookup of the host name. If you drop the future of a call, the time that it waited counts for the next call. If
    /// the platform's certificate authorities are needed, this function reads them on the current thread. If you
    /// connect often, load them once, with `client_config`.
    ///
    /// Batches keep 128 KiB of commands in flight, enough for ten thousand RETRs; change this with
    /// [`Connect::window`]. Any number is safe: see [No deadlock](crate#no-deadlock).
    ///
    /// # Errors
    ///
    /// [`Error`]: a setting is missing, the server could not be reached, or the greeting is not `+OK`.
    ///
    /// ```no_run
    /// use pop3_async::{Connect, Connection};
    ///
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut connection = Connection::open(Connect::new().host("pop.example.org")).await?;
    /// println!("{:?}", connection.capabilities().await?);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn open(connect: Connect) -> Result<Connection<TcpStream>, Error> {
        let connect = connect.default_host(std::env::var("MAILHOST").ok());
        let tls = Driver::<TcpStream>::requirements(&connect, true)?;
        let (host, port) = connect.server()?;
        let mut deadlines = Deadlines::new(connect.get_timeouts());
        let stream = dial(host, port, &mut deadlines).await;
        let stream = stream.map_err(|error| {
            let cause = Cause::Unreachable { host: host.into(), port, error: error.into() };
            Error::new("connecting", cause)
        })?;
        let driver = Driver::open(stream, &connect, tls, deadlines, 128 * 1024).await?;
        Ok(Connection { driver, connect })
    }
}

/// Connects to the first address of the host that answers.
async fn dial(host: &str, port: u16, deadlines: &mut Deadlines) -> io::Result<TcpStream> {
    let mut last = io::Error::new(ErrorKind::NotFound, "the name has no address");
    for address in limited(deadlines, lookup_host((host, port))).await? {
        match limited(deadlines, TcpStream::connect(address)).await {
            Ok(stream) => {
                // The last command of a batch must not wait for an acknowledgement.
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
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
