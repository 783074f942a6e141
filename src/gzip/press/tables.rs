//! Write the tokens of a block by tables of its codes.

use super::bits::Bits;
use super::codes::Lengths;
use super::huffman::{Code, LONGEST_CODE, codes};
use super::token::{
    DISTANCE_SYMBOLS, END_OF_BLOCK, LITERAL_SYMBOLS, LONGEST, SHORTEST, Token, distance_symbol, length_symbol,
};

/// The bits of a symbol, or of a match's length with the extra bits of its symbol. Their count is in the lowest bits, and they
/// are above it. So the lowest bits of a sum of entries are the sum of their counts, and a shift by such a sum, which is one by
/// its lowest six bits, is one by all of the counts.
#[derive(Clone, Copy, Default)]
struct Entry(u32);

const COUNT_BITS: u32 = 12;
const COUNT: u32 = (1 << COUNT_BITS) - 1;

/// A symbol without a code has too many bits, which `Bits` notices.
const NO_CODE: Entry = Entry(64);

impl Entry {
    fn new(code: Code, extra: u32, extra_bits: u32) -> Entry {
        let bits = u32::from(code.bits) | extra << code.length;
        match code.length {
            0 => NO_CODE,
            length => Entry(bits << COUNT_BITS | (u32::from(length) + extra_bits)),
        }
    }

    fn count(self) -> u32 {
        self.0 & COUNT
    }

    fn bits(self) -> u64 {
        u64::from(self.0 >> COUNT_BITS)
    }
}

/// Bytes that are read at a time.
const READ: usize = 8;

/// Masks that keep the first ones of four entries.
const FIRST: [[u32; 4]; 5] = [[0; 4], [!0, 0, 0, 0], [!0, !0, 0, 0], [!0, !0, !0, 0], [!0; 4]];

/// Tokens after which writing is checked, as a check for each would take longer.
const CHUNK: usize = 512;

/// The sizes of tables: powers of two, so that an index needs no check.
const LENGTHS: usize = 512;
const DISTANCES: usize = 32;

fn halves(&[a, b, c, d, e, f, g, h]: &[u8; READ]) -> [[u8; 4]; 2] {
    [[a, b, c, d], [e, f, g, h]]
}

/// The bits of each literal, length and distance.
pub(super) struct Tables {
    literals: [Entry; 256],
    end: Entry,
    lengths: [Entry; LENGTHS],
    distances: [Entry; DISTANCES],
}

impl Tables {
    pub(super) fn new() -> Tables {
        Tables {
            literals: [Entry::default(); 256],
            end: Entry::default(),
            lengths: [Entry::default(); LENGTHS],
            distances: [Entry::default(); DISTANCES],
        }
    }

    /// The most bits of the symbol that ends a block.
    pub(super) const MOST_TO_END: usize = LONGEST_CODE;

    /// Computes the bits of each literal and each length.
    pub(super) fn prepare(&mut self, lengths: &Lengths) {
        let mut literals = [Code::default(); LITERAL_SYMBOLS + 2];
        codes(&lengths.literals, &mut literals);
        let plain = |code: Code| Entry::new(code, 0, 0);
        for (entry, &code) in self.literals.iter_mut().zip(&literals) {
            *entry = plain(code);
        }
        self.end = plain(literals[END_OF_BLOCK]);
        for length in SHORTEST..=LONGEST {
            let ranged = length_symbol(length);
            self.lengths[length] = Entry::new(literals[ranged.symbol], ranged.extra, ranged.extra_bits);
        }
        let mut distances = [Code::default(); DISTANCE_SYMBOLS];
        codes(&lengths.distances, &mut distances);
        for (entry, &code) in self.distances.iter_mut().zip(&distances) {
            *entry = plain(code);
        }
    }

    /// Writes the tokens of a text, and stops at a chunk that has a symbol without a code, or for which there is no room.
    /// Returns how many were written, and the rest of the text.
    pub(super) fn write<'a>(&self, text: &'a [u8], tokens: &[Token], bits: &mut Bits) -> (usize, &'a [u8]) {
        let (mut rest, mut written) = (text, 0);
        for chunk in tokens.chunks(CHUNK) {
            // Each token has a byte at least.
            let length = if written + chunk.len() + READ <= tokens.len() {
                self.write_chunk(rest, chunk, bits)
            } else {
                self.write_chunk(&[rest, &[0; READ]].concat(), chunk, bits)
            };
            let Some(length) = length else { break };
            rest = &rest[length..];
            written += chunk.len();
        }
        (written, rest)
    }

    /// Writes all of these tokens or none. Returns the length of their text, after which there must be `READ` more bytes.
    fn write_chunk(&self, text: &[u8], tokens: &[Token], to: &mut Bits) -> Option<usize> {
        let mut bits = to.branch();
        let mut rest = text;
        for token in tokens {
            let run = token.literals as usize;
            let (eights, _) = rest.get(..run + READ)?.as_chunks();
            let (last, eights) = eights.split_last()?;
            for eight in eights {
                let [one, other] = halves(eight);
                self.hold_literals(one, &FIRST[4], &mut bits);
                bits.flush()?;
                self.hold_literals(other, &FIRST[4], &mut bits);
                bits.flush()?;
            }
            // Up to seven are left, and mostly up to four: without a branch for each.
            let ([one, other], left) = (halves(last), run % READ);
            self.hold_literals(one, &FIRST[left.min(4)], &mut bits);
            if left > 4 {
                bits.flush()?;
                self.hold_literals(other, &FIRST[left - 4], &mut bits);
            }
            rest = rest.get(run + usize::from(token.length)..)?;
            if token.length > 0 {
                let (joined, count) = self.joined_match(token);
                if !bits.can_hold(count) {
                    bits.flush()?;
                }
                bits.hold(joined, count);
            }
            bits.flush()?;
        }
        let end = (!bits.is_overfull()).then(|| bits.end())?;
        to.go_on_from(end);
        Some(text.len() - rest.len())
    }

    /// Holds four literals, of which a mask of zeros leaves nothing.
    #[inline(always)]
    fn hold_literals(&self, four: [u8; 4], masks: &[u32; 4], bits: &mut Bits) {
        let [a, b, c, d] = std::array::from_fn(|at| Entry(self.literals[usize::from(four[at])].0 & masks[at]));
        // Join the pairs independently of each other and of the bits that are held.
        let (ab, cd) = (a.0 + b.0, c.0 + d.0);
        let low = a.bits() | b.bits().wrapping_shl(a.0);
        let high = c.bits() | d.bits().wrapping_shl(c.0);
        bits.hold(low | high.wrapping_shl(ab), (ab + cd) & COUNT);
    }

    /// The bits of a match, and their count.
    #[inline(always)]
    fn joined_match(&self, token: &Token) -> (u64, u32) {
        let length = self.lengths[usize::from(token.length) % LENGTHS];
        let ranged = distance_symbol(token.distance.into());
        let distance = self.distances[ranged.symbol % DISTANCES];
        let of_distance = distance.bits() | u64::from(ranged.extra).wrapping_shl(distance.0);
        let count = length.count() + distance.count() + ranged.extra_bits;
        (length.bits() | of_distance.wrapping_shl(length.0), count)
    }

    /// Writes the symbol that ends a block.
    pub(super) fn end_block(&self, bits: &mut Bits) {
        bits.put(self.end.bits() as u32, self.end.count());
    }
}

#[cfg(test)]
mod tests {
    use super::super::bits::End;
    use super::super::frequencies::Frequencies;
    use super::super::naive;
    use super::super::tests::{Chance, tokens_of};
    use super::*;

    fn write(tables: &Tables, text: &[u8], tokens: &[Token], most: usize) -> (usize, usize, Vec<u8>) {
        let mut out = Vec::new();
        let mut bits = Bits::new(&mut out, End::default(), most);
        let (written, rest) = tables.write(text, tokens, &mut bits);
        let rest = rest.len();
        bits.put(0, 0);
        bits.fill_byte();
        let end = bits.end();
        out.truncate(end.bytes);
        (written, rest, out)
    }

    #[test]
    fn tokens_are_written_as_one_symbol_at_a_time() {
        let mut chance = Chance(1);
        for count in [0, 1, 2, 511, 512, 513, 515, 516, 1300] {
            let (text, tokens) = tokens_of(&mut chance, count);
            let lengths = Lengths::best(&Frequencies::new(&text, &tokens));
            let mut tables = Tables::new();
            tables.prepare(&lengths);
            let expected = naive::bits(&naive::symbols(&text, &tokens), &lengths);
            let (written, rest, out) = write(&tables, &text, &tokens, expected.len() + 64);
            assert_eq!((written, rest), (tokens.len(), 0));
            // The end of the block is among the symbols of `naive`, and is not written here.
            let end = naive::bits(&[naive::END], &lengths).len();
            assert!(out == naive::bytes(&expected[..expected.len() - end]));
        }
    }

    #[test]
    fn the_last_chunk_may_be_a_single_byte() {
        for count in CHUNK - 12..=CHUNK + 12 {
            let (text, tokens) = (vec![b'a'; count], vec![Token { literals: 1, length: 0, distance: 0 }; count]);
            let mut tables = Tables::new();
            tables.prepare(&Lengths::best(&Frequencies::new(&text, &tokens)));
            assert_eq!(write(&tables, &text, &tokens, count + 64).0, count);
        }
    }

    #[test]
    fn writing_stops_before_a_symbol_without_a_code() {
        let mut chance = Chance(2);
        for round in 0..100 {
            let (text, tokens) = tokens_of(&mut chance, 1300);
            let mut frequencies = Frequencies::new(&text, &tokens);
            // One of the symbols that occur has no code.
            let used: Vec<_> = frequencies.all_mut().filter(|frequency| **frequency > 0).collect();
            let place = chance.below(used.len());
            *used.into_iter().nth(place).unwrap() = 0;
            let lengths = Lengths::best(&frequencies);
            let mut tables = Tables::new();
            tables.prepare(&lengths);
            let (written, rest, out) = write(&tables, &text, &tokens, text.len() * 20 + tokens.len() * 60);
            assert_eq!(written % CHUNK * usize::from(written < tokens.len()), 0);
            let length = text.len() - rest;
            let mut expected = naive::symbols(&text[..length], &tokens[..written]);
            expected.pop();
            let has_codes = |symbols: &[naive::Symbol]| symbols.iter().all(|symbol| symbol.length(&lengths) > 0);
            assert!(has_codes(&expected), "{round}");
            assert!(out == naive::bytes(&naive::bits(&expected, &lengths)));
            if written < tokens.len() {
                let next = &tokens[written..tokens.len().min(written + CHUNK)];
                let mut chunk = naive::symbols(&text[length..], next);
                chunk.pop();
                assert!(!has_codes(&chunk));
            }
        }
    }
}
