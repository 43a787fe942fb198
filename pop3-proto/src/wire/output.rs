//! Where encoded octets go.

/// A place for outgoing octets.
///
/// One method, so that a line cannot be half-written: the role computes the whole length first, asks once, and fills all
/// of what it gets.
pub trait Output {
    /// Exactly `len` writable octets at the end of the output, or `None` if there is no room; then nothing changed.
    fn line(&mut self, len: usize) -> Option<&mut [u8]>;
}

/// A fixed buffer: each line shortens the slice from the front.
impl Output for &mut [u8] {
    fn line(&mut self, len: usize) -> Option<&mut [u8]> {
        if len > self.len() {
            return None;
        }
        let (line, rest) = core::mem::take(self).split_at_mut(len);
        *self = rest;
        Some(line)
    }
}

#[cfg(feature = "alloc")]
impl Output for alloc::vec::Vec<u8> {
    fn line(&mut self, len: usize) -> Option<&mut [u8]> {
        let start = self.len();
        self.resize(start + len, 0);
        Some(&mut self[start..])
    }
}
