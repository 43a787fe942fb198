//! The structured part of an expected outcome, and the foreign decoding of each server string.

use pop3_proto::wire::Code;
use pop3_proto::{Command, Kind, State, transmitted_octets};
use serde_json::Value as Json;

use crate::expect::{Tally, last_status, refused, rows};
use crate::logins;
use crate::run::{Run, Step};
use crate::seen::{Seen, Value};
use crate::transcript::{Case, latin1};

/// Checks one field. `result` is not among them.
#[allow(clippy::too_many_lines, reason = "one arm for each field")]
pub(crate) fn check(name: &str, value: &Json, case: &Case, run: &Run, tally: &mut Tally) {
    let text = || latin1(value.as_str().unwrap_or_default());
    let number = || usize::try_from(value.as_u64().expect("a number")).expect("small");
    match name {
        // These are another program's exit code, remarks, and the cost, which has a test of its own.
        "curl_exit" | "note" | "work" => {}
        "credentials_sent" => tally.that(logins::is_judged(case), "no login judges it"),
        "apop_available" if case.tls_after.is_some() => tally.that(logins::is_judged(case), "no login judges it"),
        "body" => tally.that(contents(run).contains(&text()), "no answer has this content"),
        "body_len" | "body_octets" => {
            let found: Vec<usize> = contents(run).iter().map(Vec::len).collect();
            tally.same("octets", found, vec![number()]);
        }
        "body_len_each" => {
            let found: Vec<usize> = bodies(run).iter().map(Vec::len).collect();
            tally.that(!found.is_empty() && found.iter().all(|&len| len == number()), format!("{found:?}"));
        }
        "stat" => {
            let expected = (value["count"].as_u64().unwrap(), value["size"].as_u64().unwrap());
            tally.that(values(run).contains(&&Value::Stat(Ok(expected))), "no STAT says so");
        }
        "list" => {
            let first = first(run, |kind| matches!(kind, Kind::ListAll | Kind::ListOne));
            let found: Vec<Json> = first.iter().filter_map(|value| listed(value)).collect();
            tally.same("list", &Json::from(found), value);
        }
        "list_contains" => {
            let found: Vec<Json> = values(run).iter().filter_map(|value| listed(value)).collect();
            tally.that(value.as_array().unwrap().iter().all(|row| found.contains(row)), format!("{found:?}"));
        }
        "list_len" => tally.same("rows", rows(run).filter_map(listed).count(), number()),
        "uidl" => {
            let first = first(run, |kind| matches!(kind, Kind::UidlAll | Kind::UidlOne));
            let found: Vec<Json> = first.iter().filter_map(|value| named(value)).collect();
            tally.same("uidl", &Json::from(found), value);
        }
        "valid" => {
            let conforming: Vec<bool> = rows(run)
                .filter_map(|value| if let Value::Id(Ok((.., conforming))) = value { Some(*conforming) } else { None })
                .collect();
            tally.same("conforming", conforming, vec![value.as_bool().unwrap()]);
        }
        "capabilities" | "tag" | "params" | "expire" | "per_user" | "roundtrip" => {
            capability(name, value, case, run, tally);
        }
        "languages" => {
            let found: Vec<Json> = rows(run).filter_map(language).collect();
            tally.same("languages", &Json::from(found), value);
        }
        "selected" => {
            let chosen = run.steps.iter().filter(|step| step.kinds == [Kind::Lang]).flat_map(values_of);
            let found: Vec<Json> = chosen.filter_map(language).map(|mut pair| pair[0].take()).collect();
            tally.same("selected", &Json::from(found), value);
        }
        "last" => {
            let all = values(run);
            let found = all.iter().filter_map(|v| if let Value::Last(Ok(n)) = v { Some(Json::from(*n)) } else { None });
            tally.same("last", &found.collect::<Json>(), value);
        }
        "apop_timestamp" => {
            let expected = value.as_str().map(latin1);
            tally.same("timestamp", &run.timestamp, &expected);
        }
        "bracket_text" => tally.that(value.is_null() && run.timestamp.is_none(), "no timestamp is wanted"),
        "apop_available" => tally.same("timestamp", run.timestamp.is_some(), value.as_bool().unwrap()),
        "ok" => tally.same("ok", last_status(run).map(|status| status.ok), value.as_bool()),
        "text" => {
            let expected = value.as_str().unwrap_or_default().trim_end_matches(" (UTF-8 bytes)");
            tally.same("text", last_status(run).map(|status| status.text.clone()), Some(latin1(expected)));
        }
        "code" => {
            let levels: Vec<Vec<u8>> = value.as_array().unwrap().iter().map(|v| latin1(v.as_str().unwrap())).collect();
            let found = last_status(run).and_then(|status| status.levels.clone()).unwrap_or_default();
            tally.same("code", found, levels);
        }
        "resp_code" => {
            let found = last_status(run).and_then(|status| status.code);
            tally.same("response code", found, value.as_str().map(code));
        }
        "lines" => {
            let expected: Vec<Vec<u8>> =
                value.as_array().unwrap().iter().map(|v| latin1(v.as_str().unwrap())).collect();
            tally.same("lines", run.steps.last().map(lines), Some(expected));
        }
        "state" => {
            let authorization = matches!(run.client.state(), State::Authorization | State::Named);
            let closed = run.client.state() == State::Closed;
            match value.as_str() {
                Some("AUTHORIZATION") => tally.that(authorization, "not in AUTHORIZATION"),
                Some("never TRANSACTION") => tally.that(closed, "not closed"),
                other => tally.that(false, format!("what is {other:?}?")),
            }
        }
        "api_result" => tally.that(refused(&run.client, Command::Stat).is_some(), "STAT is not refused"),
        "then" => tally.same("the last answer", last_status(run).map(|status| status.ok), Some(false)),
        "results" => {
            let ends = run.seen().filter(|seen| **seen == Seen::End).count();
            let refusals = run.seen().filter(|seen| matches!(seen, Seen::Status(status) if !status.ok)).count();
            let incomplete = run.ended.is_some_and(|end| end.is_err()) && run.client.in_flight() == 1;
            tally.same("results", (value, ends, refusals, incomplete), (&results(), 1, 1, true));
        }
        "bytes_sent" => tally.same("sent", run.sent.clone(), text()),
        "tls_started" => tally.that(run.client.clone().tls_established(b"").is_err(), "TLS may begin"),
        "wire" | "decoded" | "octets" => stuffing(name, value, case, run, tally),
        _ => tally.that(false, format!("nobody checks {name}")),
    }
}

fn results() -> Json {
    Json::from(vec!["ok", "error", "incomplete"])
}

fn code(name: &str) -> Code {
    match name.split(' ').next().unwrap_or_default() {
        "IN-USE" => Code::InUse,
        "SYS/TEMP" => Code::SysTemp,
        "SYS/PERM" => Code::SysPerm,
        "AUTH" => Code::Auth,
        "UTF8" => Code::Utf8,
        other => panic!("what is {other}?"),
    }
}

fn capability(name: &str, value: &Json, case: &Case, run: &Run, tally: &mut Tally) {
    let capabilities = rows(run).filter_map(|row| match row {
        Value::Capability { words, expire } => Some((words, expire)),
        _ => None,
    });
    let words: Json = capabilities.clone().map(|(words, _)| words.iter().map(|w| json(w)).collect::<Json>()).collect();
    let expire = capabilities.clone().find_map(|(_, expire)| *expire);
    match name {
        "capabilities" => tally.same("capabilities", &words, value),
        "tag" => tally.same("tag", &words[0][0], value),
        "params" => {
            let params = words[0].as_array().map(|words| Json::from(words[1..].to_vec()));
            tally.same("params", params.as_ref(), Some(value));
        }
        "expire" => tally.same("expire", expire.map(|(days, _)| days), Some(value.as_u64())),
        "per_user" => tally.same("per user", expire.map(|(_, per_user)| per_user), value.as_bool()),
        _ => {
            let line = case.server[0].strip_suffix(b"\r\n").unwrap_or_default();
            let kept = run.seen().any(|seen| matches!(seen, Seen::Row(row, _) if row == line));
            tally.that(kept && value == true, "the line is not kept");
        }
    }
}

/// Checks the decoding direction, in which the wire form is the answer to RETR.
fn stuffing(name: &str, value: &Json, case: &Case, run: &Run, tally: &mut Tally) {
    let message = &case.client[0];
    let found = bodies(run).pop().unwrap_or_default();
    match name {
        "wire" => {
            tally.same("the transcript's own wire form", &latin1(value.as_str().unwrap()), &case.server[0]);
            tally.same("the message back", found, canonical(message));
        }
        "decoded" => tally.same("the message back", found, latin1(value.as_str().unwrap())),
        _ => tally.same("octets", Some(transmitted_octets(message)), value.as_u64()),
    }
}

/// Returns a message as RFC 1939 sends it, apart from the dots: all lines end in CRLF. It shares no code with the
/// crate.
fn canonical(message: &[u8]) -> Vec<u8> {
    let ends = message.is_empty() || message.ends_with(b"\n");
    let closed = [message, if ends { b"" } else { b"\n" }].concat();
    let lines = closed.split_inclusive(|&b| b == b'\n').map(|line| &line[..line.len() - 1]);
    lines.flat_map(|line| [line.strip_suffix(b"\r").unwrap_or(line), b"\r\n"].concat()).collect()
}

/// Compares each answer with the result of another, strict decoder for the same octets.
pub(crate) fn foreign(case: &Case, run: &Run, tally: &mut Tally) {
    // A step without a question, apart from the greeting, is one where the client sent nothing.
    let heard = run.steps.iter().filter(|step| !step.seen.is_empty());
    for (decoded, step) in case.decoded.iter().zip(heard) {
        if let Some(challenge) = decoded["challenge"].as_str() {
            tally.same("challenge", step.seen.last(), Some(&Seen::Challenge(latin1(challenge))));
            continue;
        }
        let status = step.seen.iter().find_map(|seen| match seen {
            Seen::Status(status) => Some((status.ok, Some(status))),
            Seen::StartTls => Some((true, None)),
            _ => None,
        });
        tally.same("status", status.map(|(ok, _)| ok), Some(decoded["status"] == "+OK"));
        if let Some((_, Some(status))) = status {
            let text = latin1(decoded["text"].as_str().unwrap_or_default());
            let codes = status.levels.as_ref().map(|levels| [b"[", levels.join(&b'/').as_slice(), b"] "].concat());
            tally.same("text", [codes.unwrap_or_default(), status.text.clone()].concat(), text);
        }
        if let Some(expected) = decoded["lines"].as_array() {
            let expected: Vec<Vec<u8>> = expected.iter().map(|line| latin1(line.as_str().unwrap())).collect();
            tally.same("lines", lines(step), expected);
        }
    }
}

fn lines(step: &Step) -> Vec<Vec<u8>> {
    let content = content(step);
    let mut lines: Vec<Vec<u8>> = Vec::new();
    let mut rest = content.as_slice();
    while let Some(end) = rest.windows(2).position(|pair| pair == b"\r\n") {
        lines.push(rest[..end].to_vec());
        rest = &rest[end + 2..];
    }
    lines
}

/// Returns a message, or a listing with its line ends put back.
fn content(step: &Step) -> Vec<u8> {
    let parts = step.seen.iter().map(|seen| match seen {
        Seen::Body(body) => body.clone(),
        Seen::Row(row, _) => [row, b"\r\n".as_slice()].concat(),
        _ => Vec::new(),
    });
    parts.collect::<Vec<_>>().concat()
}

fn contents(run: &Run) -> Vec<Vec<u8>> {
    let has_content = |kind: &Kind| matches!(kind, Kind::Retr | Kind::Top | Kind::ListAll | Kind::UidlAll);
    run.steps.iter().filter(|step| step.kinds.iter().any(has_content)).map(content).collect()
}

fn bodies(run: &Run) -> Vec<Vec<u8>> {
    run.steps.iter().filter(|step| step.kinds.contains(&Kind::Retr)).map(content).collect()
}

fn values_of(step: &Step) -> impl Iterator<Item = &Value> {
    step.seen.iter().filter_map(|seen| match seen {
        Seen::Status(status) if status.ok => Some(&status.value),
        Seen::Row(_, value) => Some(value),
        _ => None,
    })
}

fn values(run: &Run) -> Vec<&Value> {
    run.steps.iter().flat_map(values_of).collect()
}

/// Returns the values of the first answer to such a command.
fn first(run: &Run, wanted: impl Fn(&Kind) -> bool) -> Vec<&Value> {
    run.steps.iter().find(|step| step.kinds.iter().any(&wanted)).into_iter().flat_map(values_of).collect()
}

fn json(octets: &[u8]) -> Json {
    octets.iter().copied().map(char::from).collect::<String>().into()
}

fn listed(value: &Value) -> Option<Json> {
    let Value::Scan(Ok((number, octets))) = value else { return None };
    Some(vec![*number, *octets].into())
}

fn named(value: &Value) -> Option<Json> {
    let Value::Id(Ok((number, id, _))) = value else { return None };
    Some(vec![Json::from(*number), json(id)].into())
}

fn language(value: &Value) -> Option<Json> {
    let Value::Language(tag, description) = value else { return None };
    Some(vec![json(tag), json(description)].into())
}
