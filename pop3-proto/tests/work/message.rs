//! The parser of messages.

use pop3_proto::message::MessageRef;

use crate::{Play, Shape, repeated};

/// A message comes as a whole, so the second number does not matter.
pub(crate) const SHAPES: &[Shape] = &[
    ("message: fields", |octets, _| fields(b"", b"A:\r\n", octets)),
    ("message: folded lines", |octets, _| fields(b"A:", b"\r\n x", octets)),
    ("message: a name without end", |octets, _| fields(b"", b"x", octets)),
    ("message: colons", |octets, _| fields(b"", b":", octets)),
    ("message: CRs", |octets, _| fields(b"A: ", b"\r", octets)),
    ("message: LFs", |octets, _| fields(b"A: b\r\n\r\n", b"\n", octets)),
];

fn fields(begin: &[u8], piece: &[u8], octets: usize) -> Play {
    let octets = [begin, &repeated(piece, octets)].concat();
    Box::new(move || {
        let message = MessageRef::new(&octets);
        let bodies: usize = message.fields().map(|field| field.body().len()).sum();
        std::hint::black_box((bodies, message.get("subject").is_some(), message.lines().count(), message.body().len()));
    })
}
