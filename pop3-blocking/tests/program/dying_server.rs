//! A server that ends each connection after a chosen octet, and the files that a run of `fetch` may leave.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pop3_blocking::pop3_proto::serve::MailStore;
use pop3_blocking::pop3_proto::{ServerConfig, Service};
use socket2::SockRef;

use crate::support::{Home, Server, files, listen, mail};

/// The limits of the next connection, and its end.
#[derive(Debug, Default)]
pub(crate) struct Life {
    /// The octets that it may still carry to the client and to the server, if there is a limit.
    pub(crate) left: [Option<usize>; 2],
    pub(crate) end: End,
    /// The octets that it has carried to the client and to the server.
    pub(crate) carried: [usize; 2],
}

/// The event after the last of the octets within a limit.
#[derive(Debug, Default)]
pub(crate) enum End {
    #[default]
    Closes,
    Resets,
    /// Octets that nobody sent, and then the rest.
    Adds(&'static [u8]),
    /// Nothing more, until it may go on. Then all that is left.
    Waits {
        reached: Sender<()>,
        go_on: Receiver<()>,
    },
}

impl Life {
    /// Returns how many of `octets` may be carried, which is at least one. Fails if the connection has come to its end.
    fn carry(&mut self, way: usize, octets: usize, mut stream: &TcpStream) -> io::Result<usize> {
        if self.left[way] == Some(0) {
            match &self.end {
                End::Closes | End::Resets => return Err(ErrorKind::ConnectionAborted.into()),
                End::Adds(octets) => stream.write_all(octets)?,
                // The other side of the channels may be gone; the connection then goes on at once.
                End::Waits { reached, go_on } => drop((reached.send(()), go_on.recv())),
            }
            self.left = [None, None];
        }
        Ok(self.left[way].map_or(octets, |left| left.min(octets)))
    }

    fn carried(&mut self, way: usize, octets: usize) {
        self.carried[way] += octets;
        self.left[way] = self.left[way].map(|left| left - octets);
    }
}

/// Serves one connection after the other, each as long as it lives.
pub(crate) fn dying(store: &MailStore, life: &Arc<Mutex<Life>>) -> Server {
    let (store, life) = (store.clone(), Arc::clone(life));
    listen(move |stream, _| {
        let mut life = life.lock().unwrap();
        let died = serve(&stream, &store, &mut life).is_err();
        if died && matches!(life.end, End::Resets) {
            SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
        } else {
            // So that what was sent arrives, whatever the client has sent meanwhile.
            let _ = stream.shutdown(Shutdown::Write);
            let _ = io::copy(&mut &stream, &mut io::sink());
        }
    })
}

/// Without a timestamp, so that all sessions have the same octets.
fn serve(mut stream: &TcpStream, store: &MailStore, life: &mut Life) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let config = ServerConfig::new().plaintext_login(true);
    let mut service = Service::new(store.maildrop(), config, None);
    while !service.is_over() {
        if service.pending().is_empty() {
            let space = service.spare();
            let room = life.carry(1, space.len(), stream)?;
            let octets = stream.read(&mut space[..room])?;
            if octets == 0 {
                return Ok(());
            }
            life.carried(1, octets);
            service.filled(octets);
        } else {
            let octets = life.carry(0, service.pending().len(), stream)?;
            stream.write_all(&service.pending()[..octets])?;
            life.carried(0, octets);
            service.written(octets);
        }
    }
    Ok(())
}

/// Checks the state after a run, however it ended: each message is in the Maildir at most once and whole, and none is
/// gone from both sides. Returns the number of messages in the Maildir.
pub(crate) fn check(all: &[Vec<u8>], home: &Home, store: &MailStore) -> usize {
    let here = mail(&home.path("mail"));
    let mut once = here.clone();
    once.dedup();
    assert_eq!(once.len(), here.len(), "a message is there twice");
    let there = store.messages("u");
    for message in all {
        let safe = here.binary_search(message).is_ok() || there.iter().any(|kept| **kept == **message);
        assert!(safe, "a message is lost: {}", message.escape_ascii());
    }
    for message in &here {
        assert!(all.binary_search(message).is_ok(), "this is no message: {}", message.escape_ascii());
    }
    here.len()
}

/// Returns whether no half-written message is left.
pub(crate) fn is_tidy(maildir: &Path) -> bool {
    !maildir.join("tmp").exists() || files(&maildir.join("tmp")).is_empty()
}
