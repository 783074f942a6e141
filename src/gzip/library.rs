//! Compress without hints, by libdeflate.

use libdeflater::{CompressionLvl, Compressor};

/// Compresses texts. Its memory is reused from one to the next.
#[derive(Default)]
pub(super) struct Library {
    /// One for each level that was used.
    compressors: Vec<(i32, Compressor)>,
    gzipped: Vec<u8>,
}

impl Library {
    /// The text as a gzip stream.
    pub(super) fn gzip(&mut self, text: &[u8], level: i32) -> &[u8] {
        let known = self.compressors.iter().position(|&(of, _)| of == level);
        let at = known.unwrap_or_else(|| {
            let of_library = CompressionLvl::new(level).expect("libdeflate has twelve levels");
            self.compressors.push((level, Compressor::new(of_library)));
            self.compressors.len() - 1
        });
        let (_, compressor) = &mut self.compressors[at];
        // It never shrinks: to fill it with zeros again would take time.
        self.gzipped.resize(compressor.gzip_compress_bound(text.len()).max(self.gzipped.len()), 0);
        let length = compressor.gzip_compress(text, &mut self.gzipped).expect("the bound is enough for any text");
        &self.gzipped[..length]
    }

    /// The bytes that the last texts left allocated, beside the compressors.
    pub(super) fn held_bytes(&self) -> usize {
        self.gzipped.capacity()
    }
}
