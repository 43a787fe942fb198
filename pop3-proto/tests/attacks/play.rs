//! A conversation with a server that the test plays: it hears every octet of the client, and answers line by line.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use pop3_proto::drive::{Batch, Call, Conversation, Exchange, Io, Item, Retrieval, Step};
use pop3_proto::login::{Credentials, Login, Policy, Progress, Security};
use pop3_proto::{Config, Error};

/// Lines that the client must send, without CRLF, each with its answer. The greeting answers "".
pub(crate) type Script<'a> = &'a [(&'a str, &'a [u8])];

/// The division of each answer into reads.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cut {
    Whole,
    Octets,
    /// One read of so many octets, and another one of the rest.
    At(usize),
}

/// The ways in which nearly everything is played.
pub(crate) const CUTS: [Cut; 2] = [Cut::Whole, Cut::Octets];

pub(crate) const USER: &str = "mrose";
pub(crate) const PASSWORD: &str = "tanstaaf";
/// The response of SASL PLAIN for the name and the password.
pub(crate) const PLAIN: &str = "AG1yb3NlAHRhbnN0YWFm";

pub(crate) const fn policy(security: Security) -> Policy {
    Policy::new().security(security)
}

/// The policy of a password in the clear, with permission.
pub(crate) const CLEAR: Policy = Policy::new().security(Security::Plaintext).allow_plaintext(true);

/// The beginning of a conversation.
pub(crate) enum Begin {
    Plain(Config),
    InsideTls,
}

/// TLS from the beginning, and the default limits.
pub(crate) const INSIDE_TLS: Begin = Begin::InsideTls;

impl From<Config> for Begin {
    fn from(config: Config) -> Begin {
        Begin::Plain(config)
    }
}

/// A function that answers a line of the client.
type Server = Box<dyn FnMut(&str) -> Vec<u8>>;

pub(crate) struct Play {
    pub(crate) conversation: Conversation,
    server: Server,
    cut: Cut,
    /// Octets that are still to be read, one item for each read.
    reads: VecDeque<Vec<u8>>,
    sent: Vec<u8>,
    /// The number of octets of `sent` that the server has heard.
    heard: usize,
    pub(crate) handshakes: usize,
    log: Arc<Mutex<String>>,
}

impl Play {
    /// Starts a server that follows the script, and hangs up when the client does not.
    pub(crate) fn of(script: Script<'_>, begin: impl Into<Begin>, cut: Cut) -> Play {
        let lines: Vec<(String, Vec<u8>)> =
            script.iter().map(|(line, answer)| ((*line).to_owned(), answer.to_vec())).collect();
        let mut lines = lines.into_iter();
        let server = move |said: &str| match lines.next() {
            Some((line, answer)) if line == said => answer,
            _ => {
                lines = Vec::new().into_iter();
                Vec::new()
            }
        };
        Play::new(server, begin, cut)
    }

    pub(crate) fn new(mut server: impl FnMut(&str) -> Vec<u8> + 'static, begin: impl Into<Begin>, cut: Cut) -> Play {
        let mut conversation = match begin.into() {
            Begin::Plain(config) => Conversation::new(config),
            Begin::InsideTls => {
                let mut conversation = Conversation::new(Config::default());
                conversation.tls_established(None).expect("nothing came before TLS");
                conversation
            }
        };
        let log = Arc::new(Mutex::new(String::new()));
        let lines = Arc::clone(&log);
        conversation.set_log(move |entry| writeln!(lines.lock().unwrap(), "{entry}\n{entry:?}").unwrap());
        let greeting = server("");
        let server = Box::new(server);
        let (reads, sent, heard, handshakes) = (VecDeque::new(), Vec::new(), 0, 0);
        let mut play = Play { conversation, server, cut, reads, sent, heard, handshakes, log };
        play.say(&greeting);
        play
    }

    /// Makes the server say this, whether or not it was asked.
    pub(crate) fn say(&mut self, octets: &[u8]) {
        let pieces: Vec<&[u8]> = match self.cut {
            Cut::Whole => vec![octets],
            Cut::Octets => octets.chunks(1).collect(),
            Cut::At(len) => [&octets[..len.min(octets.len())], octets.get(len..).unwrap_or_default()].into(),
        };
        self.reads.extend(pieces.into_iter().filter(|piece| !piece.is_empty()).map(<[u8]>::to_vec));
    }

    /// Does one read, of the octets that there are or of the end of the stream.
    pub(crate) fn read(&mut self) {
        let mut octets = self.reads.pop_front().unwrap_or_default();
        let spare = self.conversation.spare();
        if octets.len() > spare.len() {
            self.reads.push_front(octets.split_off(spare.len()));
        }
        let spare = self.conversation.spare();
        spare[..octets.len()].copy_from_slice(&octets);
        self.conversation.filled(octets.len());
    }

    /// Passes all pending octets to the server, which answers.
    fn write(&mut self) {
        self.sent.extend_from_slice(self.conversation.pending());
        self.conversation.written(usize::MAX);
        while let Some(end) = self.sent[self.heard..].windows(2).position(|pair| pair == b"\r\n") {
            let line = String::from_utf8_lossy(&self.sent[self.heard..self.heard + end]).into_owned();
            self.heard += end + 2;
            assert!(self.heard < 1 << 20, "a login or a call takes no megaoctet: it goes round in circles");
            let answer = (self.server)(&line);
            self.say(&answer);
        }
    }

    /// Does the work of an adapter: writes all and then reads once, or only looks.
    fn io(&mut self, io: Io) {
        if io == Io::Transfer {
            self.write();
            self.read();
            return;
        }
        if !self.reads.is_empty() {
            self.read();
        }
        self.conversation.looked();
    }

    /// Returns the next message of a batch.
    pub(crate) fn next<T>(&mut self, batch: &mut Batch<T>) -> Option<Item<T>> {
        loop {
            match batch.next(&mut self.conversation) {
                Step::Done(item) => return item,
                Step::NeedIo(io) => self.io(io),
            }
        }
    }

    /// Reads all that the server said, and then the end of the stream.
    pub(crate) fn hang_up(&mut self) {
        while !self.reads.is_empty() {
            self.read();
        }
        self.read();
    }

    pub(crate) fn greet(&mut self) -> Result<(), Error> {
        loop {
            match self.conversation.greet()? {
                Step::Done(()) => return Ok(()),
                Step::NeedIo(io) => self.io(io),
            }
        }
    }

    /// Waits for the greeting and logs in as [`USER`].
    pub(crate) fn login(&mut self, policy: Policy) -> Result<(), Error> {
        self.greet()?;
        self.log_in(Login::new(Credentials::new(USER, PASSWORD), policy))
    }

    /// Continues to the end of the login, through any TLS, of which each side knows only that it happened.
    pub(crate) fn log_in(&mut self, mut login: Login) -> Result<(), Error> {
        loop {
            match self.log_in_or_start_tls(&mut login)? {
                Progress::LoggedIn => return Ok(()),
                Progress::StartTls => {
                    self.handshakes += 1;
                    self.conversation.tls_established(None)?;
                }
            }
        }
    }

    pub(crate) fn log_in_or_start_tls(&mut self, login: &mut Login) -> Result<Progress, Error> {
        loop {
            match login.step(&mut self.conversation)? {
                Step::Done(progress) => {
                    assert!(self.conversation.pending().is_empty(), "nothing may be left to write");
                    return Ok(progress);
                }
                Step::NeedIo(io) => self.io(io),
            }
        }
    }

    pub(crate) fn call<E: Exchange>(&mut self, exchange: E) -> Result<E::Value, Error> {
        self.finish(&mut Call::new(exchange))
    }

    pub(crate) fn finish<E: Exchange>(&mut self, call: &mut Call<E>) -> Result<E::Value, Error> {
        loop {
            match self.conversation.step(call)? {
                Step::Done(value) => return Ok(value),
                Step::NeedIo(io) => self.io(io),
            }
        }
    }

    /// Finishes the call within so many octets of the server, or returns `None` if they are not enough.
    pub(crate) fn finish_until<E: Exchange>(&mut self, call: &mut Call<E>, octets: usize) -> Option<E::Value> {
        // There are no octets to look at before the command.
        self.conversation.looked();
        for _ in 0..=octets {
            if let Step::Done(value) = self.conversation.step(call).expect("nothing is wrong yet") {
                return Some(value);
            }
            self.write();
            if !self.reads.is_empty() {
                self.read();
            }
        }
        None
    }

    /// Reads a message into `octets`, as far as it came.
    pub(crate) fn retrieve(&mut self, mut retrieval: Retrieval, octets: &mut Vec<u8>) -> Result<(), Error> {
        loop {
            match self.conversation.collect(&mut retrieval, octets)? {
                Step::Done(()) => return Ok(()),
                Step::NeedIo(io) => self.io(io),
            }
        }
    }

    /// Returns every octet that the client has sent, or would send if it were asked to write now.
    pub(crate) fn sent(&self) -> String {
        [&self.sent, self.conversation.pending()].concat().escape_ascii().to_string()
    }

    /// Asserts that the client has sent these lines and not one octet more.
    #[track_caller]
    pub(crate) fn sent_only(&self, lines: &[&str]) {
        let expected: Vec<u8> = lines.iter().flat_map(|line| [line.as_bytes(), b"\r\n"].concat()).collect();
        assert_eq!(self.sent(), expected.escape_ascii().to_string(), "{:?}", self.cut);
    }

    /// Returns the conversation as a log shows it, both as text and as `Debug` has it.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }
}
