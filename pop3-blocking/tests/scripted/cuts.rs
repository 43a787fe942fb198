//! A connection that ends at each octet of a conversation, in pieces of every size: no part of a message is taken for
//! the whole, and messages that arrived before the end are complete.

use std::io::{ErrorKind, Read};

use pop3_blocking::{Cause, Connect, Connection, Credentials, Error, QuitError, Security};

use crate::memory::Memory;
use crate::peer::PIPELINED_LOGIN;

const BATCH: &str = "
C: LIST
S: +OK 4 messages
S: 1 24
S: 2 6
S: 3 0
S: 4 17
S: .
C: RETR 1
C: RETR 2
C: RETR 3
C: RETR 4
S: +OK first
S: Subject: 1
S: 
S: ..
S: ...x
S: .
S: +OK second
S: body
S: .
S: -ERR no third
S: +OK fourth
S: +OK not a status
S: .
C: QUIT
S: +OK bye
";

const MESSAGES: [&[u8]; 3] = [b"Subject: 1\r\n\r\n.\r\n..x\r\n", b"body\r\n", b"+OK not a status\r\n"];

/// The results of a session.
#[derive(Default)]
struct Outcome {
    whole: Vec<Vec<u8>>,
    refused: usize,
    error: Option<Error>,
    quit: Option<Result<(), QuitError>>,
}

fn converse(memory: Memory) -> Outcome {
    let mut outcome = Outcome::default();
    if let Err(error) = converse_into(memory, &mut outcome) {
        outcome.error = Some(error);
    }
    outcome
}

fn converse_into(memory: Memory, outcome: &mut Outcome) -> Result<(), Error> {
    let to = Connect::new().security(Security::Plaintext).allow_plaintext(true);
    let mut session = match Connection::over(memory, to)?.login_as(Credentials::new("mrose", "tanstaaf")) {
        Ok(session) => session,
        Err(failed) => {
            assert!(failed.error.login().is_none(), "{failed}");
            return Err(failed.error);
        }
    };
    let mut batch = session.retrieve_all()?;
    loop {
        match batch.next() {
            Ok(Some(mut message)) => {
                let mut octets = Vec::new();
                message.read_to_end(&mut octets).map_err(|error| error.downcast::<Error>().unwrap())?;
                outcome.whole.push(octets);
            }
            Ok(None) => break,
            Err(error) if error.is_recoverable() => outcome.refused += 1,
            Err(error) => return Err(error),
        }
    }
    outcome.quit = Some(session.quit());
    Ok(())
}

#[test]
fn a_stream_cut_at_every_octet() {
    let script = format!("{PIPELINED_LOGIN}{BATCH}");
    let octets = Memory::playing(&script, 1, 0, None).octets();
    // The ends of the messages' terminators: dots are stuffed, so no line of a message in this script is a single dot.
    let listing = octets.windows(14).position(|window| window == b"4 17\r\n.\r\n+OK f").unwrap() + 9;
    let ends: Vec<usize> =
        (listing..octets.len()).filter(|&at| octets[..at].ends_with(b"\r\n.\r\n") && at > listing).collect();
    assert_eq!(ends.len(), MESSAGES.len());
    let refusal = octets.windows(4).rposition(|window| window == b"hird").unwrap() + 6;

    for cut in 0..=octets.len() {
        for (piece, end) in [(1, None), (7, None), (64 * 1024, None), (64 * 1024, Some(ErrorKind::ConnectionReset))] {
            let outcome = converse(Memory::playing(&script, piece, cut, end));
            let whole = ends.iter().filter(|&&end| end <= cut).count();
            assert_eq!(outcome.whole, MESSAGES[..whole], "cut at {cut}");
            assert_eq!(outcome.refused, usize::from(refusal <= cut), "cut at {cut}");
            match (outcome.error, outcome.quit) {
                (None, Some(Ok(()))) => assert_eq!(cut, octets.len()),
                (None, Some(Err(QuitError::Unknown(_)))) => assert!(cut < octets.len() && whole == 3, "cut at {cut}"),
                (Some(error), None) => {
                    assert!(whole < 3, "cut at {cut}");
                    let closed = matches!(error.cause(), Cause::ClosedWhileIdle(_)) || error.is_truncated();
                    assert!(closed && !error.is_recoverable(), "cut at {cut}: {error:?}");
                }
                (error, quit) => panic!("cut at {cut}: {error:?}, {quit:?}"),
            }
        }
    }
}
