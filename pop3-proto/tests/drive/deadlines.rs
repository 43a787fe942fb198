//! Deadlines, on a clock that the test moves.

use std::time::Duration;

use pop3_proto::drive::{Acknowledge, Call, Conversation, Deadlines, Io, Retrieval, Step, Timeouts, UidlAll};
use pop3_proto::{Command, Config};

use crate::scene::{hear, logged_in};

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

#[test]
fn a_status_line_that_trickles_has_one_deadline() {
    let mut conversation = logged_in();
    let mut deadlines = Deadlines::new(Timeouts::UNLIMITED.answer(secs(60)));
    let mut call = Call::new(Acknowledge(Command::Noop));
    conversation.looked();
    assert_eq!(conversation.step(&mut call).unwrap(), Step::NeedIo(Io::Transfer));
    for (octet, left) in [(b"+", 60), (b"O", 10)] {
        assert_eq!(deadlines.answer(&conversation), Ok(secs(left)));
        hear(&mut conversation, octet);
        deadlines.spent(secs(50), 1);
        assert_eq!(conversation.step(&mut call).unwrap(), Step::NeedIo(Io::Transfer));
    }
    let timed_out = deadlines.answer(&conversation).unwrap_err();
    assert_eq!(timed_out.to_string(), "the server sent no answer to NOOP for 60 s");
}

#[test]
fn a_new_answer_has_all_its_time() {
    let mut conversation = logged_in();
    let mut deadlines = Deadlines::new(Timeouts::default());
    for _ in 0..10 {
        let mut call = Call::new(Acknowledge(Command::Noop));
        conversation.looked();
        assert_eq!(conversation.step(&mut call).unwrap(), Step::NeedIo(Io::Transfer));
        assert_eq!(deadlines.answer(&conversation), Ok(secs(60)));
        deadlines.spent(secs(59), 5);
        hear(&mut conversation, b"+OK\r\n");
        assert_eq!(conversation.step(&mut call).unwrap(), Step::Done(()));
    }
}

#[test]
fn a_body_must_flow() {
    let mut conversation = logged_in();
    let mut deadlines = Deadlines::new(Timeouts::default());
    let mut retrieval = Retrieval::retr(1);
    conversation.looked();
    assert_eq!(conversation.open(&mut retrieval).unwrap(), Step::NeedIo(Io::Transfer));
    assert_eq!(deadlines.answer(&conversation), Ok(secs(60)));
    deadlines.spent(secs(59), 5);
    hear(&mut conversation, b"+OK\r\n");
    assert_eq!(conversation.read(&mut retrieval).unwrap(), Step::NeedIo(Io::Transfer));
    // The first three pieces reach 256 octets and begin a new interval; the last one does not.
    for (waited, octets, left) in [(30, 100, 60), (29, 155, 30), (1, 1, 1), (59, 255, 60)] {
        assert_eq!(deadlines.answer(&conversation), Ok(secs(left)));
        deadlines.spent(secs(waited), octets);
    }
    deadlines.spent(secs(1), 0);
    let timed_out = deadlines.answer(&conversation).unwrap_err();
    assert_eq!(timed_out.to_string(), "the server sent fewer than 256 octets in 60 s");
}

#[test]
fn a_listing_must_flow_too() {
    let mut conversation = logged_in();
    let mut deadlines = Deadlines::new(Timeouts::default());
    let mut call = Call::new(UidlAll::default());
    conversation.looked();
    assert_eq!(conversation.step(&mut call).unwrap(), Step::NeedIo(Io::Transfer));
    hear(&mut conversation, b"+OK\r\n");
    assert_eq!(conversation.step(&mut call).unwrap(), Step::NeedIo(Io::Transfer));
    for left in [60, 30] {
        assert_eq!(deadlines.answer(&conversation), Ok(secs(left)));
        deadlines.spent(secs(30), 10);
    }
    assert!(deadlines.answer(&conversation).is_err());
}

#[test]
fn a_login_has_a_deadline_of_its_own() {
    let conversation = Conversation::new(Config::default());
    let mut deadlines = Deadlines::new(Timeouts::default());
    for left in [30, 30, 30] {
        assert_eq!(deadlines.connection(), Ok(secs(left)), "each address has its own");
        deadlines.spent(secs(29), 0);
    }
    assert_eq!(deadlines.handshake(), Ok(secs(33)));
    deadlines.spent(secs(30), 1000);
    assert_eq!(deadlines.handshake(), Ok(secs(3)));
    assert_eq!(deadlines.answer(&conversation), Ok(secs(3)));
    deadlines.spent(secs(3), 1000);
    assert_eq!(deadlines.answer(&conversation).unwrap_err().to_string(), "the login took too long: more than 120 s");
    assert_eq!(deadlines.answer(&logged_in()), Ok(secs(60)), "and none once it is done");
}

#[test]
fn the_next_deadline_moves_only_when_something_arrives() {
    let mut conversation = logged_in();
    let mut deadlines = Deadlines::new(Timeouts::default());
    assert_eq!(deadlines.until(&conversation, secs(5)), Ok(Duration::MAX), "nothing is awaited");
    let mut retrieval = Retrieval::retr(1);
    conversation.looked();
    assert_eq!(conversation.open(&mut retrieval).unwrap(), Step::NeedIo(Io::Transfer));
    // The time before the command does not count, and asking again changes nothing.
    for now in [1000, 1010, 1059] {
        assert_eq!(deadlines.until(&conversation, secs(now)), Ok(secs(1060)));
    }
    hear(&mut conversation, b"+OK\r\nhello\r\n");
    deadlines.received(12, secs(1059));
    assert_eq!(conversation.read(&mut retrieval).unwrap(), Step::Done(true));
    // The caller takes its time with the octets.
    let octets = conversation.body().len();
    conversation.take_body(octets);
    assert_eq!(conversation.read(&mut retrieval).unwrap(), Step::NeedIo(Io::Transfer));
    assert_eq!(deadlines.until(&conversation, secs(5000)), Ok(secs(5060)));
    deadlines.received(100, secs(5030));
    assert_eq!(deadlines.until(&conversation, secs(5040)), Ok(secs(5070)), "too few octets for a new interval");
    let timed_out = deadlines.until(&conversation, secs(5070)).unwrap_err();
    assert_eq!(timed_out.to_string(), "the server sent fewer than 256 octets in 60 s");
}

#[test]
fn a_handshake_after_stls_is_one_wait() {
    let mut conversation = Conversation::new(Config::default());
    hear(&mut conversation, b"+OK\r\n");
    assert_eq!(conversation.greet().unwrap(), Step::Done(()));
    let mut call = Call::new(Acknowledge(Command::Stls));
    conversation.looked();
    assert_eq!(conversation.step(&mut call).unwrap(), Step::NeedIo(Io::Transfer));
    hear(&mut conversation, b"+OK\r\n");
    assert_eq!(conversation.step(&mut call).unwrap(), Step::Done(()));
    let mut deadlines = Deadlines::new(Timeouts::default().handshake(secs(7)));
    assert_eq!(deadlines.until(&conversation, secs(1)), Ok(secs(8)));
    let timed_out = deadlines.until(&conversation, secs(8)).unwrap_err();
    assert_eq!(timed_out.to_string(), "the TLS handshake took longer than 7 s");
}

#[test]
fn without_limits_it_is_never_late() {
    let conversation = Conversation::new(Config::default());
    let mut deadlines = Deadlines::new(Timeouts::UNLIMITED);
    assert_eq!(deadlines.answer(&conversation), Ok(Duration::MAX));
    deadlines.spent(Duration::MAX, 0);
    assert_eq!(deadlines.answer(&conversation), Ok(Duration::MAX));
}
