//! Reading transcripts: one JSON object a line, whose strings hold an octet in each character.

use std::path::PathBuf;

use serde_json::{Map, Value};

/// One exchange as a file describes it.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) role: String,
    pub(crate) level: String,
    pub(crate) start: String,
    pub(crate) config: Value,
    /// Calls beyond the client's lines, or the parts for a parser case.
    pub(crate) api: Vec<String>,
    pub(crate) server: Vec<Vec<u8>>,
    pub(crate) client: Vec<Vec<u8>>,
    pub(crate) expected: Map<String, Value>,
    /// The results of another decoder for each server string; empty if there are none.
    pub(crate) decoded: Vec<Value>,
    /// The client's line whose answer is followed by a TLS handshake.
    pub(crate) tls_after: Option<usize>,
    /// The stream ends after so many lines of the client.
    pub(crate) close_after: Option<usize>,
}

impl Case {
    /// Returns a text of the configuration, or `default` if there is none.
    pub(crate) fn setting<'a>(&'a self, name: &str, default: &'a str) -> &'a str {
        self.config.get(name).and_then(Value::as_str).unwrap_or(default)
    }

    pub(crate) fn has_greeting(&self) -> bool {
        self.start == "connect"
    }
}

/// Reads all cases of one file in the folder that the environment names.
pub(crate) fn read(file: &str) -> Vec<Case> {
    let folder = std::env::var_os("POP3_CASES").expect("POP3_CASES names the folder of the transcripts");
    let path = PathBuf::from(folder).join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let cases: Vec<Case> = text.lines().filter(|line| !line.trim().is_empty()).map(case).collect();
    assert!(!cases.is_empty(), "{} holds no case", path.display());
    cases
}

fn case(line: &str) -> Case {
    let value: Value = serde_json::from_str(line).expect("each line is JSON");
    let text = |name: &str| value[name].as_str().expect("a text").to_owned();
    let list = |name: &str| value[name].as_array().expect("a list").clone();
    let octets = |name: &str| list(name).iter().map(|item| octets(item.as_str().expect("a text"))).collect();
    let index = |name: &str| value.get(name).and_then(Value::as_u64).map(|n| usize::try_from(n).expect("small"));
    Case {
        id: text("id"),
        role: text("role"),
        level: text("level"),
        start: text("start"),
        config: value["config"].clone(),
        api: list("api").iter().map(|item| item.as_str().expect("a text").to_owned()).collect(),
        server: octets("server_bytes"),
        client: octets("client_commands_expected"),
        expected: value["expected_outcome"].as_object().expect("an object").clone(),
        decoded: value.get("decoded").and_then(Value::as_array).cloned().unwrap_or_default(),
        tls_after: index("tls_after"),
        close_after: index("close_after"),
    }
}

/// Returns the octets of a string; `@rep:` is a list of pieces and how often each of them is repeated.
pub(crate) fn octets(text: &str) -> Vec<u8> {
    let Some(list) = text.strip_prefix("@rep:") else { return latin1(text) };
    let pieces: Vec<(String, usize)> = match serde_json::from_str(list).expect("pieces") {
        Value::Array(pieces) => pieces.iter().map(piece).collect(),
        other => panic!("no list of pieces: {other}"),
    };
    pieces.iter().flat_map(|(piece, times)| latin1(piece).repeat(*times)).collect()
}

fn piece(pair: &Value) -> (String, usize) {
    let times = pair[1].as_u64().and_then(|n| usize::try_from(n).ok());
    (pair[0].as_str().expect("a text").to_owned(), times.expect("a number"))
}

pub(crate) fn latin1(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(u32::from(c)).expect("one octet a character")).collect()
}
