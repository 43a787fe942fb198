//! Typed calls and batches against a server that answers anything: each value is the one that a naive reader finds in
//! the same octets, and the log shows what was said.
#![no_main]

use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use libfuzzer_sys::fuzz_target;
use pop3_fuzz::login::forms;
use pop3_fuzz::naive_answers::{self as naive, Expected, ReadRow, Reading, Value, read};
use pop3_fuzz::{Shape, naive_message};
use pop3_proto::drive::{
    Acknowledge, AuthList, Batch, Call, Capa, Capabilities, Conversation, Exchange, Io, Languages, Last, ListAll,
    ListOne, Listing, RawListing, Retrieval, SetLanguage, Stat, Step, UidlAll, UidlOne,
};
use pop3_proto::wire::{Code, KnownCapability, ScanListing, Text};
use pop3_proto::{Cause, Command, Config, Error};

fuzz_target!(|input: &[u8]| {
    let Some((&[how, piece], turns)) = input.split_first_chunk() else { return };
    let turns: Vec<&[u8]> = turns.split(|&octet| octet == 1).collect();
    // The naive reader does not join a line end that is split between two turns, and knows no limits.
    if turns.iter().any(|turn| turn.ends_with(b"\r") || turn.len() > 8000) {
        return;
    }
    let Some(mut scene) = Scene::new(how, usize::from(piece).max(1)) else { return };
    let mut turns = turns.into_iter();
    while let Some((letter, turn)) = turns.next().and_then(<[u8]>::split_first) {
        let goes_on = match letter {
            b'b' | b'B' => {
                let turns = [Some(turn), turns.next(), turns.next()].map(Option::unwrap_or_default);
                scene.batch(*letter, how, turns)
            }
            _ => scene.call(*letter, turn),
        };
        if !goes_on {
            break;
        }
    }
    scene.finish();
});

/// The number of octets of each message in the listed batch: two of them exceed the limit for the messages in flight.
const LARGE: u64 = 20 << 20;

struct Scene {
    conversation: Conversation,
    /// The maximum number of octets in a read.
    piece: usize,
    /// The answers to the next commands.
    turns: Vec<Vec<u8>>,
    arrived: Vec<u8>,
    wire: Vec<u8>,
    log: Arc<Mutex<Vec<String>>>,
    /// The blank line that an answer left over.
    left: Vec<u8>,
    /// No further command can be sent.
    over: bool,
    /// The octets of the messages that were retrieved.
    messages: Vec<usize>,
    logs_in: bool,
}

impl Scene {
    /// Returns a scene after the login, or before it, with PIPELINING or without.
    fn new(how: u8, piece: usize) -> Option<Scene> {
        let mut conversation = Conversation::new(Config::new().tolerate_lf(false));
        let log = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&log);
        conversation.set_log(move |entry| sink.lock().expect("it is not poisoned").push(entry.to_string()));
        let logs_in = how & 1 == 0;
        let mut scene = Scene {
            conversation,
            piece,
            turns: Vec::new(),
            arrived: b"+OK\r\n".to_vec(),
            wire: Vec::new(),
            log,
            left: Vec::new(),
            over: false,
            messages: Vec::new(),
            logs_in,
        };
        scene.run(Conversation::greet).ok()?;
        if logs_in {
            for command in [Command::User("u"), Command::Pass("tanstaaf")] {
                scene.turns = vec![b"+OK\r\n".to_vec()];
                scene.exchange(Acknowledge(command)).ok()?;
            }
        }
        let offered = ["LANG", "PIPELINING"].into_iter().take(if how & 2 == 0 { 1 } else { 2 });
        scene.conversation.learn(Capabilities::from(offered.collect::<Listing>()));
        Some(scene)
    }

    fn run<T>(&mut self, mut step: impl FnMut(&mut Conversation) -> Result<Step<T>, Error>) -> Result<T, Error> {
        loop {
            match step(&mut self.conversation)? {
                Step::Done(value) => return Ok(value),
                Step::NeedIo(io) => self.io(io),
            }
        }
    }

    fn io(&mut self, io: Io) {
        if io == Io::Transfer {
            let said = self.conversation.pending().to_vec();
            self.conversation.written(said.len());
            self.wire.extend(&said);
            for _ in said.iter().filter(|octet| **octet == b'\n') {
                if !self.turns.is_empty() {
                    self.arrived.extend(self.turns.remove(0));
                }
            }
        }
        if io == Io::Transfer || !self.arrived.is_empty() {
            // With no octets left, this is the end of the stream.
            let spare = self.conversation.spare();
            let len = self.piece.min(self.arrived.len()).min(spare.len());
            spare[..len].copy_from_slice(&self.arrived[..len]);
            self.arrived.drain(..len);
            self.conversation.filled(len);
        }
        self.conversation.looked();
    }

    fn exchange<E: Exchange<Value: Debug>>(&mut self, exchange: E) -> Result<E::Value, Error> {
        let mut call = Call::new(exchange);
        let result = self.run(|conversation| conversation.step(&mut call));
        let shown = format!("{result:?}");
        assert!(!shown.chars().any(char::is_control), "{shown:?}");
        result
    }

    /// Makes a call, whose command is answered by `turn`. Returns false if the script ends here.
    fn call(&mut self, letter: u8, turn: &[u8]) -> bool {
        let Some(shape) = shape(letter, self.logs_in) else { return true };
        let reading = read(&[&self.left, turn].concat(), shape);
        let expected = if self.over { Expected::Over } else { expected(letter, &reading) };
        self.turns = vec![turn.to_vec()];
        let written = self.wire.len();
        let result = self.make(letter);
        judge(letter, &result, &expected);
        assert!(!self.over || self.wire.len() == written, "a command after the end");
        let is_clean = reading.rest.as_deref().is_some_and(|rest| matches!(rest, b"" | b"\r\n"));
        if expected == Expected::Malformed && !is_clean {
            // Whether the rest comes before the next command depends on the time.
            return false;
        }
        if let (b'r' | b'h', Expected::Value(value)) = (letter, &expected) {
            self.messages.push(value[0].len());
        }
        self.over |= !is_clean || expected == Expected::Over || letter == b'q';
        self.left = reading.rest.unwrap_or_default();
        true
    }

    /// Makes the call, and returns its value as words.
    fn make(&mut self, letter: u8) -> Result<Value, Error> {
        let number = |number: u32, rest: &[u8]| [number.to_string().as_bytes(), rest].join(&b' ');
        let listing = |listing: ScanListing| listing.to_string().into_bytes();
        Ok(match letter {
            b't' => self.exchange(Stat).map(|drop| drop.to_string().split(' ').map(Into::into).collect())?,
            b'1' => vec![self.exchange(Last)?.to_string().into()],
            b'i' => vec![listing(self.exchange(ListOne(1))?)],
            b'I' => self.exchange(ListAll::default())?.into_iter().map(listing).collect(),
            b'd' => vec![number(1, self.exchange(UidlOne(1))?.as_bytes())],
            b'D' => self.exchange(UidlAll::default())?.iter().map(|(n, id)| number(*n, id.as_bytes())).collect(),
            b'c' => {
                let capabilities = self.exchange(Capa::default())?;
                let rows: Value = capabilities.iter().map(|capability| capability.as_bytes().to_vec()).collect();
                for capability in capabilities.iter() {
                    assert_eq!(capability.to_string(), Text::new(capability.as_bytes()).to_string());
                    let known = capability.known().map(|known| match known {
                        KnownCapability::Implementation(_) => "Implementation".to_owned(),
                        known => format!("{known:?}"),
                    });
                    assert_eq!(known, naive::capability(capability.as_bytes()), "{capability:?}");
                }
                assert!(capabilities.mechanisms().eq(naive::mechanisms(&rows)));
                rows
            }
            b'M' => {
                let listing = self.exchange(AuthList::default())?;
                listing.iter().map(<[u8]>::to_vec).collect()
            }
            b'l' => self
                .exchange(Languages::default())?
                .iter()
                .map(|language| [language.tag().as_bytes(), language.description().as_bytes()].join(&0))
                .collect(),
            b'L' => vec![self.exchange(SetLanguage("de"))?.as_bytes().to_vec()],
            b'X' => self.exchange(RawListing::new("XLIST"))?.iter().map(<[u8]>::to_vec).collect(),
            b'r' | b'h' => {
                let mut retrieval = if letter == b'r' { Retrieval::retr(1) } else { Retrieval::top(1, 2) };
                vec![self.collect(&mut retrieval, letter == b'h')?]
            }
            _ => {
                let command = match letter {
                    b'n' => Command::Noop,
                    b'R' => Command::Rset,
                    b'x' => Command::Raw("XNOTE"),
                    b'y' => Command::Raw("XPASS tanstaaf"),
                    _ => Command::Quit,
                };
                self.exchange(Acknowledge(command))?;
                Vec::new()
            }
        })
    }

    /// Reads a message, as slices or as copies.
    fn collect(&mut self, retrieval: &mut Retrieval, copies: bool) -> Result<Vec<u8>, Error> {
        let mut message = Vec::new();
        if copies {
            let mut space = vec![0; 200];
            loop {
                match self.run(|conversation| conversation.read_into(retrieval, &mut space))? {
                    0 => break,
                    octets => message.extend_from_slice(&space[..octets]),
                }
            }
        } else {
            self.run(|conversation| conversation.collect(retrieval, &mut message))?;
        }
        assert_eq!((retrieval.octets(), retrieval.is_complete()), (message.len() as u64, true));
        Ok(message)
    }

    /// Retrieves or deletes three messages. Each item has the answer that a naive reader finds at its place in all
    /// octets; errors need a turn that is not one answer. Returns false if the script ends here.
    fn batch(&mut self, letter: u8, how: u8, turns: [&[u8]; 3]) -> bool {
        if !self.logs_in || self.over {
            return true;
        }
        let shape = if letter == b'b' { Shape::Message } else { Shape::Line };
        let is_clean = turns.iter().all(|turn| read(turn, shape).rest.is_some_and(|rest| rest.is_empty()));
        let mut rest = Some([&self.left, &turns.concat()[..]].concat());
        let readings = turns.map(|_| {
            let reading = rest.take().map(|octets| read(&octets, shape)).unwrap_or_default();
            rest.clone_from(&reading.rest);
            reading
        });
        self.turns = turns.map(<[u8]>::to_vec).into();
        let (window, before) = (1 + usize::from(how >> 3), self.wire.len());
        let (mut results, mut wanted) = (Vec::new(), 3);
        if letter == b'b' {
            let sizes = (1..=3).map(|number| ScanListing { number, octets: LARGE });
            let selection = if how & 4 == 0 { (1..=3).collect() } else { sizes.collect() };
            let mut batch =
                if how & 0x40 == 0 { Batch::retrieve(selection, window) } else { Batch::top(2, selection, window) };
            while let Some(mut item) = self.run(|conversation| Ok(batch.next(conversation))).expect("it never fails") {
                results.push((item.number, self.collect(&mut item.call, false).map(|message| vec![message])));
            }
        } else {
            let mut batch = Batch::delete(1..=3, window);
            while let Some(mut item) = self.run(|conversation| Ok(batch.next(conversation))).expect("it never fails") {
                let deleted = self.run(|conversation| conversation.step(&mut item.call));
                results.push((item.number, deleted.map(|()| Value::new())));
                if how & 0x80 == 0 && results.len() == 1 {
                    batch.stop();
                    // From now on, only commands in flight have an item.
                    let sent = [&self.wire[before..], self.conversation.pending()].concat();
                    wanted = sent.split(|&octet| octet == b'\n').count().max(2) - 1;
                }
            }
        }
        assert!((1..=wanted).eq(results.iter().map(|(number, _)| *number as usize)), "each message has one item");
        for ((_, result), reading) in results.iter().zip(&readings) {
            let expected = if letter == b'b' { reading.expect_message() } else { expected(letter, reading) };
            if is_clean || result.as_ref().err().is_none_or(|error| error.refused().is_some()) {
                judge(letter, result, &expected);
            }
            if let (b'b', Ok(value)) = (letter, result) {
                self.messages.push(value[0].len());
            }
        }
        self.left.clear();
        is_clean && results.len() == 3
    }

    /// Compares the log with the octets that were sent and received.
    fn finish(&self) {
        let log = self.log.lock().expect("it is not poisoned");
        assert!(log.iter().all(|entry| !entry.chars().any(char::is_control)), "{log:?}");
        let commands = [&self.wire[..], self.conversation.pending()].concat();
        let sent = naive_message::whole_lines(&commands).into_iter().map(|line| {
            let line = String::from_utf8(naive_message::bare(line)).expect("commands are ASCII");
            format!("C: {}", line.replace("tanstaaf", "***"))
        });
        assert!(log.iter().filter(|entry| entry.starts_with("C: ")).eq(&sent.collect::<Vec<_>>()), "{log:?}");
        let logged = log.iter().filter_map(|entry| entry.strip_prefix("S: (")?.strip_suffix(" octets)")?.parse().ok());
        let logged: Vec<usize> = logged.collect();
        assert!(self.messages.iter().all(|len| logged.contains(len)), "{log:?}");
    }
}

/// Returns the shape of the answer, if the call is permitted in this state.
fn shape(letter: u8, logged_in: bool) -> Option<Shape> {
    let shape = match letter {
        b'I' | b'D' | b'c' | b'M' | b'l' | b'X' => Shape::Rows,
        b'r' | b'h' => Shape::Message,
        b't' | b'1' | b'i' | b'd' | b'L' | b'n' | b'R' | b'x' | b'y' | b'q' => Shape::Line,
        _ => return None,
    };
    let permitted = if logged_in { letter != b'M' } else { b"cMlLq".contains(&letter) };
    permitted.then_some(shape)
}

/// Returns the result of a call that has this answer.
fn expected(letter: u8, reading: &Reading) -> Expected {
    let first = |row: Option<Vec<u8>>| row.filter(|row| row.starts_with(b"1 ")).map(|row| vec![row]);
    let reply = |text: &[u8]| match letter {
        b't' => naive::drop_listing(text),
        b'1' => naive::last(text),
        b'i' => first(naive::scan_listing(text)),
        b'd' => first(naive::unique_id(text)),
        b'L' => Some(vec![naive::first_word(text)]),
        _ => Some(Vec::new()),
    };
    let row: Option<ReadRow> = match letter {
        b'I' => Some(|row| naive::scan_listing(naive::without_ok(row))),
        b'D' => Some(|row| naive::unique_id(naive::without_ok(row))),
        b'l' => Some(|row| Some(naive::language(row))),
        b'c' | b'M' | b'X' => Some(|row| Some(row.to_vec())),
        b'r' | b'h' => return reading.expect_message(),
        _ => None,
    };
    let mut expected = reading.expect(reply, row);
    if let (b'y', Expected::Refused { text, code }, Some((_, line))) = (letter, &mut expected, &reading.status) {
        // The argument may be a secret, so a text that contains it is withheld.
        if forms(b"tanstaaf").iter().any(|form| line.windows(form.len()).any(|part| part == form)) {
            *text = b"***".to_vec();
            // An unknown code may be a part of it.
            *code = code.filter(|code| !code.is_empty());
        }
    }
    expected
}

fn judge(letter: u8, result: &Result<Value, Error>, expected: &Expected) {
    if let Err(error) = result {
        let shown = error.to_string();
        assert!(shown.starts_with(error.operation()) && !shown.chars().any(char::is_control), "{shown:?}");
    }
    let found = match result {
        Ok(value) => Expected::Value(value.clone()),
        Err(error) => match (error.cause(), error.refused()) {
            (Cause::Malformed(_), _) => Expected::Malformed,
            (_, Some(refused)) => {
                Expected::Refused { code: refused.code().map(Code::as_str), text: refused.text().as_bytes().to_vec() }
            }
            _ => {
                assert!(!error.is_recoverable(), "{error}");
                Expected::Over
            }
        },
    };
    assert_eq!(found, *expected, "{}: {result:?}", char::from(letter));
}
