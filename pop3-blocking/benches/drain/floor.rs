//! The floor: a client that requests all messages at once, and only reads. It does not parse what it reads, so it
//! cannot even tell where a message ends.

use std::error::Error;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

/// Downloads a mailbox, and discards it.
pub(crate) fn drain(name: &str, port: u16) -> Result<(), Box<dyn Error>> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    stream.write_all(format!("USER {name}\r\nPASS tanstaaf\r\nSTAT\r\n").as_bytes())?;
    let mut replies = BufReader::new(&stream);
    let mut line = String::new();
    for _ in 0..4 {
        line.clear();
        replies.read_line(&mut line)?;
    }
    let messages: u32 = line.split(' ').nth(1).ok_or("no drop listing")?.parse()?;

    let mut commands = String::new();
    for number in 1..=messages {
        write!(commands, "RETR {number}\r\n")?;
    }
    commands.push_str("QUIT\r\n");
    let mut writing = stream.try_clone()?;
    // The server may stop reading commands until its answers are read.
    let writer = std::thread::spawn(move || writing.write_all(commands.as_bytes()));
    let mut buffer = vec![0; 64 * 1024];
    while stream.read(&mut buffer)? > 0 {}
    writer.join().map_err(|_| "the writer panicked")??;
    Ok(())
}
