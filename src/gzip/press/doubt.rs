//! Recognise a text that may repeat itself in ways that its hints do not show, by the tokens of a part.
//!
//! A sign proves nothing: it only makes the press compress a sample both ways.

use super::hint::Hint;
use super::token::Token;

/// A part of a text.
pub(super) struct Part<'a> {
    pub(super) text: &'a [u8],
    /// Where it starts in the text.
    pub(super) start: usize,
    pub(super) tokens: &'a [Token],
}

/// More bytes than this for each hint are a sign: there may be repeats that no hint shows.
const SPARSE: usize = 48;

/// A higher percentage of literals is a sign: there may be repeated words.
const MANY_LITERALS: usize = 50;

/// A lower one is a sign too: if nearly all is repeated, a few missed matches make a small body a tenth larger.
const FEW_LITERALS: usize = 4;

/// A sign too: this percentage of the matches follow another one at once, or are the rest of one that is too long for a
/// token. Where values of a few words come in any order, or
/// names do, a match is as short as a word, and a better one covers several.
const MANY_ADJACENT: usize = 50;

/// The same if there are more matches than hints, as in lists and long texts of words.
const ADJACENT_IN_VALUES: usize = 35;

/// A sign too: more than one in `ONE_OF` of the long runs of literals occurred before.
const ONE_OF: usize = 8;

/// The bytes of a long run, and how many windows of eight bytes at its start are compared, as its start is arbitrary.
const LONG_RUN: usize = 8;
const WORDS: usize = 4;

/// Tokens to examine.
const EXAMINED: usize = 2000;

const SLOT_BITS: u32 = 12;

/// Whether the last tokens of a part show a sign. The first ones of a text have nothing to repeat.
pub(super) fn is_in_doubt(part: &Part, hints: &[Hint]) -> bool {
    let tokens = &part.tokens[part.tokens.len().saturating_sub(EXAMINED)..];
    let (mut bytes, mut literals, mut adjacent) = (0, 0, 0);
    for token in tokens {
        bytes += token.literals as usize + usize::from(token.length);
        literals += token.literals as usize;
        adjacent += usize::from(token.literals == 0);
    }
    let text = &part.text[part.text.len() - bytes..];
    let end = part.start + part.text.len();
    let hints_before = |end: usize| hints.partition_point(|hint| (hint.at as usize) < end);
    let hints = hints_before(end).saturating_sub(hints_before(end - bytes));
    bytes / SPARSE > hints
        || literals * 100 > bytes * MANY_LITERALS
        || literals * 100 < bytes * FEW_LITERALS
        || adjacent * 100 > tokens.len() * MANY_ADJACENT
        || tokens.len() > hints && adjacent * 100 > tokens.len() * ADJACENT_IN_VALUES
        || has_repeated_runs(text, tokens)
}

/// Whether many of the long runs of literals occurred before.
fn has_repeated_runs(text: &[u8], tokens: &[Token]) -> bool {
    let mut seen = vec![0; 1 << SLOT_BITS];
    let (mut at, mut runs, mut repeated) = (0, 0, 0);
    for token in tokens {
        let run = &text[at..][..token.literals as usize];
        at += run.len() + usize::from(token.length);
        if run.len() >= LONG_RUN {
            runs += 1;
            repeated += usize::from(came_before(&mut seen, run));
        }
    }
    repeated * ONE_OF > runs
}

/// Whether one of the first words of a run was seen before. Adds all of them to `seen`.
fn came_before(seen: &mut [u32], run: &[u8]) -> bool {
    run.windows(8).take(WORDS).fold(false, |came_before, word| {
        let word = word.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte));
        let hash = word.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let tag = hash as u32 | 1; // 0 is an empty slot
        std::mem::replace(&mut seen[(hash >> (64 - SLOT_BITS)) as usize], tag) == tag || came_before
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text of these runs of literals, each before a match of `length` bytes, and its tokens.
    fn part(runs: &[&str], length: u16) -> (Vec<u8>, Vec<Token>) {
        let repeated = "-".repeat(length.into());
        let text = runs.iter().flat_map(|run| [run.as_bytes(), repeated.as_bytes()].concat()).collect();
        let tokens = runs.iter().map(|run| Token { literals: run.len() as u32, length, distance: 1 });
        (text, tokens.collect())
    }

    /// Whether such a text is in doubt, with so many hints.
    fn is_doubtful(runs: &[&str], length: u16, hints: usize) -> bool {
        let (text, tokens) = part(runs, length);
        let hints: Vec<_> = (0..hints as u32).map(|at| Hint { at, like: 0 }).collect();
        is_in_doubt(&Part { text: &text, start: 0, tokens: &tokens }, &hints)
    }

    #[test]
    fn repeated_long_runs_are_a_sign_wherever_they_start() {
        for (runs, is_sign) in [
            (["abcdefghijkl", "mnopqrstuvwx", "abcdefghijkl", "1"], true),
            (["abcdefghijkl", "mnopqrstuvwx", "bcdefghijklm", "1"], true),
            (["abcdefghijkl", "mnopqrstuvwx", "yzyzyzxyzzzx", "1"], false),
            (["abcdefg", "abcdefg", "abcdefg", "1"], false),
        ] {
            assert_eq!(is_doubtful(&runs, 100, 100), is_sign, "{runs:?}");
        }
    }

    #[test]
    fn many_literals_and_few_hints_are_signs() {
        let runs = ["abcdefghijkl", "mnopqrstuvwx", "yz0123456789abcdefgh", "1"];
        assert!(is_doubtful(&runs, 10, 100));
        assert!(!is_doubtful(&runs, 100, 100));
        assert!(is_doubtful(&runs, 100, 4));
    }

    #[test]
    fn many_matches_that_follow_one_another_are_a_sign() {
        let runs = |adjacent: usize| [vec!["12"; 101 - adjacent], vec![""; adjacent]].concat();
        for (adjacent, hints, is_sign) in
            [(49, 110, false), (52, 110, true), (36, 110, false), (37, 90, true), (30, 90, false)]
        {
            assert_eq!(is_doubtful(&runs(adjacent), 10, hints), is_sign, "{adjacent} {hints}");
        }
        assert!(is_doubtful(&runs(30), 100, 900), "few literals");
    }

    #[test]
    fn the_last_tokens_of_a_part_are_examined() {
        let (first, last) = (vec!["12"; 3000], vec![""; 3000]);
        assert!(is_doubtful(&[&first[..], &last].concat(), 10, 10_000));
        assert!(!is_doubtful(&[&last[..], &first].concat(), 10, 100_000));
    }

    #[test]
    fn hints_are_those_of_the_part() {
        let (text, tokens) = part(&["1"; 100], 20);
        let doubtful_from = |start: usize, first: u32| {
            let hints: Vec<_> = (0..100).map(|number| Hint { at: first + number, like: 0 }).collect();
            is_in_doubt(&Part { text: &text, start, tokens: &tokens }, &hints)
        };
        assert!(!doubtful_from(0, 0) && !doubtful_from(5000, 5000));
        assert!(doubtful_from(5000, 0) && doubtful_from(0, 5000));
    }
}
