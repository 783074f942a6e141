//! Block: tokens are counted, given codes, and written.

use super::bits::{Bits, Unfinished};
use super::codes::{Frequencies, Header, Lengths};
use super::huffman::{Code, codes};
use super::token::{
    DISTANCE_SYMBOLS, END_OF_BLOCK, LITERAL_SYMBOLS, LONGEST, SHORTEST, Token, distance_symbol, length_symbol,
};

/// The bits of a symbol, or of a match's length with the bits behind its symbol.
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

/// Writes blocks; what it holds is made anew for each.
pub(super) struct BlockWriter {
    frequencies: Frequencies,
    literals: [Written; 257],
    end: Written,
    lengths: [Written; LONGEST + 1],
    distances: [Code; DISTANCE_SYMBOLS],
}

/// The ways to write a block, by the two bits that tell which it is.
const STORED: u32 = 0;
const FIXED: u32 = 1;
const DYNAMIC: u32 = 2;

/// A place in the table of literals where nothing is written.
const NOTHING: usize = 256;

#[inline(always)]
fn padded_word(text: &[u8]) -> u32 {
    match text.first_chunk() {
        Some(&four) => u32::from_le_bytes(four),
        None => text.iter().rev().fold(0, |word, &byte| word << 8 | u32::from(byte)),
    }
}

/// The longest stored block.
const LONGEST_STORED: usize = 0xFFFF;

impl BlockWriter {
    pub(super) fn new() -> BlockWriter {
        BlockWriter {
            frequencies: Frequencies::NONE,
            literals: [Written::default(); 257],
            end: Written::default(),
            lengths: [Written::default(); LONGEST + 1],
            distances: [Code::default(); DISTANCE_SYMBOLS],
        }
    }

    /// Appends the block that `tokens` make of `text`, in the way that takes the fewest bits.
    pub(super) fn write(
        &mut self,
        text: &[u8],
        tokens: &[Token],
        is_last: bool,
        out: &mut Vec<u8>,
        unfinished: &mut Unfinished,
    ) {
        self.count(text, tokens);
        let extra_bits = self.extra_bits();
        let own = Lengths::best(&self.frequencies);
        let header = Header::new(&own);
        let own_cost = header.cost() + own.cost(&self.frequencies) + extra_bits;
        let fixed_cost = Lengths::FIXED.cost(&self.frequencies) + extra_bits;
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

    #[inline(never)]
    fn count(&mut self, text: &[u8], tokens: &[Token]) {
        self.frequencies = Frequencies::NONE;
        let Frequencies { literals, distances } = &mut self.frequencies;
        // Four counts of each byte: one that occurs twice in a row would have to wait for itself.
        let mut counts = [[0u32; 256]; 4];
        let mut lengths = [0u32; LONGEST + 1];
        let mut rest = text;
        for token in tokens {
            let run = token.literals as usize;
            let mut at = 0;
            while at + 4 <= run {
                let four = padded_word(&rest[at..]).to_le_bytes();
                for place in 0..4 {
                    counts[place][usize::from(four[place])] += 1;
                }
                at += 4;
            }
            let three = padded_word(&rest[at..]).to_le_bytes();
            for place in 0..3 {
                counts[place][usize::from(three[place])] += u32::from(at + place < run);
            }
            rest = &rest[run + usize::from(token.length)..];
            if token.length > 0 {
                lengths[usize::from(token.length)] += 1;
                distances[distance_symbol(token.distance.into()).symbol] += 1;
            }
        }
        debug_assert!(rest.is_empty());
        for (byte, literal) in literals[..256].iter_mut().enumerate() {
            *literal = counts.iter().map(|counts| counts[byte]).sum();
        }
        for length in SHORTEST..=LONGEST {
            literals[length_symbol(length).symbol] += lengths[length];
        }
        literals[END_OF_BLOCK] = 1;
    }

    /// Bits behind the symbols of all matches.
    fn extra_bits(&self) -> usize {
        let of_lengths = (LITERAL_SYMBOLS - 29..LITERAL_SYMBOLS - 1)
            .map(|symbol| self.frequencies.literals[symbol] as usize * ((symbol - 257) / 4).saturating_sub(1));
        let of_distances = (0..DISTANCE_SYMBOLS)
            .map(|symbol| self.frequencies.distances[symbol] as usize * (symbol / 2).saturating_sub(1));
        of_lengths.sum::<usize>() + of_distances.sum::<usize>()
    }

    #[inline(never)]
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

    /// Looks up what each literal and each length is written as.
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

    #[inline(always)]
    fn write_literals(&self, text: &[u8], run: usize, bits: &mut Bits) {
        let mut at = 0;
        while at + 4 <= run {
            let four = padded_word(&text[at..]).to_le_bytes();
            let [a, b, c, d] = four.map(|byte| self.literals[usize::from(byte)]);
            // Pairs are put together apart from each other, and do not wait for what is held.
            let (ab, cd) = (a.then(b), c.then(d));
            bits.hold(ab.bits | cd.bits << ab.count, ab.count + cd.count);
            bits.flush();
            at += 4;
        }
        let rest = run - at;
        let [a, b, c, _] = padded_word(&text[at..]).to_le_bytes().map(usize::from);
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

/// Bits of a text in stored blocks, at most: the first one's padding is not known yet.
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
