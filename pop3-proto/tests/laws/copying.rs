//! Law 2 for the two ways to take a message: a client that copies it receives the same as one that takes slices. The
//! oracle decodes octet by octet, and shares no code with the crate.

use pop3_proto::{Client, Command, Config, Event, ProtocolError};
use proptest::prelude::*;

use crate::talk::Talk;

/// Returns a client that has received the `+OK` to RETR.
fn retrieving(config: Config, line_end: &str) -> Client {
    let mut talk = Talk::new(config);
    talk.server(format!("+OK{line_end}"));
    for command in [Command::User("u"), Command::Pass("p"), Command::Retr(1)] {
        talk.client(command);
        talk.server(format!("+OK{line_end}"));
    }
    talk.client
}

/// Returns the content of a message whose lines end in CRLF, as far as it is certain, and whether the message is
/// complete.
fn content(sent: &[u8]) -> (Vec<u8>, bool) {
    let (mut content, mut line) = (Vec::new(), Vec::new());
    for &octet in sent {
        line.push(octet);
        match line[..] {
            [b'.', b'\r', b'\n'] => return (content, true),
            // These may become the terminator.
            [b'.'] | [b'.', b'\r'] => {}
            [b'.', b'\r', _] => content.extend([b'\r', octet]),
            _ => content.push(octet),
        }
        if line.ends_with(b"\r\n") {
            line.clear();
        }
    }
    (content, false)
}

/// All that a client has received of a message.
#[derive(Clone, Debug, PartialEq)]
struct Received {
    message: Vec<u8>,
    ended: bool,
    error: Option<ProtocolError>,
    left: Vec<u8>,
    client: Client,
}

/// Receives what a server sends, in reads of the given lengths. Each step copies into so much space; without space, it
/// takes an event.
fn receive(mut client: Client, mut sent: &[u8], reads: &[usize], spaces: &[usize]) -> Received {
    let (mut reads, mut spaces) = (reads.iter().cycle(), spaces.iter().cycle());
    let (mut message, mut left, mut ended, mut error) = (Vec::new(), Vec::new(), false, None);
    while !sent.is_empty() && !ended && error.is_none() {
        let (read, rest) = sent.split_at(sent.len().min(*reads.next().unwrap()));
        (left, sent) = ([left.as_slice(), read].concat(), rest);
        let mut input = left.as_slice();
        loop {
            let mut space = vec![0; *spaces.next().unwrap()];
            let (before, offered) = (client.clone(), input.len());
            let copied = client.copy_body(&mut input, &mut space);
            message.extend(&space[..copied]);
            if copied > 0 {
                assert!(input.len() + copied <= offered);
                continue;
            }
            assert_eq!((&client, input.len()), (&before, offered), "nothing was copied");
            match client.receive(&mut input) {
                Ok(Some(Event::Body { bytes, .. })) => {
                    assert!(space.is_empty(), "{} could have been copied", bytes.escape_ascii());
                    message.extend(bytes);
                }
                Ok(Some(Event::End { .. })) => ended = true,
                Ok(Some(event)) => panic!("{event:?}"),
                Ok(None) => break,
                Err(failure) => error = Some(failure),
            }
            if ended || error.is_some() {
                break;
            }
        }
        left = input.to_vec();
    }
    left.extend(sent);
    if error.is_some() {
        left.clear();
    }
    Received { message, ended, error, left, client }
}

fn dense() -> impl Strategy<Value = Vec<u8>> {
    const PIECES: &[&str] = &["\r\n.", "\r\n..", "\r\n.", "\r\n", ".", "\n", "\r", "\r\n.\r", "\n.", "ab", "\0"];
    let piece = prop_oneof![
        30 => prop::sample::select(PIECES).prop_map(|piece| piece.as_bytes().to_vec()),
        1 => (1..90_usize).prop_map(|len| vec![b'x'; len]),
    ];
    prop::collection::vec(piece, 0..120).prop_map(|pieces| pieces.concat())
}

fn sizes(least: usize) -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(prop_oneof![least..4, least..100, 200..400_usize], 1..12)
}

proptest! {
    #[test]
    fn law_2_copied_and_sliced(
        octets in dense(),
        reads in sizes(1),
        spaces in sizes(0),
        line_end in prop::sample::select(vec!["\r\n", "\n"]),
        max_body in prop_oneof![Just(u64::MAX), 0..300_u64],
    ) {
        let sent = [octets.as_slice(), b"\r\n.\r\n"].concat();
        let client = retrieving(Config::new().max_body(max_body), line_end);
        let whole = receive(client.clone(), &sent, &[sent.len()], &[0]);
        // Without the octets after the terminator: a client that has received them knows that they are unsolicited.
        let sent = &sent[..sent.len() - whole.left.len()];
        let sliced = receive(client.clone(), sent, &[sent.len()], &[0]);
        let mixed = receive(client, sent, &reads, &spaces);
        prop_assert_eq!(&mixed, &sliced);
        let (content, ended) = content(sent);
        if line_end == "\r\n" && max_body >= content.len() as u64 {
            prop_assert_eq!((&mixed.message, mixed.ended), (&content, ended));
        }
    }
}

#[test]
fn law_2_copied_at_every_place_of_a_block() {
    let shapes: [&str; 8] = [
        "..\r\n",
        ".\r\r\n",
        ".\n\r\n",
        "\r\n",
        "...a\r\n",
        "..345678901234567890123456789012345\r\n",
        "\n.",
        ".\r.\r\n",
    ];
    for shape in shapes {
        for before in 0..70 {
            // With few octets after the terminator, it is never inside of a block.
            for behind in ["", &"y".repeat(150)] {
                let lines = shape.repeat(260 / shape.len());
                let sent = [&"x".repeat(before), "\r\n", &lines, "\r\n.\r\n", behind].concat();
                let (content, _) = content(sent.as_bytes());
                let client = retrieving(Config::new(), "\r\n");
                let copied = receive(client, sent.as_bytes(), &[sent.len()], &[500]);
                assert_eq!(copied.message.escape_ascii().to_string(), content.escape_ascii().to_string(), "{shape:?}");
                assert!(copied.ended && copied.left == behind.as_bytes(), "{shape:?} after {before}");
            }
        }
    }
}

#[test]
fn law_2_copied_where_dots_are_frequent_and_then_rare() {
    for (line_end, frequent) in ["\r\n", "\n"].into_iter().flat_map(|line_end| (0..80).map(move |n| (line_end, n))) {
        let lines = |line: &str, octets: usize| line.repeat(octets / line.len());
        let (dots, rare) = (["..", line_end].concat(), ["..", &"x".repeat(45), line_end].concat());
        let none = "x".repeat(200);
        let part = [lines(&dots, 2500 + dots.len() * frequent), lines(&rare, 500), none, lines(&rare, 300)].concat();
        let sent = [&part.repeat(3), line_end, ".", line_end].concat();
        // The oracle knows lines that end in CRLF.
        let (content, _) = content(sent.replace(line_end, "\r\n").as_bytes());
        let content = String::from_utf8(content).unwrap().replace("\r\n", line_end);
        let copied = receive(retrieving(Config::new(), line_end), sent.as_bytes(), &[sent.len()], &[sent.len()]);
        assert!(copied.message == content.as_bytes() && copied.ended, "after {frequent}, {line_end:?}");
    }
}

#[test]
fn law_2_nothing_but_a_message_is_copied() {
    let mut talk = Talk::logged_in(Config::default());
    talk.client(Command::List(None));
    for octets in ["+OK\r\n", "1 2\r\n", ".\r\n"] {
        let before = talk.client.clone();
        assert_eq!(talk.client.copy_body(&mut octets.as_bytes(), &mut [0; 99]), 0);
        assert_eq!(talk.client, before);
        talk.server(octets);
    }
    assert_eq!(talk.error, None);
}
