//! F: time, display and misuse. Tests that need a clock are with the adapters.
use std::path::Path;

use pop3_proto::drive::{
    Acknowledge, Batch, Call, Capa, Capabilities, Io, Languages, Listing, OwnedUniqueId, Retrieval, Selection,
    SetLanguage, Step, UidlAll,
};
use pop3_proto::message::MessageRef;
use pop3_proto::wire::{Text, UniqueId};
use pop3_proto::{Awaiting, Cause, Command, Config, Kind, QuitError, State};

use crate::play::{CLEAR, CUTS, Cut, Play, Script};
use crate::session::{LOGIN, ONE};

/// Returns a conversation in TRANSACTION that will play this script.
fn inside(script: Script<'_>, cut: Cut) -> Play {
    crate::session::inside(&LOGIN, script, cut)
}

#[test]
fn f01_the_awaited_input_is_known_at_every_octet() {
    // The core keeps no time. A driver that does learns what is late, and how many octets of a message have come.
    let answer = b"+OK\r\nSubject: x\r\n\r\nslow\r\n.\r\n";
    let mut play = inside(&[], Cut::Octets);
    let mut retrieval = Retrieval::retr(ONE);
    let (mut seen, mut octets) = (Vec::new(), 0);
    for octet in answer {
        assert!(!retrieval.is_complete());
        while play.conversation.read(&mut retrieval).unwrap() == Step::NeedIo(Io::Look) {
            play.conversation.looked();
        }
        seen.push(play.conversation.client().awaiting());
        play.conversation.take_body(usize::MAX);
        assert!(retrieval.octets() >= octets, "progress has no way back");
        octets = retrieval.octets();
        play.say(&[*octet]);
        play.read();
    }
    seen.dedup();
    assert_eq!(seen, [Awaiting::Status(Kind::Retr), Awaiting::Body(Kind::Retr)]);
    assert!(octets > 15, "{octets}");
}

#[test]
fn f02_the_outcome_of_an_unanswered_quit_is_unknown() {
    for (answer, cut) in [(&b""[..], Cut::Whole), (b"+O", Cut::Octets), (b"+OK bye\r", Cut::Octets)] {
        let mut play = inside(&[("DELE 1", b"+OK\r\n"), ("QUIT", answer)], cut);
        play.call(Acknowledge(Command::Dele(ONE))).unwrap();
        let mut call = Call::new(Acknowledge(Command::Quit));
        // The adapter has waited long enough.
        let late = play.finish_until(&mut call, answer.len());
        assert!(late.is_none() && call.is_sent(), "{late:?}");
        play.conversation.abort("the answer takes too long");
        let error = play.conversation.step(&mut call).unwrap_err();
        assert!(!error.is_recoverable());
        assert!(matches!(call.quit_error(error), QuitError::Unknown(_)));
        assert_ne!(play.conversation.client().state(), State::Update);
    }
}

/// Octets that may make a terminal, or a reader, take a text for another one.
const HOSTILE: [&[u8]; 15] = [
    b"\x1b]0;owned\x07",
    b"\x1b[2J\x1b[1;31m",
    b"\x1bP$q\x1b\\",
    b"\x08\x08\x08\x7f",
    b"\0",
    b"\t\x0b\x0c",
    // C1 controls in UTF-8 and as single octets, CSI among them.
    "\u{9b}2J\u{85}".as_bytes(),
    b"\x9b2J",
    // Directional characters: left, right, embedding, override, isolate.
    "\u{202e}gpj.exe\u{202c}\u{2066}\u{2069}\u{200e}\u{200f}\u{61c}".as_bytes(),
    // Line and paragraph separators that are neither CR nor LF.
    "\u{2028}\u{2029}".as_bytes(),
    // Invisible characters: joiners, a soft hyphen, old fillers, annotations, tags.
    "\u{200b}\u{200d}\u{2060}\u{feff}\u{ad}\u{180e}".as_bytes(),
    "\u{fff9}\u{fffa}\u{fffb}".as_bytes(),
    "\u{e0001}\u{e0041}\u{e007f}".as_bytes(),
    b"\xC3\x28\xFF\xFE",
    b"\xED\xA0\x80\xF8\x88\x80\x80\x80",
];

/// Checks whether the character acts on a terminal, changes the direction or the place of its neighbours, or is
/// invisible.
fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}')
        || ('\u{200b}'..='\u{200f}').contains(&c)
        || ('\u{2028}'..='\u{202e}').contains(&c)
        || ('\u{2060}'..='\u{206f}').contains(&c)
        || ('\u{fff9}'..='\u{fffb}').contains(&c)
        || ('\u{e0000}'..='\u{e007f}').contains(&c)
}

#[track_caller]
fn is_harmless(shown: &str) {
    assert!(!shown.contains(is_hostile), "{}", shown.escape_unicode());
}

#[test]
fn f03_every_character_is_shown_or_escaped() {
    for c in (0..=0x10_ffff).filter_map(char::from_u32) {
        let mut octets = [0; 4];
        let text: &str = c.encode_utf8(&mut octets);
        let shown = Text::new(text.as_bytes()).to_string();
        if is_hostile(c) {
            assert_eq!(shown, c.escape_unicode().to_string());
        } else {
            assert_eq!(shown, text);
        }
    }
}

#[test]
fn f03_no_text_of_a_server_controls_a_terminal() {
    for text in HOSTILE {
        // A text inside a line has no CR, which would be an error of its own.
        let in_line: Vec<u8> = text.iter().copied().filter(|octet| *octet != b'\r').collect();
        let says = |before: &str, after: &str| [before.as_bytes(), &in_line, after.as_bytes()].concat();
        let show = |shown: String| {
            is_harmless(&shown);
            assert!(shown.contains('\\'), "it is shown by an escape: {shown}");
        };
        show(format!("{} {:?}", Text::new(text), Text::new(text)));
        let capabilities = Capabilities::from(Listing::from_iter([text]));
        let (id, capability) = (UniqueId::new(text), capabilities.iter().next().unwrap());
        show(format!("{id:?}"));
        show(format!("{:?}", OwnedUniqueId::from(id)));
        show(format!("{capability:?}"));
        show(capability.to_string());
        show(id.to_string());
        assert_eq!(OwnedUniqueId::from(id).to_string(), id.to_string());
        assert!(id.to_string().bytes().all(|octet| (0x21..=0x7e).contains(&octet)), "{id}");
        show(format!("{:?}", Listing::from_iter([text])));
        let field = [b"Subject: ".as_slice(), text, b"\r\n\r\n"].concat();
        is_harmless(&format!("{:?}", MessageRef::new(&field)));
        for header in MessageRef::new(&field).headers() {
            is_harmless(&format!("{header:?}"));
        }

        // The text is in each place of a conversation; the log shows it too.
        let greeting = says("+OK ", "\r\n");
        let script = [("", &greeting[..]), LOGIN[1], LOGIN[2], LOGIN[3]];
        let mut play = Play::of(&script, Config::default(), Cut::Whole);
        play.greet().unwrap();
        show(format!("{:?} {}", play.conversation.greeting(), play.conversation.greeting().unwrap().text()));

        let refusal = says("-ERR [", "] no\r\n");
        let list = says("+OK\r\nIMPLEMENTATION ", "\r\n.\r\n");
        let ids = says("+OK\r\n1 ", "\r\n.\r\n");
        let languages = [says("+OK\r\n", " "), says("", "\r\n.\r\n")].concat();
        let language = says("+OK ", " is spoken\r\n");
        let script: Script<'_> =
            &[("NOOP", &refusal), ("CAPA", &list), ("UIDL", &ids), ("LANG", &languages), ("LANG *", &language)];
        let mut play = inside(script, Cut::Whole);
        let error = play.call(Acknowledge(Command::Noop)).unwrap_err();
        show(format!("{error} {error:?} {:?}", error.refused()));
        let capabilities = play.call(Capa::default()).unwrap();
        show(format!("{capabilities:?}"));
        let capability = capabilities.iter().next().unwrap();
        show(format!("{capability:?} {:?}", capability.known()));
        show(capability.to_string());
        show(format!("{:?}", play.call(UidlAll::default()).unwrap()));
        play.conversation.learn(Capabilities::from(Listing::from_iter(["LANG"])));
        for language in play.call(Languages::default()).unwrap() {
            show(format!("{language:?}"));
            show(format!("{} {:?}", language.tag(), language.tag()));
            show(format!("{} {:?}", language.description(), language.description()));
        }
        let tag = play.call(SetLanguage("*")).unwrap();
        show(format!("{tag} {tag:?}"));
        play.log().lines().for_each(is_harmless);

        let garbage = says("", " garbage\r\n");
        let mut play = inside(&[("NOOP", &garbage)], Cut::Whole);
        let error = play.call(Acknowledge(Command::Noop)).unwrap_err();
        show(format!("{error} {error:?}"));

        let refusal = says("-ERR ", "\r\n");
        let mut play = Play::of(&[("", &refusal)], Config::default(), Cut::Whole);
        let error = play.greet().unwrap_err();
        show(format!("{error} {error:?}"));
        let script = [LOGIN[0], LOGIN[1], LOGIN[2], ("PASS tanstaaf", &refusal[..])];
        let mut play = Play::of(&script, Config::default(), Cut::Whole);
        let error = play.login(CLEAR).unwrap_err();
        is_harmless(&format!("{error} {error:?}"));
    }
    // Harmless text is unchanged.
    let plain = "Grüße, 你好 🐧 <a@b> [x] {y} \"z\" \\n";
    assert_eq!(Text::new(plain.as_bytes()).to_string(), plain);
}

#[test]
fn f04_text_that_is_not_utf_8_is_kept_and_shown() {
    for text in [&b"\xE4\xF6\xFC"[..], b"\xC3", b"a\xFFb", b"\xF0\x9F\x98", b"\xED\xA0\x80", b"\xC0\x80"] {
        let refusal = [b"-ERR ", text, b"\r\n"].concat();
        let ids = [b"+OK\r\n1 ", text, b"\r\n.\r\n"].concat();
        let message = [b"+OK\r\n", text, b"\r\n.\r\n"].concat();
        for cut in CUTS {
            let script: Script<'_> = &[("NOOP", &refusal), ("UIDL", &ids), ("RETR 1", &message), ("QUIT", b"+OK\r\n")];
            let mut play = inside(script, cut);
            let error = play.call(Acknowledge(Command::Noop)).unwrap_err();
            assert_eq!(error.refused().unwrap().text().as_bytes(), text);
            for octet in text.iter().filter(|octet| !octet.is_ascii()) {
                assert!(error.to_string().contains(&format!("\\x{octet:02x}")), "{error}");
            }
            assert_eq!(play.call(UidlAll::default()).unwrap()[0].1.as_bytes(), text);
            let mut octets = Vec::new();
            play.retrieve(Retrieval::retr(ONE), &mut octets).unwrap();
            assert_eq!(octets, [text, b"\r\n"].concat());
            // Each command was sent once: an unreadable text is no reason to send it again.
            play.call(Acknowledge(Command::Quit)).unwrap();
            play.sent_only(&["CAPA", "USER mrose", "PASS tanstaaf", "NOOP", "UIDL", "RETR 1", "QUIT"]);
        }
    }
}

/// `NoPath::<_>::it` is ambiguous, and so does not compile, for a type that can be used as a path.
trait NoPath<Marker> {
    fn it() {}
}

impl<T: ?Sized> NoPath<()> for T {}

impl<T: AsRef<Path> + ?Sized> NoPath<&Path> for T {}

/// The same for a type that can be used as a string.
trait NoText<Marker> {
    fn it() {}
}

impl<T: ?Sized> NoText<()> for T {}

impl<T: AsRef<str> + ?Sized> NoText<&str> for T {}

#[test]
fn f05_a_unique_id_is_not_a_path() {
    <UniqueId<'_> as NoPath<_>>::it();
    <OwnedUniqueId as NoPath<_>>::it();
    <Text<'_> as NoPath<_>>::it();
    // It is no string either, which could become a path unnoticed. It is shown for humans, without what is no part of a
    // conforming id.
    <UniqueId<'_> as NoText<_>>::it();
    <OwnedUniqueId as NoText<_>>::it();
    let id = UniqueId::new(b"../../../etc/passwd");
    assert_eq!(id.as_bytes(), b"../../../etc/passwd", "whoever wants a name makes one of the octets");
    assert!(id.is_conforming(), "and this is a perfectly good id");
    assert_eq!(id.to_string(), "../../../etc/passwd");
    assert_eq!(UniqueId::new(b"a \x1b[2J\xC3\xA4\x7f~!").to_string(), r"a\x20\x1b[2J\xc3\xa4\x7f~!");
}

#[test]
fn f06_numbers_name_messages_of_one_session() {
    let numbers = |all: &[u32]| all.to_vec();
    for cut in CUTS {
        // Two of four messages are gone since they were listed: each reports it for itself.
        let script: Script<'_> = &[
            ("UIDL", b"+OK\r\n1 a\r\n2 b\r\n3 c\r\n4 d\r\n.\r\n"),
            ("RETR 1", b"+OK\r\none\r\n.\r\n"),
            ("RETR 2", b"-ERR no such message\r\n"),
            ("RETR 3", b"-ERR [SYS/TEMP] cannot be read\r\n"),
            ("RETR 4", b"+OK\r\nfour\r\n.\r\n"),
            ("QUIT", b"+OK\r\n"),
        ];
        let mut play = inside(script, cut);
        let ids = play.call(UidlAll::default()).unwrap();
        let found: Vec<u32> = ids.iter().map(|(number, _)| *number).collect();
        let mut batch = Batch::retrieve(Selection::from_iter(numbers(&found)), 1000);
        let mut whole = Vec::new();
        while let Some(item) = play.next(&mut batch) {
            let mut octets = Vec::new();
            let number = item.number;
            match play.retrieve(item.call, &mut octets) {
                Ok(()) => whole.push((number, octets)),
                Err(error) => assert!(error.refused().is_some() && error.is_recoverable() && octets.is_empty()),
            }
        }
        assert_eq!(whole, [(1, b"one\r\n".to_vec()), (4, b"four\r\n".to_vec())]);
        play.call(Acknowledge(Command::Quit)).unwrap();

        // Another session counts anew, so 4 is now 2. The ids show it.
        let mut play = inside(&[("UIDL", b"+OK\r\n1 a\r\n2 d\r\n.\r\n")], cut);
        let again = play.call(UidlAll::default()).unwrap();
        let number_of = |id: &OwnedUniqueId| again.iter().find(|(_, other)| other == id).map(|(number, _)| *number);
        assert_eq!(ids.iter().map(|(_, id)| number_of(id)).collect::<Vec<_>>(), [Some(1), None, None, Some(2)]);
    }
}

#[test]
fn f07_an_autologout_commits_no_deletion() {
    for says in [&b""[..], b"-ERR [SYS/TEMP] autologout\r\n", b"-ERR autologout\r\n", b"-ERR autologout"] {
        for cut in CUTS {
            for command in [Command::Noop, Command::Quit] {
                let mut play = inside(&[("DELE 1", b"+OK\r\n")], cut);
                play.call(Acknowledge(Command::Dele(ONE))).unwrap();
                // Nothing is in flight when the server hangs up.
                play.say(says);
                play.hang_up();
                let mut call = Call::new(Acknowledge(command));
                let error = play.finish(&mut call).unwrap_err();
                assert!(!error.is_recoverable() && !call.is_sent(), "{error}");
                let Cause::ClosedWhileIdle(closed) = error.cause() else { panic!("{error}") };
                assert_eq!(closed.awaiting(), Awaiting::Nothing);
                if says.ends_with(b"\n") {
                    assert_eq!(closed.excerpt().as_bytes(), says.trim_ascii_end(), "it says why");
                }
                assert_eq!(play.conversation.client().state(), State::Closed, "nothing was committed");
                assert!(matches!(call.quit_error(error), QuitError::NotSent(_)));
                assert!(!play.sent().contains("QUIT") && !play.sent().contains("NOOP"), "{}", play.sent());
            }
        }
    }
}
