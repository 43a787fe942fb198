//! Byte-stuffing as RFC 1939, section 3, says it, octet by octet and without regard to speed.

/// What ends a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    CrLf,
    /// A CR in front of the LF is a part of the line.
    Lf,
}

impl Ending {
    fn octets(self) -> &'static [u8] {
        match self {
            Ending::CrLf => b"\r\n",
            Ending::Lf => b"\n",
        }
    }

    /// The lines of `octets` with their ends; the last one may lack its end.
    fn lines(self, octets: &[u8]) -> Vec<Vec<u8>> {
        let mut lines = vec![Vec::new()];
        for &octet in octets {
            let line = lines.last_mut().expect("there is always a line");
            line.push(octet);
            if line.ends_with(self.octets()) {
                lines.push(Vec::new());
            }
        }
        lines
    }
}

/// A stored message as it is told: each line with CRLF, also those with LF alone and the last one without either.
pub fn stored(message: &[u8]) -> Vec<u8> {
    let mut told = Vec::new();
    for line in message.split_inclusive(|&octet| octet == b'\n') {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        told.extend(text.strip_suffix(b"\r").unwrap_or(text));
        told.extend(b"\r\n");
    }
    told
}

/// `message` as a server sends it, terminator included, and as a client should hear it.
pub fn stuff(message: &[u8], ending: Ending) -> (Vec<u8>, Vec<u8>) {
    let mut heard = message.to_vec();
    if !message.is_empty() && !message.ends_with(ending.octets()) {
        heard.extend(ending.octets());
    }
    let mut sent = Vec::new();
    for line in ending.lines(&heard) {
        if line.first() == Some(&b'.') {
            sent.push(b'.');
        }
        sent.extend(line);
    }
    sent.push(b'.');
    sent.extend(ending.octets());
    (sent, heard)
}

/// Where what a server sent ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The terminator has not come.
    Open,
    /// So many octets are taken, terminator included.
    At(usize),
    /// A lone dot comes within so many octets, of which nobody can tell what it is.
    Unclear(usize),
}

/// The content of what a server sent, as far as it is certain, and where it ends.
pub fn content(sent: &[u8], ending: Ending) -> (Vec<u8>, End) {
    let (mut content, mut taken) = (Vec::new(), 0);
    let mut before: Vec<Vec<u8>> = Vec::new();
    for line in ending.lines(sent) {
        taken += line.len();
        if line == b".\r\n" || (ending == Ending::Lf && line == b".\n") {
            let crlf = |line: &Vec<u8>| line.ends_with(b"\r\n");
            // Behind CRLF, or at the beginning, every server would have stuffed another dot.
            let sure = before.last().is_none_or(crlf);
            let uniform = !before.iter().any(crlf) && !crlf(&line);
            return (content, if sure || uniform { End::At(taken) } else { End::Unclear(taken) });
        }
        before.push(line.clone());
        match line.as_slice() {
            // It could still become the terminator.
            b"." | b".\r" => {}
            [b'.', rest @ ..] => content.extend(rest),
            line => content.extend(line),
        }
    }
    (content, End::Open)
}
