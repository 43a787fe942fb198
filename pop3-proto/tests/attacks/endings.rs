//! D16 to D19: the end of the stream, and many commands at once.

use pop3_proto::drive::{Acknowledge, Batch, Conversation, Io, Selection, Stat, Step};
use pop3_proto::{Awaiting, Cause, Command, Config, QuitError, State, Violation};

use crate::play::{CUTS, Cut, Play, Script};
use crate::session::{LOGIN, ONE, PIPELINING, inside, is_poisoned, message, quit};

#[test]
fn d16_the_stream_may_end_at_any_octet() {
    const SESSION: [(&str, &[u8]); 4] = [
        ("STAT", b"+OK 1 9\r\n"),
        ("RETR 1", b"+OK\r\nbody\r\n.\r\n"),
        ("DELE 1", b"+OK\r\n"),
        ("QUIT", b"+OK bye\r\n"),
    ];
    for cut in CUTS {
        // The stream ends before and inside the greeting.
        for len in 0..LOGIN[0].1.len() {
            let mut play = Play::of(&[("", &LOGIN[0].1[..len])], Config::default(), cut);
            let error = play.greet().unwrap_err();
            let Cause::Protocol(closed) = error.cause() else { panic!("{error}") };
            assert_eq!((closed.violation(), closed.awaiting()), (Violation::Closed, Awaiting::Greeting));
        }
        for (turn, (_, answer)) in SESSION.iter().enumerate() {
            for len in 0..=answer.len() {
                let mut script = SESSION[..=turn].to_vec();
                script[turn].1 = &answer[..len];
                let whole = len == answer.len();
                let mut play = inside(&LOGIN, &script, cut);
                let stat = play.call(Stat).map(drop);
                let retr = message(&mut play).map(drop);
                let dele = play.call(Acknowledge(Command::Dele(ONE)));
                let quit = quit(&mut play);
                let results = [stat, retr, dele];
                for (at, result) in results.into_iter().enumerate() {
                    assert_eq!(result.is_ok(), at < turn || (at == turn && whole), "{at}: {result:?}");
                    if let Err(error) = result {
                        assert!(!error.is_recoverable(), "{error}");
                        // At the cut, and not at the next call, the error is the missing answer.
                        assert!(at > turn || error.is_truncated() || whole, "{error}");
                    }
                }
                match quit {
                    Ok(()) => assert!(turn == 3 && whole),
                    Err(QuitError::Unknown(error)) => {
                        // The command was sent: to a closed connection, or to a server whose answer was cut.
                        assert!(turn == 3 || (turn == 2 && whole), "{error}");
                    }
                    Err(QuitError::NotSent(error)) => assert!(turn < 3, "{error}"),
                    Err(QuitError::Refused(refused)) => panic!("{refused}"),
                }
                let update = turn == 3 && whole;
                assert_eq!(play.conversation.client().state() == State::Update, update);
            }
        }
        let mut play = inside(&LOGIN, &[("DELE 1", b"+OK\r\n"), ("QUIT", b"-ERR some messages remain\r\n")], cut);
        play.call(Acknowledge(Command::Dele(ONE))).unwrap();
        assert!(matches!(quit(&mut play), Err(QuitError::Refused(_))));
    }
}

#[test]
fn d17_each_of_a_batch_has_its_own_result() {
    for cut in CUTS {
        let script: Script<'_> =
            &[("RETR 1", b"+OK\r\na\r\n.\r\n"), ("RETR 2", b"-ERR gone\r\n"), ("RETR 3", b"+OK\r\npart")];
        let mut play = inside(&PIPELINING, script, cut);
        let mut batch = Batch::retrieve(Selection::from_iter([1, 2, 3, 4]), 24);
        let mut results = Vec::new();
        while let Some(item) = play.next(&mut batch) {
            let mut octets = Vec::new();
            let number = item.number;
            let result = play.retrieve(item.call, &mut octets);
            results.push((number, octets, result));
        }
        assert_eq!(results.len(), 4);
        assert_eq!((results[0].0, &results[0].1[..]), (1, &b"a\r\n"[..]));
        assert!(results[0].2.is_ok());
        assert!(results[1].2.as_ref().unwrap_err().refused().is_some() && results[1].1.is_empty());
        assert!(results[2].2.as_ref().unwrap_err().is_truncated(), "what came of it is there, and is not all");
        assert!(!results[3].2.as_ref().unwrap_err().is_recoverable());
        // Each command was sent at most once.
        let sent = play.sent();
        for line in ["RETR 1\\r\\n", "RETR 2\\r\\n", "RETR 3\\r\\n"] {
            assert_eq!(sent.matches(line).count(), 1, "{sent}");
        }
        assert!(sent.matches("RETR 4").count() <= 1, "{sent}");
        is_poisoned(&mut play);
    }
}

#[test]
fn d18_no_more_commands_are_in_flight_than_the_window_takes() {
    const WINDOW: usize = 1000;
    let mut play = inside(&PIPELINING, &[], Cut::Whole);
    let mut batch = Batch::retrieve((1..=10_000).collect(), WINDOW);
    let (mut said, mut answered, mut most) = (0, 0, 0);
    while let Some(item) = play.next(&mut batch) {
        let number = item.number;
        let mut retrieval = item.call;
        // The server does not read before it has written everything: octets pile up here, but not beyond the window.
        loop {
            let pending = play.conversation.pending();
            said += pending.len();
            let len = pending.len();
            play.conversation.written(len);
            most = most.max(said - answered);
            assert!(said - answered <= WINDOW, "{} octets of commands are in flight", said - answered);
            match play.conversation.read(&mut retrieval).unwrap() {
                Step::Done(true) => play.conversation.take_body(usize::MAX),
                Step::Done(false) => break,
                Step::NeedIo(Io::Look) => play.conversation.looked(),
                Step::NeedIo(Io::Transfer) if !play.conversation.pending().is_empty() => {}
                Step::NeedIo(Io::Transfer) => {
                    let answer = b"+OK\r\nx\r\n.\r\n";
                    play.conversation.spare()[..answer.len()].copy_from_slice(answer);
                    play.conversation.filled(answer.len());
                }
            }
        }
        answered += format!("RETR {number}\r\n").len();
    }
    assert_eq!(said, answered);
    assert!(most > WINDOW / 2, "the pipe was filled: {most}");
}

#[test]
fn d19_octets_after_quit_are_ignored() {
    for tail in [&b"+OK\r\n"[..], b"-ERR [SYS/TEMP] not really\r\n", b"\0\xFF", b".\r\n", b"\r\n"] {
        for at in 1..=9 + tail.len() {
            let answer = [b"+OK bye\r\n", tail].concat();
            let mut play = inside(&LOGIN, &[("QUIT", &answer)], Cut::At(at));
            quit(&mut play).unwrap();
            let after = play.conversation.client().clone();
            assert_eq!(after.state(), State::Update);
            play.say(tail);
            play.read();
            assert!(play.call(Acknowledge(Command::Noop)).is_err());
            assert_eq!(play.conversation.client(), &after);
            assert!(!play.sent().contains("NOOP"));
        }
    }
    // A greeting that refuses service permits no login either: the session is closed.
    let mut conversation = Conversation::new(Config::default());
    conversation.spare()[..6].copy_from_slice(b"-ERR\r\n");
    conversation.filled(6);
    assert!(conversation.greet().is_err());
    assert_eq!(conversation.client().state(), State::Closed);
}
