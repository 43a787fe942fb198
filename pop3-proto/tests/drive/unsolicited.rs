//! Octets that answer no command never answer a later one, wherever the server sends them and whenever they are read.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use pop3_proto::drive::{Acknowledge, Call, Conversation, Io, Retrieval, Stat, Step, UidlAll};
use pop3_proto::login::{Credentials, Login, Policy, Progress, Security};
use pop3_proto::{Command, Config};

/// The arrival of unsolicited octets.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Arrival {
    /// In the same read as the answer before.
    Together,
    /// In a read of its own.
    Apart,
    /// In a read for each octet.
    Octets,
}

/// A server that refuses to delete, and sends unsolicited octets at one place where it waits for a command.
struct Server {
    pipelining: bool,
    stray: &'static str,
    place: usize,
    arrival: Arrival,
    pauses: usize,
    said: bool,
    heard: String,
    /// The number of octets that the server had heard when it sent the unsolicited ones.
    heard_before: Option<usize>,
    reads: VecDeque<Vec<u8>>,
}

impl Server {
    /// Notes that the client has nothing in flight, and takes its time.
    fn pause(&mut self) {
        if self.pauses == self.place {
            self.said = true;
            self.heard_before = Some(self.heard.len());
            let octets = self.stray.as_bytes();
            match self.arrival {
                Arrival::Together => match self.reads.back_mut() {
                    Some(read) => read.extend(octets),
                    None => self.reads.push_back(octets.to_vec()),
                },
                Arrival::Apart => self.reads.push_back(octets.to_vec()),
                Arrival::Octets => self.reads.extend(octets.iter().map(|&octet| vec![octet])),
            }
        }
        self.pauses += 1;
    }

    fn hear(&mut self, octets: &[u8]) {
        self.heard.push_str(std::str::from_utf8(octets).unwrap());
        let said = std::str::from_utf8(octets).unwrap();
        for line in said.split_terminator("\r\n") {
            let answer = match line {
                "CAPA" if self.pipelining => "+OK\r\nPIPELINING\r\nUSER\r\n.\r\n",
                "CAPA" => "-ERR what?\r\n",
                "USER mrose" | "PASS tanstaaf" | "DELE 1" => "+OK\r\n",
                "STAT" => "+OK 1 7\r\n",
                "UIDL" => "+OK\r\n1 first\r\n.\r\n",
                "RETR 1" => "+OK\r\nhello\r\n.\r\n",
                "QUIT" => "-ERR [SYS/PERM] not deleted\r\n",
                other => panic!("{other}"),
            };
            self.reads.push_back(answer.into());
        }
        if !octets.is_empty() {
            self.pause();
        }
    }
}

/// The client's side.
struct Client {
    conversation: Conversation,
    server: Arc<Mutex<Server>>,
}

impl Client {
    fn io(&mut self, io: Io) {
        let mut server = self.server.lock().unwrap();
        if io == Io::Transfer {
            let pending = self.conversation.pending().to_vec();
            server.hear(&pending);
            self.conversation.written(pending.len());
        }
        let read = server.reads.pop_front();
        if let Some(mut read) = read {
            let spare = self.conversation.spare();
            let len = read.len().min(spare.len());
            spare[..len].copy_from_slice(&read[..len]);
            self.conversation.filled(len);
            if len < read.len() {
                server.reads.push_front(read.split_off(len));
            }
        } else if io == Io::Transfer {
            // Nothing more comes: the server waits for a command.
            self.conversation.filled(0);
        }
        if io == Io::Look {
            self.conversation.looked();
        }
    }

    fn drive<T, E>(&mut self, mut step: impl FnMut(&mut Conversation) -> Result<Step<T>, E>) -> Result<T, E> {
        loop {
            match step(&mut self.conversation)? {
                Step::Done(value) => return Ok(value),
                Step::NeedIo(io) => self.io(io),
            }
        }
    }
}

/// Plays the session, and returns the result of each call, and the server.
fn play(server: Server) -> (Vec<Result<String, String>>, Arc<Mutex<Server>>) {
    let server = Arc::new(Mutex::new(server));
    server.lock().unwrap().reads.push_back(b"+OK ready\r\n".to_vec());
    server.lock().unwrap().pause();
    let mut client = Client { conversation: Conversation::new(Config::default()), server: Arc::clone(&server) };
    let mut results = Vec::new();
    results.push(client.drive(Conversation::greet).map(|()| String::new()).map_err(|error| error.to_string()));

    let prompted = Arc::clone(&server);
    let credentials = Credentials::ask("mrose", move |_| {
        prompted.lock().unwrap().pause();
        Some("tanstaaf".to_owned().into())
    });
    let policy = Policy::new().security(Security::Plaintext).allow_plaintext(true);
    let mut login = Login::new(credentials, policy);
    let progress = client.drive(|conversation| login.step(conversation)).map_err(|error| error.to_string());
    results.push(progress.map(|progress| {
        assert_eq!(progress, Progress::LoggedIn);
        String::new()
    }));
    if results.iter().any(Result::is_err) {
        return (results, server);
    }

    let mut stat = Call::new(Stat);
    let result = client.drive(|conversation| conversation.step(&mut stat));
    results.push(result.map(|stat| format!("{} {}", stat.messages, stat.octets)).map_err(|error| error.to_string()));
    let mut uidl = Call::new(UidlAll::default());
    let result = client.drive(|conversation| conversation.step(&mut uidl));
    let ids = result.map(|rows| format!("{rows:?}"));
    results.push(ids.map_err(|error| error.to_string()));
    let (mut message, mut octets) = (Retrieval::retr(1), Vec::new());
    let result = client.drive(|conversation| conversation.collect(&mut message, &mut octets));
    let octets = result.map(|()| octets.escape_ascii().to_string());
    results.push(octets.map_err(|error| error.to_string()));
    for command in [Command::Dele(1), Command::Quit] {
        let mut call = Call::new(Acknowledge(command));
        let result = client.drive(|conversation| conversation.step(&mut call));
        results.push(result.map(|()| String::new()).map_err(|error| error.to_string()));
    }
    (results, server)
}

const BLANK: &str = "\r\n";

#[test]
fn no_unsolicited_octets_are_taken_for_an_answer() {
    let mut sessions = 0;
    for pipelining in [false, true] {
        let server = |stray, place, arrival| Server {
            pipelining,
            stray,
            place,
            arrival,
            pauses: 0,
            said: false,
            heard: String::new(),
            heard_before: None,
            reads: VecDeque::new(),
        };
        let (ideal, witness) = play(server("", usize::MAX, Arrival::Apart));
        assert_eq!(ideal[2..5], ["1 7", ideal[3].as_deref().unwrap(), "hello\\r\\n"].map(|said| Ok(said.to_owned())));
        assert!(ideal[3].as_ref().unwrap().contains("first"));
        assert!(ideal[..6].iter().all(Result::is_ok));
        assert!(ideal[6].as_ref().unwrap_err().contains("[SYS/PERM] not deleted"));
        // After the answer to QUIT, no command remains that the octets could answer.
        let places = witness.lock().unwrap().pauses - 1;
        assert_eq!(places, if pipelining { 8 } else { 9 });
        for place in 0..places {
            for arrival in [Arrival::Together, Arrival::Apart, Arrival::Octets] {
                let (results, _) = play(server(BLANK, place, arrival));
                assert_eq!(results, ideal, "a blank line is forgiven: {place} {arrival:?}");
                for stray in [
                    "+OK 7 700\r\n",
                    "-ERR Disconnected for inactivity.\r\n",
                    "\r\n+OK 7 700\r\n",
                    "\r\n-ERR Disconnected for inactivity.\r\n",
                    "+OK 7 700\r\n\r\n",
                    "+OK\r\n+OK\r\n",
                ] {
                    sessions += 1;
                    let (results, server) = play(server(stray, place, arrival));
                    let what = format!("{stray:?} at {place}, {arrival:?}, pipelining: {pipelining}: {results:?}");
                    let server = server.lock().unwrap();
                    assert!(server.said, "{what}");
                    assert_eq!(Some(server.heard.len()), server.heard_before, "no command follows: {what}");
                    let good = results.iter().take_while(|result| result.is_ok()).count();
                    assert_eq!(results[..good], ideal[..good], "{what}");
                    assert!(results[good..].iter().all(Result::is_err) && good < 7, "{what}");
                    let error = results[good].as_ref().unwrap_err();
                    assert!(!error.contains("user name") && !error.contains("SYS/PERM"), "{what}");
                }
            }
        }
    }
    assert_eq!(sessions, (8 + 9) * 3 * 6);
}
