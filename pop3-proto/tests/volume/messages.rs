//! Endless messages and lines: rows C02 and C03.

use pop3_proto::drive::Retrieval;
use pop3_proto::{Command, Config, Event, Violation};

use crate::memory::used;
use crate::stream::{BUFFERS, ONE, Stream, drain, feed, inside, violation, waiting};

#[test]
fn c02_an_endless_message_takes_no_memory() {
    for pattern in [&b"x\r\n"[..], b"..\r\n", b"\n.\n", b"\r\n..", b"\r"] {
        let usage = [1 << 20, 16 << 20].map(|total| {
            let mut conversation = inside(Config::default());
            let mut stream = Stream { first: b"+OK\r\n", pattern, last: b"", total, given: 0 };
            let mut retrieval = Retrieval::retr(ONE);
            let more = |space: &mut [u8]| stream.fill(space);
            let (error, usage) = used(|| feed(&mut conversation, usize::MAX, more, drain(&mut retrieval)).unwrap_err());
            // The call ends because the stream does, not because the message is whole.
            assert!(error.is_truncated() && stream.given == total);
            assert!(usage.peak < BUFFERS, "{usage:?}");
            usage.peak
        });
        assert_eq!(usage[0], usage[1], "16 times the octets");
    }

    // A caller that sets a bound gets the octets up to the bound.
    for max_body in [0, 1, 1000, 100_000] {
        let mut conversation = inside(Config::new().max_body(max_body));
        let mut stream = Stream::endless(b"+OK\r\n", b"x\r\n");
        let mut retrieval = Retrieval::retr(ONE);
        let more = |space: &mut [u8]| stream.fill(space);
        let error = feed(&mut conversation, usize::MAX, more, drain(&mut retrieval)).unwrap_err();
        assert_eq!(violation(&error), Some(Violation::BodyTooLong { limit: max_body }));
        assert_eq!((retrieval.octets(), retrieval.is_complete()), (max_body, false));
    }
}

#[test]
fn c03_a_line_of_100_megaoctets_streams() {
    const LEN: usize = 100_000_000;
    let mut conversation = inside(Config::default());
    let mut stream = Stream { first: b"+OK\r\n", pattern: b"x", last: b"\r\n.\r\n", total: LEN + 5, given: 0 };
    let mut retrieval = Retrieval::retr(ONE);
    let more = |space: &mut [u8]| stream.fill(space);
    let (octets, usage) = used(|| feed(&mut conversation, 64 * 1024, more, drain(&mut retrieval)).unwrap());
    assert_eq!(octets, LEN as u64 + 2);
    assert!(usage.peak < BUFFERS, "{usage:?}");
}

#[test]
fn message_of_15_mib_is_streamed_and_nothing_is_offered_twice() {
    // Reads of one octet show the same for every boundary, with a smaller message.
    for (lines, piece) in [(15 * 1024 * 1024 / 64, 4096), (4096, 1)] {
        let line = [b"..", [b'x'; 60].as_slice(), b"\r\n"].concat();
        let wire = [b"+OK\r\n".to_vec(), line.repeat(lines), b".\r\n".to_vec()].concat();
        let (mut client, mut held, mut octets, mut ended) =
            (waiting(Config::default(), Some(Command::Retr(ONE))), Vec::new(), 0, false);
        for read in wire.chunks(piece) {
            held.extend_from_slice(read);
            let mut input = held.as_slice();
            while let Some(event) = client.receive(&mut input).unwrap() {
                match event {
                    Event::Body { bytes, .. } => octets += bytes.len(),
                    Event::End { .. } => ended = true,
                    _ => {}
                }
            }
            let kept = input.len();
            // The status line of 5 octets may be offered again, then only a dot and CR.
            assert!(kept <= if octets == 0 { 4 } else { 2 }, "{kept} octets are held back");
            held.drain(..held.len() - kept);
        }
        assert!(ended);
        assert_eq!(octets, lines * (line.len() - 1));
    }
}
