//! A server on loopback that plays a script, in the clear or inside TLS.
//!
//! `S: ` is a line that the server sends, `C: ` one that the client must send. `-- tls` does the handshake. `-- hold` waits
//! until the client has closed the connection, with nothing said before.
//!
//! ```
//! use pop3_blocking::testing::authority::{Authority, valid_for};
//! use pop3_blocking::testing::server::{STLS_LOGIN, Server};
//! use pop3_blocking::{Security, connect};
//!
//! let authority = Authority::new();
//! let config = authority.issue(valid_for(&["127.0.0.1"])).server();
//! let server = Server::playing(&config, format!("{STLS_LOGIN}C: QUIT\nS: +OK\n"));
//! let session = connect(server.connect(Security::StartTls, authority.trusted()))?;
//! session.quit()?;
//! server.done();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use pop3_proto::tls::rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::{Connect, Security, Tls};

/// A time-out that is long enough for a loaded machine. Only a failing test waits for it.
pub const PATIENCE: Duration = Duration::from_secs(600);

/// A login of mrose as USER and PASS, where the server knows no CAPA.
pub const LOGIN: &str = "
S: +OK ready
C: CAPA
S: -ERR what?
C: USER mrose
S: +OK
C: PASS tanstaaf
S: +OK
";

/// The same after STLS.
pub const STLS_LOGIN: &str = "
S: +OK ready
C: CAPA
S: +OK
S: STLS
S: .
C: STLS
S: +OK
-- tls
C: CAPA
S: -ERR what?
C: USER mrose
S: +OK
C: PASS tanstaaf
S: +OK
";

/// The server's side of a connection inside TLS.
pub type Encrypted = StreamOwned<ServerConnection, TcpStream>;

/// A server for one connection.
#[derive(Debug)]
pub struct Server {
    /// Its address on loopback.
    pub address: SocketAddr,
    thread: JoinHandle<()>,
}

impl Server {
    /// Starts a server for one connection.
    ///
    /// # Panics
    ///
    /// Panics if it cannot listen.
    pub fn new(serve: impl FnOnce(TcpStream) + Send + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let thread = std::thread::spawn(move || {
            let stream = listener.accept().unwrap().0;
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            stream.set_nodelay(true).unwrap();
            serve(stream);
        });
        Server { address, thread }
    }

    /// Starts a server that plays a script, and closes the connection at its end.
    pub fn playing(config: &Arc<ServerConfig>, script: impl Into<String>) -> Server {
        let (config, script) = (Arc::clone(config), script.into());
        Server::new(move |stream| drop(play(stream, &config, &script)))
    }

    /// Starts a server inside TLS that plays a script. Then `serve` goes on.
    ///
    /// # Panics
    ///
    /// The server panics if the client gives up in the handshake.
    pub fn encrypted(
        config: &Arc<ServerConfig>,
        script: impl Into<String>,
        serve: impl FnOnce(Encrypted) + Send + 'static,
    ) -> Server {
        let (config, script) = (Arc::clone(config), format!("-- tls\n{}", script.into()));
        Server::new(move |stream| match play(stream, &config, &script) {
            Some(stream) => serve(stream),
            None => panic!("the client gave up"),
        })
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

    /// Returns the settings of a client that calls the server by this name, which must lead to loopback.
    pub fn connect_to(&self, host: &str, security: Security, tls: impl Into<Tls>) -> Connect {
        let connect = Connect::new().host(host).port(self.address.port()).user("mrose").password("tanstaaf");
        connect.security(security).tls(tls).timeout(PATIENCE)
    }

    /// Returns the settings of a client that calls the server by its address.
    pub fn connect(&self, security: Security, tls: impl Into<Tls>) -> Connect {
        self.connect_to("127.0.0.1", security, tls)
    }
}

/// Does the handshake, or returns `None` if it failed. Its end may come with the first octets of the client.
///
/// # Panics
///
/// Panics if the settings cannot be used.
pub fn encrypt(mut stream: TcpStream, config: &Arc<ServerConfig>) -> Option<Encrypted> {
    let mut connection = ServerConnection::new(Arc::clone(config)).unwrap();
    while connection.is_handshaking() {
        connection.complete_io(&mut stream).ok()?;
    }
    Some(StreamOwned::new(connection, stream))
}

/// Plays a script, and returns the stream if it is inside TLS by then. A client that does not like the handshake ends
/// the script.
pub fn play(mut plain: TcpStream, config: &Arc<ServerConfig>, script: &str) -> Option<Encrypted> {
    let mut lines = script.lines();
    let before: Vec<&str> = lines.by_ref().take_while(|line| *line != "-- tls").collect();
    say(&mut plain, &before.join("\n"));
    if !script.lines().any(|line| line == "-- tls") {
        return None;
    }
    let mut stream = encrypt(plain, config)?;
    say(&mut stream, &lines.collect::<Vec<_>>().join("\n"));
    Some(stream)
}

/// Plays a script without a handshake.
///
/// # Panics
///
/// Panics if the client does not keep to the script.
pub fn say(stream: &mut (impl Read + Write), script: &str) {
    for line in script.lines().filter(|line| !line.is_empty()) {
        match line.split_at(3.min(line.len())) {
            // A client that has given up already need not listen.
            ("S: ", said) => stream.write_all(format!("{said}\r\n").as_bytes()).unwrap_or_default(),
            ("C: ", expected) => {
                let expected = format!("{expected}\r\n");
                let mut said = vec![0; expected.len()];
                let result = stream.read_exact(&mut said);
                result.unwrap_or_else(|error| panic!("instead of {expected:?}: {error}; {}", said.escape_ascii()));
                assert_eq!(String::from_utf8_lossy(&said), expected);
            }
            ("-- ", "hold") => assert_eq!(rest(stream), "", "the client said more than the script"),
            _ => panic!("not a line of a script: {line}"),
        }
    }
}

/// Returns the error and its sources, as a program shows them.
pub fn told(error: &dyn std::error::Error) -> String {
    let sources = std::iter::successors(error.source(), |error| error.source());
    sources.fold(error.to_string(), |text, source| format!("{text}: {source}"))
}

/// Returns the octets that the client sends until it closes the connection, in whichever way.
///
/// # Panics
///
/// Panics if the client does not close it before the time-out.
pub fn rest(stream: &mut impl Read) -> String {
    let mut rest = Vec::new();
    match stream.read_to_end(&mut rest) {
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
            panic!("the client does not close the connection: {error}")
        }
        _ => rest.escape_ascii().to_string(),
    }
}
