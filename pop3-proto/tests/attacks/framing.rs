//! D: where answers end. D20 stands with the mechanisms.

use core::num::NonZeroU32;

use pop3_proto::batch::{Batch, Each, Selection};
use pop3_proto::conversation::{Call, Conversation, Retrieval, Step};
use pop3_proto::exchange::{Acknowledge, Lines, ListAll, ListOne, Stat, UidlAll};
use pop3_proto::login::LoginError;
use pop3_proto::{Awaiting, Cause, Command, Config, Error, Kind, Known, Malformed, QuitError, State, Violation};
use proptest::prelude::*;

use crate::play::{CLEAR, CUTS, Cut, Play, Script};
use crate::talk::Talk;

const ONE: NonZeroU32 = NonZeroU32::MIN;
const RETR: Command<'static> = Command::Retr(ONE);
const LOGIN: [(&str, &[u8]); 4] =
    [("", b"+OK hi\r\n"), ("CAPA", b"-ERR\r\n"), ("USER mrose", b"+OK\r\n"), ("PASS tanstaaf", b"+OK\r\n")];
/// The same with a server that pipelines.
const PIPELINING: [(&str, &[u8]); 4] =
    [("", b"+OK hi\r\n"), ("CAPA", b"+OK\r\nPIPELINING\r\n.\r\n"), LOGIN[2], LOGIN[3]];

fn number(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

/// In TRANSACTION, with this to come.
fn inside(login: Script<'_>, script: Script<'_>, cut: Cut) -> Play {
    let mut play = Play::of(&[login, script].concat(), Config::default(), cut);
    play.login(CLEAR).unwrap();
    play
}

fn message(play: &mut Play) -> Result<Vec<u8>, Error> {
    let mut octets = Vec::new();
    play.retrieve(Retrieval::new(RETR), &mut octets).map(|()| octets)
}

fn violation(error: &Error) -> Option<Violation> {
    match error.cause() {
        Cause::Protocol(error) | Cause::ClosedWhileIdle(error) => Some(error.violation()),
        _ => None,
    }
}

/// The session is over, and nothing more is sent.
fn is_poisoned(play: &mut Play) {
    let before = play.sent();
    for command in [Command::Noop, Command::Dele(ONE), Command::Quit] {
        assert!(!play.call(Acknowledge(command)).unwrap_err().session_goes_on());
    }
    assert_eq!(play.sent(), before);
}

/// What a client in TRANSACTION hears of `answer` to `command`, in pieces that end where `cuts` has a bit, and again 64
/// octets further on.
fn heard(command: Command<'_>, answer: &[u8], cuts: u64) -> Vec<String> {
    let mut talk = Talk::logged_in(Config::default());
    talk.client(command);
    let (before, mut from) = (talk.heard.len(), 0);
    for to in (1..answer.len()).filter(|to| cuts >> (to % 64) & 1 == 1).chain([answer.len()]) {
        talk.server(&answer[from..to]);
        from = to;
    }
    assert!(talk.left.is_empty() || talk.error.is_some());
    talk.heard.split_off(before)
}

#[test]
fn d01_however_short_answers_are_cut() {
    let answers: [(Command<'_>, &[u8], &[&str]); 9] = [
        (Command::Noop, b"+OK\r\n", &["#2 ok"]),
        (Command::Noop, b"-ERR a b\r\n", &["#2 refused a b"]),
        (Command::List(None), b"+OK\r\n.\r\n", &["#2 ok", "#2 end"]),
        (Command::List(None), b"+OK\r\n1 2\r\n.\r\n", &["#2 ok", "#2 row 1 2", "#2 end"]),
        (Command::Uidl(None), b"+OK\r\n..\r\n.\r\n", &["#2 ok", "#2 row .", "#2 end"]),
        (RETR, b"+OK\r\n.\r\n", &["#2 ok", "#2 end"]),
        (RETR, b"+OK\r\n..\r\n.\r\n", &["#2 ok", "#2 body .\\r\\n", "#2 end"]),
        (RETR, b"+OK\r\n\r\r\n.\r\n", &["#2 ok", "#2 body \\r\\r\\n", "#2 end"]),
        (RETR, b"+OK\r\n\n.\n\r\n.\r\n", &["#2 ok", "#2 body \\n.\\n\\r\\n", "#2 end"]),
    ];
    for (command, answer, expected) in answers {
        for cuts in (0..1 << answer.len()).step_by(2) {
            assert_eq!(heard(command, answer, cuts), expected, "{} cut by {cuts:b}", answer.escape_ascii());
        }
    }
}

/// A message as RFC 1939, section 3, sends it: each line that begins with a dot gets another one. Line by line, and
/// without anything of the crate.
fn stuffed(message: &str) -> String {
    message
        .split_inclusive("\r\n")
        .map(|line| if line.starts_with('.') { format!(".{line}") } else { line.into() })
        .collect()
}

proptest! {
    #[test]
    fn d01_however_messages_are_cut(text in r"[.ab\r\n]{0,62}", cuts: u64) {
        let message = format!("{text}\r\n");
        let answer = format!("+OK\r\n{}.\r\n", stuffed(&message));
        let body = format!("#2 body {}", message.as_bytes().escape_ascii());
        prop_assert_eq!(heard(RETR, answer.as_bytes(), cuts), ["#2 ok", &body, "#2 end"]);
    }
}

#[test]
fn d02_a_terminator_that_is_not_all_there_ends_nothing() {
    let answers: [(Command<'_>, &str, &[u8]); 4] = [
        (Command::List(None), "LIST", b"+OK\r\n1 2\r\n.\r\n"),
        (Command::Uidl(None), "UIDL", b"+OK\r\n1 a\r\n.\r\n"),
        (RETR, "RETR 1", b"+OK\r\nbody\r\n..\r\n.\r\n"),
        (Command::Noop, "NOOP", b"+OK\r\n"),
    ];
    for (command, line, answer) in answers {
        for len in 0..answer.len() {
            for cut in CUTS {
                let mut play = inside(&LOGIN, &[(line, &answer[..len])], cut);
                let error = match command.kind() {
                    Kind::ListAll => play.call(ListAll::new()).unwrap_err(),
                    Kind::UidlAll => play.call(UidlAll::new()).unwrap_err(),
                    Kind::Retr => message(&mut play).unwrap_err(),
                    _ => play.call(Acknowledge(command)).unwrap_err(),
                };
                assert!(error.is_truncated(), "{line}, {len} octets: {error}");
                is_poisoned(&mut play);
            }
        }
    }
}

#[test]
fn d03_exactly_one_dot_is_taken_from_a_line() {
    let messages: [(&[u8], &[u8]); 14] = [
        (b".\r\n", b""),
        (b"..\r\n.\r\n", b".\r\n"),
        (b"...\r\n.\r\n", b"..\r\n"),
        (b"....\r\n.\r\n", b"...\r\n"),
        (b". \r\n.\r\n", b" \r\n"),
        (b".x\r\n.\r\n", b"x\r\n"),
        (b"..x\r\n.\r\n", b".x\r\n"),
        (b"..\r\n..\r\n..\r\n.\r\n", b".\r\n.\r\n.\r\n"),
        (b"x.\r\n.\r\n", b"x.\r\n"),
        (b" .\r\n.\r\n", b" .\r\n"),
        (b"\r\n.\r\n", b"\r\n"),
        (b"\r\n..\r\n\r\n.\r\n", b"\r\n.\r\n\r\n"),
        (b"..\r\r\n.\r\n", b".\r\r\n"),
        (b".\n\r\n.\r\n", b"\n\r\n"),
    ];
    for (wire, content) in messages {
        for cut in CUTS {
            let answer = [b"+OK\r\n", wire].concat();
            let mut play = inside(&LOGIN, &[("RETR 1", &answer), ("NOOP", b"+OK\r\n")], cut);
            assert_eq!(message(&mut play).unwrap().escape_ascii().to_string(), content.escape_ascii().to_string());
            play.call(Acknowledge(Command::Noop)).unwrap();
        }
    }
}

#[test]
fn d04_no_line_end_but_crlf_ends_a_message() {
    // What a sender of mail might put into a message so that its reader takes the rest for answers.
    let smuggled: [&[u8]; 6] = [
        b"x\n.\n+OK 1 forged\r\nDELE 2\r\n",
        b"x\n.\r\n+OK forged\r\n",
        b"x\r\n.\n-ERR forged\r\n",
        b"Subject: x\n\nhi\n.\nRETR 2\n+OK\nforged\n.\n\r\n",
        b"\n.\n\n.\n\r\n",
        b"x\r.\n+OK\r\n",
    ];
    for content in smuggled {
        for cut in CUTS {
            // The server stuffs lines, and a line ends in CRLF.
            let text = String::from_utf8(content.to_vec()).unwrap();
            let answer = format!("+OK\r\n{}.\r\n", stuffed(&text));
            let mut play = inside(&LOGIN, &[("RETR 1", answer.as_bytes()), ("STAT", b"+OK 7 8\r\n")], cut);
            assert_eq!(message(&mut play).unwrap().escape_ascii().to_string(), content.escape_ascii().to_string());
            assert_eq!(play.call(Stat).unwrap().messages, 7, "the answer is the server's own");
        }
    }
    // In a listing and a status line of such a session they are an error.
    for (command, line, answer) in [
        (Command::List(None), "LIST", &b"+OK\r\n1 2\n.\r\n"[..]),
        (Command::Uidl(None), "UIDL", b"+OK\r\n1 a\n.\n"),
        (Command::Noop, "NOOP", b"+OK\n"),
    ] {
        let mut play = inside(&LOGIN, &[(line, answer)], Cut::Whole);
        let error = play.call(Acknowledge(command)).map(drop).and_then(|()| play.call(Acknowledge(Command::Noop)));
        assert_eq!(violation(&error.unwrap_err()), Some(Violation::BareLf));
        is_poisoned(&mut play);
    }
}

#[test]
fn d05_a_cr_alone_is_no_line_end() {
    let messages: [(&[u8], &[u8]); 6] = [
        (b"x\r.\r\n.\r\n", b"x\r.\r\n"),
        (b"x\r\r\n.\r\n", b"x\r\r\n"),
        (b"x\r\n\r.\r\n.\r\n", b"x\r\n\r.\r\n"),
        (b"\r.\r\r\n.\r\n", b"\r.\r\r\n"),
        (b"\r\r.\r\n.\r\n", b"\r\r.\r\n"),
        (b"x\n\r.\r\n.\r\n", b"x\n\r.\r\n"),
    ];
    for (wire, content) in messages {
        for cut in CUTS {
            let answer = [b"+OK\r\n", wire].concat();
            let mut play = inside(&LOGIN, &[("RETR 1", &answer), ("NOOP", b"+OK\r\n")], cut);
            assert_eq!(message(&mut play).unwrap().escape_ascii().to_string(), content.escape_ascii().to_string());
            play.call(Acknowledge(Command::Noop)).unwrap();
        }
    }
    for answer in [&b"+OK\rmore\r\n"[..], b"+OK\r\r\n", b"\r+OK\r\n", b"-ERR \r\r\n"] {
        let mut play = inside(&LOGIN, &[("NOOP", answer)], Cut::Whole);
        let error = play.call(Acknowledge(Command::Noop)).unwrap_err();
        assert_eq!(violation(&error), Some(Violation::BareCr));
        is_poisoned(&mut play);
    }
}

#[test]
fn d06_what_stands_behind_an_unstuffed_dot_answers_nothing() {
    let answer = b"+OK\r\nSubject: x\r\n\r\nlist:\r\n.\r\nthe rest\r\n.\r\n";
    for at in 1..=answer.len() {
        let mut play = inside(&LOGIN, &[("RETR 1", answer), ("STAT", b"+OK 1 1\r\n")], Cut::At(at));
        assert_eq!(
            message(&mut play).unwrap(),
            b"Subject: x\r\n\r\nlist:\r\n",
            "it ends there for all that can be known"
        );
        let error = play.call(Stat).unwrap_err();
        assert!(matches!(violation(&error), Some(Violation::Unsolicited | Violation::NotAStatus)), "{error}");
        is_poisoned(&mut play);
    }
    // Nor the next command, if that is on its way already.
    for cut in CUTS {
        let script: Script<'_> = &[("RETR 1", answer), ("RETR 2", b"+OK\r\nsecond\r\n.\r\n")];
        let mut play = inside(&PIPELINING, script, cut);
        let mut batch = Batch::new(Each::Retrieve, Selection::numbered([number(1), number(2)]), 1000);
        let first = batch.next(&mut play.conversation).unwrap();
        play.retrieve(first.retrieval(), &mut Vec::new()).unwrap();
        let second = batch.next(&mut play.conversation).unwrap();
        let mut octets = Vec::new();
        let error = play.retrieve(second.retrieval(), &mut octets).unwrap_err();
        assert_eq!((violation(&error), octets.len()), (Some(Violation::NotAStatus), 0));
        is_poisoned(&mut play);
    }
}

#[test]
fn d07_answers_inside_a_message_are_content() {
    let content =
        "+OK\r\n-ERR\r\n+OK 99 99\r\n1 5\r\n2 5\r\n+OK 5 octets\r\nfake\r\n+ \r\n-ERR [SYS/TEMP] no\r\nQUIT\r\n";
    let answer = format!("+OK\r\n{content}.\r\n");
    for cut in CUTS {
        let script: Script<'_> = &[("RETR 1", answer.as_bytes()), ("STAT", b"+OK 2 3\r\n")];
        let mut play = inside(&LOGIN, script, cut);
        assert_eq!(message(&mut play).unwrap(), content.as_bytes());
        assert_eq!(play.call(Stat).unwrap().messages, 2);
    }
}

#[test]
fn d08_a_refusal_has_no_lines() {
    let answer = b"-ERR no\r\nSubject: x\r\n\r\n.\r\n";
    for at in 1..=answer.len() {
        let mut play = inside(&LOGIN, &[("RETR 1", answer), ("STAT", b"+OK 1 1\r\n")], Cut::At(at));
        let error = message(&mut play).unwrap_err();
        assert_eq!(error.refused().unwrap().text().as_bytes(), b"no");
        let error = play.call(Stat).unwrap_err();
        assert!(matches!(violation(&error), Some(Violation::Unsolicited | Violation::NotAStatus)), "{error}");
        is_poisoned(&mut play);
    }
}

#[test]
fn d09_a_scan_listing_of_one_message_has_no_terminator() {
    for at in 1..=14 {
        let mut play = inside(&LOGIN, &[("LIST 1", b"+OK 1 100\r\n.\r\n"), ("STAT", b"+OK 1 1\r\n")], Cut::At(at));
        assert_eq!(play.call(ListOne(ONE)).unwrap().octets, 100);
        let error = play.call(Stat).unwrap_err();
        assert!(matches!(violation(&error), Some(Violation::Unsolicited | Violation::NotAStatus)), "{error}");
        is_poisoned(&mut play);
    }
}

#[test]
fn d10_a_second_answer_is_nobodys() {
    for (second, at) in
        [b"+OK yes\r\n", b"-ERR no\r\n"].into_iter().flat_map(|second| (1..=18).map(move |at| (second, at)))
    {
        // PASS was refused. That the same server says +OK then lets nobody in.
        let answer = [b"-ERR no\r\n", &second[..]].concat();
        let script = [&LOGIN[..3], &[("PASS tanstaaf", &answer)]].concat();
        let mut play = Play::of(&script, Config::default(), Cut::At(at));
        assert!(matches!(play.login(CLEAR), Err(LoginError::Credentials(_))));
        let error = play.call(Acknowledge(Command::Capa)).unwrap_err();
        assert!(!error.session_goes_on(), "{error}");
        assert_ne!(play.conversation.client().state(), State::Transaction);
        is_poisoned(&mut play);
        play.sent_only(&["CAPA", "USER mrose", "PASS tanstaaf"]);

        // With both on their way, the refusal of USER is what counts: PASS cannot succeed after it.
        let pipelining: &[u8] = b"+OK\r\nUSER\r\nPIPELINING\r\n.\r\n";
        let script = [LOGIN[0], ("CAPA", pipelining), ("USER mrose", &answer), ("PASS tanstaaf", b"+OK\r\n")];
        let mut play = Play::of(&script, Config::default(), Cut::At(at));
        let error = play.login(CLEAR).unwrap_err();
        assert!(matches!(error, LoginError::Credentials(_)), "{error}");
        assert_ne!(play.conversation.client().state(), State::Transaction);
        assert!(play.call(Stat).is_err());
        assert_ne!(play.conversation.client().state(), State::Transaction);

        let answer = [b"+OK\r\n", &second[..]].concat();
        let mut play = inside(&LOGIN, &[("NOOP", &answer), ("STAT", b"+OK 1 1\r\n")], Cut::At(at.min(answer.len())));
        play.call(Acknowledge(Command::Noop)).unwrap();
        assert!(!play.call(Stat).unwrap_err().session_goes_on());
        is_poisoned(&mut play);
    }
}

#[test]
fn d11_a_nul_cuts_nothing_off() {
    for cut in CUTS {
        let mut play = inside(&LOGIN, &[("RETR 1", b"+OK\0\r\n")], cut);
        assert_eq!(violation(&message(&mut play).unwrap_err()), Some(Violation::NotAStatus));

        let script: Script<'_> = &[
            ("NOOP", b"-ERR a\0b\r\n"),
            ("LIST", b"+OK\r\n1\0 2\r\n.\r\n"),
            ("UIDL", b"+OK\r\n1 a\0b\r\n.\r\n"),
            ("RETR 1", b"+OK\r\na\0b\0\r\n\0\r\n.\r\n"),
        ];
        let mut play = inside(&LOGIN, script, cut);
        let error = play.call(Acknowledge(Command::Noop)).unwrap_err();
        assert_eq!(error.refused().unwrap().text().as_bytes(), b"a\0b");
        assert_eq!(error.to_string(), "NOOP failed: the server said -ERR a\\u{0}b");
        let error = play.call(ListAll::new()).unwrap_err();
        assert!(matches!(error.cause(), Cause::Malformed(Malformed::ScanListing)), "{error}");
        let ids = play.call(UidlAll::new()).unwrap();
        assert_eq!((ids[0].1.as_bytes(), ids[0].1.as_unique_id().is_conforming()), (&b"a\0b"[..], false));
        assert_eq!(message(&mut play).unwrap(), b"a\0b\0\r\n\0\r\n");
    }
}

#[test]
fn d12_nothing_stands_before_an_indicator() {
    let says: [&[u8]; 9] = [
        b"\xEF\xBB\xBF+OK\r\n",
        b"\t+OK\r\n",
        b" +OK\r\n",
        b"  _   _  ____\r\n+OK ready\r\n",
        b"* OK\r\n",
        b"220 ready\r\n",
        b"\0+OK\r\n",
        b"\xFF\xFB\x01+OK\r\n",
        b"HTTP/1.1 400 Bad Request\r\n",
    ];
    for says in says {
        for cut in CUTS {
            let mut play = Play::of(&[("", says)], Config::default(), cut);
            assert_eq!(violation(&play.greet().unwrap_err()), Some(Violation::NotAStatus), "{}", says.escape_ascii());
            play.sent_only(&[]);
            let mut play = inside(&LOGIN, &[("NOOP", says)], cut);
            let error = play.call(Acknowledge(Command::Noop)).unwrap_err();
            assert_eq!(violation(&error), Some(Violation::NotAStatus));
            is_poisoned(&mut play);
        }
    }
}

#[test]
fn d13_blank_lines_among_capabilities() {
    for list in
        [&b"+OK\r\n\r\nSASL PLAIN\r\n\r\n \r\nUIDL\r\n\r\n.\r\n"[..], b"+OK\r\nSASL PLAIN\r\n\t\r\nUIDL\r\n.\r\n"]
    {
        for cut in CUTS {
            let mut play = inside(&LOGIN, &[("CAPA", list)], cut);
            let lines = play.call(Lines::new(Command::Capa)).unwrap();
            assert_eq!(lines, [Box::from(&b"SASL PLAIN"[..]), Box::from(&b"UIDL"[..])]);
        }
    }
}

#[test]
fn d14_only_a_dot_alone_ends_the_capabilities() {
    let list = b"+OK\r\n..\r\n.x\r\n. \r\n..STLS\r\n.STLS\r\nUIDL.\r\n.\r\n";
    for cut in CUTS {
        let script = [LOGIN[0], ("CAPA", &list[..])];
        let mut play = Play::of(&script, Config::default(), cut);
        assert!(play.login(crate::play::policy(pop3_proto::login::Security::StartTls)).is_err());
        let capabilities = play.conversation.capabilities().unwrap();
        let lines: Vec<&[u8]> = capabilities.iter().map(pop3_proto::Capability::as_bytes).collect();
        assert_eq!(lines, [&b"."[..], b"x", b".STLS", b"STLS", b"UIDL."]);
        // One dot is taken from each line, so that is what the server announces.
        assert!(capabilities.any(|known| known == Known::Stls));
    }
}

#[test]
fn d15_blanks_between_fields() {
    for cut in CUTS {
        let script: Script<'_> = &[
            ("STAT", b"+OK  2 \t320\r\n"),
            ("LIST", b"+OK\r\n1  120\r\n 2\t200 \r\n.\r\n"),
            ("UIDL", b"+OK\r\n1  abc\r\n2   d e \r\n.\r\n"),
        ];
        let mut play = inside(&LOGIN, script, cut);
        assert_eq!(play.call(Stat).unwrap().to_string(), "2 320");
        let listings: Vec<String> = play.call(ListAll::new()).unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(listings, ["1 120", "2 200"]);
        let ids = play.call(UidlAll::new()).unwrap();
        // The blanks in front of an id are not its own; those inside and behind it are.
        assert_eq!([ids[0].1.as_bytes(), ids[1].1.as_bytes()], [&b"abc"[..], b"d e "]);
    }
}

#[test]
fn d16_the_stream_ends_anywhere() {
    const SESSION: [(&str, &[u8]); 4] = [
        ("STAT", b"+OK 1 9\r\n"),
        ("RETR 1", b"+OK\r\nbody\r\n.\r\n"),
        ("DELE 1", b"+OK\r\n"),
        ("QUIT", b"+OK bye\r\n"),
    ];
    for cut in CUTS {
        // Before and inside the greeting.
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
                        assert!(!error.session_goes_on(), "{error}");
                        // Where it was cut, and not at the next call, the answer is what is missing.
                        assert!(at > turn || error.is_truncated() || whole, "{error}");
                    }
                }
                match quit {
                    Ok(()) => assert!(turn == 3 && whole),
                    Err(QuitError::Unknown(error)) => {
                        // It was sent: into the void, or to a server whose answer was cut.
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

fn quit(play: &mut Play) -> Result<(), QuitError> {
    let mut call = Call::new(Acknowledge(Command::Quit));
    play.finish(&mut call).map_err(|error| QuitError::new(error, call.is_sent()))
}

#[test]
fn d17_each_of_a_batch_has_its_own_result() {
    for cut in CUTS {
        let script: Script<'_> =
            &[("RETR 1", b"+OK\r\na\r\n.\r\n"), ("RETR 2", b"-ERR gone\r\n"), ("RETR 3", b"+OK\r\npart")];
        let mut play = inside(&PIPELINING, script, cut);
        let mut batch = Batch::new(Each::Retrieve, Selection::numbered([1, 2, 3, 4].map(number)), 24);
        let mut results = Vec::new();
        while let Some(item) = batch.next(&mut play.conversation) {
            let mut octets = Vec::new();
            let result = play.retrieve(item.retrieval(), &mut octets);
            results.push((item.number.get(), octets, result));
        }
        assert_eq!(results.len(), 4);
        assert_eq!((results[0].0, &results[0].1[..]), (1, &b"a\r\n"[..]));
        assert!(results[0].2.is_ok());
        assert!(results[1].2.as_ref().unwrap_err().refused().is_some() && results[1].1.is_empty());
        assert!(results[2].2.as_ref().unwrap_err().is_truncated(), "what came of it is there, and is not all");
        assert!(!results[3].2.as_ref().unwrap_err().session_goes_on());
        // Each was asked for once at the most.
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
    let mut batch = Batch::new(Each::Retrieve, Selection::numbered((1..=10_000).map(number)), WINDOW);
    let (mut said, mut answered, mut most) = (0, 0, 0);
    while let Some(item) = batch.next(&mut play.conversation) {
        let mut retrieval = item.retrieval();
        // A server that does not read before it has written all: octets pile up here, and not beyond the window.
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
                Step::NeedIo if !play.conversation.pending().is_empty() => {}
                Step::NeedIo => {
                    let answer = b"+OK\r\nx\r\n.\r\n";
                    play.conversation.spare()[..answer.len()].copy_from_slice(answer);
                    play.conversation.filled(answer.len());
                }
            }
        }
        answered += format!("RETR {}\r\n", item.number).len();
    }
    assert_eq!(said, answered);
    assert!(most > WINDOW / 2, "the pipe was filled: {most}");
}

#[test]
fn d19_nothing_counts_after_quit() {
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
    // The login that comes behind it is not one either.
    let mut conversation = Conversation::new(Config::default());
    conversation.spare()[..6].copy_from_slice(b"-ERR\r\n");
    conversation.filled(6);
    assert!(conversation.greet().is_err());
    assert_eq!(conversation.client().state(), State::Closed);
}
