//! Plays a transcript against a [`Client`], with the server's octets cut in some way.
use std::collections::VecDeque;

use pop3_proto::wire::{Payload, Response};
use pop3_proto::{
    Awaiting, BadArgument, Client, Command, Config, Event, Kind, ProtocolError, State, Ticket, UsageError, Violation,
};

use crate::line::{self, NoCommand};
use crate::seen::{Asked, Seen};
use crate::transcript::Case;

/// The division of the server's octets into reads.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cut {
    Whole,
    Octets,
    /// Cuts at random, from this seed.
    Random(u64),
}

impl Cut {
    fn next(&mut self) -> usize {
        match self {
            Cut::Whole => usize::MAX,
            Cut::Octets => 1,
            Cut::Random(state) => {
                *state ^= *state << 13;
                *state ^= *state >> 7;
                *state ^= *state << 17;
                // Small pieces find faults at line ends; a long one now and then keeps long transcripts short.
                let widest = if *state % 5 == 0 { 4096 } else { 7 };
                1 + usize::try_from((*state >> 32) % widest).unwrap_or(0)
            }
        }
    }
}

/// The reason why the client's next line was not sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Stop {
    Usage(UsageError),
    NoCommand(NoCommand),
}

/// One string of the server, and the client's lines before it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Step {
    pub(crate) kinds: Vec<Kind>,
    pub(crate) seen: Vec<Seen>,
}

/// The result of playing a transcript.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Run {
    pub(crate) client: Client,
    pub(crate) steps: Vec<Step>,
    pub(crate) sent: Vec<u8>,
    pub(crate) timestamp: Option<Vec<u8>>,
    pub(crate) stop: Option<Stop>,
    pub(crate) error: Option<ProtocolError>,
    /// The client's result at the end of the stream, if it came.
    pub(crate) ended: Option<Result<(), ProtocolError>>,
    asked: VecDeque<(Ticket, Asked)>,
}

impl Run {
    /// Everything seen, in order.
    pub(crate) fn seen(&self) -> impl DoubleEndedIterator<Item = &Seen> + Clone {
        self.steps.iter().flat_map(|step| &step.seen)
    }
}

/// Plays `case`. An `Err` says where the client did not send the transcript's line.
pub(crate) fn play(case: &Case, mut cut: Cut) -> Result<Run, String> {
    let inside_tls = case.setting("tls", "") == "implicit";
    let mut client = Client::new(Config::default());
    if inside_tls {
        client.tls_established(b"").expect("nothing came before TLS");
    }
    let mut run = Run {
        client,
        steps: Vec::new(),
        sent: Vec::new(),
        timestamp: None,
        stop: None,
        error: None,
        ended: None,
        asked: VecDeque::new(),
    };
    let mut server = case.server.iter();
    let mut held = Vec::new();
    if case.has_greeting() {
        run.steps.push(Step::default());
        run.read(server.next().ok_or("a greeting is missing")?, &mut held, &mut cut)?;
    } else {
        run.arrive(&case.start)?;
    }
    if case.close_after == Some(0) {
        run.end(&held);
    }
    let plain = line::plain(case);
    for (index, lines) in case.client.iter().enumerate() {
        if run.error.is_some() || !run.say(lines, case, &plain)? {
            break;
        }
        if let Some(octets) = server.next() {
            run.read(octets, &mut held, &mut cut)?;
        }
        if case.tls_after == Some(index) {
            run.error = run.client.tls_established(&held).err();
        }
        if case.close_after == Some(index + 1) {
            run.end(&held);
        }
    }
    Ok(run)
}

impl Run {
    /// Goes to the state in which the transcript begins, if not at the greeting.
    fn arrive(&mut self, start: &str) -> Result<(), String> {
        let mut input: &[u8] = b"+OK\r\n+OK\r\n+OK\r\n";
        let mut hear = |client: &mut Client| {
            let (line, rest) = input.split_at(5);
            input = rest;
            client.receive(&mut &*line).map(|event| assert!(event.is_some())).map_err(|error| error.to_string())
        };
        hear(&mut self.client)?;
        if start == "transaction" {
            for command in [Command::User("u"), Command::Pass("p")] {
                self.client.send(command, &mut Vec::new()).map_err(|rejected| rejected.to_string())?;
                hear(&mut self.client)?;
            }
        }
        let reached = if start == "transaction" { State::Transaction } else { State::Authorization };
        if self.client.state() == reached { Ok(()) } else { Err(format!("{start} was not reached")) }
    }

    /// Sends the lines, which may be several, and checks every octet. Returns `false` if a line was not sent, rightly
    /// or not.
    fn say(&mut self, lines: &[u8], case: &Case, plain: &Result<Vec<u8>, BadArgument>) -> Result<bool, String> {
        self.steps.push(Step::default());
        for line in lines.split_inclusive(|&b| b == b'\n') {
            let text = line.strip_suffix(b"\r\n").ok_or("a client's line ends in CRLF")?;
            let text = core::str::from_utf8(text).map_err(|error| error.to_string())?;
            let (before, mut out) = (self.client.clone(), Vec::new());
            let stop = if self.client.awaiting() == Awaiting::Response {
                self.respond(text, case, plain, &mut out)
            } else {
                self.send(text, case, plain, &mut out)
            };
            if let Err(stop) = stop {
                if self.client != before || !out.is_empty() {
                    return Err(format!("{stop:?} was not without effect"));
                }
                self.stop = Some(stop);
                return Ok(false);
            }
            if out != line {
                return Err(format!("said {} for {}", out.escape_ascii(), line.escape_ascii()));
            }
            self.sent.extend(out);
        }
        Ok(true)
    }

    fn respond(
        &mut self,
        text: &str,
        case: &Case,
        plain: &Result<Vec<u8>, BadArgument>,
        out: &mut Vec<u8>,
    ) -> Result<(), Stop> {
        let response = match plain {
            _ if text == "*" => Response::Cancel,
            Ok(response) if line::is_plain(case, case.setting("mechanism", "PLAIN")) && self.is_plain() => {
                Response::Data(Payload::Octets(response))
            }
            _ => Response::Data(Payload::Base64(text.as_bytes())),
        };
        self.client.respond(response, out).map_err(Stop::Usage)
    }

    /// Checks whether the AUTH in flight is one of PLAIN.
    fn is_plain(&self) -> bool {
        let auth = self.sent.split(|&b| b == b'\n').rfind(|line| line.starts_with(b"AUTH "));
        auth.is_some_and(|line| line.starts_with(b"AUTH PLAIN"))
    }

    fn send(
        &mut self,
        text: &str,
        case: &Case,
        plain: &Result<Vec<u8>, BadArgument>,
        out: &mut Vec<u8>,
    ) -> Result<(), Stop> {
        let command = line::parse(text, case, self.timestamp.as_deref(), plain).map_err(Stop::NoCommand)?;
        let message = match command {
            Command::List(number) | Command::Uidl(number) => number,
            _ => None::<u32>,
        };
        let ticket = self.client.send(command, out).map_err(Stop::Usage)?;
        self.asked.push_back((ticket, (command.kind(), message)));
        if let Some(step) = self.steps.last_mut() {
            step.kinds.push(command.kind());
        }
        Ok(())
    }

    /// Reads one string of the server in pieces, until it is used up or the client fails.
    fn read(&mut self, octets: &[u8], held: &mut Vec<u8>, cut: &mut Cut) -> Result<(), String> {
        let mut rest = octets;
        while !rest.is_empty() && self.error.is_none() {
            let (piece, more) = rest.split_at(cut.next().min(rest.len()));
            rest = more;
            held.extend_from_slice(piece);
            let left = self.receive(held)?;
            held.drain(..held.len() - left);
        }
        Ok(())
    }

    /// Takes all events out of `held`, and returns how many octets are left in it.
    fn receive(&mut self, held: &[u8]) -> Result<usize, String> {
        let mut input = held;
        loop {
            let before = input.len();
            let event = match self.client.receive(&mut input) {
                Ok(None) => return Ok(input.len()),
                Err(error) => {
                    self.error = Some(error);
                    return Ok(input.len());
                }
                Ok(Some(event)) => event,
            };
            if input.len() >= before {
                return Err("an event without progress".into());
            }
            let to = ticket(&event);
            while self.asked.front().is_some_and(|(asked, _)| Some(*asked) < to) {
                self.asked.pop_front();
            }
            let asked = self.asked.front().filter(|(asked, _)| Some(*asked) == to).map(|(_, asked)| *asked);
            if to.is_some() && asked.is_none() {
                return Err(format!("{to:?} was never given out, or is answered already"));
            }
            let seen = Seen::of(&event, asked);
            if seen == Seen::StartTls && !input.is_empty() {
                // A client that begins the handshake at once must find the injection too.
                let found = self.client.clone().tls_established(input).map_err(|error| error.violation());
                if found != Err(Violation::PlaintextAfterStls) {
                    return Err(format!("plaintext behind STLS gave {found:?}"));
                }
            }
            let step = self.steps.last_mut().ok_or("no step")?;
            match (seen, step.seen.last_mut()) {
                (Seen::Body(more), Some(Seen::Body(body))) => body.extend(more),
                (seen, _) => step.seen.push(seen),
            }
            if let Some(Seen::Status(status)) = step.seen.last() {
                self.timestamp = self.timestamp.take().or_else(|| status.timestamp.clone());
            }
        }
    }

    fn end(&mut self, held: &[u8]) {
        self.ended = Some(self.client.receive_eof(held));
    }
}

fn ticket(event: &Event<'_>) -> Option<Ticket> {
    match event {
        Event::Greeting(_) | Event::NoService(_) => None,
        Event::Ok { to, .. }
        | Event::Refused { to, .. }
        | Event::Challenge { to, .. }
        | Event::Row { to, .. }
        | Event::Body { to, .. }
        | Event::End { to }
        | Event::StartTls { to } => Some(*to),
    }
}
