//! Connecting by host name: addresses, time-outs, and the source of name and password.

use std::io::{self, ErrorKind};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Instant;

use pop3_proto::drive::{Conversation, Deadlines};
use pop3_proto::login::Destination;

use crate::driver::Driver;
use crate::tls::Settings;
use crate::{Connect, Connection, Error, Security, Session, Tcp};

/// Connects and logs in, inside TLS unless [`Connect::security`] specifies otherwise.
///
/// [`Timeouts`](pop3_proto::drive::Timeouts) limits every wait except the lookup of the host name. If
/// the platform's certificate authorities are needed, this function reads them. If you connect often, load them once,
/// with `client_config`.
///
/// Regardless of the [window](Connect::window) and the buffer sizes of the operating systems, the two sides never wait
/// for each other, because [`Tcp`] does not block in writes.
///
/// # Errors
///
/// [`Error`]: a setting is missing, the server could not be reached, or the login failed.
///
/// ```no_run
/// use pop3_blocking::{Connect, connect};
///
/// let session = connect(Connect::new().host("pop.example.org").user("mrose"))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn connect(connect: Connect) -> Result<Session<Tcp>, Error> {
    let parts = connect.into_parts(std::env::var("MAILHOST").ok(), crate::netrc::find)?;
    let security = parts.policy.security;
    // Before any I/O: if TLS is unavailable, nothing may be sent.
    let tls = if security == Security::Plaintext { None } else { Some(Settings::of(&parts)?) };
    let Destination { host, port, credentials } = parts.destination;
    let failed = |error: io::Error| Error::unreachable(&*host, port, error);
    let mut deadlines = Deadlines::new(parts.timeouts);
    let stream = dial(&host, port, &mut deadlines).map_err(failed)?;
    let tcp = Tcp::new(stream, parts.timeouts.answer).map_err(failed)?;

    let inside_tls = security == Security::Tls;
    let mut conversation = Conversation::new(parts.config);
    if let Some(log) = parts.log {
        conversation.set_log(log);
    }
    let mut driver = Driver::timed(tcp, Tcp::ABILITIES, conversation, parts.window, deadlines);
    driver.tls = tls;
    if inside_tls {
        driver.start_tls()?;
    }
    match Connection::open(driver)?.login(credentials, parts.policy) {
        Ok(session) => Ok(session),
        Err(failed) => {
            // Errors are ignored: the reason of the failed login matters more.
            let _ = failed.connection.map(Connection::quit);
            Err(failed.error)
        }
    }
}

/// Connects to the first address of the host that answers.
///
/// The operating system determines the duration of the name lookup; it cannot be limited here.
fn dial(host: &str, port: u16, deadlines: &mut Deadlines) -> io::Result<TcpStream> {
    let mut last = io::Error::new(ErrorKind::NotFound, "the name has no address");
    for address in (host, port).to_socket_addrs()? {
        let limit = deadlines.connection()?;
        let begin = Instant::now();
        let result = TcpStream::connect_timeout(&address, limit);
        deadlines.spent(begin.elapsed(), 0);
        match result {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}
