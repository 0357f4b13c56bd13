//! Search for the first byte of a text that a JSON string must escape.

/// Returns the number of bytes before the first quote, backslash or control character; the length
/// of `bytes` if it contains none of these.
///
/// Tests eight bytes at a time with integer arithmetic, because SIMD instructions need `unsafe`.
#[inline]
pub(super) fn plain_prefix_len(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    let mut checked = 0;
    let mut rest = bytes;
    while let Some((chunk, after)) = rest.split_first_chunk() {
        let word = u64::from_le_bytes(*chunk);
        // Flipping bit 1 maps the quote (0x22) to 0x20, the space to 0x22, and control characters
        // (below 0x20) to one another. The quote and the control characters are then exactly the
        // bytes below 0x21, so one comparison finds both. The second XOR maps the backslash to 0.
        let (flipped, zeroed) = (word ^ (ONES * 0x02), word ^ (ONES * u64::from(b'\\')));
        // `(x - n) & !x` sets the high bit of a byte below `n` (for `n` up to 0x80). At a match,
        // the subtraction may borrow from higher bytes and set wrong bits in these bytes. The
        // lowest match is always correct, and in little-endian order the lowest match is the first.
        let quote_or_control = flipped.wrapping_sub(ONES * 0x21) & !flipped;
        let backslash = zeroed.wrapping_sub(ONES) & !zeroed;
        let matches = (quote_or_control | backslash) & HIGH;
        if matches != 0 {
            return checked + (matches.trailing_zeros() / 8) as usize;
        }
        checked += chunk.len();
        rest = after;
    }
    let is_match = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    checked + rest.iter().position(is_match).unwrap_or(rest.len())
}
