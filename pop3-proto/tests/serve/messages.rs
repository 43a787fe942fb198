//! Messages as the client receives them, marked messages, and removed messages.

use pop3_proto::serve::{MailStore, MemoryMaildrop};
use pop3_proto::{Service, State};

use crate::script::inside;
use crate::service::{PLAINTEXT, drain, feed, store};

#[test]
fn v4_v21_v26_messages_are_stuffed_and_sizes_agree() {
    inside(
        "C: LIST
         S: +OK~
         S: 1 29
         S: 2 40
         S: 3 15
         S: .
         C: LIST 2
         S: +OK 2 40
         C: RETR 1
         S: +OK~
         S: Subject: one
         S:
         S: ..
         S: ...
         S: last
         S: .
         C: RETR 2
         S: +OK~
         S: Subject: two
         S: ..x: y
         S:
         S: ..
         S:
         S: third line
         S: .
         C: RETR 3
         S: +OK~
         S: no blank line
         S: .
         C: TOP 2 0
         S: +OK~
         S: Subject: two
         S: ..x: y
         S:
         S: .
         C: TOP 2 2
         S: +OK~
         S: Subject: two
         S: ..x: y
         S:
         S: ..
         S:
         S: .
         C: TOP 2 4000000000
         S: +OK~
         S: Subject: two
         S: ..x: y
         S:
         S: ..
         S:
         S: third line
         S: .
         C: TOP 3 0
         S: +OK~
         S: no blank line
         S: .",
    );
}

#[test]
fn v17_v18_only_quit_removes_and_only_what_is_marked() {
    let store = store();
    let left = |store: &MailStore| store.messages("ann").len();
    let mut service = talk_once(&store, "DELE 2\r\n");
    assert_eq!(service.state(), State::Transaction);
    drop(service);
    assert_eq!(left(&store), 3, "a lost connection removes nothing");
    service = talk_once(&store, "DELE 2\r\nDELE 3\r\nRSET\r\nQUIT\r\n");
    assert_eq!((service.state(), service.is_over(), left(&store)), (State::Update, true, 3));
    service = talk_once(&store, "DELE 2\r\nQUIT\r\nDELE 1\r\nQUIT\r\n");
    assert_eq!((service.state(), service.is_over(), left(&store)), (State::Update, true, 2));
    assert!(store.messages("ann").iter().all(|message| !message.starts_with(b"Subject: two")));
}

/// Holds a session of Ann's at this store itself, up to the end of these lines.
fn talk_once(store: &MailStore, said: &str) -> Service<MemoryMaildrop> {
    let mut service = Service::new(store.maildrop(), PLAINTEXT, None);
    drain(&mut service);
    feed(&mut service, format!("USER ann\r\nPASS  top  secret \r\n{said}").as_bytes(), usize::MAX);
    service
}

#[test]
fn v52_v53_unique_ids_persist_and_are_not_reused() {
    let store = MailStore::new();
    store.add_user("ann", " top  secret ");
    let listed = |end: &str| -> Vec<(String, String)> {
        let mut service = Service::new(store.maildrop(), PLAINTEXT, None);
        drain(&mut service);
        let login = "USER ann\r\nPASS  top  secret \r\n";
        drop(feed(&mut service, login.as_bytes(), usize::MAX));
        let said = feed(&mut service, b"UIDL\r\n", usize::MAX);
        let rows = said.strip_prefix("+OK unique-id listing follows\r\n").unwrap().strip_suffix(".\r\n").unwrap();
        let row = |row: &str| -> (String, String) {
            let words: Vec<_> = row.strip_suffix("\r\n").unwrap().split(' ').collect();
            let [number, id] = words[..] else { panic!("a number, one space and a unique-id: {row:?}") };
            (number.to_owned(), id.to_owned())
        };
        let rows = rows.split_inclusive("\r\n").map(row).collect();
        drop(feed(&mut service, end.as_bytes(), usize::MAX));
        rows
    };

    for content in ["same\n", "same\n", "other\n"] {
        store.deliver("ann", content);
    }
    // The connection ends, so there is no UPDATE.
    let before = listed("DELE 1\r\n");
    assert_eq!(before.iter().map(|(number, _)| number.as_str()).collect::<Vec<_>>(), ["1", "2", "3"]);
    let ids = |rows: &[(String, String)]| rows.iter().map(|(_, id)| id.clone()).collect::<Vec<_>>();
    assert_eq!(listed("DELE 3\r\nQUIT\r\n"), before);
    store.deliver("ann", "other\n");
    let after = listed("QUIT\r\n");
    assert_eq!(ids(&after)[..2], ids(&before)[..2]);
    assert!(!ids(&before).contains(&after[2].1), "the id of the message that is gone names no other");
    assert!(before[0].1 != before[1].1, "messages with the same octets have their own ids");
}

#[test]
fn v20_v22_v24_v25_marked_messages_are_gone_for_this_session() {
    inside(
        "C: DELE 2
         S: +OK~
         C: DELE 2
         S: -ERR~
         C: RETR 2
         S: -ERR~
         C: TOP 2 0
         S: -ERR~
         C: LIST 2
         S: -ERR~
         C: UIDL 2
         S: -ERR~
         C: STAT
         S: +OK 2 44
         C: LIST
         S: +OK~
         S: 1 29
         S: 3 15
         S: .
         C: UIDL
         S: +OK~
         S: 1 first
         S: 3 third
         S: .
         C: DELE 4
         S: -ERR~
         C: DELE 4294967295
         S: -ERR~
         C: DELE 4294967296
         S: -ERR~
         C: DELE 0
         S: -ERR~
         C: DELE -1
         S: -ERR~
         C: RSET
         S: +OK~
         C: UIDL 2
         S: +OK 2 second
         C: STAT
         S: +OK 3 84",
    );
}
