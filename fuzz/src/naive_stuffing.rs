//! Byte-stuffing as in RFC 1939, section 3, octet by octet and without regard to speed.

/// The line end of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    CrLf,
    /// The line end is LF; a CR before it is a part of the line.
    Lf,
}

impl Ending {
    fn octets(self) -> &'static [u8] {
        match self {
            Ending::CrLf => b"\r\n",
            Ending::Lf => b"\n",
        }
    }

    /// Returns the lines of `octets` with their ends; the last one may lack its end.
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

/// Returns a stored message with CRLF after each line, also after those with LF alone and a last one without either.
pub fn stored(message: &[u8]) -> Vec<u8> {
    let mut told = Vec::new();
    for line in message.split_inclusive(|&octet| octet == b'\n') {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        told.extend(text.strip_suffix(b"\r").unwrap_or(text));
        told.extend(b"\r\n");
    }
    told
}

/// Returns `message` as a server sends it, terminator included, and as a client should hear it.
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

/// The end of the octets that a server sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The terminator has not come.
    Open,
    /// The message ends after so many octets, terminator included.
    At(usize),
    /// A lone dot comes within so many octets, and may be content or the terminator.
    Unclear(usize),
}

/// Returns the content of a server's octets, as far as it is certain, and its end.
pub fn content(sent: &[u8], ending: Ending) -> (Vec<u8>, End) {
    let (mut content, mut taken) = (Vec::new(), 0);
    let mut before: Vec<Vec<u8>> = Vec::new();
    for line in ending.lines(sent) {
        taken += line.len();
        if line == b".\r\n" || (ending == Ending::Lf && line == b".\n") {
            let crlf = |line: &Vec<u8>| line.ends_with(b"\r\n");
            // After CRLF, or at the beginning, every server would have stuffed another dot.
            let sure = before.last().is_none_or(crlf);
            let uniform = !before.iter().any(crlf) && !crlf(&line);
            return (content, if sure || uniform { End::At(taken) } else { End::Unclear(taken) });
        }
        before.push(line.clone());
        match line.as_slice() {
            // The octets could still become the terminator.
            b"." | b".\r" => {}
            [b'.', rest @ ..] => content.extend(rest),
            line => content.extend(line),
        }
    }
    (content, End::Open)
}
