//! Each switch of a personality, in the octets that a client receives.

use std::time::Duration;

use pop3_proto::serve::{MailStore, MemoryMaildrop};
use pop3_proto::testing::link::{Direction, Halt, Line, Schedule};
use pop3_proto::testing::personality::{Personality, QuirkyService, Sizes, UniqueIds, Update};
use pop3_proto::wire::Timestamp;
use pop3_proto::{Kind, ServerConfig, Service, State};

const LOGIN: &str = "USER ann\r\nPASS pw\r\n";
const CONFIG: ServerConfig = ServerConfig::new().plaintext_login(true).stls(true);

fn store() -> MailStore {
    let store = MailStore::new();
    store.add_user("ann", "pw");
    store.deliver_as("ann", "first", "Subject: one\r\n\r\n.\r\n..\r\nlast\r\n");
    store.deliver_as("ann", "second", ".Subject: two\n\ntext\rmore");
    store.deliver_as("ann", "third", "x\n");
    store
}

fn service(store: &MailStore, personality: Personality) -> QuirkyService<MemoryMaildrop> {
    QuirkyService::new(store.maildrop(), CONFIG, None, personality)
}

/// Sends `said`, so many octets at once, and returns all answers, taken so many octets at once.
fn talk_in(service: &mut QuirkyService<MemoryMaildrop>, said: &str, at_once: usize) -> String {
    let (mut rest, mut heard) = (said.as_bytes(), Vec::new());
    loop {
        if !service.pending().is_empty() {
            let len = service.pending().len().min(at_once);
            heard.extend_from_slice(&service.pending()[..len]);
            service.written(len);
        } else if service.wants_read() && !rest.is_empty() {
            let spare = service.spare();
            let len = spare.len().min(rest.len()).min(at_once);
            spare[..len].copy_from_slice(&rest[..len]);
            service.filled(len);
            rest = &rest[len..];
        } else {
            return String::from_utf8(heard).unwrap();
        }
    }
}

fn talk(service: &mut QuirkyService<MemoryMaildrop>, said: &str) -> String {
    talk_in(service, said, usize::MAX)
}

/// Returns the answers to `said` after the login, whichever way the octets are cut.
fn answers(personality: &Personality, said: &str) -> String {
    let [whole, single] = [usize::MAX, 1].map(|at_once| {
        let mut service = service(&store(), personality.clone());
        talk_in(&mut service, LOGIN, at_once);
        assert_eq!(service.state(), State::Transaction);
        talk_in(&mut service, said, at_once)
    });
    assert_eq!(whole, single, "the cuts make no difference");
    whole
}

#[test]
fn a_personality_without_switches_changes_nothing() {
    let said = "CAPA\r\nXYZZY\r\nAUTH\r\nAUTH PLAIN\r\n*\r\nNOOP\r\nUSER ann\r\nPASS pw\r\nSTAT\r\nLIST\r\nLIST 2\r\n\
                UIDL\r\nUIDL 3\r\nRETR 1\r\nTOP 2 0\r\nRETR 3\r\nRETR 9\r\nDELE 3\r\nRSET\r\nDELE 1\r\nQUIT\r\n";
    let plain = store();
    let mut bare = Service::new(plain.maildrop(), CONFIG, None);
    bare.spare()[..said.len()].copy_from_slice(said.as_bytes());
    bare.filled(said.len());
    let wanted = String::from_utf8(bare.pending().to_vec()).unwrap();
    assert!(wanted.ends_with("+OK bye\r\n"), "{wanted}");

    for at_once in [1, 7, usize::MAX] {
        let store = store();
        let mut service = service(&store, Personality::new());
        assert_eq!(talk_in(&mut service, said, at_once), wanted);
        assert!(service.is_over() && service.state() == State::Update);
        assert_eq!(store.messages("ann"), plain.messages("ann"));
        assert_eq!(store.messages("ann").len(), 2);
    }
}

#[test]
fn the_greeting_keeps_the_timestamp() {
    let personality = Personality::new().greeting("hello there");
    let mut plain = service(&store(), personality.clone());
    assert_eq!(talk(&mut plain, ""), "+OK hello there\r\n");
    let timestamp = Timestamp::find(b"<1.2@host>");
    let mut apop = QuirkyService::new(store().maildrop(), CONFIG, timestamp, personality);
    assert_eq!(talk(&mut apop, ""), "+OK hello there <1.2@host>\r\n");
}

#[test]
fn capabilities_are_hidden_and_added() {
    let usual = answers(&Personality::new(), "CAPA\r\n");
    let personality =
        Personality::new().hide_capability("pipelining").hide_capability("SASL").add_capability("EXPIRE 0");
    let changed = answers(&personality, "CAPA\r\n");
    let wanted: String =
        usual.split_inclusive("\r\n").filter(|l| !l.starts_with("PIPE") && !l.starts_with("SASL")).collect();
    assert_ne!(wanted, usual);
    assert_eq!(changed, wanted.replace("\r\n.\r\n", "\r\nEXPIRE 0\r\n.\r\n"));
}

#[test]
fn a_refused_command_has_the_given_text_and_no_effect() {
    let personality = Personality::new().refuse(Kind::Dele, "[SYS/TEMP] not now").refuse(Kind::ListOne, "no");
    let heard = answers(&personality, "DELE 1\r\nSTAT\r\nLIST 1\r\nLIST\r\n");
    assert_eq!(
        heard,
        answers(&Personality::new(), "STAT\r\nLIST\r\n")
            .replacen("+OK 3", "-ERR [SYS/TEMP] not now\r\n+OK 3", 1)
            .replacen("+OK scan", "-ERR no\r\n+OK scan", 1)
    );
}

#[test]
fn a_refused_login_leaves_the_session_in_authorization() {
    let personality = Personality::new().refuse(Kind::Pass, "[IN-USE] busy");
    let mut service = service(&store(), personality);
    let heard = talk(&mut service, "USER ann\r\nPASS pw\r\nPASS pw\r\nSTAT\r\n");
    assert!(heard.contains("\r\n-ERR [IN-USE] busy\r\n"), "{heard}");
    assert_eq!(service.state(), State::Authorization);
    assert!(talk(&mut service, "APOP\r\nAUTH PLAIN AGFubgBwdw==\r\n").ends_with("+OK the maildrop is open\r\n"));
}

#[test]
fn lines_inside_auth_are_no_commands() {
    let personality = Personality::new().refuse(Kind::Stat, "no").refuse(Kind::Quit, "no");
    let mut service = service(&store(), personality);
    let heard = talk(&mut service, "AUTH PLAIN\r\nQUIT\r\n");
    assert!(heard.ends_with("+ \r\n-ERR not Base64\r\n") || heard.ends_with("-ERR not a PLAIN message\r\n"), "{heard}");
    assert!(!service.is_over());
}

#[test]
fn without_uidl_and_top_neither_is_announced() {
    let heard = answers(&Personality::new().no_uidl().no_top(), "CAPA\r\nUIDL\r\nUIDL 1\r\nTOP 1 0\r\n");
    assert!(!heard.contains("UIDL") && !heard.contains("TOP"), "{heard}");
    assert!(heard.ends_with(&format!(".\r\n{}", "-ERR unknown command\r\n".repeat(3))), "{heard}");
}

#[test]
fn all_lines_can_end_in_lf() {
    let heard = answers(&Personality::new().lf(true), "LIST\r\nRETR 1\r\nRETR 2\r\n");
    assert!(heard.contains("+OK scan listing follows\n1 29\n2 28\n3 3\n.\n"), "{heard:?}");
    assert!(heard.contains("\nSubject: one\n\n..\n...\nlast\n.\n"), "{heard:?}");
    assert!(heard.ends_with("\n..Subject: two\n\ntext\rmore\n.\n"), "a bare CR stays: {heard:?}");
    assert!(!heard.contains("\r\n"));
}

#[test]
fn unique_ids_are_reused_doubled_or_empty() {
    let ids = |unique_ids| answers(&Personality::new().unique_ids(unique_ids), "UIDL\r\nUIDL 2\r\n");
    let listing = |rows: &str, one: &str| format!("+OK unique-id listing follows\r\n{rows}.\r\n+OK {one}\r\n");
    assert_eq!(ids(UniqueIds::Own), listing("1 first\r\n2 second\r\n3 third\r\n", "2 second"));
    assert_eq!(ids(UniqueIds::Reused), listing("1 1\r\n2 2\r\n3 3\r\n", "2 2"));
    assert_eq!(ids(UniqueIds::Doubled), listing("1 first\r\n2 first\r\n3 third\r\n", "2 first"));
    assert_eq!(ids(UniqueIds::Empty), listing("1 \r\n2 \r\n3 \r\n", "2 "));
}

#[test]
fn sizes_are_wrong_and_messages_are_not() {
    let said = "STAT\r\nLIST 2\r\n";
    let sizes = |sizes| answers(&Personality::new().sizes(sizes), said);
    assert_eq!(sizes(Sizes::Exact), "+OK 3 60\r\n+OK 2 28\r\n");
    assert_eq!(sizes(Sizes::Stored), "+OK 3 55\r\n+OK 2 24\r\n");
    assert_eq!(sizes(Sizes::RoundedUp), "+OK 3 3072\r\n+OK 2 1024\r\n");
    assert_eq!(sizes(Sizes::Zero), "+OK 3 0\r\n+OK 2 0\r\n");
    let retr = answers(&Personality::new().sizes(Sizes::Zero), "RETR 3\r\n");
    assert_eq!(retr, "+OK 0 octets\r\nx\r\n.\r\n");
}

#[test]
fn answers_have_the_form_of_the_server() {
    let bare = answers(&Personality::new().bare_ok(true), "NOOP\r\nSTAT\r\nDELE 1\r\nUIDL 2\r\nRETR 3\r\n");
    assert_eq!(bare, "+OK\r\n+OK 3 60\r\n+OK\r\n+OK 2 second\r\n+OK\r\nx\r\n.\r\n");
    let blank = answers(&Personality::new().blank_line_before(Kind::Dele), "NOOP\r\nDELE 1\r\nDELE 1\r\n");
    assert!(blank.contains("\r\n\r\n+OK message 1") && blank.ends_with("\r\n\r\n-ERR no such message\r\n"), "{blank}");
    let unstuffed = answers(&Personality::new().first_dot_unstuffed(true), "RETR 2\r\nRETR 1\r\n");
    assert!(
        unstuffed.contains("octets\r\n.Subject: two\r\n") && unstuffed.contains("\r\n..\r\n...\r\n"),
        "{unstuffed}"
    );

    let dot = MailStore::new();
    dot.add_user("ann", "pw");
    dot.deliver("ann", ".\nrest\n");
    let mut service = self::service(&dot, Personality::new().first_dot_unstuffed(true));
    let heard = talk(&mut service, &format!("{LOGIN}RETR 1\r\n"));
    assert!(heard.ends_with("octets\r\n..\r\nrest\r\n.\r\n"), "a lone dot would end the message: {heard}");

    let mut service = self::service(&store(), Personality::new().no_response_codes());
    let heard = talk(&mut service, "USER ann\r\nPASS no\r\nCAPA\r\n");
    assert!(heard.contains("-ERR wrong user name or password\r\n") && !heard.contains("CODE"), "{heard}");
}

#[test]
fn a_server_can_show_a_part_and_remove_what_was_retrieved() {
    let (store, personality) = (store(), Personality::gmail().visible(2));
    let mut first = service(&store, personality.clone());
    let heard = talk(&mut first, &format!("{LOGIN}STAT\r\nRETR 1\r\nRETR 9\r\nTOP 2 0\r\nQUIT\r\n"));
    assert!(heard.contains("+OK 2 57\r\n") && heard.ends_with("+OK bye\r\n"), "{heard}");
    assert_eq!(store.messages("ann").len(), 2, "only message 1 was retrieved");
    // RSET forgets, and without QUIT nothing happens.
    talk(&mut service(&store, personality.clone()), &format!("{LOGIN}RETR 1\r\n"));
    talk(&mut service(&store, personality), &format!("{LOGIN}RETR 1\r\nRSET\r\nQUIT\r\n"));
    assert_eq!(store.messages("ann").len(), 2);
}

#[test]
fn an_idle_session_ends_on_the_clock_of_the_test() {
    let (store, personality) = (store(), Personality::new().idle_with(Duration::from_secs(60), "autologout"));
    let mut service = service(&store, personality);
    talk(&mut service, &format!("{LOGIN}DELE 1\r\n"));
    assert_eq!(service.until(), Some(Duration::from_secs(60)));
    service.pass_time(Duration::from_secs(59));
    assert_eq!(service.until(), Some(Duration::from_secs(1)));
    assert_eq!(talk(&mut service, "NOOP\r\n"), "+OK\r\n");
    service.pass_time(Duration::from_secs(59));
    assert!(service.wants_read(), "NOOP began a new interval");
    service.pass_time(Duration::from_secs(1));
    assert!(!service.wants_read() && !service.is_over(), "the text is not sent yet");
    assert_eq!(talk(&mut service, ""), "-ERR autologout\r\n");
    assert!(service.is_over() && service.state() == State::Closed);
    assert_eq!(store.messages("ann").len(), 3, "there was no UPDATE");

    let mut silent = self::service(&store, Personality::new().idle(Duration::from_secs(1)));
    talk(&mut silent, "");
    silent.pass_time(Duration::from_secs(1));
    assert_eq!((talk(&mut silent, ""), silent.is_over()), (String::new(), true));
}

#[test]
fn update_is_slow_refused_or_without_an_answer() {
    let quit = |personality: Personality| {
        let store = store();
        let mut service = service(&store, personality);
        talk(&mut service, LOGIN);
        let heard = talk(&mut service, "DELE 1\r\nQUIT\r\n").replace("+OK message 1 is marked as deleted\r\n", "");
        (heard, store.messages("ann").len(), service)
    };
    let (heard, left, service) = quit(Personality::new().refuse(Kind::Quit, "[SYS/TEMP] the disk is full"));
    assert_eq!((heard.as_str(), left, service.is_over()), ("-ERR [SYS/TEMP] the disk is full\r\n", 3, true));
    assert_eq!(service.state(), State::Update);

    for removed in [true, false] {
        let (heard, left, service) = quit(Personality::new().update(Update::Silent { removed }));
        assert_eq!((heard.as_str(), left, service.is_over()), ("", 3 - usize::from(removed), true));
    }

    let (heard, left, mut service) = quit(Personality::new().update(Update::Slow(Duration::from_secs(30))));
    assert_eq!((heard.as_str(), left, service.is_over(), service.wants_read()), ("", 2, false, false));
    assert_eq!(service.until(), Some(Duration::from_secs(30)));
    service.pass_time(Duration::from_secs(29));
    assert_eq!(service.until(), Some(Duration::from_secs(1)));
    service.pass_time(Duration::from_secs(1));
    assert_eq!(talk(&mut service, ""), "+OK bye\r\n");
    assert!(service.is_over());
}

#[test]
fn plaintext_after_stls_is_still_an_injection() {
    let mut quirky = service(&store(), Personality::new());
    assert!(talk(&mut quirky, "STLS\r\n").ends_with("+OK begin TLS\r\n"));
    assert!(quirky.wants_tls());
    quirky.tls_established();
    assert!(talk(&mut quirky, LOGIN).ends_with("+OK the maildrop is open\r\n"));

    let mut injected = service(&store(), Personality::new());
    talk(&mut injected, "STLS\r\nCAPA\r\n");
    assert!(injected.wants_tls());
    injected.tls_established();
    assert!(injected.is_over());
}

#[test]
fn a_line_without_an_end_does_not_grow() {
    let mut service = service(&store(), Personality::new());
    talk(&mut service, "");
    for _ in 0..1024 {
        talk(&mut service, &"A".repeat(1024));
    }
    assert!(service.is_over(), "the limits of the server apply");
}

#[test]
fn time_passes_on_the_clock_of_the_link() {
    let personality = Personality::new().idle(Duration::from_secs(60));
    let schedule = Schedule::new().both(Direction::new().cuts([3]).writes([2]));
    let mut line = Line::new(service(&store(), personality), schedule);
    let (mut space, mut heard) = ([0; 100], Vec::new());
    loop {
        match line.read(&mut space) {
            Ok(0) => break,
            Ok(len) => heard.extend_from_slice(&space[..len]),
            Err(Halt::Stalled { until }) => {
                assert_eq!(until, Duration::from_secs(60));
                line.advance_to(until);
            }
            Err(halt) => panic!("{halt:?}"),
        }
    }
    assert_eq!(heard, b"+OK POP3 server ready\r\n");
    assert_eq!(line.link().now(), Duration::from_secs(60));
}
