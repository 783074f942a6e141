//! Spell ints of many digits and Decimals as Python's `str()` does.

use crate::python::raw::integers::Digits;

/// The largest power of ten that fits into 64 bits.
const WORD: u64 = 10_000_000_000_000_000_000;
/// The decimal digits of a word below it.
const WORD_DIGITS: usize = 19;
/// `floor((2^128 - 1) / WORD) - 2^64`, by which a division becomes two multiplications.
const RECIPROCAL: u64 = (u128::MAX / WORD as u128 - (1 << 64)) as u64;
/// An int of more bits is beyond the range of a double.
const MOST_BITS: usize = 1024;

/// Spells an int by its digits of 30 bits, with the lowest first. Returns false if it is too long.
pub fn spell_integer(out: &mut String, is_negative: bool, digits: &[u32]) -> bool {
    let (limbs, count) = match limbs_of(digits) {
        Some(limbs) => limbs,
        None => return false,
    };
    // 1024 bits have 309 decimal digits.
    let mut words = [0_u64; MOST_BITS / 64 + 1];
    let mut word_count = 0;
    for &limb in limbs[..count].iter().rev() {
        let mut carry = limb;
        for word in &mut words[..word_count] {
            (carry, *word) = divide(*word, carry);
        }
        while carry != 0 {
            words[word_count] = carry % WORD;
            (carry, word_count) = (carry / WORD, word_count + 1);
        }
    }
    out.clear();
    if is_negative {
        out.push('-');
    }
    push_words(out, &words[..word_count]);
    true
}

/// The number in limbs of 64 bits, with the lowest first, and how many there are; None if they have too many bits.
fn limbs_of(digits: &[u32]) -> Option<([u64; MOST_BITS / 64], usize)> {
    let bits = (digits.len() * Digits::BITS as usize).checked_sub(digits.last()?.leading_zeros() as usize - 2)?;
    if bits > MOST_BITS {
        return None;
    }
    let mut limbs = [0; MOST_BITS / 64];
    for (position, &digit) in digits.iter().enumerate() {
        let at = position * Digits::BITS as usize;
        let (limb, shift) = (at / 64, at % 64);
        limbs[limb] |= u64::from(digit) << shift;
        if shift + Digits::BITS as usize > 64 && limb + 1 < limbs.len() {
            limbs[limb + 1] |= u64::from(digit) >> (64 - shift);
        }
    }
    Some((limbs, bits.div_ceil(64)))
}

/// Divides `high * 2^64 + low` by [`WORD`], if `high` is below it; returns the quotient and the remainder.
///
/// "Improved division by invariant integers" by Möller and Granlund, algorithm 4.
#[inline(always)]
fn divide(high: u64, low: u64) -> (u64, u64) {
    let dividend = u128::from(high) << 64 | u128::from(low);
    let estimate = u128::from(RECIPROCAL).wrapping_mul(u128::from(high)).wrapping_add(dividend);
    let mut quotient = ((estimate >> 64) as u64).wrapping_add(1);
    let mut rest = low.wrapping_sub(quotient.wrapping_mul(WORD));
    if rest > estimate as u64 {
        quotient = quotient.wrapping_sub(1);
        rest = rest.wrapping_add(WORD);
    }
    if rest >= WORD {
        quotient = quotient.wrapping_add(1);
        rest -= WORD;
    }
    (quotient, rest)
}

/// Spells a Decimal by its coefficient, in words of 19 decimal digits with the lowest first, and its exponent: the
/// specification's "scientific string".
pub fn spell_decimal(out: &mut String, is_negative: bool, words: &[u64], exponent: i64) {
    out.clear();
    if is_negative {
        out.push('-');
    }
    let start = out.len();
    push_words(out, words);
    if exponent == 0 {
        return;
    }
    let count = (out.len() - start) as i64;
    let point = count + exponent; // the place of the decimal point among the digits
    if exponent < 0 && point > 0 {
        out.insert(start + point as usize, '.');
    } else if exponent < 0 && point > -6 {
        out.insert_str(start, &"0.00000"[..(2 - point) as usize]);
    } else {
        if count > 1 {
            out.insert(start + 1, '.');
        }
        out.push_str(if point > 0 { "E+" } else { "E" });
        out.push_str(itoa::Buffer::new().format(point - 1));
    }
}

/// Appends the decimal digits of a number in words of 19, with the lowest first.
fn push_words(out: &mut String, words: &[u64]) {
    const ZEROS: &str = "0000000000000000000";
    let mut buffer = itoa::Buffer::new();
    for (position, &word) in words.iter().rev().enumerate() {
        let digits = buffer.format(word);
        if position > 0 {
            out.push_str(&ZEROS[..WORD_DIGITS - digits.len()]);
        }
        out.push_str(digits);
    }
}
