//! Greetings, status lines, line ends, and the commands that each state permits.

use pop3_proto::wire::{Digest, Timestamp};
use pop3_proto::{Awaiting, Client, Command, Config, Kind, State, UsageError, Violation};

use super::{Reader, Seen, answer, body, feed, greeted, logged_in, no, ok, row, send};

fn greet(wire: &[u8]) -> (Reader, Result<(), Violation>) {
    let (reader, result) = feed(&Client::new(Config::default()), wire);
    (reader, result.map_err(|error| error.violation()))
}

#[test]
fn cr_and_lf_may_come_in_different_reads() {
    let mut reader = Reader::new(Client::new(Config::default()));
    reader.read(b"+OK hello\r").unwrap();
    assert_eq!(reader.seen, []);
    reader.read(b"\n").unwrap();
    assert_eq!(reader.seen, [Seen::Greeting("hello".into())]);
    send(&mut reader.client, Command::Capa);
    for (read, seen) in [(b"+OK\r".as_slice(), 1), (b"\nTOP\r", 2), (b"\n.\r", 3), (b"\n", 4)] {
        reader.read(read).unwrap();
        assert_eq!(reader.seen.len(), seen, "{}", read.escape_ascii());
    }
}

#[test]
fn server_that_ends_lines_with_lf_is_understood_throughout() {
    let (single, listing) = (b"+OK 1 2\n".as_slice(), b"+OK\n1 2\n.\n".as_slice());
    let one = Some(1);
    let mut reader = Reader::new(Client::new(Config::default()));
    reader.read(b"+OK\n").unwrap();
    for (command, wire, expected) in [
        (Command::Capa, listing, vec![ok(""), row(b"1 2"), Seen::End]),
        (Command::User("u"), b"+OK\n", vec![ok("")]),
        (Command::Pass("p"), b"+OK\n", vec![ok("")]),
        (Command::Stat, single, vec![ok("1 2")]),
        (Command::List(None), listing, vec![ok(""), row(b"1 2"), Seen::End]),
        (Command::List(one), single, vec![ok("1 2")]),
        (Command::Uidl(None), listing, vec![ok(""), row(b"1 2"), Seen::End]),
        (Command::Uidl(one), single, vec![ok("1 2")]),
        (Command::Retr(1), b"+OK\na\n..b\n\n.\n", vec![ok(""), body(b"a\n.b\n\n"), Seen::End]),
        (Command::Top { number: 1, lines: 1 }, b"+OK\n.\n", vec![ok(""), Seen::End]),
        (Command::Dele(1), b"-ERR no\n", vec![no(None, "no")]),
        (Command::Rset, b"+OK\n", vec![ok("")]),
        (Command::Noop, b"+OK\n", vec![ok("")]),
        (Command::Last, b"+OK 0\n", vec![ok("0")]),
        (Command::LangList, b"+OK\n.\n", vec![ok(""), Seen::End]),
        (Command::Quit, b"+OK\n", vec![ok("")]),
    ] {
        send(&mut reader.client, command);
        reader.seen.clear();
        let (after, result) = feed(&reader.client, wire);
        assert_eq!((after.seen.as_slice(), result), (expected.as_slice(), Ok(())), "{command}");
        reader.client = after.client;
    }
    assert_eq!(reader.client.state(), State::Update);
}

#[test]
fn indicators_are_read_in_any_case() {
    assert_eq!(greet(b"+Ok\r\n").0.seen, [Seen::Greeting(String::new())]);
    assert_eq!(answer(Command::Noop, b"+ok fine\r\n"), [ok("fine")]);
    assert_eq!(answer(Command::Noop, b"-Err bad\r\n"), [no(None, "bad")]);
}

#[test]
fn refusing_greeting_ends_the_session() {
    let (mut reader, result) = greet(b"-ERR come back later\r\n");
    assert_eq!((reader.seen.as_slice(), result), ([Seen::NoService("come back later".into())].as_slice(), Ok(())));
    let mut out = Vec::new();
    assert_eq!(reader.client.send(Command::User("u"), &mut out), Err(UsageError::Over));
    assert_eq!((out, reader.client.receive_eof(b"")), (vec![], Ok(())));
}

#[test]
fn greeting_of_another_protocol_is_reported_at_once() {
    for wire in
        [b"220 mail.example.org ESMTP\r\n".as_slice(), b"* OK IMAP4rev1\r\n", b"SSH-2.0-x\r\n", b"\r\n", b"+\r\n"]
    {
        let (reader, result) = greet(wire);
        assert_eq!((reader.seen.as_slice(), result), ([].as_slice(), Err(Violation::NotAStatus)));
    }
    let (reader, _) = greet(b"220 mail.example.org ESMTP\r\n");
    let error = reader.client.clone().receive_eof(b"").unwrap_err();
    assert_eq!(error.excerpt().as_bytes(), b"220 mail.example.org ESMTP");
}

#[test]
fn end_of_stream_is_reported_wherever_it_comes() {
    let closed = |mut client: Client| {
        let error = client.receive_eof(b"").expect_err("nothing is over");
        assert_eq!(error.violation(), Violation::Closed);
        error.awaiting()
    };
    assert_eq!(closed(Client::new(Config::default())), Awaiting::Greeting);
    assert_eq!(closed(greeted()), Awaiting::Nothing);
    let mut client = greeted();
    send(&mut client, Command::User("u"));
    assert_eq!(closed(client), Awaiting::Status(Kind::User));
    let mut client = logged_in();
    send(&mut client, Command::Quit);
    assert_eq!(closed(client), Awaiting::Status(Kind::Quit), "whether the deletions were done is unknown");
}

#[test]
fn line_of_256_mib_is_refused_at_the_limit() {
    let limit = Config::default().max_line;
    for piece in [1, 1000, 65_536] {
        for start in [Client::new(Config::default()), in_flight(Command::Stat), in_flight(Command::List(None))] {
            let mut reader = Reader::new(start);
            if reader.client.awaiting() == Awaiting::Status(Kind::ListAll) {
                reader.read(b"+OK\r\n").unwrap();
            }
            let (piece, mut sent) = (vec![b'+'; piece], 0);
            let error = loop {
                sent += piece.len();
                assert!(sent < 256 << 20, "the whole line was swallowed");
                match reader.read(&piece) {
                    Ok(()) => assert!(reader.held.len() < limit as usize),
                    Err(error) => break error,
                }
            };
            assert_eq!(error.violation(), Violation::LineTooLong { limit });
            assert!(sent < limit as usize + piece.len());
        }
    }
}

fn in_flight(command: Command<'_>) -> Client {
    let mut client = logged_in();
    send(&mut client, command);
    client
}

#[test]
fn failed_login_permits_nothing_more() {
    let mut reader = Reader::new(greeted());
    send(&mut reader.client, Command::User("u"));
    send(&mut reader.client, Command::Pass("wrong"));
    reader.read(b"+OK\r\n-ERR [AUTH] no\r\n").unwrap();
    assert_eq!(reader.seen, [ok(""), no(Some("AUTH"), "no")]);
    let before = reader.client.clone();
    for command in [Command::Stat, Command::Pass("other"), Command::Retr(1)] {
        let (mut out, kind, state) = (Vec::new(), command.kind(), State::Authorization);
        assert_eq!(reader.client.send(command, &mut out), Err(UsageError::NotPermitted { kind, state }));
        assert_eq!((&reader.client, out), (&before, vec![]));
    }
    send(&mut reader.client, Command::User("v"));
}

#[test]
fn refused_user_does_not_log_in() {
    let mut client = greeted();
    send(&mut client, Command::User("u"));
    send(&mut client, Command::Pass("p"));
    let (reader, result) = feed(&client, b"-ERR who?\r\n+OK welcome\r\n");
    assert_eq!(result.unwrap_err().violation(), Violation::Impossible);
    assert_eq!(reader.seen, [no(None, "who?")]);
}

#[test]
fn odd_response_codes_and_texts_are_accepted() {
    for (wire, expected) in [
        (b"-ERR [AUTH]\r\n".as_slice(), no(Some("AUTH"), "")),
        (b"-ERR [AUTH] \r\n", no(Some("AUTH"), "")),
        (b"-ERR [SYS/TEMP]x\r\n", no(Some("SYS/TEMP"), "x")),
        (b"-ERR a [b] c\r\n", no(None, "a [b] c")),
        (b"-ERR [ in front\r\n", no(None, "[ in front")),
        (b"-ERR [] empty\r\n", no(None, "[] empty")),
        (b"-ERR gr\xC3\xBC\xC3\x9Fe\r\n", no(None, "grüße")),
        (b"-ERR gr\xFC\r\n", no(None, "gr\\xfc")),
        (b"+OK 1 2 trailing words [here]\r\n", ok("1 2 trailing words [here]")),
        (b"-ERR\r\n", no(None, "")),
    ] {
        assert_eq!(answer(Command::Stat, wire), [expected]);
    }
}

#[test]
fn digest_includes_the_brackets_and_keeps_leading_zeros() {
    let greeting = b"POP3 server ready <1896.697170952@dbc.mtview.ca.us>";
    let timestamp = Timestamp::find(greeting).expect("it is one");
    assert!(timestamp.as_bytes().starts_with(b"<") && timestamp.as_bytes().ends_with(b">"));
    // The first is from RFC 1939. The secret of the second was searched for a digest that begins with zeros.
    for (secret, digits) in
        [("tanstaaf", "c4c9334bac560ecc979e58001b3e22fb"), ("secret3203", "0008fe2ca31c96e6733ee335fde5f9e5")]
    {
        let digest = Digest::new(timestamp, secret.as_bytes());
        let line = send(&mut greeted(), Command::Apop { user: "mrose", digest });
        assert_eq!(line, format!("APOP mrose {digits}\r\n").into_bytes());
    }
}

#[test]
fn password_goes_out_whole_and_is_never_shown() {
    let mut client = greeted();
    send(&mut client, Command::User("u"));
    let command = Command::Pass(" tan  staaf ");
    assert_eq!(format!("{command} {command:?}"), "PASS *** PASS ***");
    assert_eq!(send(&mut client, command), b"PASS  tan  staaf \r\n");
    let (_, result) = feed(&client, b"+OK\r\nyou said tan  staaf\r\n");
    let error = result.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("staaf"), "a server may echo it");
}

#[test]
fn quit_is_permitted_before_the_login_and_deletes_nothing() {
    let mut client = greeted();
    assert_eq!(send(&mut client, Command::Quit), b"QUIT\r\n");
    let (reader, result) = feed(&client, b"+OK bye\r\n");
    assert_eq!((reader.seen.as_slice(), result), ([ok("bye")].as_slice(), Ok(())));
    assert_eq!(reader.client.state(), State::Closed, "not Update");
}
