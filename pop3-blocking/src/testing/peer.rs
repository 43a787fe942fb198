//! A server that plays a script on loopback.
//!
//! [`pop3_proto::testing::script`] describes scripts. Here, their waits take real time; if you need no socket, use
//! [`link::script`](super::link::script()), which has a virtual clock.
//!
//! ```
//! use pop3_blocking::testing::peer::{LOGIN, session};
//!
//! let (mut session, peer) = session(LOGIN, "C: STAT\nS: +OK 2 320\nC: QUIT\nS: +OK\n");
//! assert_eq!(session.stat()?.messages, 2);
//! session.quit()?;
//! peer.done();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use pop3_proto::testing::link::Responder;
use pop3_proto::testing::script::ScriptedServer;
pub use pop3_proto::testing::script::{LOGIN, PIPELINED_LOGIN, Turn, turns};

use crate::{Connect, Security, Session, Tcp, Timeouts, connect};

/// A timeout that is long enough for a loaded machine. Only a failing test waits for it.
pub const TIMEOUT: Duration = Duration::from_secs(600);
/// A timeout that a test waits for, where other answers must come before it, too: only a hang makes those late.
pub const LONG: Duration = Duration::from_secs(3);

/// A server for one connection.
#[derive(Debug)]
pub struct Peer {
    /// Its address on loopback.
    pub address: SocketAddr,
    thread: JoinHandle<()>,
}

impl Peer {
    /// Starts a server for one connection.
    ///
    /// # Panics
    ///
    /// Panics if it cannot listen.
    pub fn new(serve: impl FnOnce(TcpStream) + Send + 'static) -> Peer {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let thread = std::thread::spawn(move || {
            let stream = listener.accept().unwrap().0;
            stream.set_read_timeout(Some(TIMEOUT)).unwrap();
            // So that octets can be read as soon as the write returns.
            stream.set_nodelay(true).unwrap();
            serve(stream);
        });
        Peer { address, thread }
    }

    /// Starts a server that plays a script.
    pub fn playing(script: impl Into<String>) -> Peer {
        let script = script.into();
        Peer::new(move |mut stream| play(&mut stream, &script))
    }

    /// Waits until the server has ended.
    ///
    /// # Panics
    ///
    /// Panics if the client did not keep to the script.
    pub fn done(self) {
        if let Err(panic) = self.thread.join() {
            std::panic::resume_unwind(panic);
        }
    }

    /// Returns the settings of a client that calls the server in the clear.
    pub fn connect(&self) -> Connect {
        self.settings("127.0.0.1").security(Security::Plaintext).allow_plaintext(true)
    }

    /// Returns the settings of a client that calls the server by this name, without those for TLS.
    pub(super) fn settings(&self, host: &str) -> Connect {
        Connect::new()
            .host(host)
            .port(self.address.port())
            .user("mrose")
            .password("tanstaaf")
            .timeouts(Timeouts::new().each(TIMEOUT))
    }
}

/// Returns a session whose login was as in `login`, with a server that goes on with `script`.
///
/// # Panics
///
/// Panics if the login fails.
pub fn session(login: &str, script: &str) -> (Session<Tcp>, Peer) {
    let peer = Peer::playing(format!("{login}{script}"));
    (connect(peer.connect()).unwrap(), peer)
}

/// Plays a script on a connection.
///
/// # Panics
///
/// Panics if the client does not keep to the script.
pub fn play(stream: &mut TcpStream, script: &str) {
    converse(stream, script, |stream, space, wait| {
        stream.set_read_timeout(Some(wait.unwrap_or(TIMEOUT))).unwrap();
        stream.read(space)
    });
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
}

/// Plays a script without `-- quiet` on a stream of any kind.
///
/// # Panics
///
/// Panics if the client does not keep to the script.
pub fn say(stream: &mut (impl Read + Write), script: &str) {
    converse(stream, script, |stream, space, wait| {
        assert_eq!(wait, None, "-- quiet needs a socket, which has a time-out");
        stream.read(space)
    });
}

/// Plays a script. `read` waits no longer than it is told. What the client sends after the script is not read.
fn converse<S: Read + Write>(
    stream: &mut S,
    script: &str,
    read: impl Fn(&mut S, &mut [u8], Option<Duration>) -> io::Result<usize>,
) {
    let mut server = ScriptedServer::new(script);
    let begin = Instant::now();
    while !server.is_over() || !server.pending().is_empty() {
        server.tick(begin.elapsed());
        if !server.pending().is_empty() {
            // A client that has given up already need not listen.
            let _ = stream.write_all(server.pending());
            server.written(server.pending().len());
            continue;
        }
        assert!(!server.wants_tls(), "this peer cannot begin TLS");
        let wait = server.alarm().map(|at| at.saturating_sub(begin.elapsed()).max(Duration::from_millis(1)));
        let wanted = server.wanted();
        if wanted == 0 {
            std::thread::sleep(wait.unwrap_or_default());
            continue;
        }
        let space = server.spare();
        let wanted = wanted.min(space.len());
        let result = read(stream, &mut space[..wanted], wait);
        // A wait that begins now must not begin in the past.
        server.tick(begin.elapsed());
        match result {
            Ok(octets) if octets > 0 => server.filled(octets),
            Err(error) if is_time_out(&error) && wait.is_some() => {}
            Err(error) if is_time_out(&error) => panic!("{error}: {}", server.verdict().check().unwrap_err()),
            _ => {
                server.closed();
                break;
            }
        }
    }
    server.verdict().done();
}

/// Returns the octets that the client sends until it closes the connection, in whichever way.
///
/// # Panics
///
/// Panics if the client does not close it before the timeout.
pub fn rest(stream: &mut impl Read) -> String {
    let mut rest = Vec::new();
    match stream.read_to_end(&mut rest) {
        Err(error) if is_time_out(&error) => panic!("the client does not close the connection: {error}"),
        _ => rest.escape_ascii().to_string(),
    }
}

fn is_time_out(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
