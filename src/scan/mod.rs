//! Scan the tokens of JSON text, strictly by RFC 8259.

mod number;
mod syntax_error;
mod unescape;

use crate::steps;
use crate::vectors::baseline::ordinary_prefix;
use crate::vectors::{Baseline, Vectors};

pub use syntax_error::SyntaxError;
pub(crate) use unescape::unescape_exactly;
pub use unescape::{Unescaped, string_at, unescape};

/// A position in JSON text that advances token by token.
#[derive(Clone, Copy)]
pub struct Scanner<'a> {
    text: &'a str,
    at: usize,
    /// Whether NaN, Infinity and -Infinity are values too.
    lenient: bool,
    /// Whether whitespace was skipped.
    passed_whitespace: bool,
}

/// What follows a skipped value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AfterValue {
    /// Another value of the same outermost one.
    Value,
    /// The outermost value is complete.
    End,
}

/// The inside of a JSON string.
pub struct RawString<'a> {
    /// The text between the quotes, as spelled.
    pub inside: &'a str,
    /// Whether it has a backslash.
    pub escaped: bool,
}

impl<'a> Scanner<'a> {
    /// A scanner at the offset `at` of `text`.
    pub fn new(text: &'a str, at: usize) -> Scanner<'a> {
        Scanner { text, at, lenient: false, passed_whitespace: false }
    }

    /// A scanner that also accepts NaN, Infinity and -Infinity, which Python's json writes and JSON does not have.
    pub fn lenient(text: &'a str, at: usize) -> Scanner<'a> {
        Scanner { lenient: true, ..Scanner::new(text, at) }
    }

    #[inline(always)]
    fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    /// Whether whitespace was skipped. If not, there was no newline: JSON has them nowhere else.
    pub fn passed_whitespace(&self) -> bool {
        self.passed_whitespace
    }

    /// The offset of the scanner.
    #[inline(always)]
    pub fn at(&self) -> usize {
        self.at
    }

    /// The error that something else was expected here.
    pub fn wanted(&self, wanted: &'static str) -> SyntaxError {
        SyntaxError { at: self.at, wanted }
    }

    /// The next byte that isn't whitespace, without consuming it.
    #[inline(always)]
    pub fn peek(&mut self) -> Option<u8> {
        steps::count(1);
        match self.bytes().get(self.at) {
            Some(&byte) if byte > b' ' => Some(byte),
            _ => {
                let end = past_whitespace(self.bytes(), self.at);
                self.passed_whitespace |= end > self.at;
                self.at = end;
                self.bytes().get(self.at).copied()
            }
        }
    }

    /// The rest of the text.
    #[inline(always)]
    pub fn rest(&self) -> &'a [u8] {
        &self.bytes()[self.at..]
    }

    /// Consumes bytes, which must be whole characters.
    #[inline(always)]
    pub fn pass(&mut self, bytes: usize) {
        steps::count(bytes);
        self.at += bytes;
    }

    /// Consumes the byte if it comes next.
    #[inline(always)]
    pub fn take(&mut self, byte: u8) -> bool {
        // Usually there is no whitespace before it.
        if !self.comes(byte) && self.peek() != Some(byte) {
            return false;
        }
        self.at += 1;
        true
    }

    /// Consumes the byte, which must come next.
    #[inline(always)]
    pub fn expect(&mut self, byte: u8, wanted: &'static str) -> Result<(), SyntaxError> {
        if self.take(byte) { Ok(()) } else { Err(self.wanted(wanted)) }
    }

    #[inline(always)]
    fn comes(&self, byte: u8) -> bool {
        self.bytes().get(self.at) == Some(&byte)
    }

    /// Consumes a word such as `true`.
    pub fn word(&mut self, word: &'static str) -> Result<(), SyntaxError> {
        if !self.is_at(word) {
            return Err(self.wanted("a value"));
        }
        self.at += word.len();
        Ok(())
    }

    /// Whether this comes next.
    pub fn is_at(&self, word: &str) -> bool {
        self.bytes()[self.at..].starts_with(word.as_bytes())
    }

    /// NaN, Infinity or -Infinity, if one comes next and the scanner accepts them; it is not consumed.
    #[inline(never)]
    pub fn not_a_number(self) -> Result<(&'static str, f64), SyntaxError> {
        const WORDS: [(&str, f64); 3] =
            [("NaN", f64::NAN), ("Infinity", f64::INFINITY), ("-Infinity", f64::NEG_INFINITY)];
        match WORDS.into_iter().find(|(word, _)| self.is_at(word)) {
            Some(found) if self.lenient => Ok(found),
            _ if self.comes(b'-') => Err(SyntaxError { at: self.at + 1, wanted: "a digit" }),
            _ => Err(self.wanted("a value")),
        }
    }

    /// Consumes a string, quotes included.
    #[inline(always)]
    pub fn string(&mut self, wanted: &'static str) -> Result<RawString<'a>, SyntaxError> {
        self.string_with(wanted, Baseline)
    }

    /// Consumes a string, quotes included, with the given instructions.
    #[inline(always)]
    pub fn string_with(&mut self, wanted: &'static str, vectors: impl Vectors) -> Result<RawString<'a>, SyntaxError> {
        self.expect(b'"', wanted)?;
        let start = self.at;
        self.at += vectors.ordinary_prefix(&self.bytes()[start..]);
        steps::count(1 + self.at - start);
        if self.bytes().get(self.at) != Some(&b'"') {
            self.at = self.end_of_escaped()?;
            return Ok(RawString { inside: &self.text[start..self.at - 1], escaped: true });
        }
        self.at += 1;
        // Quotes are ASCII, so both ends are character boundaries.
        Ok(RawString { inside: &self.text[start..self.at - 1], escaped: false })
    }

    /// The end of a string, after its quote; the scanner is at its first escape.
    #[inline(never)]
    fn end_of_escaped(mut self) -> Result<usize, SyntaxError> {
        loop {
            match self.bytes().get(self.at) {
                Some(b'"') => return Ok(self.at + 1),
                Some(b'\\') => self.escape()?,
                Some(_) => return Err(self.wanted("an escape such as \\n instead of a control character")),
                None => return Err(self.wanted("the closing quote of a string")),
            }
            let ordinary = ordinary_prefix(&self.bytes()[self.at..]);
            steps::count(1 + ordinary);
            self.at += ordinary;
        }
    }

    fn escape(&mut self) -> Result<(), SyntaxError> {
        self.at += 1;
        match self.bytes().get(self.at) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                self.at += 1;
                for _ in 0..4 {
                    if !self.bytes().get(self.at).is_some_and(u8::is_ascii_hexdigit) {
                        return Err(self.wanted("four hexadecimal digits after \\u"));
                    }
                    self.at += 1;
                }
            }
            _ => return Err(self.wanted("one of \" \\ / b f n r t u after a backslash")),
        }
        Ok(())
    }

    /// Consumes a number and returns its spelling.
    #[inline(always)]
    pub fn number(&mut self) -> Result<&'a str, SyntaxError> {
        let start = self.at;
        self.at = match number::plain_length(&self.bytes()[start..]) {
            Some(length) => start + length,
            None => number::end(self.bytes(), start)?,
        };
        steps::count(self.at - start);
        Ok(&self.text[start..self.at])
    }

    /// Whether a digit comes next, or a minus and a digit.
    #[inline(always)]
    pub fn is_at_number(&self) -> bool {
        let digit_at = self.at + usize::from(self.comes(b'-'));
        self.bytes().get(digit_at).is_some_and(u8::is_ascii_digit)
    }

    /// Skips a value of any depth: open containers are kept in a list, not on the stack.
    pub fn skip_value(&mut self) -> Result<(), SyntaxError> {
        let mut open: Vec<u8> = Vec::new();
        loop {
            let begun = self.peek();
            match begun {
                Some(b'{' | b'[') => {
                    self.at += 1;
                    let close = if begun == Some(b'{') { b'}' } else { b']' };
                    if !self.take(close) {
                        open.push(close);
                        self.skip_name(close)?;
                        continue;
                    }
                }
                Some(b'"') => self.string("a value").map(|_| ())?,
                Some(b'-'..=b'9') if self.is_at_number() => self.number().map(|_| ())?,
                Some(b't') => self.word("true")?,
                Some(b'f') => self.word("false")?,
                Some(b'n') => self.word("null")?,
                _ => self.word(self.not_a_number()?.0)?,
            }
            if self.skip_ends(&mut open)? == AfterValue::End {
                return Ok(());
            }
        }
    }

    /// Skips the ends of containers up to the next value.
    fn skip_ends(&mut self, open: &mut Vec<u8>) -> Result<AfterValue, SyntaxError> {
        while let Some(&close) = open.last() {
            if self.take(b',') {
                self.skip_name(close)?;
                return Ok(AfterValue::Value);
            }
            self.expect(close, "a comma or the end of the object or array")?;
            open.pop();
        }
        Ok(AfterValue::End)
    }

    fn skip_name(&mut self, close: u8) -> Result<(), SyntaxError> {
        if close == b'}' {
            self.peek();
            self.string("a name in quotes")?;
            self.expect(b':', "a colon")?;
        }
        Ok(())
    }
}

/// The end of the whitespace at `at`.
#[inline(never)]
fn past_whitespace(bytes: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = bytes.get(at) {
        steps::count(1);
        at += 1;
    }
    at
}

/// Whether a text is the JSON of one object or array.
pub fn is_object_or_array(text: &str) -> bool {
    let mut scanner = Scanner::new(text, 0);
    matches!(scanner.peek(), Some(b'{' | b'[')) && scanner.skip_value().is_ok() && scanner.peek().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_valid_objects_and_arrays_are_recognised() {
        for valid in
            ["{}", "[]", " [ ] ", "{\"a\":{\"b\":[1,-0.5e+7,true,false,null,\"\\u00e9\\n\"]},\"c\":[]}", "[[[]],{}]"]
        {
            assert!(is_object_or_array(valid), "{valid}");
        }
        for invalid in [
            "",
            "1",
            "\"{}\"",
            "{",
            "[1,]",
            "[,1]",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{a:1}",
            "[01]",
            "[1.]",
            "[.5]",
            "[1e]",
            "[+1]",
            "[NaN]",
            "[tru]",
            "[\"\\x\"]",
            "[\"\\u12\"]",
            "[\"\n\"]",
            "[\"",
            "[1] 2",
            "[1}",
            "{]",
            "[-]",
        ] {
            assert!(!is_object_or_array(invalid), "{invalid}");
        }
    }

    #[test]
    fn values_of_any_depth_are_skipped() {
        let depth = 1_000_000;
        let text = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(is_object_or_array(&text));
    }

    #[test]
    fn a_lenient_scanner_accepts_nan_and_infinity() {
        let text = "[NaN,-Infinity,{\"a\":Infinity},-1]";
        assert!(Scanner::lenient(text, 0).skip_value().is_ok());
        assert!(!is_object_or_array(text));
    }

    #[test]
    fn an_error_has_the_offset() {
        let mut scanner = Scanner::new("{\"a\": 1, \"b\": x}", 0);
        assert_eq!(scanner.skip_value(), Err(SyntaxError { at: 14, wanted: "a value" }));
        for minus in ["-Infinity", "-", "-x"] {
            assert_eq!(Scanner::new(minus, 0).skip_value(), Err(SyntaxError { at: 1, wanted: "a digit" }));
        }
    }
}
