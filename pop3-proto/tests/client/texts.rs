//! The texts that a program shows.

use pop3_proto::{Awaiting, Client, Command, Config, Kind, ProtocolError, State};

#[test]
fn a_state_has_its_name_in_the_rfcs() {
    let texts = [
        (State::Greeting, "before the greeting"),
        (State::Authorization, "AUTHORIZATION"),
        (State::Named, "AUTHORIZATION after USER"),
        (State::Handshake, "TLS handshake"),
        (State::Transaction, "TRANSACTION"),
        (State::Update, "UPDATE"),
        (State::Closed, "closed"),
    ];
    for (state, text) in texts {
        assert_eq!(state.to_string(), text);
    }
}

#[test]
fn what_is_awaited_has_a_text() {
    let texts = [
        (Awaiting::Greeting, "waiting for the greeting"),
        (Awaiting::Nothing, "no command was in flight"),
        (Awaiting::Status(Kind::Stat), "waiting for the answer to STAT"),
        (Awaiting::Response, "the server waited for a response to its challenge"),
        (Awaiting::Listing(Kind::ListAll), "receiving the listing of LIST"),
        (Awaiting::Body(Kind::Retr), "receiving the message of RETR"),
        (Awaiting::Handshake, "waiting for the TLS handshake"),
    ];
    for (awaiting, text) in texts {
        assert_eq!(awaiting.to_string(), text);
    }
}

fn failure(command: Option<Command<'_>>, said: &[u8]) -> ProtocolError {
    let mut client = Client::new(Config::default());
    if let Some(command) = command {
        client.receive(&mut &b"+OK\r\n"[..]).unwrap();
        client.send(command, &mut Vec::new()).unwrap();
    }
    client.receive(&mut &said[..]).and_then(|_| client.receive_eof(said)).unwrap_err()
}

#[test]
fn an_error_has_its_reason_and_its_place_and_what_was_said() {
    let texts = [
        (failure(None, b""), "the server closed the connection (waiting for the greeting)"),
        (failure(Some(Command::Capa), b""), "the server closed the connection (waiting for the answer to CAPA)"),
        (failure(None, b"hello\r\n"), "the line is neither +OK nor -ERR (waiting for the greeting); it said: hello"),
        (
            failure(Some(Command::User("u")), b"220 \x07 ready\r\n"),
            "the line is neither +OK nor -ERR (waiting for the answer to USER); it said: 220 \\u{7} ready",
        ),
    ];
    for (error, text) in texts {
        assert_eq!(error.to_string(), text);
    }
    let long = "x".repeat(81);
    let error = failure(None, format!("{long}\r\n").as_bytes());
    assert!(error.to_string().ends_with(&format!("said: {}", &long[1..])), "{error}");
    assert_eq!(error.excerpt().as_bytes(), &long.as_bytes()[1..]);
}
