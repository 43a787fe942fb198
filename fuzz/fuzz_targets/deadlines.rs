//! Deadlines on a virtual clock, against a model that adds up the whole history before each question.
#![no_main]

use std::collections::VecDeque;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use pop3_proto::drive::{
    Acknowledge, Call, Capabilities, Conversation, Deadlines, Io, ListAll, Listing, Retrieval, Step, TimedOut, Timeouts,
};
use pop3_proto::{Command, Config};

fuzz_target!(|script: &[u8]| {
    let Some((&[limits, tls], script)) = script.split_first_chunk() else { return };
    let mut scene = Scene::new(timeouts(limits));
    if tls & 1 == 1 {
        for _ in 0..2 {
            scene.wait(Phase::Handshake, seconds(tls >> 1), 0);
        }
        scene.conversation.tls_established(None).expect("nothing has arrived");
    }
    for &octet in script.iter().take(300) {
        scene.act(octet & 7, octet >> 3);
    }
});

fn seconds(number: u8) -> Duration {
    Duration::from_secs(number.into())
}

/// Returns limits of a few seconds each, or none.
fn timeouts(octet: u8) -> Timeouts {
    let limit = |bits: u8, most: u64| match bits & 3 {
        3 => Duration::MAX,
        bits => Duration::from_secs(most >> bits),
    };
    Timeouts::new()
        .connect(limit(octet, 30))
        .handshake(limit(octet.rotate_left(3), 20))
        .greeting(limit(octet.rotate_left(1), 24))
        .answer(limit(octet.rotate_left(2), 16))
        .interval(limit(octet.rotate_left(4), 12))
        .login(limit(octet.rotate_left(6), 60))
        .octets(u32::from(octet >> 5) * 7)
}

/// The subject of a wait. An answer is given by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Connection(usize),
    Handshake,
    Greeting,
    Answer(usize, &'static str),
    Octets(usize),
}

/// A command, its answer, and the length of the answer's status line.
const COMMANDS: [(&str, &[u8], usize); 5] = [
    ("USER", b"+OK\r\n", 5),
    ("PASS", b"+OK\r\n", 5),
    ("NOOP", b"-ERR not today\r\n", 16),
    ("LIST", b"+OK\r\n1 120\r\n2 70\r\n.\r\n", 5),
    ("RETR", b"+OK\r\nSubject: dots\r\n\r\n..\r\nand a line\r\n.\r\n", 5),
];

/// An answer in the octets of the server.
struct Answer {
    keyword: &'static str,
    status_end: usize,
    end: usize,
}

enum Pending {
    Line(Call<Acknowledge<'static>>),
    Listing(Call<ListAll>),
    Message(Retrieval),
}

/// A wait that is over: its subject, its length, the octets that ended it, and how many an interval needed then.
struct Record {
    phase: Phase,
    waited: Duration,
    octets: usize,
    needed: u32,
}

struct Scene {
    conversation: Conversation,
    timeouts: Timeouts,
    /// One is asked with `answer`, the other with `until`.
    deadlines: Deadlines,
    clocked: Deadlines,
    now: Duration,
    history: Vec<Record>,
    answers: Vec<Answer>,
    stream: Vec<u8>,
    delivered: usize,
    pending: VecDeque<Pending>,
    connections: usize,
}

impl Scene {
    fn new(timeouts: Timeouts) -> Scene {
        let greeting = b"+OK ready\r\n";
        Scene {
            conversation: Conversation::new(Config::default()),
            timeouts,
            deadlines: Deadlines::new(timeouts),
            clocked: Deadlines::new(timeouts),
            now: Duration::from_secs(1000),
            history: Vec::new(),
            answers: Vec::new(),
            stream: greeting.to_vec(),
            delivered: 0,
            pending: VecDeque::new(),
            connections: 0,
        }
    }

    fn act(&mut self, what: u8, argument: u8) {
        match what {
            0 => self.send(),
            // The caller does something else: this time does not count.
            1 => self.now += seconds(argument),
            2 => {
                self.timeouts = timeouts(argument << 3 | argument & 7);
                self.deadlines.set_timeouts(self.timeouts);
                self.clocked.set_timeouts(self.timeouts);
            }
            // All attempts to connect come first.
            3 if self.history.iter().all(|record| matches!(record.phase, Phase::Connection(_))) => {
                self.connections += 1;
                self.wait(Phase::Connection(self.connections), seconds(argument), 0);
            }
            _ => match self.phase() {
                None => assert_eq!(self.clocked.until(&self.conversation, self.now), Ok(Duration::MAX), "idle"),
                Some(phase) => {
                    let octets = if what < 5 { 0 } else { usize::from(argument & 15) };
                    let waited = seconds(if what < 7 { argument >> 2 } else { 0 });
                    self.wait(phase, waited, octets);
                }
            },
        }
    }

    /// Returns the subject of the next wait, by the place in the server's octets.
    fn phase(&self) -> Option<Phase> {
        if self.delivered < b"+OK ready\r\n".len() {
            return Some(Phase::Greeting);
        }
        let at = self.answers.iter().position(|answer| answer.end > self.delivered)?;
        let answer = &self.answers[at];
        Some(if answer.status_end > self.delivered { Phase::Answer(at, answer.keyword) } else { Phase::Octets(at) })
    }

    /// Asks for the time that is left, and reports a wait.
    fn wait(&mut self, phase: Phase, waited: Duration, octets: usize) {
        let left = match phase {
            Phase::Connection(_) => self.deadlines.connection(),
            Phase::Handshake => self.deadlines.handshake(),
            _ => self.deadlines.answer(&self.conversation),
        };
        self.compare(left, phase);
        // The second question is in the middle of the wait, after which no octets have arrived yet.
        let first = waited / 2;
        match phase {
            Phase::Connection(_) | Phase::Handshake => {
                let same = if phase == Phase::Handshake { self.clocked.handshake() } else { self.clocked.connection() };
                assert_eq!(same, left);
                self.clocked.spent(waited, octets);
            }
            _ => {
                let at_first = self.clocked.until(&self.conversation, self.now);
                assert_eq!(at_first, left.map(|left| self.now.saturating_add(left)));
                let then = self.clocked.until(&self.conversation, self.now + first);
                // With an interval of no octets, only their arrival begins a new one.
                if let (Ok(deadline), Ok(then)) = (at_first, then) {
                    assert_eq!(then, deadline, "a question does not move the deadline");
                }
                self.clocked.received(octets, self.now + waited);
            }
        }
        self.now += waited;
        self.deadlines.spent(waited, octets);
        self.history.push(Record { phase, waited, octets, needed: self.timeouts.octets });
        if !matches!(phase, Phase::Connection(_) | Phase::Handshake) {
            self.deliver(octets);
        }
    }

    /// Compares the time that is left with the sum of the waits.
    fn compare(&self, left: Result<Duration, TimedOut>, phase: Phase) {
        let mut spent = Duration::ZERO;
        let mut octets = 0;
        for record in self.history.iter().filter(|record| record.phase == phase) {
            spent += record.waited;
            octets += record.octets;
            let is_interval = matches!(phase, Phase::Octets(_));
            if is_interval && record.octets > 0 && octets >= record.needed as usize {
                (spent, octets) = (Duration::ZERO, 0);
            }
        }
        let total: Duration = self.history.iter().map(|record| record.waited).sum();
        let t = self.timeouts;
        let (limit, timed_out) = match phase {
            Phase::Connection(_) => (t.connect, "the server could not be reached for".to_owned()),
            Phase::Handshake => (t.handshake, "the TLS handshake took longer than".into()),
            Phase::Greeting => (t.greeting, "the server sent no greeting for".into()),
            Phase::Answer(_, keyword) => (t.answer, format!("the server sent no answer to {keyword} for")),
            Phase::Octets(_) => (t.interval, format!("the server sent fewer than {} octets in", t.octets)),
        };
        let logged_in = self.answers.get(1).is_some_and(|pass| pass.end <= self.delivered);
        let login = if logged_in { Duration::MAX } else { t.login };
        let expected = if limit != Duration::MAX && spent >= limit {
            Err(format!("{timed_out} {} s", limit.as_secs()))
        } else if login != Duration::MAX && total >= login {
            Err(format!("the login took too long: more than {} s", login.as_secs()))
        } else {
            let left =
                |limit: Duration, spent| if limit == Duration::MAX { limit } else { limit.saturating_sub(spent) };
            Ok(left(limit, spent).min(left(login, total)))
        };
        assert_eq!(left.map_err(|timed_out| timed_out.to_string()), expected, "{phase:?}");
    }

    /// Sends the next command, as soon as the greeting was heard.
    fn send(&mut self) {
        if self.phase() == Some(Phase::Greeting) || self.pending.len() > 4 {
            return;
        }
        let next = self.answers.len();
        let logged_in = self.answers.get(1).is_some_and(|pass| pass.end <= self.delivered);
        // USER and PASS are sent one at a time.
        if !logged_in && !self.pending.is_empty() {
            return;
        }
        if logged_in && self.conversation.capabilities().is_none() {
            self.conversation.learn(Capabilities::from(Listing::from_iter(["PIPELINING"])));
        }
        let at = if next < 2 { next } else { 2 + next % 3 };
        let (keyword, answer, status) = COMMANDS[at];
        let mut pending = match at {
            0 => Pending::Line(Call::new(Acknowledge(Command::User("u")))),
            1 => Pending::Line(Call::new(Acknowledge(Command::Pass("p")))),
            2 => Pending::Line(Call::new(Acknowledge(Command::Noop))),
            3 => Pending::Listing(Call::new(ListAll::default())),
            _ => Pending::Message(Retrieval::retr(1)),
        };
        let before = self.conversation.client().in_flight();
        for _ in 0..2 {
            self.conversation.looked();
            let begun = match &mut pending {
                Pending::Line(call) => self.conversation.begin(call),
                Pending::Listing(call) => self.conversation.begin(call),
                Pending::Message(retrieval) => {
                    let opened = self.conversation.open(retrieval);
                    let is_sent = self.conversation.client().in_flight() > before;
                    opened.map(|step| if is_sent { Step::Done(()) } else { step })
                }
            };
            if begun.expect("it is permitted") == Step::Done(()) {
                break;
            }
        }
        let start = self.stream.len();
        self.answers.push(Answer { keyword, status_end: start + status, end: start + answer.len() });
        self.stream.extend(answer);
        self.pending.push_back(pending);
        let octets = self.conversation.pending().len();
        self.conversation.written(octets);
    }

    /// Delivers the next octets of the server, and takes what they answer.
    fn deliver(&mut self, octets: usize) {
        let octets = &self.stream[self.delivered..self.stream.len().min(self.delivered + octets)];
        if octets.is_empty() {
            return;
        }
        self.delivered += octets.len();
        self.conversation.spare()[..octets.len()].copy_from_slice(octets);
        self.conversation.filled(octets.len());
        if self.pending.is_empty() {
            let _ = self.conversation.greet().expect("it greets");
        }
        while let Some(pending) = self.pending.front_mut() {
            let step = match pending {
                Pending::Line(call) => match self.conversation.step(call) {
                    Err(error) => {
                        assert!(error.refused().is_some(), "{error}");
                        Step::Done(())
                    }
                    Ok(step) => step,
                },
                Pending::Listing(call) => match self.conversation.step(call).expect("it is granted") {
                    Step::Done(listings) => {
                        assert_eq!(listings.len(), 2);
                        Step::Done(())
                    }
                    Step::NeedIo(io) => Step::NeedIo(io),
                },
                Pending::Message(retrieval) => match self.conversation.read(retrieval).expect("it is granted") {
                    Step::Done(false) => Step::Done(()),
                    Step::Done(true) => {
                        self.conversation.take_body(usize::MAX);
                        continue;
                    }
                    Step::NeedIo(io) => Step::NeedIo(io),
                },
            };
            if step == Step::NeedIo(Io::Transfer) {
                return;
            }
            self.pending.pop_front();
        }
    }
}
