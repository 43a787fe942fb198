//! Deviations of servers from the RFCs: a test for each row of the table in `src/tolerance.md`, in its order.

use pop3_proto::wire::{KnownCapability, Payload, Response};
use pop3_proto::{Client, Command, Config, Event, Malformed, UsageError, Violation};

use crate::talk::Talk;

const ONE: u32 = 1;
const AUTH: Command<'static> = Command::Auth { mechanism: "X", initial_response: None };
const NOT_A_STATUS: [&str; 1] = ["error: NotAStatus"];

/// Returns the events that a client in TRANSACTION hears as the answer to this command.
fn answer(command: Command<'_>, says: impl AsRef<[u8]>) -> Vec<String> {
    let mut talk = Talk::logged_in(Config::default());
    talk.client(command);
    talk.server(says)
}

/// Asks a question about the last event in `says`, the answer to this command.
fn ask<T>(command: Command<'_>, says: &[u8], question: impl FnOnce(Event<'_>) -> T) -> T {
    let mut client: Client = Talk::logged_in(Config::default()).client;
    client.send(command, &mut Vec::new()).unwrap();
    let (mut input, mut last) = (says, None);
    while let Some(event) = client.receive(&mut input).unwrap() {
        last = Some(event);
    }
    question(last.unwrap())
}

#[test]
fn an_indicator_without_text() {
    assert_eq!(answer(Command::Noop, "+OK\r\n"), ["#2 ok"]);
    assert_eq!(answer(Command::Noop, "-ERR\r\n"), ["#2 refused"]);
    assert_eq!(Talk::new(Config::default()).server("+OK\r\n"), ["greeting "]);
}

#[test]
fn an_indicator_in_any_case() {
    assert_eq!(answer(Command::Noop, "+ok done\r\n"), ["#2 ok done"]);
    assert_eq!(answer(Command::Noop, "-Err no\r\n"), ["#2 refused no"]);
}

#[test]
fn a_line_that_is_not_a_status_line() {
    for line in
        ["+OKAY", "+OK.", "+OK\tdone", "-ERROR", "+ERR", "-ERR\t", " +OK", "OK", "ok", "warning: auth_error", "*", "."]
    {
        assert_eq!(answer(Command::Noop, format!("{line}\r\n")), NOT_A_STATUS, "{line}");
        assert_eq!(Talk::new(Config::default()).server(format!("{line}\r\n")), NOT_A_STATUS, "{line}");
    }
}

#[test]
fn a_plus_and_a_blank_is_a_challenge() {
    assert_eq!(answer(Command::Noop, "+ OK\r\n"), ["error: UnexpectedChallenge"]);
    assert_eq!(answer(Command::Noop, "+\r\n"), ["error: UnexpectedChallenge"]);
    assert_eq!(Talk::new(Config::default()).server("+ OK\r\n"), NOT_A_STATUS);
}

#[test]
fn a_challenge_without_its_blank() {
    let mut talk = Talk::greeted(Config::default());
    talk.client(AUTH);
    assert_eq!(talk.server("+\r\n"), ["#0 challenge of 0"]);
    talk.client.respond(Response::Data(Payload::Octets(b"proof")), &mut talk.sent).unwrap();
    assert_eq!(talk.server("+OK\r\n"), ["#0 ok"]);
}

#[test]
fn text_behind_numbers() {
    let stat = |says: &str| {
        ask(Command::Stat, says.as_bytes(), |event| match event {
            Event::Ok { reply, .. } => reply.stat().map(|listing| (listing.messages, listing.octets)),
            event => panic!("{event:?}"),
        })
    };
    assert_eq!(stat("+OK 2 320 and 0 deleted\r\n"), Ok((2, 320)));
    assert_eq!(stat("+OK 2 18446744073709551615\r\n"), Ok((2, u64::MAX)));
    assert_eq!(stat("+OK   2 \t 320  \r\n"), Ok((2, 320)));
    for bad in ["", "2", "-1 320", "2 -1", "+2 320", "2 18446744073709551616", "4294967296 1", "0x2 1", "two 320"] {
        assert_eq!(stat(&format!("+OK {bad}\r\n")), Err(Malformed::DropListing), "{bad}");
    }
    let one = |says: &str| {
        ask(Command::List(Some(ONE)), says.as_bytes(), |event| match event {
            Event::Ok { reply, .. } => reply.scan_listing(ONE).map(|listing| listing.octets),
            event => panic!("{event:?}"),
        })
    };
    assert_eq!(one("+OK 1 120 octets\r\n"), Ok(120));
    assert_eq!(one("+OK 2 120\r\n"), Err(Malformed::OtherMessage));
    // The numbers are wrong, and the session continues.
    assert_eq!(answer(Command::Stat, "+OK many\r\n"), ["#2 ok many"]);
}

/// Returns the unique-id of a row, or of the answer to UIDL with a number.
fn id(row: &[u8]) -> Result<(u32, Vec<u8>), Malformed> {
    ask(Command::Uidl(None), &[b"+OK\r\n", row, b"\r\n"].concat(), |event| match event {
        Event::Row { row, .. } => row.unique_id().map(|(number, id)| (number, id.as_bytes().to_vec())),
        event => panic!("{event:?}"),
    })
}

fn size(row: &str) -> Result<(u32, u64), Malformed> {
    ask(Command::List(None), format!("+OK\r\n{row}\r\n").as_bytes(), |event| match event {
        Event::Row { row, .. } => row.scan_listing().map(|listing| (listing.number, listing.octets)),
        event => panic!("{event:?}"),
    })
}

#[test]
fn several_blanks() {
    assert_eq!(id(b"7   abc"), Ok((7, b"abc".to_vec())));
    assert_eq!(size(" 7   120  x"), Ok((7, 120)));
    assert_eq!(size("7\t120"), Ok((7, 120)));
}

#[test]
fn an_indicator_in_front_of_rows() {
    assert_eq!(id(b"+OK 7 abc"), Ok((7, b"abc".to_vec())));
    assert_eq!(size("+OK 7 120"), Ok((7, 120)));
    assert_eq!(
        answer(Command::List(None), "+OK\r\n+OK 1 2\r\n-ERR\r\n.\r\n"),
        ["#2 ok", "#2 row +OK 1 2", "#2 row -ERR", "#2 end"]
    );
}

#[test]
fn a_stray_blank_row() {
    assert_eq!(
        answer(Command::List(None), "+OK\r\n\r\n1 2\r\n \r\n.\r\n"),
        ["#2 ok", "#2 row ", "#2 row 1 2", "#2 row  ", "#2 end"]
    );
    let blank = |row: &[u8]| {
        ask(
            Command::Uidl(None),
            &[b"+OK\r\n", row, b"\r\n"].concat(),
            |event| matches!(event, Event::Row { row, .. } if row.is_blank()),
        )
    };
    assert!(blank(b"") && blank(b" \t") && !blank(b"1 2"));
    assert_eq!(size(""), Err(Malformed::ScanListing));
}

#[test]
fn a_blank_line_in_front_of_a_status_line() {
    assert_eq!(answer(Command::Noop, "\r\n+OK\r\n"), ["#2 ok"]);
    assert_eq!(answer(Command::Noop, "\r\n\r\n+OK\r\n"), NOT_A_STATUS);
    // It is forgiven once for each answer, also before the command was sent.
    let mut talk = Talk::logged_in(Config::default());
    assert!(talk.server("\r\n").is_empty());
    talk.client(Command::Dele(ONE));
    talk.client(Command::Noop);
    assert_eq!(talk.server("+OK\r\n\r\n+OK\r\n"), ["#2 ok", "#3 ok"]);
}

#[test]
fn a_blank_line_where_it_is_not_tolerated() {
    assert_eq!(Talk::new(Config::default()).server("\r\n+OK\r\n"), NOT_A_STATUS);
    let mut talk = Talk::greeted(Config::default());
    assert!(talk.server("\r\n").is_empty());
    talk.client(Command::Stls);
    assert_eq!(talk.clone().server("+OK\r\n"), NOT_A_STATUS);
    // A CR without its LF is no blank line, and neither is a LF where lines end in CRLF.
    assert_eq!(answer(Command::Noop, "\n+OK\r\n"), ["error: BareLf"]);
    assert_eq!(Talk::logged_in(Config::default()).server("\n"), ["error: Unsolicited"]);
    assert_eq!(Talk::logged_in(Config::default()).server("\rx"), ["error: Unsolicited"]);
}

#[test]
fn unknown_capabilities() {
    let says = b"+OK\r\nXTRA  one two\r\n";
    let (tag, params, known) = ask(Command::Capa, says, |event| match event {
        Event::Row { row, .. } => {
            let capability = row.capability();
            (capability.tag().to_vec(), capability.params().count(), capability.known().is_some())
        }
        event => panic!("{event:?}"),
    });
    assert_eq!((tag.as_slice(), params, known), (&b"XTRA"[..], 2, false));
    let top = ask(
        Command::Capa,
        b"+OK\r\ntop\r\n",
        |event| matches!(event, Event::Row { row, .. } if row.capability().known() == Some(KnownCapability::Top)),
    );
    assert!(top);
}

#[test]
fn odd_unique_ids() {
    let long = [b"1 ", [b'x'; 200].as_slice()].concat();
    for row in [&b"1 "[..], b"1 <a b@c>", b"1 \xc3\xa4\xff", &long] {
        let (number, octets) = id(row).unwrap();
        assert_eq!((number, octets.as_slice()), (1, &row[2..]));
    }
    // An id contains no space, so spaces around it are not part of it.
    assert_eq!(id(b"1 bbb "), Ok((1, b"bbb".to_vec())));
    assert_eq!(id(b"1   "), Ok((1, Vec::new())));
    for bad in [&b""[..], b"1", b"3", b"x", b"0 a", b"-1 a", b"4294967296 a"] {
        assert_eq!(id(bad), Err(Malformed::UniqueId));
    }
    let conforms = |says: &[u8]| {
        ask(Command::Uidl(Some(ONE)), says, |event| match event {
            Event::Ok { reply, .. } => reply.unique_id(ONE).unwrap().is_conforming(),
            event => panic!("{event:?}"),
        })
    };
    assert!(conforms(b"+OK 1 QhdPYR:00WBw1Ph7x7\r\n"));
    let missing = |event: Event<'_>| match event {
        Event::Ok { reply, .. } => reply.unique_id(ONE) == Err(Malformed::UniqueId),
        event => panic!("{event:?}"),
    };
    assert!(ask(Command::Uidl(Some(ONE)), b"+OK 1\r\n", missing));
    assert!(!conforms(b"+OK 1 \r\n") && !conforms(b"+OK 1 a b\r\n") && !conforms(b"+OK 1 \xff\r\n"));
}

fn lf_server() -> Talk {
    let mut talk = Talk::new(Config::default());
    assert_eq!(talk.server("+OK ready\n"), ["greeting ready"]);
    talk.client(Command::User("u"));
    talk.client(Command::Pass("p"));
    talk.server("+OK\n+OK\n");
    talk
}

#[test]
fn a_server_whose_lines_end_in_lf() {
    let mut talk = lf_server();
    talk.client(Command::Retr(ONE));
    assert_eq!(talk.server("+OK\na\n..b\n...\n.\n"), ["#2 ok", "#2 body a\\n.b\\n..\\n", "#2 end"]);
    // CRLF is a line end there too, with the CR as content of a message.
    talk.client(Command::Uidl(None));
    talk.client(Command::Retr(ONE));
    assert_eq!(talk.server("+OK\r\n1 a\r\n.\r\n"), ["#3 ok", "#3 row 1 a", "#3 end"]);
    assert_eq!(talk.server("+OK\na\r\n.\r\n"), ["#4 ok", "#4 body a\\r\\n", "#4 end"]);
    assert!(talk.server("\n").is_empty());
    assert_eq!(talk.server("\n"), ["error: Unsolicited"]);

    let mut talk = Talk::new(Config::new().tolerate_lf(false));
    assert_eq!(talk.server("+OK ready\n"), ["error: BareLf"]);

    // Inside TLS the first status line decides anew, and a blank line before it does not.
    let mut talk = Talk::greeted(Config::default());
    talk.client(Command::Stls);
    talk.server("+OK\r\n");
    talk.client.tls_established(b"").unwrap();
    talk.client(Command::Capa);
    assert_eq!(talk.clone().server("+OK\nTOP\n.\n"), ["#1 ok", "#1 row TOP", "#1 end"]);
    assert_eq!(talk.server("\n+OK\r\nTOP\n"), ["#1 ok", "error: BareLf"]);
}

#[test]
fn a_bare_lf_or_cr_in_a_line() {
    assert_eq!(answer(Command::Noop, "+OK\n"), ["error: BareLf"]);
    assert_eq!(answer(Command::Uidl(None), "+OK\r\n1 a\n.\r\n"), ["#2 ok", "error: BareLf"]);
    assert_eq!(answer(Command::Uidl(None), "+OK\r\n.\n"), ["#2 ok", "error: BareLf"]);
    assert_eq!(answer(Command::Noop, "+OK a\rb\r\n"), ["error: BareCr"]);
    assert_eq!(answer(Command::Noop, "+OK\r\r\n"), ["error: BareCr"]);
    assert_eq!(answer(Command::Uidl(None), "+OK\r\n1 a\rb\r\n"), ["#2 ok", "error: BareCr"]);
    let mut talk = lf_server();
    talk.client(Command::Noop);
    assert_eq!(talk.server("+OK a\rb\n"), ["error: BareCr"]);
    let mut talk = Talk::greeted(Config::default());
    talk.client(AUTH);
    assert_eq!(talk.server("+ \n"), ["error: BareLf"]);
}

#[test]
fn a_bare_lf_or_cr_in_a_message_is_content() {
    let retr = |says: &str| answer(Command::Retr(ONE), format!("+OK\r\n{says}\r\n.\r\n"))[1..].to_vec();
    assert_eq!(retr("a\n.\nb"), ["#2 body a\\n.\\nb\\r\\n", "#2 end"]);
    assert_eq!(retr("a\n.\r\nb"), ["#2 body a\\n.\\r\\nb\\r\\n", "#2 end"]);
    assert_eq!(retr("a\r.\rb\r.\r"), ["#2 body a\\r.\\rb\\r.\\r\\r\\n", "#2 end"]);
    assert_eq!(retr(".\nb"), ["#2 body \\nb\\r\\n", "#2 end"]);
    assert_eq!(retr(".\rb\r\n. "), ["#2 body \\rb\\r\\n \\r\\n", "#2 end"]);
}

#[test]
fn long_lines() {
    let line = "x".repeat(1 << 20);
    assert_eq!(answer(Command::Retr(ONE), format!("+OK\r\n{line}\r\n.\r\n"))[1], format!("#2 body {line}\\r\\n"));
    let text = "x".repeat(8 * 1024 - 6);
    assert_eq!(answer(Command::Noop, format!("+OK {text}\r\n")), [format!("#2 ok {text}")]);
    assert_eq!(answer(Command::Noop, format!("+OK {text}x\r\n")), ["error: LineTooLong { limit: 8192 }"]);
}

#[test]
fn an_autologout_says_why() {
    let mut talk = Talk::logged_in(Config::default());
    assert_eq!(talk.server("-ERR idle for too long\r\n"), ["error: Unsolicited"]);
    assert_eq!(talk.error.unwrap().excerpt().as_bytes(), b"-ERR idle for too long");
    assert_eq!(talk.error.map(|error| error.violation()), Some(Violation::Unsolicited));
    assert_eq!(talk.client.send(Command::Noop, &mut talk.sent), Err(UsageError::Over));
}

#[test]
fn an_answer_in_crlf_in_a_session_of_lf() {
    let mut talk = lf_server();
    talk.client(Command::Retr(ONE));
    talk.client(Command::Retr(ONE));
    let forged = "+OK\r\na\n.\n+OK\r\nFrom: bank\r\n.\r\n";
    assert_eq!(talk.server(forged), ["#2 ok", "#2 body a\\n.\\n+OK\\r\\nFrom: bank\\r\\n", "#2 end"]);
    assert_eq!(talk.server("+OK\nb\n.\n"), ["#3 ok", "#3 body b\\n", "#3 end"]);
    talk.client(Command::Uidl(None));
    assert_eq!(talk.server("+OK\r\n1 a\n"), ["#4 ok", "error: BareLf"]);
}

#[test]
fn line_ends_of_both_kinds_in_a_message() {
    for (octets, heard) in [
        // After CRLF, and at the beginning, the dot is the end, whatever its own line end.
        ("a\nb\r\n.\n", &["#2 body a\\nb\\r\\n", "#2 end"][..]),
        ("a\r\n.\n", &["#2 body a\\r\\n", "#2 end"]),
        (".\r\n", &["#2 end"]),
        (".\n", &["#2 end"]),
        // After LF, the dot is the end where no line ends in CRLF.
        ("a\n.\n", &["#2 body a\\n", "#2 end"]),
        ("a\r\nb\n.\n", &["#2 body a\\r\\nb\\n", "error: AmbiguousEnd"]),
        ("a\n.\r\n", &["#2 body a\\n", "error: AmbiguousEnd"]),
        ("\r\n\n.\n", &["#2 body \\r\\n\\n", "error: AmbiguousEnd"]),
    ] {
        let mut whole = lf_server();
        whole.client(Command::Retr(ONE));
        let octets = format!("+OK\n{octets}");
        for cut in 0..=octets.len() {
            let mut talk = whole.clone();
            let from = talk.heard.len();
            talk.server(&octets[..cut]);
            talk.server(&octets[cut..]);
            // The test joins bodies that came in two parts.
            let mut all = talk.heard[from..].to_vec();
            let mut joined: Vec<String> = Vec::new();
            for text in all.drain(..) {
                match (joined.last_mut(), text.strip_prefix("#2 body ")) {
                    (Some(last), Some(more)) if last.starts_with("#2 body ") => last.push_str(more),
                    _ => joined.push(text),
                }
            }
            assert_eq!(joined[1..], *heard, "{octets:?} cut at {cut}");
        }
    }
}

#[test]
fn a_dot_that_was_not_stuffed() {
    assert_eq!(answer(Command::Retr(ONE), "+OK\r\n.a\r\n.\r\n"), ["#2 ok", "#2 body a\\r\\n", "#2 end"]);
}
