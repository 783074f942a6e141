//! Serialize: values to compact JSON, spelled as orjson spells it, and names read back out of it.

use crate::quoted::{append_digits, append_from_buffer, append_quoted, append_verbatim};
use crate::vectors::Vectors;

/// A moment as the API takes it: microseconds since the epoch, of UTC or of an unnamed zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Microseconds since 1970-01-01T00:00:00, of UTC where `utc`, else as the clock on the wall reads.
    pub micros: i64,
    /// Whether the zone is known.
    pub utc: bool,
}

const DAY_SECONDS: i64 = 86_400;

impl Moment {
    /// The moment at which a calendar and a clock read these (proleptic Gregorian, as Python's datetime).
    pub fn from_civil(date: (i32, u8, u8), clock: (u8, u8, u8, u32), utc: bool) -> Moment {
        let (year, month, day) = (i64::from(date.0), i64::from(date.1), i64::from(date.2));
        // Years that begin in March put the leap day last, so that a month's first day is a linear formula.
        let shifted = if month <= 2 { year - 1 } else { year };
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        let days =
            shifted * 365 + shifted.div_euclid(4) - shifted.div_euclid(100) + shifted.div_euclid(400) + day_of_year
                - 719_468;
        let (hour, minute, second, micro) = clock;
        let seconds = days * DAY_SECONDS + i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second);
        Moment { micros: seconds * 1_000_000 + i64::from(micro), utc }
    }

    /// Milliseconds since the epoch, rounded to the nearest, a half to the even one.
    pub fn milliseconds(self) -> i64 {
        let (floor, rest) = (self.micros.div_euclid(1000), self.micros.rem_euclid(1000));
        floor + i64::from(rest > 500 || (rest == 500 && floor % 2 != 0))
    }
}

/// Appends `YYYY-MM-DDTHH:MM:SS`, the API's text for a date; a fraction of a second is dropped.
pub(crate) fn write_moment(out: &mut Vec<u8>, moment: Moment) {
    let seconds = moment.micros.div_euclid(1_000_000);
    let (days, clock) = (seconds.div_euclid(DAY_SECONDS) + 719_468, seconds.rem_euclid(DAY_SECONDS));
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let text = format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}", clock / 3600, clock / 60 % 60, clock % 60);
    out.extend_from_slice(text.as_bytes());
}

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

/// The decimal digits of a number of at most eight, the first one lowest, and how many they are.
///
/// Without a branch: numbers of changing length would cost a mispredicted one each.
#[inline(always)]
fn up_to_eight_digits(value: u32) -> (u64, usize) {
    // Apart from the digits: what is written next waits for the count.
    let count = (u64::from(value) + DIGITS_BY_BITS[(value | 1).ilog2() as usize]) >> 32;
    (eight_digits(value) >> (8 * (8 - count)), count as usize)
}

/// What is added to a number of so many bits, less one, to have its decimal digits in the upper half of the sum. For a
/// power of two up to whose next one there is a power of ten, the lower half overflows from that on.
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

/// Eight decimal digits, the first one lowest.
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
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format_finite(value);
    let (start, length) = (text.as_ptr(), text.len());
    if start == (&raw const buffer).cast() {
        // SAFETY: the text begins where the buffer does.
        unsafe { append_from_buffer(out, &buffer, length) }
    } else {
        out.extend_from_slice(buffer.format_finite(value).as_bytes());
    }
}

/// Appends text as a JSON string, quotes included.
#[inline]
#[doc(hidden)]
pub fn write_string(out: &mut Vec<u8>, text: &str) {
    write_quoted(out, text, *b"\"");
}

/// Appends text as a JSON string, quotes included.
#[inline(always)]
pub(crate) fn write_string_with(out: &mut Vec<u8>, text: &str, vectors: impl Vectors) {
    if !vectors.append_quoted(out, text.as_bytes(), *b"\"") {
        write_escaped(out, text.as_bytes(), b"\"");
    }
}

/// Appends text as the name of a member: a JSON string and a colon.
#[inline]
#[doc(hidden)]
pub fn write_name(out: &mut Vec<u8>, name: &str) {
    write_quoted(out, name, *b"\":");
}

/// Appends the inside of a JSON string by its valid spelling, quotes included.
#[inline(always)]
#[doc(hidden)]
pub fn write_spelled_string(out: &mut Vec<u8>, spelling: &str) {
    append_verbatim(out, spelling.as_bytes(), *b"\"");
}

/// Appends the name of a member by its valid spelling, and a colon.
#[inline(always)]
#[doc(hidden)]
pub fn write_spelled_name(out: &mut Vec<u8>, spelling: &str) {
    append_verbatim(out, spelling.as_bytes(), *b"\":");
}

/// Appends a quote, the text, and `end`, which begins with the other quote.
#[inline(always)]
fn write_quoted<const END: usize>(out: &mut Vec<u8>, text: &str, end: [u8; END]) {
    if !append_quoted(out, text.as_bytes(), end) {
        write_escaped(out, text.as_bytes(), &end);
    }
}

#[cold]
fn write_escaped(out: &mut Vec<u8>, text: &[u8], end: &[u8]) {
    out.push(b'"');
    write_each_escaped(out, text);
    out.extend_from_slice(end);
}

/// Whether a byte can't stand in a JSON string as it is.
#[inline]
pub(crate) fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

fn write_each_escaped(out: &mut Vec<u8>, bytes: &[u8]) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut copied = 0;
    for (position, &byte) in bytes.iter().enumerate() {
        if !is_special(byte) {
            continue;
        }
        out.extend_from_slice(&bytes[copied..position]);
        copied = position + 1;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            0x08 => out.extend_from_slice(b"\\b"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            0x0c => out.extend_from_slice(b"\\f"),
            b'\r' => out.extend_from_slice(b"\\r"),
            _ => out.extend_from_slice(&[
                b'\\',
                b'u',
                b'0',
                b'0',
                HEX[usize::from(byte >> 4)],
                HEX[usize::from(byte & 15)],
            ]),
        }
    }
    out.extend_from_slice(&bytes[copied..]);
}

/// Text read out of a JSON string, and whether any of it had to be replaced by U+FFFD.
#[doc(hidden)]
pub struct Unescaped {
    /// The text.
    pub text: String,
    /// Whether a lone surrogate was replaced.
    pub repaired: bool,
}

/// The text of the inside of a JSON string that is known to be well formed.
#[doc(hidden)]
pub fn unescape(inside: &str) -> Unescaped {
    match String::from_utf8(unescape_exactly(inside)) {
        Ok(text) => Unescaped { text, repaired: false },
        Err(error) => Unescaped { text: replace_surrogates(error.as_bytes()), repaired: true },
    }
}

/// The same as bytes, in which a lone surrogate is encoded as any code point (WTF-8), so that no two are taken for one.
pub(crate) fn unescape_exactly(inside: &str) -> Vec<u8> {
    let mut text = Vec::with_capacity(inside.len());
    let mut rest = inside;
    while let Some(at) = rest.find('\\') {
        text.extend_from_slice(&rest.as_bytes()[..at]);
        let escape = rest.as_bytes()[at + 1];
        rest = &rest[at + 2..];
        if escape == b'u' {
            rest = unescape_code_units(&mut text, rest);
            continue;
        }
        text.push(match escape {
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            other => other, // a quote, a backslash or a slash stands for itself
        });
    }
    text.extend_from_slice(rest.as_bytes());
    text
}

/// Appends the code point whose hex digits come now, by one escape or a pair of them; gives what comes behind.
fn unescape_code_units<'a>(text: &mut Vec<u8>, digits: &'a str) -> &'a str {
    let (first, rest) = (code_unit(digits), &digits[4..]);
    let second = rest.strip_prefix("\\u").map(code_unit);
    if let (0xD800..=0xDBFF, Some(low @ 0xDC00..=0xDFFF)) = (first, second) {
        push_code_point(text, 0x10000 + ((first - 0xD800) << 10) + (low - 0xDC00));
        return &rest[6..];
    }
    push_code_point(text, first);
    rest
}

fn push_code_point(text: &mut Vec<u8>, code: u32) {
    match char::from_u32(code) {
        Some(scalar) => text.extend_from_slice(scalar.encode_utf8(&mut [0; 4]).as_bytes()),
        None => text.extend_from_slice(&[
            0xE0 | (code >> 12) as u8,
            0x80 | (code >> 6 & 63) as u8,
            0x80 | (code & 63) as u8,
        ]),
    }
}

/// WTF-8 as text, with U+FFFD for each lone surrogate.
fn replace_surrogates(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        // A surrogate has three bytes, ED A0..BF 80..BF, of which each is a chunk of its own.
        if chunk.invalid().first() == Some(&0xED) {
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
    text
}

/// The value of the four hex digits that begin `digits`.
fn code_unit(digits: &str) -> u32 {
    digits.get(..4).and_then(|four| u32::from_str_radix(four, 16).ok()).unwrap_or(0xFFFD)
}

/// The inside of the JSON string that begins, with its quote, at `at`, and the position after its closing quote.
#[doc(hidden)]
pub fn string_at(json: &[u8], at: usize) -> (&str, usize) {
    let mut end = at + 1;
    while json[end] != b'"' {
        end += if json[end] == b'\\' { 2 } else { 1 };
    }
    (std::str::from_utf8(&json[at + 1..end]).expect("only UTF-8 is written"), end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> String {
        let mut out = Vec::new();
        write_string(&mut out, text);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_ascii_byte_at_each_place_reads_back() {
        for byte in 0..=0x7f_u8 {
            for before in 0..40 {
                let text = format!("{}{}é", "x".repeat(before), char::from(byte));
                let json = written(&text);
                let (inside, end) = string_at(json.as_bytes(), 0);
                assert_eq!((unescape(inside).text, end), (text, json.len()));
                assert!(json.bytes().all(|byte| byte >= 0x20));
            }
        }
    }

    #[test]
    fn escapes_are_spelled_as_orjson_spells_them() {
        assert_eq!(
            written("\u{8}\t\n\u{c}\r\u{1b}\u{0}\"\\/\u{7f}\u{2028}"),
            "\"\\b\\t\\n\\f\\r\\u001b\\u0000\\\"\\\\/\u{7f}\u{2028}\""
        );
    }

    #[test]
    fn surrogate_escapes_pair_up_or_are_replaced() {
        assert_eq!(unescape("\\ud83d\\ude00!").text, "😀!");
        let lone = unescape("a\\ud83dz\\ude00\\ud83d\\u0041");
        assert_eq!((lone.text.as_str(), lone.repaired), ("a\u{fffd}z\u{fffd}\u{fffd}A", true));
    }

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

    #[test]
    fn moments_are_read_and_written_by_the_calendar() {
        let cases = [
            ((1970, 1, 1), (0, 0, 0, 0), "1970-01-01T00:00:00", 0),
            ((2000, 2, 29), (23, 59, 59, 999_999), "2000-02-29T23:59:59", 951_868_799_999_999),
            ((1, 1, 1), (0, 0, 0, 0), "0001-01-01T00:00:00", -62_135_596_800_000_000),
            ((9999, 12, 31), (23, 59, 59, 0), "9999-12-31T23:59:59", 253_402_300_799_000_000),
            ((1969, 12, 31), (23, 59, 59, 500_000), "1969-12-31T23:59:59", -500_000),
        ];
        for (date, clock, text, micros) in cases {
            let moment = Moment::from_civil(date, clock, true);
            let mut out = Vec::new();
            write_moment(&mut out, moment);
            assert_eq!((moment.micros, String::from_utf8(out).unwrap().as_str()), (micros, text));
        }
    }

    #[test]
    fn milliseconds_round_a_half_to_even() {
        for (micros, expected) in [(1499, 1), (1500, 2), (1501, 2), (2500, 2), (-500, 0), (-1500, -2), (-501, -1)] {
            assert_eq!(Moment { micros, utc: true }.milliseconds(), expected, "{micros}");
        }
    }
}
