//! Downloads a maildrop with completion-based I/O: the loop passes its buffers to the kernel, which returns them
//! filled, and the core parses the octets in place.
//!
//! `completion [HOST PORT USER PASSWORD]` uses `io_uring` if the kernel permits it, else a simulated ring, which it
//! also uses if `SIMULATED_RING` is set. Without arguments it starts a server.
//!
//! This requires a core that has no buffers. An event of [`Client`] borrows from the received octets only, and a
//! command is written to another buffer, so a command can be sent while an event is borrowed. The only octets that are
//! copied are those of an incomplete line.

use std::error::Error;
use std::mem;
use std::net::TcpStream;

use pop3_proto::wire::KnownCapability;
use pop3_proto::{Client, Command, Config, Event, Kind};

#[path = "../embedded/mod.rs"]
mod embedded;
mod ring;

use ring::{Operation, Ring};

/// The size of a read buffer. It exceeds any line that the client accepts, so there is always space after an incomplete
/// line.
const BUFFER: usize = 16 * 1024;

/// The download of a maildrop.
struct Download {
    client: Client,
    user: String,
    password: String,
    /// The commands for the next write. Those being written belong to the ring.
    out: Vec<u8>,
    /// The maximum number of commands in flight.
    ahead: usize,
    /// The numbers of messages in the maildrop, requested, and received.
    there: u32,
    asked: u32,
    received: u32,
    /// The octets of all messages.
    octets: usize,
}

impl Download {
    fn new(user: String, password: String) -> Download {
        let (client, out) = (Client::new(Config::default()), Vec::new());
        Download { client, user, password, out, ahead: 1, there: 0, asked: 0, received: 0, octets: 0 }
    }

    /// Handles the received octets. Returns the number of octets at the end that are not enough for an event yet.
    fn take(&mut self, mut input: &[u8]) -> Result<usize, Box<dyn Error>> {
        loop {
            let answers = self.client.awaiting().kind();
            let Some(event) = self.client.receive(&mut input)? else { return Ok(input.len()) };
            self.handle(answers, event)?;
        }
    }

    /// Handles an event. The client has checked that it answers the oldest command.
    fn handle(&mut self, answers: Option<Kind>, event: Event<'_>) -> Result<(), Box<dyn Error>> {
        match (answers, event) {
            (_, Event::Greeting(_)) => self.send(Command::Capa)?,
            (Some(Kind::Capa), Event::Row { row, .. })
                if row.capability().known() == Some(KnownCapability::Pipelining) =>
            {
                self.ahead = 64;
            }
            // Old servers do not know CAPA, and get one command at a time.
            (Some(Kind::Capa), Event::End { .. } | Event::Refused { .. }) => {
                self.client.send(Command::User(&self.user), &mut self.out)?;
            }
            (Some(Kind::User), Event::Ok { .. }) => {
                // This example sends the password in plaintext. It also stays in the memory of the buffers, which
                // `Conversation` would wipe.
                self.client.send(Command::Pass(&self.password), &mut self.out)?;
            }
            (Some(Kind::Pass), Event::Ok { .. }) => self.send(Command::Stat)?,
            (Some(Kind::Stat), Event::Ok { reply, .. }) => {
                self.there = reply.stat()?.messages;
                self.ask()?;
            }
            // The message, in the memory that the kernel wrote it to. A program would process it here.
            (_, Event::Body { bytes, .. }) => self.octets += bytes.len(),
            (Some(Kind::Retr), Event::End { .. }) => {
                self.received += 1;
                self.ask()?;
            }
            (_, Event::NoService(refusal) | Event::Refused { refusal, .. }) => {
                return Err(format!("the server refused: {}", refusal.text()).into());
            }
            _ => {}
        }
        Ok(())
    }

    fn send(&mut self, command: Command<'_>) -> Result<(), Box<dyn Error>> {
        self.client.send(command, &mut self.out)?;
        Ok(())
    }

    /// Requests messages as far as `ahead` permits, and sends QUIT when all have been received.
    fn ask(&mut self) -> Result<(), Box<dyn Error>> {
        while self.asked < self.there && self.client.in_flight() < self.ahead {
            self.send(Command::Retr(self.asked.saturating_add(1)))?;
            self.asked += 1;
        }
        if self.received == self.there { self.send(Command::Quit) } else { Ok(()) }
    }
}

/// Runs the loop. Returns the number of octets that it had to copy.
fn run(ring: &mut dyn Ring, download: &mut Download) -> Result<usize, Box<dyn Error>> {
    let (mut kept, mut copied, mut writing) = (0, 0, false);
    ring.push(Operation::Read, vec![0; BUFFER], 0)?;
    loop {
        let (operation, mut buffer, octets) = ring.complete()?;
        match operation {
            Operation::Read => {
                let filled = kept + octets;
                kept = download.take(&buffer[..filled])?;
                if octets == 0 || download.client.state().is_over() {
                    download.client.receive_eof(&buffer[filled - kept..filled])?;
                    return Ok(copied);
                }
                buffer.copy_within(filled - kept..filled, 0);
                copied += kept;
                ring.push(Operation::Read, buffer, kept)?;
            }
            // The next commands go after the octets that the kernel did not take.
            Operation::Write => {
                download.out.splice(..0, buffer.drain(octets..));
                writing = false;
            }
        }
        if !writing && !download.out.is_empty() {
            ring.push(Operation::Write, mem::take(&mut download.out), 0)?;
            writing = true;
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut target = embedded::Target::from_arguments(1, 10)?;
    let (user, password) = target.accounts.swap_remove(0);
    let stream = TcpStream::connect(target.address)?;
    stream.set_nodelay(true)?;

    let (mut ring, name) = ring::new(stream)?;
    let mut download = Download::new(user, password);
    let copied = run(ring.as_mut(), &mut download)?;
    println!("over {name}: {} messages, {} octets, parsed in place", download.received, download.octets);
    println!("{copied} octets were copied, of lines that arrived in two pieces");
    Ok(())
}
