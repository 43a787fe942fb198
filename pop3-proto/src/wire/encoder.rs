//! Encoder of a command line.

use crate::wire::payload::Payload;

/// Writes a line or measures it. Both use one code path, so the length always matches the octets.
pub(super) struct Encoder<'a> {
    space: Option<&'a mut [u8]>,
    len: usize,
}

impl<'a> Encoder<'a> {
    /// Creates an encoder that writes into `space`, which has exactly the measured length.
    pub(super) fn writing(space: &'a mut [u8]) -> Encoder<'a> {
        Encoder { space: Some(space), len: 0 }
    }

    pub(super) fn measuring() -> Encoder<'a> {
        Encoder { space: None, len: 0 }
    }

    /// Returns the number of octets so far.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    fn space(&mut self, len: usize) -> Option<&mut [u8]> {
        let start = self.len;
        self.len += len;
        self.space.as_mut().map(|space| &mut space[start..self.len])
    }

    pub(super) fn put(&mut self, octets: &[u8]) {
        if let Some(space) = self.space(octets.len()) {
            space.copy_from_slice(octets);
        }
    }

    pub(super) fn argument(&mut self, octets: &[u8]) {
        self.put(b" ");
        self.put(octets);
    }

    pub(super) fn number(&mut self, number: u32) {
        let mut digits = [b'0'; 10];
        let mut start = digits.len();
        let mut rest = number;
        loop {
            start -= 1;
            digits[start] = b'0' + u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        self.argument(&digits[start..]);
    }

    pub(super) fn payload(&mut self, payload: Payload<'_>) {
        if let Some(space) = self.space(payload.encoded_len()) {
            payload.encode(space);
        }
    }
}
