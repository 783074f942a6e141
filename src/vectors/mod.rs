//! Copy and compare texts with the widest instructions that the processor has.
//!
//! Copying a text of varying length by words of several sizes mispredicts a branch. Instructions that copy any number of
//! bytes up to 32 (AVX-512VL) need no such branch. They are chosen at run time: the walk of an event is compiled for
//! [`Baseline`] and for [`Wide`]. See "What `unsafe` buys" in `benches/README.md`.

#[cfg(target_arch = "x86_64")]
mod avx512;
pub(crate) mod baseline;
mod code_points;
#[cfg(target_arch = "x86_64")]
mod compress;
pub(crate) mod escape;

pub use code_points::CodePoints;

/// A set of instructions.
pub trait Vectors: Copy {
    /// Whether only some processors have them. Outside of [`Vectors::run`] each of them is then a call.
    const IS_WIDE: bool;

    /// Runs some work, compiled for these instructions with everything that is inlined into it.
    fn run<W: Work>(self, work: W) -> W::Done;

    /// Appends a quote, the text and `end`, unless a byte of the text must be escaped. Returns whether it did.
    fn append_quoted<const END: usize>(self, out: &mut Vec<u8>, text: &[u8], end: [u8; END]) -> bool;

    /// Appends a quote, the text with the bytes escaped that must be, and a quote.
    fn append_escaped(self, out: &mut Vec<u8>, text: &[u8]);

    /// Appends a quote, the text as UTF-8, and a quote, unless a character must be escaped or repaired. Returns whether it
    /// did.
    fn append_quoted_codes(self, out: &mut Vec<u8>, codes: CodePoints<'_>) -> bool;

    /// Replaces a text by these code points, unless a character must be repaired. Returns whether it did.
    fn decode(self, text: &mut String, codes: CodePoints<'_>) -> bool;

    /// Appends the bytes unchanged, with or without quotes around them.
    fn append_verbatim(self, out: &mut Vec<u8>, bytes: &[u8], quotes: bool);

    /// Whether the text starts with the first `length` bytes of the block.
    fn begins_with<const SIZE: usize>(self, text: &[u8], block: &[u8; SIZE], length: usize) -> bool;

    /// The number of bytes before the first one that must be escaped in a JSON string.
    fn ordinary_prefix(self, text: &[u8]) -> usize;
}

/// Some work, as a method that is always inlined. A closure might not be, and would then not be compiled for the
/// instructions, nor would any function that it calls and that is not inlined. `tests/encoder/test_wide_vectors.py` fails then.
pub trait Work {
    /// The result.
    type Done;

    /// Does the work. Must be marked `#[inline(always)]`.
    fn run(self) -> Self::Done;
}

/// The instructions that every processor of the architecture has.
#[derive(Clone, Copy, Default)]
pub struct Baseline;

impl Vectors for Baseline {
    const IS_WIDE: bool = false;

    #[inline(always)]
    fn run<W: Work>(self, work: W) -> W::Done {
        work.run()
    }

    #[inline(always)]
    fn append_quoted<const END: usize>(self, out: &mut Vec<u8>, text: &[u8], end: [u8; END]) -> bool {
        baseline::append_quoted(out, text, end)
    }

    #[inline(always)]
    fn append_escaped(self, out: &mut Vec<u8>, text: &[u8]) {
        escape::append_escaped(out, text, b"\"");
    }

    #[inline(always)]
    fn append_quoted_codes(self, out: &mut Vec<u8>, codes: CodePoints<'_>) -> bool {
        baseline::append_quoted_codes(out, codes)
    }

    #[inline(always)]
    fn decode(self, text: &mut String, codes: CodePoints<'_>) -> bool {
        baseline::decode(text, codes)
    }

    #[inline(always)]
    fn append_verbatim(self, out: &mut Vec<u8>, bytes: &[u8], quotes: bool) {
        if quotes { baseline::append_verbatim(out, bytes, *b"\"") } else { out.extend_from_slice(bytes) }
    }

    #[inline(always)]
    fn begins_with<const SIZE: usize>(self, text: &[u8], block: &[u8; SIZE], length: usize) -> bool {
        text.starts_with(&block[..length])
    }

    #[inline(always)]
    fn ordinary_prefix(self, text: &[u8]) -> usize {
        baseline::ordinary_prefix(text)
    }
}

#[cfg(not(target_arch = "x86_64"))]
pub use Baseline as Wide;
#[cfg(target_arch = "x86_64")]
pub use avx512::Avx512 as Wide;

#[cfg(not(target_arch = "x86_64"))]
impl Baseline {
    /// None: this architecture has no wider ones here.
    pub fn detect() -> Option<Baseline> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serialize::naive;

    struct Append<'a, V>(V, &'a mut Vec<u8>, &'a [u8]);

    impl<V: Vectors> Work for Append<'_, V> {
        type Done = bool;

        #[inline(always)]
        fn run(self) -> bool {
            let Append(vectors, out, text) = self;
            assert_eq!(vectors.ordinary_prefix(text), Baseline.ordinary_prefix(text));
            for (quotes, expected) in [(true, [b"\"", text, b"\""].concat()), (false, text.to_vec())] {
                let mut verbatim = b"before".to_vec();
                vectors.append_verbatim(&mut verbatim, text, quotes);
                assert_eq!(verbatim, [b"before", expected.as_slice()].concat());
            }
            vectors.append_quoted(out, text, *b"\":")
        }
    }

    fn agrees_with_the_baseline(vectors: impl Vectors) {
        for length in (0..70).chain(120..140).chain(250..260) {
            for place in 0..length.max(1) {
                for byte in [0, 0x1F, 0x20, b'!', b'"', b'#', b'[', b'\\', b']', 0x7F, 0x80, 0xFF] {
                    let mut text = vec![b'x'; length];
                    text.iter_mut().skip(place).take(1).for_each(|at| *at = byte);
                    let (mut out, mut expected) = (b"before".to_vec(), b"before".to_vec());
                    let appended = vectors.run(Append(vectors, &mut out, &text));
                    assert_eq!(appended, Baseline.append_quoted(&mut expected, &text, *b"\":"));
                    assert_eq!(out, expected);
                }
            }
        }
    }

    fn escapes(vectors: impl Vectors, text: &str) {
        let mut out = b"before".to_vec();
        vectors.append_escaped(&mut out, text.as_bytes());
        assert_eq!(String::from_utf8(out).unwrap(), format!("before{}", naive::quoted(text)));
    }

    fn escapes_each_byte_at_each_place(vectors: impl Vectors) {
        for length in 0..80 {
            for place in 0..length.max(1) {
                for byte in [0, 0x1F, 0x20, b'!', b'"', b'#', b'[', b'\\', b']', b'\n', 0x7F] {
                    let text: String = (0..length).map(|at| if at == place { char::from(byte) } else { 'x' }).collect();
                    escapes(vectors, &text);
                    let quotes: String = text.chars().map(|next| if next == 'x' { '"' } else { next }).collect();
                    escapes(vectors, &quotes);
                }
            }
        }
        for length in 1000..1050 {
            escapes(vectors, &"\0".repeat(length));
            escapes(vectors, &"é\n".repeat(length));
            escapes(vectors, &format!("{}\"", "x".repeat(length)));
        }
    }

    #[test]
    fn each_set_of_instructions_escapes_as_one_character_at_a_time_is() {
        escapes_each_byte_at_each_place(Baseline);
        if let Some(wide) = Wide::detect() {
            escapes_each_byte_at_each_place(wide);
        }
    }

    struct BeginsWith<'a, V>(V, &'a [u8], &'a [u8; 41], usize);

    impl<V: Vectors> Work for BeginsWith<'_, V> {
        type Done = bool;

        #[inline(always)]
        fn run(self) -> bool {
            let BeginsWith(vectors, text, block, length) = self;
            vectors.begins_with(text, block, length)
        }
    }

    fn notices_a_different_byte(vectors: impl Vectors) {
        let block: [u8; 41] = std::array::from_fn(|place| b'A' + place as u8);
        for length in 0..=block.len() {
            for behind in [0, 1, 50] {
                let mut text = [&block[..length], &vec![b'?'; behind]].concat();
                assert!(vectors.run(BeginsWith(vectors, &text, &block, length)));
                for place in 0..length {
                    text[place] ^= 0x20;
                    assert!(!vectors.run(BeginsWith(vectors, &text, &block, length)), "{place} of {length}");
                    assert!(!vectors.run(BeginsWith(vectors, &text[..place], &block, length)));
                    text[place] ^= 0x20;
                }
            }
        }
    }

    #[test]
    fn each_set_of_instructions_notices_a_different_byte_at_any_place() {
        notices_a_different_byte(Baseline);
        if let Some(wide) = Wide::detect() {
            notices_a_different_byte(wide);
        }
    }

    #[test]
    fn each_set_of_instructions_agrees_with_the_baseline() {
        agrees_with_the_baseline(Baseline);
        if let Some(wide) = Wide::detect() {
            agrees_with_the_baseline(wide);
        }
    }
}
