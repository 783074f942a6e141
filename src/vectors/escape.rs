//! Copy a text that has bytes to escape, block by block: each escape is one store of eight bytes from a table.

use super::baseline::special_mask;

/// Appends a quote, the text with the special bytes escaped, and `end`.
#[inline(never)]
pub fn append_escaped(out: &mut Vec<u8>, text: &[u8], end: &[u8]) {
    out.push(b'"');
    for part in text.chunks(ESCAPED_AT_ONCE) {
        out.reserve(part.len() * LONGEST_ESCAPE + 16);
        // SAFETY: there is room for the part if each byte is escaped, and a block. What the length covers was written.
        unsafe {
            let written = copy_escaped(part, out.as_mut_ptr().add(out.len()));
            out.set_len(out.len() + written);
        }
    }
    out.extend_from_slice(end);
}

/// Bytes of a text for which room is reserved at once, since that is room for an escape of each.
pub(super) const ESCAPED_AT_ONCE: usize = 1024;

/// Bytes of the longest escape.
pub(super) const LONGEST_ESCAPE: usize = 6;

/// For each ASCII byte its escape, in eight bytes of which the last one is the length; zeros if it is not special.
static ESCAPES: [[u8; 8]; 128] = {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut escapes = [[0; 8]; 128];
    let mut byte = 0;
    while byte < 0x20 {
        escapes[byte] = [b'\\', b'u', b'0', b'0', HEX[byte >> 4], HEX[byte & 15], 0, 6];
        byte += 1;
    }
    let short = [(b'"', b'"'), (b'\\', b'\\'), (8, b'b'), (b'\t', b't'), (b'\n', b'n'), (12, b'f'), (b'\r', b'r')];
    let mut index = 0;
    while index < short.len() {
        escapes[short[index].0 as usize] = [b'\\', short[index].1, 0, 0, 0, 0, 0, 2];
        index += 1;
    }
    escapes
};

/// Writes the escape of a special byte, followed by arbitrary bytes. Returns its length.
///
/// # Safety
/// `to` has room for eight bytes.
#[inline(always)]
pub(super) unsafe fn write_escape(byte: u8, to: *mut u8) -> usize {
    let escape = &ESCAPES[usize::from(byte & 0x7F)];
    // SAFETY: by the contract.
    unsafe { to.cast::<[u8; 8]>().write_unaligned(*escape) };
    usize::from(escape[7])
}

/// Copies the text with the special bytes escaped, followed by arbitrary bytes. Returns the number of bytes written.
///
/// # Safety
/// `to` has room for the text if each byte is escaped, and for sixteen bytes more.
#[inline(always)]
unsafe fn copy_escaped(text: &[u8], to: *mut u8) -> usize {
    let (mut at, mut written) = (0, 0);
    while at < text.len() {
        let length = (text.len() - at).min(16);
        let block = block_at(text, at);
        let mut special = special_mask(&block.to_le_bytes()) & ((1 << length) - 1);
        let mut from = 0;
        // SAFETY: each byte of the text takes at most six bytes, and a store reaches at most sixteen bytes further.
        unsafe {
            to.add(written).cast::<[u8; 16]>().write_unaligned(block.to_le_bytes());
            while special != 0 {
                let next = special.trailing_zeros() as usize;
                written += next - from;
                written += write_escape(text[at + next], to.add(written));
                from = next + 1;
                let rest = block >> (8 * next) >> 8;
                to.add(written).cast::<[u8; 16]>().write_unaligned(rest.to_le_bytes());
                special &= special - 1;
            }
        }
        written += length - from;
        at += length;
    }
    written
}

/// The sixteen bytes from `at` on, or what is left of the text, and zeros.
#[inline(always)]
fn block_at(text: &[u8], at: usize) -> u128 {
    if let Some(block) = text[at..].first_chunk::<16>() {
        return u128::from_le_bytes(*block);
    }
    match text.last_chunk::<16>() {
        Some(last) => u128::from_le_bytes(*last) >> (8 * (16 - (text.len() - at))),
        None => {
            let mut block = [0; 16];
            block[..text.len()].copy_from_slice(text);
            u128::from_le_bytes(block) >> (8 * at)
        }
    }
}
