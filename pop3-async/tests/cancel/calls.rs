//! Every call of a session, each checked against what the maildrop holds.

use std::collections::BTreeSet;

use pop3_async::pop3_proto::UsageError;
use pop3_async::pop3_proto::serve::MailStore;
use pop3_async::{
    Cause, Connect, Connection, Credentials, Error, MessageReader, Method, Policy, Security, Session, Timeouts,
};
use tokio::io::AsyncReadExt;

use crate::tls;
use crate::wire::{Wire, finished, wire};

pub(crate) const MESSAGES: [&str; 4] = [
    "Subject: one\r\n\r\n.dotted\r\n..twice\r\n.\r\nend\r\n",
    "Subject: two\r\n\r\n",
    "Subject: three\r\n\r\n+OK not an answer\r\n-ERR nor this\r\n3 33\r\n",
    "Subject: four\r\n\r\nfour\r\n",
];

pub(crate) fn credentials() -> Credentials {
    Credentials::new("mrose", "tanstaaf")
}

pub(crate) fn number(number: usize) -> u32 {
    number.try_into().unwrap()
}

/// One for each call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    Stat,
    List,
    ListOne,
    UniqueIds,
    UniqueId,
    Retrieve,
    Top,
    RetrieveHeaders,
    RetrieveAll,
    RetrieveMany,
    Stopped,
    HeadersAll,
    HeadersMany,
    Delete,
    DeleteAll,
    DeleteMany,
    Last,
    Reset,
    Noop,
    Capabilities,
    Languages,
    SetLanguage,
    Raw,
}

pub(crate) const OPS: [Op; 23] = [
    Op::Stat,
    Op::List,
    Op::ListOne,
    Op::UniqueIds,
    Op::UniqueId,
    Op::Retrieve,
    Op::Top,
    Op::RetrieveHeaders,
    Op::RetrieveAll,
    Op::RetrieveMany,
    Op::Stopped,
    Op::HeadersAll,
    Op::HeadersMany,
    Op::Delete,
    Op::DeleteAll,
    Op::DeleteMany,
    Op::Last,
    Op::Reset,
    Op::Noop,
    Op::Capabilities,
    Op::Languages,
    Op::SetLanguage,
    Op::Raw,
];

/// A maildrop, and what is known of its marks.
pub(crate) struct World {
    pub(crate) store: MailStore,
    security: Security,
    /// The messages that may be marked as deleted.
    pub(crate) maybe: BTreeSet<usize>,
}

impl World {
    pub(crate) fn new(security: Security) -> World {
        let store = MailStore::new();
        store.add_user("mrose", "tanstaaf");
        for (n, message) in (1..).zip(MESSAGES) {
            store.deliver_as("mrose", &format!("id-{n}"), message);
        }
        World { store, security, maybe: BTreeSet::new() }
    }

    pub(crate) fn policy(&self) -> Policy {
        // SCRAM would be slow, on purpose.
        Policy::new().security(self.security).allow_plaintext(true).method(Method::UserPass)
    }

    pub(crate) async fn connect(&self, pipelining: bool, seed: u64) -> Connection<Wire> {
        let wire = wire(&self.store, self.security, pipelining, seed);
        let to = Connect::new().host("localhost").tls(tls::client().clone()).policy(self.policy());
        Connection::over(wire, to.timeouts(Timeouts::UNLIMITED)).await.unwrap()
    }

    pub(crate) fn session(&self, pipelining: bool, seed: u64) -> Session<Wire> {
        let connection = finished(self.connect(pipelining, seed));
        finished(connection.login_as(credentials())).unwrap()
    }

    /// The numbers are in order, and none is missing that cannot be marked.
    fn listed(&self, numbers: impl Iterator<Item = u32>) -> BTreeSet<usize> {
        let numbers: Vec<_> = numbers.map(|number| usize::try_from(number).unwrap()).collect();
        assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
        let listed: BTreeSet<_> = numbers.into_iter().collect();
        for n in 1..=MESSAGES.len() {
            assert!(listed.contains(&n) || self.maybe.contains(&n), "{n} is missing in {listed:?}");
        }
        listed
    }

    /// Either right, or refused because the message is marked.
    fn check<T>(&self, n: usize, result: Result<T, Error>, right: impl FnOnce(T)) {
        match result {
            Ok(value) => right(value),
            Err(error) => {
                assert!(error.refused().is_some(), "{error}");
                assert!(self.maybe.contains(&n) || n > MESSAGES.len(), "{error}");
                assert!(error.operation().contains(&n.to_string()), "{error}");
            }
        }
    }

    /// Does it, to the end, and checks what comes of it.
    #[allow(clippy::too_many_lines, reason = "one arm for each call")]
    pub(crate) async fn run(&mut self, op: Op, session: &mut Session<Wire>) {
        let all = 1..=MESSAGES.len();
        match op {
            Op::Stat => {
                let stat = session.stat().await.unwrap();
                let count = usize::try_from(stat.messages).unwrap();
                assert!(count <= MESSAGES.len() && count >= MESSAGES.len() - self.maybe.len(), "{count}");
            }
            Op::List => {
                let list = session.list().await.unwrap();
                self.listed(list.iter().map(|listing| listing.number));
                for listing in list {
                    assert_eq!(listing.octets, size(listing.number));
                }
            }
            Op::ListOne => {
                let listing = session.list_one(number(3)).await;
                self.check(3, listing, |listing| assert_eq!(listing.octets, size(number(3))));
            }
            Op::UniqueIds => {
                let ids = session.uidl().await.unwrap();
                self.listed(ids.iter().map(|(number, _)| *number));
                for (number, id) in ids {
                    assert_eq!(id.as_bytes(), format!("id-{number}").as_bytes());
                }
            }
            Op::UniqueId => {
                let id = session.uidl_one(number(4)).await;
                self.check(4, id, |id| assert_eq!(id.as_bytes(), b"id-4"));
            }
            Op::Retrieve => match session.retrieve(number(1)).await {
                Ok(message) => whole(message).await,
                Err(error) => self.check(1, Err(error), |()| ()),
            },
            Op::Top => {
                let message = match session.top(number(1), 1).await {
                    Ok(message) => message.into_message().await,
                    Err(error) => Err(error),
                };
                let right = "Subject: one\r\n\r\n.dotted\r\n";
                self.check(1, message, |message| assert_eq!(message.as_bytes(), right.as_bytes()));
            }
            Op::RetrieveHeaders => {
                let header = session.header(number(3)).await;
                self.check(3, header, |header| assert_eq!(header.as_bytes(), head(number(3))));
            }
            Op::RetrieveAll => {
                let mut messages = session.retrieve_all().await.unwrap();
                let mut numbers = Vec::new();
                while let Some(message) = messages.next().await.unwrap() {
                    numbers.push(message.number());
                    whole(message).await;
                }
                self.listed(numbers.into_iter());
            }
            Op::RetrieveMany => {
                let mut messages = session.retrieve_many([4, 9, 1, 4].map(number));
                for n in [4, 9, 1, 4] {
                    match messages.next().await {
                        Ok(message) => {
                            let message = message.unwrap();
                            assert_eq!(message.number(), number(n));
                            whole(message).await;
                        }
                        Err(error) => self.check(n, Err(error), |()| ()),
                    }
                }
                assert!(messages.next().await.unwrap().is_none());
            }
            Op::Stopped => {
                let mut messages = session.retrieve_many(all.clone().map(number));
                if let Ok(Some(mut message)) = messages.next().await {
                    message.read_u8().await.unwrap();
                }
                messages.stop();
                // Messages in flight still arrive, and each is read only in part.
                loop {
                    match messages.next().await {
                        Ok(None) => break,
                        Ok(Some(mut message)) => assert_eq!(message.read_u8().await.unwrap(), b'S'),
                        Err(error) => assert!(error.refused().is_some(), "{error}"),
                    }
                }
            }
            Op::HeadersAll => {
                let mut headers = session.headers_all().await.unwrap();
                let mut numbers = Vec::new();
                while let Some(header) = headers.next().await {
                    let (number, header) = header.unwrap();
                    numbers.push(number);
                    assert_eq!(header.as_bytes(), head(number));
                }
                self.listed(numbers.into_iter());
            }
            Op::HeadersMany => {
                let mut headers = session.headers_many([2, 9, 3].map(number));
                for n in [2, 9, 3] {
                    let header = headers.next().await.unwrap();
                    self.check(n, header, |(number, header)| assert_eq!(header.as_bytes(), head(number)));
                }
                assert!(headers.next().await.is_none());
            }
            Op::Delete => {
                let before = self.maybe.contains(&2);
                self.maybe.insert(2);
                let deleted = session.delete(number(2)).await;
                assert!(deleted.is_ok() || before, "{deleted:?}");
            }
            Op::DeleteAll => {
                self.maybe.extend(all);
                let mut deletions = session.delete_all().await.unwrap();
                while let Some(deletion) = deletions.next().await {
                    deletion.unwrap();
                }
                assert_eq!(session.stat().await.unwrap().messages, 0);
            }
            Op::DeleteMany => {
                let before = self.maybe.clone();
                self.maybe.extend([2, 4]);
                let mut deletions = session.delete_many([2, 9, 4].map(number));
                for n in [2, 9, 4] {
                    match deletions.next().await.unwrap() {
                        Ok(marked) => assert_eq!(marked, number(n)),
                        Err(error) => assert!((n == 9 || before.contains(&n)) && error.refused().is_some(), "{error}"),
                    }
                }
                assert!(deletions.next().await.is_none());
            }
            Op::Last => assert!(session.last().await.unwrap_err().refused().is_some()),
            Op::Reset => {
                session.reset().await.unwrap();
                self.maybe.clear();
            }
            Op::Noop => session.noop().await.unwrap(),
            Op::Capabilities => assert!(session.capabilities().await.unwrap().iter().count() > 5),
            Op::Languages => assert!(is_not_announced(&session.languages().await)),
            Op::SetLanguage => assert!(is_not_announced(&session.set_language("*").await)),
            Op::Raw => assert!(session.raw("XYZZY").await.unwrap_err().refused().is_some()),
        }
    }

    /// Looks at everything, then ends the session, and sees that the maildrop is what the list said.
    pub(crate) async fn finish(&mut self, mut session: Session<Wire>) {
        for op in [Op::List, Op::Stat, Op::UniqueIds, Op::RetrieveAll, Op::HeadersAll, Op::Last, Op::Capabilities] {
            self.run(op, &mut session).await;
        }
        let mut kept = self.listed(session.list().await.unwrap().iter().map(|listing| listing.number));
        assert_eq!(session.stat().await.unwrap().messages as usize, kept.len());
        if kept.remove(&3) {
            session.delete(number(3)).await.unwrap();
        }
        session.quit().await.unwrap();
        self.holds(&kept);
    }

    /// The maildrop holds these messages and no other.
    pub(crate) fn holds(&self, kept: &BTreeSet<usize>) {
        let held = self.store.messages("mrose");
        let held: Vec<_> = held.iter().map(|content| std::str::from_utf8(content).unwrap()).collect();
        let kept: Vec<_> = kept.iter().map(|n| MESSAGES[n - 1]).collect();
        assert_eq!(held, kept);
    }
}

pub(crate) fn content(number: u32) -> &'static [u8] {
    MESSAGES[usize::try_from(number).unwrap() - 1].as_bytes()
}

pub(crate) fn head(number: u32) -> &'static [u8] {
    let content = content(number);
    let end = content.windows(4).position(|run| run == b"\r\n\r\n").unwrap() + 4;
    &content[..end]
}

fn size(number: u32) -> u64 {
    content(number).len() as u64
}

async fn whole(mut message: MessageReader<'_, Wire>) {
    let mut octets = Vec::new();
    message.read_to_end(&mut octets).await.unwrap();
    assert_eq!(octets, content(message.number()));
    assert_eq!(message.octets(), octets.len() as u64);
}

/// Returns whether nothing was sent because the server has not announced the command.
pub(crate) fn is_not_announced<T>(result: &Result<T, Error>) -> bool {
    result.as_ref().is_err_and(|error| matches!(error.cause(), Cause::Usage(UsageError::NotAnnounced(_))))
}
