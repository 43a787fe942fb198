//! Calls everything that the core offers without features, with values that the compiler cannot know. The program is
//! only built: `.ci/panics` lists the panics that the linker kept.
#![no_std]
#![no_main]

use core::ffi::c_int;
use core::fmt::{self, Write as _};
use core::hint::black_box;
use core::panic::PanicInfo;

use pop3_proto::message::MessageRef;
use pop3_proto::wire::{Charset, Digest, Payload, Response, Timestamp, UniqueId};
use pop3_proto::{Client, Command, Config, Event, Outcome, Request, Server, ServerConfig, State, transmitted_octets};

// This links Linux's start-up code, memcpy and similar functions, which the compiler expects.
#[link(name = "c")]
unsafe extern "C" {
    safe fn abort() -> !;
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    abort()
}

// SAFETY: the name is the C start-up code's, called by it once, and nothing else here has it.
#[unsafe(no_mangle)]
extern "C" fn main(count: c_int, _: *const *const u8) -> c_int {
    let mut space = [0; 600];
    let octets = black_box(&[0; 600][..]);
    if count > 1 {
        client(octets, &mut space);
        server(octets, &mut space);
        texts(octets, &mut space);
    }
    0
}

/// A writer that keeps nothing.
struct Sink;

impl fmt::Write for Sink {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        black_box(text);
        Ok(())
    }
}

fn show(value: impl fmt::Debug) {
    let _ = write!(black_box(&mut Sink), "{value:?}");
}

fn text(octets: &[u8]) -> &str {
    core::str::from_utf8(octets).unwrap_or_default()
}

/// Returns a command of a kind that the compiler cannot know.
fn command(octets: &[u8]) -> Command<'_> {
    let text = text(octets);
    let number = black_box(1);
    black_box(match black_box(0) {
        0 => Command::User(text),
        1 => Command::Pass(text),
        2 => Command::Retr(number),
        3 => Command::Top { number, lines: number },
        4 => Command::List(black_box(Some(number))),
        5 => Command::Uidl(black_box(Some(number))),
        6 => Command::Auth { mechanism: text, initial_response: black_box(Some(Payload::Octets(octets))) },
        7 => Command::Raw(text),
        8 => Command::RawListing(text),
        9 => Command::Lang(text),
        10 => Digest::parse(octets).map_or(Command::Noop, |digest| Command::Apop { user: text, digest }),
        _ => Command::Quit,
    })
}

fn client(octets: &[u8], space: &mut [u8]) {
    let config = Config::new().max_line(black_box(512)).max_body(black_box(7)).max_challenge(black_box(80));
    // Behind `black_box`, each call finds any state.
    let mut client = Client::new(config);
    let mut out = black_box(space);
    black_box(&mut client).set_utf8_user(black_box(true));
    let command = command(octets);
    match black_box(&mut client).send(command, &mut out) {
        Ok(ticket) => show(ticket),
        Err(error) => show_both(&error),
    }
    match black_box(&mut client).respond(black_box(Response::Data(Payload::Octets(octets))), &mut out) {
        Ok(()) => {}
        Err(error) => show_both(&error),
    }
    let mut input = octets;
    match black_box(&mut client).receive(&mut input) {
        Ok(Some(event)) => self::event(event),
        Ok(None) => {}
        Err(error) => {
            show_both(&error);
            show(error.excerpt());
        }
    }
    let mut input = octets;
    let mut copied = [0; 80];
    show(black_box(&mut client).copy_body(&mut input, black_box(&mut copied[..])));
    show(black_box(&mut client).receive_eof(octets));
    show(black_box(&mut client).tls_established(octets));
    show((
        black_box(&mut client).awaiting(),
        black_box(&mut client).in_flight(),
        black_box(&mut client).oldest(),
        black_box(&mut client).state(),
        black_box(&mut client).projected(),
    ));
    show(&client);
}

fn show_both(value: &(impl fmt::Debug + fmt::Display)) {
    let _ = write!(black_box(&mut Sink), "{value} {value:?}");
}

fn event(event: Event<'_>) {
    show(event);
    show(event.to());
    match event {
        Event::Greeting(greeting) => show((greeting.timestamp(), greeting.text(), greeting.code())),
        Event::NoService(refusal) | Event::Refused { refusal, .. } => {
            show((refusal.text(), refusal.line()));
            if let Some(code) = refusal.code() {
                show((code.code(), code.as_bytes()));
            }
        }
        Event::Ok { reply, .. } => {
            let asked = black_box(1);
            show((reply.stat(), reply.scan_listing(asked), reply.unique_id(asked), reply.last(), reply.language()));
        }
        Event::Challenge { challenge, .. } => {
            let mut room = [0; 80];
            show(challenge.decode(black_box(&mut room[..])));
        }
        Event::Row { row, .. } => {
            show((row.is_blank(), row.scan_listing(), row.unique_id(), row.language()));
            let capability = row.capability();
            show((capability.known(), capability.tag(), capability.params().count()));
            let _ = write!(black_box(&mut Sink), "{capability}");
        }
        Event::Body { bytes, .. } => show(bytes.len()),
        Event::StartTls { .. } | Event::End { .. } => {}
    }
}

fn server(octets: &[u8], space: &mut [u8]) {
    let config = ServerConfig::new().max_line(black_box(255)).max_response(black_box(255)).stls(black_box(true));
    let mut server = Server::new(config);
    let mut out = black_box(space);
    let text = text(octets);
    show(black_box(&mut server).greeting(Timestamp::find(octets), text, &mut out));
    show(black_box(&mut server).no_service(black_box(None), text, &mut out));
    let mut input = octets;
    match black_box(&mut server).receive(&mut input) {
        Ok(Some(request)) => {
            show(request);
            if let Request::Command(command) = request {
                show_both(&command);
            }
        }
        Ok(None) => {}
        Err(error) => show_both(&error),
    }
    show(black_box(&mut server).ok(text, &mut out));
    show(black_box(&mut server).err(black_box(None), text, &mut out));
    show(black_box(&mut server).challenge(octets, &mut out));
    show(black_box(&mut server).row(text, &mut out));
    let mut content = octets;
    let mut room = [0; 80];
    show(black_box(&mut server).body(&mut content, black_box(&mut room[..])));
    show(black_box(&mut server).end(&mut out));
    show(black_box(&mut server).tls_established(octets));
    black_box(&mut server).close();
    show((
        black_box(&mut server).wants_body(),
        black_box(&mut server).wants_request(),
        black_box(&mut server).state(),
        black_box(&mut server).offers_stls(),
    ));
    show(&server);
}

fn texts(octets: &[u8], space: &mut [u8]) {
    let command = command(octets);
    show_both(&command);
    show((command.check(black_box(Charset::Utf8)), command.kind()));
    show(black_box(State::Greeting).after(command.kind(), black_box(Outcome::Ok)));
    if let Some(timestamp) = Timestamp::find(octets) {
        let digest = Digest::new(timestamp, octets);
        show(digest.verify(&digest));
    }
    show(Payload::Base64(octets).decode(black_box(space)));
    show((transmitted_octets(octets), UniqueId::new(octets).is_conforming()));
    show_both(&black_box(State::Greeting));
    let message = MessageRef::new(octets);
    show((
        message.header_bytes(),
        message.body(),
        message.lines().count(),
        MessageRef::new(message.body()).lines().count(),
    ));
    for header in message.headers() {
        show(header);
    }
    if let Some(field) = message.get(text(octets)) {
        field.unfolded().for_each(|piece| show(piece.len()));
    }
}
