//! Languages of a server's texts (RFC 6856, section 3).

use crate::wire::text::Text;

use alloc::boxed::Box;
use core::fmt;

/// A language tag of a server, such as `en` or `de-AT` (RFC 6856, section 3.1; RFC 5646). Letters of either case are
/// equal in a tag; `==` compares octets.
///
/// It is displayed as [`Text`].
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct LanguageTag(Box<[u8]>);

impl LanguageTag {
    pub(super) fn new(tag: &[u8]) -> LanguageTag {
        LanguageTag(tag.into())
    }

    /// Returns the octets of the tag as received; there may be none.
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the tag for use in a command, or `None` if it is not UTF-8 and thus not a language tag.
    pub fn to_str(&self) -> Option<&str> {
        core::str::from_utf8(&self.0).ok()
    }
}

impl fmt::Display for LanguageTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Text::new(&self.0).fmt(f)
    }
}

impl fmt::Debug for LanguageTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LanguageTag({:?})", Text::new(&self.0))
    }
}

/// A language that a server supports: a line of the answer to LANG (RFC 6856, section 3.1).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Language {
    tag: LanguageTag,
    description: Box<[u8]>,
}

impl Language {
    pub(super) fn new(tag: &[u8], description: Text<'_>) -> Language {
        Language { tag: LanguageTag::new(tag), description: description.as_bytes().into() }
    }

    /// Returns the tag, which selects the language.
    pub const fn tag(&self) -> &LanguageTag {
        &self.tag
    }

    /// Returns the description for humans, in the language itself. It is empty if the server sent none.
    pub const fn description(&self) -> Text<'_> {
        Text::new(&self.description)
    }
}

impl fmt::Debug for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Language({} {:?})", self.tag, self.description())
    }
}
