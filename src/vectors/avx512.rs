//! Copy and compare with masked vectors of 32 bytes (AVX-512VL).

use std::arch::x86_64::{
    __m256i, _bzhi_u32, _mm256_cmpge_epu8_mask, _mm256_cmpneq_epi8_mask, _mm256_loadu_si256, _mm256_mask_loadu_epi8,
    _mm256_set1_epi8, _mm256_storeu_si256,
};

use super::compress;
use super::escape::{ESCAPED_AT_ONCE, LONGEST_ESCAPE, write_escape};
use super::{Baseline, CodePoints, Vectors, Work};

/// Proof that the processor has masked vectors of 32 bytes.
///
/// Vectors of 64 bytes are slower: nearly every store of one crosses a cache line.
#[derive(Clone, Copy)]
pub struct Avx512 {
    _detected: (),
}

impl Avx512 {
    /// None if the processor lacks them.
    pub fn detect() -> Option<Avx512> {
        let detected = is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("popcnt")
            && is_x86_feature_detected!("lzcnt");
        detected.then_some(Avx512 { _detected: () })
    }
}

const WIDTH: usize = size_of::<__m256i>();

impl Vectors for Avx512 {
    const IS_WIDE: bool = true;

    #[inline(always)]
    fn run<W: Work>(self, work: W) -> W::Done {
        #[target_feature(enable = "avx512bw,avx512vl,bmi1,bmi2,lzcnt,popcnt")]
        fn compiled_for_it<W: Work>(work: W) -> W::Done {
            work.run()
        }
        // SAFETY: the processor has the features, as `self` exists.
        unsafe { compiled_for_it(work) }
    }

    #[inline(always)]
    fn append_quoted<const END: usize>(self, out: &mut Vec<u8>, text: &[u8], end: [u8; END]) -> bool {
        out.reserve(text.len() + WIDTH + 1 + END);
        let before = out.len(); // read once: the compiler can't know that the text is not written to it
        // SAFETY: the processor has the features, as `self` exists. There is room for the quote, the text rounded up
        // to whole vectors, and the end; what the length covers has been written.
        unsafe {
            let quote = out.as_mut_ptr().add(before);
            quote.write(b'"');
            if !copy(text, quote.add(1)) {
                return false;
            }
            quote.add(1 + text.len()).cast::<[u8; END]>().write_unaligned(end);
            out.set_len(before + text.len() + 1 + END);
        }
        true
    }

    #[inline(always)]
    fn append_escaped(self, out: &mut Vec<u8>, text: &[u8]) {
        // SAFETY: the processor has the features, as `self` exists.
        unsafe { append_escaped(out, text) }
    }

    #[inline(always)]
    fn append_quoted_codes(self, out: &mut Vec<u8>, codes: CodePoints<'_>) -> bool {
        if !compress::is_available() {
            return Baseline.append_quoted_codes(out, codes);
        }
        // SAFETY: the processor has the features.
        unsafe { compress::append_quoted_codes(out, codes) }
    }

    #[inline(always)]
    fn decode(self, text: &mut String, codes: CodePoints<'_>) -> bool {
        if !compress::is_available() {
            return Baseline.decode(text, codes);
        }
        // SAFETY: the processor has the features.
        unsafe { compress::decode(text, codes) }
    }

    #[inline(always)]
    fn append_verbatim(self, out: &mut Vec<u8>, bytes: &[u8], quotes: bool) {
        let quote = usize::from(quotes);
        out.reserve(bytes.len() + WIDTH + 2);
        let before = out.len();
        // SAFETY: as above; without quotes they are overwritten, or not covered by the length.
        unsafe {
            let start = out.as_mut_ptr().add(before);
            start.write(b'"');
            copy(bytes, start.add(quote));
            start.add(quote + bytes.len()).write(b'"');
            out.set_len(before + bytes.len() + 2 * quote);
        }
    }

    #[inline(always)]
    fn begins_with<const SIZE: usize>(self, text: &[u8], block: &[u8; SIZE], length: usize) -> bool {
        match (text.first_chunk::<WIDTH>(), block.first_chunk::<WIDTH>()) {
            (Some(begin), Some(block)) if length <= WIDTH => {
                // SAFETY: the processor has the features, as `self` exists.
                let others = unsafe {
                    let begin = _mm256_loadu_si256(begin.as_ptr().cast());
                    _mm256_cmpneq_epi8_mask(begin, _mm256_loadu_si256(block.as_ptr().cast()))
                };
                others.trailing_zeros() as usize >= length
            }
            _ => Baseline.begins_with(text, block, length),
        }
    }

    #[inline(always)]
    fn ordinary_prefix(self, text: &[u8]) -> usize {
        let mut at = 0;
        while let Some(block) = text[at..].first_chunk::<WIDTH>() {
            // SAFETY: the processor has the features, as `self` exists.
            let special = unsafe { special_mask(_mm256_loadu_si256(block.as_ptr().cast())) };
            if special != 0 {
                return at + special.trailing_zeros() as usize;
            }
            at += WIDTH;
        }
        at + super::baseline::ordinary_prefix(&text[at..])
    }
}

/// Appends a quote, the text with the special bytes escaped, and a quote.
///
/// # Safety
/// The processor has the features.
#[target_feature(enable = "avx512bw,avx512vl,bmi1,bmi2,lzcnt,popcnt")]
#[inline(never)]
unsafe fn append_escaped(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    for part in text.chunks(ESCAPED_AT_ONCE) {
        out.reserve(part.len() * LONGEST_ESCAPE + WIDTH);
        // SAFETY: there is room for the part if each byte is escaped, and a vector. What the length covers was written.
        unsafe {
            let written = copy_escaped(part, out.as_mut_ptr().add(out.len()));
            out.set_len(out.len() + written);
        }
    }
    out.push(b'"');
}

/// Copies the text with the special bytes escaped, followed by arbitrary bytes. Returns the number of bytes written.
///
/// # Safety
/// The processor has the features. `to` has room for the text if each byte is escaped, and for [`WIDTH`] bytes more.
#[inline(always)]
unsafe fn copy_escaped(text: &[u8], to: *mut u8) -> usize {
    let (mut at, mut written) = (0, 0);
    while at < text.len() {
        let length = (text.len() - at).min(WIDTH);
        let mut from = 0;
        // SAFETY: of the text only the bytes of the masks are read, which are within it. What is stored has room, as each
        // byte before took at most six.
        unsafe {
            let block = masked(text.as_ptr().add(at), length);
            _mm256_storeu_si256(to.add(written).cast(), block);
            let mut special = special_mask(block);
            while special != 0 {
                let next = special.trailing_zeros() as usize;
                written += next - from;
                written += write_escape(text[at + next], to.add(written));
                from = next + 1;
                _mm256_storeu_si256(to.add(written).cast(), masked(text.as_ptr().add(at + from), length - from));
                special &= special - 1;
            }
        }
        written += length - from;
        at += length;
    }
    written
}

/// A vector that starts with the first `length` bytes, at most [`WIDTH`], and goes on with spaces, which are not special.
///
/// # Safety
/// The processor has the features. The bytes can be read.
#[inline(always)]
unsafe fn masked(bytes: *const u8, length: usize) -> __m256i {
    // SAFETY: by the contract.
    unsafe {
        let mask = _bzhi_u32(u32::MAX, length as u32);
        _mm256_mask_loadu_epi8(_mm256_set1_epi8(b' ' as i8), mask, bytes.cast())
    }
}

/// Copies the text, followed by arbitrary bytes. Returns whether no byte must be escaped in a JSON string.
///
/// # Safety
/// The processor has the features. `to` has room for the text and [`WIDTH`] more bytes.
#[inline(always)]
unsafe fn copy(text: &[u8], to: *mut u8) -> bool {
    let (mut ordinary, mut at) = (u32::MAX, 0);
    // SAFETY: whole vectors are read within the text, and of the last one only the bytes of the mask, which are the rest.
    unsafe {
        while text.len() - at > WIDTH {
            let block = _mm256_loadu_si256(text.as_ptr().add(at).cast());
            ordinary &= ordinary_mask(block);
            _mm256_storeu_si256(to.add(at).cast(), block);
            at += WIDTH;
        }
        let block = masked(text.as_ptr().add(at), text.len() - at);
        _mm256_storeu_si256(to.add(at).cast(), block);
        ordinary & ordinary_mask(block) == u32::MAX
    }
}

/// A bit for each byte, set if it must be escaped in a JSON string.
///
/// # Safety
/// The processor has the features.
#[inline(always)]
unsafe fn special_mask(block: __m256i) -> u32 {
    // SAFETY: by the contract.
    unsafe { !ordinary_mask(block) }
}

/// A bit for each byte, set if it need not be escaped in a JSON string. Masks joined by `&` cost no instruction: a comparison
/// takes the mask of the one before.
///
/// # Safety
/// The processor has the features.
#[inline(always)]
unsafe fn ordinary_mask(block: __m256i) -> u32 {
    // SAFETY: by the contract.
    unsafe {
        _mm256_cmpge_epu8_mask(block, _mm256_set1_epi8(0x20))
            & _mm256_cmpneq_epi8_mask(block, _mm256_set1_epi8(b'"' as i8))
            & _mm256_cmpneq_epi8_mask(block, _mm256_set1_epi8(b'\\' as i8))
    }
}
