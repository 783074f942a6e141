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
//! - `matches` turns a text into tokens. At a name it follows the hint (`hint`). Inside a value it looks up where the same
//!   member, or the same bytes, occurred last (`recent`). It looks for words of the rest of a value only if that found
//!   matches for its name before (`habits`). `alike` compares.
//! - `block` joins the tokens of some hundred events at a time to blocks, and chooses the codes of each by how often its
//!   symbols occur (`frequencies`, `sample`). `huffman` computes the codes, `codes` writes the header that describes them,
//!   `tables` writes the tokens, and `bits` appends bits.
//!
//! Of the time for page views, seven tenths are matches, a fifth is writing, and a fiftieth each are counting and the
//! checksum. If most of the text is numbers, matches are half. Neither AVX2 nor BMI2 made it faster: most of the time is
//! mispredicted branches, and waits for a place that must be known before the next one is looked up.
//!
//! # Why a few places are enough
//!
//! A general compressor compares up to a hundred earlier places, and takes the one that matches longest. A place in an
//! event is known better. The last place with the same member is nearly always the best: its match covers the value, and
//! goes on at least to the next one. If two members were the same there, it covers both, so that values that depend on each
//! other take one match. In a list, a URL or a sentence the same holds for words: the last place where sixteen bytes were
//! the same has a longer match than the last one of eight, and that a longer one than that of four. So three places stand
//! for a hundred. Only starts of words, and ends of matches, are looked up: a repeat starts there.
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
//! libdeflate compresses a text of a few events, which costs little there, and a text whose repeats are not found this
//! way: values of a few words, flags or names in any order, where a hundred places have better matches than three, and
//! values that move from name to name. The tokens of each part show signs of that (`doubt`): matches that follow one
//! another at once, many literals or hardly any, literals that came before, few hints for the size of the text. Then a sample of it is compressed both ways, at most
//! twice in a text. If the hints lose, libdeflate compresses the whole text, also if it has changed in the middle.

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

use super::library::Library;
use bits::{Bits, End};
use block::BlockWriter;
use doubt::{Part, is_in_doubt};
pub use hint::Hint;
use matches::Matches;
use recent::Recent;
#[cfg(test)]
use token::WINDOW;

/// The start of a gzip stream: no time, no name, no system.
const HEADER: [u8; 10] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF];

/// A text of fewer bytes is compressed by the library.
const SMALL: usize = 4096;

/// Bytes that are compressed both ways in doubt.
const SAMPLE: usize = 64 << 10;

/// How many samples of a text are compressed both ways.
const SAMPLES: usize = 2;

/// The hints are followed if that makes a sample at most this percentage of the library's at the thorough level.
const MAX_PERCENT: usize = 104;

/// The library compresses a text if at least one in this many bytes is left when the hints turn out not to help.
const WORTH_RESTARTING: usize = 8;

/// The effort for a smaller stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// Only follow hints: the fastest.
    Hints,
    /// Also search values for which that finds matches.
    Search,
}

/// The library's levels: its fastest one; its best one that is not much slower; and the next one, which tries enough places
/// to find words in any order.
const FASTEST: i32 = 1;
const USUAL: i32 = 6;
const THOROUGH: i32 = 7;

/// The thorough level takes twice the time of the usual one, which is used if its sample is at most this percentage.
const MAX_PERCENT_OF_THOROUGH: usize = 103;

/// Compresses texts. Its memory is reused from one to the next, and nothing else is kept.
pub struct Press {
    effort: Effort,
    hinted: Hinted,
    library: Library,
    /// Created on first use.
    of_samples: Option<Box<Hinted>>,
}

impl Press {
    /// A press with its memory allocated.
    pub fn new(effort: Effort) -> Press {
        Press { effort, hinted: Hinted::new(effort), library: Library::default(), of_samples: None }
    }

    /// The bytes that the last texts left allocated.
    pub(crate) fn held_bytes(&self) -> usize {
        self.hinted.held_bytes()
            + self.library.held_bytes()
            + self.of_samples.as_ref().map_or(0, |hinted| hinted.held_bytes())
    }

    /// The text as a gzip stream. The same text and hints give the same bytes, whatever was compressed before.
    pub fn gzip(&mut self, text: &[u8], hints: &[Hint]) -> &[u8] {
        let Press { effort, hinted, library, of_samples } = self;
        if text.len() < SMALL || hints.is_empty() {
            return library.gzip(text, if *effort == Effort::Hints { FASTEST } else { USUAL });
        }
        // With hints alone, whatever the size: no other way is as fast.
        let mut samples = if *effort == Effort::Hints { 0 } else { SAMPLES };
        let mut level = USUAL;
        let mut goes_on = |part: Part| {
            let rest = &text[part.start..];
            if samples == 0 || rest.len() * WORTH_RESTARTING < text.len() || !is_in_doubt(&part, hints) {
                return true;
            }
            samples -= 1;
            let sample = &rest[..rest.len().min(SAMPLE)];
            let of_samples = of_samples.get_or_insert_with(|| Box::new(Hinted::new(*effort)));
            of_samples.gzip(sample, &hint::moved(hints, part.start, sample.len()), &mut |_| true);
            let [usual, thorough] = [USUAL, THOROUGH].map(|level| library.gzip(sample, level).len());
            level = if usual * 100 > thorough * MAX_PERCENT_OF_THOROUGH { THOROUGH } else { USUAL };
            of_samples.gzipped.len() * 100 <= thorough * MAX_PERCENT
        };
        if hinted.gzip(text, hints, &mut goes_on) { &hinted.gzipped } else { library.gzip(text, level) }
    }
}

/// Compresses by hints.
struct Hinted {
    searches: bool,
    recent: Recent,
    writer: BlockWriter,
    gzipped: Vec<u8>,
}

impl Hinted {
    fn new(effort: Effort) -> Hinted {
        let (recent, writer) = (Recent::new(), BlockWriter::new());
        Hinted { searches: effort == Effort::Search, recent, writer, gzipped: Vec::new() }
    }

    fn held_bytes(&self) -> usize {
        self.gzipped.capacity() + self.writer.held_bytes()
    }

    /// Compresses a text, part by part, as long as `goes_on`; returns whether it did to the end.
    fn gzip(&mut self, text: &[u8], hints: &[Hint], goes_on: &mut dyn FnMut(Part) -> bool) -> bool {
        self.gzipped.clear();
        self.gzipped.extend_from_slice(&HEADER);
        let mut end = End::after(HEADER.len());
        self.writer.start();
        let mut matches = Matches::new(text, hints, &mut self.recent, self.searches);
        let mut done = 0;
        loop {
            let tokens = self.writer.tokens();
            let before = tokens.len();
            let part = matches.next_part(tokens);
            if !goes_on(Part { text: part, start: done, tokens: &tokens[before..] }) {
                return false;
            }
            done += part.len();
            self.writer.end_part(&text[..done], done == text.len(), &mut self.gzipped, &mut end);
            if done == text.len() {
                break;
            }
        }
        self.end(text, end);
        true
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
