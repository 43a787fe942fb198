//! Calls that overlap, are dropped and resumed, over a transport that writes and reads little at a time: each call gets
//! its own whole answer, or an error. Without PIPELINING, no command is sent before the answer to the one before.
#![no_main]

use std::collections::{HashSet, VecDeque};

use libfuzzer_sys::fuzz_target;
use pop3_proto::drive::{
    Acknowledge, Batch, Call, Capabilities, Conversation, Exchange, Io, Listing, Retrieval, Selection, Step, UidlAll,
    UidlOne,
};
use pop3_proto::{Cause, Command, Config, Error, UsageError};

fuzz_target!(|script: &[u8]| {
    let Some((&how, script)) = script.split_first() else { return };
    let mut scene = Scene::new(how);
    for &octet in script.iter().take(400) {
        scene.act(octet & 7, usize::from(octet >> 3));
    }
    scene.finish();
});

/// A server that numbers its answers.
#[derive(Default)]
struct Server {
    heard: Vec<u8>,
    said: VecDeque<u8>,
    listings: u32,
    /// The client may not send a command before it has read all earlier answers.
    waits: bool,
}

impl Server {
    fn hear(&mut self, octets: &[u8]) {
        self.heard.extend(octets);
        while let Some(end) = self.heard.iter().position(|&octet| octet == b'\n') {
            let line = String::from_utf8(self.heard.drain(..=end).collect()).expect("commands are ASCII");
            assert!(self.said.is_empty() || !self.waits, "{line:?} before an earlier answer was read");
            let answer = self.answer(line.trim_end());
            self.said.extend(answer.as_bytes());
        }
    }

    fn answer(&mut self, line: &str) -> String {
        let number = line.split(' ').nth(1).unwrap_or_default();
        match line.split(' ').next() {
            Some("UIDL") if number.is_empty() => {
                self.listings += 1;
                let rows: String =
                    (1..=3).map(|row| format!("{row} {}\r\n", self.listings)).collect::<Vec<_>>().concat();
                format!("+OK\r\n{rows}.\r\n")
            }
            _ if is_refused(number) => format!("-ERR no {number}\r\n"),
            Some("UIDL") => format!("+OK {number} id-{number}\r\n"),
            Some("RETR") => format!("+OK\r\n{}.\r\n", message(number).replace("\r\n.", "\r\n..")),
            _ => "+OK\r\n".into(),
        }
    }
}

fn is_refused(number: &str) -> bool {
    number.ends_with('5')
}

fn message(number: &str) -> String {
    format!("Subject: {number}\r\n\r\n.{number}\r\n{number}\r\n")
}

/// A call, and the answer that it must bring.
enum Pending {
    Listing(Call<UidlAll>),
    Single(Call<UidlOne>, u32),
    Message(Retrieval, u32, Vec<u8>),
    Messages(Batch<Retrieval>, Option<(Retrieval, u32, Vec<u8>)>),
    Deletions(Batch<Call<Acknowledge<'static>>>),
    Over,
}

struct Scene {
    conversation: Conversation,
    server: Server,
    calls: Vec<Pending>,
    last: u32,
    /// The numbers of the listings that calls have received.
    listings: HashSet<Vec<u8>>,
    /// The adapter requests the next message of a batch ahead.
    requests_ahead: bool,
}

impl Scene {
    /// Returns a scene in TRANSACTION, with PIPELINING or without, and with an adapter that requests ahead or does not.
    fn new(how: u8) -> Scene {
        let (pipelines, requests_ahead) = (how & 1 != 0, how & 2 == 0);
        let conversation = Conversation::new(Config::default());
        let server = Server { said: b"+OK\r\n".iter().copied().collect(), waits: !pipelines, ..Server::default() };
        let mut scene =
            Scene { conversation, server, calls: Vec::new(), last: 0, listings: HashSet::new(), requests_ahead };
        scene.read(usize::MAX);
        assert_eq!(scene.conversation.greet().expect("it greets"), Step::Done(()));
        for command in [Command::User("u"), Command::Pass("p")] {
            let mut call = Call::new(Acknowledge(command));
            while let Step::NeedIo(io) = scene.conversation.step(&mut call).expect("it lets us in") {
                scene.io(io);
            }
        }
        let offered: Listing = pipelines.then_some("PIPELINING").into_iter().collect();
        scene.conversation.learn(Capabilities::from(offered));
        scene
    }

    fn number(&mut self) -> u32 {
        self.last += 1;
        self.last.saturating_add(1)
    }

    fn act(&mut self, what: u8, argument: usize) {
        match what {
            0 if self.calls.len() < 8 => {
                let number = self.number();
                let mut numbers = || [number, self.number(), self.number()];
                let window = 5 + argument;
                let call = match argument % 5 {
                    0 => Pending::Listing(Call::new(UidlAll::default())),
                    1 => Pending::Single(Call::new(UidlOne(number)), number),
                    2 => Pending::Message(Retrieval::retr(number), number, Vec::new()),
                    3 => Pending::Messages(Batch::retrieve(Selection::from_iter(numbers()), window), None),
                    _ => Pending::Deletions(Batch::delete(numbers(), window)),
                };
                self.calls.push(call);
            }
            1 | 2 => self.step(argument, usize::MAX),
            3 => self.step(argument, 1),
            4 => self.write(argument + 1),
            5 => self.read(argument + 1),
            6 => self.look(),
            _ => match self.calls.len() {
                0 => {}
                len if argument & 1 == 0 => drop(self.calls.remove(argument % len)),
                len => self.begin(argument % len),
            },
        }
    }

    fn io(&mut self, io: Io) {
        match io {
            Io::Transfer => {
                self.write(usize::MAX);
                self.read(usize::MAX);
            }
            Io::Look => self.look(),
        }
    }

    fn write(&mut self, most: usize) {
        let pending = self.conversation.pending();
        let octets = pending[..pending.len().min(most)].to_vec();
        self.conversation.written(octets.len());
        self.server.hear(&octets);
    }

    /// Reads while no octets of a message wait to be taken, as the documentation requires.
    fn read(&mut self, most: usize) {
        if self.server.said.is_empty() || !self.conversation.body().is_empty() {
            return;
        }
        let spare = self.conversation.spare();
        let len = self.server.said.len().min(most).min(spare.len());
        for (space, octet) in spare.iter_mut().zip(self.server.said.drain(..len)) {
            *space = octet;
        }
        self.conversation.filled(len);
        if self.requests_ahead && self.server.said.is_empty() && self.conversation.has_next() {
            self.conversation.send_next();
        }
    }

    fn look(&mut self) {
        self.read(usize::MAX);
        self.conversation.looked();
    }

    fn begin(&mut self, at: usize) {
        let begun = match &mut self.calls[at] {
            Pending::Listing(call) => self.conversation.begin(call).map(drop),
            Pending::Single(call, _) => self.conversation.begin(call).map(drop),
            Pending::Message(retrieval, ..) => self.conversation.open(retrieval).map(drop),
            _ => Ok(()),
        };
        if let Err(error) = begun {
            // A message that is opened may be refused.
            match &self.calls[at] {
                Pending::Message(_, number, _) => judge_refusal(&error, *number),
                _ => judge(&error),
            }
            self.calls[at] = Pending::Over;
        }
    }

    /// Steps a call. Its result must be its own, and whole.
    fn step(&mut self, which: usize, take: usize) {
        let Some(at) = which.checked_rem(self.calls.len()) else { return };
        let Scene { conversation, calls, listings, .. } = self;
        let over = match &mut calls[at] {
            Pending::Listing(call) => settled(conversation, call).is_some_and(|result| {
                if let Ok(rows) = result {
                    let ids: HashSet<_> = rows.iter().map(|(_, id)| id.as_bytes().to_vec()).collect();
                    assert_eq!((rows.len(), ids.len()), (3, 1), "{rows:?}");
                    assert!(listings.insert(ids.into_iter().next().expect("one")), "two calls have one answer");
                }
                true
            }),
            Pending::Single(call, number) => settled(conversation, call).is_some_and(|result| {
                match result {
                    Ok(id) => assert_eq!(id.as_bytes(), format!("id-{number}").as_bytes()),
                    Err(error) => judge_refusal(&error, *number),
                }
                true
            }),
            Pending::Message(retrieval, number, octets) => read(conversation, retrieval, *number, octets, take),
            Pending::Messages(batch, current) => {
                if current.is_none() {
                    match batch.next(conversation) {
                        Step::Done(Some(item)) => {
                            let number = item.number;
                            *current = Some((item.call, number, Vec::new()));
                        }
                        Step::Done(None) => return calls[at] = Pending::Over,
                        Step::NeedIo(_) => return,
                    }
                }
                let Some((retrieval, number, octets)) = current else { return };
                if read(conversation, retrieval, *number, octets, take) {
                    *current = None;
                }
                false
            }
            Pending::Deletions(batch) => match batch.next(conversation) {
                Step::Done(Some(item)) => {
                    // The item is not awaited: the next call skips it.
                    let number = item.number;
                    let mut call = item.call;
                    if let Some(Err(error)) = settled(conversation, &mut call) {
                        judge_refusal(&error, number);
                    }
                    false
                }
                Step::Done(None) => true,
                Step::NeedIo(_) => false,
            },
            Pending::Over => true,
        };
        if over {
            self.calls[at] = Pending::Over;
        }
    }

    /// Delivers all answers that are owed, and checks that the conversation can make another call.
    fn finish(&mut self) {
        for _ in 0..200 {
            for at in 0..self.calls.len() {
                self.step(at, usize::MAX);
            }
            self.write(usize::MAX);
            self.look();
            if self.calls.iter().all(|call| matches!(call, Pending::Over)) {
                break;
            }
        }
        assert!(self.calls.iter().all(|call| matches!(call, Pending::Over)), "a call waits for ever");
        let number = u32::MAX - 4;
        let mut last = Call::new(UidlOne(number));
        for _ in 0..200 {
            match self.conversation.step(&mut last) {
                Ok(Step::NeedIo(io)) => self.io(io),
                Ok(Step::Done(id)) => {
                    assert_eq!(id.as_bytes(), format!("id-{number}").as_bytes());
                    return assert_eq!(self.conversation.client().in_flight(), 0);
                }
                Err(error) => panic!("{error}"),
            }
        }
        panic!("the last call waits for ever");
    }
}

/// Steps a message. Returns true at its end.
fn read(
    conversation: &mut Conversation,
    retrieval: &mut Retrieval,
    number: u32,
    octets: &mut Vec<u8>,
    take: usize,
) -> bool {
    let wanted = message(&number.to_string());
    match conversation.read(retrieval) {
        Ok(Step::NeedIo(_)) => false,
        Ok(Step::Done(true)) => {
            let taken = conversation.body().len().min(take);
            octets.extend_from_slice(&conversation.body()[..taken]);
            conversation.take_body(taken);
            assert!(wanted.as_bytes().starts_with(octets), "{}", octets.escape_ascii());
            false
        }
        Ok(Step::Done(false)) => {
            assert!(retrieval.is_complete());
            assert_eq!(*octets, wanted.as_bytes(), "{}", octets.escape_ascii());
            true
        }
        Err(error) => {
            judge_refusal(&error, number);
            true
        }
    }
}

fn settled<E: Exchange>(conversation: &mut Conversation, call: &mut Call<E>) -> Option<Result<E::Value, Error>> {
    match conversation.step(call) {
        Ok(Step::NeedIo(_)) => None,
        Ok(Step::Done(value)) => Some(Ok(value)),
        Err(error) => {
            if error.refused().is_none() {
                judge(&error);
            }
            Some(Err(error))
        }
    }
}

/// Checks that a part of the answer was skipped, and that there is no other error.
fn judge(error: &Error) {
    assert!(matches!(error.cause(), Cause::Usage(UsageError::Skipped)), "{error}");
}

fn judge_refusal(error: &Error, number: u32) {
    match error.refused() {
        Some(refused) => {
            assert!(
                is_refused(&number.to_string()) && refused.to_string().ends_with(&format!("no {number}")),
                "{error}"
            );
        }
        None => judge(error),
    }
}
