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
    while let Some(block) = text[at..].first_chunk::<16>() {
        let special = special_mask(block);
        let ordinary = special.trailing_zeros().min(16) as usize;
        // SAFETY: each byte of the text takes at most six bytes, and a store reaches at most sixteen bytes further.
        unsafe {
            to.add(written).cast::<[u8; 16]>().write_unaligned(*block);
            written += ordinary;
            at += ordinary;
            if special != 0 {
                written += write_escape(text[at], to.add(written));
                at += 1;
            }
        }
    }
    // The rest is shifted down as its bytes are written.
    let mut rest = rest_of(text, at);
    while at < text.len() {
        let block = rest.to_le_bytes();
        let left = text.len() - at;
        let special = special_mask(&block) & ((1 << left) - 1);
        let ordinary = (special.trailing_zeros() as usize).min(left);
        // SAFETY: as above.
        unsafe {
            to.add(written).cast::<[u8; 16]>().write_unaligned(block);
            written += ordinary;
            at += ordinary;
            if special != 0 {
                written += write_escape(text[at], to.add(written));
                at += 1;
                rest = rest >> (8 * ordinary) >> 8;
            }
        }
    }
    written
}

/// The bytes from `at` on, which are fewer than sixteen, and zeros.
#[inline(always)]
fn rest_of(text: &[u8], at: usize) -> u128 {
    match text.last_chunk::<16>() {
        _ if at == text.len() => 0,
        Some(last) => u128::from_le_bytes(*last) >> (8 * (16 - (text.len() - at))),
        None => {
            let mut block = [0; 16];
            block[..text.len()].copy_from_slice(text);
            u128::from_le_bytes(block) >> (8 * at)
        }
    }
}
