//! Slow and obvious reference implementations for the tests.

use super::huffman::Code;
use super::token::Token;

/// The text of the tokens. Literals are copied from the text, since tokens only count them.
pub(super) fn expand(text: &[u8], tokens: &[Token]) -> Vec<u8> {
    let mut expanded = Vec::new();
    for token in tokens {
        let at = expanded.len();
        expanded.extend_from_slice(&text[at..at + token.literals as usize]);
        for _ in 0..token.length {
            expanded.push(expanded[expanded.len() - usize::from(token.distance)]);
        }
    }
    expanded
}

/// Bits one at a time, the lowest of each byte first.
pub(super) fn bytes(bits: &[bool]) -> Vec<u8> {
    bits.chunks(8).map(|byte| byte.iter().rev().fold(0, |byte, &bit| byte << 1 | u8::from(bit))).collect()
}

/// The smallest cost of a code of at most `limit` bits, by package-merge: the cheapest `2n - 2` packages, in which each
/// occurrence of a symbol is one bit of its code.
pub(super) fn least_cost(frequencies: &[u32], limit: usize) -> u64 {
    let mut coins: Vec<u64> = frequencies.iter().filter(|&&frequency| frequency > 0).map(|&f| f.into()).collect();
    coins.sort_unstable();
    let mut packages = coins.clone();
    for _ in 1..limit {
        let mut next: Vec<u64> = packages.chunks_exact(2).map(|pair| pair[0] + pair[1]).chain(coins.clone()).collect();
        next.sort_unstable();
        packages = next;
    }
    packages.iter().take(2 * coins.len() - 2).sum()
}

/// Whether every sequence of bits is exactly one sequence of codes.
pub(super) fn is_complete(codes: &[Code]) -> bool {
    let used: Vec<_> = codes.iter().filter(|code| code.length > 0).collect();
    let begins_with = |long: &Code, short: &Code| {
        long.length >= short.length && long.bits & ((1u32 << short.length) - 1) as u16 == short.bits
    };
    let room: u32 = used.iter().map(|code| 1 << (15 - code.length)).sum();
    let overlap = used
        .iter()
        .enumerate()
        .any(|(at, code)| used.iter().enumerate().any(|(other_at, other)| at != other_at && begins_with(other, code)));
    room == 1 << 15 && !overlap
}
