//! Messages in one stream, as a mailbox file of the kind "mboxrd" (RFC 4155 and its successors): a line that begins
//! with `From ` precedes each message, an empty line follows it, and lines end with LF.

use jiff::Timestamp;

/// Octets that begin a line which readers of a mailbox take for the beginning of a message.
const FROM: &[u8] = b"From ";

/// The part of a message that was written so far.
#[derive(Debug)]
pub(crate) struct Mbox {
    /// The place in the current line.
    place: Place,
    /// `true` if a CR was read, which may be a part of the line end.
    has_cr: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// At its begin.
    Begin,
    /// After nothing but `>`.
    Quote,
    /// After this many octets of `From `, which were not written yet.
    From(usize),
    /// After an octet that makes the line an ordinary one.
    Middle,
}

impl Mbox {
    /// Begins a message. Appends the line that separates it from the one before: the number stands for the sender, whom
    /// the protocol does not name.
    pub(crate) fn begin(number: u32, now: Timestamp, out: &mut Vec<u8>) -> Mbox {
        out.extend(format!("From message-{number} {}\n", now.strftime("%a %b %e %H:%M:%S %Y")).bytes());
        Mbox { place: Place::Begin, has_cr: false }
    }

    /// Appends octets of the message. A line of any number of `>` and `From ` gets one more `>`.
    pub(crate) fn append(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        for &octet in octets {
            if std::mem::take(&mut self.has_cr) && octet != b'\n' {
                self.ordinary(b"\r", out);
            }
            match (self.place, octet) {
                (_, b'\r') => self.has_cr = true,
                (place, b'\n') => {
                    if let Place::From(held) = place {
                        out.extend(&FROM[..held]);
                    }
                    out.push(b'\n');
                    self.place = Place::Begin;
                }
                (Place::Begin | Place::Quote, b'>') => {
                    out.push(b'>');
                    self.place = Place::Quote;
                }
                (Place::Begin | Place::Quote, b'F') => self.place = Place::From(1),
                (Place::From(held), _) if FROM[held] == octet => {
                    if held + 1 == FROM.len() {
                        out.push(b'>');
                        out.extend(FROM);
                        self.place = Place::Middle;
                    } else {
                        self.place = Place::From(held + 1);
                    }
                }
                _ => self.ordinary(&[octet], out),
            }
        }
    }

    /// Ends the message.
    pub(crate) fn end(mut self, out: &mut Vec<u8>) {
        if self.has_cr {
            self.ordinary(b"\r", out);
        }
        if let Place::From(_) = self.place {
            self.ordinary(b"", out);
        }
        out.extend(if self.place == Place::Begin { &b"\n"[..] } else { b"\n\n" });
    }

    /// Appends octets that are no line end and do not continue `From `.
    fn ordinary(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        if let Place::From(held) = self.place {
            out.extend(&FROM[..held]);
        }
        out.extend(octets);
        self.place = Place::Middle;
    }
}
