//! Checks for the prose of a transcript's `result`.

use pop3_proto::wire::{Charset, Payload, Response};
use pop3_proto::{BadArgument, Client, Command, Kind, Malformed, ProtocolError, State, UsageError, Violation};

use crate::line::{self, NoCommand};
use crate::logins;
use crate::run::{Run, Stop};
use crate::seen::{Seen, Status, Value};
use crate::tables::Expect;
use crate::transcript::Case;

/// Checks that were made, and those that failed.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) made: usize,
    pub(crate) failures: Vec<String>,
}

impl Tally {
    pub(crate) fn that(&mut self, holds: bool, what: impl AsRef<str>) {
        self.made += 1;
        if !holds {
            self.failures.push(what.as_ref().to_owned());
        }
    }

    #[allow(clippy::needless_pass_by_value, reason = "most of what is compared was made for it")]
    pub(crate) fn same<T: PartialEq + core::fmt::Debug>(&mut self, what: &str, ours: T, theirs: T) {
        let holds = ours == theirs;
        let told = if holds { String::new() } else { format!("{what}: {ours:?} for {theirs:?}") };
        self.that(holds, told.chars().take(400).collect::<String>());
    }
}

pub(crate) fn last_status(run: &Run) -> Option<&Status> {
    run.seen().rev().find_map(|seen| if let Seen::Status(status) = seen { Some(status) } else { None })
}

fn violation(error: Result<(), ProtocolError>) -> Option<Violation> {
    error.err().map(|error| error.violation())
}

/// Returns the error if `command` is refused without an effect.
pub(crate) fn refused(client: &Client, command: Command<'_>) -> Option<UsageError> {
    let (mut tried, mut out) = (client.clone(), Vec::new());
    let rejected = tried.send(command, &mut out).err()?;
    (out.is_empty() && tried == *client).then_some(rejected)
}

impl Expect {
    #[allow(clippy::too_many_lines, reason = "one arm for each meaning")]
    pub(crate) fn check(self, case: &Case, run: &Run, tally: &mut Tally) {
        let last = last_status(run).map(|status| status.ok);
        match self {
            Expect::Success => {
                let untroubled = run.error.is_none() && run.stop.is_none() && run.ended.is_none_or(|end| end.is_ok());
                tally.that(untroubled, format!("{:?} {:?} {:?}", run.error, run.stop, run.ended));
                tally.same("all is answered", run.client.in_flight(), 0);
                let tls = run.seen().next_back() == Some(&Seen::StartTls);
                tally.that(tls || last == Some(true), "the last answer is no success");
            }
            Expect::Updated => {
                Expect::Success.check(case, run, tally);
                tally.same("state", run.client.state(), State::Update);
            }
            Expect::ClosedByQuit => {
                Expect::Success.check(case, run, tally);
                tally.same("state", run.client.state(), State::Closed);
            }
            Expect::Refused => {
                tally.same("the last answer", last, Some(false));
                tally.that(run.error.is_none() && run.stop.is_none(), format!("{:?} {:?}", run.error, run.stop));
                tally.that(refused(&run.client, Command::Capa).is_none(), "the session is not usable");
            }
            Expect::RefusedThenQuit => {
                let answers: Vec<bool> = statuses(run).map(|status| status.ok).collect();
                tally.that(answers.ends_with(&[false, true]), format!("{answers:?}"));
                tally.same("state", run.client.state(), State::Update);
            }
            Expect::Denial => {
                Expect::Refused.check(case, run, tally);
                tally.same("state", run.client.state(), State::Authorization);
            }
            Expect::UpdateRefused => {
                tally.same("the last answer", last, Some(false));
                tally.same("state", run.client.state(), State::Update);
                tally.that(run.client.clone().receive_eof(b"").is_ok(), "the session is not over");
            }
            Expect::Poisoned => poisoned(run, tally),
            Expect::OkThenPoisoned | Expect::RefusedThenPoisoned => {
                tally.same("the last answer", last, Some(self == Expect::OkThenPoisoned));
                poisoned(run, tally);
            }
            Expect::LineTooLong => {
                let limit = pop3_proto::Config::default().max_line;
                let found = run.error.map(|error| error.violation());
                tally.same("violation", found, Some(Violation::LineTooLong { limit }));
                poisoned(run, tally);
            }
            Expect::Closed(awaiting) => {
                let error = run.ended.and_then(Result::err);
                tally.same("violation", error.map(|error| error.violation()), Some(Violation::Closed));
                tally.same("awaiting", error.map(|error| error.awaiting()), Some(awaiting));
                tally.that(run.client.state() != State::Update, "the deletions count as done");
            }
            Expect::StartsTls => {
                tally.same("the last event", run.seen().next_back(), Some(&Seen::StartTls));
                tally.same("error", run.error, None);
            }
            Expect::Secured => {
                tally.that(run.client.inside_tls(), "no TLS");
                tally.same("a second STLS", refused(&run.client, Command::Stls), Some(UsageError::InsideTls));
            }
            Expect::Stopped(rejected) => tally.same("the next line", run.stop, Some(Stop::Usage(rejected))),
            Expect::NoTimestamp => {
                tally.same("APOP", run.stop, Some(Stop::NoCommand(NoCommand::NoTimestamp)));
            }
            Expect::BadArgument => bad_argument(case, run, tally),
            Expect::TooLong => {
                let password = case.setting("password", "");
                let rejected = refused(&run.client, Command::Pass(password));
                tally.same("PASS", rejected, Some(UsageError::TooLong { len: password.len() + 7 }));
            }
            Expect::NoPlain => tally.same("PLAIN", line::plain(case).err(), Some(BadArgument::Control)),
            Expect::LocalCall(rejected) => {
                let mut calls = 0;
                for call in case.api.iter().filter(|call| !said(case, call)) {
                    let command = if call.eq_ignore_ascii_case("stls") { Command::Stls } else { Command::Stat };
                    tally.same(call, refused(&run.client, command), Some(rejected));
                    calls += 1;
                }
                tally.that(calls > 0, "no call to try");
            }
            Expect::ByLogin => tally.that(logins::is_judged(case), "no login judges it"),
            Expect::OtherMessage => {
                let values = statuses(run).map(|status| &status.value);
                let last = values.last().cloned();
                tally.same("the listing", last, Some(Value::Scan(Err(Malformed::OtherMessage))));
            }
            Expect::NoNumbers => {
                let last = last_status(run).map(|status| status.value.clone());
                tally.same("the drop listing", last, Some(Value::Stat(Err(Malformed::DropListing))));
            }
            Expect::ZeroFails => {
                let rows: Vec<&Value> = rows(run).collect();
                tally.same("the row of message 0", rows.first(), Some(&&Value::Scan(Err(Malformed::ScanListing))));
                tally.same("rows", rows.len(), 4);
            }
            Expect::RowsOrLimit => {
                let whole = run.error.is_none() && rows(run).count() == 1_000_000;
                let limited = matches!(run.error.map(|e| e.violation()), Some(Violation::TooManyRows { .. }));
                tally.that(whole || limited, "neither all rows nor the limit");
            }
            Expect::NoTimestampOrError => {
                tally.that(run.error.is_some() || run.timestamp.is_none(), "a timestamp was found");
            }
        }
    }
}

fn said(case: &Case, call: &str) -> bool {
    // After QUIT or before a login, no such command was sent; `user` and `utf8` are lines of the transcript.
    let line = format!("{}\r\n", call.to_ascii_uppercase()).into_bytes();
    case.client.contains(&line) || call.starts_with("user")
}

fn statuses(run: &Run) -> impl Iterator<Item = &Status> {
    run.seen().filter_map(|seen| if let Seen::Status(status) = seen { Some(status) } else { None })
}

pub(crate) fn rows(run: &Run) -> impl Iterator<Item = &Value> + Clone {
    run.seen().filter_map(|seen| if let Seen::Row(_, value) = seen { Some(value) } else { None })
}

/// Checks that the session has failed, keeps failing in the same way, and sends nothing more.
fn poisoned(run: &Run, tally: &mut Tally) {
    let Some(error) = run.error else { return tally.that(false, "no protocol error") };
    let mut client = run.client.clone();
    let mut input: &[u8] = b"+OK\r\n";
    tally.same("receive", client.receive(&mut input), Err(error));
    tally.same("the end of the stream", violation(client.receive_eof(b"")), Some(error.violation()));
    tally.same("TLS", violation(client.tls_established(b"")), Some(error.violation()));
    let number = 1;
    for command in [
        Command::User("u"),
        Command::Pass("p"),
        Command::Auth { mechanism: "PLAIN", initial_response: Some(Payload::Octets(b"\0u\0p")) },
        Command::Stls,
        Command::Capa,
        Command::Stat,
        Command::Retr(number),
        Command::Dele(number),
        Command::Noop,
        Command::Quit,
    ] {
        tally.same("send", refused(&run.client, command), Some(UsageError::Over));
    }
    let mut out = Vec::new();
    let responded = client.respond(Response::Data(Payload::Octets(b"secret")), &mut out);
    tally.same("respond", (responded, out), (Err(UsageError::Over), Vec::new()));
    tally.same("the client afterwards", &client, &run.client);
}

/// Checks that the name or the password is refused before any part of either is written.
fn bad_argument(case: &Case, run: &Run, tally: &mut Tally) {
    // Two cases name neither: any line break does for them.
    let user = Command::User(case.setting("user", "u\r\nQUIT"));
    let pass = Command::Pass(case.setting("password", "p"));
    let mut named = run.client.clone();
    named.send(Command::User("u"), &mut Vec::new()).expect("permitted");
    let bad = [(user, &run.client), (pass, &named)].into_iter().filter_map(|(command, client)| {
        Some((command.check(Charset::Ascii).err()?, refused(client, command), command.kind()))
    });
    let bad: Vec<(BadArgument, Option<UsageError>, Kind)> = bad.collect();
    tally.that(!bad.is_empty(), "neither the name nor the password is known to be bad");
    for (argument, rejected, _) in bad {
        tally.same("send", rejected, Some(UsageError::Argument(argument)));
    }
    tally.that(run.sent.is_empty(), "something was sent");
}
