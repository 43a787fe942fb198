//! Tests of the typed calls: a conversation with all its buffers, a link, a server.

use std::collections::BTreeSet;

use pop3_proto::drive::{
    Acknowledge, Batch, Call, Capabilities, Conversation, Exchange, Io, Item, ListAll, ListOne, Listing, Retrieval,
    Stat, Step, UidlAll, UidlOne,
};
use pop3_proto::login::{Credentials, Login, Policy, Progress};
use pop3_proto::{Command, Config, Error, Kind, QuitError, State};

use crate::link::{Link, Scene, Schedule};
use crate::maildrop::{Mail, PASSWORD, USER};

/// An action of the session's user.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    Stat,
    List(Option<u32>),
    Uidl(Option<u32>),
    /// Assumes from now on that the server pipelines, or that it does not.
    Pipelining(bool),
    /// Reads a message, or drops it after so many octets.
    Read(Command<'static>, usize),
    /// Sends calls together. Those that are not awaited are dropped.
    Together(Vec<(Command<'static>, bool)>),
    /// Takes so many items, each up to so many octets, and stops.
    Batch {
        each: Each,
        numbers: Vec<u32>,
        window: usize,
        items: usize,
        octets: usize,
    },
}

/// The command of a batch.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Each {
    Retrieve,
    Top(u32),
    Delete,
}

struct Typed<'a> {
    conversation: Conversation,
    link: Link,
    scene: &'a Scene,
    results: Vec<String>,
    /// The marked messages, once all commands sent are answered.
    marks: BTreeSet<u32>,
}

/// Logs in, does the actions, quits, and returns the results that must not depend on the schedule.
pub(crate) fn converse(
    scene: &Scene,
    policies: &[(Policy, bool)],
    actions: &[Action],
    schedule: &Schedule,
) -> Vec<String> {
    let mut typed = Typed {
        conversation: Conversation::new(Config::default()),
        link: Link::new(scene, schedule),
        scene,
        results: Vec::new(),
        marks: BTreeSet::new(),
    };
    let goes_on = typed.begin(policies) && actions.iter().all(|action| typed.act(action));
    if goes_on {
        typed.quit(schedule);
    } else {
        assert_eq!(typed.link.maildrop().removed(), None, "UPDATE without QUIT");
    }
    typed.results
}

impl Typed<'_> {
    /// Does the work of every adapter: steps until it is done, and moves octets when told.
    fn drive<T, E>(&mut self, mut step: impl FnMut(&mut Conversation) -> Result<Step<T>, E>) -> Result<T, E> {
        loop {
            match step(&mut self.conversation)? {
                Step::Done(value) => return Ok(value),
                Step::NeedIo(Io::Look) => {
                    let octets = self.link.down(self.conversation.spare());
                    if octets > 0 {
                        self.conversation.filled(octets);
                    }
                    self.conversation.looked();
                    continue;
                }
                Step::NeedIo(Io::Transfer) => {}
            }
            let (mut up, mut down) = (0, 0);
            if self.link.throw() % 3 != 1 {
                up = self.link.up(self.conversation.pending());
                self.conversation.written(up);
            }
            if up == 0 || self.link.throw() % 3 != 1 {
                down = self.link.down(self.conversation.spare());
            }
            if down > 0 {
                self.conversation.filled(down);
            } else if up == 0 {
                up = self.link.up(self.conversation.pending());
                self.conversation.written(up);
                if up == 0 {
                    assert!(self.link.has_ended(), "both wait");
                    self.conversation.filled(0);
                }
            }
        }
    }

    fn call<E: Exchange>(&mut self, exchange: E) -> Result<E::Value, Error> {
        let mut call = Call::new(exchange);
        self.drive(|conversation| conversation.step(&mut call))
    }

    /// Records a result, and returns whether the session continues.
    fn note<T: std::fmt::Debug>(&mut self, result: &Result<T, Error>) -> bool {
        let goes_on = result.as_ref().err().is_none_or(Error::is_recoverable);
        if goes_on {
            self.results.push(format!("{result:?}"));
        }
        goes_on
    }

    /// Reads the greeting and logs in, until one login succeeds.
    fn begin(&mut self, policies: &[(Policy, bool)]) -> bool {
        if self.scene.server.inside_tls {
            self.conversation.tls_established(self.scene.exporter()).unwrap();
        }
        let greeted = self.drive(Conversation::greet);
        if !self.note(&greeted) {
            return false;
        }
        for (policy, right) in policies {
            let password = if *right { PASSWORD } else { "wrong" };
            let mut login = Login::new(Credentials::new(USER, password), *policy);
            let result = loop {
                match self.drive(|conversation| login.step(conversation)) {
                    Ok(Progress::StartTls) => {
                        self.conversation.tls_established(self.scene.exporter()).unwrap();
                        self.link.handshake();
                    }
                    Ok(Progress::LoggedIn) => break Ok(()),
                    Err(error) => break Err(error),
                }
            };
            match result {
                Ok(()) => {
                    assert!(*right, "a wrong password is good");
                    self.results.push("logged in".into());
                    self.agree();
                    return true;
                }
                Err(error) if error.login().is_none() && !error.is_recoverable() => return false,
                Err(error) => self.results.push(format!("{error:?}")),
            }
        }
        false
    }

    fn act(&mut self, action: &Action) -> bool {
        let live = |number: u32, marks: &BTreeSet<u32>| !marks.contains(&number);
        let goes_on = match action {
            Action::Stat => {
                let result = self.call(Stat);
                if let Ok(stat) = &result {
                    assert_eq!((u64::from(stat.messages), stat.octets), self.totals());
                }
                self.note(&result)
            }
            Action::List(number) => {
                let result = match *number {
                    Some(number) => self.call(ListOne(number)).map(|listing| vec![listing]),
                    None => self.call(ListAll::default()),
                };
                for listing in result.iter().flatten() {
                    assert!(live(listing.number, &self.marks));
                    assert_eq!(listing.octets, self.mail(listing.number).sent().len() as u64);
                }
                self.note(&result)
            }
            Action::Uidl(number) => {
                let result = match *number {
                    Some(number) => self.call(UidlOne(number)).map(|id| vec![(number, id)]),
                    None => self.call(UidlAll::default()),
                };
                for (number, id) in result.iter().flatten() {
                    assert!(live(*number, &self.marks));
                    assert_eq!(id.as_bytes(), self.mail(*number).id.as_bytes());
                }
                self.note(&result)
            }
            Action::Pipelining(pipelining) => {
                let lines: Listing = pipelining.then_some("PIPELINING").into_iter().collect();
                self.conversation.learn(Capabilities::from(lines));
                true
            }
            Action::Read(command, enough) => {
                let retrieval = match *command {
                    Command::Top { number, lines } => Retrieval::top(number, lines),
                    Command::Retr(number) => Retrieval::retr(number),
                    _ => unreachable!("{command}"),
                };
                let result = self.read(retrieval, *command, *enough);
                self.note(&result)
            }
            Action::Together(commands) => self.together(commands),
            Action::Batch { each, numbers, window, items, octets } => {
                let (numbers, window, octets) = (numbers.iter().copied(), *window, *octets);
                match *each {
                    Each::Delete => self.batch(Batch::delete(numbers, window), *items, |typed, mut item| {
                        let result = typed.drive(|conversation| conversation.step(&mut item.call));
                        typed.acknowledged(Command::Dele(item.number), &result)
                    }),
                    Each::Top(lines) => {
                        let batch = Batch::top(lines, numbers.collect(), window);
                        self.batch(batch, *items, |typed, Item { number, call }| {
                            let result = typed.read(call, Command::Top { number, lines }, octets);
                            typed.note(&result)
                        })
                    }
                    Each::Retrieve => {
                        let batch = Batch::retrieve(numbers.collect(), window);
                        self.batch(batch, *items, |typed, Item { number, call }| {
                            let result = typed.read(call, Command::Retr(number), octets);
                            typed.note(&result)
                        })
                    }
                }
            }
        };
        self.agree();
        goes_on
    }

    fn mail(&self, number: u32) -> &Mail {
        self.scene.mail(number).expect("there is no such message")
    }

    /// Returns the number of messages that are not marked, and their octets.
    fn totals(&self) -> (u64, u64) {
        let live = (1..).zip(&self.scene.mails).filter(|(number, _)| !self.marks.contains(number));
        live.fold((0, 0), |(count, octets), (_, mail)| (count + 1, octets + mail.sent().len() as u64))
    }

    /// Checks that both are in the same state when nothing is in flight.
    fn agree(&self) {
        let client = self.conversation.client();
        if client.in_flight() == 0 && !client.state().is_over() {
            assert_eq!(client.state(), self.link.service().state());
            assert!(self.conversation.pending().is_empty());
        }
    }

    /// Reads up to `enough` octets, and checks them.
    fn read(&mut self, mut retrieval: Retrieval, command: Command<'_>, enough: usize) -> Result<String, Error> {
        let mut octets = Vec::new();
        if self.link.throw() % 2 == 1 {
            self.drive(|conversation| conversation.open(&mut retrieval))?;
        }
        while octets.len() < enough {
            if !self.drive(|conversation| conversation.read(&mut retrieval))? {
                break;
            }
            let body = self.conversation.body();
            // The read takes less than there is, now and then.
            let len = if self.link.throw() % 4 == 1 { body.len().div_ceil(2) } else { body.len() };
            let len = len.min(enough - octets.len());
            octets.extend(&body[..len]);
            self.conversation.take_body(len);
        }
        let (wanted, number) = match command {
            Command::Top { number, lines } => (self.mail(number).top(lines), number),
            Command::Retr(number) => (self.mail(number).sent(), number),
            _ => unreachable!("{command}"),
        };
        assert!(!self.marks.contains(&number), "it is marked");
        assert!(wanted.starts_with(&octets));
        if octets.len() < enough {
            assert!(retrieval.is_complete());
            assert_eq!((octets.len(), retrieval.octets()), (wanted.len(), wanted.len() as u64), "it is whole");
        }
        Ok(format!("{} octets of message {number}", octets.len()))
    }

    fn together(&mut self, commands: &[(Command<'static>, bool)]) -> bool {
        let mut calls: Vec<_> = commands.iter().map(|(command, _)| Call::new(Acknowledge(*command))).collect();
        for call in &mut calls {
            if let Err(error) = self.drive(|conversation| conversation.begin(call)) {
                return self.note::<()>(&Err(error));
            }
        }
        for (mut call, (command, awaited)) in calls.into_iter().zip(commands) {
            if *awaited {
                let result = self.drive(|conversation| conversation.step(&mut call));
                if !self.acknowledged(*command, &result) {
                    return false;
                }
            } else if call.is_sent() {
                self.mark(*command);
            }
        }
        true
    }

    /// Takes so many items, gives each to `take`, which returns true if the session goes on, and stops.
    fn batch<T>(
        &mut self,
        mut batch: Batch<T>,
        items: usize,
        mut take: impl FnMut(&mut Self, Item<T>) -> bool,
    ) -> bool {
        for taken in 0.. {
            if taken == items {
                batch.stop();
            }
            let next = self.drive(|conversation| Ok::<_, Error>(batch.next(conversation)));
            let Ok(Some(item)) = next else { break };
            if !take(self, item) {
                return false;
            }
        }
        true
    }

    /// Compares an answer with the effect of the command on the marks.
    fn acknowledged(&mut self, command: Command<'_>, result: &Result<(), Error>) -> bool {
        let ok = result.is_ok();
        let goes_on = self.note(result);
        if goes_on {
            assert_eq!(ok, self.mark(command), "{command}");
        }
        goes_on
    }

    /// Applies a sent command to the marks and returns whether it succeeds, whether or not its answer is read.
    fn mark(&mut self, command: Command<'_>) -> bool {
        match command {
            Command::Dele(number) => self.scene.mail(number).is_some() && self.marks.insert(number),
            Command::Rset => {
                self.marks.clear();
                true
            }
            command => command.kind() == Kind::Noop,
        }
    }

    fn quit(&mut self, schedule: &Schedule) {
        let mut call = Call::new(Acknowledge(Command::Quit));
        let result = self.drive(|conversation| conversation.step(&mut call));
        let (removed, marks) = (self.link.maildrop().removed(), Some(self.marks.iter().copied().collect::<Vec<_>>()));
        match result.map_err(|error| call.quit_error(error)) {
            Ok(()) => {
                let states = (self.conversation.client().state(), self.link.service().state());
                assert_eq!((removed, states), (marks, (State::Update, State::Update)));
                self.results.push("quit".into());
            }
            Err(QuitError::Unknown(_)) => assert!(schedule.dies() && (removed.is_none() || removed == marks)),
            Err(QuitError::NotSent(_)) => assert!(schedule.dies() && removed.is_none()),
            Err(QuitError::Refused(refused)) => panic!("{refused}"),
        }
    }
}
