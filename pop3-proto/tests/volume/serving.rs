//! A server that sends a very long message.

use pop3_proto::serve::MailStore;
use pop3_proto::{ServerConfig, Service};

#[test]
fn a_message_of_64_mebioctets_streams() {
    let size = 64 << 20;
    let store = MailStore::new();
    store.add_user("u", "pw");
    let line = format!("{}\r\n", "x".repeat(78));
    store.deliver("u", &line.repeat(size / line.len() + 1)[..size]);
    let mut service = Service::new(store.maildrop(), ServerConfig::new().plaintext_login(true), None);
    for line in ["USER u\r\n", "PASS pw\r\n", "RETR 1\r\n"] {
        service.written(usize::MAX);
        service.spare()[..line.len()].copy_from_slice(line.as_bytes());
        service.filled(line.len());
    }
    let mut sent = 0;
    while !service.pending().is_empty() {
        let len = service.pending().len();
        assert!(len <= 64 * 1024);
        sent += len;
        service.written(len);
    }
    let around = format!("+OK {size} octets\r\n").len() + ".\r\n".len();
    // The last line has no line end of its own.
    let completed = 2;
    assert_eq!(sent, size + around + completed);
    assert!(service.wants_read());
}
