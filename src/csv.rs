//! Find the records and the fields of CSV text.
//!
//! A quote opens a quoted field only at the field's start. Within it `""` is a quote, and everything else is text, line
//! ends and delimiters included. Behind the closing quote, and in a field that does not start with a quote, a quote is an
//! ordinary byte: `5" pipe` is a field. A line ends with LF, CR or both. An empty line is not a record.
//!
//! Arrow's reader and Python's `csv` have the same rules, so that the three agree on the number of a record.

use std::borrow::Cow;

use memchr::{memchr, memchr2, memchr3};

use crate::steps;

/// A record of CSV text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// Offset of its first byte.
    pub start: usize,
    /// Offset behind its last byte, without the end of the line.
    pub end: usize,
    /// Offset behind the end of its line.
    pub next: usize,
    /// Number of its first line, from 0.
    pub line: usize,
    /// Number of the line at `next`.
    pub next_line: usize,
    /// Offset of the quote that opens its last field, if that field is never closed.
    pub open: Option<usize>,
}

/// The records of CSV text, in order.
pub struct Records<'a> {
    text: &'a [u8],
    delimiter: u8,
    at: usize,
    line: usize,
}

impl<'a> Records<'a> {
    /// The records of `text`, which starts at the start of a record.
    pub fn new(text: &'a [u8], delimiter: u8) -> Records<'a> {
        Records { text, delimiter, at: 0, line: 0 }
    }

    /// Passes the end of a line, if there is one.
    fn pass_line_end(&mut self) -> bool {
        let length = line_end(&self.text[self.at..]);
        self.at += length;
        self.line += usize::from(length > 0);
        length > 0
    }

    /// Passes a quoted field. The opening quote is at `quote`.
    fn pass_quoted(&mut self, quote: usize) -> Option<usize> {
        let inside = quote + 1;
        let close = closing_quote(&self.text[inside..]);
        let end = close.map_or(self.text.len(), |length| inside + length);
        self.line += count_lines(&self.text[inside..end]);
        self.at = self.text.len().min(end + 1);
        if close.is_none() { Some(quote) } else { None }
    }
}

impl Iterator for Records<'_> {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        while self.pass_line_end() {}
        let (start, line) = (self.at, self.line);
        if start == self.text.len() {
            return None;
        }
        let (mut open, mut end) = (None, self.text.len());
        while let Some(length) = memchr3(b'"', b'\n', b'\r', &self.text[self.at..]) {
            steps::count(length + 1);
            let found = self.at + length;
            if self.text[found] != b'"' {
                (self.at, end) = (found, found);
                break;
            }
            if found == start || self.text[found - 1] == self.delimiter {
                open = self.pass_quoted(found);
            } else {
                self.at = found + 1;
            }
        }
        if end == self.text.len() {
            self.at = end;
        }
        self.pass_line_end();
        Some(Record { start, end, next: self.at, line, next_line: self.line, open })
    }
}

/// The records at the start of a text that more text may follow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Whole {
    /// Offset behind the last record that is whole.
    pub end: usize,
    /// Number of the line at `end`, from 0.
    pub lines: usize,
    /// Number of the records.
    pub records: usize,
    /// Offset of the quote of a field that is not closed.
    pub open: Option<usize>,
}

/// Finds the records that are whole. A CR that is the last byte does not end one: LF may follow.
pub fn whole(text: &[u8], delimiter: u8) -> Whole {
    let mut whole = Whole::default();
    for record in Records::new(text, delimiter) {
        let ends = record.next > record.end && (record.next < text.len() || text.ends_with(b"\n"));
        if !ends {
            whole.open = record.open;
            break;
        }
        (whole.end, whole.lines) = (record.next, record.next_line);
        whole.records += 1;
    }
    whole
}

/// The fields of a record, which is given without the end of its line.
pub fn fields(record: &[u8], delimiter: u8) -> Vec<Cow<'_, [u8]>> {
    let mut fields = Vec::new();
    let mut at = 0;
    loop {
        let (field, length) = field(&record[at..], delimiter);
        fields.push(field);
        at += length;
        if at == record.len() {
            return fields;
        }
        at += 1;
    }
}

/// The first field of a text, and its length as it is spelled.
fn field(text: &[u8], delimiter: u8) -> (Cow<'_, [u8]>, usize) {
    let Some(inside) = text.strip_prefix(b"\"") else {
        let length = memchr(delimiter, text).unwrap_or(text.len());
        steps::count(length + 1);
        return (Cow::Borrowed(&text[..length]), length);
    };
    let close = closing_quote(inside).unwrap_or(inside.len());
    let behind = inside.get(close + 1..).unwrap_or_default();
    let rest = memchr(delimiter, behind).unwrap_or(behind.len());
    let length = text.len().min(close + 2) + rest;
    (unquoted(&inside[..close], &behind[..rest]), length)
}

/// The text of a quoted field, and what follows its closing quote.
fn unquoted<'a>(inside: &'a [u8], behind: &[u8]) -> Cow<'a, [u8]> {
    if behind.is_empty() && memchr(b'"', inside).is_none() {
        return Cow::Borrowed(inside);
    }
    let (mut text, mut at) = (Vec::with_capacity(inside.len() + behind.len()), 0);
    while let Some(length) = memchr(b'"', &inside[at..]) {
        steps::count(length + 1);
        // The first quote of two, or a last one that nothing follows.
        text.extend_from_slice(&inside[at..=at + length]);
        at = inside.len().min(at + length + 2);
    }
    text.extend_from_slice(&inside[at..]);
    text.extend_from_slice(behind);
    Cow::Owned(text)
}

/// The offset of the quote that closes a quoted field, in the text behind the one that opens it.
fn closing_quote(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let Some(length) = memchr(b'"', text.get(at..)?) else {
            steps::count(text.len() - at);
            return None;
        };
        steps::count(length + 1);
        let quote = at + length;
        if text.get(quote + 1) != Some(&b'"') {
            return Some(quote);
        }
        at = quote + 2;
    }
}

/// The length of the end of a line at the start of a text; 0 if there is none.
fn line_end(text: &[u8]) -> usize {
    match text {
        [b'\r', b'\n', ..] => 2,
        [b'\r' | b'\n', ..] => 1,
        _ => 0,
    }
}

fn count_lines(text: &[u8]) -> usize {
    let (mut lines, mut at) = (0, 0);
    while let Some(length) = memchr2(b'\n', b'\r', &text[at..]) {
        steps::count(length + 1);
        at += length;
        at += line_end(&text[at..]);
        lines += 1;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(text: &str) -> Vec<(&str, usize)> {
        Records::new(text.as_bytes(), b',').map(|record| (&text[record.start..record.end], record.line)).collect()
    }

    fn fields_of(record: &str) -> Vec<String> {
        let fields = fields(record.as_bytes(), b',');
        fields.iter().map(|field| String::from_utf8_lossy(field).into_owned()).collect()
    }

    #[test]
    fn a_line_is_a_record_whatever_ends_it() {
        assert_eq!(spans("a,b\n\n\r\nc\r\rd\r\ne"), [("a,b", 0), ("c", 3), ("d", 5), ("e", 6)]);
    }

    #[test]
    fn a_quoted_field_has_lines() {
        assert_eq!(spans("1,\"a\nb\"\"\r\n\",2\n3"), [("1,\"a\nb\"\"\r\n\",2", 0), ("3", 3)]);
    }

    #[test]
    fn a_quote_within_a_field_is_a_byte() {
        assert_eq!(spans("5\" pipe,\"x\"y\"\n2"), [("5\" pipe,\"x\"y\"", 0), ("2", 1)]);
    }

    #[test]
    fn fields_are_unquoted() {
        assert_eq!(fields_of("a,,\"b,\"\"c\"\"\",\"d\"e\",f\"g,\"\""), ["a", "", "b,\"c\"", "de\"", "f\"g", ""]);
        assert_eq!(fields_of("\"open,a"), ["open,a"]);
        assert_eq!(fields_of("\""), [""]);
        assert_eq!(fields_of(","), ["", ""]);
    }

    #[test]
    fn twice_the_text_takes_at_most_two_and_a_half_times_the_steps() {
        let read = |part: &str, start: &str, parts: usize| {
            let text = format!("{start}{}", part.repeat(parts)).into_bytes();
            steps::of(|| {
                whole(&text, b',');
                for record in Records::new(&text, b',') {
                    fields(&text[record.start..record.end], b',');
                }
            })
        };
        for start in ["", "\""] {
            for part in
                ["\"", "\"\"", "\"\"\n", "\"\n", "\"\n\"", "\n", "\r", ",", ",\"", "\",", "a", "\"a\"b", "a\"\n,"]
            {
                let (once, twice) = (read(part, start, 1000), read(part, start, 2000));
                assert!(2 * twice <= 5 * once, "{start:?} {part:?}: {once} steps, then {twice}");
            }
        }
    }

    #[test]
    fn whole_records_end_with_a_line() {
        assert_eq!(whole(b"a\nb\nc", b','), Whole { end: 4, lines: 2, records: 2, open: None });
        assert_eq!(whole(b"a\r", b','), Whole::default());
        assert_eq!(whole(b"a\r\n", b','), Whole { end: 3, lines: 1, records: 1, open: None });
        assert_eq!(whole(b"a\n1,\"b\nc", b','), Whole { end: 2, lines: 1, records: 1, open: Some(4) });
    }
}
