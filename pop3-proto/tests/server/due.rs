//! Each answer is accepted only where it is due. The table is written by hand, from the documentation of each method.

use pop3_proto::{AnswerError, Server, ServerConfig};

use crate::{CONFIG, inside, request};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Answer {
    Greeting,
    NoService,
    Ok,
    Err,
    Challenge,
    Row,
    Body,
    End,
}
use Answer::{Body, Challenge, End, Err as Refusal, Greeting, NoService, Ok as Success, Row};

const ANSWERS: [Answer; 8] = [Greeting, NoService, Success, Refusal, Challenge, Row, Body, End];

fn give(answer: Answer, server: &mut Server, out: &mut Vec<u8>) -> Result<(), AnswerError> {
    match answer {
        Greeting => server.greeting(None, "", out),
        NoService => server.no_service(None, "", out),
        Success => server.ok("", out),
        Refusal => server.err(None, "", out),
        Challenge => server.challenge(b"", out),
        Row => server.row("", out),
        Body => server.body(&mut &b"x"[..], &mut [0; 9]).map(|written| out.resize(written, 0)),
        End => server.end(out),
    }
}

/// Returns a server that received these lines. All but the last are answered with `+OK`.
fn after(lines: &[&str]) -> Server {
    let mut server = Server::new(CONFIG);
    server.greeting(None, "", &mut Vec::new()).unwrap();
    for (n, line) in lines.iter().enumerate() {
        request(&mut server, format!("{line}\r\n").as_bytes());
        if n + 1 < lines.len() {
            server.ok("", &mut Vec::new()).unwrap();
        }
    }
    server
}

fn accepted(line: &str) -> Server {
    let mut server = inside();
    request(&mut server, format!("{line}\r\n").as_bytes());
    server.ok("", &mut Vec::new()).unwrap();
    server
}

fn challenged(line: Option<&str>) -> Server {
    let mut server = after(&["AUTH X"]);
    server.challenge(b"", &mut Vec::new()).unwrap();
    if let Some(line) = line {
        request(&mut server, format!("{line}\r\n").as_bytes());
    }
    server
}

#[test]
fn each_answer_is_accepted_only_where_it_is_due() {
    let mut in_handshake = after(&["STLS"]);
    in_handshake.ok("", &mut Vec::new()).unwrap();
    let table: [(Server, &[Answer]); 17] = [
        (Server::new(ServerConfig::default()), &[Greeting, NoService]),
        (after(&[]), &[]),
        (after(&["NOOP"]), &[Refusal]),
        (after(&["USER u"]), &[Success, Refusal]),
        (after(&["USER u", "PASS p"]), &[Success, Refusal]),
        (after(&["AUTH X"]), &[Refusal, Challenge]),
        (after(&["AUTH X ="]), &[Success, Refusal, Challenge]),
        (challenged(None), &[]),
        (challenged(Some("AAAA")), &[Success, Refusal, Challenge]),
        (challenged(Some("*")), &[Refusal]),
        (inside(), &[]),
        (after(&["USER u", "PASS p", "XYZZY"]), &[Refusal]),
        (after(&["USER u", "PASS p", "RETR 1"]), &[Success, Refusal]),
        (accepted("LIST"), &[Row, End]),
        (accepted("RETR 1"), &[Body, End]),
        (accepted("QUIT"), &[]),
        (in_handshake, &[]),
    ];
    for (server, due) in table {
        for answer in ANSWERS {
            for is_closed in [false, true] {
                let mut server = server.clone();
                if is_closed {
                    server.close();
                }
                let (before, mut out) = (server.clone(), Vec::new());
                let result = give(answer, &mut server, &mut out);
                if due.contains(&answer) && !is_closed {
                    assert_eq!(result, Ok(()), "{answer:?}: {before:?}");
                    assert!(!out.is_empty(), "{answer:?}: {before:?}");
                } else {
                    assert_eq!(result, Err(AnswerError::NotDue), "{answer:?}: {before:?}");
                    assert!(server == before && out.is_empty(), "{answer:?}: {before:?}");
                }
            }
        }
    }
}
