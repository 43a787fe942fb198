//! The core's conversation in a loop of its own, without an adapter.

use std::io::{self, ErrorKind};

use pop3_async::{Connect, Credentials, Error, Method, Policy, QuitError, Security};
use pop3_proto::Command;
use pop3_proto::drive::{
    Acknowledge, Batch, Call, Capa, Conversation, Exchange, Io, Item, Last, ListAll, ListOne, Retrieval, Selection,
    Stat, Step, UidlAll, UidlOne,
};
use pop3_proto::login::{Login, Methods, Progress};

use crate::script::{Action, BatchCommand, BatchPlan, Driver, Note, Reading, Session, Value};
use crate::wire::Wire;

pub(crate) struct Bare {
    conversation: Conversation,
    wire: Wire,
    window: usize,
}

impl Bare {
    /// Steps a call until it is done, and moves octets where told. After the transport has failed, nothing else is of
    /// use: the conversation says so.
    fn drive<C, T>(
        &mut self,
        call: &mut C,
        mut step: impl FnMut(&mut Conversation, &mut C) -> Result<Step<T>, Error>,
    ) -> Result<T, Error> {
        loop {
            match step(&mut self.conversation, call)? {
                Step::Done(value) => return Ok(value),
                Step::NeedIo(Io::Look) => self.look(),
                Step::NeedIo(Io::Transfer) => {
                    if let Err(error) = self.exchange() {
                        self.conversation.abort(error);
                    }
                }
            }
        }
    }

    /// Writes once and reads once, until something was read.
    fn exchange(&mut self) -> io::Result<()> {
        loop {
            let pending = self.conversation.pending();
            if !pending.is_empty() {
                match self.wire.up(pending) {
                    Ok(octets) => self.conversation.written(octets.unwrap_or(0)),
                    Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
                    Err(error) => return Err(error),
                }
            }
            if self.receive()? {
                // Now and then: not every loop does it.
                if self.conversation.has_next() && self.wire.throw() % 2 == 1 {
                    self.conversation.send_next();
                    let pending = self.conversation.pending();
                    if !pending.is_empty() {
                        let octets = self.wire.up(pending).ok().flatten();
                        self.conversation.written(octets.unwrap_or(0));
                    }
                }
                return Ok(());
            }
        }
    }

    fn receive(&mut self) -> io::Result<bool> {
        let octets = match self.wire.down(self.conversation.spare()) {
            Err(error) if error.kind() == ErrorKind::ConnectionReset => Some(0),
            other => other?,
        };
        octets.inspect(|&octets| self.conversation.filled(octets));
        Ok(octets.is_some())
    }

    /// Reads what is there, now and then: not every transport can.
    fn look(&mut self) {
        if self.wire.throw() % 2 == 1 {
            // After an error the next read finds an error or the end.
            let _ = self.receive();
        }
        self.conversation.looked();
    }

    fn call<E: Exchange>(&mut self, exchange: E) -> Result<E::Value, Error> {
        self.finish(&mut Call::new(exchange))
    }

    fn finish<E: Exchange>(&mut self, call: &mut Call<E>) -> Result<E::Value, Error> {
        self.drive(call, Conversation::step)
    }

    /// Gives the message by its number.
    fn read(&mut self, number: u32, mut retrieval: Retrieval, reading: Reading) -> Result<Value, Error> {
        let enough = match reading {
            Reading::Whole => u64::MAX,
            Reading::UpTo(enough) => enough,
        };
        self.drive(&mut retrieval, Conversation::open)?;
        let mut octets = Vec::new();
        while (octets.len() as u64) < enough {
            let more = self.drive(&mut retrieval, Conversation::read)?;
            if !more {
                assert!(retrieval.is_complete());
                break;
            }
            // Less than there is, now and then.
            let body = self.conversation.body();
            let len = if self.wire.throw() % 4 == 1 { body.len().div_ceil(2) } else { body.len() };
            let len = usize::try_from(enough).unwrap_or(usize::MAX).saturating_sub(octets.len()).min(len);
            octets.extend(&body[..len]);
            self.conversation.take_body(len);
        }
        Ok(Value::up_to(number, octets, enough))
    }

    fn numbers(&mut self, plan: &BatchPlan) -> Result<Vec<u32>, Error> {
        match &plan.numbers {
            Some(numbers) => Ok(numbers.clone()),
            None => Ok(self.call(ListAll::default())?.into_iter().map(|listing| listing.number).collect()),
        }
    }

    /// Takes the items of a batch, and gives each to `take`.
    fn items<T>(
        &mut self,
        plan: &BatchPlan,
        mut batch: Batch<T>,
        mut take: impl FnMut(&mut Bare, Item<T>) -> Result<Value, Error>,
    ) -> Vec<Note> {
        let mut notes: Vec<Note> = Vec::new();
        // Messages go on after an error that ends the session, each with its own; the others do not.
        let mut over = false;
        while !over {
            if notes.len() == plan.items {
                if plan.each != BatchCommand::Retrieve || !plan.stops {
                    break;
                }
                batch.stop();
            }
            let next = self.drive(&mut batch, |conversation, batch| Ok(batch.next(conversation)));
            let Ok(Some(item)) = next else { break };
            let note = take(self, item);
            over = plan.each != BatchCommand::Retrieve && note.as_ref().is_err_and(|error| !error.is_recoverable());
            notes.push(note.map_err(Into::into));
        }
        notes
    }

    fn run(&mut self, plan: &BatchPlan) -> Result<Vec<Note>, Error> {
        let window = self.window;
        Ok(match plan.each {
            BatchCommand::Retrieve => {
                let selection = match &plan.numbers {
                    Some(numbers) => numbers.iter().copied().collect(),
                    None => Selection::from_iter(self.call(ListAll::default())?),
                };
                self.items(plan, Batch::retrieve(selection, window), |bare, Item { number, call }| {
                    bare.read(number, call, plan.reading)
                })
            }
            BatchCommand::Header => {
                let selection = Selection::from_iter(self.numbers(plan)?);
                self.items(plan, Batch::top(0, selection, window), |bare, Item { number, call }| {
                    bare.read(number, call, Reading::Whole)
                })
            }
            BatchCommand::Delete => {
                let batch = Batch::delete(self.numbers(plan)?, window);
                self.items(plan, batch, |bare, Item { number, mut call }| {
                    bare.finish(&mut call).map(|()| Value::Number(number))
                })
            }
        })
    }

    fn farewell(mut self) -> Result<(), QuitError> {
        let mut quit = Call::new(Acknowledge(Command::Quit));
        self.finish(&mut quit).map_err(|error| quit.quit_error(error))
    }
}

impl Driver for Bare {
    type Session = Bare;

    async fn open(wire: Wire, to: Connect) -> Result<Bare, Error> {
        let window = to.get_window().unwrap_or_default();
        let mut bare = Bare { conversation: to.conversation(), wire, window };
        let greet = |conversation: &mut Conversation, (): &mut ()| conversation.greet();
        bare.drive(&mut (), greet)?;
        Ok(bare)
    }

    async fn login(mut self, who: Credentials, method: Option<Method>) -> Result<Bare, (Option<Bare>, Error)> {
        let policy = Policy::new().security(Security::Plaintext).allow_plaintext(true);
        let policy = policy.methods(method.map(Methods::from));
        let mut login = Login::new(who, policy);
        let step = |conversation: &mut Conversation, login: &mut Login| login.step(conversation);
        match self.drive(&mut login, step) {
            Ok(Progress::LoggedIn) => Ok(self),
            Ok(Progress::StartTls) => unreachable!("nobody asked for it"),
            Err(reason) => Err((reason.is_recoverable().then_some(self), reason)),
        }
    }

    async fn leave(self) -> Result<(), QuitError> {
        self.farewell()
    }
}

impl Session for Bare {
    async fn act(&mut self, action: &Action) -> Result<Value, Error> {
        let acknowledge = |bare: &mut Bare, command| bare.call(Acknowledge(command)).map(|()| Value::Done);
        match *action {
            Action::Stat => self.call(Stat).map(Value::totals),
            Action::List(None) => self.call(ListAll::default()).map(Value::listings),
            Action::List(Some(number)) => self.call(ListOne(number)).map(|listing| Value::listings([listing])),
            Action::UniqueIds(None) => self.call(UidlAll::default()).map(Value::unique_ids),
            Action::UniqueIds(Some(number)) => self.call(UidlOne(number)).map(|id| Value::unique_ids([(number, id)])),
            Action::Retrieve(number, reading) => self.read(number, Retrieval::retr(number), reading),
            Action::Top(number, lines, reading) => self.read(number, Retrieval::top(number, lines), reading),
            Action::Header(number) => self.read(number, Retrieval::top(number, 0), Reading::Whole),
            Action::Delete(number) => acknowledge(self, Command::Dele(number)),
            Action::Reset => acknowledge(self, Command::Rset),
            Action::Noop => acknowledge(self, Command::Noop),
            Action::Last => self.call(Last).map(Value::Number),
            Action::Capabilities => {
                let capabilities = self.call(Capa::default())?;
                Ok(Value::pipelining(self.conversation.learn(capabilities)))
            }
            Action::Batch(_) => unreachable!("it has more than one result"),
        }
    }

    async fn batch(&mut self, plan: &BatchPlan) -> Vec<Note> {
        self.run(plan).unwrap_or_else(|error| vec![Err(error.into())])
    }

    async fn quit(self) -> Result<(), QuitError> {
        self.farewell()
    }
}
