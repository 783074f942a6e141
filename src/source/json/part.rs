//! A part of a JSON text, which is read on its own.

use memchr::{memchr_iter, memrchr, memrchr2};

use super::broken::count_characters;
use crate::steps;

/// Where a part starts in its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// Bytes of the text before it.
    pub offset: usize,
    /// The number of its first line, counted from 1.
    pub line: usize,
    /// Characters of that line before it.
    pub column: usize,
    /// Bytes before it since the last LF or CR.
    pub row: usize,
    /// Whether it starts within an array, after a comma.
    pub in_array: bool,
}

impl Start {
    /// The start of a text.
    pub const TEXT: Start = Start { offset: 0, line: 1, column: 0, row: 0, in_array: false };

    /// The place after some text that starts here.
    pub fn after(self, text: &[u8], in_array: bool) -> Start {
        steps::count(text.len());
        let lines = memchr_iter(b'\n', text).count();
        let (column, line) = match memrchr(b'\n', text) {
            Some(last) => (0, &text[last + 1..]),
            None => (self.column, text),
        };
        let row = memrchr2(b'\n', b'\r', text).map_or(self.row + text.len(), |last| text.len() - last - 1);
        Start {
            offset: self.offset + text.len(),
            line: self.line + lines,
            column: column + count_characters(line),
            row,
            in_array,
        }
    }
}

/// Some whole records of a text; or the first bytes of a record that is too long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its bytes.
    pub text: Vec<u8>,
    /// Where it starts.
    pub start: Start,
    /// Whether more of the text follows: then an array may be open at its end.
    pub continues: bool,
    /// Bytes after `text` that were left out, because the record that starts with `text` is too long.
    pub dropped: usize,
}

/// Where a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The number of its first line in the whole text, counted from 1.
    pub line: usize,
    /// Its first byte in the part.
    pub begin: usize,
    /// The end of it in the part.
    pub end: usize,
}

impl Part {
    /// The byte of the text where the next part starts.
    pub fn end(&self) -> usize {
        self.start.offset + self.text.len() + self.dropped
    }
}
