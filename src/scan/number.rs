//! Find the end of a number.

use super::syntax_error::SyntaxError;

/// The length of a usual number at the start of a text: short and without exponent. None if it may be another number.
///
/// Examines all bytes at once: a loop over them would mispredict its end, which costs as much as all of this. Sixteen bytes
/// take twice the instructions of eight, which are usually enough.
#[inline(always)]
pub(super) fn plain_length(text: &[u8]) -> Option<usize> {
    let block = text.first_chunk::<16>()?;
    match plain_length_in_8(text.first_chunk()?) {
        None => plain_length_in_16(block),
        short => short,
    }
}

macro_rules! plain_length_in_block {
    ($name:ident, $word:ty, $size:literal) => {
        /// The length of a number without exponent that ends within the block.
        #[inline(always)]
        fn $name(block: &[u8; $size]) -> Option<usize> {
            const ONES: $word = <$word>::MAX / 255;
            const HIGH: $word = ONES << 7;
            let bytes = <$word>::from_le_bytes(*block);
            // The high bit of each ASCII byte >= `byte`. A byte that is not ASCII may change the bytes after it.
            let from = |byte: u8| bytes.wrapping_add(ONES * <$word>::from(0x80 - byte));
            // Of the bytes from '-' to '9', only '/' is not part of a number.
            let others = !(from(b'-') & !from(b'9' + 1) & !bytes) & HIGH;
            let length = others.trailing_zeros() as usize / 8;
            let inside = (others & others.wrapping_neg()).wrapping_sub(1);
            // The high bits of the bytes of the number that are not digits, without its sign.
            let minus = usize::from(block[0] == b'-');
            let points = !from(b'0') & HIGH & inside & !(0x80 * minus as $word);
            let point = if points == 0 { length } else { points.trailing_zeros() as usize / 8 };
            let is_number = length < $size
                && point > minus
                && point + 1 != length
                && points & points.wrapping_sub(1) == 0
                && (points == 0 || block[point] == b'.')
                && (block[minus] != b'0' || point == minus + 1)
                && block[length] | 0x20 != b'e';
            is_number.then_some(length)
        }
    };
}

plain_length_in_block!(plain_length_in_8, u64, 8);
plain_length_in_block!(plain_length_in_16, u128, 16);

/// The end of any number at `at`, byte by byte.
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

    /// Asserts that a text is read as it is byte by byte; returns whether it was read at once.
    fn agrees(text: &[u8]) -> bool {
        let text = [text, &[b' '; 16]].concat();
        let blocks = [plain_length_in_8(text.first_chunk().unwrap()), plain_length_in_16(text.first_chunk().unwrap())];
        for length in blocks.into_iter().flatten() {
            assert_eq!(Ok(length), end(&text, 0), "{}", text.escape_ascii());
        }
        assert_eq!(plain_length(&text), blocks[1]);
        assert!(plain_length(&text[..15]).is_none(), "there is no block");
        blocks[1].is_some()
    }

    #[test]
    fn every_short_text_of_relevant_bytes_is_read_as_byte_by_byte() {
        const BYTES: &[u8] = b"-0.19e+,}/:\xb0";
        for number in 0..BYTES.len().pow(5) {
            let text: Vec<u8> = (0..5).map(|place| BYTES[number / BYTES.len().pow(place) % BYTES.len()]).collect();
            agrees(&text);
        }
    }

    #[test]
    fn a_number_of_any_length_before_any_byte_is_read_as_byte_by_byte() {
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
    fn any_byte_at_any_place_is_read_as_byte_by_byte() {
        for place in 0..16 {
            for byte in 0..=255 {
                let mut text = *b"1234567890123456,";
                text[place] = byte;
                agrees(&text);
            }
        }
    }
}
