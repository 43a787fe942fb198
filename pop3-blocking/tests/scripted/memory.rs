//! A server in memory that plays a script.

use std::io::{self, ErrorKind, Read, Write};

use crate::peer::{Turn, turns};

/// A server in memory. It answers what the client has written, in pieces, and is gone after some octets.
pub(crate) struct Memory {
    /// Octets that the client must have written, and what the server says then.
    answers: Vec<(usize, Vec<u8>)>,
    expected: Vec<u8>,
    written: Vec<u8>,
    pub(crate) writes: usize,
    read: usize,
    piece: usize,
    cut: usize,
    end: Option<ErrorKind>,
}

impl Memory {
    pub(crate) fn playing(script: &str, piece: usize, cut: usize, end: Option<ErrorKind>) -> Memory {
        let (mut answers, mut expected) = (vec![(0, Vec::new())], Vec::new());
        for (_, turn) in turns(script) {
            match turn {
                Turn::Client(octets) => {
                    expected.extend(octets);
                    answers.push((expected.len(), Vec::new()));
                }
                Turn::Server(octets) => answers.last_mut().unwrap().1.extend(octets),
                _ => {}
            }
        }
        Memory { answers, expected, written: Vec::new(), writes: 0, read: 0, piece, cut, end }
    }

    /// All that the server says.
    pub(crate) fn octets(&self) -> Vec<u8> {
        self.answers.iter().flat_map(|(_, octets)| octets.clone()).collect()
    }
}

impl Read for Memory {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let due = self.answers.iter().filter(|(written, _)| *written <= self.written.len());
        let due: Vec<u8> = due.flat_map(|(_, octets)| octets.clone()).collect();
        let rest = &due[self.read..due.len().min(self.cut)];
        if rest.is_empty() {
            // Either the end, or the client waits for something that it did not ask for.
            assert!(self.read == self.cut || self.read == self.octets().len(), "both sides wait");
            return self.end.map_or(Ok(0), |kind| Err(kind.into()));
        }
        let octets = rest.len().min(self.piece).min(space.len());
        space[..octets].copy_from_slice(&rest[..octets]);
        self.read += octets;
        Ok(octets)
    }
}

impl Write for Memory {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let octets = &octets[..octets.len().min(self.piece)];
        self.written.extend(octets);
        self.writes += 1;
        assert!(self.expected.starts_with(&self.written), "{}", self.written.escape_ascii());
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
