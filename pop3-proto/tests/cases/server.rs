//! Plays every recorded exchange that judges the server: fed command by command, octet by octet, cut at random, and
//! with all commands at once.
//!
//! `POP3_CASES=folder cargo test --all-features --test cases -- --ignored`

use pop3_proto::serve::{Denial, LoginAttempt, MailStore, Maildrop, MemoryMaildrop, StoreError};
use pop3_proto::wire::{Code, Digest, Timestamp};
use pop3_proto::{Server, ServerConfig, Service};
use serde_json::Value;

const TIMESTAMP: &[u8] = b"<4711.1@pop.example.org>";

/// Exceptions from the record, and the reasons. Each must still exist, and still differ.
const EXCEPTIONS: [(&str, &str); 3] = [
    ("james-srv-oauth-error", "optional: `Service` has PLAIN and SCRAM-SHA-256; a token is for somebody else to check"),
    ("james-srv-apop", "the timestamp is the last word of the greeting: curl looks for it there and nowhere else"),
    (
        "james-srv-stls-one-segment",
        "STLS is answered before the session ends, because it is when the same octets come in two segments",
    ),
];

/// Fields that are not judged here, case by case, and the reasons. Each must still exist.
const NOT_JUDGED: [(&str, &str, &str); 6] = [
    ("migadu-srv-auth-deadline", "after.action", TIME),
    ("migadu-srv-auth-deadline", "after.closed", TIME),
    ("migadu-srv-stls-stall", "after.action", TIME),
    ("migadu-srv-stls-stall", "after.closed", TIME),
    ("migadu-srv-idle", "after.action", TIME),
    ("migadu-srv-idle", "after.closed", TIME),
];
const TIME: &str = "time is the driver's: that the session may be dropped at any moment is what there is to judge";

/// The least number of cases. With fewer, the folder is the wrong one.
const MUST: usize = 107;
const ALL: usize = 122;

#[test]
#[ignore = "needs the wire transcripts: set POP3_CASES to their folder"]
fn every_server_case() {
    let folder = std::env::var("POP3_CASES").expect("POP3_CASES is the folder of cases.jsonl");
    let text = std::fs::read_to_string(format!("{folder}/cases.jsonl")).expect("cases.jsonl can be read");
    let cases = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("a case is JSON"));
    let cases: Vec<_> = cases.filter(|case| case["role"] == "server").collect();

    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut must, mut failures, mut excepted, mut not_judged) = (0, Vec::new(), Vec::new(), 0);
    for case in &cases {
        let id = case["id"].as_str().expect("a case has an id");
        for field in unjudged(case) {
            if NOT_JUDGED.iter().any(|(case, listed, _)| *case == id && *listed == field) {
                not_judged += 1;
            } else {
                failures.push(format!("{id}: nothing judges the field {field}"));
            }
        }
        must += usize::from(case["level"] == "must");
        let result = [Cut::Commands, Cut::Octets, Cut::Random, Cut::Nowhere]
            .into_iter()
            .try_for_each(|cut| run(case, cut, &mut random).map_err(|why| format!("{id} ({cut:?}): {why}")));
        match (EXCEPTIONS.iter().any(|(excepted, _)| *excepted == id), result) {
            (false, Err(why)) => failures.push(why),
            (true, Ok(())) => failures.push(format!("{id} passes: it is no exception any more")),
            (true, Err(_)) => excepted.push(id),
            (false, Ok(())) => {}
        }
    }
    println!("{} cases, {must} of them must; {} excepted, {not_judged} fields not judged", cases.len(), excepted.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert_eq!(excepted.len(), EXCEPTIONS.len(), "an exception does not exist any more");
    assert_eq!(not_judged, NOT_JUDGED.len(), "what is not judged does not exist any more");
    assert!(must >= MUST && cases.len() >= ALL, "cases are missing");
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Cut {
    Commands,
    Octets,
    Random,
    Nowhere,
}

/// Runs one case. Parts that the record leaves open are not compared.
fn run(case: &Value, cut: Cut, random: &mut Random) -> Result<(), String> {
    let config = &case["config"];
    let tls_after = case["tls_after"].as_u64();
    if cut == Cut::Nowhere && config["tls"] != Value::Null {
        // With TLS to come, sending all at once is another exchange: an injection.
        return Ok(());
    }
    let store = store(config);
    let commands: Vec<_> = strings(&case["client_commands_expected"]).map(|said| octets(said, config)).collect();
    let expected: Vec<_> = case["expected_outcome"]["replies"].as_array().into_iter().flatten().collect();

    let (said, ended) = if config["full"] == true {
        let mut out = Vec::new();
        let mut server = Server::new(ServerConfig::default());
        server.no_service(Some(Code::InUse), "full", &mut out).map_err(|error| error.to_string())?;
        (out, true)
    } else {
        let mut service = Service::new(maildrop(&store, config), server_config(config), timestamp(config));
        let mut said = drain(&mut service);
        if cut == Cut::Nowhere {
            feed(&mut service, &commands.concat(), usize::MAX, &mut said);
        }
        for (nth, command) in commands.iter().enumerate().filter(|_| cut != Cut::Nowhere) {
            let mut rest = &command[..];
            while !rest.is_empty() {
                let len = match cut {
                    Cut::Octets => 1,
                    Cut::Random => rest.len().min(1 + random.below(9)),
                    _ => rest.len(),
                };
                feed(&mut service, &rest[..len], len, &mut said);
                rest = &rest[len..];
            }
            if tls_after == Some(nth as u64) {
                service.tls_established();
            }
        }
        let ended = service.is_over();
        (said, ended)
        // The session is dropped here. `after` describes this, whichever side hung up.
    };

    let mut rest = &said[..];
    for (nth, expected) in expected.iter().enumerate() {
        let keyword = nth.checked_sub(1).and_then(|nth| commands.get(nth)).map_or(&b""[..], |command| command);
        judge(expected, keyword, &mut rest, ended)
            .map_err(|why| format!("reply {nth}: {why}; all was {:?}", show(&said)))?;
    }
    if !rest.is_empty() {
        return Err(format!("nobody asked for {:?}", show(rest)));
    }
    if let Some(left) = case["expected_outcome"]["after"]["mailbox_messages"].as_u64() {
        let user = config["users"].as_object().and_then(|users| users.keys().next()).expect("there is a user");
        let messages = store.messages(user).len();
        if messages as u64 != left {
            return Err(format!("{messages} messages are left instead of {left}"));
        }
    }
    Ok(())
}

/// Returns the fields of a case that this harness does not look at.
fn unjudged(case: &Value) -> Vec<String> {
    // These fields repeat others in other words, or are for people.
    const CASE: &[&str] = &[
        "id",
        "source",
        "role",
        "level",
        "purpose",
        "start",
        "config",
        "api",
        "server_bytes",
        "client_commands_expected",
        "expected_outcome",
        "derived",
        "notes",
        "tls_after",
        "segments",
    ];
    const CONFIG: &[&str] = &[
        "users",
        "mailbox",
        "uids",
        "mailbox_octets",
        "note",
        "tls",
        "apop",
        "require_tls",
        "oauth",
        "vanish_after_login",
        "max_errors",
        "auth_timeout_ms",
        "blocked",
        "login_error_text",
        "handshake_timeout_ms",
        "full",
        "idle_timeout_ms",
    ];
    const REPLY: &[&str] = &[
        "status",
        "wire_lines",
        "multiline",
        "text_starts_with",
        "line_count",
        "closed",
        "contains",
        "text",
        "resp_code",
        "nothing",
    ];
    let unknown = |name: &str, value: &Value, known: &[&str]| -> Vec<String> {
        let keys = value.as_object().into_iter().flat_map(|object| object.keys());
        keys.filter(|key| !known.contains(&key.as_str())).map(|key| format!("{name}{key}")).collect()
    };
    let outcome = &case["expected_outcome"];
    let mut fields = unknown("", case, CASE);
    fields.extend(unknown("config.", &case["config"], CONFIG));
    fields.extend(unknown("expected_outcome.", outcome, &["replies", "after"]));
    for reply in outcome["replies"].as_array().into_iter().flatten() {
        fields.extend(unknown("reply.", reply, REPLY));
    }
    // Each case ends with a dropped connection.
    let dropped = outcome["after"]["action"] == "drop connection";
    let known: &[&str] = if dropped { &["mailbox_messages", "action"] } else { &["mailbox_messages"] };
    fields.extend(unknown("after.", &outcome["after"], known));
    fields
}

/// Takes one reply from the front of `rest` and compares it.
fn judge(expected: &Value, command: &[u8], rest: &mut &[u8], ended: bool) -> Result<(), String> {
    if expected["closed"] == true && !ended {
        return Err("the session is not over".into());
    }
    let Some(status) = expected["status"].as_str() else {
        return if expected["closed"] == true || expected["nothing"] == true { Ok(()) } else { Err("empty".into()) };
    };
    let line = take_line(rest)?;
    let text = line.strip_prefix(status).ok_or(format!("{line:?} instead of {status}"))?;
    if !(text.is_empty() || text.starts_with(' ')) || line.len() > 510 {
        return Err(format!("{line:?} is no status line"));
    }
    let text = text.strip_prefix(' ').unwrap_or(text);
    if let Some(start) = expected["text_starts_with"].as_str() {
        // Records cut the text anywhere: a number continues to its end.
        let digit = |text: &str| text.bytes().next().is_some_and(|octet| octet.is_ascii_digit());
        let good =
            text.strip_prefix(start).is_some_and(|rest| !start.ends_with(|c: char| c.is_ascii_digit()) || !digit(rest));
        if !good {
            return Err(format!("{text:?} does not start with {start:?}"));
        }
    }
    if expected["text"].as_str().is_some_and(|wanted| wanted != text) {
        return Err(format!("{text:?} instead of {}", expected["text"]));
    }
    if expected["resp_code"].as_str().is_some_and(|code| !text.starts_with(&format!("[{code}]"))) {
        return Err(format!("{text:?} has not the code {}", expected["resp_code"]));
    }

    let command = String::from_utf8_lossy(command).trim_end().to_ascii_uppercase();
    let listing = ["CAPA", "LIST", "UIDL"].contains(&command.as_str());
    let multi = listing || command.starts_with("RETR ") || command.starts_with("TOP ");
    if expected["multiline"].as_bool().is_some_and(|wanted| wanted != (status == "+OK" && multi)) {
        return Err(format!("{command:?} has one line where the record has several, or the other way round"));
    }
    let mut lines = Vec::new();
    if status == "+OK" && multi {
        loop {
            match take_line(rest)? {
                line if line == "." => break,
                line => lines.push(line),
            }
        }
    }
    if let Some(wanted) = expected["wire_lines"].as_array() {
        if !wanted.iter().map(Value::as_str).eq(lines.iter().map(|line| Some(line.as_str()))) {
            return Err(format!("{lines:?} instead of {wanted:?}"));
        }
    }
    if expected["line_count"].as_u64().is_some_and(|count| count != lines.len() as u64) {
        return Err(format!("{} lines instead of {}", lines.len(), expected["line_count"]));
    }
    let mut wanted = strings(&expected["contains"]);
    wanted.all(|line| lines.iter().any(|have| have == line)).then_some(()).ok_or(format!("{lines:?} lack a line"))
}

fn take_line(rest: &mut &[u8]) -> Result<String, String> {
    let end = rest.windows(2).position(|pair| pair == b"\r\n").ok_or("the reply is missing")?;
    let line = &rest[..end];
    *rest = &rest[end + 2..];
    if line.iter().any(|octet| b"\r\n\0".contains(octet)) {
        return Err(format!("{:?} is not one line", show(line)));
    }
    Ok(show(line))
}

/// Octets as Latin-1, one character each, as the record has them.
fn show(octets: &[u8]) -> String {
    octets.iter().map(|&octet| char::from(octet)).collect()
}

fn feed(service: &mut Service<CaseMaildrop>, octets: &[u8], at_once: usize, said: &mut Vec<u8>) {
    let mut rest = octets;
    while !rest.is_empty() && !service.is_over() {
        let spare = service.spare();
        let len = rest.len().min(at_once).min(spare.len());
        assert!(len > 0, "there is room");
        spare[..len].copy_from_slice(&rest[..len]);
        rest = &rest[len..];
        service.filled(len);
        said.append(&mut drain(service));
    }
}

fn drain(service: &mut Service<CaseMaildrop>) -> Vec<u8> {
    let mut said = Vec::new();
    while !service.pending().is_empty() {
        said.extend_from_slice(service.pending());
        service.written(service.pending().len());
    }
    said
}

fn strings(value: &Value) -> impl Iterator<Item = &str> {
    value.as_array().into_iter().flatten().map(|text| text.as_str().expect("a string"))
}

/// A string of the record: Latin-1, repetitions, and digests that the harness computes.
fn octets(text: &str, config: &Value) -> Vec<u8> {
    if let Some(repeated) = text.strip_prefix("@rep:") {
        let parts: Vec<(String, usize)> = serde_json::from_str(repeated).expect("pairs of text and count");
        return parts.iter().flat_map(|(text, count)| octets(text, config).repeat(*count)).collect();
    }
    let mut text = text.to_string();
    if text.contains("@digest") {
        let user = text.split(' ').nth(1).expect("APOP names a user").to_string();
        let secret = config["users"][user].as_str().expect("the user exists");
        let digest = Digest::new(Timestamp::find(TIMESTAMP).expect("it is valid"), secret.as_bytes());
        text = text.replace("@digest", std::str::from_utf8(digest.as_bytes()).expect("hex digits"));
    }
    assert!(!text.contains("@cram"), "no server case needs CRAM-MD5");
    text.chars().map(|c| u8::try_from(c).expect("Latin-1")).collect()
}

fn server_config(config: &Value) -> ServerConfig {
    let refusals = config["max_errors"].as_u64().map(|most| u32::try_from(most).expect("few"));
    ServerConfig::new()
        .plaintext_login(config["require_tls"] != true)
        .stls(config["tls"] == "offer")
        .inside_tls(config["tls"] == "implicit")
        .max_refusals(refusals.unwrap_or(ServerConfig::default().max_refusals))
}

fn timestamp(config: &Value) -> Option<Timestamp<'static>> {
    (config["apop"] == true).then(|| Timestamp::find(TIMESTAMP).expect("it is valid"))
}

fn store(config: &Value) -> MailStore {
    let store = MailStore::new();
    for (user, password) in config["users"].as_object().into_iter().flatten() {
        store.add_user(user, password.as_str().expect("a password"));
        let messages = strings(&config["mailbox"]).map(|message| octets(message, config));
        let sizes = config["mailbox_octets"].as_array().into_iter().flatten();
        let messages: Vec<_> = messages.chain(sizes.map(|_| b"x".to_vec())).collect();
        let ids = strings(&config["uids"]).map(Some).chain(std::iter::repeat(None));
        for (message, id) in messages.iter().zip(ids) {
            match id {
                Some(id) => store.deliver_as(user, id, message),
                None => store.deliver(user, message),
            };
        }
    }
    store
}

/// A maildrop with the oddities that a case asks for.
struct CaseMaildrop {
    inner: MemoryMaildrop,
    octets: Vec<u64>,
    vanished: Vec<u64>,
    refused: Option<Denial>,
}

fn maildrop(store: &MailStore, config: &Value) -> CaseMaildrop {
    let numbers = |value: &Value| value.as_array().into_iter().flatten().filter_map(Value::as_u64).collect();
    let text = config["login_error_text"].as_str().or(config["blocked"].as_str());
    CaseMaildrop {
        inner: store.maildrop(),
        octets: numbers(&config["mailbox_octets"]),
        vanished: numbers(&config["vanish_after_login"]),
        refused: text.map(|text| Denial::Temporary(text.into())),
    }
}

impl Maildrop for CaseMaildrop {
    fn login(&mut self, credentials: LoginAttempt<'_>) -> Result<(), Denial> {
        self.refused.clone().map_or(Ok(()), Err)?;
        self.inner.login(credentials)
    }
    fn count(&self) -> u32 {
        self.inner.count()
    }
    fn octets(&self, number: u32) -> u64 {
        self.octets.get(number as usize - 1).copied().unwrap_or_else(|| self.inner.octets(number))
    }
    fn unique_id(&self, number: u32) -> &str {
        self.inner.unique_id(number)
    }
    fn read(&mut self, number: u32, at: u64, buffer: &mut [u8]) -> Result<usize, StoreError> {
        if self.vanished.contains(&number.into()) {
            return Err(StoreError("gone".into()));
        }
        self.inner.read(number, at, buffer)
    }
    fn remove(&mut self, marked: &mut dyn Iterator<Item = u32>) -> Result<(), StoreError> {
        self.inner.remove(marked)
    }
}

/// Xorshift: the same cuts in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound).expect("small")
    }
}
