//! Count how often each symbol occurs in a block.

use super::token::{
    DISTANCE_SYMBOLS, END_OF_BLOCK, LITERAL_SYMBOLS, LONGEST, SHORTEST, Token, distance_symbol, first_four,
    length_symbol,
};

/// How often each symbol occurs in a block.
pub(super) struct Frequencies {
    /// Of literals, the end, and lengths.
    pub(super) literals: [u32; LITERAL_SYMBOLS],
    pub(super) distances: [u32; DISTANCE_SYMBOLS],
}

/// Four counters for each byte: with one, a byte that repeats soon would wait for its own store.
type Counts = [[u32; 256]; 4];

impl Frequencies {
    pub(super) fn new(text: &[u8], tokens: &[Token]) -> Frequencies {
        let mut frequencies = Frequencies { literals: [0; LITERAL_SYMBOLS], distances: [0; DISTANCE_SYMBOLS] };
        crate::steps::count(text.len() + tokens.len());
        let mut counts = [[0; 256]; 4];
        let mut lengths = [0; LONGEST + 1];
        let mut rest = text;
        for token in tokens {
            let run = token.literals as usize;
            count_run(rest, run, &mut counts);
            rest = &rest[run + usize::from(token.length)..];
            if token.length > 0 {
                lengths[usize::from(token.length)] += 1;
                frequencies.distances[distance_symbol(token.distance.into()).symbol] += 1;
            }
        }
        debug_assert!(rest.is_empty());
        for (byte, frequency) in frequencies.literals[..256].iter_mut().enumerate() {
            *frequency = counts.iter().map(|counts| counts[byte]).sum();
        }
        for (length, count) in lengths.iter().enumerate().skip(SHORTEST) {
            frequencies.literals[length_symbol(length).symbol] += count;
        }
        frequencies.literals[END_OF_BLOCK] = 1;
        frequencies
    }

    /// Extra bits of the symbols of all matches.
    pub(super) fn extra_bits(&self) -> usize {
        let of_lengths = (LITERAL_SYMBOLS - 29..LITERAL_SYMBOLS - 1)
            .map(|symbol| self.literals[symbol] as usize * ((symbol - 257) / 4).saturating_sub(1));
        let of_distances =
            (0..DISTANCE_SYMBOLS).map(|symbol| self.distances[symbol] as usize * (symbol / 2).saturating_sub(1));
        of_lengths.sum::<usize>() + of_distances.sum::<usize>()
    }
}

/// Counts the first `run` bytes.
#[inline(always)]
fn count_run(text: &[u8], run: usize, counts: &mut Counts) {
    let mut at = 0;
    while at + 4 <= run {
        for (counts, byte) in counts.iter_mut().zip(first_four(&text[at..])) {
            counts[usize::from(byte)] += 1;
        }
        at += 4;
    }
    // Up to three are left: without a branch for each.
    for (place, (counts, byte)) in counts.iter_mut().zip(first_four(&text[at..])).enumerate() {
        counts[usize::from(byte)] += u32::from(at + place < run);
    }
}
