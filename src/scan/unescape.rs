//! Read text back out of JSON strings.

/// Text read out of a JSON string.
pub struct Unescaped {
    /// The text.
    pub text: String,
    /// Whether a lone surrogate was replaced by U+FFFD.
    pub repaired: bool,
}

/// The text of the inside of a valid JSON string.
pub fn unescape(inside: &str) -> Unescaped {
    match String::from_utf8(unescape_exactly(inside)) {
        Ok(text) => Unescaped { text, repaired: false },
        Err(error) => Unescaped { text: replace_surrogates(error.as_bytes()), repaired: true },
    }
}

/// The same as WTF-8, in which a lone surrogate is encoded like any code point, so that different strings stay different.
pub(crate) fn unescape_exactly(inside: &str) -> Vec<u8> {
    crate::steps::count(inside.len());
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
            other => other, // a quote, a backslash or a slash
        });
    }
    text.extend_from_slice(rest.as_bytes());
    text
}

/// Appends the code point of the hex digits, which may be a pair of escapes; returns the rest.
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
    crate::steps::count(bytes.len());
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        // A surrogate has three bytes, ED A0..BF 80..BF, each of them a separate chunk.
        if chunk.invalid().first() == Some(&0xED) {
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
    text
}

/// The value of the first four hex digits.
fn code_unit(digits: &str) -> u32 {
    digits.get(..4).and_then(|four| u32::from_str_radix(four, 16).ok()).unwrap_or(0xFFFD)
}

/// The inside of the JSON string whose quote is at `at`, and the position after its closing quote.
pub fn string_at(json: &[u8], at: usize) -> (&str, usize) {
    let mut end = at + 1;
    while json[end] != b'"' {
        end += if json[end] == b'\\' { 2 } else { 1 };
    }
    crate::steps::count(end - at);
    (std::str::from_utf8(&json[at + 1..end]).expect("only UTF-8 is written"), end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn surrogate_escapes_pair_up_or_are_replaced() {
        assert_eq!(unescape("\\ud83d\\ude00!").text, "😀!");
        let lone = unescape("a\\ud83dz\\ude00\\ud83d\\u0041");
        assert_eq!((lone.text.as_str(), lone.repaired), ("a\u{fffd}z\u{fffd}\u{fffd}A", true));
    }
}
