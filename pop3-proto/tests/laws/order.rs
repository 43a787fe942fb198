//! The laws of the client up to the sixth. The oracles share no code with the crate's framing and state machine.

use pop3_proto::wire::{Digest, Payload, Response};
use pop3_proto::{Awaiting, BadArgument, Client, Command, Config, Kind, Outcome, State, UsageError, Violation};
use proptest::prelude::*;

use crate::talk::Talk;

const ONE: u32 = 1;
const AUTH: Command<'static> = Command::Auth { mechanism: "X", initial_response: None };

fn small() -> Config {
    Config::new().max_line(12).max_challenge(10).max_challenges(1).max_rows(2).max_body(6)
}

/// A client at every place where octets may come, each with a limit for the line that it waits for.
fn places() -> Vec<(Talk, usize)> {
    let after = |mut talk: Talk, command: Command<'_>, answer: &str| {
        talk.client(command);
        talk.server(answer);
        talk
    };
    let (greeted, logged_in) = (Talk::greeted(small()), Talk::logged_in(small()));
    let lf = {
        let mut talk = Talk::new(small());
        talk.server("+OK\n");
        talk.client(Command::User("u"));
        talk.client(Command::Pass("p"));
        talk.server("+OK\n+OK\n");
        talk
    };
    vec![
        (Talk::new(small()), 12),
        (greeted.clone(), 12),
        (after(greeted.clone(), Command::User("u"), ""), 12),
        (after(greeted.clone(), AUTH, ""), 10),
        (after(greeted.clone(), AUTH, "+ \r\n"), 12),
        (after(greeted.clone(), Command::Stls, ""), 12),
        (after(greeted.clone(), Command::Stls, "+OK\r\n"), 1),
        (after(logged_in.clone(), Command::List(None), ""), 12),
        (after(logged_in.clone(), Command::List(None), "+OK\r\n"), 12),
        (after(logged_in.clone(), Command::Retr(ONE), "+OK\r\n"), 3),
        (after(after(logged_in.clone(), Command::Retr(ONE), ""), Command::Quit, ""), 12),
        (after(lf.clone(), Command::Retr(ONE), "+OK\n"), 3),
        (after(lf, Command::Uidl(None), "+OK\n"), 12),
        (after(logged_in, Command::Quit, "+OK\r\n"), 1),
    ]
}

/// Returns octets that matter to POP3, so that random ones reach deep states.
fn octets() -> impl Strategy<Value = Vec<u8>> {
    const PIECES: &[&str] = &[
        "+OK",
        "-ERR",
        "+",
        "+ ",
        "\r\n",
        "\r\n",
        "\n",
        "\r",
        ".",
        ".\r\n",
        "\r\n.\r\n",
        "..",
        "ab",
        " ",
        "\0",
        "\u{e9}",
    ];
    prop::collection::vec(prop::sample::select(PIECES).prop_map(str::as_bytes), 0..24).prop_map(|p| p.concat())
}

proptest! {
    #[test]
    fn law_1_progress(octets in octets()) {
        for (talk, limit) in places() {
            let (mut client, mut input) = (talk.client, octets.as_slice());
            loop {
                let before = input.len();
                match client.receive(&mut input) {
                    Ok(Some(_)) => prop_assert!(input.len() < before),
                    Ok(None) => break,
                    Err(_) => return Ok(()),
                }
            }
            // No line is awaited that has a higher limit than 12, whatever came since.
            prop_assert!(input.len() < limit.max(12), "{} octets left: {:?}", input.len(), client.awaiting());
        }
    }

    #[test]
    fn law_2_split_invariance(octets in octets(), cuts in prop::collection::vec(1_usize..9, 1..40)) {
        for (talk, _) in places() {
            let mut whole = talk.clone();
            whole.server(&octets);
            let (mut cut, mut rest) = (talk, octets.as_slice());
            for len in cuts.iter().cycle() {
                let (chunk, behind) = rest.split_at((*len).min(rest.len()));
                cut.server(chunk);
                rest = behind;
                if rest.is_empty() {
                    break;
                }
            }
            assert_same(&whole, &cut);
        }
    }
}

fn assert_same(whole: &Talk, cut: &Talk) {
    assert_eq!(whole.heard, cut.heard);
    assert_eq!(whole.error, cut.error);
    assert_eq!(whole.client, cut.client);
    assert!(whole.error.is_some() || whole.left == cut.left, "{whole:?} {cut:?}");
}

#[test]
#[rustfmt::skip]
fn law_2_split_invariance_at_all_places_at_once() {
    let interesting: [&[u8]; 15] = [
        b"+OK a\r\n+OK\r", b"-ERR\r\n\r\n-E\r", b"\r\n+OK\r\n\r\n+", b"+OK\n+OK\r\n.\r", b"+ a\r\n+ a\r\n",
        b"+OK a longer", b"+OK\r\n..\r\n.\r\n", b"1 2\r\n\r\n.\r\n", b"a\n.\n\r\n..\r\n.", b"..\r\n.\r\r\n.\r\n", b".\r.\r\n.\r\n\r-",
        b"abcdef\r\n.\r\n", b"abcd\r\n.\r\n+O", b"\r\r\n\n.\n.\r\n", b"abc\r\n.x\r\n.\r\n+",
    ];
    for octets in interesting {
        for (talk, _) in places() {
            let mut whole = talk.clone();
            whole.server(octets);
            for cuts in 1..1_u32 << (octets.len() - 1) {
                let mut cut = talk.clone();
                let mut from = 0;
                for at in (1..octets.len()).filter(|at| cuts >> (at - 1) & 1 == 1) {
                    cut.server(&octets[from..at]);
                    from = at;
                }
                cut.server(&octets[from..]);
                assert_same(&whole, &cut);
            }
        }
    }
}

#[test]
fn law_3_a_rejected_call_changes_nothing() {
    enum Try {
        Send(Command<'static>),
        Respond(Response<'static>),
    }
    use Try::{Respond, Send};
    let config = Config::default();
    let after = |mut talk: Talk, commands: &[Command<'_>], answers: &str| {
        for command in commands {
            talk.client(*command);
        }
        talk.server(answers);
        talk
    };
    let (greeted, logged_in) = (|| Talk::greeted(config), || Talk::logged_in(config));
    let mut tls = Talk::new(config);
    tls.client.tls_established(b"").unwrap();
    tls.server("+OK ready\r\n");
    let busy: Vec<_> = [Command::Stat, Command::Noop].into_iter().cycle().take(32).collect();
    let long = "x".repeat(250).leak();
    let (stat, state) = (Kind::Stat, State::Authorization);
    let table = [
        (greeted(), Send(Command::Stat), UsageError::NotPermitted { kind: stat, state }),
        (after(greeted(), &[AUTH], ""), Send(Command::Capa), UsageError::Barrier(Kind::Auth)),
        (after(greeted(), &[Command::Capa], ""), Send(Command::Stls), UsageError::InFlight),
        (tls, Send(Command::Stls), UsageError::InsideTls),
        (after(greeted(), &[Command::Utf8], "+OK\r\n"), Send(Command::Stls), UsageError::AfterUtf8),
        (after(greeted(), &[AUTH], ""), Respond(Response::Cancel), UsageError::NoChallenge),
        (greeted(), Send(Command::User("a b")), UsageError::Argument(BadArgument::Blank)),
        (
            after(greeted(), &[AUTH], "+\r\n"),
            Respond(Response::Data(Payload::Base64(b"\r\n"))),
            BadArgument::Base64.into(),
        ),
        (greeted(), Send(Command::User(long)), UsageError::TooLong { len: 257 }),
        (after(logged_in(), &busy, ""), Send(Command::Stat), UsageError::WindowFull),
        (after(logged_in(), &[Command::Noop], "+OK\r\n-"), Send(Command::Noop), UsageError::Unsolicited),
        (after(logged_in(), &[Command::Quit], "+OK\r\n"), Send(Command::Noop), UsageError::Over),
        (after(logged_in(), &[], "?\r\n"), Send(Command::Noop), UsageError::Over),
    ];
    for (mut talk, attempt, expected) in table {
        let before = talk.clone();
        let got = match attempt {
            Send(command) => talk.client.send(command, &mut talk.sent).err(),
            Respond(response) => talk.client.respond(response, &mut talk.sent).err(),
        };
        assert_eq!(got, Some(expected));
        assert_eq!((&talk.client, &talk.sent), (&before.client, &before.sent), "{expected:?}");
    }
    // The same holds for lack of room, with one octet less than the line needs.
    let mut room = [0xff; 64];
    let mut talk = after(greeted(), &[AUTH], "+ \r\n");
    let before = talk.client.clone();
    assert_eq!(
        talk.client.respond(Response::Data(Payload::Octets(b"abc")), &mut &mut room[..5]),
        Err(UsageError::NoRoom)
    );
    assert_eq!(talk.client.respond(Response::Cancel, &mut &mut room[..2]), Err(UsageError::NoRoom));
    assert_eq!(talk.client, before);
    for (talk, command) in commands().into_iter().flat_map(|command| [(greeted(), command), (logged_in(), command)]) {
        let mut whole = Vec::new();
        let _ = talk.client.clone().send(command, &mut whole);
        let mut client = talk.client.clone();
        let wrote = client.send(command, &mut &mut room[..whole.len().saturating_sub(1)]);
        assert!(matches!(wrote, Err(UsageError::NoRoom | UsageError::NotPermitted { .. })), "{command}");
        assert_eq!(client, talk.client);
    }
    assert_eq!(room, [0xff; 64]);
}

#[test]
fn law_4_poison_is_permanent() {
    let after = |commands: &[Command<'_>], answers: &str| {
        let transaction =
            commands.iter().all(|command| State::Transaction.after(command.kind(), Outcome::Ok).is_some());
        let mut talk = if transaction { Talk::logged_in(small()) } else { Talk::greeted(small()) };
        for command in commands {
            talk.client(*command);
        }
        talk.server(answers);
        talk
    };
    let told = |mut talk: Talk, tell: fn(&mut Client) -> Result<(), pop3_proto::ProtocolError>| {
        talk.error = tell(&mut talk.client).err();
        talk
    };
    let list = Command::List(None);
    let mut twice = after(&[AUTH], "+ \r\n");
    twice.client.respond(Response::Data(Payload::Octets(b"")), &mut twice.sent).unwrap();
    twice.server("+ \r\n");
    // The client has sent data, and then cancels.
    let started = Command::Auth { mechanism: "X", initial_response: Some(Payload::Octets(b"a")) };
    let mut cancelled = after(&[started], "+ \r\n");
    cancelled.client.respond(Response::Cancel, &mut cancelled.sent).unwrap();
    cancelled.server("+OK\r\n");
    let table = [
        (told(after(&[list], "+OK\r\n1 1\r\n"), |client| client.receive_eof(b"")), Violation::Closed),
        (after(&[list], "OK\r\n"), Violation::NotAStatus),
        (after(&[list], "+OK 12345678"), Violation::LineTooLong { limit: 12 }),
        (after(&[list], "+OK\n"), Violation::BareLf),
        (after(&[list], "+OK\r \r\n"), Violation::BareCr),
        (after(&[], "+OK\r\n"), Violation::Unsolicited),
        (after(&[Command::Stls], "+OK\r\nx"), Violation::PlaintextAfterStls),
        (
            told(after(&[Command::Stls], "+OK\r\n"), |client| client.tls_established(b"\r\n")),
            Violation::PlaintextAfterStls,
        ),
        (told(after(&[], ""), |client| client.tls_established(b"")), Violation::NoHandshakeDue),
        (told(Talk::new(Config::default()), |client| client.tls_established(b"+")), Violation::PlaintextAfterStls),
        (
            told(Talk::new(Config::default()), |client| {
                client.tls_established(b"").and_then(|()| client.tls_established(b""))
            }),
            Violation::NoHandshakeDue,
        ),
        (after(&[Command::User("u"), Command::Pass("p")], "-ERR\r\n+OK\r\n"), Violation::Impossible),
        (after(&[list], "+ \r\n"), Violation::UnexpectedChallenge),
        (twice, Violation::TooManyChallenges),
        (after(&[AUTH], "+OK\r\n"), Violation::PrematureSuccess),
        (cancelled, Violation::PrematureSuccess),
        (after(&[list], "+OK\r\n1\r\n2\r\n3\r\n"), Violation::TooManyRows { limit: 2 }),
        (after(&[Command::Retr(ONE)], "+OK\r\nabcdefg"), Violation::BodyTooLong { limit: 6 }),
    ];
    for (mut talk, violation) in table {
        let error = talk.error.expect("an error");
        assert_eq!(error.violation(), violation);
        let poisoned = talk.client.clone();
        for octets in [&b""[..], b"+OK\r\n", b".\r\n", b"\r\n"] {
            assert_eq!(talk.client.receive(&mut &*octets), Err(error));
            assert_eq!(talk.client.receive_eof(octets), Err(error));
            assert_eq!(talk.client.tls_established(octets), Err(error));
        }
        for kind in commands() {
            assert_eq!(talk.client.send(kind, &mut talk.sent), Err(UsageError::Over));
        }
        assert_eq!(talk.client.respond(Response::Cancel, &mut talk.sent), Err(UsageError::Over));
        assert_eq!(talk.client, poisoned);
        assert_eq!(talk.client.state(), State::Closed);
    }
}

/// One command of each kind, with good arguments.
#[rustfmt::skip]
fn commands() -> [Command<'static>; 23] {
    let digest = Digest::parse(&[b'a'; 32]).unwrap();
    [
        Command::User("u"), Command::Pass("p"), Command::Apop { user: "u", digest }, AUTH, Command::Stls, Command::Capa,
        Command::Utf8, Command::Lang("de"), Command::LangList, Command::Stat, Command::List(None), Command::List(Some(ONE)),
        Command::Uidl(None), Command::Uidl(Some(ONE)), Command::Retr(ONE), Command::Top { number: ONE, lines: 0 },
        Command::Dele(ONE), Command::Rset, Command::Noop, Command::Last, Command::Quit,
        Command::Raw("XA b"), Command::RawListing("XB"),
    ]
}

proptest! {
    #[test]
    fn law_5_order(answers in prop::collection::vec((0_usize..4, any::<bool>()), 1..25)) {
        let mut talk = Talk::logged_in(Config::default());
        let (mut said, mut expected) = (String::new(), vec![]);
        for (ticket, (which, accepted)) in (2..).zip(answers) {
            let (command, rest, events) = [
                (Command::Dele(ONE), "", &[][..]),
                (Command::Uidl(None), "1 a\r\n.\r\n", &["row 1 a", "end"]),
                (Command::Retr(ONE), "m\r\n.\r\n", &["body m\\r\\n", "end"]),
                (Command::Retr(ONE), ".\r\n", &["end"]),
            ][which];
            talk.client(command);
            said.extend(if accepted { ["+OK\r\n", rest] } else { ["-ERR\r\n", ""] });
            expected.push(format!("#{ticket} {}", if accepted { "ok" } else { "refused" }));
            expected.extend(events.iter().filter(|_| accepted).map(|event| format!("#{ticket} {event}")));
        }
        prop_assert_eq!(talk.server(said), expected);
        prop_assert_eq!(talk.client.in_flight(), 0);
    }
}

#[test]
fn law_6_unsolicited_octets_are_fatal() {
    // The error is remembered at once, and is fatal even if the caller loses the octets.
    let mut talk = Talk::logged_in(Config::default());
    talk.client(Command::Noop);
    let mut input: &[u8] = b"+OK\r\n+OK who asked?\r\n";
    assert!(talk.client.receive(&mut input).unwrap().is_some());
    assert_eq!(talk.client.send(Command::Noop, &mut talk.sent), Err(UsageError::Unsolicited));
    assert_eq!(talk.client.receive(&mut &b""[..]).unwrap_err().violation(), Violation::Unsolicited);

    // After an autologout, the error says why.
    let mut talk = Talk::logged_in(Config::default());
    assert!(talk.server("-ERR autolog").is_empty());
    assert_eq!(talk.client.send(Command::Noop, &mut talk.sent), Err(UsageError::Unsolicited));
    assert_eq!(talk.server("out; idle for too long\r\n"), ["error: Unsolicited"]);
    let error = talk.error.unwrap();
    assert_eq!(error.excerpt().as_bytes(), b"-ERR autologout; idle for too long");
    assert_eq!(error.awaiting(), Awaiting::Nothing);

    // One blank line is forgiven, a second one is not.
    let mut talk = Talk::logged_in(Config::default());
    assert!(talk.server("\r\n").is_empty());
    talk.client(Command::Noop);
    assert_eq!(talk.server("+OK\r\n\r\n"), ["#2 ok"]);
    talk.client(Command::Noop);
    assert_eq!(talk.server("+OK\r\n\r\n\r\n"), ["#3 ok", "error: Unsolicited"]);

    // No blank line is forgiven around STLS.
    let mut talk = Talk::greeted(Config::default());
    talk.client(Command::Stls);
    assert_eq!(talk.clone().server("\r\n+OK\r\n"), ["error: NotAStatus"]);
    assert_eq!(talk.clone().server("+OK\r\n\r\n"), ["#0 starts TLS", "error: PlaintextAfterStls"]);
    // The error is remembered, even if the caller loses it.
    assert!(talk.client.receive(&mut &b"+OK\r\n\r\n"[..]).unwrap().is_some());
    assert_eq!(talk.client.tls_established(b"").unwrap_err().violation(), Violation::PlaintextAfterStls);
}
