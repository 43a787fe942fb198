//! Conversations with a [`Service`]: `C:` is a line that the client sends, and `S:` a line that it must be answered.

use pop3_proto::serve::{Maildrop, MemoryMaildrop};
use pop3_proto::{ServerConfig, Service};

use crate::service::{GREETING, PLAINTEXT, drain, feed, store};

pub(crate) const LOGIN: &str = "C: USER ann\nS: +OK~\nC: PASS  top  secret \nS: +OK~\n";

/// Returns the lines of both sides; `true` stands for the client. `~` at the end of a line stands for any text.
pub(crate) fn lines(script: &str) -> impl Iterator<Item = (bool, String)> {
    script.lines().map(str::trim_start).filter(|line| !line.is_empty()).map(|line| {
        let said = line.get(3..).unwrap_or_default().replace("\\r", "\r").replace("\\n", "\n").replace("\\0", "\0");
        (line.starts_with("C:"), said)
    })
}

pub(crate) fn check(wanted: &[String], said: &str) {
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

/// Holds the conversation three times, with a new session each time: with all lines sent at once, octet by octet, and
/// line by line. Returns the last session as it ended.
pub(crate) fn talk_with<M: Maildrop>(config: ServerConfig, maildrop: impl Fn() -> M, script: &str) -> Service<M> {
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

pub(crate) fn talk(script: &str) -> Service<MemoryMaildrop> {
    talk_with(PLAINTEXT, || store().maildrop(), script)
}

/// Does the same as `talk`, after Ann's login.
pub(crate) fn inside(script: &str) -> Service<MemoryMaildrop> {
    talk(&format!("{LOGIN}{script}"))
}
