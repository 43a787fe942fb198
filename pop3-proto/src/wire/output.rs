//! Destinations for encoded octets.

/// A destination for outgoing octets.
///
/// It has only one method, so that a line cannot be half-written: the caller computes the whole length, reserves it
/// with one call, and fills all of it.
pub trait Output {
    /// Appends exactly `len` octets to the output and returns them for writing. If there is no room, changes nothing
    /// and returns `None`.
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
