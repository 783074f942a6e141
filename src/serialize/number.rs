//! Write numbers: integers by their digits, floats as orjson spells them.

use crate::vectors::baseline::{append_digits, append_formatted};

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
    if size < NINE_DIGITS * NINE_DIGITS {
        let (digits, count) = up_to_eight_digits((size / NINE_DIGITS) as u32);
        append_digits(out, value < 0, digits, count);
        append_digits(out, false, eight_digits((size % NINE_DIGITS) as u32), 8);
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
