//! A server that does nothing but send messages, which are ready in memory.

use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use crate::mailbox::Mailbox;

/// The mailboxes that were made.
type Made = Mutex<Vec<Arc<Mailbox>>>;

/// Prints its port, and serves until the standard input ends.
pub(crate) fn run() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?.port());
    std::thread::spawn(move || {
        let made = Arc::new(Made::default());
        for stream in listener.incoming() {
            let made = Arc::clone(&made);
            std::thread::spawn(move || serve(stream?, &made));
        }
    });
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}

/// Serves a session. The answers to all commands that have arrived are sent at once.
fn serve(stream: TcpStream, made: &Made) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut input = BufReader::with_capacity(64 * 1024, stream.try_clone()?);
    let mut output = BufWriter::with_capacity(256 * 1024, stream);
    output.write_all(b"+OK\r\n")?;
    let (mut line, mut user, mut mailbox) = (String::new(), String::new(), None);
    loop {
        if !input.buffer().contains(&b'\n') {
            output.flush()?;
        }
        line.clear();
        if input.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let mut words = line.split_whitespace();
        match (words.next().unwrap_or_default(), words.next(), &mailbox) {
            ("CAPA", ..) => output.write_all(b"+OK\r\nUSER\r\nPIPELINING\r\n.\r\n")?,
            ("USER", Some(name), _) => {
                name.clone_into(&mut user);
                output.write_all(b"+OK\r\n")?;
            }
            ("PASS", ..) => {
                mailbox = find(made, &user);
                output.write_all(if mailbox.is_some() { b"+OK\r\n" } else { b"-ERR\r\n" })?;
            }
            ("STAT", _, Some(mailbox)) => output.write_all(mailbox.stat.as_bytes())?,
            ("LIST", None, Some(mailbox)) => output.write_all(mailbox.list.as_bytes())?,
            ("RETR", Some(number), Some(mailbox)) => {
                let number: usize = number.parse().unwrap_or_default();
                let answer = number.checked_sub(1).and_then(|at| mailbox.answers.get(at));
                output.write_all(answer.map_or(b"-ERR\r\n", Vec::as_slice))?;
            }
            ("QUIT", ..) => {
                output.write_all(b"+OK\r\n")?;
                return output.flush();
            }
            _ => output.write_all(b"-ERR\r\n")?,
        }
    }
}

/// Returns the mailbox of this name, and makes it if nobody has asked for it before.
fn find(made: &Made, name: &str) -> Option<Arc<Mailbox>> {
    let mut made = made.lock().ok()?;
    if let Some(mailbox) = made.iter().find(|mailbox| mailbox.name == name) {
        return Some(Arc::clone(mailbox));
    }
    made.push(Arc::new(Mailbox::new(name)?));
    made.last().cloned()
}
