//! A whole maildrop, counted or written to files.

use std::fs;
use std::process::Command;

use crate::DRAIN;
use crate::stage::{Server, example, run};

fn drain(server: &Server, password: &str) -> Command {
    let mut program = example(DRAIN);
    program.args(["127.0.0.1", &server.port.to_string(), "mrose", password]);
    program
}

#[test]
fn all_messages_are_counted_and_stay_on_the_server() {
    let server = Server::new();
    server.store.deliver("mrose", "Subject: one\r\n\r\n..\r\n");
    server.store.deliver("mrose", "");
    assert_eq!(run(&mut drain(&server, "tanstaaf")).unwrap(), "2 messages 20 octets\n");
    let said = run(&mut drain(&server, "sesame")).unwrap_err();
    assert!(said.contains("wrong user name or password"), "{said}");

    let folder = tempfile::tempdir().unwrap();
    assert_eq!(run(drain(&server, "tanstaaf").arg(folder.path())).unwrap(), "2 messages 20 octets\n");
    assert_eq!(fs::read_to_string(folder.path().join("1.eml")).unwrap(), "Subject: one\r\n\r\n..\r\n");
    assert_eq!(fs::read(folder.path().join("2.eml")).unwrap(), b"");
    assert_eq!(server.store.messages("mrose").len(), 2);
}
