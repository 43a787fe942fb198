//! A [`Service`] over a store, and the octets that go in and come out.

use pop3_proto::serve::{MailStore, Maildrop};
use pop3_proto::{ServerConfig, Service};

pub(crate) const PLAINTEXT: ServerConfig = ServerConfig::new().max_response(1024).plaintext_login(true);

pub(crate) const GREETING: &str = "+OK POP3 server ready\r\n";

/// Returns a store in which Ann has three messages: with CRLF and a line of one dot, with LF, and without a line end at
/// the end.
pub(crate) fn store() -> MailStore {
    let store = MailStore::new();
    store.add_user("ann", " top  secret ");
    store.add_user("bob", "pw");
    store.deliver_as("ann", "first", "Subject: one\r\n\r\n.\r\n..\r\nlast\r\n");
    store.deliver_as("ann", "second", "Subject: two\n.x: y\n\n.\n\nthird line");
    store.deliver_as("ann", "third", "no blank line");
    store
}

/// Puts `octets` in, `at_once` at a time, and returns all output.
pub(crate) fn feed<M: Maildrop>(service: &mut Service<M>, octets: &[u8], at_once: usize) -> String {
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

pub(crate) fn drain<M: Maildrop>(service: &mut Service<M>) -> String {
    let mut said = Vec::new();
    while !service.pending().is_empty() {
        assert!(service.pending().len() <= 64 * 1024, "the output is bounded");
        let len = service.pending().len().div_ceil(2);
        said.extend_from_slice(&service.pending()[..len]);
        service.written(len);
    }
    String::from_utf8(said).expect("these answers are ASCII")
}
