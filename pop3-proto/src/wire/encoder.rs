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
        self.space.as_mut()?.get_mut(start..self.len)
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
        let len = number.checked_ilog10().map_or(1, |log| log as usize + 1);
        let Some([blank, digits @ ..]) = self.space(1 + len) else { return };
        *blank = b' ';
        let mut rest = number;
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
        }
    }

    pub(super) fn payload(&mut self, payload: Payload<'_>) {
        if let Some(space) = self.space(payload.encoded_len()) {
            payload.encode(space);
        }
    }
}
