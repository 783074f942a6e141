//! Count the symbols of some of the tokens of a text, and compare such samples.

use super::frequencies::{Counter, Frequencies};
use super::token::Token;

/// Of so many tokens, the first ones are sampled. The first number has no small factor, so that samples of a text in which
/// each event has the same number of tokens are not always of the same members.
const PERIOD: usize = 251;
const SAMPLED: usize = 64;

/// The symbols of one in four tokens of a text.
#[derive(Default)]
pub(super) struct Sample {
    pub(super) frequencies: Frequencies,
    /// How many tokens were sampled.
    pub(super) tokens: usize,
    /// The fewest bits that codes can take for them.
    least: usize,
}

impl Sample {
    pub(super) fn new(text: &[u8], tokens: &[Token]) -> Sample {
        let mut counter = Counter::new();
        let (mut rest, mut count) = (text, 0);
        for tokens in tokens.chunks(PERIOD) {
            let (sampled, passed) = tokens.split_at(tokens.len().min(SAMPLED));
            rest = counter.count(rest, sampled);
            count += sampled.len();
            let passed: usize = passed.iter().map(|token| token.literals as usize + usize::from(token.length)).sum();
            rest = &rest[passed..];
        }
        crate::steps::count(tokens.len());
        Sample::of(counter.frequencies(), count)
    }

    /// A sample of tokens that have these symbols. Each symbol is in it, however rare.
    pub(super) fn of_counted(all: &Frequencies, tokens: usize) -> Sample {
        let scaled = |count: usize| (count * SAMPLED).div_ceil(PERIOD);
        let mut frequencies = all.clone();
        for frequency in frequencies.all_mut() {
            *frequency = scaled(*frequency as usize) as u32;
        }
        Sample::of(frequencies, scaled(tokens))
    }

    fn of(frequencies: Frequencies, tokens: usize) -> Sample {
        let least = frequencies.least_bits();
        Sample { frequencies, tokens, least }
    }

    /// The sample of this text and the next one together.
    pub(super) fn with(&self, next: &Sample) -> Sample {
        let mut frequencies = self.frequencies.clone();
        frequencies.add(&next.frequencies);
        Sample::of(frequencies, self.tokens + next.tokens)
    }

    /// Whether the two texts of which this is the sample together would take fewer bits as two blocks: codes for each save
    /// more than the header of the second one takes.
    pub(super) fn is_of_two_kinds(&self, first: &Sample, second: &Sample, header: usize) -> bool {
        // Samples differ by chance. With the entropy of each for itself, that seems to save about three quarters of a bit for
        // each symbol (half a nat), but codes for the whole texts would not.
        let by_chance = second.frequencies.symbols() * 3 / 4;
        let saved = self.least.saturating_sub(first.least + second.least + by_chance);
        saved * PERIOD > header * SAMPLED
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Chance, tokens_of};
    use super::super::token::END_OF_BLOCK;
    use super::*;

    /// A text of the letters from `first` on, the later ones rarer, as tokens of a few literals.
    fn random(chance: &mut Chance, first: u8, count: usize) -> Sample {
        let mut letter = || {
            let bits = chance.below(6);
            first + chance.below(1 << bits) as u8
        };
        let text: Vec<u8> = (0..count * 5).map(|_| letter()).collect();
        let tokens = vec![Token { literals: 5, length: 0, distance: 0 }; count];
        Sample::new(&text, &tokens)
    }

    #[test]
    fn a_sample_is_what_the_sampled_tokens_have() {
        let mut chance = Chance(1);
        for count in [0, 1, 63, 64, 65, 250, 251, 252, 315, 316, 2000] {
            let (text, tokens) = tokens_of(&mut chance, count);
            let sample = Sample::new(&text, &tokens);
            let (mut expected, mut at, mut sampled) = (Frequencies::default(), 0, 0);
            for (number, token) in tokens.iter().enumerate() {
                let length = token.literals as usize + usize::from(token.length);
                if number % PERIOD < SAMPLED {
                    expected.add(&Frequencies::new(&text[at..at + length], &[*token]));
                    sampled += 1;
                }
                at += length;
            }
            expected.literals[END_OF_BLOCK] = 1;
            assert!(sample.frequencies.all().eq(expected.all()));
            assert_eq!(sample.tokens, sampled);
        }
    }

    #[test]
    fn texts_of_one_kind_are_joined_and_of_two_kinds_are_not() {
        let mut chance = Chance(2);
        let (mut joined, mut parted) = (0, 0);
        for _ in 0..200 {
            let [one, same, other] = [b'0', b'0', b'8'].map(|first| random(&mut chance, first, 4000));
            joined += usize::from(!one.with(&same).is_of_two_kinds(&one, &same, 200));
            parted += usize::from(one.with(&other).is_of_two_kinds(&one, &other, 2000));
        }
        assert_eq!((joined, parted), (200, 200));
    }
}
