//! A message read line by line, without regard to speed: the oracle of `pop3_proto::message`.

/// An item of a header section.
#[derive(Debug, PartialEq, Eq)]
pub enum Item {
    /// A field: its octets, its name, everything after the colon, and the same without folding.
    Field { octets: Vec<u8>, name: Vec<u8>, raw: Vec<u8>, unfolded: Vec<u8> },
    /// A line that belongs to no field.
    Stray(Vec<u8>),
}

/// A message in three parts, which are the message if they are concatenated.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Parts {
    pub header: Vec<u8>,
    pub blank: Vec<u8>,
    pub body: Vec<u8>,
    pub items: Vec<Item>,
}

/// Returns the lines, each with its line end.
pub fn whole_lines(octets: &[u8]) -> Vec<Vec<u8>> {
    let mut lines = vec![Vec::new()];
    for &octet in octets {
        lines.last_mut().expect("there is one").push(octet);
        if octet == b'\n' {
            lines.push(Vec::new());
        }
    }
    lines.retain(|line| !line.is_empty());
    lines
}

/// Removes the line end.
pub fn bare(mut line: Vec<u8>) -> Vec<u8> {
    if line.last() == Some(&b'\n') {
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
    }
    line
}

/// Splits a message. A field takes all lines that follow it and begin with a space or a tab.
pub fn parts(octets: &[u8]) -> Parts {
    let mut parts = Parts::default();
    let mut fields: Vec<(bool, Vec<u8>)> = Vec::new();
    for line in whole_lines(octets) {
        if !parts.blank.is_empty() {
            parts.body.extend(line);
        } else if bare(line.clone()).is_empty() {
            parts.blank = line;
        } else {
            parts.header.extend(&line);
            match fields.last_mut() {
                Some((true, field)) if matches!(line[0], b' ' | b'\t') => field.extend(line),
                _ => fields.push((colon(&bare(line.clone())).is_some(), line)),
            }
        }
    }
    parts.items = fields
        .into_iter()
        .map(|(is_field, octets)| if is_field { field(octets) } else { Item::Stray(octets) })
        .collect();
    parts
}

/// Returns the place of the colon, if a name is before it (RFC 5322, sections 2.2 and 4.5).
fn colon(line: &[u8]) -> Option<usize> {
    let mut name = 0;
    let mut is_over = false;
    for (at, &octet) in line.iter().enumerate() {
        match octet {
            b':' => return (name > 0).then_some(at),
            b' ' | b'\t' => is_over = true,
            b'!'..=b'~' if !is_over => name += 1,
            _ => return None,
        }
    }
    None
}

fn field(octets: Vec<u8>) -> Item {
    let at = colon(&octets).expect("it is a field");
    let mut name = octets[..at].to_vec();
    name.retain(|octet| !matches!(octet, b' ' | b'\t'));
    let raw = bare(octets[at + 1..].to_vec());
    let mut unfolded = whole_lines(&raw).into_iter().map(bare).collect::<Vec<_>>().concat();
    while matches!(unfolded.first(), Some(b' ' | b'\t')) {
        unfolded.remove(0);
    }
    Item::Field { octets, name, raw, unfolded }
}
