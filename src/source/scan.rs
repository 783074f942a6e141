//! The tokens of JSON text, strictly by RFC 8259.

use crate::quoted::ordinary_prefix;

/// Where a text stops being JSON, and what was wanted there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// Offset of the byte.
    pub at: usize,
    /// What was wanted, as in `a value`.
    pub wanted: &'static str,
}

/// A position in JSON text that moves on token by token.
#[derive(Clone, Copy)]
pub struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    /// Whether the words NaN, Infinity and -Infinity are values too.
    lenient: bool,
}

/// The inside of a JSON string.
pub struct RawString<'a> {
    /// The text between the quotes, as it is spelled.
    pub inside: &'a str,
    /// Whether there is a backslash among them.
    pub escaped: bool,
}

impl<'a> Scanner<'a> {
    /// A scanner at the offset `at` of `text`.
    pub fn new(text: &'a str, at: usize) -> Scanner<'a> {
        Scanner { text, bytes: text.as_bytes(), at, lenient: false }
    }

    /// One that also reads what Python's json writes and JSON does not have: NaN, Infinity and -Infinity.
    pub fn lenient(text: &'a str, at: usize) -> Scanner<'a> {
        Scanner { lenient: true, ..Scanner::new(text, at) }
    }

    /// The offset that it stands at.
    pub fn at(&self) -> usize {
        self.at
    }

    /// The error that something else was wanted here.
    pub fn wanted(&self, wanted: &'static str) -> SyntaxError {
        SyntaxError { at: self.at, wanted }
    }

    /// The next byte that isn't whitespace, which is not consumed.
    #[inline]
    pub fn peek(&mut self) -> Option<u8> {
        while let Some(&byte) = self.bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(byte);
            }
            self.at += 1;
        }
        None
    }

    /// Consumes the byte if it comes next.
    #[inline]
    pub fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Consumes the byte, which must come next.
    #[inline]
    pub fn expect(&mut self, byte: u8, wanted: &'static str) -> Result<(), SyntaxError> {
        if self.take(byte) { Ok(()) } else { Err(self.wanted(wanted)) }
    }

    /// Consumes `true`, `false` or `null`.
    pub fn word(&mut self, word: &'static str) -> Result<(), SyntaxError> {
        if !self.is_at(word) {
            return Err(self.wanted("a value"));
        }
        self.at += word.len();
        Ok(())
    }

    /// Whether this comes next.
    pub fn is_at(&self, word: &str) -> bool {
        self.bytes[self.at..].starts_with(word.as_bytes())
    }

    /// The word for a float that is no number, if one comes next and such are read; it is not consumed.
    pub fn not_a_number(&self) -> Result<(&'static str, f64), SyntaxError> {
        const WORDS: [(&str, f64); 3] =
            [("NaN", f64::NAN), ("Infinity", f64::INFINITY), ("-Infinity", f64::NEG_INFINITY)];
        let found = WORDS.into_iter().find(|(word, _)| self.lenient && self.is_at(word));
        found.ok_or(self.wanted("a value"))
    }

    /// Consumes a string, quotes included.
    #[inline]
    pub fn string(&mut self, wanted: &'static str) -> Result<RawString<'a>, SyntaxError> {
        self.expect(b'"', wanted)?;
        let start = self.at;
        let mut escaped = false;
        loop {
            self.at += ordinary_prefix(&self.bytes[self.at..]);
            match self.bytes.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    // Quotes are ASCII, so both ends are between characters.
                    return Ok(RawString { inside: &self.text[start..self.at - 1], escaped });
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(_) => return Err(self.wanted("an escape such as \\n instead of a control character")),
                None => return Err(self.wanted("the closing quote of a string")),
            }
        }
    }

    fn escape(&mut self) -> Result<(), SyntaxError> {
        self.at += 1;
        match self.bytes.get(self.at) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                self.at += 1;
                for _ in 0..4 {
                    if !self.bytes.get(self.at).is_some_and(u8::is_ascii_hexdigit) {
                        return Err(self.wanted("four hexadecimal digits after \\u"));
                    }
                    self.at += 1;
                }
            }
            _ => return Err(self.wanted("one of \" \\ / b f n r t u after a backslash")),
        }
        Ok(())
    }

    /// Consumes a number and gives its spelling.
    #[inline]
    pub fn number(&mut self) -> Result<&'a str, SyntaxError> {
        let start = self.at;
        self.at += usize::from(self.bytes.get(self.at) == Some(&b'-'));
        if self.bytes.get(self.at) == Some(&b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.bytes.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.bytes.get(self.at), Some(b'+' | b'-')));
            self.digits()?;
        }
        Ok(&self.text[start..self.at])
    }

    #[inline]
    fn digits(&mut self) -> Result<(), SyntaxError> {
        let start = self.at;
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        if self.at == start { Err(self.wanted("a digit")) } else { Ok(()) }
    }

    /// Passes over a value of any depth: what is open is remembered in a list, not on the stack.
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
                Some(b'0'..=b'9') => self.number().map(|_| ())?,
                Some(b'-') if self.not_a_number().is_err() => self.number().map(|_| ())?,
                Some(b't') => self.word("true")?,
                Some(b'f') => self.word("false")?,
                Some(b'n') => self.word("null")?,
                _ => self.word(self.not_a_number()?.0)?,
            }
            if !self.skip_ends(&mut open)? {
                return Ok(());
            }
        }
    }

    /// Passes over the ends of containers up to the next value. False: there is none.
    fn skip_ends(&mut self, open: &mut Vec<u8>) -> Result<bool, SyntaxError> {
        while let Some(&close) = open.last() {
            if self.take(b',') {
                self.skip_name(close)?;
                return Ok(true);
            }
            self.expect(close, "a comma or the end of the object or array")?;
            open.pop();
        }
        Ok(false)
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

/// Whether a text is the JSON of one object or array.
pub fn is_object_or_array(text: &str) -> bool {
    let mut scanner = Scanner::new(text, 0);
    matches!(scanner.peek(), Some(b'{' | b'[')) && scanner.skip_value().is_ok() && scanner.peek().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_and_arrays_are_told_from_what_only_looks_like_them() {
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
    fn any_depth_is_passed_over() {
        let depth = 1_000_000;
        let text = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(is_object_or_array(&text));
    }

    #[test]
    fn words_for_no_number_are_read_where_asked_for() {
        let text = "[NaN,-Infinity,{\"a\":Infinity},-1]";
        assert!(Scanner::lenient(text, 0).skip_value().is_ok());
        assert!(!is_object_or_array(text));
    }

    #[test]
    fn an_error_says_where() {
        let mut scanner = Scanner::new("{\"a\": 1, \"b\": x}", 0);
        assert_eq!(scanner.skip_value(), Err(SyntaxError { at: 14, wanted: "a value" }));
    }
}
