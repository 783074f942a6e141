//! Compress a body as a gzip stream, using hints from its writer about where it repeats itself.
//!
//! A general compressor has to search a text for repeats. The writer of JSON events knows most of them: an event has the
//! names of the one before, in the same order, and often the same values. So it adds [`Hint`]s to the text: a member's
//! name is at this place, and was last at that one. A hint makes a match without a search. Only the parts of values that
//! differ are left to search.
//!
//! A hint only says where to look. Every match consists of bytes that were compared, so a wrong hint costs a comparison
//! and the output never depends on it being right. The tests and the fuzzer use random hints, and compare the stages with
//! slow reference implementations (`naive`).
//!
//! # The stages
//!
//! ```text
//! text, hints -> matches -> tokens -> blocks -> codes -> bits
//! ```
//!
//! - `matches` turns a text into tokens. At a name it follows the hint (`hint`). At the end of a match it looks up where
//!   the same bytes occurred last in a value of that name (`recent`). It searches a value byte by byte only if that found
//!   matches for its name before (`habits`). `alike` compares.
//! - `block` joins the tokens of some hundred events at a time to blocks, and chooses the codes of each by how often its
//!   symbols occur (`frequencies`, `sample`). `huffman` computes the codes, `codes` writes the header that describes them,
//!   `tables` writes the tokens, and `bits` appends bits.
//!
//! Of the time for page views, seven tenths are matches, a fifth is writing, and a fiftieth each are counting and the
//! checksum. If most of the text is numbers, matches are half. Neither AVX2 nor BMI2 made it faster: most of the time is mispredicted branches.
//!
//! # Codes from a sample
//!
//! Codes need to know how often each symbol occurs, but not exactly. So only the first part of a text is counted
//! completely. Of each later part, one token in four is counted: 64 tokens, which are several events, then 187 that are not.
//!
//! - *Where a block ends.* A header costs about 50 bytes, and codes that do not suit a text cost a few percent of it. So
//!   the samples of the block and of the next part are compared. The entropy of a sample estimates the size of its text.
//!   The part is joined to the block if that takes fewer bits than codes for each and a second header. Most texts have two
//!   blocks: the first events have values that later ones repeat. A text whose events change gets a block for each kind.
//! - *Symbols that the sample does not have.* Giving a code to each byte makes a text 0.2 % larger, as a code takes space
//!   away from others. So a byte has a code if the sample has it, or anything counted before in the same text; a length or
//!   a far distance always has one. The entry of any other symbol has so many bits that the writer must notice, which costs no
//!   branch. It then ends the block before those tokens, and the rest is counted completely and becomes another block.
//! - *A sample that lies.* A block also ends early if it takes a sixteenth more bits than the sample promises. If its
//!   estimate is not clearly smaller than a stored or a fixed block, it is counted completely. So every token is written at
//!   most twice, and counted at most twice.
//!
//! Blocks and parts of few tokens are counted completely too. With samples, compression takes 6 % less time. Sizes differ
//! by up to 0.2 %, and their mean by less than 0.01 %.
//!
//! # When hints do not help
//!
//! libdeflate compresses a text of a few events, which costs little there, and a text whose repeats the hints do not show:
//! long texts with repeated words, escapes, or values that move from name to name. Signs of that are few hints for the
//! size of the text, or the tokens of its first part (`doubt`). Then a sample is compressed both ways, and the text in
//! the way that made the sample smaller.

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
mod sample;
mod tables;
#[cfg(test)]
mod tests;
mod token;

use libdeflater::{CompressionLvl, Compressor};

use bits::{Bits, End};
use block::BlockWriter;
use doubt::is_in_doubt;
pub use hint::Hint;
use matches::Matches;
use recent::Recent;
#[cfg(test)]
use token::WINDOW;

/// The start of a gzip stream: no time, no name, no system.
const HEADER: [u8; 10] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF];

/// A text of fewer bytes is compressed by the library.
const SMALL: usize = 4096;

/// A text with more bytes than this for each hint may have repeats that the hints do not show.
const SPARSE: usize = 48;

/// Bytes that are compressed both ways in doubt.
const SAMPLE: usize = 64 << 10;

/// The result by hints is used if its size is at most this percentage of the library's.
const MAX_PERCENT: usize = 103;

/// The effort for a smaller stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// Only follow hints: the fastest.
    Hints,
    /// Also search values for which that finds matches.
    Search,
}

impl Effort {
    /// The library's level when hints do not help: its fastest one; or its best one that is not much slower, and for long
    /// texts the next one, which tries enough places to find words in any order.
    fn library_level(self, is_sparse: bool) -> i32 {
        match self {
            Effort::Hints => 1,
            Effort::Search => 6 + i32::from(is_sparse),
        }
    }
}

/// What to do if the first part shows that the hints may not help.
#[derive(Clone, Copy, PartialEq, Eq)]
enum InDoubt {
    Continue,
    Stop,
}

/// What was compressed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pressed {
    All,
    /// The first part was in doubt.
    Nothing,
}

/// Compresses texts. Its memory is reused from one to the next, and nothing else is kept.
pub struct Press {
    effort: Effort,
    recent: Recent,
    writer: BlockWriter,
    /// Created on first use, for a level.
    library: Option<(i32, Compressor)>,
    gzipped: Vec<u8>,
}

impl Press {
    /// A press with its memory allocated.
    pub fn new(effort: Effort) -> Press {
        let (recent, writer) = (Recent::new(), BlockWriter::new());
        Press { effort, recent, writer, library: None, gzipped: Vec::new() }
    }

    /// The bytes that the last texts left allocated.
    pub(crate) fn held_bytes(&self) -> usize {
        self.gzipped.capacity() + self.writer.held_bytes()
    }

    /// The text as a gzip stream. The same text and hints give the same bytes, whatever was compressed before.
    pub fn gzip(&mut self, text: &[u8], hints: &[Hint]) -> &[u8] {
        let is_sparse = !hints.is_empty() && text.len() / SPARSE > hints.len();
        let level = self.effort.library_level(is_sparse);
        let uses_hints = if text.len() < SMALL || hints.is_empty() {
            false
        } else if self.effort == Effort::Hints {
            true // whatever its size: no other way is as fast
        } else if is_sparse {
            self.hints_win(text, hints, level)
        } else {
            match self.press(text, hints, InDoubt::Stop) {
                Pressed::All => return &self.gzipped,
                Pressed::Nothing => self.hints_win(text, hints, level),
            }
        };
        if uses_hints {
            self.press(text, hints, InDoubt::Continue);
        } else {
            self.gzip_by_library(text, level);
        }
        &self.gzipped
    }

    /// Whether hints compress the start of the text about as well as the library does.
    fn hints_win(&mut self, text: &[u8], hints: &[Hint], level: i32) -> bool {
        let sample = &text[..text.len().min(SAMPLE)];
        self.press(sample, hints, InDoubt::Continue);
        let pressed = self.gzipped.len();
        self.gzip_by_library(sample, level);
        pressed * 100 <= self.gzipped.len() * MAX_PERCENT
    }

    fn gzip_by_library(&mut self, text: &[u8], level: i32) {
        if self.library.as_ref().is_none_or(|(made_for, _)| *made_for != level) {
            let of_library = CompressionLvl::new(level).expect("libdeflate has twelve levels");
            self.library = Some((level, Compressor::new(of_library)));
        }
        let Some((_, library)) = &mut self.library else { return };
        self.gzipped.resize(library.gzip_compress_bound(text.len()), 0);
        let length = library.gzip_compress(text, &mut self.gzipped).expect("the bound is enough for any text");
        self.gzipped.truncate(length);
    }

    /// Compresses by hints.
    fn press(&mut self, text: &[u8], hints: &[Hint], in_doubt: InDoubt) -> Pressed {
        self.gzipped.clear();
        self.gzipped.extend_from_slice(&HEADER);
        let mut end = End::after(HEADER.len());
        self.writer.start();
        let mut matches = Matches::new(text, hints, &mut self.recent, self.effort == Effort::Search);
        let mut left = text.len();
        loop {
            let tokens = self.writer.tokens();
            let part = matches.next_part(tokens);
            let is_first = left == text.len();
            left -= part.len();
            if is_first && in_doubt == InDoubt::Stop && is_in_doubt(part, tokens) {
                return Pressed::Nothing;
            }
            self.writer.end_part(&text[..text.len() - left], left == 0, &mut self.gzipped, &mut end);
            if left == 0 {
                break;
            }
        }
        self.end(text, end);
        Pressed::All
    }

    /// Writes the last bits, the checksum and the size.
    fn end(&mut self, text: &[u8], end: End) {
        let mut bits = Bits::new(&mut self.gzipped, end, 7);
        bits.fill_byte();
        let end = bits.end();
        self.gzipped.truncate(end.bytes);
        self.gzipped.extend_from_slice(&crc32fast::hash(text).to_le_bytes());
        self.gzipped.extend_from_slice(&(text.len() as u32).to_le_bytes());
    }
}
