//! Batches without pipelining, played twice against the same server: with the next message requested ahead, and without.
//! The results are the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pop3_fuzz::Shape;
use pop3_fuzz::naive_answers::{Expected, Reading, Value, read};
use pop3_proto::drive::{Acknowledge, Batch, Call, Capabilities, Conversation, Io, Item, Retrieval, Selection, Step};
use pop3_proto::wire::Code;
use pop3_proto::{Cause, Command, Config, Error};

fuzz_target!(|input: &[u8]| {
    let Some((&[how, piece], turns)) = input.split_first_chunk() else { return };
    let turns: Vec<Turn<'_>> = turns.split(|&octet| octet == 1).take(8).filter_map(Turn::new).collect();
    // The naive reader knows no limits.
    if turns.is_empty() || turns.iter().any(|turn| turn.answer.len() > 8000) {
        return;
    }
    let server = Server { how, piece: usize::from(piece).max(1), turns: &turns };
    let (ahead, behind) = (Play::new(&server, true).run(), Play::new(&server, false).run());
    let is_clean = turns.iter().all(|turn| turn.reading().rest.is_some_and(|rest| rest.is_empty()));
    let is_read = turns.iter().all(|turn| !turn.act.abandons());
    if is_clean || is_read {
        assert_eq!(ahead.results, behind.results);
    }
    // RFC 2449, section 6.7, names only RETR.
    let holds_back = server.removes_what_was_retrieved() && server.keyword() == "RETR ";
    if is_read || holds_back {
        assert_eq!(ahead.wire.escape_ascii().to_string(), behind.wire.escape_ascii().to_string());
    }
    if is_clean {
        // Only messages that the batch may still request are requested in addition.
        let mut rest = behind.lines().into_iter().peekable();
        for line in ahead.lines() {
            if rest.next_if_eq(&line).is_none() {
                assert!(line.starts_with(server.keyword()), "{line}");
            }
        }
        assert_eq!(rest.next(), None);
    }
    for play in [&ahead, &behind] {
        play.judge();
    }
});

/// The use of a message.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Act {
    /// Takes it in slices.
    Read,
    Collect,
    /// Takes it in copies of few octets.
    Copy,
    /// Abandons it after the first octets.
    Drop,
    /// Never begins to read it.
    Ignore,
    /// Reads it after a NOOP.
    Noop,
    /// Reads it, and then retrieves the next one outside the batch.
    Other,
    /// Reads it after the batch was stopped.
    Stop,
}

impl Act {
    /// Returns true if the message that was requested ahead may not be the next one of the caller.
    fn abandons(self) -> bool {
        !matches!(self, Act::Read | Act::Collect | Act::Copy)
    }
}

/// The answer to the retrieval of a message, and the use of the message.
struct Turn<'a> {
    act: Act,
    answer: &'a [u8],
}

impl<'a> Turn<'a> {
    fn new(octets: &'a [u8]) -> Option<Turn<'a>> {
        let (letter, answer) = octets.split_first()?;
        let act = match letter {
            b'r' => Act::Read,
            b'c' => Act::Collect,
            b'i' => Act::Copy,
            b'd' => Act::Drop,
            b'n' => Act::Noop,
            b'o' => Act::Other,
            b's' => Act::Stop,
            _ => Act::Ignore,
        };
        Some(Turn { act, answer })
    }

    fn reading(&self) -> Reading {
        read(self.answer, Shape::Message)
    }
}

/// A server that answers each retrieval by its number, and everything else by `+OK`.
struct Server<'a> {
    how: u8,
    /// The maximum number of octets in a read.
    piece: usize,
    turns: &'a [Turn<'a>],
}

impl Server<'_> {
    fn removes_what_was_retrieved(&self) -> bool {
        self.how & 1 != 0
    }

    fn keyword(&self) -> &'static str {
        if self.how & 2 == 0 { "RETR " } else { "TOP " }
    }

    fn answer(&self, line: &str) -> &[u8] {
        let number = line.strip_prefix(self.keyword()).and_then(|rest| rest.split(' ').next()?.parse::<usize>().ok());
        match number.and_then(|number| self.turns.get(number - 1)) {
            Some(turn) => turn.answer,
            None => b"+OK\r\n",
        }
    }

    fn retrieval(&self, number: u32) -> Retrieval {
        if self.how & 2 == 0 { Retrieval::retr(number) } else { Retrieval::top(number, 3) }
    }
}

/// The result of reading a message: its number, and the message or the text of the error.
#[derive(Debug, PartialEq, Eq)]
struct Heard {
    number: u32,
    outcome: Expected,
    error: Option<String>,
}

struct Play<'a> {
    server: &'a Server<'a>,
    conversation: Conversation,
    requests_ahead: bool,
    arrived: Vec<u8>,
    wire: Vec<u8>,
    /// The number of octets of `wire` that the server has read.
    answered: usize,
    results: Vec<Heard>,
}

impl<'a> Play<'a> {
    fn new(server: &'a Server<'a>, requests_ahead: bool) -> Play<'a> {
        Play {
            server,
            conversation: Conversation::new(Config::new().tolerate_lf(false)),
            requests_ahead,
            arrived: b"+OK\r\n".to_vec(),
            wire: Vec::new(),
            answered: 0,
            results: Vec::new(),
        }
    }

    fn io(&mut self, io: Io) {
        if io == Io::Transfer {
            self.write();
        }
        if io == Io::Transfer || !self.arrived.is_empty() {
            // With no octets left, this is the end of the stream.
            let spare = self.conversation.spare();
            let len = self.server.piece.min(self.arrived.len()).min(spare.len());
            spare[..len].copy_from_slice(&self.arrived[..len]);
            self.arrived.drain(..len);
            self.conversation.filled(len);
            if self.requests_ahead && len > 0 && self.arrived.is_empty() && self.conversation.has_next() {
                assert_eq!(self.conversation.pending(), b"");
                self.conversation.send_next();
                assert!(self.conversation.pending().is_empty() || self.conversation.client().in_flight() == 2);
            }
        }
        if io == Io::Look {
            self.conversation.looked();
        }
    }

    fn write(&mut self) {
        let said = self.conversation.pending().to_vec();
        self.conversation.written(said.len());
        self.wire.extend(&said);
        while let Some(end) = self.wire[self.answered..].iter().position(|&octet| octet == b'\n') {
            // This is not pipelining: the client has read all earlier answers.
            assert!(self.arrived.is_empty(), "a command before the answer to the one before was read");
            let line = String::from_utf8_lossy(&self.wire[self.answered..self.answered + end]).trim_end().to_owned();
            self.answered += end + 1;
            self.arrived.extend(self.server.answer(&line));
        }
    }

    fn drive<T>(&mut self, mut step: impl FnMut(&mut Conversation) -> Result<Step<T>, Error>) -> Result<T, Error> {
        loop {
            match step(&mut self.conversation)? {
                Step::Done(value) => return Ok(value),
                Step::NeedIo(io) => self.io(io),
            }
        }
    }

    fn command(&mut self, command: Command<'static>) -> Result<(), Error> {
        let mut call = Call::new(Acknowledge(command));
        self.drive(|conversation| conversation.step(&mut call))
    }

    fn run(mut self) -> Play<'a> {
        self.drive(Conversation::greet).expect("the greeting has arrived");
        for command in [Command::User("u"), Command::Pass("p")] {
            self.command(command).expect("it lets us in");
        }
        let offered = self.server.removes_what_was_retrieved().then_some("EXPIRE 0");
        self.conversation.learn(Capabilities::from(offered.into_iter().collect::<pop3_proto::drive::Listing>()));
        let last = u32::try_from(self.server.turns.len()).expect("at most 8");
        let selection: Selection = (1..=last).collect();
        let mut batch =
            if self.server.how & 2 == 0 { Batch::retrieve(selection, 64) } else { Batch::top(3, selection, 64) };
        while let Some(Item { number, call }) =
            self.drive(|conversation| Ok(batch.next(conversation))).expect("a batch never fails")
        {
            let act = self.server.turns[number as usize - 1].act;
            if act == Act::Stop {
                batch.stop();
            }
            self.take(act, number, call);
        }
        let end = self.command(Command::Noop);
        self.hear(0, end.map(|()| Value::new()));
        self
    }

    fn take(&mut self, act: Act, number: u32, mut call: Retrieval) {
        match act {
            Act::Ignore => return,
            Act::Drop => {
                if let Ok(true) = self.drive(|conversation| conversation.read(&mut call)) {
                    self.conversation.take_body(2);
                }
                return;
            }
            Act::Noop => {
                let noop = self.command(Command::Noop);
                self.hear(0, noop.map(|()| Value::new()));
            }
            _ => {}
        }
        let message = self.message(act, &mut call);
        self.hear(number, message);
        if act == Act::Other && number < 9 {
            let mut other = self.server.retrieval(number + 1);
            // There is no answer of a message after the last one.
            if number as usize != self.server.turns.len() {
                let message = self.message(Act::Read, &mut other);
                self.hear(number + 1, message);
            }
        }
    }

    fn message(&mut self, act: Act, call: &mut Retrieval) -> Result<Value, Error> {
        let mut message = Vec::new();
        match act {
            Act::Collect => self.drive(|conversation| conversation.collect(call, &mut message))?,
            Act::Copy => {
                let mut space = [0; 7];
                loop {
                    match self.drive(|conversation| conversation.read_into(call, &mut space))? {
                        0 => break,
                        octets => message.extend_from_slice(&space[..octets]),
                    }
                }
            }
            _ => {
                while self.drive(|conversation| conversation.read(call))? {
                    message.extend_from_slice(self.conversation.body());
                    self.conversation.take_body(usize::MAX);
                }
            }
        }
        assert!(call.is_complete());
        Ok(vec![message])
    }

    fn hear(&mut self, number: u32, result: Result<Value, Error>) {
        let error = result.as_ref().err().map(ToString::to_string);
        let outcome = match result {
            Ok(value) => Expected::Value(value),
            Err(error) => match (error.cause(), error.refused()) {
                (Cause::Malformed(_), _) => Expected::Malformed,
                (_, Some(refused)) => Expected::Refused {
                    code: refused.code().map(Code::as_str),
                    text: refused.text().as_bytes().to_vec(),
                },
                _ => Expected::Over,
            },
        };
        self.results.push(Heard { number, outcome, error });
    }

    fn lines(&self) -> Vec<String> {
        String::from_utf8_lossy(&self.wire).split_inclusive("\r\n").map(Into::into).collect()
    }

    /// Checks that each message, and each refusal, is the one that a naive reader finds in the answer for its number.
    fn judge(&self) {
        for Heard { number, outcome, error } in self.results.iter().filter(|heard| heard.number > 0) {
            if *outcome != Expected::Over {
                let wanted = self.server.turns[*number as usize - 1].reading().expect_message();
                assert_eq!(*outcome, wanted, "{number}: {error:?}");
            }
        }
    }
}
