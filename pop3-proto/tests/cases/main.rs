//! Transcripts of other projects' test suites and hostile exchanges, played against the client.
//!
//! They are not a part of this repository: `POP3_CASES` names the folder with `cases.jsonl` and `attacks.jsonl`, and
//! `cargo test --test cases -- --ignored` plays them. Each is played whole, octet by octet, and cut at random.
#![cfg(all(feature = "std", feature = "cram-md5", feature = "scram"))]

mod expect;
mod fields;
mod line;
mod logins;
#[path = "../support/oracle.rs"]
mod oracle;
mod recorded_server;
mod run;
mod seen;
mod server;
mod tables;
mod transcript;

use std::collections::BTreeSet;

use pop3_proto::serve::MailStore;
use pop3_proto::{Server, ServerConfig, Service, transmitted_octets};

use expect::Tally;
use run::{Cut, Run, play};
use tables::{Decision, Expect, POLICY, RESULTS};
use transcript::{Case, read};

/// Plays `case` in every way. All results must be equal, the client's state included.
fn play_all(case: &Case) -> Result<Run, String> {
    let whole = play(case, Cut::Whole)?;
    let long = case.server.iter().map(Vec::len).sum::<usize>() > 100_000;
    let seeds = if long { 1..2 } else { 1..9_u64 };
    let cuts = [Cut::Octets].into_iter().chain(seeds.map(|seed| Cut::Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15))));
    for cut in cuts {
        if play(case, cut)? != whole {
            return Err(format!("{cut:?} makes a difference"));
        }
    }
    Ok(whole)
}

/// Returns the meaning of the case's result. Panics if none is decided, because a result that is not checked is worth
/// nothing.
fn meaning(case: &Case, used: &mut BTreeSet<usize>) -> Option<Expect> {
    let result = case.expected.get("result").map(|result| result.as_str().expect("a text"));
    let row = RESULTS.iter().position(|(key, _)| key.applies(case));
    used.extend(row);
    assert!(row.is_some() || result.is_none(), "{}: what does {result:?} mean?", case.id);
    row.map(|row| RESULTS[row].1)
}

/// Plays one case, given for a parser or for stuffing by `played`, and returns the checks that were made.
fn examine(case: &Case, played: &Case, used: &mut BTreeSet<usize>) -> Tally {
    let mut tally = Tally::default();
    let run = match play_all(played) {
        Ok(run) => run,
        Err(failure) => {
            tally.that(false, failure);
            return tally;
        }
    };
    let decision = POLICY.iter().find(|(id, _)| *id == case.id).map_or(Decision::Same, |(_, decision)| *decision);
    let result = match decision {
        Decision::Text(text) => {
            let status = expect::last_status(&run).map(|status| status.text.as_slice());
            tally.same("text", (status, &run.timestamp), (Some(text.as_bytes()), &None));
            return tally;
        }
        Decision::Other(expect) => {
            expect.check(case, &run, &mut tally);
            return tally;
        }
        Decision::Result(expect) => Some(expect),
        Decision::Same => meaning(case, used),
    };
    if let Some(expect) = result {
        expect.check(case, &run, &mut tally);
    }
    for (name, value) in case.expected.iter().filter(|(name, _)| *name != "result") {
        fields::check(name, value, case, &run, &mut tally);
    }
    // These hold for every case, so they do not count as checks of this one.
    let made = tally.made;
    if !matches!(result, Some(Expect::Stopped(_))) {
        tally.same("the client's lines", run.sent.escape_ascii().to_string(), lines(played));
    }
    if result.is_none() {
        tally.same("error", run.error, None);
    }
    fields::foreign(case, &run, &mut tally);
    tally.made = made;
    tally
}

fn lines(case: &Case) -> String {
    case.client.concat().escape_ascii().to_string()
}

/// Fails with all checks that failed. A case without any check has failed too.
fn judge(cases: &[Case], prepare: impl Fn(&Case) -> Vec<Case>, used: &mut BTreeSet<usize>) {
    let mut failures = Vec::new();
    for case in cases {
        for played in prepare(case) {
            let tally = examine(case, &played, used);
            match tally.failures.as_slice() {
                [] if tally.made == 0 => failures.push(format!("{}: nothing was checked", case.id)),
                [] => {}
                told => failures.push(format!("{} ({}): {}", case.id, case.level, told.join("; "))),
            }
        }
    }
    println!("{} cases, {} failures", cases.len(), failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn of_role(cases: Vec<Case>, role: &str, at_least: usize) -> Vec<Case> {
    let cases: Vec<Case> = cases.into_iter().filter(|case| case.role == role).collect();
    assert!(cases.len() >= at_least, "{} cases of role {role} are too few", cases.len());
    for case in cases.iter().filter(|case| case.level == "policy") {
        assert!(POLICY.iter().any(|(id, _)| *id == case.id), "{}: decide this", case.id);
    }
    cases
}

#[test]
#[ignore = "needs the wire transcripts: set POP3_CASES to their folder"]
fn client_sessions() {
    let cases = of_role(read("cases.jsonl"), "client", 165);
    let attacks = of_role(read("attacks.jsonl"), "client", 82);
    let mut used = BTreeSet::new();
    let all = [cases, attacks].concat();
    judge(&all, |case| vec![case.clone()], &mut used);
    for (row, (key, _)) in RESULTS.iter().enumerate() {
        assert!(used.contains(&row), "{key:?} applies to no case");
    }
}

#[test]
#[ignore = "needs the wire transcripts: set POP3_CASES to their folder"]
fn whole_logins() {
    let cases = [of_role(read("cases.jsonl"), "client", 165), of_role(read("attacks.jsonl"), "client", 82)].concat();
    logins::judge(&cases, 100);
}

#[test]
#[ignore = "needs the wire transcripts: set POP3_CASES to their folder"]
fn parsing() {
    let cases = of_role(read("cases.jsonl"), "parser", 70);
    let session = |case: &Case, start: &str, lines: &[&str], server: Vec<u8>| Case {
        start: start.into(),
        client: lines.iter().map(|line| line.as_bytes().to_vec()).collect(),
        server: vec![server],
        ..case.clone()
    };
    let prepare = |case: &Case| {
        let octets = case.server[0].clone();
        match case.api[0].as_str() {
            "greeting" => vec![session(case, "connect", &[], octets)],
            "single-line" => vec![session(case, "transaction", &["NOOP\r\n"], octets)],
            // Lines of a message and lines of a listing go through different parts of the client.
            "multi-line" => {
                ["RETR 1\r\n", "LANG\r\n"].map(|line| session(case, "transaction", &[line], octets.clone())).to_vec()
            }
            "capability" => {
                let listing = [b"+OK\r\n", octets.as_slice(), b".\r\n"].concat();
                vec![session(case, "authorization", &["CAPA\r\n"], listing)]
            }
            other => panic!("what is a {other}?"),
        }
    };
    judge(&cases, prepare, &mut BTreeSet::new());
}

#[test]
#[ignore = "needs the wire transcripts: set POP3_CASES to their folder"]
fn unstuffing() {
    let cases = of_role(read("cases.jsonl"), "stuffing", 34);
    let prepare = |case: &Case| {
        vec![Case {
            start: "transaction".into(),
            client: vec![b"RETR 1\r\n".to_vec()],
            server: vec![[b"+OK\r\n", case.server[0].as_slice()].concat()],
            ..case.clone()
        }]
    };
    judge(&cases, prepare, &mut BTreeSet::new());
    for case in &cases {
        stuff(&case.client[0], &case.server[0]);
    }
}

/// Checks the encoding direction: a stored `message` is retrieved as `wire`, in room of any size and read in pieces of
/// any size.
fn stuff(message: &[u8], wire: &[u8]) {
    let config = ServerConfig::new().plaintext_login(true);
    let dialogue = b"USER u\r\nPASS p\r\nRETR 1\r\n";
    for at_once in [usize::MAX, 7, 1] {
        let mut server = Server::new(config);
        server.greeting(None, "", &mut Vec::new()).expect("is due");
        let mut input = &dialogue[..];
        while server.receive(&mut input).expect("no TLS").is_some() {
            server.ok("", &mut Vec::new()).expect("is due");
        }
        let mut out = Vec::new();
        for mut piece in message.chunks(at_once.min(message.len().max(1))) {
            while !piece.is_empty() {
                let mut room = vec![0; at_once.clamp(2, 4096)];
                let len = server.body(&mut piece, &mut room).expect("is due");
                out.extend_from_slice(&room[..len]);
            }
        }
        server.end(&mut out).expect("is due");
        assert_eq!(out.escape_ascii().to_string(), wire.escape_ascii().to_string(), "{at_once} at once");
    }

    let store = MailStore::new();
    store.add_user("u", "p");
    store.deliver("u", message);
    let mut service = Service::new(store.maildrop(), config, None);
    service.spare()[..dialogue.len()].copy_from_slice(dialogue);
    service.filled(dialogue.len());
    let mut out = Vec::new();
    while !service.pending().is_empty() {
        let len = service.pending().len().div_ceil(2);
        out.extend_from_slice(&service.pending()[..len]);
        service.written(len);
    }
    // The greeting and three status lines come first.
    let mut lines = out.splitn(5, |&octet| octet == b'\n');
    let size = lines.nth(3).expect("four lines").escape_ascii().to_string();
    assert_eq!(size, format!("+OK {} octets\\r", transmitted_octets(message)));
    let sent = lines.next().expect("the message").escape_ascii().to_string();
    assert_eq!(sent, wire.escape_ascii().to_string(), "by a service");
}

#[test]
#[ignore = "needs the wire transcripts: set POP3_CASES to their folder"]
fn tables_name_only_existing_cases() {
    let cases = [read("cases.jsonl"), read("attacks.jsonl")].concat();
    let exists = |wanted: &str, level: Option<&str>| {
        cases.iter().any(|case| case.id == wanted && level.is_none_or(|level| case.level == level))
    };
    for (id, decision) in POLICY {
        assert!(exists(id, Some("policy")), "{id} ({decision:?}) is no case of policy");
    }
    let ids: BTreeSet<&str> = cases.iter().map(|case| case.id.as_str()).collect();
    assert_eq!(ids.len(), cases.len(), "names are given once");
}
