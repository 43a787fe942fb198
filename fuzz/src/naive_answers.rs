//! The answers of a server with CRLF line ends, and their values, read naively from RFC 1939, 2449 and 6856: the oracle
//! of the typed calls.

use crate::checked_client::Shape;
use crate::naive_stuffing::{End, Ending, content};

/// The part of an answer that can be read.
#[derive(Debug, Default)]
pub struct Reading {
    /// The status: true for `+OK`, and the text after the indicator and its space.
    pub status: Option<(bool, Vec<u8>)>,
    /// The rows of a listing, without byte-stuffing; or the message.
    pub rows: Vec<Vec<u8>>,
    /// The octets after the answer, if it is whole.
    pub rest: Option<Vec<u8>>,
}

/// The value of an answer, as words.
pub type Value = Vec<Vec<u8>>;

/// Reads a row, if it is well-formed.
pub type ReadRow = fn(&[u8]) -> Option<Vec<u8>>;

/// The result that a call must have.
#[derive(Debug, PartialEq, Eq)]
pub enum Expected {
    Value(Value),
    Refused {
        code: Option<&'static str>,
        text: Vec<u8>,
    },
    /// The value is malformed, and the session goes on.
    Malformed,
    /// The octets are no answer, and the session is over.
    Over,
}

/// Reads the answer at the beginning of `octets`, after one blank line at most.
pub fn read(octets: &[u8], shape: Shape) -> Reading {
    let mut reading = Reading::default();
    let octets = octets.strip_prefix(b"\r\n").unwrap_or(octets);
    let Some((status, mut rest)) = line(octets) else { return reading };
    let Some(status) = indicator(status) else { return reading };
    let is_ok = status.0;
    reading.status = Some(status);
    if is_ok && shape == Shape::Message {
        let (message, end) = content(rest, Ending::CrLf);
        reading.rows = vec![message];
        if let End::At(len) = end {
            reading.rest = Some(rest[len..].to_vec());
        }
        return reading;
    }
    if is_ok && shape == Shape::Rows {
        loop {
            let Some((row, behind)) = line(rest) else { return reading };
            rest = behind;
            if row == b"." {
                break;
            }
            reading.rows.push(row.strip_prefix(b".").unwrap_or(row).to_vec());
        }
    }
    reading.rest = Some(rest.to_vec());
    reading
}

/// Takes a line that ends in CRLF, and has neither CR nor LF before that.
fn line(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = octets.iter().position(|octet| matches!(octet, b'\r' | b'\n'))?;
    octets[end..].starts_with(b"\r\n").then(|| (&octets[..end], &octets[end + 2..]))
}

fn indicator(line: &[u8]) -> Option<(bool, Vec<u8>)> {
    let upper = line.to_ascii_uppercase();
    for (indicator, is_ok) in [(&b"+OK"[..], true), (b"-ERR", false)] {
        if upper == indicator {
            return Some((is_ok, Vec::new()));
        }
        if upper.starts_with(&[indicator, b" "].concat()) {
            return Some((is_ok, line[indicator.len() + 1..].to_vec()));
        }
    }
    None
}

impl Reading {
    /// Returns the result of a call whose values are `reply`, for the text after `+OK`, or `row`, for each row.
    pub fn expect(&self, reply: impl Fn(&[u8]) -> Option<Value>, row: Option<ReadRow>) -> Expected {
        let (text, row) = match (&self.status, row) {
            (None, _) => return Expected::Over,
            (Some((false, text)), _) => return refused(text),
            (Some((true, text)), None) => (text, None),
            (Some((true, text)), Some(row)) => (text, Some(row)),
        };
        let Some(row) = row else { return reply(text).map_or(Expected::Malformed, Expected::Value) };
        let mut value = Vec::new();
        for line in self.rows.iter().filter(|row| row.iter().any(|octet| !b" \t".contains(octet))) {
            let Some(word) = row(line) else { return Expected::Malformed };
            value.push(word);
        }
        if self.rest.is_some() { Expected::Value(value) } else { Expected::Over }
    }

    /// Returns the result of a retrieval.
    pub fn expect_message(&self) -> Expected {
        match &self.status {
            Some((false, text)) => refused(text),
            Some((true, _)) if self.rest.is_some() => Expected::Value(self.rows.clone()),
            _ => Expected::Over,
        }
    }
}

fn refused(text: &[u8]) -> Expected {
    let (code, text) = code(text);
    Expected::Refused { code, text }
}

/// Splits a text into the meaning of its response code and the rest (RFC 2449, section 8; RFC 3206; RFC 6856).
fn code(text: &[u8]) -> (Option<&'static str>, Vec<u8>) {
    let plain = (None, text.to_vec());
    if text.first() != Some(&b'[') {
        return plain;
    }
    let Some(end) = text.iter().position(|&octet| octet == b']') else { return plain };
    let inner = String::from_utf8_lossy(&text[1..end]).to_ascii_uppercase();
    let levels: Vec<&str> = inner.split('/').collect();
    if levels.iter().any(|level| level.is_empty() || !level.bytes().all(|octet| octet.is_ascii_graphic())) {
        return plain;
    }
    let code = match levels[..] {
        ["SYS", "TEMP", ..] => "SYS/TEMP",
        ["SYS", "PERM", ..] => "SYS/PERM",
        [first, ..] => {
            ["IN-USE", "LOGIN-DELAY", "AUTH", "UTF8", "SYS"].into_iter().find(|code| *code == first).unwrap_or("")
        }
        [] => "",
    };
    let rest = &text[end + 1..];
    (Some(code), rest.strip_prefix(b" ").unwrap_or(rest).to_vec())
}

/// Returns the words between spaces and tabs.
fn words(text: &[u8]) -> Vec<Vec<u8>> {
    let mut words = vec![Vec::new()];
    for &octet in text {
        if b" \t".contains(&octet) {
            words.push(Vec::new());
        } else {
            words.last_mut().expect("there is one").push(octet);
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Returns the number without leading zeros, if it is one and at most `max`.
fn number(word: Option<&Vec<u8>>, max: &str) -> Option<Vec<u8>> {
    let word = word?;
    if !word.iter().all(u8::is_ascii_digit) || word.is_empty() {
        return None;
    }
    let zeros = word.iter().take_while(|digit| **digit == b'0').count().min(word.len() - 1);
    let digits = word[zeros..].to_vec();
    let fits = digits.len() < max.len() || (digits.len() == max.len() && digits.as_slice() <= max.as_bytes());
    fits.then_some(digits)
}

const MAX_32: &str = "4294967295";
const MAX_64: &str = "18446744073709551615";

fn message_number(word: Option<&Vec<u8>>) -> Option<Vec<u8>> {
    number(word, MAX_32).filter(|digits| digits != b"0")
}

pub fn drop_listing(text: &[u8]) -> Option<Value> {
    let words = words(text);
    Some(vec![number(words.first(), MAX_32)?, number(words.get(1), MAX_64)?])
}

pub fn last(text: &[u8]) -> Option<Value> {
    Some(vec![number(words(text).first(), MAX_32)?])
}

pub fn scan_listing(text: &[u8]) -> Option<Vec<u8>> {
    let words = words(text);
    Some([message_number(words.first())?, number(words.get(1), MAX_64)?].join(&b' '))
}

/// Returns a message number, a space and a unique-id.
pub fn unique_id(text: &[u8]) -> Option<Vec<u8>> {
    let text = text.trim_ascii_start().to_vec();
    let space = text.iter().position(|&octet| octet == b' ')?;
    let mut id = text[space..].to_vec();
    while id.first() == Some(&b' ') {
        id.remove(0);
    }
    while id.last() == Some(&b' ') {
        id.pop();
    }
    Some([message_number(Some(&text[..space].to_vec()))?, id].join(&b' '))
}

/// Removes the `+OK` that some servers write before each row.
pub fn without_ok(row: &[u8]) -> &[u8] {
    row.strip_prefix(b"+OK ").unwrap_or(row)
}

/// Returns a language tag, a NUL and its description.
pub fn language(row: &[u8]) -> Vec<u8> {
    let row = row.trim_ascii().to_vec();
    let space = row.iter().position(|&octet| octet == b' ').unwrap_or(row.len());
    [&row[..space], row[space..].trim_ascii()].join(&0)
}

/// Returns the first word.
pub fn first_word(text: &[u8]) -> Vec<u8> {
    words(text).into_iter().next().unwrap_or_default()
}

/// Returns the parameters of all SASL capabilities, in order.
pub fn mechanisms(rows: &Value) -> Vec<Vec<u8>> {
    rows.iter()
        .map(|row| words(row))
        .filter(|words| tag(words) == b"SASL")
        .flat_map(|words| words[1..].to_vec())
        .collect()
}

fn tag(words: &[Vec<u8>]) -> Vec<u8> {
    words.first().map(|tag| tag.to_ascii_uppercase()).unwrap_or_default()
}

/// Returns the meaning of a capability as its `Debug` shows it, without that of a text (RFC 2449; RFC 6856).
pub fn capability(row: &[u8]) -> Option<String> {
    let words = words(row);
    let per_user = |nth: usize| words.get(nth).is_some_and(|word| word.eq_ignore_ascii_case(b"USER"));
    let number =
        |nth: usize| number(words.get(nth), MAX_64).map(|digits| String::from_utf8_lossy(&digits).into_owned());
    Some(match &tag(&words)[..] {
        b"TOP" => "Top".into(),
        b"USER" => "User".into(),
        b"SASL" => "Sasl".into(),
        b"RESP-CODES" => "RespCodes".into(),
        b"LOGIN-DELAY" => format!("LoginDelay {{ seconds: {}, per_user: {} }}", number(1)?, per_user(2)),
        b"PIPELINING" => "Pipelining".into(),
        b"EXPIRE" if words.get(1)?.eq_ignore_ascii_case(b"NEVER") => {
            format!("Expire {{ days: None, per_user: {} }}", per_user(2))
        }
        b"EXPIRE" => format!("Expire {{ days: Some({}), per_user: {} }}", number(1)?, per_user(2)),
        b"UIDL" => "Uidl".into(),
        b"IMPLEMENTATION" => "Implementation".into(),
        b"STLS" => "Stls".into(),
        b"AUTH-RESP-CODE" => "AuthRespCode".into(),
        b"UTF8" => format!("Utf8 {{ user: {} }}", per_user(1)),
        b"LANG" => "Lang".into(),
        _ => return None,
    })
}
