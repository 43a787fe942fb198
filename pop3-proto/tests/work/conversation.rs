//! Octets from a server to a client with buffers, with a log.

use pop3_proto::drive::{
    Acknowledge, Batch, Call, Capa, Capabilities, Conversation, Exchange, Io, ListAll, Listing, Retrieval, Step,
    UidlAll,
};
use pop3_proto::{Command, Config};

use crate::{Play, Shape, repeated};

pub(crate) const SHAPES: &[Shape] = &[
    ("conversation: a status line", |octets, read| call(Acknowledge(Command::Noop), b"+OK ", b"x", octets, read)),
    ("conversation: scan listings", |octets, read| call(ListAll::default(), b"+OK\r\n", b"1 1\r\n", octets, read)),
    ("conversation: unique-ids", |octets, read| call(UidlAll::default(), b"+OK\r\n", b"1 x\r\n", octets, read)),
    ("conversation: capabilities", |octets, read| call(Capa::default(), b"+OK\r\n", b"SASL\r\n", octets, read)),
    ("conversation: blank capabilities", |octets, read| call(Capa::default(), b"+OK\r\n", b"\r\n", octets, read)),
    ("conversation: a long line", |octets, read| message(None, b"x", octets, read)),
    ("conversation: lines of dots", |octets, read| message(None, b"..\r\n", octets, read)),
    ("conversation: lines of dots, copied", |octets, read| message(Some(64 * 1024), b"..\r\n", octets, read)),
    ("conversation: nearly the end, copied", |octets, read| message(Some(64 * 1024), b".\r\r\n", octets, read)),
    ("conversation: a batch", |octets, read| batch(octets, read)),
    ("redaction: the first half of a secret", |octets, read| refusal("X aaaaaaaab", b"a", octets, read)),
    ("redaction: Base64", |octets, read| refusal("X secret", b"c2VjcmU", octets, read)),
    ("redaction: many arguments", |octets, read| refusal("X a1 b2 c3 d4 e5 f6 g7 h8", b"a b c d ", octets, read)),
];

/// Returns a conversation in TRANSACTION with PIPELINING, without limits.
fn conversation() -> Conversation {
    let limit = 1 << 20;
    let mut conversation = Conversation::new(Config::new().max_line(limit).max_rows(limit));
    conversation.set_log(|entry| drop(entry.to_string()));
    hear(&mut conversation, b"+OK\r\n", 9);
    assert_eq!(conversation.greet().unwrap(), Step::Done(()));
    for command in [Command::User("u"), Command::Pass("p")] {
        let mut call = Call::new(Acknowledge(command));
        conversation.looked();
        assert_eq!(conversation.step(&mut call).unwrap(), Step::NeedIo(Io::Transfer));
        hear(&mut conversation, b"+OK\r\n", 9);
        assert_eq!(conversation.step(&mut call).unwrap(), Step::Done(()));
    }
    conversation.learn(Capabilities::from(Listing::from_iter(["PIPELINING"])));
    conversation.looked();
    conversation
}

/// Writes all that is pending, and reads once. Returns the number of octets read.
fn hear(conversation: &mut Conversation, octets: &[u8], read: usize) -> usize {
    let pending = conversation.pending().len();
    conversation.written(pending);
    let spare = conversation.spare();
    let len = spare.len().min(octets.len()).min(read);
    spare[..len].copy_from_slice(&octets[..len]);
    conversation.filled(len);
    len
}

/// Steps until nothing more is needed, or nothing more arrives.
fn drive(
    conversation: &mut Conversation,
    mut octets: &[u8],
    read: usize,
    mut step: impl FnMut(&mut Conversation) -> Option<Io>,
) {
    while let Some(io) = step(conversation) {
        match io {
            Io::Look => conversation.looked(),
            Io::Transfer if octets.is_empty() => return,
            Io::Transfer => octets = &octets[hear(conversation, octets, read)..],
        }
    }
}

fn call(exchange: impl Exchange + 'static, begin: &[u8], piece: &[u8], octets: usize, read: usize) -> Play {
    let (mut conversation, mut call) = (conversation(), Call::new(exchange));
    let answer = [begin, &repeated(piece, octets), b"\r\n.\r\n"].concat();
    Box::new(move || {
        drive(&mut conversation, &answer, read, |conversation| match conversation.step(&mut call) {
            Ok(Step::NeedIo(io)) => Some(io),
            _ => None,
        });
    })
}

/// Reads a message, as slices or copied into so much space at a time.
fn message(copied: Option<usize>, piece: &[u8], octets: usize, read: usize) -> Play {
    let (mut conversation, mut retrieval) = (conversation(), Retrieval::retr(1));
    let answer = [b"+OK\r\n", repeated(piece, octets).as_slice(), b"\r\n.\r\n"].concat();
    let (mut collected, mut space) = (Vec::new(), vec![0; copied.unwrap_or_default()]);
    Box::new(move || {
        drive(&mut conversation, &answer, read, |conversation| {
            loop {
                let step = if copied.is_some() {
                    conversation.read_into(&mut retrieval, &mut space)
                } else {
                    conversation.collect(&mut retrieval, &mut collected).map(|step| match step {
                        Step::Done(()) => Step::Done(0),
                        Step::NeedIo(io) => Step::NeedIo(io),
                    })
                };
                match step.expect("a message") {
                    Step::Done(0) => return None,
                    Step::Done(_) => {}
                    Step::NeedIo(io) => return Some(io),
                }
            }
        });
        assert!(retrieval.is_complete());
    })
}

/// Deletes as many messages as there are answers.
fn batch(octets: usize, read: usize) -> Play {
    let mut conversation = conversation();
    let messages = u32::try_from(octets / 5).expect("few");
    let answers = repeated(b"+OK\r\n", octets / 5 * 5);
    let mut batch = Batch::delete(1..=messages, 4096);
    let mut item = None;
    Box::new(move || {
        drive(&mut conversation, &answers, read, |conversation| {
            loop {
                if item.is_none() {
                    match batch.next(conversation) {
                        Step::NeedIo(io) => return Some(io),
                        Step::Done(None) => return None,
                        Step::Done(next) => item = next,
                    }
                }
                if let Some(deletion) = &mut item {
                    match conversation.step(&mut deletion.call).expect("a deletion") {
                        Step::NeedIo(io) => return Some(io),
                        Step::Done(()) => item = None,
                    }
                }
            }
        });
        assert!(item.is_none(), "each has its answer");
    })
}

/// A refusal that may show the arguments of the command.
fn refusal(command: &'static str, piece: &[u8], octets: usize, read: usize) -> Play {
    let (mut conversation, mut call) = (conversation(), Call::new(Acknowledge(Command::Raw(command))));
    let answer = [b"-ERR ", repeated(piece, octets).as_slice(), b"\r\n"].concat();
    Box::new(move || {
        let mut text = String::new();
        drive(&mut conversation, &answer, read, |conversation| match conversation.step(&mut call) {
            Ok(Step::NeedIo(io)) => Some(io),
            Ok(Step::Done(())) => None,
            Err(error) => {
                text = error.to_string();
                None
            }
        });
        assert!(!text.is_empty(), "it was refused");
    })
}
