//! The standard output: rows of text, or JSON with one object in each line.

use std::fmt::Display;
use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

use pop3_blocking::pop3_proto::wire::Text;
use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};

use crate::failure::Failure;
use crate::terminal;

/// The standard output. Nothing is certain to be written before [`finish`](Output::finish).
#[derive(Debug)]
pub(crate) struct Output {
    out: BufWriter<StdoutLock<'static>>,
    is_json: bool,
    /// The filter for mails, if the standard output is a terminal.
    harmless: Option<terminal::Harmless>,
}

impl Output {
    /// Locks the standard output until it is dropped.
    pub(crate) fn new(is_json: bool) -> Output {
        let out = io::stdout().lock();
        let harmless = out.is_terminal().then(terminal::Harmless::default);
        Output { out: BufWriter::new(out), is_json, harmless }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.is_json
    }

    /// Writes one row: the object with `--json`, else the text.
    pub(crate) fn row(&mut self, object: &impl Serialize, text: impl Display) -> Result<(), Failure> {
        if self.is_json { self.object(object) } else { self.text(text) }
    }

    /// Writes a line of text.
    pub(crate) fn text(&mut self, text: impl Display) -> Result<(), Failure> {
        writeln!(self.out, "{text}").map_err(Failure::output)
    }

    /// Writes an object with `--json`, else nothing.
    pub(crate) fn object(&mut self, object: &impl Serialize) -> Result<(), Failure> {
        if !self.is_json {
            return Ok(());
        }
        let written = object.serialize(&mut Serializer::with_formatter(&mut self.out, Escaping));
        written.map_err(io::Error::from).and_then(|()| self.out.write_all(b"\n")).map_err(Failure::output)
    }

    /// Writes octets of a mail: unchanged, unless a terminal would interpret them.
    pub(crate) fn octets(&mut self, octets: &[u8]) -> Result<(), Failure> {
        let written = match &mut self.harmless {
            Some(harmless) => self.out.write_all(harmless.text(octets).as_bytes()),
            None => self.out.write_all(octets),
        };
        written.map_err(Failure::output)
    }

    /// Writes what is still in memory.
    pub(crate) fn finish(&mut self) -> Result<(), Failure> {
        let rest = self.harmless.as_mut().map(terminal::Harmless::end).unwrap_or_default();
        self.out.write_all(rest.as_bytes()).and_then(|()| self.out.flush()).map_err(Failure::output)
    }
}

/// The compact form of JSON, with everything escaped that could change how a terminal shows the line.
struct Escaping;

impl Formatter for Escaping {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut units = [0; 2];
        for c in fragment.chars() {
            if is_harmless(c) {
                CompactFormatter.write_string_fragment(writer, c.encode_utf8(&mut [0; 4]))?;
            } else {
                for unit in c.encode_utf16(&mut units) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }
}

/// Returns `true` if texts from a server are shown with this character, and not with an escape sequence.
fn is_harmless(c: char) -> bool {
    if c.is_ascii() {
        return !c.is_ascii_control();
    }
    let mut octets = [0; 4];
    let one: &str = c.encode_utf8(&mut octets);
    Text::new(one.as_bytes()).to_string() == *one
}
