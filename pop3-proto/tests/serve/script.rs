//! Conversations with a [`Service`]: `C:` is a line that the client sends, and `S:` a line that it must be answered.
#![allow(dead_code, unreachable_pub, reason = "each test program uses its part")]

use pop3_proto::serve::{MailStore, Maildrop, MemoryMaildrop};
use pop3_proto::{ServerConfig, Service};

pub const PLAINTEXT: ServerConfig = ServerConfig { max_response: 1024, plaintext_login: true, ..ServerConfig::new() };

pub const GREETING: &str = "+OK POP3 server ready\r\n";

/// Returns a store in which Ann has three messages: with CRLF and a line of one dot, with LF, and without a line end at
/// the end.
pub fn store() -> MailStore {
    let store = MailStore::new();
    store.add_user("ann", " top  secret ");
    store.add_user("bob", "pw");
    store.deliver_as("ann", "first", "Subject: one\r\n\r\n.\r\n..\r\nlast\r\n");
    store.deliver_as("ann", "second", "Subject: two\n.x: y\n\n.\n\nthird line");
    store.deliver_as("ann", "third", "no blank line");
    store
}

/// Puts `octets` in, `at_once` at a time, and returns all output.
pub fn feed<M: Maildrop>(service: &mut Service<M>, octets: &[u8], at_once: usize) -> String {
    let mut said = drain(service);
    let mut rest = octets;
    while !rest.is_empty() && service.wants_read() {
        let spare = service.spare();
        let len = rest.len().min(spare.len()).min(at_once);
        assert!(len > 0, "there is always room where reading is wanted");
        spare[..len].copy_from_slice(&rest[..len]);
        rest = &rest[len..];
        service.filled(len);
        said.push_str(&drain(service));
    }
    said
}

pub fn drain<M: Maildrop>(service: &mut Service<M>) -> String {
    let mut said = Vec::new();
    while !service.pending().is_empty() {
        assert!(service.pending().len() <= 64 * 1024, "the output is bounded");
        let len = service.pending().len().div_ceil(2);
        said.extend_from_slice(&service.pending()[..len]);
        service.written(len);
    }
    String::from_utf8(said).expect("these answers are ASCII")
}

/// Returns the lines of both sides; `true` stands for the client. `~` at the end of a line stands for any text.
pub fn lines(script: &str) -> impl Iterator<Item = (bool, String)> {
    script.lines().map(str::trim_start).filter(|line| !line.is_empty()).map(|line| {
        let said = line.get(3..).unwrap_or_default().replace("\\r", "\r").replace("\\n", "\n").replace("\\0", "\0");
        (line.starts_with("C:"), said)
    })
}

pub fn check(wanted: &[String], said: &str) {
    let mut got = said.split_inclusive("\r\n");
    for wanted in wanted {
        let line = got.next().unwrap_or_else(|| panic!("{wanted:?} is missing in {said:?}"));
        let text = line.strip_suffix("\r\n").expect("each line ends in CRLF");
        assert!(!text.contains(['\r', '\n', '\0']), "{line:?}");
        match wanted.strip_suffix("~") {
            Some(start) => assert!(text.starts_with(start), "{text:?} instead of {wanted:?}"),
            None => assert_eq!(text, wanted),
        }
    }
    assert_eq!(got.next(), None, "nobody asked for more");
}

/// Holds the conversation three times, with a new session each time: with all lines sent at once, octet by octet, and line by
/// line. Returns the last session as it ended.
pub fn talk_with<M: Maildrop>(config: ServerConfig, maildrop: impl Fn() -> M, script: &str) -> Service<M> {
    let whole: String = lines(script).filter(|(client, _)| *client).map(|(_, said)| said + "\r\n").collect();
    let answers: Vec<_> = lines(script).filter(|(client, _)| !*client).map(|(_, said)| said).collect();
    for at_once in [usize::MAX, 1] {
        let mut service = Service::new(maildrop(), config, None);
        let said = feed(&mut service, whole.as_bytes(), at_once);
        check(&answers, said.strip_prefix(GREETING).expect("the greeting comes first"));
    }

    let mut service = Service::new(maildrop(), config, None);
    assert_eq!(drain(&mut service), GREETING);
    let mut script = lines(script).peekable();
    while let Some((_, line)) = script.next_if(|(client, _)| *client) {
        let said = feed(&mut service, format!("{line}\r\n").as_bytes(), usize::MAX);
        let mut wanted = Vec::new();
        while let Some((_, line)) = script.next_if(|(client, _)| !*client) {
            wanted.push(line);
        }
        check(&wanted, &said);
    }
    service
}

pub fn talk(script: &str) -> Service<MemoryMaildrop> {
    talk_with(PLAINTEXT, || store().maildrop(), script)
}

/// Does the same as `talk`, after Ann's login.
pub fn inside(script: &str) -> Service<MemoryMaildrop> {
    talk(&format!("{LOGIN}{script}"))
}

pub const LOGIN: &str = "C: USER ann\nS: +OK~\nC: PASS  top  secret \nS: +OK~\n";
