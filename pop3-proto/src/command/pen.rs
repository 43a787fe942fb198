//! How a client writes a line.

use crate::sasl::Payload;

/// Writes on paper, or only measures without it: so that length and octets cannot disagree.
pub(super) struct Pen<'a> {
    pub(super) paper: Option<&'a mut [u8]>,
    pub(super) at: usize,
}

impl Pen<'_> {
    fn space(&mut self, len: usize) -> Option<&mut [u8]> {
        let at = self.at;
        self.at += len;
        self.paper.as_mut().map(|paper| &mut paper[at..at + len])
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
