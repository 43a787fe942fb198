//! Downloads many maildrops on one thread without a runtime: `mio` reports which sockets are ready, and the core
//! handles the protocol.
//!
//! `mio [HOST PORT USER PASSWORD [USER PASSWORD]...]` downloads all these maildrops at once and counts messages and
//! octets. Without arguments it starts a server with a hundred maildrops. If `POP3_CA` names a PEM file, the sessions
//! begin TLS with STLS and trust the authorities in the file; otherwise they are not protected.
//!
//! `wire.rs` reads and writes octets, and you can copy it unchanged. `session.rs` chooses the commands. A loop that
//! waits for readiness cannot block inside a call, so the session stores its progress in an enum.

use std::collections::HashMap;
use std::error::Error;
use std::io::ErrorKind;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use pop3_proto::tls::server_name;
use session::Session;

#[path = "../embedded/mod.rs"]
mod embedded;
mod session;
#[path = "../embedded/trusting.rs"]
mod trusting;
mod wire;

fn main() -> Result<(), Box<dyn Error>> {
    let target = embedded::Target::from_arguments(100, 5)?;
    let tls = std::env::var_os("POP3_CA").map(|path| trusting::trusting(&std::fs::read(path)?)).transpose()?;
    // The certificate must be valid for the name as it was given.
    let host = server_name(&std::env::args().nth(1).unwrap_or("localhost".to_owned()))?;
    let (mut poll, begin) = (Poll::new()?, Instant::now());
    let mut sessions = HashMap::new();
    for (count, (user, password)) in target.accounts.into_iter().enumerate() {
        let mut stream = TcpStream::connect(target.address)?;
        poll.registry().register(&mut stream, Token(count), Interest::READABLE | Interest::WRITABLE)?;
        sessions.insert(Token(count), Session::new(stream, host.clone(), tls.clone(), user, password)?);
    }

    let (all, mut done, mut messages, mut octets) = (sessions.len(), 0, 0, 0);
    let mut events = Events::with_capacity(256);
    while !sessions.is_empty() {
        // The next deadline of any session.
        let next = sessions.values().map(|session| session.wire.deadline).min().unwrap_or(Duration::MAX);
        let limit = Some(next.saturating_sub(begin.elapsed())).filter(|_| next != Duration::MAX);
        match poll.poll(&mut events, limit) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            polled => polled?,
        }
        let now = begin.elapsed();
        let late = sessions.iter().filter(|(_, session)| session.wire.deadline <= now).map(|(token, _)| *token);
        let due: Vec<Token> = events.iter().map(mio::event::Event::token).chain(late).collect();
        for token in due {
            let Some(session) = sessions.get_mut(&token) else { continue };
            match session.ready(now) {
                Ok(false) => continue,
                Ok(true) => (done, messages, octets) = (done + 1, messages + session.messages, octets + session.octets),
                // An error in one session does not end the others.
                Err(error) => eprintln!("{}: {error}", session.user),
            }
            sessions.remove(&token);
        }
    }
    println!("{done} of {all} maildrops, {messages} messages, {octets} octets, one thread");
    if done == all { Ok(()) } else { Err("not every maildrop could be read".into()) }
}
