//! Parsing of words and numbers in a line.

/// Splits a line into words, separated by any number of spaces and tabs.
pub(crate) fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|&b| b == b' ' || b == b'\t').filter(|word| !word.is_empty())
}

/// Parses decimal digits: without sign, space or overflow, and not empty.
pub(crate) fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |value, &digit| match digit {
        b'0'..=b'9' => value.checked_mul(10)?.checked_add(u64::from(digit - b'0')),
        _ => None,
    })
}

/// Parses the next word of a line as [`number`] does, in one pass, and shortens the line by it.
pub(crate) fn next_number(line: &mut &[u8]) -> Option<u64> {
    while let [b' ' | b'\t', rest @ ..] = *line {
        *line = rest;
    }
    let [b'0'..=b'9', ..] = *line else { return None };
    let mut value = 0u64;
    loop {
        match *line {
            [digit @ b'0'..=b'9', rest @ ..] => {
                value = value.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
                *line = rest;
            }
            [] | [b' ' | b'\t', ..] => return Some(value),
            _ => return None,
        }
    }
}

/// Parses a message number: decimal digits, 1 to `u32::MAX`.
pub(crate) fn message_number(digits: &[u8]) -> Option<u32> {
    number(digits).and_then(as_message_number)
}

/// Returns a number as a message number, if it is one.
pub(crate) fn as_message_number(number: u64) -> Option<u32> {
    u32::try_from(number).ok().filter(|number| *number != 0)
}
