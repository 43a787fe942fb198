//! A scripted server takes turns with the client, and reports what differs from the script.

use std::time::Duration;

use pop3_proto::testing::link::{Direction, Halt, Line, Schedule};
use pop3_proto::testing::script::{ScriptedServer, Verdict};

/// An act of a client on a line.
enum Act {
    /// Writes all of these octets.
    Says(&'static str),
    /// Reads exactly these octets.
    Hears(&'static str),
    /// Finds nothing to read yet.
    Waits,
    /// Lets so many milliseconds pass.
    Passes(u64),
    /// Reads the end of the stream.
    Ends,
    Closes,
}
use Act::{Closes, Ends, Hears, Passes, Says, Waits};

fn act(script: &str, schedule: Schedule, acts: &[Act]) -> Verdict {
    let server = ScriptedServer::new(script);
    let verdict = server.verdict();
    let mut line = Line::new(server, schedule);
    for act in acts {
        match act {
            Says(octets) => {
                let mut left = octets.as_bytes();
                while !left.is_empty() {
                    left = &left[line.write(left).unwrap()..];
                }
            }
            Hears(octets) => {
                let mut heard = Vec::new();
                while heard.len() < octets.len() {
                    let mut space = vec![0; octets.len() - heard.len()];
                    let len = line.read(&mut space).unwrap();
                    assert!(len > 0, "the end after {}", heard.escape_ascii());
                    heard.extend(&space[..len]);
                }
                assert_eq!(heard.escape_ascii().to_string(), octets.as_bytes().escape_ascii().to_string());
            }
            Waits => assert!(matches!(line.read(&mut [0; 9]), Err(Halt::Blocked | Halt::Stalled { .. }))),
            Passes(time) => line.advance(Duration::from_millis(*time)),
            Ends => assert_eq!(line.read(&mut [0; 9]), Ok(0)),
            Closes => line.close(),
        }
    }
    verdict
}

/// Both a usual line and one that carries an octet at a time give this verdict.
#[track_caller]
fn judge(script: &str, acts: &[Act], expected: Result<(), &str>) {
    for schedule in [Schedule::new(), Schedule::new().both(Direction::new().cuts([1]).writes([1]))] {
        let verdict = act(script, schedule, acts).check().map_err(|mismatch| mismatch.to_string());
        assert_eq!(verdict, expected.map_err(str::to_owned));
    }
}

#[test]
fn answers_wait_for_their_turn() {
    let script = "S: +OK ready\nC: CAPA\nS: +OK\nS: UIDL\nS: .\n\nC: QUIT\nS: +OK\n";
    let greeted = [Waits, Says("CAPA\r"), Waits, Says("\n"), Hears("+OK\r\nUIDL\r\n.\r\n"), Waits];
    let mut acts = vec![Hears("+OK ready\r\n")];
    acts.extend(greeted);
    judge(script, &acts, Err("line 7 of the script: expected `QUIT`, but the client has not sent anything since"));
    acts.extend([Says("QUIT\r\n"), Hears("+OK\r\n"), Ends]);
    judge(script, &acts, Ok(()));
}

#[test]
fn pipelined_lines_are_taken_in_turn() {
    let acts =
        [Says("USER a\r\nPASS b\r\nST"), Hears("+OK 1\r\n+OK 2\r\n"), Waits, Says("AT\r\n"), Hears("+OK 3\r\n"), Ends];
    judge("C: USER a\nS: +OK 1\nC: PASS b\nS: +OK 2\nC: STAT\nS: +OK 3\n", &acts, Ok(()));
}

#[test]
fn a_wrong_line_ends_it() {
    let script = "S: +OK\nC: STAT\nS: +OK 1 100\n";
    let said = "line 2 of the script: expected `STAT`, but the client sent `LIST 1`";
    let whole = act(script, Schedule::new(), &[Says("LIST 1\r\nQUIT\r\n"), Hears("+OK\r\n"), Ends]);
    assert_eq!(whole.check().unwrap_err().to_string(), said);
    assert_eq!(whole.check().unwrap_err().line(), 2);
    judge(
        script,
        &[Hears("+OK\r\n"), Says("STAT"), Closes],
        Err("line 2 of the script: expected `STAT`, but the client closed the connection after `STAT`"),
    );
    judge(
        script,
        &[Hears("+OK\r\n"), Closes],
        Err("line 2 of the script: expected `STAT`, but the client closed the connection"),
    );
    judge(
        script,
        &[Says("STA")],
        Err("line 2 of the script: expected `STAT`, but the client has only sent `STA` since"),
    );
}

#[test]
fn a_wait_passes_on_the_clock() {
    let script = "S: +OK\n-- wait 1.5 s\nS: more\nC: QUIT\nS: +OK\n";
    let acts = [
        Hears("+OK\r\n"),
        Waits,
        Passes(1499),
        Waits,
        Passes(1),
        Hears("more\r\n"),
        Says("QUIT\r\n"),
        Hears("+OK\r\n"),
    ];
    judge(script, &acts, Ok(()));
}

#[test]
fn a_quiet_client_passes() {
    let script = "S: +OK\nC: A\n-- quiet\nS: +OK\nC: B\nS: +OK\n";
    let acts =
        [Hears("+OK\r\n"), Says("A\r\n"), Waits, Passes(30), Hears("+OK\r\n"), Says("B\r\n"), Hears("+OK\r\n"), Ends];
    judge(script, &acts, Ok(()));
    let early = act(script, Schedule::new(), &[Hears("+OK\r\n"), Says("A\r\nB\r\n"), Passes(30), Ends]);
    let expected = "line 3 of the script: expected the client to wait, but the client sent `B`";
    assert_eq!(early.check().unwrap_err().to_string(), expected);
}

#[test]
fn a_client_that_is_held_closes_the_connection() {
    let script = "S: +OK\n-- hold\n";
    judge(script, &[Hears("+OK\r\n"), Waits, Closes], Ok(()));
    judge(script, &[Closes], Ok(()));
    judge(
        script,
        &[Hears("+OK\r\n"), Waits],
        Err(
            "line 2 of the script: expected the client to close the connection, but the client has not sent anything since",
        ),
    );
    let said = act(script, Schedule::new(), &[Says("QUIT\r\n"), Hears("+OK\r\n"), Ends]);
    let expected = "line 2 of the script: expected the client to close the connection, but the client sent `QUIT`";
    assert_eq!(said.check().unwrap_err().to_string(), expected);
}

/// A client that has given up need not listen to the rest.
#[test]
fn the_last_words_need_no_listener() {
    judge("S: +OK\nC: QUIT\n-- wait 1 s\nS: +OK\n", &[Hears("+OK\r\n"), Says("QUIT\r\n"), Closes], Ok(()));
}

#[test]
fn octets_may_be_exact() {
    let script = "S= +OK\\n-ER\nC= A\\x00\\\\B\nS: R\nC= end\n";
    let acts = [Hears("+OK\n-ER"), Says("A\0\\B"), Hears("R\r\n"), Says("end"), Ends];
    judge(script, &acts, Ok(()));
    let wrong = act(script, Schedule::new(), &[Hears("+OK\n-ER"), Says("AB"), Ends]);
    let said = r"line 2 of the script: expected `A\x00\\B`, but the client sent `AB`";
    assert_eq!(wrong.check().unwrap_err().to_string(), said);
}

#[test]
#[should_panic(expected = r"line 1 is not a line of a script: S= \q")]
fn there_are_no_other_escapes() {
    ScriptedServer::new(r"S= \q");
}

#[test]
#[should_panic(expected = "line 2 is not a line of a script: -- wait long")]
fn a_script_has_no_other_lines() {
    ScriptedServer::new("S: +OK\n-- wait long\n");
}

#[test]
#[should_panic(expected = "line 1 of the script: expected `QUIT`, but the client sent `NOOP`")]
fn a_test_fails_with_the_mismatch() {
    act("C: QUIT\n", Schedule::new(), &[Says("NOOP\r\n")]).done();
}
