//! Calls that overlap: each gets its own whole answer, or an error that says that a part was skipped.

use pop3_proto::drive::{
    Acknowledge, Batch, Call, Capa, Capabilities, Conversation, Exchange, Io, Listing, Retrieval, Step, UidlAll,
};
use pop3_proto::{Cause, Command, Error, Malformed, UsageError};
use proptest::prelude::*;

use crate::scene::{hear, pipelining};

fn is_skipped(error: &Error) -> bool {
    matches!(error.cause(), Cause::Usage(UsageError::Skipped))
}

#[test]
fn a_listing_that_lost_rows_to_a_later_call_is_not_the_whole_listing() {
    let mut conversation = pipelining();
    let (mut uidl, mut noop) = (Call::new(UidlAll::default()), Call::new(Acknowledge(Command::Noop)));
    let _ = conversation.begin(&mut uidl).unwrap();
    let _ = conversation.begin(&mut noop).unwrap();
    hear(&mut conversation, b"+OK\r\n1 a\r\n2 b\r\n");
    assert_eq!(conversation.step(&mut noop).unwrap(), Step::NeedIo(Io::Transfer));
    hear(&mut conversation, b"3 c\r\n.\r\n");
    let error = conversation.step(&mut uidl).unwrap_err();
    assert!(is_skipped(&error), "{error}");
    assert!(error.is_recoverable());
    hear(&mut conversation, b"+OK\r\n");
    assert_eq!(conversation.step(&mut noop).unwrap(), Step::Done(()));
}

#[test]
fn a_message_that_lost_octets_to_a_later_call_is_never_complete() {
    for taken in [false, true] {
        let mut conversation = pipelining();
        let mut message = Retrieval::retr(1);
        let mut noop = Call::new(Acknowledge(Command::Noop));
        assert_eq!(conversation.open(&mut message).unwrap(), Step::NeedIo(Io::Transfer));
        let _ = conversation.begin(&mut noop).unwrap();
        hear(&mut conversation, b"+OK\r\nSubject: one\r\n");
        assert_eq!(conversation.read(&mut message).unwrap(), Step::Done(true));
        if taken {
            // This loses the octets that come next instead of these.
            conversation.take_body(usize::MAX);
            hear(&mut conversation, b"\r\nlost\r\n");
        }
        assert_eq!(conversation.step(&mut noop).unwrap(), Step::NeedIo(Io::Transfer));
        hear(&mut conversation, b"kept\r\n.\r\n");
        let mut octets = Vec::new();
        let error = conversation.collect(&mut message, &mut octets).unwrap_err();
        assert!(is_skipped(&error), "{error}");
        assert!(!message.is_complete());
    }
}

#[test]
fn a_call_between_the_commands_of_a_batch_does_not_get_the_answer_to_one_of_them() {
    let mut conversation = pipelining();
    // There is room for two commands.
    let mut batch = Batch::retrieve((1..=3).collect(), 18);
    let mut noop = Call::new(Acknowledge(Command::Noop));
    let mut next = |conversation: &mut Conversation| match batch.next(conversation) {
        Step::Done(Some(item)) => item.call,
        other => panic!("{other:?}"),
    };
    let one = next(&mut conversation);
    let _ = conversation.begin(&mut noop).unwrap();
    let (two, three) = (next(&mut conversation), next(&mut conversation));
    assert_eq!(conversation.pending(), b"RETR 1\r\nRETR 2\r\nNOOP\r\nRETR 3\r\n");
    hear(&mut conversation, b"+OK\r\none\r\n.\r\n+OK\r\ntwo\r\n.\r\n+OK\r\n+OK\r\nthree\r\n.\r\n");
    for (mut message, wanted) in [(one, "one\r\n"), (two, "two\r\n"), (three, "three\r\n")] {
        let mut octets = Vec::new();
        assert_eq!(conversation.collect(&mut message, &mut octets).unwrap(), Step::Done(()));
        assert_eq!(octets, wanted.as_bytes());
    }
}

#[test]
fn room_for_a_read_does_not_lose_octets_of_a_message_unnoticed() {
    let mut conversation = pipelining();
    let mut message = Retrieval::retr(1);
    assert_eq!(conversation.open(&mut message).unwrap(), Step::NeedIo(Io::Transfer));
    hear(&mut conversation, b"+OK\r\nSubject: one\r\n");
    assert_eq!(conversation.read(&mut message).unwrap(), Step::Done(true));
    hear(&mut conversation, b"\r\n.\r\n");
    let error = conversation.collect(&mut message, &mut Vec::new()).unwrap_err();
    assert!(is_skipped(&error), "{error}");
}

#[test]
fn a_call_that_failed_in_the_middle_of_its_answer_does_not_go_on_behind_it() {
    let mut conversation = pipelining();
    let mut uidl = Call::new(UidlAll::default());
    assert_eq!(conversation.step(&mut uidl).unwrap(), Step::NeedIo(Io::Transfer));
    hear(&mut conversation, b"+OK\r\nnonsense\r\n2 b\r\n.\r\n");
    let error = conversation.step(&mut uidl).unwrap_err();
    assert!(matches!(error.cause(), Cause::Malformed(Malformed::UniqueId)), "{error}");
    assert!(is_skipped(&conversation.step(&mut uidl).unwrap_err()));
}

#[test]
fn a_message_does_not_go_on_in_another_conversation() {
    for taken in [0, 3, usize::MAX] {
        let mut first = pipelining();
        let mut message = Retrieval::retr(1);
        assert_eq!(first.open(&mut message).unwrap(), Step::NeedIo(Io::Transfer));
        hear(&mut first, b"+OK\r\nfirst line of message 1\r\n");
        let mut octets = Vec::new();
        assert_eq!(first.collect(&mut message, &mut octets).unwrap(), Step::NeedIo(Io::Transfer));
        drop(first);

        // The connection broke, and the next one numbers its commands in the same way.
        let mut second = pipelining();
        let mut another = Retrieval::retr(7);
        assert_eq!(second.open(&mut another).unwrap(), Step::NeedIo(Io::Transfer));
        hear(&mut second, b"+OK\r\nmessage 7\r\n.\r\n");
        let mut rest = Vec::new();
        if taken > 0 {
            assert_eq!(second.read(&mut another).unwrap(), Step::Done(true));
            let octets = second.body().len().min(taken);
            rest.extend_from_slice(&second.body()[..octets]);
            second.take_body(octets);
        }
        let error = second.collect(&mut message, &mut octets).unwrap_err();
        assert!(is_skipped(&error) && error.is_recoverable(), "{error}");
        assert_eq!((message.is_complete(), &octets[..]), (false, &b"first line of message 1\r\n"[..]));
        assert_eq!(second.collect(&mut another, &mut rest).unwrap(), Step::Done(()));
        assert_eq!(rest, b"message 7\r\n");
    }
}

#[test]
fn a_listing_does_not_go_on_in_another_conversation() {
    let (mut first, mut second) = (pipelining(), pipelining());
    let (mut uidl, mut another) = (Call::new(UidlAll::default()), Call::new(UidlAll::default()));
    assert_eq!(first.step(&mut uidl).unwrap(), Step::NeedIo(Io::Transfer));
    hear(&mut first, b"+OK\r\n1 a\r\n");
    assert_eq!(first.step(&mut uidl).unwrap(), Step::NeedIo(Io::Transfer));
    assert_eq!(second.step(&mut another).unwrap(), Step::NeedIo(Io::Transfer));
    hear(&mut second, b"+OK\r\n1 x\r\n.\r\n");
    assert!(is_skipped(&second.step(&mut uidl).unwrap_err()));
    assert!(matches!(second.step(&mut another).unwrap(), Step::Done(ids) if ids.len() == 1));
    hear(&mut first, b"2 b\r\n.\r\n");
    assert!(matches!(first.step(&mut uidl).unwrap(), Step::Done(ids) if ids.len() == 2));
}

/// A call of each shape, and the value that it must bring if it brings any.
enum Pending {
    Listing(Call<Capa>),
    Single(Call<Acknowledge<'static>>),
    Message(Retrieval, Vec<u8>),
    Over,
}

impl Pending {
    fn new(shape: u8) -> Pending {
        match shape % 3 {
            0 => Pending::Listing(Call::new(Capa::default())),
            1 => Pending::Single(Call::new(Acknowledge(Command::Noop))),
            _ => Pending::Message(Retrieval::retr(1), Vec::new()),
        }
    }

    /// Returns the server's answer, in which each line has the number of the call.
    fn answer(shape: u8, id: usize) -> String {
        match shape % 3 {
            0 => format!("+OK\r\n{id} a\r\n{id} b\r\n.\r\n"),
            1 => "+OK\r\n".to_owned(),
            _ => format!("+OK\r\n{id} a\r\n..{id}\r\n.\r\n"),
        }
    }

    fn begin(&mut self, conversation: &mut Conversation) {
        let _ = match self {
            Pending::Listing(call) => conversation.begin(call).unwrap(),
            Pending::Single(call) => conversation.begin(call).unwrap(),
            Pending::Message(message, _) => conversation.open(message).unwrap(),
            Pending::Over => Step::Done(()),
        };
    }

    /// Steps the call. Its result must be whole.
    fn step(&mut self, conversation: &mut Conversation, id: usize, take: usize) {
        let error = match self {
            Pending::Listing(call) => match settled(conversation, call) {
                None => return,
                Some(Ok(lines)) => {
                    let wanted = [format!("{id} a"), format!("{id} b")];
                    assert_eq!(lines, Capabilities::from(Listing::from_iter(wanted)));
                    None
                }
                Some(Err(error)) => Some(error),
            },
            Pending::Single(call) => match settled(conversation, call) {
                None => return,
                Some(result) => result.err(),
            },
            Pending::Message(message, octets) => match conversation.read(message) {
                Ok(Step::NeedIo(_)) => return,
                Ok(Step::Done(true)) => {
                    let taken = conversation.body().len().min(take);
                    octets.extend_from_slice(&conversation.body()[..taken]);
                    return conversation.take_body(taken);
                }
                Ok(Step::Done(false)) => {
                    assert_eq!(String::from_utf8_lossy(octets), format!("{id} a\r\n.{id}\r\n"));
                    None
                }
                Err(error) => Some(error),
            },
            Pending::Over => return,
        };
        if let Some(error) = error {
            assert!(is_skipped(&error), "{error}");
        }
        *self = Pending::Over;
    }
}

fn settled<E: Exchange>(conversation: &mut Conversation, call: &mut Call<E>) -> Option<Result<E::Value, Error>> {
    match conversation.step(call) {
        Ok(Step::NeedIo(_)) => None,
        Ok(Step::Done(value)) => Some(Ok(value)),
        Err(error) => Some(Err(error)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_call_has_its_whole_answer_or_none(
        shapes in prop::collection::vec(0..3u8, 1..6),
        steps in prop::collection::vec((0..6usize, 0..9usize, 0..12usize), 0..60),
    ) {
        let mut conversation = pipelining();
        let mut calls: Vec<_> = shapes.iter().map(|&shape| Pending::new(shape)).collect();
        for call in &mut calls {
            call.begin(&mut conversation);
        }
        let answers: String = shapes.iter().enumerate().map(|(id, &shape)| Pending::answer(shape, id)).collect();
        let mut answers = answers.as_bytes();
        for (which, take, heard) in steps {
            let id = which % calls.len();
            calls[id].step(&mut conversation, id, take);
            let (now, later) = answers.split_at(heard.min(answers.len()));
            if !now.is_empty() {
                hear(&mut conversation, now);
            }
            answers = later;
        }
        hear(&mut conversation, answers);
        for _ in 0..9 {
            for (id, call) in calls.iter_mut().enumerate() {
                call.step(&mut conversation, id, usize::MAX);
            }
        }
        prop_assert!(calls.iter().all(|call| matches!(call, Pending::Over)));
        let mut last = Call::new(Acknowledge(Command::Noop));
        conversation.looked();
        let _ = conversation.begin(&mut last).unwrap();
        hear(&mut conversation, b"+OK\r\n");
        prop_assert_eq!(conversation.step(&mut last).unwrap(), Step::Done(()));
        prop_assert_eq!(conversation.client().in_flight(), 0);
    }
}
