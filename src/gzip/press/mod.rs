//! Press: a body is gzipped by what its writer already knows of it.
//!
//! A general compressor searches a text for repeats, and knows nothing of it. The writer of JSON events knows where
//! most repeats are: an event has the names of the one before, in the same order, and often the same values. So beside
//! the text it gives [`Hint`]s: here is a member's name, and there it stood last. A hint makes a match without a
//! search, and what is left to search are the insides of values that differ.
//!
//! A hint is safe because it is only where to look. A match is made of bytes that were compared, whatever was pointed
//! at; a hint that lies costs a comparison. So what is read back rests on no hint. The tests and the fuzzer hold it to
//! that with hints of chance, and the stages to slow twins (`naive`).
//!
//! # The stages
//!
//! ```text
//! text, hints -> matches -> tokens -> codes -> bits
//! ```
//!
//! - `matches`: a text becomes tokens, each some literals and a match. It asks hints (`hint`) at names, the place where
//!   the same bytes stood last in a value of that name (`recent`) where a match ends, and searches a value byte by
//!   byte only if that paid before for its name (`name`). `alike` compares.
//! - `block`: some hundred events at a time are counted (`frequencies`), and written by codes that suit them:
//!   `huffman` makes those, `codes` tells a reader which they are, `bits` puts them one behind another.
//!
//! Of the time for page views, two thirds are matches, an eighth is counting, a fifth is writing, and the checksum is
//! a fiftieth; where most of the text is numbers, matches are under half. Neither AVX2 nor BMI2 bought anything: the
//! time goes into branches that cannot be foreseen.
//!
//! # Where hints do not pay
//!
//! A text of a few events has a library compress it, which costs little there. So has one whose repeats the hints do
//! not show: long texts, in which words come again, or escapes, or values that wander from name to name. That is noticed by few
//! hints for its size, or by what its first block became (`doubt.rs`); then a sample is compressed both ways, and the text
//! as the sample was smaller.

mod alike;
mod bits;
mod block;
mod codes;
mod doubt;
mod frequencies;
mod habits;
mod hint;
mod huffman;
mod matches;
#[cfg(test)]
mod naive;
mod recent;
#[cfg(test)]
mod tests;
mod token;

use libdeflater::{CompressionLvl, Compressor};

use bits::{Bits, Unfinished};
use block::BlockWriter;
use doubt::is_in_doubt;
pub use hint::Hint;
use matches::Matches;
use recent::Recent;
use token::Token;

/// How far back a match can reach.
const WINDOW: usize = 1 << 15;

/// What a gzip stream begins with: no time, no name, no system.
const HEADER: [u8; 10] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF];

/// A text of fewer bytes is left to the library.
const SMALL: usize = 4096;

/// With more bytes than this for each hint a text may have repeats that hints do not show.
const SPARSE: usize = 48;

/// Bytes that are compressed both ways in doubt, and how much larger, in percent, the result may be.
const SAMPLE: usize = 64 << 10;
const MUCH_LARGER: usize = 103;

/// How much is done for a smaller stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// Hints are followed, and nothing else is looked for: the fastest.
    Hints,
    /// Values are searched where that pays.
    Search,
}

impl Effort {
    /// The library's level where hints do not pay: its fastest; or its best that is not much slower, and for long texts the
    /// next one, which tries enough places for words in any order.
    fn library_level(self, is_sparse: bool) -> i32 {
        match self {
            Effort::Hints => 1,
            Effort::Search => 6 + i32::from(is_sparse),
        }
    }
}

/// Compresses texts; its memory is reused from one to the next, and nothing else of them is kept.
pub struct Press {
    effort: Effort,
    recent: Recent,
    tokens: Vec<Token>,
    writer: BlockWriter,
    /// Made when it is first needed, for a level.
    library: Option<(i32, Compressor)>,
    gzipped: Vec<u8>,
}

impl Press {
    /// Makes the memory for it.
    pub fn new(effort: Effort) -> Press {
        let (recent, writer) = (Recent::new(), BlockWriter::new());
        Press { effort, recent, tokens: Vec::new(), writer, library: None, gzipped: Vec::new() }
    }

    /// The text as a gzip stream. The same text and hints give the same bytes, whatever was compressed before.
    pub fn gzip(&mut self, text: &[u8], hints: &[Hint]) -> &[u8] {
        let is_sparse = !hints.is_empty() && text.len() / SPARSE > hints.len();
        let level = self.effort.library_level(is_sparse);
        let is_pressed = if text.len() < SMALL || hints.is_empty() {
            false
        } else if self.effort == Effort::Hints {
            self.press(text, hints, false) // whatever its size: no other way is as fast
        } else if is_sparse {
            self.wins(text, hints, level) && self.press(text, hints, false)
        } else {
            self.press(text, hints, true) || (self.wins(text, hints, level) && self.press(text, hints, false))
        };
        if !is_pressed {
            self.gzip_by_library(text, level);
        }
        &self.gzipped
    }

    /// Whether hints pay for the text's beginning.
    fn wins(&mut self, text: &[u8], hints: &[Hint], level: i32) -> bool {
        let sample = &text[..text.len().min(SAMPLE)];
        self.press(sample, hints, false);
        let pressed = self.gzipped.len();
        self.gzip_by_library(sample, level);
        pressed * 100 <= self.gzipped.len() * MUCH_LARGER
    }

    fn gzip_by_library(&mut self, text: &[u8], level: i32) {
        if self.library.as_ref().is_none_or(|(made_for, _)| *made_for != level) {
            let of_library = CompressionLvl::new(level).expect("it has twelve");
            self.library = Some((level, Compressor::new(of_library)));
        }
        let Some((_, library)) = &mut self.library else { return };
        self.gzipped.resize(library.gzip_compress_bound(text.len()), 0);
        let length = library.gzip_compress(text, &mut self.gzipped).expect("the bound is enough for any text");
        self.gzipped.truncate(length);
    }

    /// Compresses by hints. False, with nothing made, if it `may_doubt` and the first block gives reason to.
    fn press(&mut self, text: &[u8], hints: &[Hint], may_doubt: bool) -> bool {
        self.gzipped.clear();
        self.gzipped.extend_from_slice(&HEADER);
        let mut unfinished = Unfinished::default();
        let mut matches = Matches::new(text, hints, &mut self.recent, self.effort == Effort::Search);
        let mut left = text.len();
        loop {
            self.tokens.clear();
            let block = matches.next_block(&mut self.tokens);
            let is_first = left == text.len();
            left -= block.len();
            if is_first && may_doubt && is_in_doubt(block, &self.tokens) {
                return false;
            }
            self.writer.write(block, &self.tokens, left == 0, &mut self.gzipped, &mut unfinished);
            if left == 0 {
                break;
            }
        }
        self.end(text, unfinished);
        true
    }

    /// The last bits, the checksum and the size.
    fn end(&mut self, text: &[u8], unfinished: Unfinished) {
        let start = self.gzipped.len();
        self.gzipped.resize(start + Bits::SLACK, 0);
        let mut bits = Bits::new(&mut self.gzipped[start..], unfinished);
        bits.fill_byte();
        let (written, _) = bits.end();
        self.gzipped.truncate(start + written);
        self.gzipped.extend_from_slice(&crc32fast::hash(text).to_le_bytes());
        self.gzipped.extend_from_slice(&(text.len() as u32).to_le_bytes());
    }
}
