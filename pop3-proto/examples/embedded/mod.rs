//! The server that an example uses if its arguments name no other.

use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::{env, process, thread};

use pop3_proto::serve::{MailStore, MemoryMaildrop};
use pop3_proto::wire::Timestamp;
use pop3_proto::{ServerConfig, Service};

/// A server and accounts on it.
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    /// Names and passwords, at least one.
    pub(crate) accounts: Vec<(String, String)>,
}

impl Target {
    /// Returns the server that the arguments name. Without arguments it starts an embedded server with this many
    /// maildrops.
    pub(crate) fn from_arguments(maildrops: u32, messages: u32) -> Result<Target, Box<dyn Error>> {
        let arguments: Vec<String> = env::args().skip(1).collect();
        let (host, port, accounts) = match arguments.as_slice() {
            [] => return Ok(embedded(maildrops, messages)?),
            [host, port, accounts @ ..] if !accounts.is_empty() && accounts.len() % 2 == 0 => (host, port, accounts),
            _ => return Err("arguments: none, or HOST PORT USER PASSWORD".into()),
        };
        let address = (host.as_str(), port.parse()?).to_socket_addrs()?.next().ok_or("no such host")?;
        let accounts = accounts.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
        Ok(Target { address, accounts })
    }
}

fn embedded(maildrops: u32, messages: u32) -> io::Result<Target> {
    let store = MailStore::new();
    let accounts: Vec<_> = (1..=maildrops).map(|n| (format!("user{n}"), format!("secret{n}"))).collect();
    for (user, password) in &accounts {
        store.add_user(user, password);
        for number in 1..=messages {
            // Each message is longer than the previous one, and its lines need byte-stuffing.
            let body = ".a line that begins with a dot\n".repeat(50 * number as usize);
            store.deliver(user, format!("Subject: message {number} for {user}\n\n{body}"));
        }
    }
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for (count, stream) in listener.incoming().flatten().enumerate() {
            let maildrop = store.maildrop();
            thread::spawn(move || serve(stream, maildrop, count));
        }
    });
    Ok(Target { address, accounts })
}

/// Serves one connection: writes while there are answers, and reads otherwise.
fn serve(mut stream: TcpStream, maildrop: MemoryMaildrop, count: usize) -> io::Result<()> {
    stream.set_nodelay(true)?;
    // Plaintext passwords stay on this machine. APOP needs a timestamp that no other session has.
    let config = ServerConfig::new().plaintext_login(true);
    let timestamp = format!("<{}.{count}@localhost>", process::id());
    let mut service = Service::new(maildrop, config, Timestamp::find(timestamp.as_bytes()));
    while !service.is_over() {
        if service.pending().is_empty() {
            match stream.read(service.spare())? {
                0 => break,
                octets => service.filled(octets),
            }
        } else {
            let octets = stream.write(service.pending())?;
            service.written(octets);
        }
    }
    Ok(())
}
