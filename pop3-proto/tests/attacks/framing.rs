//! D08 to D15: other parts of an answer. D20 is with the mechanisms.

use pop3_proto::drive::{Acknowledge, Capa, Capabilities, ListAll, ListOne, Listing, Stat, UidlAll};
use pop3_proto::login::LoginError;
use pop3_proto::wire::{KnownCapability, UniqueId};
use pop3_proto::{Cause, Command, Config, Malformed, State, Violation};

use crate::play::{CLEAR, CUTS, Cut, Play, Script};
use crate::session::{LOGIN, ONE, inside, is_poisoned, message, violation};

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
fn d10_a_second_answer_is_an_error() {
    for (second, at) in
        [b"+OK yes\r\n", b"-ERR no\r\n"].into_iter().flat_map(|second| (1..=18).map(move |at| (second, at)))
    {
        // PASS was refused. A later +OK from the same server lets nobody in.
        let answer = [b"-ERR no\r\n", &second[..]].concat();
        let script = [&LOGIN[..3], &[("PASS tanstaaf", &answer)]].concat();
        let mut play = Play::of(&script, Config::default(), Cut::At(at));
        assert!(matches!(play.login(CLEAR).unwrap_err().login(), Some(LoginError::Credentials(_))));
        let error = play.call(Acknowledge(Command::Capa)).unwrap_err();
        assert!(!error.is_recoverable(), "{error}");
        assert_ne!(play.conversation.client().state(), State::Transaction);
        is_poisoned(&mut play);
        play.sent_only(&["CAPA", "USER mrose", "PASS tanstaaf"]);

        // With both on their way, the refusal of USER counts: PASS cannot succeed after it.
        let pipelining: &[u8] = b"+OK\r\nUSER\r\nPIPELINING\r\n.\r\n";
        let script = [LOGIN[0], ("CAPA", pipelining), ("USER mrose", &answer), ("PASS tanstaaf", b"+OK\r\n")];
        let mut play = Play::of(&script, Config::default(), Cut::At(at));
        let error = play.login(CLEAR).unwrap_err();
        assert!(matches!(error.login(), Some(LoginError::Credentials(_))), "{error}");
        assert_ne!(play.conversation.client().state(), State::Transaction);
        assert!(play.call(Stat).is_err());
        assert_ne!(play.conversation.client().state(), State::Transaction);

        let answer = [b"+OK\r\n", &second[..]].concat();
        let mut play = inside(&LOGIN, &[("NOOP", &answer), ("STAT", b"+OK 1 1\r\n")], Cut::At(at.min(answer.len())));
        play.call(Acknowledge(Command::Noop)).unwrap();
        assert!(!play.call(Stat).unwrap_err().is_recoverable());
        is_poisoned(&mut play);
    }
}

#[test]
fn d11_a_nul_truncates_nothing() {
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
        let error = play.call(ListAll::default()).unwrap_err();
        assert!(matches!(error.cause(), Cause::Malformed(Malformed::ScanListing)), "{error}");
        let ids = play.call(UidlAll::default()).unwrap();
        assert_eq!((ids[0].1.as_bytes(), UniqueId::new(ids[0].1.as_bytes()).is_conforming()), (&b"a\0b"[..], false));
        assert_eq!(message(&mut play).unwrap(), b"a\0b\0\r\n\0\r\n");
    }
}

#[test]
fn d12_an_indicator_begins_its_line() {
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
            let capabilities = play.call(Capa::default()).unwrap();
            assert_eq!(capabilities, Capabilities::from(Listing::from_iter(["SASL PLAIN", "UIDL"])));
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
        let lines: Vec<&[u8]> = capabilities.iter().map(pop3_proto::wire::Capability::as_bytes).collect();
        assert_eq!(lines, [&b"."[..], b"x", b".STLS", b"STLS", b"UIDL."]);
        // One dot is removed from each line, and the server announces the rest.
        assert!(capabilities.any(|known| known == KnownCapability::Stls));
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
        let listings: Vec<String> = play.call(ListAll::default()).unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(listings, ["1 120", "2 200"]);
        let ids = play.call(UidlAll::default()).unwrap();
        // Spaces around an id are not part of it; spaces inside it are.
        assert_eq!([ids[0].1.as_bytes(), ids[1].1.as_bytes()], [&b"abc"[..], b"d e"]);
    }
}
