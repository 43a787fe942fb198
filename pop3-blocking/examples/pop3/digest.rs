//! Digests of messages, to recognize equal octets.

use std::fmt;
use std::io::{self, Read};

use sha2::{Digest, Sha256};

/// A SHA-256 digest.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Sum([u8; 32]);

impl Sum {
    pub(crate) fn parse(text: &str) -> Option<Sum> {
        let mut octets = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        for (at, octet) in octets.iter_mut().enumerate() {
            *octet = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
        }
        Some(Sum(octets))
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

/// The digests of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Sums {
    /// The digest of all octets.
    pub(crate) whole: Sum,
    /// The digest of the header, without its CRs: the lines before the first blank line. It is the same for the output
    /// of TOP.
    pub(crate) header: Sum,
}

impl Sums {
    /// Computes the digests of a file.
    pub(crate) fn of_reader(mut reader: impl Read) -> io::Result<Sums> {
        let (mut summing, mut buffer) = (Summing::default(), vec![0; 64 * 1024]);
        loop {
            match reader.read(&mut buffer) {
                Ok(0) => return Ok(summing.finish()),
                Ok(octets) => summing.update(&buffer[..octets]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// The digests of a message that is being received.
#[derive(Clone, Debug)]
pub(crate) struct Summing {
    whole: Sha256,
    header: Sha256,
    in_header: bool,
    line_is_blank: bool,
}

impl Default for Summing {
    fn default() -> Summing {
        Summing { whole: Sha256::new(), header: Sha256::new(), in_header: true, line_is_blank: true }
    }
}

impl Summing {
    pub(crate) fn update(&mut self, octets: &[u8]) {
        self.whole.update(octets);
        if !self.in_header {
            return;
        }
        let mut end = octets.len();
        for (at, &octet) in octets.iter().enumerate() {
            match octet {
                b'\r' => {}
                b'\n' if self.line_is_blank => {
                    (self.in_header, end) = (false, at);
                    break;
                }
                octet => self.line_is_blank = octet == b'\n',
            }
        }
        octets[..end].split(|&octet| octet == b'\r').for_each(|part| self.header.update(part));
    }

    pub(crate) fn finish(self) -> Sums {
        Sums { whole: Sum(self.whole.finalize().into()), header: Sum(self.header.finalize().into()) }
    }
}
