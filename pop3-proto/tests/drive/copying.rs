//! A message that is read in both ways, lent and copied.

use pop3_proto::drive::{Retrieval, Step};
use pop3_proto::{Cause, UsageError};
use proptest::prelude::*;

use crate::scene::{hear, pipelining};

/// A way to take octets of a message.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// Lends octets, and takes at most so many of them.
    Lend(usize),
    /// Copies octets into so much space.
    Copy(usize),
    /// Collects all that has arrived.
    Collect,
}

fn ways() -> impl Strategy<Value = Vec<Way>> {
    let size = || prop_oneof![1..4_usize, 1..200_usize];
    let way = prop_oneof![4 => size().prop_map(Way::Lend), 4 => size().prop_map(Way::Copy), 1 => Just(Way::Collect)];
    prop::collection::vec(way, 1..20)
}

proptest! {
    #[test]
    fn a_message_is_the_same_whether_it_is_lent_or_copied(
        lines in prop::collection::vec(r"[.a\n]{0,8}|[.a]{60,99}", 0..60),
        ways in ways(),
        reads in prop::collection::vec(prop_oneof![1..4_usize, 1..400_usize], 1..9),
    ) {
        let message = lines.iter().map(|line| format!("{line}\r\n")).collect::<Vec<_>>().concat();
        let stuff = |line: &String| format!("{}{line}\r\n", if line.starts_with('.') { "." } else { "" });
        let stuffed = lines.iter().map(stuff).collect::<Vec<_>>().concat();
        let answer = format!("+OK\r\n{stuffed}.\r\n+OK next\r\n");
        let (mut rest, mut reads, mut ways) = (answer.as_bytes(), reads.iter().cycle(), ways.iter().cycle());
        let (mut conversation, mut retrieval, mut octets) = (pipelining(), Retrieval::retr(1), Vec::new());
        let mut is_complete = false;
        while !is_complete {
            let needs_io = match *ways.next().unwrap() {
                Way::Lend(most) => match conversation.read(&mut retrieval).unwrap() {
                    Step::Done(more) => {
                        let body = conversation.body();
                        octets.extend(&body[..body.len().min(most)]);
                        conversation.take_body(most);
                        is_complete = !more;
                        false
                    }
                    Step::NeedIo(_) => true,
                },
                Way::Copy(space) => {
                    let mut space = vec![0; space];
                    match conversation.read_into(&mut retrieval, &mut space).unwrap() {
                        Step::Done(copied) => {
                            octets.extend(&space[..copied]);
                            is_complete = copied == 0;
                            false
                        }
                        Step::NeedIo(_) => true,
                    }
                }
                Way::Collect => {
                    let step = conversation.collect(&mut retrieval, &mut octets).unwrap();
                    is_complete = step == Step::Done(());
                    !is_complete
                }
            };
            if needs_io {
                let (read, left) = rest.split_at(rest.len().min(*reads.next().unwrap()));
                hear(&mut conversation, read);
                rest = left;
            }
        }
        prop_assert_eq!(octets.escape_ascii().to_string(), message.as_bytes().escape_ascii().to_string());
        prop_assert_eq!(retrieval.octets(), message.len() as u64);
        prop_assert!(retrieval.is_complete());
    }
}

#[test]
fn octets_that_were_lent_are_copied_next() {
    let (mut conversation, mut retrieval) = (pipelining(), Retrieval::retr(1));
    let mut space = [0; 9];
    assert!(matches!(conversation.read_into(&mut retrieval, &mut space).unwrap(), Step::NeedIo(_)));
    hear(&mut conversation, b"+OK\r\none\r\n..two\r\n");
    assert_eq!(conversation.read(&mut retrieval).unwrap(), Step::Done(true));
    conversation.take_body(1);
    assert_eq!(conversation.read_into(&mut retrieval, &mut []).unwrap(), Step::Done(0));
    assert_eq!(conversation.read_into(&mut retrieval, &mut space).unwrap(), Step::Done(4));
    assert_eq!(&space[..4], b"ne\r\n");
    assert_eq!(conversation.read_into(&mut retrieval, &mut space).unwrap(), Step::Done(6));
    assert_eq!(&space[..6], b".two\r\n");
}

#[test]
fn a_message_that_lost_octets_to_another_is_not_copied_further() {
    let mut conversation = pipelining();
    let (mut one, mut other) = (Retrieval::retr(1), Retrieval::retr(2));
    assert!(matches!(conversation.open(&mut one).unwrap(), Step::NeedIo(_)));
    let _ = conversation.open(&mut other).unwrap();
    hear(&mut conversation, b"+OK\r\none\r\n.\r\n+OK\r\n");
    assert_eq!(conversation.read(&mut one).unwrap(), Step::Done(true));
    assert_eq!(conversation.open(&mut other).unwrap(), Step::Done(()));
    let error = conversation.read_into(&mut one, &mut [0; 9]).unwrap_err();
    assert!(matches!(error.cause(), Cause::Usage(UsageError::Skipped)), "{error}");
    assert!(!one.is_complete());
}
