//! Count how often each symbol occurs.

use super::token::{
    DISTANCE_SYMBOLS, END_OF_BLOCK, LITERAL_SYMBOLS, LONGEST, SHORTEST, Token, distance_symbol, first_four,
    length_symbol,
};

/// The first symbol for distances above 256.
const FAR_DISTANCES: usize = 16;

/// How often each symbol occurs.
#[derive(Clone)]
pub(super) struct Frequencies {
    /// Of literals, the end, and lengths.
    pub(super) literals: [u32; LITERAL_SYMBOLS],
    pub(super) distances: [u32; DISTANCE_SYMBOLS],
}

/// Counts the symbols of tokens.
pub(super) struct Counter {
    /// Four counters for each byte: with one, a byte that repeats soon would wait for its own store.
    bytes: [[u32; 256]; 4],
    lengths: [u32; LONGEST + 1],
    distances: [u32; DISTANCE_SYMBOLS],
}

impl Default for Frequencies {
    fn default() -> Frequencies {
        Frequencies { literals: [0; LITERAL_SYMBOLS], distances: [0; DISTANCE_SYMBOLS] }
    }
}

impl Frequencies {
    pub(super) fn new(text: &[u8], tokens: &[Token]) -> Frequencies {
        let mut counter = Counter::new();
        let rest = counter.count(text, tokens);
        debug_assert!(rest.is_empty());
        counter.frequencies()
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &u32> {
        self.literals.iter().chain(&self.distances)
    }

    pub(super) fn all_mut(&mut self) -> impl Iterator<Item = &mut u32> {
        self.literals.iter_mut().chain(&mut self.distances)
    }

    /// The number of symbols that occur.
    pub(super) fn symbols(&self) -> usize {
        self.all().filter(|&&frequency| frequency > 0).count()
    }

    pub(super) fn add(&mut self, others: &Frequencies) {
        for (frequency, other) in self.all_mut().zip(others.all()) {
            *frequency += other;
        }
    }

    /// Counts each symbol once that does not occur here, but among others; each length; and each distance above 256, which is
    /// about an event.
    pub(super) fn include(&mut self, others: &Frequencies) {
        for (frequency, &other) in self.all_mut().zip(others.all()) {
            *frequency = (*frequency).max(other.min(1));
        }
        for frequency in self.literals[END_OF_BLOCK..].iter_mut().chain(&mut self.distances[FAR_DISTANCES..]) {
            *frequency = (*frequency).max(1);
        }
    }

    /// Extra bits of the symbols of all matches.
    pub(super) fn extra_bits(&self) -> usize {
        let of_lengths = (LITERAL_SYMBOLS - 29..LITERAL_SYMBOLS - 1)
            .map(|symbol| self.literals[symbol] as usize * ((symbol - 257) / 4).saturating_sub(1));
        let of_distances =
            (0..DISTANCE_SYMBOLS).map(|symbol| self.distances[symbol] as usize * (symbol / 2).saturating_sub(1));
        of_lengths.sum::<usize>() + of_distances.sum::<usize>()
    }

    /// The fewest bits that codes can take for the symbols, without extra bits: their entropy.
    pub(super) fn least_bits(&self) -> usize {
        (least_bits(&self.literals) + least_bits(&self.distances)) as usize
    }
}

fn least_bits(frequencies: &[u32]) -> u64 {
    let sum: u32 = frequencies.iter().sum();
    let used = frequencies.iter().filter(|&&frequency| frequency > 0);
    let saved: u64 = used.map(|&frequency| u64::from(frequency) * logarithm(frequency)).sum();
    (u64::from(sum) * logarithm(sum.max(1))).saturating_sub(saved) >> 16
}

/// The binary logarithm in units of 1 / 65536, to 0.01: an integer, so that it is the same on every machine.
fn logarithm(number: u32) -> u64 {
    let whole = number.ilog2();
    let rest = ((u64::from(number) << 16) >> whole) & 0xFFFF;
    // A parabola through both ends.
    (u64::from(whole) << 16) + rest + ((rest * (0x1_0000 - rest)) >> 16) * 22_600 / 0x1_0000
}

impl Counter {
    pub(super) fn new() -> Counter {
        Counter { bytes: [[0; 256]; 4], lengths: [0; LONGEST + 1], distances: [0; DISTANCE_SYMBOLS] }
    }

    /// Counts the symbols of tokens at the start of a text, and returns the text after theirs.
    #[inline(always)]
    pub(super) fn count<'a>(&mut self, text: &'a [u8], tokens: &[Token]) -> &'a [u8] {
        let mut rest = text;
        for token in tokens {
            let run = token.literals as usize;
            self.count_run(rest, run);
            rest = &rest[run + usize::from(token.length)..];
            if token.length > 0 {
                self.lengths[usize::from(token.length)] += 1;
                self.distances[distance_symbol(token.distance.into()).symbol] += 1;
            }
        }
        crate::steps::count(text.len() - rest.len() + tokens.len());
        rest
    }

    /// Counts the first `run` bytes.
    #[inline(always)]
    fn count_run(&mut self, text: &[u8], run: usize) {
        let mut at = 0;
        while at + 8 <= run {
            self.count_four(first_four(&text[at..]), 4);
            self.count_four(first_four(&text[at + 4..]), 4);
            at += 8;
        }
        // Up to seven are left, and mostly up to four: without a branch for each.
        self.count_four(first_four(&text[at..]), run - at);
        if at + 4 < run {
            self.count_four(first_four(&text[at + 4..]), run - at - 4);
        }
    }

    /// Counts the first ones of four bytes.
    #[inline(always)]
    fn count_four(&mut self, four: [u8; 4], first: usize) {
        for (place, (counts, byte)) in self.bytes.iter_mut().zip(four).enumerate() {
            counts[usize::from(byte)] += u32::from(place < first);
        }
    }

    /// What was counted, and one end of a block.
    pub(super) fn frequencies(&self) -> Frequencies {
        let mut literals = [0; LITERAL_SYMBOLS];
        for (byte, frequency) in literals[..256].iter_mut().enumerate() {
            *frequency = self.bytes.iter().map(|counts| counts[byte]).sum();
        }
        for (length, count) in self.lengths.iter().enumerate().skip(SHORTEST) {
            literals[length_symbol(length).symbol] += count;
        }
        literals[END_OF_BLOCK] = 1;
        Frequencies { literals, distances: self.distances }
    }
}

#[cfg(test)]
mod tests {
    use super::super::naive;
    use super::super::tests::{Chance, tokens_of};
    use super::*;

    #[test]
    fn frequencies_agree_with_one_symbol_at_a_time() {
        let mut chance = Chance(1);
        for count in [0, 1, 2, 10, 1000] {
            let (text, tokens) = tokens_of(&mut chance, count);
            let mut expected = Frequencies::default();
            let mut extra_bits = 0;
            for symbol in naive::symbols(&text, &tokens) {
                extra_bits += symbol.extra_bits as usize;
                match symbol.symbol {
                    naive::FIRST_DISTANCE.. => expected.distances[symbol.symbol - naive::FIRST_DISTANCE] += 1,
                    _ => expected.literals[symbol.symbol] += 1,
                }
            }
            let counted = Frequencies::new(&text, &tokens);
            assert!(counted.all().eq(expected.all()));
            assert_eq!(counted.extra_bits(), extra_bits);
        }
    }

    #[test]
    fn what_was_seen_and_likely_matches_are_included() {
        let (mut some, mut seen) = (Frequencies::default(), Frequencies::default());
        (some.literals[7], some.literals[8], some.distances[3]) = (5, 0, 9);
        (seen.literals[8], seen.literals[7], seen.distances[4]) = (70, 70, 70);
        some.include(&seen);
        assert_eq!(some.literals[6..9], [0, 5, 1]);
        assert!(some.literals[END_OF_BLOCK..].iter().all(|&frequency| frequency == 1));
        assert_eq!(some.distances[..6], [0, 0, 0, 9, 1, 0]);
        assert_eq!(some.distances[14..], [[0; 2].as_slice(), &[1; 14]].concat());
        assert_eq!(distance_symbol(256).symbol + 1, FAR_DISTANCES);
    }

    #[test]
    fn the_fewest_bits_agree_with_floating_point() {
        for number in (1..5000).chain([1 << 20, 123_456_789, u32::MAX]) {
            let exact = f64::from(number).log2();
            assert!((logarithm(number) as f64 / 65536.0 - exact).abs() < 0.01, "{number}");
        }
        let mut chance = Chance(2);
        for _ in 0..100 {
            let bits = chance.below(20);
            let frequencies: Vec<u32> = (0..286).map(|_| chance.below(1 << bits) as u32).collect();
            let sum: u32 = frequencies.iter().sum();
            let each = |&frequency: &u32| f64::from(frequency) * (f64::from(sum) / f64::from(frequency)).log2();
            let exact: f64 = frequencies.iter().filter(|&&frequency| frequency > 0).map(each).sum();
            let difference = least_bits(&frequencies) as f64 - exact;
            assert!(difference.abs() <= 1.0 + f64::from(sum) * 0.01, "{difference} {exact}");
        }
        assert_eq!(least_bits(&[0; 30]), 0);
        assert_eq!(least_bits(&[7, 0, 0]), 0);
        assert_eq!(least_bits(&[8, 8, 8, 8]), 64);
    }
}
