//! A conversation that is logged in, and what the tests do with it.

use pop3_proto::drive::{Acknowledge, Call, Capabilities, Conversation, Io, Listing, Step};
use pop3_proto::{Command, Config};

/// Returns a conversation in TRANSACTION.
pub(crate) fn logged_in() -> Conversation {
    let mut conversation = Conversation::new(Config::default());
    hear(&mut conversation, b"+OK ready\r\n");
    assert_eq!(conversation.greet().unwrap(), Step::Done(()));
    for command in [Command::User("mrose"), Command::Pass("tanstaaf")] {
        let mut call = Call::new(Acknowledge(command));
        conversation.looked();
        assert_eq!(conversation.step(&mut call).unwrap(), Step::NeedIo(Io::Transfer));
        hear(&mut conversation, b"+OK\r\n");
        assert_eq!(conversation.step(&mut call).unwrap(), Step::Done(()));
    }
    conversation
}

/// Returns a conversation in TRANSACTION with a server that announces PIPELINING.
pub(crate) fn pipelining() -> Conversation {
    let mut conversation = logged_in();
    conversation.learn(Capabilities::from(Listing::from_iter(["PIPELINING"])));
    conversation.looked();
    conversation
}

/// Writes all that is pending, and reads `octets`.
pub(crate) fn hear(conversation: &mut Conversation, mut octets: &[u8]) {
    let pending = conversation.pending().len();
    conversation.written(pending);
    while !octets.is_empty() {
        let spare = conversation.spare();
        let len = spare.len().min(octets.len());
        spare[..len].copy_from_slice(&octets[..len]);
        conversation.filled(len);
        octets = &octets[len..];
    }
}
