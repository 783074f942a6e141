//! Slow and obvious reference implementations for the tests.

use super::codes::Lengths;
use super::huffman::{Code, codes};
use super::token::{END_OF_BLOCK, Ranged, Token, distance_symbol, length_symbol};

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

/// Symbols of distances are numbered after all others.
pub(super) const FIRST_DISTANCE: usize = 288;

/// A symbol of either alphabet with its extra bits.
pub(super) type Symbol = Ranged;

pub(super) const END: Symbol = Symbol { symbol: END_OF_BLOCK, extra: 0, extra_bits: 0 };

impl Symbol {
    /// The length of its code.
    pub(super) fn length(&self, lengths: &Lengths) -> u8 {
        match self.symbol {
            FIRST_DISTANCE.. => lengths.distances[self.symbol - FIRST_DISTANCE],
            _ => lengths.literals[self.symbol],
        }
    }
}

/// The symbols of the tokens of a text, and the end of the block.
pub(super) fn symbols(text: &[u8], tokens: &[Token]) -> Vec<Symbol> {
    let (mut symbols, mut at) = (Vec::new(), 0);
    for token in tokens {
        for &byte in &text[at..at + token.literals as usize] {
            symbols.push(Symbol { symbol: byte.into(), ..END });
        }
        at += token.literals as usize + usize::from(token.length);
        if token.length > 0 {
            symbols.push(length_symbol(token.length.into()));
            let distance = distance_symbol(token.distance.into());
            symbols.push(Symbol { symbol: distance.symbol + FIRST_DISTANCE, ..distance });
        }
    }
    symbols.push(END);
    symbols
}

/// The symbols as bits of codes with these lengths.
pub(super) fn bits(symbols: &[Symbol], lengths: &Lengths) -> Vec<bool> {
    let mut written = [Code::default(); FIRST_DISTANCE + 30];
    codes(&lengths.literals, &mut written[..FIRST_DISTANCE]);
    codes(&lengths.distances, &mut written[FIRST_DISTANCE..]);
    let number = |number: u32, count: u32| (0..count).map(move |bit| number >> bit & 1 == 1);
    let each = |symbol: &Symbol| {
        let code = written[symbol.symbol];
        number(code.bits.into(), code.length.into()).chain(number(symbol.extra, symbol.extra_bits))
    };
    symbols.iter().flat_map(each).collect()
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
