//! A server on loopback for the examples.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use pop3_proto::serve::MailStore;

use crate::{ServerConfig, serve};

/// A server with the maildrop of mrose, whose password is tanstaaf.
pub(super) struct Server {
    pub(super) store: MailStore,
    pub(super) port: u16,
    /// The number of octets after which the server closes each connection.
    pub(super) room: Arc<AtomicUsize>,
}

impl Server {
    pub(super) fn new() -> Server {
        let store = MailStore::new();
        store.add_user("mrose", "tanstaaf");
        let room = Arc::new(AtomicUsize::new(usize::MAX));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (serving, left) = (store.clone(), Arc::clone(&room));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (maildrop, room) = (serving.maildrop(), left.load(Ordering::SeqCst));
                let config = ServerConfig::new().plaintext_login(true);
                thread::spawn(move || serve(Limited { stream, room }, maildrop, config));
            }
        });
        Server { store, port, room }
    }
}

/// A stream that fails after a number of written octets.
struct Limited {
    stream: TcpStream,
    room: usize,
}

impl Read for Limited {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        self.stream.read(space)
    }
}

impl Write for Limited {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        if self.room == 0 {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let octets = self.stream.write(&octets[..octets.len().min(self.room)])?;
        self.room -= octets;
        Ok(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
