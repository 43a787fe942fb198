//! A program without std and without an allocator, in which a client and a server hold a conversation. If the crate
//! brought in std or alloc, the build would fail: std brings a second panic handler, and alloc needs a global
//! allocator.
#![no_std]
#![no_main]

use core::ffi::c_int;
use core::panic::PanicInfo;

use pop3_proto::wire::{Payload, Response};
use pop3_proto::{Client, Command, Config, Event, Request, Server, ServerConfig, Shape, State};

// This links Linux's start-up code, memcpy and similar functions, which the compiler expects.
#[link(name = "c")]
unsafe extern "C" {
    safe fn abort() -> !;
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    abort()
}

const PROOF: &[u8] = b"\0mrose\0tanstaaf";
const MESSAGE: &[u8] = b"Subject: dots\n\n.\n..\n";

// SAFETY: the name is the C start-up code's, called by it once, and nothing else here has it.
#[unsafe(no_mangle)]
extern "C" fn main() -> c_int {
    c_int::from(converse() != Some(State::Update))
}

/// Holds a conversation of challenge and response, a listing, a message, and the end; returns the final state.
fn converse() -> Option<State> {
    let mut client = Client::new(Config::default());
    let mut server = Server::new(ServerConfig::new().plaintext_login(true));
    let mut wire = [0; 512];

    let len = written(&mut wire, |out| server.greeting(None, "ready", out).ok())?;
    let Event::Greeting(_) = client.receive(&mut &wire[..len]).ok()?? else { return None };

    let mut received = 0;
    let auth = Command::Auth { mechanism: "PLAIN", initial_response: None };
    for command in [auth, Command::Stat, Command::List(None), Command::Retr(1), Command::Quit] {
        let mut len = written(&mut wire, |out| client.send(command, out).ok())?;
        while len > 0 {
            let mut said = [0; 512];
            let heard = answer(&mut server, &wire[..len], &mut said)?;
            len = written(&mut wire, |out| hear(&mut client, &said[..heard], &mut received, out))?;
        }
        if client.in_flight() > 0 {
            return None;
        }
    }
    // The four lines in LF are sent with CRLF.
    (received == MESSAGE.len() + 4 && client.state() == server.state()).then_some(client.state())
}

/// Returns the number of octets of `space` that `write` writes; `write` gets the rest of the space.
fn written<T>(space: &mut [u8], write: impl FnOnce(&mut &mut [u8]) -> Option<T>) -> Option<usize> {
    let len = space.len();
    let mut room = space;
    write(&mut room)?;
    Some(len - room.len())
}

/// Plays the client's side: takes every event, counts the octets of the message, and responds to a challenge.
fn hear(client: &mut Client, said: &[u8], received: &mut usize, out: &mut &mut [u8]) -> Option<()> {
    let mut input = said;
    while let Some(event) = client.receive(&mut input).ok()? {
        match event {
            Event::Challenge { .. } => client.respond(Response::Data(Payload::Octets(PROOF)), out).ok()?,
            Event::Body { bytes, .. } => *received += bytes.len(),
            Event::Ok { .. } | Event::Row { .. } | Event::End { .. } => {}
            _ => return None,
        }
    }
    Some(())
}

/// Plays the server's side: takes one request, and writes the whole answer to it.
fn answer(server: &mut Server, said: &[u8], space: &mut [u8]) -> Option<usize> {
    let mut decoded = [0; 64];
    written(space, |out| {
        let command = match server.receive(&mut &*said).ok()?? {
            Request::Command(Command::Auth { .. }) => return server.challenge(b"", out).ok(),
            Request::Response(Response::Data(payload)) if payload.decode(&mut decoded).ok()? == PROOF => {
                return server.ok("welcome", out).ok();
            }
            Request::Command(command) => command,
            request => return server.err(None, format_args!("{request:?}"), out).ok(),
        };
        server.ok("1 24", out).ok()?;
        match command.kind().shape() {
            Shape::Single => return Some(()),
            Shape::Listing => server.row("1 24", out).ok()?,
            Shape::Body => {
                let mut content = MESSAGE;
                let len = server.body(&mut content, out).ok()?;
                // The written octets are no longer room.
                *out = core::mem::take(out).get_mut(len..)?;
            }
        }
        server.end(out).ok()
    })
}
