//! Messages: their ends, their content, and their failures.

use pop3_proto::{Awaiting, Client, Command, Config, Event, Violation};

use super::{Reader, Seen, answer, body, feed, logged_in, no, ok, send};

const RETR: Command<'static> = Command::Retr(1);

fn retrieving() -> Client {
    let mut client = logged_in();
    send(&mut client, RETR);
    client
}

#[test]
fn terminator_is_found_wherever_it_is_split() {
    // `answer` tries every cut; this test also tries every pair of cuts around the terminator.
    let wire = b"+OK\r\nlast line\r\n.\r\n";
    let seen = answer(RETR, wire);
    assert_eq!(seen, [ok(""), body(b"last line\r\n"), Seen::End]);
    for first in 10..wire.len() {
        for second in first..wire.len() {
            let mut reader = Reader::new(retrieving());
            for piece in [&wire[..first], &wire[first..second], &wire[second..]] {
                reader.read(piece).unwrap();
            }
            assert_eq!(reader.seen, seen, "cut at {first} and {second}");
        }
    }
}

#[test]
fn body_that_is_not_utf8_arrives_as_it_is() {
    let eight_bit = b"Subject: gr\xFC\xDFe\r\n\r\n\xFF\xFE\x00\x80 \xC3\r\n";
    let wire = [b"+OK\r\n", eight_bit.as_slice(), b".\r\n"].concat();
    assert_eq!(answer(RETR, &wire), [ok(""), body(eight_bit), Seen::End]);
}

#[test]
fn events_with_octets_that_are_not_text_can_be_printed() {
    let mut client = retrieving();
    let mut input: &[u8] = b"+OK gr\xFC\xDFe \x1B[2J\r\n\xFF\x00\r\n.\r\n";
    let mut printed = Vec::new();
    while let Some(event) = client.receive(&mut input).unwrap() {
        printed.push(format!("{event:?}"));
        if let Event::Ok { reply, .. } = event {
            printed.push(reply.text().to_string());
        }
    }
    let printed = printed.join(" ");
    assert!(printed.contains("\\xfc\\xdf") && !printed.contains('\x1B'), "{printed}");
}

#[test]
fn stuffed_lines_are_unstuffed_in_messages_and_in_headers() {
    let wire = b"+OK\r\n..one\r\n...two\r\n..\r\na.b..c\r\n.\r\n";
    let content = b".one\r\n..two\r\n.\r\na.b..c\r\n";
    for command in [RETR, Command::Top { number: 1, lines: 0 }] {
        assert_eq!(answer(command, wire), [ok(""), body(content), Seen::End]);
    }
}

#[test]
fn dot_that_was_not_stuffed_is_removed_and_ends_nothing() {
    // RFC 1939, section 3: a dot at the beginning of a line is removed, whatever follows it.
    assert_eq!(answer(RETR, b"+OK\r\n.hidden\r\nrest\r\n.\r\n"), [ok(""), body(b"hidden\r\nrest\r\n"), Seen::End]);
}

#[test]
fn dot_and_cr_without_lf_are_not_a_terminator() {
    assert_eq!(answer(RETR, b"+OK\r\n.\rx\r\n.\r\n"), [ok(""), body(b"\rx\r\n"), Seen::End]);
}

#[test]
fn bare_lf_around_a_dot_is_content_in_a_crlf_session() {
    assert_eq!(answer(RETR, b"+OK\r\na\n.\nb\r\n.\r\n"), [ok(""), body(b"a\n.\nb\r\n"), Seen::End]);
}

#[test]
fn line_of_100_kb_arrives_without_a_break() {
    let line = [vec![b'x'; 100_000], b"\r\n".to_vec()].concat();
    let mut reader = Reader::new(retrieving());
    for piece in [b"+OK\r\n", line.as_slice(), b".\r\n"].concat().chunks(1000) {
        reader.read(piece).unwrap();
    }
    assert_eq!(reader.seen, [ok(""), body(&line), Seen::End]);
    send(&mut reader.client, Command::Stat);
}

#[test]
fn empty_message_is_an_end_without_a_body() {
    assert_eq!(answer(RETR, b"+OK\r\n.\r\n"), [ok(""), Seen::End]);
}

#[test]
fn end_of_stream_in_a_message_is_never_a_success() {
    let wire = b"+OK 9\r\nA: b\r\n\r\n..c\r\n.\r\n";
    for cut in 0..wire.len() {
        let mut reader = Reader::new(retrieving());
        reader.read(&wire[..cut]).unwrap();
        assert!(!reader.seen.contains(&Seen::End), "cut at {cut}");
        let error = reader.client.receive_eof(&reader.held).expect_err("the message is not whole");
        assert_eq!(error.violation(), Violation::Closed, "cut at {cut}");
        let awaiting = if cut < 7 { Awaiting::Status(RETR.kind()) } else { Awaiting::Body(RETR.kind()) };
        assert_eq!(error.awaiting(), awaiting, "cut at {cut}");
        assert_eq!(reader.read(b".\r\n"), Err(error), "nothing heals it");
    }
}

#[test]
fn dot_without_a_line_end_before_it_ends_nothing() {
    // In the Exchange 2000 fault, this dot cannot be told from content, so the caller's deadline must end the wait.
    let (mut reader, result) = feed(&retrieving(), b"+OK\r\nno line end.\r\n");
    assert_eq!(result, Ok(()));
    assert_eq!(reader.seen, [ok(""), body(b"no line end.\r\n")]);
    assert_eq!(reader.client.awaiting(), Awaiting::Body(RETR.kind()));
    assert_eq!(reader.client.receive_eof(b"").unwrap_err().violation(), Violation::Closed);
}

#[test]
fn message_over_the_callers_limit_is_delivered_up_to_it() {
    let mut reader = Reader::new(Client::new(Config::new().max_body(5)));
    reader.read(b"+OK\r\n").unwrap();
    for command in [Command::User("u"), Command::Pass("p"), RETR] {
        send(&mut reader.client, command);
    }
    reader.read(b"+OK\r\n+OK\r\n").unwrap();
    reader.seen.clear();
    let (reader, result) = feed(&reader.client, b"+OK\r\n1234567\r\n.\r\n");
    assert_eq!(reader.seen, [ok(""), body(b"12345")]);
    assert_eq!(result.unwrap_err().violation(), Violation::BodyTooLong { limit: 5 });
}

#[test]
fn refused_message_has_no_body() {
    assert_eq!(answer(RETR, b"-ERR no such message\r\n"), [no(None, "no such message")]);
}
