//! Write values as compact JSON, spelled as orjson spells it.

mod moment;
mod number;

use crate::vectors::Vectors;
use crate::vectors::baseline::{append_quoted, append_verbatim, append_word};
use crate::vectors::escape::append_escaped;

pub use moment::Moment;
pub(crate) use moment::MomentText;
pub(crate) use number::{
    is_beyond_double, may_be_beyond_double, write_decimal, write_float, write_integer, write_other_float,
};

/// Appends text as a JSON string, quotes included.
#[inline]
#[doc(hidden)]
pub fn write_string(out: &mut Vec<u8>, text: &str) {
    write_quoted(out, text, *b"\"");
}

/// Appends text as a JSON string, with the given instructions.
#[inline(always)]
pub(crate) fn write_string_with(out: &mut Vec<u8>, text: &str, vectors: impl Vectors) {
    if !vectors.append_quoted(out, text.as_bytes(), *b"\"") {
        vectors.append_escaped(out, text.as_bytes());
    }
}

/// Appends text as the name of a member: a JSON string and a colon.
#[inline]
#[doc(hidden)]
pub fn write_name(out: &mut Vec<u8>, name: &str) {
    write_quoted(out, name, *b"\":");
}

/// Appends `true` or `false`, without a branch: which one it is can often not be predicted.
#[inline(always)]
pub(crate) fn write_boolean(out: &mut Vec<u8>, value: bool) {
    let (word, length) = if value { (b"true\0\0\0\0", 4) } else { (b"false\0\0\0", 5) };
    append_word(out, word, length);
}

/// Appends a JSON string by its valid spelling, which is between the quotes.
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

/// Appends a quote, the text and `end`, which starts with the closing quote.
#[inline(always)]
fn write_quoted<const END: usize>(out: &mut Vec<u8>, text: &str, end: [u8; END]) {
    if !append_quoted(out, text.as_bytes(), end) {
        append_escaped(out, text.as_bytes(), &end);
    }
}

/// A character at a time, for the tests.
#[cfg(test)]
pub(crate) mod naive {
    /// The text as a JSON string.
    pub(crate) fn quoted(text: &str) -> String {
        let escaped = |next: char| match next {
            '"' | '\\' => format!("\\{next}"),
            '\u{8}' => "\\b".to_owned(),
            '\t' => "\\t".to_owned(),
            '\n' => "\\n".to_owned(),
            '\u{c}' => "\\f".to_owned(),
            '\r' => "\\r".to_owned(),
            '\0'..' ' => format!("\\u{:04x}", u32::from(next)),
            _ => next.to_string(),
        };
        format!("\"{}\"", text.chars().map(escaped).collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::{string_at, unescape};

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
}
