//! Copy a text between quotes and look for bytes to escape in one pass: the hottest loop of the encoder.
//!
//! With slices and `push`, each name and value costs several capacity checks, a call of `memcpy` and a second pass; see
//! "What `unsafe` buys" in `benches/README.md`.

use super::CodePoints;

/// Whether a byte must be escaped in a JSON string.
#[inline]
pub(crate) fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// Appends a quote, the text and `end`, unless a byte of the text must be escaped. Returns whether it did.
#[inline(always)]
pub fn append_quoted<const END: usize>(out: &mut Vec<u8>, text: &[u8], end: [u8; END]) -> bool {
    append::<END, true>(out, text, end)
}

/// Appends a quote, the text and `end` without looking for bytes to escape.
#[inline(always)]
pub fn append_verbatim<const END: usize>(out: &mut Vec<u8>, text: &[u8], end: [u8; END]) {
    append::<END, false>(out, text, end);
}

/// Appends a minus if there is one, and the first `length` of eight bytes, of which the first is lowest.
#[inline(always)]
pub fn append_digits(out: &mut Vec<u8>, minus: bool, digits: u64, length: usize) {
    append_behind(out, b'-', minus, &digits.to_le_bytes(), length);
}

/// Appends the first `length` bytes of a word, by one copy of all of it.
#[inline(always)]
pub fn append_word(out: &mut Vec<u8>, word: &[u8; 8], length: usize) {
    append_behind(out, 0, false, word, length);
}

/// Appends a minus if there is one, the first `length` of eight bytes, and the first `more_length` of eight more. Both are
/// stored apart: a load of both would wait for the stores.
#[inline(always)]
pub fn append_more_digits(
    out: &mut Vec<u8>,
    minus: bool,
    (digits, length): (u64, usize),
    (more, more_length): (u64, usize),
) {
    assert!(length <= size_of::<u64>() && more_length <= size_of::<u64>());
    out.reserve(1 + 2 * size_of::<u64>());
    let (before, mark_length) = (out.len(), usize::from(minus));
    // SAFETY: there is room for the minus and all digits, and the new length covers only bytes that were written.
    unsafe {
        let end = out.as_mut_ptr().add(before);
        end.write(b'-');
        end.add(mark_length).cast::<[u8; 8]>().write_unaligned(digits.to_le_bytes());
        end.add(mark_length + length).cast::<[u8; 8]>().write_unaligned(more.to_le_bytes());
        out.set_len(before + mark_length + length + more_length);
    }
}

/// Appends the text that `format` writes at the start of a buffer. The buffer is in the room behind the text: a copy of it
/// would wait for the stores.
#[inline(always)]
pub fn append_formatted<B>(out: &mut Vec<u8>, buffer: B, format: impl FnOnce(&mut B) -> &str) {
    const { assert!(align_of::<B>() == 1) };
    out.reserve(size_of::<B>());
    // SAFETY: there is room for the buffer, and it may be at any address. What the new length covers is the text, which was
    // initialised.
    unsafe {
        let end = out.as_mut_ptr().add(out.len());
        end.cast::<B>().write(buffer);
        let text = format(&mut *end.cast::<B>());
        assert!(text.as_ptr() == end && text.len() <= size_of::<B>());
        let length = text.len();
        out.set_len(out.len() + length);
    }
}

/// Appends a comma if there is one, and the first `length` bytes of a block, by one copy of the whole block.
#[inline(always)]
pub fn append_member<const SIZE: usize>(out: &mut Vec<u8>, comma: bool, block: &[u8; SIZE], length: usize) {
    append_behind(out, b',', comma, block, length);
}

#[inline(always)]
fn append_behind<const SIZE: usize>(out: &mut Vec<u8>, mark: u8, is_marked: bool, block: &[u8; SIZE], length: usize) {
    assert!(length <= SIZE);
    out.reserve(SIZE + 1);
    // The length is read once: the compiler can't know that the block is not written to it.
    let (before, mark_length) = (out.len(), usize::from(is_marked));
    // SAFETY: there is room for the mark and the whole block, and the new length covers only bytes that were written.
    unsafe {
        let end = out.as_mut_ptr().add(before);
        end.write(mark);
        let start = end.add(mark_length);
        match block.split_first_chunk::<32>() {
            // Most are short: one copy of 32 bytes is enough.
            Some((first, rest)) => {
                start.cast::<[u8; 32]>().write_unaligned(*first);
                if length > first.len() {
                    start.add(first.len()).copy_from_nonoverlapping(rest.as_ptr(), rest.len());
                }
            }
            None => start.cast::<[u8; SIZE]>().write_unaligned(*block),
        }
        out.set_len(before + mark_length + length);
    }
}

/// Whether no byte of the text must be escaped.
pub fn is_plain(text: &[u8]) -> bool {
    ordinary_prefix(text) == text.len()
}

#[inline(always)]
fn append<const END: usize, const LOOK: bool>(out: &mut Vec<u8>, text: &[u8], end: [u8; END]) -> bool {
    out.reserve(text.len() + 1 + END);
    let before = out.len();
    // SAFETY: there is room for the quote, the text and the end, and they are written before the length covers them.
    unsafe {
        let quote = out.as_mut_ptr().add(before);
        quote.write(b'"');
        if copy::<LOOK>(text, quote.add(1)) {
            return false;
        }
        quote.add(1 + text.len()).cast::<[u8; END]>().write_unaligned(end);
        out.set_len(before + text.len() + 1 + END);
    }
    true
}

/// Copies the text in blocks; the last one overlaps the one before. With LOOK, stops at a block with a special byte and
/// returns whether there was one.
///
/// # Safety
/// `to` has room for `text.len()` bytes.
#[inline(always)]
unsafe fn copy<const LOOK: bool>(text: &[u8], to: *mut u8) -> bool {
    let length = text.len();
    // SAFETY: each block is stored at the offset in `to` that it has in `text`.
    unsafe {
        if let Some(last) = text.last_chunk::<16>() {
            for (number, block) in text.as_chunks::<16>().0.iter().enumerate() {
                if LOOK && special_mask(block) != 0 {
                    return true;
                }
                to.add(number * 16).cast::<[u8; 16]>().write_unaligned(*block);
            }
            to.add(length - 16).cast::<[u8; 16]>().write_unaligned(*last);
            LOOK && special_mask(last) != 0
        } else if let (Some(first), Some(last)) = (text.first_chunk::<8>(), text.last_chunk::<8>()) {
            to.cast::<[u8; 8]>().write_unaligned(*first);
            to.add(length - 8).cast::<[u8; 8]>().write_unaligned(*last);
            LOOK && special_in(u64::from_le_bytes(*first)) | special_in(u64::from_le_bytes(*last)) != 0
        } else if let (Some(first), Some(last)) = (text.first_chunk::<4>(), text.last_chunk::<4>()) {
            to.cast::<[u8; 4]>().write_unaligned(*first);
            to.add(length - 4).cast::<[u8; 4]>().write_unaligned(*last);
            let both = u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << 32;
            LOOK && special_in(both) != 0
        } else {
            for (offset, &byte) in text.iter().enumerate() {
                to.add(offset).write(byte);
            }
            LOOK && text.iter().any(|&byte| is_special(byte))
        }
    }
}

/// Appends a quote, the code points as UTF-8, and a quote, unless one must be escaped or repaired. Returns whether it did.
#[inline(never)]
pub fn append_quoted_codes(out: &mut Vec<u8>, codes: CodePoints<'_>) -> bool {
    let before = out.len();
    out.push(b'"');
    let is_ordinary = match codes {
        CodePoints::Latin1(codes) => append_utf8::<_, true>(out, codes),
        CodePoints::Ucs2(codes) => append_utf8::<_, true>(out, codes),
        CodePoints::Ucs4(codes) => append_utf8::<_, true>(out, codes),
    };
    if is_ordinary {
        out.push(b'"');
    } else {
        out.truncate(before);
    }
    is_ordinary
}

/// Replaces a text by these code points, unless one must be repaired. Returns whether it did.
#[inline(never)]
pub fn decode(text: &mut String, codes: CodePoints<'_>) -> bool {
    let mut bytes = std::mem::take(text).into_bytes();
    bytes.clear();
    let is_valid = match codes {
        CodePoints::Latin1(codes) => append_utf8::<_, false>(&mut bytes, codes),
        CodePoints::Ucs2(codes) => append_utf8::<_, false>(&mut bytes, codes),
        CodePoints::Ucs4(codes) => append_utf8::<_, false>(&mut bytes, codes),
    };
    if !is_valid {
        bytes.clear();
    }
    // SAFETY: each code point was written as UTF-8, and is a character.
    *text = unsafe { String::from_utf8_unchecked(bytes) };
    is_valid
}

/// Appends code points as UTF-8. Returns whether none is a surrogate and, with LOOK, none must be escaped; if not, the
/// bytes appended are no text.
#[inline(always)]
fn append_utf8<C: Copy + Into<u32>, const LOOK: bool>(out: &mut Vec<u8>, codes: &[C]) -> bool {
    out.reserve(codes.len() * LONGEST_CHARACTER);
    let mut is_odd = false;
    // SAFETY: there is room for each code point, and what the length covers was written.
    unsafe {
        let start = out.as_mut_ptr().add(out.len());
        let mut written = 0;
        let (blocks, rest) = codes.as_chunks::<16>();
        for block in blocks {
            let block: [u32; 16] = block.map(Into::into);
            if block.iter().fold(0, |all, code| all | code) < 0x80 {
                let ascii = block.map(|code| code as u8);
                start.add(written).cast::<[u8; 16]>().write_unaligned(ascii);
                is_odd |= LOOK && special_mask(&ascii) != 0;
                written += ascii.len();
                continue;
            }
            for code in block {
                written += write_code::<LOOK>(code, start.add(written), &mut is_odd);
            }
        }
        for &code in rest {
            written += write_code::<LOOK>(code.into(), start.add(written), &mut is_odd);
        }
        out.set_len(out.len() + written);
    }
    !is_odd
}

/// Bytes of the longest character in UTF-8, which are stored for each.
const LONGEST_CHARACTER: usize = 4;

/// Writes a code point as UTF-8, followed by arbitrary bytes. Returns the number of its bytes.
///
/// # Safety
/// `to` has room for [`LONGEST_CHARACTER`] bytes.
#[inline(always)]
unsafe fn write_code<const LOOK: bool>(code: u32, to: *mut u8, is_odd: &mut bool) -> usize {
    let low = |shift: u32| code >> shift & 0x3F;
    *is_odd |= code & !0x7FF == 0xD800 || code > 0x10_FFFF || LOOK && code < 0x80 && is_special(code as u8);
    let (bytes, length) = match code {
        0..0x80 => (code, 1),
        0x80..0x800 => (0x80C0 | code >> 6 | low(0) << 8, 2),
        0x800..0x1_0000 => (0x80_80E0 | code >> 12 | low(6) << 8 | low(0) << 16, 3),
        _ => (0x8080_80F0 | code >> 18 | low(12) << 8 | low(6) << 16 | low(0) << 24, 4),
    };
    // SAFETY: by the contract.
    unsafe { to.cast::<[u8; LONGEST_CHARACTER]>().write_unaligned(bytes.to_le_bytes()) };
    length
}

/// The number of bytes before the first one that must be escaped in a JSON string.
#[inline(always)]
pub fn ordinary_prefix(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(block) = text[at..].first_chunk::<16>() {
        let mask = special_mask(block);
        if mask != 0 {
            return at + mask.trailing_zeros() as usize;
        }
        at += 16;
    }
    at + text[at..].iter().position(|&byte| is_special(byte)).unwrap_or(text.len() - at)
}

/// A bit for each of sixteen bytes, set if it is special.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(super) fn special_mask(block: &[u8; 16]) -> u32 {
    use std::arch::x86_64::{
        _mm_cmpeq_epi8, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128, _mm_set_epi64x, _mm_set1_epi8,
    };
    let number = u128::from_le_bytes(*block);
    // SAFETY: every x86-64 has SSE2.
    unsafe {
        let bytes = _mm_set_epi64x((number >> 64) as i64, number as i64);
        let control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1F)), bytes);
        let quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'"' as i8));
        let backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'\\' as i8));
        _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(control, quote), backslash)) as u32
    }
}

/// A bit for each of sixteen bytes, set if it is special.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
pub(super) fn special_mask(block: &[u8; 16]) -> u32 {
    block.iter().enumerate().fold(0, |mask, (at, &byte)| mask | u32::from(is_special(byte)) << at)
}

/// The high bit of each special byte; bytes above the first special one may be marked too.
#[inline(always)]
fn special_in(bytes: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    let zero = |bytes: u64| bytes.wrapping_sub(ONES) & !bytes;
    let control = bytes.wrapping_sub(ONES * 0x20) & !bytes;
    (control | zero(bytes ^ (ONES * 0x22)) | zero(bytes ^ (ONES * 0x5C))) & HIGH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_at_every_place_of_every_length_agrees_with_a_byte_by_byte_copy() {
        for length in 0..70 {
            for place in 0..length.max(1) {
                for byte in 0..=255_u8 {
                    let mut text = vec![b'x'; length];
                    text.iter_mut().skip(place).take(1).for_each(|at| *at = byte);
                    let mut out = b"before".to_vec();
                    let appended = append_quoted(&mut out, &text, *b"\":");
                    assert_eq!(appended, !text.iter().any(|&byte| is_special(byte)));
                    let quoted = [b"before\"".as_slice(), &text, b"\":"].concat();
                    assert_eq!(out, if appended { quoted.clone() } else { b"before".to_vec() });
                    out.truncate(b"before".len());
                    append_verbatim(&mut out, &text, *b"\":");
                    assert_eq!(out, quoted);
                    let prefix = text.iter().take_while(|&&byte| !is_special(byte)).count();
                    assert_eq!(ordinary_prefix(&text), prefix);
                }
            }
        }
    }
}
