//! A server that closes the connection while the client writes.

use pop3_proto::drive::{Acknowledge, Call, Conversation, Io, Stat, Step};
use pop3_proto::{Command, Config};

fn say(conversation: &mut Conversation, octets: &[u8]) {
    conversation.spare()[..octets.len()].copy_from_slice(octets);
    conversation.filled(octets.len());
}

/// A conversation in TRANSACTION.
fn logged_in() -> Conversation {
    let mut conversation = Conversation::new(Config::new());
    say(&mut conversation, b"+OK ready\r\n");
    assert_eq!(conversation.greet().unwrap(), Step::Done(()));
    for command in [Command::User("mrose"), Command::Pass("tanstaaf")] {
        let mut call = Call::new(Acknowledge(command));
        conversation.looked();
        assert_eq!(conversation.step(&mut call).unwrap(), Step::NeedIo(Io::Transfer));
        let octets = conversation.pending().len();
        conversation.written(octets);
        say(&mut conversation, b"+OK\r\n");
        assert_eq!(conversation.step(&mut call).unwrap(), Step::Done(()));
    }
    conversation
}

/// Whatever part of the command was written, the reason that the server gave before it closed is reported, and the
/// adapter is not asked to write again.
#[test]
fn the_last_words_are_read_after_a_failed_write() {
    for written in 0..6 {
        for said in [&b""[..], b"-ERR Autologout\r\n"] {
            let mut conversation = logged_in();
            let mut call = Call::new(Stat);
            conversation.looked();
            assert_eq!(conversation.step(&mut call).unwrap(), Step::NeedIo(Io::Transfer));
            conversation.written(written);
            assert_eq!(conversation.pending(), &b"STAT\r\n"[written..]);
            conversation.write_failed();
            assert_eq!(conversation.pending(), b"");
            if !said.is_empty() {
                say(&mut conversation, said);
            }
            conversation.spare();
            conversation.filled(0);
            let error = conversation.step(&mut call).unwrap_err();
            if said.is_empty() {
                // It cannot have executed a command that was not written completely.
                assert_eq!(error.to_string(), "STAT failed: the server had closed the connection while it was idle");
                assert!(!error.is_recoverable());
            } else {
                assert!(error.to_string().contains("-ERR Autologout"), "{error}");
            }
        }
    }
}

/// An answer that arrived completely is valid, even if a later command could not be written.
#[test]
fn an_answer_before_the_failed_write_is_valid() {
    let mut conversation = logged_in();
    let mut stat = Call::new(Stat);
    conversation.looked();
    assert_eq!(conversation.step(&mut stat).unwrap(), Step::NeedIo(Io::Transfer));
    let octets = conversation.pending().len();
    conversation.written(octets);
    conversation.write_failed();
    say(&mut conversation, b"+OK 2 320\r\n");
    let Step::Done(listing) = conversation.step(&mut stat).unwrap() else { panic!("it is complete") };
    assert_eq!((listing.messages, listing.octets), (2, 320));
}
