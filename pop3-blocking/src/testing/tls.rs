//! A server inside TLS that plays a script.
//!
//! In these scripts, `-- tls` does the handshake. `-- quiet` does not occur.
//!
//! ```
//! use pop3_blocking::testing::authority::{Authority, valid_for};
//! use pop3_blocking::testing::peer::Peer;
//! use pop3_blocking::testing::tls::STLS_LOGIN;
//! use pop3_blocking::{Security, connect};
//!
//! let authority = Authority::new();
//! let config = authority.issue(valid_for(&["127.0.0.1"])).server();
//! let peer = Peer::playing_tls(&config, format!("{STLS_LOGIN}C: QUIT\nS: +OK\n"));
//! let session = connect(peer.connect_tls(Security::StartTls, authority.trusted()))?;
//! session.quit()?;
//! peer.done();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::net::TcpStream;
use std::sync::Arc;

use pop3_proto::tls::rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::peer::{Peer, say};
use crate::{Connect, Security, Tls};

/// [`LOGIN`](super::peer::LOGIN) after STLS.
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

impl Peer {
    /// Starts a server that plays a script with a handshake, and closes the connection at its end.
    pub fn playing_tls(config: &Arc<ServerConfig>, script: impl Into<String>) -> Peer {
        let (config, script) = (Arc::clone(config), script.into());
        Peer::new(move |stream| drop(play(stream, &config, &script)))
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
    ) -> Peer {
        let (config, script) = (Arc::clone(config), format!("-- tls\n{}", script.into()));
        Peer::new(move |stream| match play(stream, &config, &script) {
            Some(stream) => serve(stream),
            None => panic!("the client gave up"),
        })
    }

    /// Returns the settings of a client that calls the server by this name, which must lead to loopback.
    pub fn connect_to(&self, host: &str, security: Security, tls: impl Into<Tls>) -> Connect {
        self.settings(host).security(security).tls(tls)
    }

    /// Returns the settings of a client that calls the server by its address.
    pub fn connect_tls(&self, security: Security, tls: impl Into<Tls>) -> Connect {
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

/// Plays a script, and returns the stream. A client that does not like the handshake ends the script.
fn play(mut plain: TcpStream, config: &Arc<ServerConfig>, script: &str) -> Option<Encrypted> {
    let (before, inside) = script.split_once("-- tls\n").expect("a script with a handshake");
    say(&mut plain, before);
    let mut stream = encrypt(plain, config)?;
    say(&mut stream, inside);
    Some(stream)
}
