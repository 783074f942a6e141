//! Write numbers: integers by their digits, floats as orjson spells them.

use crate::vectors::baseline::{append_digits, append_formatted, append_more_digits};

/// Eight zeros in ASCII.
const ZEROS: u64 = 0x3030_3030_3030_3030;

/// The first number of nine digits.
const NINE_DIGITS: u64 = 100_000_000;

/// Appends an integer's digits.
#[inline(always)]
pub(crate) fn write_integer(out: &mut Vec<u8>, value: i64) {
    let size = value.unsigned_abs();
    if size < NINE_DIGITS {
        let (digits, count) = up_to_eight_digits(size as u32);
        append_digits(out, value < 0, digits, count);
    } else {
        write_long_integer(out, value);
    }
}

#[inline(never)]
fn write_long_integer(out: &mut Vec<u8>, value: i64) {
    let size = value.unsigned_abs();
    if size < 100 * NINE_DIGITS {
        // A time in seconds, as in nearly every event.
        let first = up_to_two_digits((size / NINE_DIGITS) as u32);
        append_more_digits(out, value < 0, first, (eight_digits((size % NINE_DIGITS) as u32), 8));
    } else if size < NINE_DIGITS * NINE_DIGITS {
        let first = up_to_eight_digits((size / NINE_DIGITS) as u32);
        append_more_digits(out, value < 0, first, (eight_digits((size % NINE_DIGITS) as u32), 8));
    } else {
        out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    }
}

/// The digits of a number below 10^8, with the first one in the lowest byte, and their count.
///
/// Without a branch, which numbers of varying length would mispredict.
#[inline(always)]
fn up_to_eight_digits(value: u32) -> (u64, usize) {
    // Computed independently of the digits, since the next write waits for the count.
    let count = (u64::from(value) + DIGITS_BY_BITS[(value | 1).ilog2() as usize]) >> 32;
    (eight_digits(value) >> (8 * (8 - count)), count as usize)
}

/// The same of a number below 1000.
#[inline(always)]
fn up_to_three_digits(value: u32) -> (u64, usize) {
    let count = 1 + usize::from(value > 9) + usize::from(value > 99);
    (u64::from(TRIPLES[value as usize % TRIPLES.len()] >> (8 * (3 - count))), count)
}

/// The same of a number below 100.
#[inline(always)]
fn up_to_two_digits(value: u32) -> (u64, usize) {
    let (tens, count) = ((value * 103) >> 10, 1 + usize::from(value > 9));
    let both = tens | (value - tens * 10) << 8 | 0x3030;
    (u64::from(both >> (8 * (2 - count))), count)
}

/// Indexed by floor(log2 n): `(n + table[i]) >> 32` is the number of decimal digits of n. If there is a power of ten between
/// 2^i and 2^(i+1), the lower half overflows from that power on.
const DIGITS_BY_BITS: [u64; 27] = {
    let mut table = [0; 27];
    let (mut bits, mut power, mut digits) = (0, 10_u64, 1_u64);
    while bits < table.len() {
        let is_reached = power < 1 << (bits + 1);
        table[bits] = if is_reached { ((digits + 1) << 32) - power } else { digits << 32 };
        if is_reached {
            (power, digits) = (power * 10, digits + 1);
        }
        bits += 1;
    }
    table
};

/// Eight decimal digits, with the first one in the lowest byte.
#[inline(always)]
fn eight_digits(value: u32) -> u64 {
    // The value in units of 10^5, as a fraction of 64 bits. It is too large by less than the last digit's part.
    const FRACTION: u64 = u64::MAX / 100_000 + 1;
    let (first, rest) = three_digits(u128::from(value) * u128::from(FRACTION));
    let (second, rest) = three_digits(u128::from(rest) * 1000);
    let (third, _) = three_digits(u128::from(rest) * 1000);
    first | second << 24 | third << 48 // the ninth digit has no room
}

/// The three digits of the upper half, and the lower half.
#[inline(always)]
fn three_digits(value: u128) -> (u64, u64) {
    let digits = TRIPLES[(value >> 64) as usize % TRIPLES.len()];
    (u64::from(digits), value as u64)
}

/// The digits of numbers below 1000, with the first one in the lowest byte. The other elements only make an index a mask.
static TRIPLES: [u32; 1024] = {
    let mut triples = [0; 1024];
    let mut value = 0;
    while value < 1000 {
        let (first, second, third) = (value / 100, value / 10 % 10, value % 10);
        triples[value as usize] = first | second << 8 | third << 16 | 0x30_3030;
        value += 1;
    }
    triples
};

/// The shortest number that no double can hold, as `9e308`.
const SHORTEST_BEYOND: usize = 5;

/// The largest double has 309 digits.
const DIGITS_OF_LARGEST: usize = 309;

/// Whether a number, by its valid spelling, is of a kind that a double may not hold: it has an exponent or many digits.
///
/// Of the bytes of a number, only `e` and `E` have the bit 0x40, so a usual number costs one comparison of its ends.
#[inline(always)]
pub(crate) fn may_be_beyond_double(spelling: &str) -> bool {
    let bytes = spelling.as_bytes();
    if bytes.len() < SHORTEST_BEYOND {
        return false;
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        let either = u64::from_le_bytes(*first) | u64::from_le_bytes(*last);
        return either & 0x4040_4040_4040_4040 != 0 || (bytes.len() > 16 && may_be_long_beyond(bytes));
    }
    let (first, last) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>());
    let word = |chunk: Option<&[u8; 4]>| chunk.map_or(0, |chunk| u32::from_le_bytes(*chunk));
    (word(first) | word(last)) & 0x4040_4040 != 0
}

#[inline(never)]
fn may_be_long_beyond(bytes: &[u8]) -> bool {
    // Without an early end, so that many bytes are looked at together.
    bytes.len() >= DIGITS_OF_LARGEST || bytes.iter().fold(0, |bits, byte| bits | byte) & 0x40 != 0
}

/// Whether no double can hold a number, which is given by its valid spelling: it would read back as an infinity.
#[cold]
pub(crate) fn is_beyond_double(spelling: &str) -> bool {
    spelling.parse().is_ok_and(f64::is_infinite)
}

/// Appends the shortest text that reads back as the same float. The value must be finite.
#[inline]
pub(crate) fn write_float(out: &mut Vec<u8>, value: f64) {
    if !write_decimal(out, value) {
        write_other_float(out, value);
    }
}

/// Does the same where [`write_decimal`] does not.
#[inline]
pub(crate) fn write_other_float(out: &mut Vec<u8>, value: f64) {
    append_formatted(out, zmij::Buffer::new(), |buffer| buffer.format_finite(value));
}

/// Appends a float as [`write_float`] does if it is a decimal of few digits, as a measurement usually is. Returns whether it
/// is one, which only a finite value can be.
#[inline(always)]
pub(crate) fn write_decimal(out: &mut Vec<u8>, value: f64) -> bool {
    let units = decimal_units(value.abs());
    if let Some(units) = units {
        append_units(out, value.is_sign_negative(), units);
    }
    units.is_some()
}

/// Decimals are counted in units of 1e-8.
const UNITS: f64 = 1e8;

/// Below this a number of units has at most fifteen digits.
const FEWEST_PAST_DECIMALS: f64 = 1e7;

/// Below this a float is spelled with an exponent.
const LEAST_WITHOUT_EXPONENT: u64 = 1000;

/// A size in units, if it is a decimal of at most eight places and seven digits before them.
///
/// These are fifteen digits at most, and no two decimals of so many digits are read as the same float. So it is the shortest
/// one that is read as this float if it is read as it at all, which the division tells: it rounds as reading does.
#[inline(always)]
fn decimal_units(size: f64) -> Option<u64> {
    // From 2^52 to 2^53 floats are whole numbers, and the lowest 52 bits are what was added to 2^52, rounded.
    const WHOLE: u64 = 1 << 52;
    let shifted = size * UNITS + WHOLE as f64;
    let units = shifted.to_bits() & (WHOLE - 1);
    let is_read_back = (shifted - WHOLE as f64) / UNITS == size;
    let is_plain = (size < FEWEST_PAST_DECIMALS) & ((units >= LEAST_WITHOUT_EXPONENT) | (units == 0));
    (is_read_back & is_plain).then_some(units)
}

/// Appends a decimal of less than 10^15 units, without zeros at its end.
#[inline(always)]
fn append_units(out: &mut Vec<u8>, minus: bool, units: u64) {
    let whole = (units / NINE_DIGITS) as u32;
    let (digits, count) = if whole < 1000 { up_to_three_digits(whole) } else { up_to_eight_digits(whole) };
    let with_point = digits | u64::from(b'.') << (8 * count);
    let places = eight_digits((units % NINE_DIGITS) as u32);
    // One place stays even if it is a zero.
    let zeros = ((places ^ ZEROS) | 1).leading_zeros() as usize / 8;
    append_more_digits(out, minus, (with_point, count + 1), (places, 8 - zeros));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_spelled_as_the_standard_library_spells_them() {
        let mut values = vec![i64::MIN, i64::MAX, 0];
        for power in 0..18 {
            let ten = 10_i64.pow(power);
            values.extend([ten - 1, ten, ten + 1, 7 * ten, ten / 3, ten * 9 + ten / 7]);
        }
        values.extend(0..20_000);
        values.extend((0..100_000_000).step_by(9_973));
        for value in values.iter().flat_map(|&value| [value, value.wrapping_neg()]) {
            let mut out = b"x".to_vec();
            write_integer(&mut out, value);
            assert_eq!(String::from_utf8(out).unwrap(), format!("x{value}"));
        }
    }

    #[test]
    fn a_number_that_no_double_can_hold_is_recognised() {
        let largest = format!("{:.0}", f64::MAX);
        let beyond = ["9e308", "1e309", "-1e309", "1E+400", "1.8e308", "10.0e00000308", "123456789012345678e300"];
        let many =
            [format!("{largest}0"), "1".repeat(310), format!("-{}", "9".repeat(309)), format!("{}.5", "9".repeat(400))];
        for number in beyond.map(str::to_owned).into_iter().chain(many) {
            assert!(may_be_beyond_double(&number) && is_beyond_double(&number), "{number}");
        }
        let within = ["0", "1e308", "-1.7976931348623157e308", "1e-400", "123456789.123456789", "1700000000", "12345"];
        for number in within.map(str::to_owned).into_iter().chain([largest, format!("0.{}", "1".repeat(400))]) {
            assert!(!(may_be_beyond_double(&number) && is_beyond_double(&number)), "{number}");
        }
        assert!(
            ["0", "1234", "12345", "1234567", "1700000000", "-0.000123456789", "12345678901234567890"]
                .iter()
                .all(|usual| !may_be_beyond_double(usual))
        );
    }

    #[test]
    fn floats_are_spelled_as_orjson_spells_them() {
        let cases = [
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1e-5, "0.00001"),
            (1e-6, "1e-6"),
            (-0.0, "-0.0"),
            (1.2345678901234568e17, "1.2345678901234568e+17"),
            (5e-324, "5e-324"),
        ];
        for (value, text) in cases {
            assert_eq!(written(value), text);
        }
    }

    fn written(value: f64) -> String {
        let mut out = Vec::new();
        write_float(&mut out, value);
        String::from_utf8(out).unwrap()
    }

    /// A float, the floats beside it and its negation are spelled as in the slow way.
    fn is_spelled_in_either_way(value: f64) {
        for value in [value, value.next_down(), value.next_up(), -value].into_iter().filter(|value| value.is_finite()) {
            assert_eq!(written(value), zmij::Buffer::new().format_finite(value), "{value:e}");
        }
    }

    #[test]
    fn decimals_are_spelled_as_any_other_float_is() {
        let mut random = 1_u64;
        for round in 0..400_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let digits = (random >> 11) % 10_u64.pow(1 + round % 16);
            is_spelled_in_either_way(digits as f64 / 10_f64.powi((random >> 7) as i32 & 15));
            is_spelled_in_either_way(f64::from_bits(random));
        }
    }

    #[test]
    fn decimals_are_spelled_as_any_other_float_is_at_the_ends_of_their_range() {
        for number in 0..5000 {
            for size in [0.0, 1e-8, 1e-5, 1.0, 999.0, 1e3, FEWEST_PAST_DECIMALS, 1e8] {
                is_spelled_in_either_way(size + f64::from(number) / UNITS);
                is_spelled_in_either_way((size - f64::from(number) / UNITS).abs());
                is_spelled_in_either_way(size * f64::from(number) / 1000.0);
            }
        }
        assert_eq!(written(FEWEST_PAST_DECIMALS - 1e-8), "9999999.99999999");
        assert!(decimal_units(9999999.99999999).is_some() && decimal_units(FEWEST_PAST_DECIMALS).is_none());
        assert!(decimal_units(1e-5).is_some() && decimal_units(9.99e-6).is_none() && decimal_units(5e-9).is_none());
        assert!(decimal_units(0.0).is_some() && decimal_units(f64::NAN).is_none() && decimal_units(f64::MAX).is_none());
    }
}
