//! The ends of TLS records in the received octets.

/// The octets of the header of a record (RFC 8446, section 5.1).
const HEADER: u8 = 5;

/// Follows the records in the octets that a TLS connection receives.
///
/// rustls returns no octets of a record that has arrived in part, and does not report that there is one. These octets
/// were sent before the next command, so they do not answer it: do not call
/// [`Conversation::send_next`](crate::drive::Conversation::send_next) then.
///
/// ```
/// use pop3_proto::tls::Records;
///
/// let mut records = Records::new();
/// records.received(b"\x17\x03\x03\x00\x1f the first half");
/// assert!(records.is_partial());
/// records.received(b" and the second.");
/// assert!(!records.is_partial());
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Records {
    /// The octets of the header that have arrived.
    header: u8,
    /// The last two octets of the header so far, which state the length of the content; then the octets of the content
    /// that have not arrived.
    length: usize,
}

impl Records {
    /// Creates a value for a connection that has received nothing.
    pub const fn new() -> Records {
        Records { header: 0, length: 0 }
    }

    /// Reports that these octets were received.
    pub fn received(&mut self, mut octets: &[u8]) {
        while let Some((&octet, rest)) = octets.split_first() {
            if self.header < HEADER {
                self.length = (self.length << 8 | usize::from(octet)) & 0xFFFF;
                self.header += 1;
                octets = rest;
            } else {
                let content = octets.len().min(self.length);
                self.length -= content;
                octets = &octets[content..];
            }
            if self.header == HEADER && self.length == 0 {
                self.header = 0;
            }
        }
    }

    /// Returns true if the beginning of a record was received and its end was not.
    pub const fn is_partial(self) -> bool {
        self.header > 0
    }
}

#[cfg(test)]
mod tests {
    use super::Records;

    #[test]
    fn a_record_is_partial_at_each_cut() {
        // Two records with content, one without, and one whose length needs both octets.
        let all =
            [b"\x16\x03\x01\0\x02ab\x17\x03\x03\0\x01c\x17\x03\x03\0\0\x17\x03\x03\x01\x02".as_slice(), &[7; 258]];
        let all = all.concat();
        for cut in 0..=all.len() {
            let mut records = Records::new();
            let (first, second) = all.split_at(cut);
            records.received(first);
            assert_eq!(records.is_partial(), ![0, 7, 13, 18, all.len()].contains(&cut), "{cut}");
            records.received(second);
            assert!(!records.is_partial(), "{cut}");
        }
    }
}
