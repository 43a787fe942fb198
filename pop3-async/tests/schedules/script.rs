//! Sessions as data: their actions and results.

use std::io;

use pop3_async::{Cause, Connect, Credentials, Error, Method, Policy, QuitError, Security, Timeouts};
use pop3_proto::drive::{Capabilities, OwnedUniqueId};
use pop3_proto::wire::{DropListing, KnownCapability, ScanListing};

use crate::maildrop::{PASSWORD, USER};
use crate::wire::{Carried, Scene, Schedule, Wire};

/// An action of the user of a session.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    Stat,
    List(Option<u32>),
    UniqueIds(Option<u32>),
    Retrieve(u32, Reading),
    Top(u32, u32, Reading),
    Header(u32),
    Delete(u32),
    Batch(BatchPlan),
    Reset,
    Noop,
    Last,
    Capabilities,
}

/// The part of a message that is read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reading {
    /// All, in one call.
    Whole,
    /// So many octets; what is left is dropped.
    UpTo(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BatchCommand {
    Retrieve,
    Header,
    Delete,
}

/// Many messages.
#[derive(Clone, Debug)]
pub(crate) struct BatchPlan {
    pub(crate) each: BatchCommand,
    /// The numbers of the messages, or `None` for all.
    pub(crate) numbers: Option<Vec<u32>>,
    /// The number of items that are taken before the batch is ended.
    pub(crate) items: usize,
    /// Ends the batch by a stop, if there is one, and not by a drop.
    pub(crate) stops: bool,
    pub(crate) reading: Reading,
}

/// A session: logins until one succeeds, actions, and perhaps QUIT.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    /// The mechanism, and whether the password is right.
    pub(crate) logins: Vec<(Option<Method>, bool)>,
    pub(crate) actions: Vec<Action>,
    pub(crate) quits: bool,
}

/// The result of a action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Done,
    Number(u32),
    Totals(u32, u64),
    Listings(Vec<(u32, u64)>),
    UniqueIds(Vec<(u32, Vec<u8>)>),
    Pipelining(bool),
    /// Octets of a message, and whether they are known to be all.
    Octets(u32, Vec<u8>, bool),
}

impl Value {
    pub(crate) fn totals(totals: DropListing) -> Value {
        Value::Totals(totals.messages, totals.octets)
    }

    pub(crate) fn listings(listings: impl IntoIterator<Item = ScanListing>) -> Value {
        Value::Listings(listings.into_iter().map(|listing| (listing.number, listing.octets)).collect())
    }

    pub(crate) fn unique_ids(ids: impl IntoIterator<Item = (u32, OwnedUniqueId)>) -> Value {
        Value::UniqueIds(ids.into_iter().map(|(number, id)| (number, id.as_bytes().to_vec())).collect())
    }

    pub(crate) fn pipelining(capabilities: &Capabilities) -> Value {
        Value::Pipelining(capabilities.any(|known| known == KnownCapability::Pipelining))
    }

    pub(crate) fn whole(number: u32, octets: &[u8]) -> Value {
        Value::Octets(number, octets.to_vec(), true)
    }

    /// Returns the result of reading up to `enough` octets, which are fewer only if the message ended.
    pub(crate) fn up_to(number: u32, octets: Vec<u8>, enough: u64) -> Value {
        let whole = (octets.len() as u64) < enough;
        Value::Octets(number, octets, whole)
    }
}

/// The reason of an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    Refused(String),
    UsageError(String),
    Malformed(String),
    Protocol(String),
    /// The connection was closed: `true` if the server is known to have been idle.
    Closed(bool),
    Transport(io::ErrorKind),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) operation: String,
    pub(crate) why: Why,
    pub(crate) goes_on: bool,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        let why = match error.cause() {
            Cause::Refused(refused) => Why::Refused(refused.to_string()),
            Cause::Usage(rejected) => Why::UsageError(rejected.to_string()),
            Cause::Malformed(malformed) => Why::Malformed(malformed.to_string()),
            Cause::ClosedWhileIdle(_) => Why::Closed(true),
            Cause::Protocol(_) if error.is_truncated() => Why::Closed(false),
            Cause::Protocol(protocol) => Why::Protocol(protocol.to_string()),
            Cause::Transport(_) => Why::Transport(error.io().unwrap().kind()),
            other => panic!("{other:?}"),
        };
        Failure { operation: error.operation().into(), why, goes_on: error.is_recoverable() }
    }
}

pub(crate) type Note = Result<Value, Failure>;

/// The end of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Parting {
    /// The connection was lost before there was a session.
    Lost(Failure),
    Abandoned,
    Quit,
    Refused,
    NotSent,
    Unknown,
}

impl From<Result<(), QuitError>> for Parting {
    fn from(result: Result<(), QuitError>) -> Parting {
        match result {
            Ok(()) => Parting::Quit,
            Err(QuitError::Refused(_)) => Parting::Refused,
            Err(QuitError::NotSent(_)) => Parting::NotSent,
            Err(QuitError::Unknown(_)) => Parting::Unknown,
        }
    }
}

/// The results of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// The reason of each failed login.
    pub(crate) refusals: Vec<String>,
    pub(crate) logged_in: bool,
    /// The results of each action.
    pub(crate) notes: Vec<Vec<Note>>,
    pub(crate) parting: Parting,
    /// The messages that UPDATE removed.
    pub(crate) removed: Option<Vec<u32>>,
}

/// Takes a client to a login. A client that does not wait has `async fn`s that never wait.
pub(crate) trait Driver: Sized {
    type Session: Session;
    async fn open(wire: Wire, to: Connect) -> Result<Self, Error>;
    async fn login(self, who: Credentials, method: Option<Method>) -> Result<Self::Session, (Option<Self>, Error)>;
    async fn leave(self) -> Result<(), QuitError>;
}

/// Performs the actions.
pub(crate) trait Session: Sized {
    async fn act(&mut self, action: &Action) -> Result<Value, Error>;
    async fn batch(&mut self, plan: &BatchPlan) -> Vec<Note>;
    async fn quit(self) -> Result<(), QuitError>;
}

/// Plays a script. Returns its results, and the octets that the link carried to the server and to the client.
pub(crate) fn play<D: Driver>(scene: &Scene, script: &Script, schedule: &Schedule) -> (Record, Carried) {
    let (wire, witness) = Wire::new(scene, schedule);
    let mut record = Record {
        refusals: Vec::new(),
        logged_in: false,
        notes: Vec::new(),
        parting: Parting::Abandoned,
        removed: None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    record.parting = runtime.block_on(converse::<D>(wire, scene.window, script, &mut record));
    record.removed = witness.maildrop.removed();
    (record, witness.carried.take())
}

async fn converse<D: Driver>(wire: Wire, window: usize, script: &Script, record: &mut Record) -> Parting {
    let policy = Policy::new().security(Security::Plaintext).allow_plaintext(true);
    let to = Connect::new().policy(policy).timeouts(Timeouts::UNLIMITED).window(window);
    let mut connection = match D::open(wire, to).await {
        Ok(connection) => connection,
        Err(error) => return Parting::Lost(error.into()),
    };
    let mut logins = script.logins.iter();
    let mut session = loop {
        let Some(&(mechanism, right)) = logins.next() else { return connection.leave().await.into() };
        let who = Credentials::new(USER, if right { PASSWORD } else { "wrong" });
        match connection.login(who, mechanism).await {
            Ok(session) => break session,
            Err((None, error)) if error.login().is_none() => return Parting::Lost(error.into()),
            Err((again, reason)) => {
                record.refusals.push(reason.to_string());
                connection = again.expect("the server refused, and goes on");
            }
        }
    };
    record.logged_in = true;
    for action in &script.actions {
        let mut notes = match action {
            Action::Batch(plan) => session.batch(plan).await,
            action => vec![session.act(action).await.map_err(Failure::from)],
        };
        let goes_on = |notes: &[Note]| notes.iter().filter_map(|note| note.as_ref().err()).all(|error| error.goes_on);
        if matches!(action, Action::Batch(BatchPlan { each: BatchCommand::Delete, .. })) && goes_on(&notes) {
            // The list shows which messages are marked beyond those that were waited for.
            notes.push(session.act(&Action::List(None)).await.map_err(Failure::from));
        }
        let over = !goes_on(&notes);
        record.notes.push(notes);
        if over {
            break;
        }
    }
    if script.quits { session.quit().await.into() } else { Parting::Abandoned }
}
