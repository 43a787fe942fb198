//! Mail that imitates answers of the server, at each octet of each message, is never delivered as another message.
#![cfg(feature = "testing")]

use pop3_proto::drive::{Batch, Call, Conversation, Io, Step, UidlOne};
use pop3_proto::login::{Credentials, Login, Policy, Progress, Security};
use pop3_proto::testing::line_ends::{BOTH, CRLF, LF, LF_GREETING, LineEnds};
use pop3_proto::{Config, Error};

/// Returns the answer of a server with these line ends and messages.
fn answer(style: LineEnds, line: &str, messages: &[String], pipelining: bool) -> String {
    let (command, argument) = line.split_once(' ').unwrap_or((line, ""));
    let end = style.line;
    match command {
        "CAPA" if pipelining => format!("+OK{end}USER{end}PIPELINING{end}{}", style.terminator),
        "CAPA" => format!("+OK{end}USER{end}{}", style.terminator),
        "USER" | "PASS" => format!("+OK{end}"),
        "UIDL" => format!("+OK {argument} id-{argument}{end}"),
        "RETR" => format!("+OK{end}{}", style.stuffed(&messages[argument.parse::<usize>().unwrap() - 1])),
        other => panic!("{other}"),
    }
}

/// The delivery of the server's octets to the client, after the login.
#[derive(Clone, Copy, Debug)]
struct Way {
    /// Delivers octets one by one, rather than as many as there are.
    octets: bool,
    /// Delays the octets that were not read yet for so long that a look before the next command finds nothing.
    late: bool,
    pipelining: bool,
}

/// The ways in which a maildrop is fetched.
#[derive(Clone, Copy, Debug)]
enum Ways {
    All,
    /// The usual one, and another one for each maildrop.
    Two,
}

/// A client, and the server at the other end.
struct Session<'a> {
    conversation: Conversation,
    style: LineEnds,
    way: Way,
    messages: &'a [String],
    said: Vec<u8>,
    /// The number of octets of `said` that were read.
    read: usize,
}

impl Session<'_> {
    fn new(style: LineEnds, way: Way, messages: &[String]) -> Session<'_> {
        let said = format!("+OK ready{}", style.greeting).into_bytes();
        let conversation = Conversation::new(Config::default());
        let usual = Way { octets: false, late: false, ..way };
        let mut session = Session { conversation, style, way: usual, messages, said, read: 0 };
        session.drive(Conversation::greet).unwrap();
        let policy = Policy::new().security(Security::Plaintext).allow_plaintext(true);
        let mut login = Login::new(Credentials::new("mrose", "tanstaaf"), policy);
        let progress = session.drive(|conversation| login.step(conversation)).unwrap();
        assert_eq!(progress, Progress::LoggedIn);
        session.way = way;
        session
    }

    fn drive<T, E>(&mut self, mut step: impl FnMut(&mut Conversation) -> Result<Step<T>, E>) -> Result<T, E> {
        loop {
            match step(&mut self.conversation)? {
                Step::Done(value) => return Ok(value),
                Step::NeedIo(Io::Look) => {
                    if !self.way.late && self.read < self.said.len() {
                        self.receive();
                    }
                    self.conversation.looked();
                }
                Step::NeedIo(Io::Transfer) => {
                    let lines = String::from_utf8(self.conversation.pending().to_vec()).unwrap();
                    self.conversation.written(lines.len());
                    for line in lines.split_terminator("\r\n") {
                        self.said.extend(answer(self.style, line, self.messages, self.way.pipelining).bytes());
                    }
                    // With nothing to read, both sides would wait for ever. The end of the stream stands for that.
                    self.receive();
                }
            }
        }
    }

    fn receive(&mut self) {
        let there = &self.said[self.read..];
        let spare = self.conversation.spare();
        let octets = there.len().min(if self.way.octets { 1 } else { spare.len() });
        spare[..octets].copy_from_slice(&there[..octets]);
        self.conversation.filled(octets);
        self.read += octets;
    }

    /// Returns the messages as they are delivered, until an error.
    fn retrieve_all(&mut self) -> Result<Vec<String>, (Vec<String>, Error)> {
        let mut batch = Batch::retrieve((1..=3).collect(), 1000);
        let mut delivered = Vec::new();
        while let Ok(Some(item)) = self.drive(|conversation| Ok::<_, Error>(batch.next(conversation))) {
            let (mut retrieval, mut octets) = (item.call, Vec::new());
            match self.drive(|conversation| conversation.collect(&mut retrieval, &mut octets)) {
                Ok(()) => delivered.push(String::from_utf8(octets).unwrap()),
                Err(error) => return Err((delivered, error)),
            }
        }
        Ok(delivered)
    }

    /// Checks that the server's answers fit the commands, as far as one message can tell.
    fn fits(&mut self, lot: u32) -> bool {
        let mut call = Call::new(UidlOne(lot));
        let found = self.drive(|conversation| conversation.step(&mut call));
        found.is_ok_and(|found| found.as_bytes() == format!("id-{lot}").as_bytes())
    }
}

/// Returns messages with a lone dot between each two line ends, an answer after it, and the end of that answer.
fn forgeries() -> Vec<String> {
    let mut all = vec!["\r\n.\n-ERR gone\r\n".to_owned(), "\n.\n".to_owned(), "\n.\n\n.\n".to_owned()];
    for before in ["\n", "\r\n", "\r"] {
        for behind in ["\n", "\r\n", "\r"] {
            for end in ["\n", "\r\n"] {
                for last in ["", ".\n", ".\r\n", ".\n+OK 1 id-1\n", ".\r\n+OK 3 id-3\r\n"] {
                    all.push(format!("{before}.{behind}+OK{end}From: bank{end}{end}pay{end}{last}"));
                }
            }
        }
    }
    all
}

/// A maildrop in which one message holds a forgery, and how it is fetched.
struct Scene<'a> {
    style: LineEnds,
    messages: &'a [String],
    genuine: &'a [String],
    forgery: &'a str,
    way: Way,
    what: &'a str,
}

impl Scene<'_> {
    fn session(&self) -> Session<'_> {
        Session::new(self.style, self.way, self.messages)
    }
}

/// Puts each forgery at each place of each message, whose own lines end like this.
fn each_scene(style: LineEnds, line: &str, ways: Ways, mut judge: impl FnMut(&Scene<'_>)) {
    let plain = |n: usize| format!("Subject: {n}{line}{line}hi {n}{line}");
    let usual = 4;
    let mut maildrops = 0;
    for forgery in forgeries() {
        for victim in 1..=3 {
            for place in 0..=plain(victim).len() {
                let mut messages: Vec<_> = (1..=3).map(plain).collect();
                messages[victim - 1].insert_str(place, &forgery);
                let genuine: Vec<_> = messages.iter().map(|message| style.heard(message)).collect();
                maildrops += 1;
                for nth in (0..8).filter(|nth| matches!(ways, Ways::All) || [usual, maildrops % 8].contains(nth)) {
                    let way = Way { octets: nth & 1 > 0, late: nth & 2 > 0, pipelining: nth & 4 > 0 };
                    let what = format!("{style:?} {forgery:?} in {victim} at {place}, {way:?}");
                    let (messages, genuine) = (&messages, &genuine);
                    judge(&Scene { style, messages, genuine, forgery: &forgery, way, what: &what });
                }
            }
        }
    }
}

/// Checks that a server that ends the status lines of messages in CRLF is understood, whatever the greeting and the
/// mail.
fn crlf(ways: Ways) {
    for style in [CRLF, LF_GREETING] {
        each_scene(style, "\r\n", ways, |scene| {
            let mut session = scene.session();
            let delivered = session.retrieve_all().unwrap_or_else(|error| panic!("{}: {error:?}", scene.what));
            assert_eq!(delivered, scene.genuine, "{}", scene.what);
            assert!((1..=3).all(|lot| session.fits(lot)), "{}", scene.what);
        });
    }
}

/// Checks that a server of LF alone delivers each message whole, or causes an error where its end is not certain.
fn lf(ways: Ways) {
    let (mut whole, mut broken) = (0, 0);
    for line in ["\n", "\r\n"] {
        each_scene(LF, line, ways, |scene| {
            let mut session = scene.session();
            match session.retrieve_all() {
                Ok(delivered) => {
                    assert_eq!(delivered, scene.genuine, "{}", scene.what);
                    assert!((1..=3).all(|lot| session.fits(lot)), "{}", scene.what);
                    whole += 1;
                }
                Err((delivered, error)) => {
                    assert_eq!(delivered, scene.genuine[..delivered.len()], "{}", scene.what);
                    assert!(!error.is_recoverable(), "{}: {error}", scene.what);
                    broken += 1;
                }
            }
        });
    }
    println!("{whole} sessions were whole, and {broken} not");
    assert!(whole > 500 && broken > 500);
}

/// Checks that a sender can end a message only where no line has ended in CRLF. In that case the sizes show it, and so
/// does the unique-id of any message but those that the mail names.
fn both(ways: Ways) {
    let (mut whole, mut broken, mut forged) = (0, 0, 0);
    // A dot that was not stuffed is lost, which does not make it another message.
    let is_same = |one: &String, other: &String| one.replace('.', "") == other.replace('.', "");
    for line in ["\n", "\r\n"] {
        each_scene(BOTH, line, ways, |scene| {
            let Ok(delivered) = scene.session().retrieve_all() else {
                broken += 1;
                return;
            };
            let Some(first) = (0..3).find(|&nth| !is_same(&delivered[nth], &scene.genuine[nth])) else {
                whole += 1;
                return;
            };
            forged += 1;
            let cut = !delivered[first].contains("\r\n") && scene.forgery.contains("\n.\n");
            assert!(cut, "{}: {delivered:?}", scene.what);
            assert_ne!(delivered[first].len(), scene.genuine[first].len(), "{}: {delivered:?}", scene.what);
            for lot in 1..=3 {
                let mut session = scene.session();
                assert_eq!(session.retrieve_all().unwrap(), delivered);
                let is_named = scene.forgery.contains(&format!("id-{lot}"));
                assert!(is_named || !session.fits(lot), "{}, {lot}: {delivered:?}", scene.what);
            }
        });
    }
    println!("{whole} sessions were whole, {broken} not, and {forged} forged");
    assert!(whole > 500 && broken > 500 && forged > 500);
}

#[test]
fn crlf_servers_deliver_every_message() {
    crlf(Ways::Two);
}

#[test]
fn lf_servers_deliver_only_genuine_messages() {
    lf(Ways::Two);
}

#[test]
fn forgeries_of_a_server_with_both_line_ends_are_detected() {
    both(Ways::Two);
}

#[test]
#[ignore = "the same in every way, which takes a minute"]
fn all_forgeries_in_every_way() {
    for play in [crlf, lf, both] {
        play(Ways::All);
    }
}
