//! The parts of the client's lines that a personality needs.

use crate::wire::kind::Kind;

/// Returns the kind of a command line and its first argument, as a server finds them: the keyword in any case, and
/// LIST, UIDL, AUTH and LANG with or without an argument.
pub(super) fn command(line: &[u8]) -> Option<(Kind, &[u8])> {
    let line = line.trim_ascii_end();
    let end = line.iter().position(|&octet| octet == b' ').unwrap_or(line.len());
    let (keyword, rest) = line.split_at(end);
    let argument = rest.trim_ascii();
    let is_alone = argument.is_empty();
    let fits = |kind: &&Kind| {
        let form = match kind {
            Kind::AuthList | Kind::LangList | Kind::ListAll | Kind::UidlAll => is_alone,
            Kind::Auth | Kind::Lang | Kind::ListOne | Kind::UidlOne => !is_alone,
            _ => true,
        };
        form && kind.keyword().as_bytes().eq_ignore_ascii_case(keyword)
    };
    Kind::ALL.iter().find(fits).map(|kind| (*kind, argument))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_known_by_its_keyword_and_its_form() {
        assert_eq!(command(b"list\r\n"), Some((Kind::ListAll, &b""[..])));
        assert_eq!(command(b"LIST 1\n"), Some((Kind::ListOne, &b"1"[..])));
        assert_eq!(command(b"uidl  7 \r\n"), Some((Kind::UidlOne, &b"7"[..])));
        assert_eq!(command(b"AUTH\r\n"), Some((Kind::AuthList, &b""[..])));
        assert_eq!(command(b"PASS a b\r\n"), Some((Kind::Pass, &b"a b"[..])));
        for unknown in [&b"\r\n"[..], b"", b"LISTS 1\r\n", b" LIST\r\n", b"XYZZY\r\n"] {
            assert_eq!(command(unknown), None);
        }
    }
}
