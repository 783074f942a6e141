//! Write numbers: integers by their digits, floats as orjson spells them.

use crate::vectors::baseline::{append_digits, append_formatted, append_more_digits};

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
        let (digits, count) = up_to_two_digits((size / NINE_DIGITS) as u32);
        append_more_digits(out, value < 0, digits, count, eight_digits((size % NINE_DIGITS) as u32));
    } else if size < NINE_DIGITS * NINE_DIGITS {
        let (digits, count) = up_to_eight_digits((size / NINE_DIGITS) as u32);
        append_more_digits(out, value < 0, digits, count, eight_digits((size % NINE_DIGITS) as u32));
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
    let value = u64::from(value);
    // Two lanes of four digits, then four of two, then eight of one; each division is a multiplication and a shift.
    let fours = (value / 10_000) | ((value % 10_000) << 32);
    let hundreds = ((fours * 10_486) >> 20) & 0x7F_0000_007F;
    let twos = hundreds | (fours - hundreds * 100) << 16;
    let tens = ((twos * 103) >> 10) & 0x0F_000F_000F_000F;
    let ones = tens | (twos - tens * 10) << 8;
    ones | 0x3030_3030_3030_3030
}

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
    append_formatted(out, &mut zmij::Buffer::new(), |buffer| buffer.format_finite(value));
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
            let mut out = Vec::new();
            write_float(&mut out, value);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }
}
