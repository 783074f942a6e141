//! Press (draft)

mod alike;
mod bits;
mod block;
mod codes;
mod hint;
mod huffman;
mod matches;
mod name;
mod recent;
mod token;

use bits::{Bits, Unfinished};
use block::BlockWriter;
pub use hint::Hint;
use matches::Matches;
use recent::Recent;
use token::Token;

/// How far back a match can reach.
const WINDOW: usize = 1 << 15;

/// What a gzip stream begins with: no time, no name, no system.
const HEADER: [u8; 10] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF];

/// Compresses.
pub struct Press {
    recent: Recent,
    tokens: Vec<Token>,
    writer: BlockWriter,
    gzipped: Vec<u8>,
}

impl Default for Press {
    fn default() -> Press {
        Press::new()
    }
}

impl Press {
    /// One whose memory is made.
    pub fn new() -> Press {
        Press { recent: Recent::new(), tokens: Vec::new(), writer: BlockWriter::new(), gzipped: Vec::new() }
    }

    /// The text as a gzip stream.
    pub fn gzip(&mut self, text: &[u8], hints: &[Hint]) -> &[u8] {
        let mut unfinished = Unfinished::default();
        self.gzipped.clear();
        self.gzipped.extend_from_slice(&HEADER);
        let mut matches = Matches::new(text, hints, &mut self.recent);
        let mut left = text.len();
        loop {
            self.tokens.clear();
            let block = matches.next_block(&mut self.tokens);
            left -= block.len();
            self.writer.write(block, &self.tokens, left == 0, &mut self.gzipped, &mut unfinished);
            if left == 0 {
                break;
            }
        }
        let start = self.gzipped.len();
        self.gzipped.resize(start + Bits::SLACK, 0);
        let mut bits = Bits::new(&mut self.gzipped[start..], unfinished);
        bits.fill_byte();
        let (written, _) = bits.end();
        self.gzipped.truncate(start + written);
        self.gzipped.extend_from_slice(&crc32fast::hash(text).to_le_bytes());
        self.gzipped.extend_from_slice(&(text.len() as u32).to_le_bytes());
        &self.gzipped
    }

    /// Times the first stage alone.
    pub fn tokens(&mut self, text: &[u8], hints: &[Hint]) -> [usize; 3] {
        let mut matches = Matches::new(text, hints, &mut self.recent);
        let mut t = [0; 3];
        let mut left = text.len();
        while left > 0 {
            self.tokens.clear();
            left -= matches.next_block(&mut self.tokens).len();
            t[0] += self.tokens.len();
            t[1] += self.tokens.iter().map(|t| t.literals as usize).sum::<usize>();
        }
        t
    }
}
