//! The mailboxes that are downloaded. They are the same in each run.

use std::fmt::Write as _;

/// The names of the mailboxes whose costs are compared.
pub(crate) const NAMES: [&str; 4] = ["mixed", "big", "small", "dots"];

/// A mailbox, as the server sends it.
pub(crate) struct Mailbox {
    pub(crate) name: String,
    /// The answer to STAT.
    pub(crate) stat: String,
    /// The answer to LIST.
    pub(crate) list: String,
    /// The answers to RETR.
    pub(crate) answers: Vec<Vec<u8>>,
}

impl Mailbox {
    /// Makes the mailbox of this name, if there is one.
    pub(crate) fn new(name: &str) -> Option<Mailbox> {
        let mut random = Random(1);
        let messages: Vec<String> = match name {
            // Sizes from 1 KiB to 1 MiB, most of them small; long messages have an attachment.
            "mixed" => (0..1000)
                .map(|_| {
                    let octets = 1024 << random.below(11).min(random.below(11)).min(random.below(11));
                    let text = prose(&mut random, octets.min(16 * 1024));
                    format!("{text}{}", base64(&mut random, octets - octets.min(16 * 1024)))
                })
                .collect(),
            "big" => (0..4).map(|_| base64(&mut random, 32 << 20)).collect(),
            "few" => (0..2_000).map(|_| prose(&mut random, 2048)).collect(),
            "small" => (0..10_000).map(|_| prose(&mut random, 2048)).collect(),
            "dots" => (0..200).map(|_| dots(&mut random, 2500)).collect(),
            _ => return None,
        };
        let octets: usize = messages.iter().map(String::len).sum();
        let mut list = "+OK\r\n".to_owned();
        for (at, message) in messages.iter().enumerate() {
            write!(list, "{} {}\r\n", at + 1, message.len()).expect("a string takes all");
        }
        list.push_str(".\r\n");
        let stat = format!("+OK {} {octets}\r\n", messages.len());
        Some(Mailbox { name: name.into(), stat, list, answers: messages.iter().map(|text| answer(text)).collect() })
    }
}

/// Returns the answer to RETR, with byte-stuffing.
fn answer(message: &str) -> Vec<u8> {
    let mut answer = b"+OK\r\n".to_vec();
    for line in message.split_inclusive("\r\n") {
        if line.starts_with('.') {
            answer.push(b'.');
        }
        answer.extend(line.as_bytes());
    }
    answer.extend(b".\r\n");
    answer
}

/// Returns a header and lines of words.
fn prose(random: &mut Random, octets: usize) -> String {
    const WORDS: [&str; 12] =
        ["Call", "me", "early.", "The", "ship", "leaves", "at", "seven;", "bring", "warm", "clothes", "and"];
    let mut text = "Subject: a message\r\nFrom: mrose@example.org\r\n\r\n".to_owned();
    while text.len() < octets {
        for _ in 0..=random.below(12) {
            text.push_str(WORDS[random.below(WORDS.len())]);
            text.push(' ');
        }
        text.push_str("\r\n");
    }
    text
}

/// Returns lines of 76 octets of Base64.
fn base64(random: &mut Random, octets: usize) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(octets + 78);
    while text.len() < octets {
        text.extend((0..76).map(|_| char::from(DIGITS[random.below(64)])));
        text.push_str("\r\n");
    }
    text
}

/// Returns lines of up to 80 octets, of which six in ten begin with a dot.
fn dots(random: &mut Random, lines: usize) -> String {
    let mut text = "Subject: dots\r\n\r\n".to_owned();
    for _ in 0..lines {
        match random.below(10) {
            kind @ 0..3 => text.push_str(&".".repeat(kind + 1)),
            3 => text.push_str(&".".repeat(random.below(80) + 1)),
            kind => {
                if kind < 6 {
                    text.push('.');
                }
                text.push_str(&"a".repeat(random.below(41)));
            }
        }
        text.push_str("\r\n");
    }
    text
}

/// A generator of numbers that seem random.
struct Random(u64);

impl Random {
    /// Returns a number below `limit`.
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}
