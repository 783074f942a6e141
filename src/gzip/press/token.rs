//! Tokens, and the symbols that DEFLATE has for them (RFC 1951, 3.2.5).

/// Literals, then a match: `length` bytes that repeat those `distance` bytes before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) literals: u32,
    /// 3 to 258, or 0 if the literals end a part and no match follows.
    pub(super) length: u16,
    /// 1 to 32768.
    pub(super) distance: u16,
}

/// How far back a match can reach.
pub(super) const WINDOW: usize = 1 << 15;

/// The shortest and the longest match.
pub(super) const SHORTEST: usize = 3;
pub(super) const LONGEST: usize = 258;

/// The symbol that ends a block; those after it are lengths.
pub(super) const END_OF_BLOCK: usize = 256;

/// The number of symbols for literals, the end and lengths; and for distances.
pub(super) const LITERAL_SYMBOLS: usize = 286;
pub(super) const DISTANCE_SYMBOLS: usize = 30;

/// The symbol of a range of numbers, and the position in the range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ranged {
    pub(super) symbol: usize,
    pub(super) extra: u32,
    /// Bits that `extra` is written in.
    pub(super) extra_bits: u32,
}

/// The symbol of a match's length.
pub(super) fn length_symbol(length: usize) -> Ranged {
    match length {
        LONGEST => Ranged { symbol: 285, extra: 0, extra_bits: 0 },
        _ => {
            let ranged = ranged::<4>(length - SHORTEST);
            Ranged { symbol: ranged.symbol + 257, ..ranged }
        }
    }
}

/// The symbol of a match's distance.
#[inline(always)]
pub(super) fn distance_symbol(distance: usize) -> Ranged {
    ranged::<2>(distance - 1)
}

/// Both alphabets have `EACH` symbols for each number of extra bits, and twice as many for none.
#[inline(always)]
fn ranged<const EACH: usize>(number: usize) -> Ranged {
    let extra_bits = (number / EACH).max(1).ilog2();
    let range = number >> extra_bits;
    Ranged { symbol: extra_bits as usize * EACH + range, extra: (number - (range << extra_bits)) as u32, extra_bits }
}

/// The first four bytes of a text, padded with zeros.
#[inline(always)]
pub(super) fn first_four(text: &[u8]) -> [u8; 4] {
    match text.first_chunk() {
        Some(&four) => four,
        None => std::array::from_fn(|place| text.get(place).copied().unwrap_or(0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Symbols are consecutive, and so are the numbers of each.
    fn check(symbol: impl Fn(usize) -> Ranged, numbers: std::ops::RangeInclusive<usize>, first: usize, last: usize) {
        let mut expected = Ranged { symbol: first, extra: 0, extra_bits: 0 };
        for number in numbers {
            let ranged = symbol(number);
            if ranged.symbol != expected.symbol {
                expected = Ranged { symbol: expected.symbol + 1, extra: 0, extra_bits: ranged.extra_bits };
            }
            assert_eq!(ranged, expected, "{number}");
            expected.extra += 1;
            assert!(expected.extra <= 1 << ranged.extra_bits);
        }
        assert_eq!(expected.symbol, last);
    }

    #[test]
    fn symbols_are_those_of_the_standard() {
        check(length_symbol, SHORTEST..=LONGEST - 1, 257, 284);
        check(distance_symbol, 1..=32768, 0, 29);
        for (length, symbol, extra_bits) in [(10, 264, 0), (11, 265, 1), (227, 284, 5), (257, 284, 5), (258, 285, 0)] {
            assert_eq!((length_symbol(length).symbol, length_symbol(length).extra_bits), (symbol, extra_bits));
        }
        for (distance, symbol, extra_bits) in [(4, 3, 0), (5, 4, 1), (24577, 29, 13), (32768, 29, 13)] {
            assert_eq!((distance_symbol(distance).symbol, distance_symbol(distance).extra_bits), (symbol, extra_bits));
        }
    }
}
