//! Write code points as UTF-8, sixteen at once: each is spread to four bytes, and an instruction leaves out the bytes that
//! its form does not need (AVX-512VBMI2).

use std::arch::x86_64::{
    __m512i, _bzhi_u32, _bzhi_u64, _mm_maskz_loadu_epi8, _mm256_maskz_loadu_epi16, _mm512_and_si512,
    _mm512_cmpeq_epi32_mask, _mm512_cmpge_epu32_mask, _mm512_cmplt_epu32_mask, _mm512_cvtepu8_epi32,
    _mm512_cvtepu16_epi32, _mm512_mask_mov_epi32, _mm512_maskz_compress_epi8, _mm512_maskz_loadu_epi32,
    _mm512_or_si512, _mm512_set1_epi32, _mm512_slli_epi32, _mm512_srli_epi32, _mm512_storeu_si512,
    _mm512_test_epi8_mask,
};

use super::CodePoints;

/// Whether the processor has the instructions, apart from those of [`super::avx512`]: they came later. It is looked up
/// each time, which is one load, so that [`super::Wide`] takes no room in a walk.
#[inline(always)]
pub(super) fn is_available() -> bool {
    is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vbmi2")
}

/// Code points of a vector.
const LANES: usize = 16;

/// Bytes that a vector stores.
const WIDTH: usize = size_of::<__m512i>();

/// Appends a quote, the code points as UTF-8, and a quote, unless one must be escaped or repaired. Returns whether it did.
///
/// # Safety
/// The processor has the features.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi2,bmi1,bmi2,lzcnt,popcnt")]
#[inline(never)]
pub(super) unsafe fn append_quoted_codes(out: &mut Vec<u8>, codes: CodePoints<'_>) -> bool {
    out.reserve(room_for(codes) + 2);
    // SAFETY: the processor has the features. There is room for the quotes and the text; what the length covers was written.
    unsafe {
        let quote = out.as_mut_ptr().add(out.len());
        quote.write(b'"');
        let Some(length) = write_utf8::<true>(codes, quote.add(1)) else { return false };
        quote.add(1 + length).write(b'"');
        out.set_len(out.len() + length + 2);
    }
    true
}

/// Replaces a text by these code points, unless one must be repaired. Returns whether it did.
///
/// # Safety
/// The processor has the features.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi2,bmi1,bmi2,lzcnt,popcnt")]
#[inline(never)]
pub(super) unsafe fn decode(text: &mut String, codes: CodePoints<'_>) -> bool {
    text.clear();
    text.reserve(room_for(codes));
    // SAFETY: the processor has the features, and there is room for the text. What the length covers was written, and is
    // UTF-8: each code point is a character.
    unsafe {
        let bytes = text.as_mut_vec();
        let Some(length) = write_utf8::<false>(codes, bytes.as_mut_ptr()) else { return false };
        bytes.set_len(length);
    }
    true
}

/// The bytes that [`write_utf8`] may write.
fn room_for(codes: CodePoints<'_>) -> usize {
    let longest = match codes {
        CodePoints::Latin1(_) => 2,
        CodePoints::Ucs2(_) => 3,
        CodePoints::Ucs4(_) => 4,
    };
    codes.count() * longest + WIDTH
}

/// Writes code points as UTF-8, followed by arbitrary bytes. Returns the number of bytes; None if there is a surrogate or,
/// with LOOK, a character that must be escaped.
///
/// # Safety
/// The processor has the features. `to` has the room of [`room_for`].
#[inline(always)]
unsafe fn write_utf8<const LOOK: bool>(codes: CodePoints<'_>, to: *mut u8) -> Option<usize> {
    let (mut at, mut written, mut odd) = (0, 0, 0);
    while at < codes.count() {
        let count = (codes.count() - at).min(LANES) as u32;
        // SAFETY: only the code points of the mask are read, which are within the text. What is stored has room.
        unsafe {
            let lanes = _bzhi_u32(u32::MAX, count) as u16;
            let block = match codes {
                CodePoints::Latin1(codes) => {
                    _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(lanes, codes.as_ptr().add(at).cast()))
                }
                CodePoints::Ucs2(codes) => {
                    _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(lanes, codes.as_ptr().add(at).cast()))
                }
                CodePoints::Ucs4(codes) => _mm512_maskz_loadu_epi32(lanes, codes.as_ptr().add(at).cast()),
            };
            let is_wide = matches!(codes, CodePoints::Ucs4(_));
            odd |= odd_lanes::<LOOK>(block, is_wide) & lanes;
            let spread = spread(block, is_wide);
            // A byte of a character is zero only if the form has none there, or it is the only byte of U+0000.
            let first_bytes = _bzhi_u64(0x1111_1111_1111_1111, 4 * count);
            let kept = _mm512_test_epi8_mask(spread, spread) | first_bytes;
            _mm512_storeu_si512(to.add(written).cast(), _mm512_maskz_compress_epi8(kept, spread));
            written += kept.count_ones() as usize;
        }
        at += LANES;
    }
    (odd == 0).then_some(written)
}

/// The lanes of code points that are no character or, with LOOK, must be escaped.
///
/// # Safety
/// The processor has the features.
#[inline(always)]
unsafe fn odd_lanes<const LOOK: bool>(block: __m512i, is_wide: bool) -> u16 {
    // SAFETY: by the contract.
    unsafe {
        let all = |code: u32| _mm512_set1_epi32(code as i32);
        let mut odd = _mm512_cmpeq_epi32_mask(_mm512_and_si512(block, all(!0x7FF)), all(0xD800));
        if is_wide {
            odd |= _mm512_cmpge_epu32_mask(block, all(0x11_0000));
        }
        if LOOK {
            odd |= _mm512_cmplt_epu32_mask(block, all(0x20))
                | _mm512_cmpeq_epi32_mask(block, all(b'"'.into()))
                | _mm512_cmpeq_epi32_mask(block, all(b'\\'.into()));
        }
        odd
    }
}

/// Each code point in UTF-8, in a separate lane, with zeros behind a short form.
///
/// # Safety
/// The processor has the features.
#[inline(always)]
unsafe fn spread(block: __m512i, is_wide: bool) -> __m512i {
    // SAFETY: by the contract.
    unsafe {
        let all = |code: u32| _mm512_set1_epi32(code as i32);
        let or = |left, right| _mm512_or_si512(left, right);
        let low = all(0x3F);
        let last = _mm512_and_si512(block, low);
        let middle = _mm512_and_si512(_mm512_srli_epi32::<6>(block), low);
        let two = or(or(all(0x80C0), _mm512_srli_epi32::<6>(block)), _mm512_slli_epi32::<8>(last));
        let tail = or(_mm512_slli_epi32::<8>(middle), _mm512_slli_epi32::<16>(last));
        let three = or(or(all(0x80_80E0), _mm512_srli_epi32::<12>(block)), tail);
        let mut spread = _mm512_mask_mov_epi32(block, _mm512_cmpge_epu32_mask(block, all(0x80)), two);
        spread = _mm512_mask_mov_epi32(spread, _mm512_cmpge_epu32_mask(block, all(0x800)), three);
        if is_wide {
            let first = or(all(0x8080_80F0), _mm512_srli_epi32::<18>(block));
            let second = _mm512_slli_epi32::<8>(_mm512_and_si512(_mm512_srli_epi32::<12>(block), low));
            let four = or(or(first, second), _mm512_slli_epi32::<8>(tail));
            spread = _mm512_mask_mov_epi32(spread, _mm512_cmpge_epu32_mask(block, all(0x1_0000)), four);
        }
        spread
    }
}
