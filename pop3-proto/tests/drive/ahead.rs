//! Batches without pipelining: the next command is sent as soon as a message has arrived, and never earlier.

use pop3_proto::drive::{
    Acknowledge, Batch, Call, Capabilities, Conversation, Io, Item, Listing, Retrieval, Selection, Step,
};
use pop3_proto::wire::ScanListing;
use pop3_proto::{Awaiting, Command, Error};

use crate::scene::{hear, logged_in};

/// Returns the next message of a batch, whose command is in flight.
fn asked(conversation: &mut Conversation, batch: &mut Batch<Retrieval>) -> Retrieval {
    let Step::Done(Some(Item { mut call, .. })) = batch.next(conversation) else { panic!("there is one more") };
    if conversation.client().in_flight() == 0 {
        conversation.looked();
    }
    assert_eq!(conversation.open(&mut call).unwrap(), Step::NeedIo(Io::Transfer));
    call
}

/// Reads `octets` in one read that takes all that has arrived, as an adapter does. Returns what the client then sends.
fn drain(conversation: &mut Conversation, octets: &[u8]) -> String {
    hear(conversation, octets);
    if conversation.has_next() {
        conversation.send_next();
    }
    String::from_utf8(conversation.pending().to_vec()).unwrap()
}

fn whole(conversation: &mut Conversation, retrieval: &mut Retrieval) -> Result<Vec<u8>, Error> {
    let mut octets = Vec::new();
    match conversation.collect(retrieval, &mut octets)? {
        Step::Done(()) => Ok(octets),
        Step::NeedIo(io) => panic!("{io:?} is due"),
    }
}

fn batch(numbers: impl IntoIterator<Item = u32>) -> Batch<Retrieval> {
    Batch::retrieve(Selection::from_iter(numbers), 4096)
}

#[test]
fn the_next_message_is_requested_when_the_one_before_has_arrived() {
    let (mut conversation, mut batch) = (logged_in(), batch([7, 5, 6]));
    let mut message = asked(&mut conversation, &mut batch);
    assert_eq!(conversation.pending(), b"RETR 7\r\n");
    for part in ["+OK\r\n", "one\r\n", ".\r"] {
        assert_eq!(drain(&mut conversation, part.as_bytes()), "", "{part:?}");
        if conversation.read(&mut message).unwrap() == Step::Done(true) {
            conversation.take_body(usize::MAX);
            assert_eq!(conversation.read(&mut message).unwrap(), Step::NeedIo(Io::Transfer));
        }
    }
    assert_eq!(drain(&mut conversation, b"\n"), "RETR 5\r\n");
    assert_eq!(whole(&mut conversation, &mut message).unwrap(), b"");
    assert!(message.is_complete());
    for (number, next) in [(5, "RETR 6\r\n"), (6, "")] {
        let Step::Done(Some(mut item)) = batch.next(&mut conversation) else { panic!() };
        assert_eq!(item.number, number);
        // No look: its command was sent before the caller had control.
        assert_eq!(conversation.open(&mut item.call).unwrap(), Step::NeedIo(Io::Transfer));
        assert_eq!(drain(&mut conversation, b"+OK\r\nhello\r\n.\r\n"), next);
        assert_eq!(whole(&mut conversation, &mut item.call).unwrap(), b"hello\r\n");
    }
    assert!(matches!(batch.next(&mut conversation), Step::Done(None)));
    assert_eq!(conversation.client().awaiting(), Awaiting::Nothing);
}

#[test]
fn a_caller_that_had_control_must_look() {
    for stray in ["", "-ERR Disconnected for inactivity.\r\n"] {
        let (mut conversation, mut batch) = (logged_in(), batch([1, 2]));
        let mut message = asked(&mut conversation, &mut batch);
        // The read may have left octets behind.
        hear(&mut conversation, b"+OK\r\none\r\n.\r\n");
        assert_eq!(whole(&mut conversation, &mut message).unwrap(), b"one\r\n");
        let Step::Done(Some(mut item)) = batch.next(&mut conversation) else { panic!() };
        // Too late: the message was handed out.
        conversation.send_next();
        assert_eq!(conversation.open(&mut item.call).unwrap(), Step::NeedIo(Io::Look));
        assert_eq!(conversation.pending(), b"");
        hear(&mut conversation, stray.as_bytes());
        conversation.looked();
        match conversation.open(&mut item.call) {
            Ok(step) => assert_eq!((step, stray), (Step::NeedIo(Io::Transfer), "")),
            Err(error) => {
                assert!(!stray.is_empty() && error.to_string().contains("while it was idle, saying"), "{error}");
            }
        }
        assert_eq!(conversation.pending().is_empty(), !stray.is_empty());
    }
}

#[test]
fn nothing_is_requested_if_octets_follow_the_message() {
    for stray in ["\r\n", "+OK\r\n", "-ERR bye\r\n", "+OK\r\ntwo\r\n.\r\n", ".\r\n"] {
        let (mut conversation, mut batch) = (logged_in(), batch([1, 2]));
        let mut message = asked(&mut conversation, &mut batch);
        assert_eq!(drain(&mut conversation, format!("+OK\r\none\r\n.\r\n{stray}").as_bytes()), "", "{stray:?}");
        assert_eq!(whole(&mut conversation, &mut message).unwrap(), b"one\r\n");
        let Step::Done(Some(mut item)) = batch.next(&mut conversation) else { panic!() };
        let opened = conversation.open(&mut item.call);
        assert_eq!(opened.is_ok(), stray == "\r\n", "{stray:?}: {opened:?}");
        assert_eq!(conversation.pending(), b"");
    }
}

#[test]
fn an_abandoned_batch_requests_nothing() {
    let (mut conversation, mut batch) = (logged_in(), batch([1, 2, 3]));
    let mut message = asked(&mut conversation, &mut batch);
    hear(&mut conversation, b"+OK\r\nhalf\r\n");
    assert_eq!(conversation.read(&mut message).unwrap(), Step::Done(true));
    let mut noop = Call::new(Acknowledge(Command::Noop));
    assert_eq!(conversation.step(&mut noop).unwrap(), Step::NeedIo(Io::Transfer));
    assert_eq!(drain(&mut conversation, b"rest\r\n.\r\n"), "");
    // Nor does a message that waits for its own turn.
    let Step::Done(Some(mut item)) = batch.next(&mut conversation) else { panic!() };
    assert_eq!(conversation.open(&mut item.call).unwrap(), Step::NeedIo(Io::Look));
    conversation.looked();
    assert_eq!(conversation.step(&mut noop).unwrap(), Step::NeedIo(Io::Transfer));
    assert_eq!(conversation.open(&mut item.call).unwrap(), Step::NeedIo(Io::Transfer));
    assert_eq!(drain(&mut conversation, b".\r\n"), "", "an answer to NOOP ends otherwise");
}

#[test]
fn a_message_behind_another_answer_does_not_request_the_next_one() {
    let mut conversation = logged_in();
    let (mut abandoned, mut batch) = (Retrieval::retr(9), batch([1, 2]));
    conversation.looked();
    assert_eq!(conversation.open(&mut abandoned).unwrap(), Step::NeedIo(Io::Transfer));
    hear(&mut conversation, b"+OK\r\n");
    assert_eq!(conversation.open(&mut abandoned).unwrap(), Step::Done(()));
    let Step::Done(Some(mut item)) = batch.next(&mut conversation) else { panic!() };
    assert_eq!(conversation.open(&mut item.call).unwrap(), Step::NeedIo(Io::Transfer));
    assert_eq!(drain(&mut conversation, b"nine\r\n.\r\n"), "", "message 1 comes before message 2");
    assert_eq!(conversation.open(&mut item.call).unwrap(), Step::NeedIo(Io::Look));
}

#[test]
fn a_request_for_the_same_message_gets_the_pending_answer() {
    for (number, again) in [(2, ""), (3, "RETR 3\r\n")] {
        let (mut conversation, mut batch) = (logged_in(), batch([1, 2]));
        let mut message = asked(&mut conversation, &mut batch);
        assert_eq!(drain(&mut conversation, b"+OK\r\none\r\n.\r\n"), "RETR 2\r\n");
        assert_eq!(whole(&mut conversation, &mut message).unwrap(), b"one\r\n");
        drop(batch);
        let mut other = Retrieval::retr(number);
        assert_eq!(conversation.open(&mut other).unwrap(), Step::NeedIo(Io::Transfer));
        hear(&mut conversation, b"+OK\r\ntwo\r\n.\r\n");
        if number == 2 {
            assert_eq!(whole(&mut conversation, &mut other).unwrap(), b"two\r\n");
            continue;
        }
        assert_eq!(conversation.open(&mut other).unwrap(), Step::NeedIo(Io::Look));
        conversation.looked();
        assert_eq!(conversation.open(&mut other).unwrap(), Step::NeedIo(Io::Transfer));
        assert_eq!(conversation.pending(), again.as_bytes());
    }
}

/// The caller may abandon the batch, and the server would delete a message that the caller never saw.
#[test]
fn a_server_that_removes_what_was_retrieved_is_not_asked_ahead() {
    for (capability, next) in [
        ("EXPIRE 0", ""),
        ("EXPIRE 0 USER", ""),
        ("EXPIRE 60 USER", ""),
        ("EXPIRE 60", "RETR 2\r\n"),
        ("EXPIRE NEVER", "RETR 2\r\n"),
        ("UIDL", "RETR 2\r\n"),
    ] {
        let (mut conversation, mut batch) = (logged_in(), batch([1, 2]));
        conversation.learn(Capabilities::from(Listing::from_iter([capability])));
        let mut message = asked(&mut conversation, &mut batch);
        assert_eq!(drain(&mut conversation, b"+OK\r\none\r\n.\r\n"), next, "{capability}");
        assert_eq!(whole(&mut conversation, &mut message).unwrap(), b"one\r\n");
    }
}

/// Returns what a batch of three messages has sent when its caller asked for the first one, and for each of the others.
fn sent_by(conversation: &mut Conversation, mut batch: Batch<Retrieval>) -> Vec<String> {
    let mut sent = Vec::new();
    for _ in 0..3 {
        let mut item = loop {
            match batch.next(conversation) {
                Step::NeedIo(_) => conversation.looked(),
                Step::Done(item) => break item.unwrap(),
            }
        };
        sent.push(String::from_utf8(conversation.pending().to_vec()).unwrap());
        assert_eq!(conversation.open(&mut item.call).unwrap(), Step::NeedIo(Io::Transfer));
        hear(conversation, b"+OK\r\n.\r\n");
        assert_eq!(whole(conversation, &mut item.call).unwrap(), b"");
    }
    sent
}

#[test]
fn pipelining_does_not_retrieve_ahead_from_such_a_server() {
    for (capabilities, is_ahead) in
        [(["PIPELINING", "EXPIRE 0"], false), (["PIPELINING", "EXPIRE 60 USER"], false), (["PIPELINING", "UIDL"], true)]
    {
        let mut conversation = logged_in();
        conversation.learn(Capabilities::from(Listing::from_iter(capabilities)));
        let sent = sent_by(&mut conversation, batch([1, 2, 3]));
        if is_ahead {
            assert_eq!(sent, ["RETR 1\r\nRETR 2\r\nRETR 3\r\n", "", ""]);
        } else {
            assert_eq!(sent, ["RETR 1\r\n", "RETR 2\r\n", "RETR 3\r\n"]);
        }
        // Nothing is deleted because of a TOP.
        let headers = Batch::top(0, Selection::from_iter([1, 2, 3]), 4096);
        assert_eq!(sent_by(&mut conversation, headers), ["TOP 1 0\r\nTOP 2 0\r\nTOP 3 0\r\n", "", ""]);
    }
}

#[test]
fn a_large_message_is_not_requested_ahead() {
    const MIB: u64 = 1 << 20;
    for (octets, pipelined) in [
        ([0, 4096 * MIB, 0], ["RETR 1\r\n", "RETR 2\r\n", "RETR 3\r\n"]),
        ([10 * MIB, 10 * MIB, 10 * MIB], ["RETR 1\r\nRETR 2\r\nRETR 3\r\n", "", ""]),
        ([10 * MIB, 21 * MIB, 21 * MIB], ["RETR 1\r\nRETR 2\r\n", "", "RETR 3\r\n"]),
    ] {
        let listings = || (1..).zip(octets).map(|(number, octets)| ScanListing { number, octets });
        let batch = || Batch::retrieve(listings().collect(), 4096);
        assert_eq!(sent_by(&mut crate::scene::pipelining(), batch()), pipelined, "{octets:?}");

        let (mut conversation, mut batch) = (logged_in(), batch());
        let mut message = asked(&mut conversation, &mut batch);
        let is_small = octets[1] < 32 * MIB;
        let next = if is_small { "RETR 2\r\n" } else { "" };
        assert_eq!(drain(&mut conversation, b"+OK\r\none\r\n.\r\n"), next, "{octets:?}");
        assert_eq!(whole(&mut conversation, &mut message).unwrap(), b"one\r\n");
    }
}

#[test]
fn no_deletion_is_sent_ahead() {
    let mut conversation = logged_in();
    let mut batch = Batch::delete([1, 2], 4096);
    let Step::Done(Some(mut item)) = batch.next(&mut conversation) else { panic!() };
    conversation.looked();
    assert_eq!(conversation.step(&mut item.call).unwrap(), Step::NeedIo(Io::Transfer));
    assert_eq!(drain(&mut conversation, b"+OK\r\n"), "");
    assert_eq!(conversation.step(&mut item.call).unwrap(), Step::Done(()));
    let Step::Done(Some(mut item)) = batch.next(&mut conversation) else { panic!() };
    assert_eq!(conversation.step(&mut item.call).unwrap(), Step::NeedIo(Io::Look));
}

#[test]
fn only_a_lone_command_may_block() {
    let mut conversation = crate::scene::pipelining();
    let (mut first, mut second) = (Retrieval::retr(1), Retrieval::retr(2));
    assert_eq!(conversation.open(&mut first).unwrap(), Step::NeedIo(Io::Transfer));
    assert!(conversation.may_block());
    assert_eq!(conversation.open(&mut second).unwrap(), Step::NeedIo(Io::Transfer));
    assert!(!conversation.may_block(), "the server may have to write before it reads the second command");
}
