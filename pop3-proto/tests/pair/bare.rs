//! Tests of the bare core: a client without buffers of its own, a link, a server.

use std::collections::{BTreeSet, VecDeque};

use pop3_proto::wire::Response;
use pop3_proto::{Client, Command, Config, Event, Kind, Shape, State, Ticket, UsageError};

use crate::link::{Link, Scene, Schedule};
use crate::oracle::{Answer, Oracle, Said};

/// A client at one end, and all its beliefs about the session.
struct Bare<'a> {
    client: Client,
    out: Vec<u8>,
    inbox: Vec<u8>,
    link: Link,
    oracle: Oracle<'a>,
    script: VecDeque<Said>,
    sent: Vec<(Ticket, Command<'static>)>,
    response: Response<'static>,
    wanted: Vec<Answer>,
    heard: Vec<Answer>,
    /// The marked messages, by the answers to DELE and RSET.
    marks: BTreeSet<u32>,
}

/// Holds a conversation that follows the script and the schedule, and checks all that can be checked.
pub(crate) fn converse(scene: &Scene, script: &[Said], schedule: &Schedule) {
    let mut client = Client::new(Config::default());
    if scene.server.inside_tls {
        client.tls_established(b"").expect("nothing came before TLS");
    }
    let mut bare = Bare {
        client,
        out: Vec::new(),
        inbox: Vec::new(),
        link: Link::new(scene, schedule),
        oracle: Oracle::new(scene),
        script: script.iter().cloned().collect(),
        sent: Vec::new(),
        response: Response::Cancel,
        wanted: Vec::new(),
        heard: Vec::new(),
        marks: BTreeSet::new(),
    };
    loop {
        let first = bare.link.throw();
        let moved = (0..4).any(|turn| match (first % 4 + turn) % 4 {
            0 => bare.say(),
            1 => bare.up(),
            2 => bare.down(),
            _ => bare.hear(),
        });
        if moved {
            continue;
        }
        if bare.link.has_ended() {
            break;
        }
        bare.agree();
        if bare.script.is_empty() {
            break;
        }
    }
    bare.judge(schedule);
}

impl Bare<'_> {
    /// Sends the next command, or skips one that may not be sent.
    fn say(&mut self) -> bool {
        let idle = self.client.in_flight() == 0;
        let Some(said) = self.script.front().filter(|said| idle || !said.waits) else { return false };
        if self.client.state() == State::Greeting {
            return false;
        }
        let (before, written) = (self.client.clone(), self.out.len());
        match self.client.send(said.command, &mut self.out) {
            Ok(ticket) => {
                self.response = said.response;
                self.sent.push((ticket, said.command));
                self.wanted.extend(self.oracle.answer(said));
            }
            Err(rejected) => {
                assert_eq!((&self.client, self.out.len()), (&before, written), "{rejected:?} changes nothing");
                // The command may be permitted after more answers.
                if !idle && !matches!(rejected, UsageError::Argument(_)) {
                    return false;
                }
            }
        }
        self.script.pop_front();
        true
    }

    fn up(&mut self) -> bool {
        let len = self.link.up(&self.out);
        self.out.drain(..len);
        len > 0
    }

    fn down(&mut self) -> bool {
        let mut room = [0; 4096];
        let len = self.link.down(&mut room);
        self.inbox.extend(&room[..len]);
        len > 0
    }

    /// Takes one event.
    fn hear(&mut self) -> bool {
        let inbox = std::mem::take(&mut self.inbox);
        let mut input = inbox.as_slice();
        let event = self.client.receive(&mut input).expect("the server keeps to the protocol");
        let heard = event.is_some();
        if let Some(event) = event {
            self.note(event);
        }
        self.inbox = input.to_vec();
        if self.client.state() == State::Handshake {
            self.client.tls_established(&self.inbox).expect("nothing comes between STLS and TLS");
            self.link.handshake();
        }
        heard
    }

    fn note(&mut self, event: Event<'_>) {
        let Some(to) = event.to() else {
            return assert!(self.sent.is_empty() && matches!(event, Event::Greeting(_)), "{event:?}");
        };
        if let Event::Challenge { .. } = event {
            assert_eq!(to, self.sent[self.heard.len()].0, "first in, first out");
            return self.client.respond(self.response, &mut self.out).expect("a response is due");
        }
        if let Event::Ok { .. } | Event::Refused { .. } | Event::StartTls { .. } = event {
            self.heard.push(Answer::default());
        }
        let (ticket, command) = self.sent[self.heard.len() - 1];
        assert_eq!(to, ticket, "first in, first out");
        let (answer, kind) = (self.heard.last_mut().unwrap(), command.kind());
        assert!(!answer.whole, "{event:?} comes behind the end");
        match event {
            Event::Ok { reply, .. } => {
                answer.ok = true;
                answer.whole = kind.shape() == Shape::Single;
                if matches!(kind, Kind::Stat | Kind::ListOne | Kind::UidlOne) {
                    answer.text = reply.text().as_bytes().to_vec();
                }
                match command {
                    Command::Dele(number) => assert!(self.marks.insert(number), "marked twice"),
                    Command::Rset => self.marks.clear(),
                    _ => {}
                }
            }
            Event::StartTls { .. } => (answer.ok, answer.whole) = (true, true),
            Event::Row { row, .. } if row.as_bytes().starts_with(b"IMPLEMENTATION ") => {}
            Event::Row { row, .. } => answer.rows.push(row.as_bytes().to_vec()),
            Event::Body { bytes, .. } => answer.body.extend(bytes),
            _ => answer.whole = true,
        }
    }

    /// Checks that all is answered when nothing moves any more, and that both are in the same state.
    fn agree(&self) {
        let service = self.link.service();
        assert_eq!((self.client.in_flight(), self.out.len(), self.inbox.len()), (0, 0, 0), "somebody waits in vain");
        assert!(service.wants_read() && service.pending().is_empty());
        assert_eq!((self.client.state(), service.state()), (self.oracle.state, self.oracle.state));
        assert_eq!(self.client.inside_tls(), self.oracle.tls);
        assert_eq!(self.heard, self.wanted);
    }

    fn judge(mut self, schedule: &Schedule) {
        let whole = self.heard.iter().take_while(|answer| answer.whole).count();
        assert_eq!(self.heard[..whole], self.wanted[..whole]);
        if let [part, behind @ ..] = &self.heard[whole..] {
            let wanted = &self.wanted[whole];
            assert!(behind.is_empty() && part.ok && wanted.rows.starts_with(&part.rows));
            assert!(wanted.body.starts_with(&part.body), "a part of another message");
        }
        if !schedule.dies() {
            assert_eq!(whole, self.wanted.len(), "each command is answered once");
        }

        let removed = self.link.maildrop().removed();
        if self.client.state() == State::Update {
            assert_eq!(removed, Some(self.marks.iter().copied().collect()), "what the client had marked");
        } else if removed.is_some() {
            assert!(schedule.dies() && self.oracle.state == State::Update, "UPDATE without QUIT");
            assert_eq!(removed, Some(self.oracle.marks));
        }
        if self.link.has_ended() {
            let over = self.client.state().is_over();
            assert_eq!(self.client.receive_eof(&self.inbox).is_ok(), over, "an end before QUIT was answered");
            assert!(self.client.state().is_over());
            if !schedule.dies() {
                assert_eq!(self.client.state(), self.link.service().state());
            }
        }
    }
}
