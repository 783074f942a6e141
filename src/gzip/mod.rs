//! Gzip: a request body, compressed.

#[doc(hidden)]
pub mod press;

use libdeflater::{CompressionLvl, Compressor};

use press::{Effort, Hint, Press};

/// The levels that an encoder can be given: 1 is the fastest, 9 the smallest.
pub const LEVELS: std::ops::RangeInclusive<u8> = 1..=9;

/// The level that is taken where none is asked for; see the table of levels in `benches/README.md`.
const DEFAULT_LEVEL: u8 = 2;

/// The first level that is libdeflate's, and which of its levels that is. Those below have nothing to offer: the levels that
/// make use of hints are faster and smaller.
const FIRST_SEARCHED: u8 = 3;
const FIRST_OF_LIBDEFLATE: u8 = 6;

/// Compresses bodies; its memory (hundreds of kilobytes) is reused from one to the next.
pub struct Gzip(Way);

enum Way {
    /// By what the writer of the body knows of it.
    Hinted(Box<Press>),
    /// By a search of all of it.
    Searched { compressor: Compressor, gzipped: Vec<u8> },
}

impl Gzip {
    /// A compressor of a level in [`LEVELS`]; None is the default.
    pub fn new(level: Option<u8>) -> Gzip {
        Gzip(match level.unwrap_or(DEFAULT_LEVEL) {
            1 => Way::Hinted(Box::new(Press::new(Effort::Hints))),
            2 => Way::Hinted(Box::new(Press::new(Effort::Search))),
            level => {
                let level = CompressionLvl::new((FIRST_OF_LIBDEFLATE + level - FIRST_SEARCHED).into());
                let compressor = Compressor::new(level.expect("libdeflate has twelve levels"));
                Way::Searched { compressor, gzipped: Vec::new() }
            }
        })
    }

    /// Whether a level makes use of hints.
    pub fn takes_hints(level: Option<u8>) -> bool {
        level.unwrap_or(DEFAULT_LEVEL) < FIRST_SEARCHED
    }

    /// The body as a gzip stream. The same input gives the same bytes: the header has no time and no name.
    pub fn compress(&mut self, body: &[u8], hints: &[Hint]) -> &[u8] {
        match &mut self.0 {
            Way::Hinted(press) => press.gzip(body, hints),
            Way::Searched { compressor, gzipped } => {
                gzipped.resize(compressor.gzip_compress_bound(body.len()).max(gzipped.len()), 0);
                let length = compressor.gzip_compress(body, gzipped).expect("the bound is enough for any input");
                &gzipped[..length]
            }
        }
    }
}

/// The body that a gzip stream holds; None where it is not one, or holds more than `size` bytes.
pub fn decompress(gzipped: &[u8], size: usize) -> Option<Vec<u8>> {
    let mut body = vec![0; size];
    let length = libdeflater::Decompressor::new().gzip_decompress(gzipped, &mut body).ok()?;
    body.truncate(length);
    Some(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_gives_the_body_back_and_the_same_bytes_twice() {
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
    fn what_is_not_gzip_is_none() {
        assert_eq!(decompress(b"[]", 100), None);
    }
}
