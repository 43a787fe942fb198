//! Tests of the bare `Server`: any octets, cut anywhere, and answers in any order.
#![cfg(feature = "alloc")]

mod due;

use pop3_proto::wire::{Code, Timestamp};
use pop3_proto::{AnswerError, BadRequest, Command, Kind, Outcome, Output, Request, Server, ServerConfig, State};
use proptest::prelude::*;

const CONFIG: ServerConfig = ServerConfig::new().max_response(300).plaintext_login(true).stls(true);

fn greeted() -> Server {
    let mut server = Server::new(CONFIG);
    server.greeting(None, "", &mut Vec::new()).unwrap();
    server
}

fn request(server: &mut Server, line: &[u8]) -> String {
    let mut input = line;
    format!("{:?}", server.receive(&mut input).unwrap().expect("a whole line"))
}

/// Returns a server in TRANSACTION.
fn inside() -> Server {
    let mut server = greeted();
    for line in [b"USER u\r\n", b"PASS p\r\n"] {
        request(&mut server, line);
        server.ok("", &mut Vec::new()).unwrap();
    }
    assert_eq!(server.state(), State::Transaction);
    server
}

#[test]
fn a_server_is_small() {
    assert!(size_of::<Server>() <= 128, "{}", size_of::<Server>());
}

#[test]
fn v7_the_next_request_waits_for_the_answer() {
    let mut server = greeted();
    let mut input: &[u8] = b"CAPA\r\nXYZZY\r\nQUIT\r\n";
    let mut out = Vec::new();
    assert!(matches!(server.receive(&mut input), Ok(Some(Request::Command(Command::Capa)))));
    assert!(matches!(server.receive(&mut input), Ok(None)));
    server.ok("", &mut out).unwrap();
    assert!(matches!(server.receive(&mut input), Ok(None)), "the listing is not at its end");
    server.row("TOP", &mut out).unwrap();
    server.row(".x", &mut out).unwrap();
    server.end(&mut out).unwrap();
    assert!(matches!(server.receive(&mut input), Ok(Some(Request::Bad(BadRequest::Unknown)))));
    assert_eq!(server.ok("", &mut out), Err(AnswerError::NotDue), "what is bad can only be refused");
    server.err(None, "no", &mut out).unwrap();
    assert!(matches!(server.receive(&mut input), Ok(Some(Request::Command(Command::Quit)))));
    server.ok("", &mut out).unwrap();
    assert_eq!(out, b"+OK\r\nTOP\r\n..x\r\n.\r\n-ERR no\r\n+OK\r\n");
    let mut input: &[u8] = b"NOOP\r\n";
    assert!(matches!(server.receive(&mut input), Ok(None)) && input.is_empty());
    assert!(server.err(None, "", &mut out).is_err());
}

#[test]
fn v9_v2_a_greeting_and_a_refusal() {
    let (mut server, mut out) = (Server::new(ServerConfig::default()), Vec::new());
    let long = format!("<{}@h>", "x".repeat(400));
    let timestamp = Timestamp::find(long.as_bytes());
    assert_eq!(server.greeting(timestamp, "", &mut out), Err(AnswerError::TooLong));
    let mut input: &[u8] = b"QUIT\r\n";
    assert!(matches!(server.receive(&mut input), Ok(None)), "the greeting comes first");
    assert_eq!(input.len(), 6);
    server.no_service(Some(Code::SysTemp), "too many connections", &mut out).unwrap();
    assert_eq!((out.as_slice(), server.state()), (&b"-ERR [SYS/TEMP] too many connections\r\n"[..], State::Closed));
    assert_eq!(server.greeting(None, "", &mut out), Err(AnswerError::NotDue));
}

#[test]
fn v9_the_timestamp_is_the_last_word_of_the_greeting() {
    let timestamp = Timestamp::find(b"<1896.697170952@dbc.mtview.ca.us>");
    for (text, greeting) in [
        ("", "+OK <1896.697170952@dbc.mtview.ca.us>\r\n"),
        ("POP3 server ready", "+OK POP3 server ready <1896.697170952@dbc.mtview.ca.us>\r\n"),
        // A client takes the first timestamp.
        ("<1.2@h> ready", "+OK (1.2@h> ready <1896.697170952@dbc.mtview.ca.us>\r\n"),
    ] {
        let (mut server, mut out) = (Server::new(ServerConfig::default()), Vec::new());
        server.greeting(timestamp, text, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), greeting);
    }
    let (mut server, mut out) = (Server::new(ServerConfig::default()), Vec::new());
    server.greeting(timestamp, "x".repeat(600), &mut out).unwrap();
    assert!(out.len() == 512 && out.ends_with(b"x <1896.697170952@dbc.mtview.ca.us>\r\n"));
}

#[test]
fn v5_v32_a_text_cannot_add_a_line() {
    for (text, line) in [
        ("", "-ERR\r\n"),
        ("[IN-USE] x", "-ERR (IN-USE] x\r\n"),
        ("  [IN-USE]", "-ERR   (IN-USE]\r\n"),
        ("a\r\n+OK b\u{9f}\0\u{7f}\u{fc}", "-ERR a??+OK b????\r\n"),
    ] {
        let (mut server, mut out) = (greeted(), Vec::new());
        request(&mut server, b"NOOP\r\n");
        server.err(None, text, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), line);
    }
    let (mut server, mut out) = (greeted(), Vec::new());
    request(&mut server, b"NOOP\r\n");
    server.err(Some(Code::Other), "x".repeat(600), &mut out).unwrap();
    assert_eq!(out.len(), 512);
}

#[test]
fn rows_are_never_cut() {
    let mut server = inside();
    let mut out = Vec::new();
    request(&mut server, b"LIST\r\n");
    server.ok("", &mut Vec::new()).unwrap();
    assert_eq!(server.row("x".repeat(511), &mut out), Err(AnswerError::TooLong));
    assert_eq!(server.row(".".repeat(510), &mut out), Err(AnswerError::TooLong));
    assert_eq!(server.row(".".repeat(509), &mut out), Ok(()));
    assert_eq!(out.len(), 512);
}

#[test]
fn v40_no_login_without_a_proof() {
    let mut server = greeted();
    let mut out = Vec::new();
    request(&mut server, b"AUTH X-ONE\r\n");
    assert_eq!(server.ok("", &mut out), Err(AnswerError::NotDue));
    server.challenge(b"", &mut out).unwrap();
    assert_eq!(out, b"+ \r\n");
    assert!(request(&mut server, b"*\r\n").contains("Cancel"));
    assert_eq!(server.ok("", &mut out), Err(AnswerError::NotDue));
    assert_eq!(server.challenge(b"", &mut out), Err(AnswerError::NotDue));
    server.err(None, "", &mut out).unwrap();
    assert_eq!(server.state(), State::Authorization);
    request(&mut server, b"AUTH X-ONE =\r\n");
    server.challenge(b"\0\xff", &mut out).unwrap();
    assert!(out.ends_with(b"+ AP8=\r\n"));
    request(&mut server, b"\r\n");
    server.ok("", &mut out).unwrap();
    assert_eq!(server.state(), State::Transaction);
}

#[test]
fn v26_a_message_needs_two_octets_of_room() {
    let message = b"A: b\n\n.c\nd\r\n.\ne";
    for (command, wanted) in [
        ("RETR 1\r\n", &b"A: b\r\n\r\n..c\r\nd\r\n..\r\ne\r\n.\r\n"[..]),
        ("TOP 1 0\r\n", b"A: b\r\n\r\n.\r\n"),
        ("TOP 1 2\r\n", b"A: b\r\n\r\n..c\r\nd\r\n.\r\n"),
        ("TOP 1 9\r\n", b"A: b\r\n\r\n..c\r\nd\r\n..\r\ne\r\n.\r\n"),
    ] {
        for room in [2, 3, 64] {
            let mut server = inside();
            request(&mut server, command.as_bytes());
            server.ok("", &mut Vec::new()).unwrap();
            let (mut content, mut out) = (&message[..], Vec::new());
            while server.wants_body() && !content.is_empty() {
                let mut space = vec![0; room];
                let len = server.body(&mut content, &mut space).unwrap();
                assert!(len > 0, "progress with {room} octets of room");
                out.extend_from_slice(&space[..len]);
            }
            let mut rest = &message[..];
            if !server.wants_body() {
                assert_eq!(server.body(&mut rest, &mut [0; 9]), Ok(0));
            }
            server.end(&mut out).unwrap();
            assert_eq!(out, wanted, "{command}");
            assert!(!server.wants_body() && server.wants_request());
        }
    }
}

/// One thing that a driver may do.
#[derive(Clone, Debug)]
enum Action {
    Greet,
    NoService,
    Receive(Vec<u8>),
    Ok,
    Err,
    Challenge,
    Row,
    Body,
    End,
    Tls(bool),
    Close,
}

fn said() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        Just("USER u"),
        Just("PASS p"),
        Just("AUTH PLAIN"),
        Just("AUTH X AAAA"),
        Just("APOP u c4c9334bac560ecc979e58001b3e22fb"),
        Just("CAPA"),
        Just("STLS"),
        Just("UTF8"),
        Just("LIST"),
        Just("TOP 1 1"),
        Just("RETR 1"),
        Just("DELE 1"),
        Just("NOOP"),
        Just("QUIT"),
        Just("*"),
        Just("AAAA"),
        Just(""),
        Just("XYZZY"),
        Just("RETR 0"),
    ];
    let line = prop_oneof![
        9 => line.prop_map(|line| format!("{line}\r\n").into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..8),
        1 => Just(vec![b'a'; 300]),
    ];
    prop::collection::vec(line, 0..6).prop_map(|lines| lines.concat())
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let action = prop_oneof![
        2 => Just(Action::Greet),
        1 => Just(Action::NoService),
        8 => said().prop_map(Action::Receive),
        8 => Just(Action::Ok),
        4 => Just(Action::Err),
        3 => Just(Action::Challenge),
        3 => Just(Action::Row),
        3 => Just(Action::Body),
        4 => Just(Action::End),
        2 => any::<bool>().prop_map(Action::Tls),
        1 => Just(Action::Close),
    ];
    let first = prop_oneof![9 => Just(Action::Greet), 1 => Just(Action::Ok)];
    (first, prop::collection::vec(action, 0..40)).prop_map(|(first, rest)| [vec![first], rest].concat())
}

fn answer(server: &mut Server, action: &Action, out: &mut impl Output) -> Result<(), AnswerError> {
    match action {
        Action::Greet => server.greeting(None, "hello", out),
        Action::NoService => server.no_service(None, "no", out),
        Action::Ok => server.ok("1 1", out),
        Action::Err => server.err(Some(Code::Auth), "no", out),
        Action::Challenge => server.challenge(b"abc", out),
        Action::Row => server.row(".row", out),
        Action::End => server.end(out),
        _ => Ok(()),
    }
}

proptest! {
    /// No order of calls panics, and a refused call changes nothing: neither the server nor the output.
    #[test]
    fn a_mistaken_driver_does_no_harm(actions in actions()) {
        let mut server = Server::new(CONFIG);
        let mut kept = Vec::new();
        let mut was_transaction = false;
        for action in actions {
            let before = server.clone();
            let mut out = Vec::new();
            match &action {
                Action::Receive(octets) => {
                    kept.extend_from_slice(octets);
                    let mut input = &kept[..];
                    let request = server.receive(&mut input);
                    let left = input.len();
                    prop_assert!(left < kept.len() || !matches!(request, Ok(Some(_))), "progress");
                    kept.drain(..kept.len() - left);
                }
                Action::Body => {
                    let mut content = &b"a: b\n\n.c\n"[..];
                    if server.body(&mut content, &mut [0; 8]).is_err() {
                        prop_assert_eq!((&server, content.len()), (&before, 9));
                    }
                }
                Action::Tls(clean) => {
                    let _ = server.tls_established(if *clean { b"" } else { b"x" });
                }
                Action::Close => server.close(),
                action => {
                    let result = answer(&mut server, action, &mut out);
                    if result.is_err() {
                        prop_assert_eq!((&server, out.len()), (&before, 0), "refused {:?}", action);
                    } else {
                        prop_assert!(out.ends_with(b"\r\n"));
                        // With one octet less of room, it would not have been written at all.
                        let mut other = before.clone();
                        let mut space = vec![0; out.len() - 1];
                        prop_assert_eq!(answer(&mut other, action, &mut &mut space[..]), Err(AnswerError::NoRoom));
                        prop_assert_eq!(&other, &before);
                    }
                }
            }
            was_transaction |= server.state() == State::Transaction;
            prop_assert!(server.state() != State::Update || was_transaction, "UPDATE only after TRANSACTION");
        }
    }

    /// The same octets, cut anywhere, are the same requests: the driver answers each in the same way.
    #[test]
    fn requests_do_not_depend_on_the_cuts(octets in said(), more in said(), cuts in prop::collection::vec(0..64usize, 0..6)) {
        let octets = [octets, more].concat();
        let whole = hold(&[&octets]);
        let mut parts = Vec::new();
        let mut rest = &octets[..];
        for cut in cuts {
            let (part, behind) = rest.split_at(cut.min(rest.len()));
            parts.push(part);
            rest = behind;
        }
        parts.push(rest);
        prop_assert_eq!(&whole, &hold(&parts));
        let singly: Vec<&[u8]> = octets.chunks(1).collect();
        prop_assert_eq!(&whole, &hold(&singly));
    }
}

/// Returns the requests in these octets, with an answer to each, and the server afterwards. STLS is refused, because
/// the octets that may follow it depend on when it is answered.
fn hold(parts: &[&[u8]]) -> (Vec<String>, Server) {
    let config = CONFIG.stls(false).max_before_login(500);
    let (mut server, mut out, mut requests, mut kept) = (Server::new(config), Vec::new(), Vec::new(), Vec::new());
    server.greeting(None, "", &mut out).unwrap();
    for part in parts {
        kept.extend_from_slice(part);
        let mut input = &kept[..];
        while let Some(request) = server.receive(&mut input).unwrap() {
            requests.push(format!("{request:?}"));
            match request {
                Request::Command(Command::Auth { initial_response: None, .. }) => server.challenge(b"", &mut out),
                Request::Command(Command::Pass(_)) if requests.len() % 3 == 0 => server.err(None, "", &mut out),
                Request::Command(command) => server.ok("", &mut out).and_then(|()| {
                    let single = command.kind().shape() == pop3_proto::Shape::Single;
                    if single { Ok(()) } else { server.end(&mut out) }
                }),
                Request::Response(_) | Request::Bad(_) => server.err(None, "", &mut out),
            }
            .unwrap();
        }
        kept = input.to_vec();
    }
    (requests, server)
}

#[test]
fn the_table_has_the_last_word() {
    for kind in Kind::ALL {
        let line = match kind {
            Kind::User | Kind::Pass | Kind::Lang | Kind::Auth => format!("{kind} x\r\n"),
            Kind::Apop => "APOP x c4c9334bac560ecc979e58001b3e22fb\r\n".into(),
            Kind::ListOne | Kind::UidlOne | Kind::Retr | Kind::Dele => format!("{kind} 1\r\n"),
            Kind::Top => "TOP 1 1\r\n".into(),
            Kind::Raw | Kind::RawListing => continue,
            _ => format!("{kind}\r\n"),
        };
        for start in [greeted(), inside()] {
            let mut server = start.clone();
            let permitted = !request(&mut server, line.as_bytes()).contains("NotPermitted");
            assert_eq!(permitted, start.state().after(*kind, Outcome::Ok).is_some(), "{line:?} in {}", start.state());
        }
    }
}
