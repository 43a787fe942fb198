//! Owned refusals.

use crate::wire::base64::digits_within;
use crate::wire::code::Code;
use crate::wire::reply::Refusal;
use crate::wire::text::Text;

use alloc::vec::Vec;
use core::fmt;

/// An owned `-ERR` line.
///
/// If the text contains a secret that was sent, it is replaced by `***`, and only the known response code is kept. The
/// search has no minimum length: a secret of one or two letters occurs in nearly every text, and hides it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct OwnedRefusal {
    line: Vec<u8>,
    /// The text that the server sent in addition to the line.
    explanation: Vec<u8>,
    is_protected: bool,
}

impl OwnedRefusal {
    pub(crate) fn new(refusal: Refusal<'_>) -> OwnedRefusal {
        OwnedRefusal { line: refusal.line().to_vec(), explanation: Vec::new(), is_protected: refusal.is_protected() }
    }

    pub(crate) fn explain(&mut self, explanation: &[u8]) {
        self.explanation = explanation.to_vec();
    }

    fn refusal(&self) -> Refusal<'_> {
        Refusal::new(&self.line, self.is_protected)
    }

    /// Returns true if the refusal arrived inside TLS. Otherwise, anyone may have sent it: do not present its text, or
    /// an address in it, as the server's.
    pub const fn is_protected(&self) -> bool {
        self.is_protected
    }

    /// Returns the text after the response code, for humans.
    pub fn text(&self) -> Text<'_> {
        self.refusal().text()
    }

    /// Returns the meaning of the response code, if there is one (RFC 2449, section 8).
    pub fn code(&self) -> Option<Code> {
        self.refusal().code().map(crate::wire::code::ResponseCode::code)
    }

    /// Returns the text that the server sent in addition to the line, inside a SASL mechanism: the JSON of OAUTHBEARER
    /// and XOAUTH2 (RFC 7628, section 3.2.2).
    pub fn explanation(&self) -> Option<Text<'_>> {
        Some(Text::new(&self.explanation)).filter(|_| !self.explanation.is_empty())
    }

    /// Removes everything except the known response code, because the rest may echo a secret.
    pub(crate) fn withhold(&mut self) {
        let code = self.code().map_or("", Code::as_str);
        self.line = if code.is_empty() { b"***".to_vec() } else { alloc::format!("[{code}] ***").into_bytes() };
        self.explanation.clear();
    }

    /// Returns true if the line contains one of the phrases as whole words, ignoring case. The phrases must be in lower
    /// case.
    pub(crate) fn mentions(&self, phrases: &[&str]) -> bool {
        let line = self.line.to_ascii_lowercase();
        let letter = |at: Option<&u8>| at.is_some_and(u8::is_ascii_alphanumeric);
        phrases.iter().any(|phrase| {
            memchr::memmem::find_iter(&line, phrase.as_bytes()).any(|at| {
                let before = at.checked_sub(1).and_then(|at| line.get(at));
                !letter(before) && !letter(line.get(at + phrase.len()))
            })
        })
    }

    /// [Withholds](Self::withhold) the text if it contains `secret`, literally or inside Base64. Removing only the
    /// secret would not be enough: the text around the gap can reveal it.
    pub(crate) fn redact(&mut self, secret: &[u8]) {
        if secret.is_empty() {
            return;
        }
        let shows = |form: &[u8]| {
            let finder = memchr::memmem::Finder::new(form);
            !form.is_empty() && [&self.line, &self.explanation].into_iter().any(|said| finder.find(said).is_some())
        };
        if shows(secret) || (0..3).any(|before| shows(&digits_within(secret, before))) {
            self.withhold();
        }
    }
}

impl fmt::Display for OwnedRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "-ERR {}", Text::new(&self.line))?;
        self.explanation().map_or(Ok(()), |explanation| write!(f, " ({explanation})"))
    }
}

impl fmt::Debug for OwnedRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Refused({self})")
    }
}
