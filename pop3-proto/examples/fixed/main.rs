//! Runs a session without std and without an allocator, in two fixed arrays: one for input and one for output.
//!
//! `fixed [HOST PORT USER PASSWORD]` shows what a small device with a display would show: the number and octets of the
//! messages, and the subject of the last one. Without arguments it starts a server.
//!
//! The session is in `session.rs`, which uses `core` only. This file is the device: a socket and a screen.

use std::error::Error;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

#[path = "../embedded/mod.rs"]
mod embedded;
mod session;

use session::{Session, Wire};

struct Socket(TcpStream);

impl Wire for Socket {
    type Error = io::Error;

    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.0.read(room)
    }

    fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        self.0.write_all(octets)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let target = embedded::Target::from_arguments(1, 3)?;
    let (user, password) = &target.accounts[0];
    let stream = TcpStream::connect(target.address)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;

    let mut session = Session::open(Socket(stream), user, password.as_bytes())?;
    let stat = session.stat()?;
    println!("{} messages, {} octets", stat.messages, stat.octets);
    if stat.messages > 0 {
        let mut display = [0; 40];
        println!("the last one: {}", session.subject(stat.messages, &mut display)?.escape_ascii());
    }
    println!("a session of {} octets, and no heap", size_of_val(&session));
    session.quit()?;
    Ok(())
}
