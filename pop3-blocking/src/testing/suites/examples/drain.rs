//! A whole maildrop, counted or written to files.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::server::Server;
use super::{example, run};

fn drain(name: &str, server: &Server, password: &str) -> Command {
    let mut program = example(name);
    program.args(["127.0.0.1", &server.port.to_string(), "mrose", password]);
    program
}

/// The example is called `name`, and may write to `folder`.
pub fn all_messages_are_counted_and_stay_on_the_server(name: &str, folder: &Path) {
    let server = Server::new();
    server.store.deliver("mrose", "Subject: one\r\n\r\n..\r\n");
    server.store.deliver("mrose", "");
    assert_eq!(run(&mut drain(name, &server, "tanstaaf")).unwrap(), "2 messages 20 octets\n");
    let said = run(&mut drain(name, &server, "sesame")).unwrap_err();
    assert!(said.contains("wrong user name or password"), "{said}");

    assert_eq!(run(drain(name, &server, "tanstaaf").arg(folder)).unwrap(), "2 messages 20 octets\n");
    assert_eq!(fs::read_to_string(folder.join("1.eml")).unwrap(), "Subject: one\r\n\r\n..\r\n");
    assert_eq!(fs::read(folder.join("2.eml")).unwrap(), b"");
    assert_eq!(server.store.messages("mrose").len(), 2);
}
