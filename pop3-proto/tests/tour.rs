//! A first walk through a session, as a conversation.

#![cfg(feature = "alloc")]

use core::num::NonZeroU32;

use pop3_proto::{Client, Command, Config, Event, State};

fn say<'a>(client: &mut Client, input: &mut &'a [u8]) -> Event<'a> {
    client.receive(input).expect("the server keeps the protocol").expect("an event is complete")
}

#[test]
fn login_retrieve_quit() {
    let mut client = Client::new(Config::default());
    let mut out = Vec::new();
    let mut input: &[u8] = b"+OK POP3 ready\r\n";
    assert!(matches!(say(&mut client, &mut input), Event::Greeting(_)));
    let user = client.send(Command::User("mrose"), &mut out).unwrap();
    let pass = client.send(Command::Pass("tan staaf "), &mut out).unwrap();
    assert_eq!(out, b"USER mrose\r\nPASS tan staaf \r\n");
    assert_eq!(client.projected(), State::Transaction);
    let mut input: &[u8] = b"+OK\r\n+OK in\r\n";
    assert!(matches!(say(&mut client, &mut input), Event::Ok { to, .. } if to == user));
    assert!(matches!(say(&mut client, &mut input), Event::Ok { to, .. } if to == pass));
    assert_eq!(client.state(), State::Transaction);
    let retr = client.send(Command::Retr(NonZeroU32::MIN), &mut out).unwrap();
    let mut input: &[u8] = b"+OK 10 octets\r\nA: b\r\n\r\n..c\r\n.\r\n";
    assert!(matches!(say(&mut client, &mut input), Event::Ok { to, .. } if to == retr));
    assert_eq!(say(&mut client, &mut input), Event::Body { to: retr, bytes: b"A: b\r\n\r\n" });
    assert_eq!(say(&mut client, &mut input), Event::Body { to: retr, bytes: b".c\r\n" });
    assert_eq!(say(&mut client, &mut input), Event::End { to: retr });
    client.send(Command::Quit, &mut out).unwrap();
    let mut input: &[u8] = b"-ERR some deleted messages not removed\r\n";
    assert!(matches!(say(&mut client, &mut input), Event::Refused { .. }));
    assert_eq!(client.state(), State::Update);
    assert_eq!(client.receive_eof(b""), Ok(()));
    println!("{}", core::mem::size_of::<Client>());
    assert!(core::mem::size_of::<Client>() <= 512);
}
