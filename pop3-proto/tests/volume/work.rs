//! Linear work: rows C17 and C18.

use pop3_proto::drive::{Call, Conversation, Io, ListAll, Retrieval, Step};
use pop3_proto::login::netrc;
use pop3_proto::wire::Timestamp;
use pop3_proto::{Awaiting, Command, Config, Event, Kind, Violation};

use crate::memory::used;
use crate::stream::{BUFFERS, ONE, Stream, drain, feed, inside, waiting};

#[test]
fn c17_a_greeting_full_of_brackets_takes_linear_time() {
    let patterns = ["<", "<@", "<a@", "<a@a", "<a@a@", "<\"", "<\"\\", "<a@[", "<a.", "<>", "<a@b", "<<a@b"];
    for pattern in patterns {
        let greeting = format!("+OK {}\r\n", pattern.repeat(200_000 / pattern.len()));
        let mut client = waiting(Config::default(), None);
        let error = client.receive(&mut greeting.as_bytes()).unwrap_err();
        assert_eq!(error.violation(), Violation::LineTooLong { limit: 8192 });
        // The limit is off, and the line is ten times as long: quadratic work would take hours.
        let text = format!("+OK {}\r\n", pattern.repeat(2_000_000 / pattern.len()));
        let mut client = waiting(Config::new().max_line(u32::MAX), None);
        let mut input = text.as_bytes();
        let Ok(Some(Event::Greeting(greeting))) = client.receive(&mut input) else { panic!("{pattern}") };
        assert_eq!(greeting.timestamp(), None, "{pattern}");
        assert_eq!(Timestamp::find(text.as_bytes()), None);
    }
}

/// Quadratic time would take hours here.
#[test]
fn c17_every_hostile_timestamp_takes_linear_time() {
    for pattern in
        ["<", "<@", "<a@", "<\"", "<\"\\", "<\"\\\"", "<a@[", "<a@b", "<a>", "<\">", "<a.", ">", "<a@b@", "<\" \""]
    {
        let mut text = pattern.repeat((2 << 20) / pattern.len());
        assert_eq!(Timestamp::find(text.as_bytes()), None, "{pattern}");
        text.insert(0, '<');
        assert_eq!(Timestamp::find(text.as_bytes()), None, "<{pattern}");
    }
}

#[test]
fn c18_octet_by_octet_the_work_is_the_same() {
    // No octet is looked at again: the octets that were looked at become LFs without the client's knowledge, and it
    // sees no line.
    let config = Config::new().max_line(u32::MAX).max_challenge(u32::MAX);
    let mut listing = waiting(config, Some(Command::List(None)));
    listing.receive(&mut &b"+OK\r\n"[..]).unwrap();
    for mut client in [waiting(config, None), waiting(config, Some(Command::Noop)), listing] {
        let mut octets = vec![b'\n'; 20_000];
        octets[0] = b'-';
        for len in 2..octets.len() {
            octets[len - 1] = b'-';
            assert_eq!(client.receive(&mut &octets[..len]), Ok(None), "{:?}", client.awaiting());
            octets[len - 1] = b'\n';
        }
    }
    let mut body = waiting(config, Some(Command::Retr(ONE)));
    body.receive(&mut &b"+OK\r\n"[..]).unwrap();
    assert_eq!(body.awaiting(), Awaiting::Body(Kind::Retr));

    // No octet is moved either: the room to read into shrinks by the octets read, until a larger one replaces it.
    let mut conversation = Conversation::new(config);
    let (mut room, mut replaced) = (0, 0);
    for _ in 0..50_000 {
        assert_eq!(conversation.greet().unwrap(), Step::NeedIo(Io::Transfer));
        let spare = conversation.spare();
        replaced += u32::from(spare.len() + 1 != room);
        room = spare.len();
        spare[0] = b'x';
        conversation.filled(1);
    }
    assert!(replaced <= 8, "{replaced} times");

    // One octet a read costs no more allocations than all at once, nor does twice the number of octets.
    let lines = |pattern: &'static [u8], total: usize, at_once: usize| {
        let mut conversation = inside(config);
        let mut stream = Stream { first: b"+OK\r\n", pattern, last: b"\r\n.\r\n", total, given: 0 };
        let mut retrieval = Retrieval::retr(ONE);
        let more = |space: &mut [u8]| stream.fill(space);
        used(|| feed(&mut conversation, at_once, more, drain(&mut retrieval)).unwrap()).1
    };
    for pattern in [&b"x"[..], b"..\r\n", b".x\r\n"] {
        let octetwise = lines(pattern, 1_000_005, 1);
        assert_eq!(lines(pattern, 2_000_005, 1), octetwise);
        assert!(octetwise.allocations <= 8 && octetwise.octets < BUFFERS, "{octetwise:?}");
    }
    let rows = |total: usize, at_once: usize| {
        let mut conversation = inside(config);
        let mut stream =
            Stream { first: b"+OK\r\n", pattern: b"1 123456\r\n", last: b".\r\n", total: total + 5, given: 0 };
        let mut call = Call::new(ListAll::default());
        let more = |space: &mut [u8]| stream.fill(space);
        used(|| feed(&mut conversation, at_once, more, |conversation| conversation.step(&mut call)).unwrap()).1
    };
    let (octetwise, twice, whole) = (rows(500_000, 1), rows(1_000_000, 1), rows(500_000, usize::MAX));
    assert!(octetwise.octets <= whole.octets, "{octetwise:?} {whole:?}");
    assert!(twice.octets <= 2 * octetwise.octets + 4096, "{octetwise:?} {twice:?}");
}

#[test]
fn a_netrc_file_is_read_without_copies_of_its_words() {
    // The input is one line, because the memory for a word must not depend on the text after it.
    let others = "machine h login tim password other-secret account x ".repeat(10_000);
    for text in [
        others.clone() + "machine h login mrose password tanstaaf",
        format!("machine h login mrose password tanstaaf {others}"),
    ] {
        let (entry, usage) = used(|| netrc::find(&text, "h", Some("mrose")));
        assert_eq!(entry.unwrap().expect("there is one").password.as_str(), "tanstaaf");
        assert_eq!((usage.allocations, usage.octets), (2, "mrosetanstaaf".len()), "{usage:?}");
    }
}
