//! C: lengths and counts: C01 to C04, C11, C12 and C16 to C18.

use core::ops::ControlFlow;

use pop3_proto::drive::{
    Call, Capa, Conversation, Exchange, ExchangeError, Io, ListAll, RawListing, Retrieval, Step, UidlAll,
};
use pop3_proto::wire::{Challenge, Payload, Response, Timestamp};
use pop3_proto::{Awaiting, Cause, Command, Config, Error, Event, Kind, Malformed, ProtocolError, Violation};

use crate::memory::{Usage, used};
use crate::play::{CLEAR, CUTS, Cut, Play, Script};
use crate::stream::{BUFFERS, ONE, Stream, drain, feed, inside, violation, waiting};

#[test]
fn c01_no_line_is_longer_than_its_limit() {
    const AUTH: Command<'static> = Command::Auth { mechanism: "X", initial_response: None };
    let awaited = [
        (None, "+OK "),
        (Some(Command::Noop), "+OK "),
        (Some(Command::Noop), "-ERR "),
        (Some(Command::Noop), ""),
        (Some(Command::List(None)), "+OK\r\n1 "),
        (Some(Command::Capa), "+OK\r\nSASL "),
        (Some(AUTH), "+ "),
    ];
    for (command, start) in awaited {
        for max_line in [512, 8 * 1024] {
            let max_challenge = max_line;
            let config = Config::new().max_line(max_line).max_challenge(max_challenge);
            let head = start.rfind('\n').map_or(0, |at| at + 1);
            let limit = head + max_line as usize;
            let hostile = [start.as_bytes(), &vec![b'a'; 100_000]].concat();
            for at_once in [1, 7, 4096, hostile.len()] {
                let mut client = waiting(config, command);
                let (mut from, mut given) = (0, 0);
                let (error, usage) = used(|| {
                    loop {
                        let mut input = &hostile[from..given];
                        match client.receive(&mut input) {
                            Ok(Some(_)) => from = given - input.len(),
                            Ok(None) => {
                                assert!(given < hostile.len(), "{command:?}: all of it was awaited");
                                given = (given + at_once).min(hostile.len());
                            }
                            Err(error) => break error,
                        }
                    }
                });
                // The error comes not one octet later than it must.
                assert!(given < limit + at_once, "{command:?}: {given} octets for a limit of {limit}");
                assert_eq!(error.violation(), Violation::LineTooLong { limit: max_line });
                assert_eq!(usage, Usage::default(), "the core holds nothing");
            }
        }
    }

    // The conversation has buffers, none of which grows beyond its bound.
    for at_once in [1, 1000, usize::MAX] {
        let ((), usage) = used(|| {
            let mut conversation = Conversation::new(Config::default());
            let mut stream = Stream::endless(b"+OK ", b"a");
            let error = feed(&mut conversation, at_once, |space| stream.fill(space), Conversation::greet).unwrap_err();
            assert_eq!(violation(&error), Some(Violation::LineTooLong { limit: 8192 }));
            assert!(stream.given <= 64 * 1024, "{}", stream.given);
        });
        assert!(usage.peak < BUFFERS, "{usage:?}");
    }
    // RFC 2449, section 4: 512 octets must be understood, and the limit itself is no error.
    for len in [512, 8192] {
        let line = [b"+OK ".as_slice(), &vec![b'a'; len - 6], b"\r\n"].concat();
        assert!(matches!(waiting(Config::default(), None).receive(&mut line.as_slice()), Ok(Some(Event::Greeting(_)))));
    }
}

#[test]
fn c02_a_message_without_end_takes_no_memory() {
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

/// Feeds a listing that never ends, collected by `exchange`.
fn endless_listing<E: Exchange>(config: Config, exchange: E, row: &[u8]) -> (Error, usize) {
    let mut conversation = inside(config);
    let mut stream = Stream::endless(b"+OK\r\n", row);
    let mut call = Call::new(exchange);
    let (result, usage) = used(|| {
        feed(&mut conversation, usize::MAX, |space| stream.fill(space), |conversation| conversation.step(&mut call))
    });
    let Err(error) = result else { panic!("a listing without end has ended") };
    (error, usage.peak)
}

#[test]
fn c02_a_listing_without_end_has_a_cap() {
    const ROWS: u32 = 10_000;
    let config = Config::new().max_rows(ROWS);
    let listings = [
        endless_listing(config, ListAll::default(), b"1 100\r\n"),
        endless_listing(config, UidlAll::default(), b"1 abcdefgh\r\n"),
        endless_listing(config, Capa::default(), b"XANYTHING\r\n"),
        endless_listing(config, RawListing::new("XTND"), b"x\r\n"),
    ];
    for (error, peak) in listings {
        assert_eq!(violation(&error), Some(Violation::TooManyRows { limit: ROWS }), "{error}");
        // A vector doubles, and for a moment both allocations exist.
        assert!(peak < BUFFERS + 4 * ROWS as usize * 32, "{peak} octets");
    }
    // Few and long rows reach another cap: 64 MiB in all.
    let row = [&vec![b'x'; 8000][..], b"\r\n"].concat();
    let (error, peak) = endless_listing(Config::default(), Capa::default(), &row);
    assert!(matches!(error.cause(), Cause::Malformed(Malformed::ListingTooLong)), "{error}");
    assert!((64 << 20..66 << 20).contains(&peak), "{peak} octets");
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
fn c04_ten_million_unique_ids_come_one_by_one() {
    let rows = b"4294967295 abcdefghijklmnop\r\n".repeat(10_000);
    let feed = |config: Config| -> (u32, Option<ProtocolError>, Usage) {
        let mut client = waiting(config, Some(Command::Uidl(None)));
        client.receive(&mut &b"+OK\r\n"[..]).unwrap();
        let (mut heard, mut failure) = (0, None);
        let ((), usage) = used(|| {
            for _ in 0..1000 {
                let mut input = rows.as_slice();
                loop {
                    match client.receive(&mut input) {
                        Ok(Some(Event::Row { .. })) => heard += 1,
                        Ok(None) => break,
                        Ok(Some(event)) => panic!("{event:?}"),
                        Err(error) => {
                            failure = Some(error);
                            return;
                        }
                    }
                }
            }
        });
        (heard, failure, usage)
    };
    let (heard, failure, usage) = feed(Config::new().max_rows(u32::MAX));
    assert_eq!((heard, failure, usage), (10_000_000, None, Usage::default()), "the core holds nothing");
    let (heard, failure, usage) = feed(Config::default());
    assert_eq!((heard, usage), (1_000_000, Usage::default()));
    assert_eq!(failure.unwrap().violation(), Violation::TooManyRows { limit: 1_000_000 });
}

#[test]
fn c11_capabilities_without_measure() {
    let login = |list: &[u8], config: Config| {
        let script: Script<'_> =
            &[("", b"+OK\r\n"), ("CAPA", list), ("USER mrose", b"+OK\r\n"), ("PASS tanstaaf", b"+OK\r\n")];
        let mut play = Play::of(script, config, Cut::Whole);
        let result = play.login(CLEAR);
        (result, play)
    };
    let failure = |result: Result<(), Error>| violation(&result.unwrap_err());
    // All lines are kept while there are fewer than the cap. Beyond it the session ends before a name is sent.
    let many = [b"+OK\r\n".as_slice(), &b"X-ANYTHING\r\n".repeat(100_000), b".\r\n"].concat();
    let (result, play) = login(&many, Config::default());
    result.unwrap();
    assert_eq!(play.conversation.capabilities().unwrap().iter().count(), 100_000);
    let (result, play) = login(&many, Config::new().max_rows(99_999));
    assert_eq!(failure(result), Some(Violation::TooManyRows { limit: 99_999 }));
    play.sent_only(&["CAPA"]);
    let wide = [b"+OK\r\nSASL ".as_slice(), &b"X ".repeat(5_000_000), b"\r\n.\r\n"].concat();
    let (result, play) = login(&wide, Config::default());
    assert_eq!(failure(result), Some(Violation::LineTooLong { limit: 8192 }));
    play.sent_only(&["CAPA"]);
    let parameters = [b"+OK\r\nSASL ".as_slice(), &b"X ".repeat(10_000), b"\r\n.\r\n"].concat();
    let (result, play) = login(&parameters, Config::new().max_line(30_000));
    result.unwrap();
    assert_eq!(play.conversation.capabilities().unwrap().mechanisms().count(), 10_000);
    // Tags that appear twice count each time: one line cannot restore what another one takes away.
    let twice = b"+OK\r\nSASL PLAIN\r\nSASL\r\nUSER\r\nuser\r\nUIDL X\r\nUIDL\r\nSASL X LOGIN\r\n.\r\n";
    let (_, play) = login(twice, Config::default());
    let capabilities = play.conversation.capabilities().unwrap();
    let mechanisms: Vec<&[u8]> = capabilities.mechanisms().collect();
    assert_eq!(mechanisms, [&b"PLAIN"[..], b"X", b"LOGIN"]);
    assert_eq!(capabilities.iter().count(), 7);
}

#[test]
fn c12_a_challenge_has_a_limit_and_must_be_base64() {
    const AUTH: Command<'static> = Command::Auth { mechanism: "X", initial_response: None };
    let mut client = waiting(Config::default(), Some(AUTH));
    let long = [b"+ ".as_slice(), &b"QUFB".repeat(2_500_000), b"\r\n"].concat();
    let (result, usage) = used(|| client.receive(&mut long.as_slice()).map(drop));
    assert_eq!(result.unwrap_err().violation(), Violation::LineTooLong { limit: 65_536 });
    assert_eq!(usage, Usage::default());
    // RFC 5034, section 4, and RFC 4648, section 3: no space, no `=` but at the end, no missing `=`, no stray bits.
    let wrong =
        ["=AAA", "AAA=BBB", "AA A", "AAA", "A", "AA==AA==", "AA=", "AAB=", "Rubbish", "====", "AAAA\0", "AA-_", "é"];
    for text in wrong {
        let mut client = waiting(Config::default(), Some(AUTH));
        let line = format!("+ {text}\r\n");
        let mut input = line.as_bytes();
        let Ok(Some(Event::Challenge { challenge, .. })) = client.receive(&mut input) else { panic!("{text}") };
        assert!(challenge.payload().decode(&mut [0; 64]).is_err(), "{text}");
        assert!(challenge.payload().to_vec().is_err(), "{text}");
    }
    for (text, octets) in [("", &b""[..]), ("AA==", b"\0"), ("AAA=", b"\0\0"), ("/+8A", b"\xFF\xEF\0")] {
        assert_eq!(Payload::Base64(text.as_bytes()).decode(&mut [0; 8]), Ok(octets));
    }
    // Too little room is an error too, and no panic.
    assert!(Payload::Base64(b"AAAA").decode(&mut [0; 2]).is_err());
}

/// A mechanism of the caller's that answers every challenge, for ever.
struct Talkative;

impl Exchange for Talkative {
    type Value = ();

    fn command(&self) -> Command<'_> {
        Command::Auth { mechanism: "X-TALK", initial_response: None }
    }

    fn event(&mut self, event: Event<'_>) -> ControlFlow<Result<(), ExchangeError>> {
        if matches!(event, Event::Ok { .. }) { ControlFlow::Break(Ok(())) } else { ControlFlow::Continue(()) }
    }

    fn respond(&mut self, _: Challenge<'_>) -> Response<'_> {
        Response::Data(Payload::Octets(b"more"))
    }
}

#[test]
fn c16_challenges_without_end() {
    for cut in CUTS {
        let server = |said: &str| if said.is_empty() { b"+OK\r\n".to_vec() } else { b"+ \r\n".to_vec() };
        let mut play = Play::new(server, Config::default(), cut);
        play.greet().unwrap();
        let error = play.call(Talkative).unwrap_err();
        assert_eq!(violation(&error), Some(Violation::TooManyChallenges));
        let mut lines = vec!["bW9yZQ=="; 17];
        lines[0] = "AUTH X-TALK";
        play.sent_only(&lines);
    }
}

#[test]
fn c17_a_greeting_of_brackets() {
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
