//! Write a block: count its symbols, choose their codes, write them.

use super::bits::{Bits, Unfinished};
use super::codes::{Header, Lengths};
use super::frequencies::Frequencies;
use super::huffman::{Code, codes};
use super::token::{
    DISTANCE_SYMBOLS, END_OF_BLOCK, LITERAL_SYMBOLS, LONGEST, SHORTEST, Token, distance_symbol, first_four,
    length_symbol,
};

/// The bits of a symbol, or of a match's length with the extra bits of its symbol.
#[derive(Clone, Copy, Default)]
struct Written {
    bits: u32,
    count: u32,
}

/// The bits of two symbols.
struct Two {
    bits: u64,
    count: u32,
}

impl Written {
    #[inline(always)]
    fn then(self, next: Written) -> Two {
        Two { bits: u64::from(self.bits) | u64::from(next.bits) << self.count, count: self.count + next.count }
    }
}

/// Writes blocks; its tables are computed again for each.
pub(super) struct BlockWriter {
    /// One for each byte, and an empty one.
    literals: [Written; NOTHING + 1],
    end: Written,
    lengths: [Written; LONGEST + 1],
    distances: [Code; DISTANCE_SYMBOLS],
}

/// The types of a block, as two bits.
const STORED: u32 = 0;
const FIXED: u32 = 1;
const DYNAMIC: u32 = 2;

/// The index of the empty entry in the table of literals.
const NOTHING: usize = 256;

/// The longest stored block.
const LONGEST_STORED: usize = 0xFFFF;

impl BlockWriter {
    pub(super) fn new() -> BlockWriter {
        BlockWriter {
            literals: [Written::default(); NOTHING + 1],
            end: Written::default(),
            lengths: [Written::default(); LONGEST + 1],
            distances: [Code::default(); DISTANCE_SYMBOLS],
        }
    }

    /// Appends a block as the type that takes the fewest bits.
    pub(super) fn write(
        &mut self,
        text: &[u8],
        tokens: &[Token],
        is_last: bool,
        out: &mut Vec<u8>,
        unfinished: &mut Unfinished,
    ) {
        let frequencies = Frequencies::new(text, tokens);
        let extra_bits = frequencies.extra_bits();
        let own = Lengths::best(&frequencies);
        let header = Header::new(&own);
        let own_cost = header.cost() + own.cost(&frequencies) + extra_bits;
        let fixed_cost = Lengths::FIXED.cost(&frequencies) + extra_bits;
        let stored_cost = stored_cost(text.len());
        let cost = own_cost.min(fixed_cost).min(stored_cost);

        let start = out.len();
        out.resize(start + (unfinished.count() + 3 + cost).div_ceil(8) + Bits::SLACK, 0);
        let mut bits = Bits::new(&mut out[start..], *unfinished);
        if cost == stored_cost {
            write_stored(text, is_last, &mut bits);
        } else if cost == fixed_cost {
            bits.put(u32::from(is_last) | FIXED << 1, 3);
            self.write_tokens(&Lengths::FIXED, text, tokens, &mut bits);
        } else {
            bits.put(u32::from(is_last) | DYNAMIC << 1, 3);
            header.write(&mut bits);
            self.write_tokens(&own, text, tokens, &mut bits);
        }
        let (written, rest) = bits.end();
        out.truncate(start + written);
        *unfinished = rest;
    }

    fn write_tokens(&mut self, lengths: &Lengths, text: &[u8], tokens: &[Token], bits: &mut Bits) {
        self.prepare(lengths);
        let mut rest = text;
        for token in tokens {
            self.write_literals(rest, token.literals as usize, bits);
            rest = &rest[token.literals as usize + usize::from(token.length)..];
            if token.length > 0 {
                self.write_match(token, bits);
            }
        }
        bits.put(self.end.bits, self.end.count);
    }

    /// Computes the bits of each literal and each length.
    fn prepare(&mut self, lengths: &Lengths) {
        let mut literals = [Code::default(); LITERAL_SYMBOLS + 2];
        codes(&lengths.literals, &mut literals);
        let plain = |code: Code| Written { bits: code.bits.into(), count: code.length.into() };
        for (written, &code) in self.literals[..256].iter_mut().zip(&literals) {
            *written = plain(code);
        }
        self.end = plain(literals[END_OF_BLOCK]);
        for length in SHORTEST..=LONGEST {
            let ranged = length_symbol(length);
            let code = literals[ranged.symbol];
            self.lengths[length] = Written {
                bits: u32::from(code.bits) | ranged.extra << code.length,
                count: u32::from(code.length) + ranged.extra_bits,
            };
        }
        codes(&lengths.distances, &mut self.distances);
    }

    /// Writes the first `run` bytes of the text.
    #[inline(always)]
    fn write_literals(&self, text: &[u8], run: usize, bits: &mut Bits) {
        let mut at = 0;
        while at + 4 <= run {
            let four = first_four(&text[at..]);
            let [a, b, c, d] = four.map(|byte| self.literals[usize::from(byte)]);
            // Combine the pairs independently of each other and of the bits that are held.
            let (ab, cd) = (a.then(b), c.then(d));
            bits.hold(ab.bits | cd.bits << ab.count, ab.count + cd.count);
            bits.flush();
            at += 4;
        }
        // Up to three are left: without a branch for each.
        let rest = run - at;
        let [a, b, c, _] = first_four(&text[at..]).map(usize::from);
        let [a, b, c] =
            [(0, a), (1, b), (2, c)].map(|(place, byte)| self.literals[if place < rest { byte } else { NOTHING }]);
        let ab = a.then(b);
        bits.hold(ab.bits | u64::from(c.bits) << ab.count, ab.count + c.count);
        bits.flush();
    }

    #[inline(always)]
    fn write_match(&self, token: &Token, bits: &mut Bits) {
        let length = self.lengths[usize::from(token.length)];
        bits.hold(length.bits.into(), length.count);
        let ranged = distance_symbol(token.distance.into());
        let code = self.distances[ranged.symbol];
        bits.hold(
            u64::from(code.bits) | u64::from(ranged.extra) << code.length,
            u32::from(code.length) + ranged.extra_bits,
        );
        bits.flush();
    }
}

/// The largest number of bits of a text in stored blocks, as the padding of the first is not known yet.
fn stored_cost(length: usize) -> usize {
    length.div_ceil(LONGEST_STORED).max(1) * (3 + 7 + 32) + length * 8
}

fn write_stored(text: &[u8], is_last: bool, bits: &mut Bits) {
    let mut rest = text;
    loop {
        let (part, behind) = rest.split_at(rest.len().min(LONGEST_STORED));
        bits.put(u32::from(is_last && behind.is_empty()) | STORED << 1, 3);
        bits.fill_byte();
        bits.put(part.len() as u32, 16);
        bits.put(!part.len() as u32 & 0xFFFF, 16);
        bits.append(part);
        rest = behind;
        if rest.is_empty() {
            return;
        }
    }
}
