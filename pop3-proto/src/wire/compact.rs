//! Copying octets of a message without the dots of byte-stuffing, block by block.

/// The octets that are examined at once.
const BLOCK: usize = 32;
/// The octets before a block that are examined with it: the longest line end.
const BEFORE: usize = 2;
/// The octets before a block, the block, and as many octets after it.
const VIEW: usize = BEFORE + 2 * BLOCK;

/// Copies `octets` to `space`, without the dots that follow `line_end`. The first `from` octets were copied before.
///
/// Returns the number of octets taken and the number of octets written. Stops before a lone dot, and where less than
/// two blocks of octets or of space are left.
///
/// Finding a single dot takes as long as copying many octets. If there are many dots, this is the faster way, because
/// all dots of a block are found at once.
pub(crate) fn compact<const N: usize>(
    octets: &[u8],
    from: usize,
    line_end: &[u8; N],
    space: &mut [u8],
) -> (usize, usize) {
    let (mut taken, mut written) = (0, 0);
    let Some(octets) = from.checked_sub(BEFORE).and_then(|before| octets.get(before..)) else { return (0, 0) };
    while let (Some(view), Some(room)) =
        (octets[taken..].first_chunk::<VIEW>(), space[written..].first_chunk_mut::<{ 2 * BLOCK }>())
    {
        let block = &view[BEFORE..];
        room[..BLOCK].copy_from_slice(&block[..BLOCK]);
        let (mut dots, mut left_out) = (stuffed(view, line_end), 0);
        while dots != 0 {
            let dot = dots.trailing_zeros() as usize;
            let after = &block[dot + 1..];
            if after.starts_with(b"\r\n") || after.starts_with(line_end) {
                return (taken + dot, written + dot - left_out);
            }
            // More than is needed, because a copy of a fixed length is the fastest. The remainder is always the number
            // itself, but the compiler does not know that.
            room[(dot - left_out) % BLOCK..][..BLOCK].copy_from_slice(&after[..BLOCK]);
            left_out += 1;
            dots &= dots - 1;
        }
        taken += BLOCK;
        written += BLOCK - left_out;
    }
    (taken, written)
}

/// Returns a set of bits: the octets of the block that are dots and follow `line_end`.
#[inline(always)]
#[allow(clippy::inline_always, reason = "a call costs more than the search in a block without dots")]
fn stuffed<const N: usize>(view: &[u8; VIEW], line_end: &[u8; N]) -> u32 {
    // These loops have no branches, so that the compiler can examine many octets with one instruction.
    let is_dot = |at: usize| u8::from(view[BEFORE + at] == b'.');
    if (0..BLOCK).fold(0, |any, at| any | is_dot(at)) == 0 {
        return 0;
    }
    let mut marks = [0; BLOCK];
    for (at, mark) in marks.iter_mut().enumerate() {
        let line_end = line_end.iter().zip(&view[BEFORE - N + at..][..N]);
        *mark = line_end.fold(is_dot(at), |mark, (wanted, octet)| mark & u8::from(wanted == octet));
    }
    // The multiplication moves the lowest bit of each octet into the highest octet.
    (0..BLOCK / 8).rev().fold(0, |bits, word| {
        let word = u64::from_le_bytes(core::array::from_fn(|at| marks[8 * word + at]));
        bits << 8 | (word.wrapping_mul(0x0102_0408_1020_4080) >> 56) as u32
    })
}
