//! Compress a request body as a gzip stream, and decompress one.

mod library;
#[doc(hidden)]
pub mod press;

use library::Library;
use press::{Effort, Hint, Press};

/// The levels of an encoder: 1 is the fastest, 9 the smallest.
pub const LEVELS: std::ops::RangeInclusive<u8> = 1..=9;

/// The default level; see the table of levels in `benches/README.md`.
const DEFAULT_LEVEL: u8 = 2;

/// The first level that uses libdeflate, and the level of libdeflate that it is. libdeflate's lower ones are slower than the
/// levels that use hints, and compress less.
const FIRST_SEARCHED: u8 = 3;
const FIRST_OF_LIBDEFLATE: u8 = 6;

/// Compresses bodies, and reuses its memory (hundreds of kilobytes) from one to the next.
pub struct Gzip(Compression);

enum Compression {
    /// By the hints of the body's writer.
    Hinted(Box<Press>),
    /// By libdeflate's search, at this one of its levels.
    Searched(i32, Library),
}

impl Gzip {
    /// A compressor of a level in [`LEVELS`]; None is the default.
    pub fn new(level: Option<u8>) -> Gzip {
        Gzip(match level.unwrap_or(DEFAULT_LEVEL) {
            1 => Compression::Hinted(Box::new(Press::new(Effort::Hints))),
            2 => Compression::Hinted(Box::new(Press::new(Effort::Search))),
            level => Compression::Searched((FIRST_OF_LIBDEFLATE + level - FIRST_SEARCHED).into(), Library::default()),
        })
    }

    /// The bytes that the last bodies left allocated, beside memory of a fixed size, some of which is allocated at its first
    /// use.
    pub fn held_bytes(&self) -> usize {
        match &self.0 {
            Compression::Hinted(press) => press.held_bytes(),
            Compression::Searched(_, library) => library.held_bytes(),
        }
    }

    /// Whether a level uses hints.
    pub fn takes_hints(level: Option<u8>) -> bool {
        level.unwrap_or(DEFAULT_LEVEL) < FIRST_SEARCHED
    }

    /// The body as a gzip stream. The same input gives the same bytes: the header has neither time nor name.
    pub fn compress(&mut self, body: &[u8], hints: &[Hint]) -> &[u8] {
        match &mut self.0 {
            Compression::Hinted(press) => press.gzip(body, hints),
            Compression::Searched(level, library) => library.gzip(body, *level),
        }
    }
}

/// The most that one byte of a gzip stream can decompress to.
const MOST_FOR_A_BYTE: usize = 1032;

/// The size that a gzip stream notes at its end; None if it is not one, or can't have that size.
pub fn decompressed_size(gzipped: &[u8]) -> Option<usize> {
    let noted = u32::from_le_bytes(*gzipped.last_chunk()?) as usize;
    (gzipped.starts_with(&[0x1F, 0x8B]) && noted <= gzipped.len().saturating_mul(MOST_FOR_A_BYTE)).then_some(noted)
}

/// The content of a gzip stream; None if it is not one, or has more than `size` bytes. However large `size` is, no more
/// memory is used than the stream's length and its own note of its size allow.
pub fn decompress(gzipped: &[u8], size: usize) -> Option<Vec<u8>> {
    let mut body = vec![0; decompressed_size(gzipped).filter(|noted| *noted <= size)?];
    let length = libdeflater::Decompressor::new().gzip_decompress(gzipped, &mut body).ok()?;
    body.truncate(length);
    Some(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_round_trips_and_gives_the_same_bytes_twice() {
        let body: Vec<u8> = (0..200_000u32).flat_map(|number| (number % 977).to_string().into_bytes()).collect();
        for level in LEVELS.map(Some).chain([None]) {
            let mut gzip = Gzip::new(level);
            for body in [&body[..], b"", b"[]"] {
                let gzipped = gzip.compress(body, &[]).to_vec();
                assert_eq!(decompress(&gzipped, body.len()).as_deref(), Some(body));
                assert_eq!(gzip.compress(body, &[]), gzipped);
            }
        }
    }

    #[test]
    fn a_size_without_limit_costs_no_memory_and_the_most_compressible_text_is_read() {
        let body = vec![b' '; 10_000_000];
        for level in LEVELS.map(Some) {
            let gzipped = Gzip::new(level).compress(&body, &[]).to_vec();
            assert!(decompress(&gzipped, usize::MAX).is_some_and(|read| read == body));
            assert_eq!(decompress(&gzipped, body.len() - 1), None);
        }
    }

    #[test]
    fn bytes_that_are_not_gzip_are_none() {
        assert_eq!(decompress(b"[]", 100), None);
        assert_eq!(decompress(&[0xFF; 20], usize::MAX), None);
    }
}
