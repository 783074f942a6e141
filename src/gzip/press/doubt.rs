//! Recognise a text that may repeat itself in ways that its hints do not show, by the tokens of its first block.
//!
//! A sign proves nothing: it only makes the press compress a sample both ways.

use super::token::Token;

/// A block with a higher percentage of literals is a sign: its texts may have repeated words.
const MANY_LITERALS: usize = 50;

/// A sign too: more than one in `ONE_OF` of the long runs of literals occurred before, under another name.
const ONE_OF: usize = 4;

/// The bytes of a long run, and how many windows of eight bytes at its start are compared, as its start is arbitrary.
const LONG_RUN: usize = 12;
const WORDS: usize = 4;

/// Tokens to examine.
const EXAMINED: usize = 2000;

const SLOT_BITS: u32 = 12;

/// Whether the tokens of a block show a sign.
pub(super) fn is_in_doubt(block: &[u8], tokens: &[Token]) -> bool {
    let literals: usize = tokens.iter().map(|token| token.literals as usize).sum();
    if literals * 100 > block.len() * MANY_LITERALS {
        return true;
    }
    let mut seen = vec![0; 1 << SLOT_BITS];
    let (mut at, mut runs, mut repeated) = (0, 0, 0);
    for token in tokens.iter().take(EXAMINED) {
        let run = &block[at..][..token.literals as usize];
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

    /// A block of these runs of literals, each after a match of ten bytes.
    fn block(runs: &[&str]) -> (Vec<u8>, Vec<Token>) {
        let run = |run: &&str| [b"0123456789", run.as_bytes()].concat();
        let first = Token { literals: 0, length: 10, distance: 1 };
        let tokens = runs.iter().map(|run| Token { literals: run.len() as u32, ..first });
        let mut block = runs.iter().flat_map(run).collect::<Vec<_>>();
        block.extend_from_slice(b"0123456789");
        (block, std::iter::once(first).chain(tokens).collect())
    }

    #[test]
    fn repeated_long_runs_are_a_sign_wherever_they_start() {
        for (runs, is_sign) in [
            (["abcdefghijkl", "mnopqrstuvwx", "abcdefghijkl"], true),
            (["abcdefghijkl", "mnopqrstuvwx", "bcdefghijklm"], true),
            (["abcdefghijkl", "mnopqrstuvwx", "yzyzyzxyzzzx"], false),
            (["abcdefg", "abcdefg", "abcdefg"], false),
            (["", "", ""], false),
        ] {
            let (mut text, mut tokens) = block(&runs);
            // Enough matches that the literals are few.
            text.extend_from_slice(&[b'x'; 200]);
            tokens.push(Token { literals: 0, length: 200, distance: 1 });
            assert_eq!(is_in_doubt(&text, &tokens), is_sign, "{runs:?}");
        }
    }

    #[test]
    fn many_literals_are_a_sign() {
        let (text, tokens) = block(&["abcdefghijkl", "mnopqrstuvwx", "yz0123456789abcdefgh"]);
        assert!(is_in_doubt(&text, &tokens));
    }
}
