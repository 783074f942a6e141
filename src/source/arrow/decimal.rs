//! Write decimals as JSON numbers with all their digits, spelled as Python's `str(Decimal)` spells them.

use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type};
use arrow_array::{Array, Decimal256Array};
use arrow_buffer::ScalarBuffer;
use arrow_schema::DataType;

/// The decimals of one column.
pub(super) struct Decimals {
    digits: Digits,
    /// The number of digits after the point; if negative, the number of zeros that are not written.
    scale: i8,
}

enum Digits {
    Of32(ScalarBuffer<i32>),
    Of64(ScalarBuffer<i64>),
    Of128(ScalarBuffer<i128>),
    Of256(Decimal256Array),
}

impl Decimals {
    /// The decimals of an array; None if it has another type.
    pub(super) fn of(array: &dyn Array) -> Option<Decimals> {
        let (digits, scale) = match array.data_type() {
            DataType::Decimal32(_, scale) => {
                (Digits::Of32(array.as_primitive::<Decimal32Type>().values().clone()), scale)
            }
            DataType::Decimal64(_, scale) => {
                (Digits::Of64(array.as_primitive::<Decimal64Type>().values().clone()), scale)
            }
            DataType::Decimal128(_, scale) => {
                (Digits::Of128(array.as_primitive::<Decimal128Type>().values().clone()), scale)
            }
            DataType::Decimal256(_, scale) => (Digits::Of256(array.as_primitive::<Decimal256Type>().clone()), scale),
            _ => return None,
        };
        Some(Decimals { digits, scale: *scale })
    }

    /// Passes a decimal's spelling to `take`.
    pub(super) fn spell(&self, row: usize, take: impl FnOnce(&str)) {
        let whole = match &self.digits {
            Digits::Of32(digits) => i128::from(digits[row]),
            Digits::Of64(digits) => i128::from(digits[row]),
            Digits::Of128(digits) => digits[row],
            Digits::Of256(digits) => match digits.value(row).to_i128() {
                Some(whole) => whole,
                None => return take(Spelling::of(&digits.value(row).to_string(), self.scale).as_str()),
            },
        };
        take(Spelling::of(itoa::Buffer::new().format(whole), self.scale).as_str());
    }
}

/// Text on the stack with room for a sign, 77 digits, a point, and either six zeros or an exponent.
struct Spelling {
    bytes: [u8; 112],
    length: usize,
}

impl Spelling {
    /// Spells an integer's digits, with `scale` of them after the point.
    fn of(whole: &str, scale: i8) -> Spelling {
        let mut spelling = Spelling { bytes: [0; 112], length: 0 };
        let digits = whole.strip_prefix('-').unwrap_or(whole);
        spelling.push(&whole[..whole.len() - digits.len()]);
        let point = digits.len() as isize - isize::from(scale); // its position among the digits
        if scale < 0 || point <= -6 {
            spelling.push_split(digits, 1);
            spelling.push(if point > 0 { "E+" } else { "E-" });
            spelling.push(itoa::Buffer::new().format((point - 1).unsigned_abs()));
        } else if let Ok(point @ 1..) = usize::try_from(point) {
            spelling.push_split(digits, point);
        } else {
            spelling.push("0.");
            spelling.push(&"00000"[..point.unsigned_abs()]);
            spelling.push(digits);
        }
        spelling
    }

    fn push_split(&mut self, digits: &str, point: usize) {
        let (before, behind) = digits.split_at(point);
        self.push(before);
        if !behind.is_empty() {
            self.push(".");
            self.push(behind);
        }
    }

    fn push(&mut self, text: &str) {
        self.bytes[self.length..][..text.len()].copy_from_slice(text.as_bytes());
        self.length += text.len();
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).expect("only ASCII is pushed")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_spelled_as_python_spells_them() {
        let longest = "-".to_owned() + &"9".repeat(77);
        let cases = [
            ("15", 0, "15"),
            ("-15", 1, "-1.5"),
            ("1500", 2, "15.00"),
            ("0", 2, "0.00"),
            ("5", 3, "0.005"),
            ("1", 6, "0.000001"),
            ("1", 7, "1E-7"),
            ("-12", 8, "-1.2E-7"),
            ("0", 7, "0E-7"),
            ("0", 6, "0.000000"),
            ("1", -3, "1E+3"),
            ("15", -3, "1.5E+4"),
            ("0", -3, "0E+3"),
            ("12345678901234567890", 10, "1234567890.1234567890"),
            (&longest, 77, &format!("-0.{}", &longest[1..])),
            (&longest, 82, &format!("-0.00000{}", &longest[1..])),
            (&longest, 127, &format!("-9.{}E-51", &longest[2..])),
            (&longest, -128, &format!("-9.{}E+204", &longest[2..])),
        ];
        for (digits, scale, expected) in cases {
            assert_eq!(Spelling::of(digits, scale).as_str(), expected);
        }
    }
}
