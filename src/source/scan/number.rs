//! Where a number ends.

use super::SyntaxError;

/// The length of a number without exponent that a block begins with. None where it may be something else, or longer.
///
/// All bytes are looked at together: how long a number is can't be foreseen, so each pass of a loop over them costs as
/// much as all of this.
#[inline(always)]
pub(super) fn plain_length(block: &[u8; 16]) -> Option<usize> {
    const ONES: u128 = u128::MAX / 255;
    const HIGH: u128 = ONES << 7;
    let bytes = u128::from_le_bytes(*block);
    // The high bit of each ASCII byte that is not below this one. A byte that is not ASCII may spoil those behind it.
    let from = |byte: u8| bytes.wrapping_add(ONES * u128::from(0x80 - byte));
    // Of the bytes from '-' to '9' only '/' is not part of a number.
    let others = !(from(b'-') & !from(b'9' + 1) & !bytes) & HIGH;
    let length = others.trailing_zeros() as usize / 8;
    let minus = usize::from(block[0] == b'-');
    let inside = (others & others.wrapping_neg()).wrapping_sub(1);
    // The high bits of the bytes of the number that are no digits, but for its sign.
    let points = !from(b'0') & HIGH & inside & !(0x80 * minus as u128);
    let point = if points == 0 { length } else { points.trailing_zeros() as usize / 8 };
    let is_number = length < 16
        && point > minus
        && point + 1 != length
        && points & points.wrapping_sub(1) == 0
        && (points == 0 || block[point] == b'.')
        && (block[minus] != b'0' || point == minus + 1)
        && block[length] | 0x20 != b'e';
    is_number.then_some(length)
}

/// Where a number ends that begins at `at`: any number, one byte after another.
#[inline(never)]
pub(super) fn end(bytes: &[u8], mut at: usize) -> Result<usize, SyntaxError> {
    at += usize::from(bytes.get(at) == Some(&b'-'));
    at = if bytes.get(at) == Some(&b'0') { at + 1 } else { end_of_digits(bytes, at)? };
    if bytes.get(at) == Some(&b'.') {
        at = end_of_digits(bytes, at + 1)?;
    }
    if let Some(b'e' | b'E') = bytes.get(at) {
        let has_sign = matches!(bytes.get(at + 1), Some(b'+' | b'-'));
        at = end_of_digits(bytes, at + 1 + usize::from(has_sign))?;
    }
    Ok(at)
}

fn end_of_digits(bytes: &[u8], at: usize) -> Result<usize, SyntaxError> {
    let digits = bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 { Err(SyntaxError { at, wanted: "a digit" }) } else { Ok(at + digits) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A block is read as one byte after another is; true where that was done all at once.
    fn agrees(text: &[u8]) -> bool {
        let mut block = [b' '; 16];
        let length = text.len().min(16);
        block[..length].copy_from_slice(&text[..length]);
        let plain = plain_length(&block);
        if let Some(length) = plain {
            assert_eq!(Ok(length), end(text, 0), "{}", text.escape_ascii());
        }
        plain.is_some()
    }

    #[test]
    fn every_short_text_of_the_bytes_that_matter_is_read_as_one_byte_after_another() {
        const BYTES: &[u8] = b"-0.19e+,}/:\xb0";
        for number in 0..BYTES.len().pow(5) {
            let text: Vec<u8> = (0..5).map(|place| BYTES[number / BYTES.len().pow(place) % BYTES.len()]).collect();
            agrees(&text);
        }
    }

    #[test]
    fn a_number_of_any_length_before_any_byte_is_read_as_one_byte_after_another() {
        for (sign, point, digits) in
            (0..2).flat_map(|sign| (0..18).flat_map(move |p| (1..18).map(move |d| (sign, p, d))))
        {
            let mut text = [&b"-"[..sign], &b"12345678901234567"[..digits]].concat();
            if (1..digits).contains(&point) {
                text.insert(sign + point, b'.');
            }
            let length = text.len();
            text.push(0);
            for behind in 0..=255 {
                text[length] = behind;
                let at_once = agrees(&text);
                if b",}] \n\r\t".contains(&behind) {
                    assert_eq!(at_once, length < 16, "{}", text.escape_ascii());
                }
            }
        }
    }

    #[test]
    fn a_byte_that_belongs_nowhere_is_seen_at_any_place() {
        for place in 0..16 {
            for byte in 0..=255 {
                let mut text = *b"1234567890123456,";
                text[place] = byte;
                agrees(&text);
            }
        }
    }
}
