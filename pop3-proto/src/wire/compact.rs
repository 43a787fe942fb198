//! Copying octets of a message without the dots of byte-stuffing, block by block.

/// The octets that are examined at once where dots of byte-stuffing are rare.
const SMALL: usize = 32;
/// The octets that are examined at once where such dots are frequent.
const LARGE: usize = 64;
/// The octets of a large block that are copied at once.
const PART: usize = 16;
/// The number of large blocks before dots are assumed to be rare again.
const AGAIN: usize = 32;
/// The octets before a block that are examined with it: the longest line end.
const BEFORE: usize = 2;

/// Copies `octets` to `space`, without the dots that follow `line_end`. The first `from` octets were copied before.
///
/// Returns the number of octets taken and the number of octets written. Stops before a block with a lone dot, and where
/// few octets or little space is left, at most 112 octets.
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
    loop {
        while let (Some(view), Some(room)) = (octets[taken..].first_chunk(), space[written..].first_chunk_mut()) {
            let Some(len) = compact_small(view, line_end, room) else { break };
            taken += SMALL;
            written += len;
        }
        for _ in 0..AGAIN {
            let (Some(view), Some(room)) = (octets[taken..].first_chunk(), space[written..].first_chunk_mut()) else {
                return (taken, written);
            };
            let Some(len) = compact_large(view, line_end, room) else { return (taken, written) };
            taken += LARGE;
            written += len;
        }
    }
}

/// Copies a small block, and returns the number of octets written that belong to it. Returns `None` if there is more
/// than one dot to leave out, or a lone dot.
#[inline(always)]
#[allow(clippy::inline_always, reason = "a call costs more than the search in a block without dots")]
fn compact_small<const N: usize>(
    view: &[u8; BEFORE + 2 * SMALL],
    line_end: &[u8; N],
    room: &mut [u8; 2 * SMALL],
) -> Option<usize> {
    let block = &view[BEFORE..];
    room[..SMALL].copy_from_slice(&block[..SMALL]);
    if block[..SMALL].iter().fold(0, |any, &octet| any | u8::from(octet == b'.')) == 0 {
        return Some(SMALL);
    }
    let dots = set(&marks::<N, { BEFORE + 2 * SMALL }, SMALL>(view, line_end));
    if dots == 0 {
        return Some(SMALL);
    }
    let dot = dots.trailing_zeros() as usize % SMALL;
    let after = &block[dot + 1..];
    if dots & (dots - 1) != 0 || after.starts_with(b"\r\n") || after.starts_with(line_end) {
        return None;
    }
    // More than is needed, because a copy of a fixed length is the fastest.
    room[dot..][..SMALL].copy_from_slice(&after[..SMALL]);
    Some(SMALL - 1)
}

/// Copies a large block, and returns the number of octets written that belong to it. Returns `None` if there is a lone
/// dot.
///
/// The work is the same for all blocks: a processor cannot predict where dots are.
#[inline(always)]
#[allow(clippy::inline_always, reason = "the arrays are of fixed length, and their lengths are checked only once")]
fn compact_large<const N: usize>(
    view: &[u8; BEFORE + LARGE + 2 * PART],
    line_end: &[u8; N],
    room: &mut [u8; LARGE + 3 * PART],
) -> Option<usize> {
    let marks = marks::<N, { BEFORE + LARGE + 2 * PART }, LARGE>(view, line_end);
    let block = &view[BEFORE..];
    let is_lone = |at: usize| {
        let crlf = u8::from(block[at + 1] == b'\r') & u8::from(block[at + 2] == b'\n');
        crlf | (u8::from(block[at + 1] == b'\n') & u8::from(N == 1))
    };
    if (0..LARGE).fold(0, |any, at| any | (marks[at] & is_lone(at))) != 0 {
        return None;
    }
    let mut written = 0;
    for part in 0..LARGE / PART {
        let octets: &[u8; 3 * PART] = block[part * PART..].first_chunk()?;
        let room: &mut [u8; 3 * PART] = room[written..].first_chunk_mut()?;
        room[..PART].copy_from_slice(&octets[..PART]);
        // There are at most `most` dots, because the shortest lines consist of two octets and a line end. The bits
        // beyond the block stand for the dots that are not there: the copies for them are of octets after the block.
        let most = PART.div_ceil(2 + N);
        let mut dots = set::<PART>(marks[part * PART..].first_chunk()?) | u32::MAX << PART;
        for left_out in 0..most {
            let dot = dots.trailing_zeros() as usize;
            // The remainders are always the numbers themselves, but the compiler does not know that.
            room[(dot - left_out) % (2 * PART)..][..PART].copy_from_slice(&octets[dot % (2 * PART) + 1..][..PART]);
            dots &= dots - 1;
        }
        written += dots.trailing_zeros() as usize - most;
    }
    Some(written)
}

/// Returns 1 for each octet of the block that is a dot and follows `line_end`, and 0 for the others.
#[inline(always)]
#[allow(clippy::inline_always, reason = "the compiler must know the lengths")]
fn marks<const N: usize, const VIEW: usize, const BLOCK: usize>(view: &[u8; VIEW], line_end: &[u8; N]) -> [u8; BLOCK] {
    // This loop has no branches, so that the compiler can examine many octets with one instruction.
    let mut marks = [0; BLOCK];
    for (at, mark) in marks.iter_mut().enumerate() {
        let line_end = line_end.iter().zip(&view[BEFORE - N + at..][..N]);
        let is_dot = u8::from(view[BEFORE + at] == b'.');
        *mark = line_end.fold(is_dot, |mark, (wanted, octet)| mark & u8::from(wanted == octet));
    }
    marks
}

/// Returns the marks as a set of bits.
#[inline(always)]
#[allow(clippy::inline_always, reason = "the compiler must know the length")]
fn set<const BLOCK: usize>(marks: &[u8; BLOCK]) -> u32 {
    // The multiplication moves the lowest bit of each octet into the highest octet.
    (0..BLOCK / 8).rev().fold(0, |bits, word| {
        let word = u64::from_le_bytes(core::array::from_fn(|at| marks[8 * word + at]));
        bits << 8 | (word.wrapping_mul(0x0102_0408_1020_4080) >> 56) as u32
    })
}
