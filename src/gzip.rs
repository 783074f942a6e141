//! Gzip: a request body, compressed.

use libdeflater::{CompressionLvl, Compressor};

/// The levels that an encoder can be given: 1 is the fastest, 9 the smallest.
pub const LEVELS: std::ops::RangeInclusive<u8> = 1..=9;

/// libdeflate's own levels for ours. It has twelve, of which the last three are too slow for what they gain here.
const DEFAULT_LEVEL: u8 = 6;

/// Compresses bodies; its tables (hundreds of kilobytes) are reused from one to the next.
pub struct Gzip {
    compressor: Compressor,
    gzipped: Vec<u8>,
}

impl Gzip {
    /// A compressor of a level in [`LEVELS`]; None is the default.
    pub fn new(level: Option<u8>) -> Gzip {
        let level = CompressionLvl::new(level.unwrap_or(DEFAULT_LEVEL).into());
        let compressor = Compressor::new(level.expect("1 to 9 are levels of libdeflate"));
        Gzip { compressor, gzipped: Vec::new() }
    }

    /// The body as a gzip stream. The same input gives the same bytes: the header has no time and no name.
    pub fn compress(&mut self, body: &[u8]) -> &[u8] {
        let bound = self.compressor.gzip_compress_bound(body.len());
        if self.gzipped.len() < bound {
            self.gzipped.resize(bound, 0);
        }
        let length = self.compressor.gzip_compress(body, &mut self.gzipped).expect("the bound is enough for any input");
        &self.gzipped[..length]
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
                let gzipped = gzip.compress(body).to_vec();
                assert_eq!(decompress(&gzipped, body.len()).as_deref(), Some(body));
                assert_eq!(gzip.compress(body), gzipped);
            }
        }
    }

    #[test]
    fn what_is_not_gzip_is_none() {
        assert_eq!(decompress(b"[]", 100), None);
    }
}
