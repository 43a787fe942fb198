//! Octets that arrive in pieces. See [`pieces`] for an example.

/// Returns the octets in pieces of these sizes, in turn; after the last size, the first one follows. Without sizes,
/// everything is one piece. A size of 0 counts as 1.
///
/// ```
/// use pop3_proto::testing::cuts::pieces;
///
/// let arrived: Vec<_> = pieces(b"+OK\r\n.\r\n", &[1, 3]).collect();
/// assert_eq!(arrived, [&b"+"[..], b"OK\r", b"\n", b".\r\n"]);
/// ```
pub fn pieces<'a>(octets: &'a [u8], sizes: &'a [usize]) -> impl Iterator<Item = &'a [u8]> {
    let mut sizes = sizes.iter().copied().cycle();
    let mut rest = octets;
    core::iter::from_fn(move || {
        let size = sizes.next().unwrap_or(usize::MAX).max(1).min(rest.len());
        let (piece, behind) = rest.split_at(size);
        rest = behind;
        Some(piece).filter(|piece| !piece.is_empty())
    })
}
