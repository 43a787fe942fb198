//! C: lengths and counts: C01, C11, C12 and C16. Those of very large inputs, C02 to C04, C17 and C18, are in
//! `tests/volume`.

use core::ops::ControlFlow;

use pop3_proto::drive::{Conversation, Exchange, ExchangeError};
use pop3_proto::wire::{Payload, Response};
use pop3_proto::{Command, Config, Error, Event, Violation};

use crate::memory::{Usage, used};
use crate::play::{CLEAR, CUTS, Cut, Play, Script};
use crate::stream::{BUFFERS, Stream, feed, violation, waiting};

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
fn c11_capabilities_have_a_limit() {
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
        assert!(challenge.decode(&mut [0; 64]).is_err(), "{text}");
        assert!(challenge.to_vec().is_err(), "{text}");
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

    fn respond(&mut self, _: Payload<'_>) -> Response<'_> {
        Response::Data(Payload::Octets(b"more"))
    }
}

#[test]
fn c16_challenges_have_a_limit() {
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
