//! A server that plays a script on loopback.
//!
//! A script is a conversation, a line each. `S: ` is a line that the server sends, `C: ` one that the client must send;
//! CRLF is understood. `-- quiet` asserts that the client sends nothing for a moment, `-- hold` waits until the client has
//! closed the connection, with nothing said before. The server closes it at the end of its script.
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
use std::time::Duration;

use crate::{Connect, Security, Session, Tcp, connect};

/// A timeout that is long enough for a loaded machine. Only a failing test waits for it.
pub const PATIENCE: Duration = Duration::from_secs(600);
/// A timeout that a test waits for, where other answers must come before it, too: only a hang makes those late.
pub const LONG: Duration = Duration::from_secs(3);

/// A login as USER and PASS on a server that knows no CAPA.
pub const LOGIN: &str = "
S: +OK ready
C: CAPA
S: -ERR what?
C: USER mrose
S: +OK
C: PASS tanstaaf
S: +OK
";

/// A login on a server that pipelines.
pub const PIPELINED_LOGIN: &str = "
S: +OK ready
C: CAPA
S: +OK
S: USER
S: PIPELINING
S: .
C: USER mrose
C: PASS tanstaaf
S: +OK
S: +OK
";

/// The meaning of a line of a script.
#[derive(Clone, Debug)]
pub enum Turn {
    /// The server sends these octets.
    Server(Vec<u8>),
    /// The client must send these octets.
    Client(Vec<u8>),
    /// The client sends nothing for a moment.
    Quiet,
    /// The client closes the connection and sends nothing before.
    Hold,
}

/// Returns the meanings of the lines of a script.
///
/// # Panics
///
/// The iterator panics at a line that has none.
pub fn turns(script: &str) -> impl Iterator<Item = Turn> + '_ {
    script.lines().filter(|line| !line.is_empty()).map(|line| match line.split_at(3.min(line.len())) {
        ("S: ", said) => Turn::Server(format!("{said}\r\n").into()),
        ("C: ", said) => Turn::Client(format!("{said}\r\n").into()),
        ("-- ", "quiet") => Turn::Quiet,
        ("-- ", "hold") => Turn::Hold,
        _ => panic!("not a line of a script: {line}"),
    })
}

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
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
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
        Connect::new().host(host).port(self.address.port()).user("mrose").password("tanstaaf").timeout(PATIENCE)
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
    for turn in turns(script) {
        match turn {
            Turn::Quiet => expect_quiet(stream),
            turn => perform(stream, &turn),
        }
    }
}

/// Plays a script without `-- quiet` on a stream of any kind.
///
/// # Panics
///
/// Panics if the client does not keep to the script.
pub fn say(stream: &mut (impl Read + Write), script: &str) {
    turns(script).for_each(|turn| perform(stream, &turn));
}

fn perform(stream: &mut (impl Read + Write), turn: &Turn) {
    match turn {
        // A client that has given up already need not listen.
        Turn::Server(octets) => stream.write_all(octets).unwrap_or_default(),
        Turn::Client(expected) => {
            let mut said = vec![0; expected.len()];
            let result = stream.read_exact(&mut said);
            let (said, expected) = (said.escape_ascii(), expected.escape_ascii());
            result.unwrap_or_else(|error| panic!("instead of {expected}: {error}; {said}"));
            assert_eq!(said.to_string(), expected.to_string());
        }
        Turn::Quiet => panic!("-- quiet needs a socket, which has a time-out"),
        Turn::Hold => assert_eq!(rest(stream), "", "the client said more than the script"),
    }
}

fn expect_quiet(stream: &mut TcpStream) {
    stream.set_read_timeout(Some(Duration::from_millis(30))).unwrap();
    let mut early = [0; 64];
    match stream.read(&mut early) {
        Err(error) if is_time_out(&error) => {}
        other => panic!("the client spoke out of turn: {other:?} {}", early.escape_ascii()),
    }
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
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
