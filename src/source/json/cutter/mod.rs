//! Cut a JSON text into parts where no record is split, at the speed of memory.
//!
//! In a text of one record a line a part ends after a newline. In any other text strings are skipped and brackets counted:
//! a part ends after a bracket that closes a record, after the newline behind it, or after a comma of the outermost array.
//! Each byte is looked at once, also when a record is longer than what was read so far.
//!
//! Broken text may never end a record by its brackets. Once a quarter of the longest record is held, a part then ends
//! before the last row that starts with a brace indented no deeper than the first record: there the reader, too, goes on
//! after a broken record. If there is no such row the record is too long: it is skipped to its end, and its first bytes
//! become a part.

use memchr::{memchr, memrchr, memrchr2};

use super::part::{Part, Start};
use crate::steps;
use crate::vectors::baseline::ordinary_prefix;

/// Bytes that are kept of a record that is too long.
const KEPT: usize = 1000;

/// How the records of a text are separated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// One record on each line.
    Lines,
    /// An array of records, or records one after another, each on one line or several.
    Values,
}

/// Cuts a text that comes in pieces of any size.
pub struct Cutter {
    layout: Layout,
    /// Bytes of the longest record that is read.
    longest: usize,
    /// The text that is not in a part yet.
    held: Vec<u8>,
    start: Start,
    scan: Scan,
    /// Bytes that were held when a row was last looked for in vain.
    searched: usize,
    /// The last place in `held` where a part may end, and whether it is within an array.
    end: Option<(usize, bool)>,
    /// The start and the first bytes of a record that is too long, while the rest of it is skipped.
    skipped: Option<(Start, Vec<u8>)>,
    /// A record that was skipped to its end.
    too_long: Option<Part>,
}

/// What is open at the end of the text that was scanned.
#[derive(Clone, Copy, Default)]
struct Scan {
    /// Containers of the record.
    depth: usize,
    in_array: bool,
    in_string: bool,
    escaped: bool,
}

impl Cutter {
    /// A cutter at the start of a text.
    pub fn new(layout: Layout, longest: usize) -> Cutter {
        let (start, scan) = (Start::TEXT, Scan::default());
        let (held, searched, end) = (Vec::new(), 0, None);
        Cutter { layout, longest, held, start, scan, searched, end, skipped: None, too_long: None }
    }

    /// A cutter of lines that starts at a byte and a line of the text, both at the start of a line.
    pub fn at(longest: usize, offset: usize, line: usize) -> Cutter {
        let mut cutter = Cutter::new(Layout::Lines, longest);
        cutter.start = Start { offset, line, ..Start::TEXT };
        cutter
    }

    /// Bytes that were pushed and are in no part yet.
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// Takes more of the text.
    pub fn push(&mut self, mut text: &[u8]) {
        if self.skipped.is_some() {
            text = &text[self.skip(text)..];
        }
        let from = self.held.len();
        self.held.extend_from_slice(text);
        self.find_end(from);
    }

    /// The records up to the last one that ended; None if more text is needed.
    pub fn cut(&mut self) -> Option<Part> {
        if self.too_long.is_some() {
            return self.too_long.take();
        }
        if self.end.is_none() && self.layout == Layout::Values && self.held.len() >= self.next_search() {
            self.searched = self.held.len();
            self.end_before_row();
        }
        if let Some((end, in_array)) = self.end.take() {
            return Some(self.part(end, in_array, true));
        }
        if self.held.len() > self.longest {
            let mut first = std::mem::take(&mut self.held);
            self.searched = 0;
            let start = self.start;
            self.start = start.after(&first, start.in_array);
            first.truncate(KEPT);
            first.shrink_to_fit();
            self.skipped = Some((start, first));
        }
        None
    }

    /// The rest of the text, at its end.
    pub fn finish(&mut self) -> Option<Part> {
        if self.skipped.is_some() {
            self.end_skip();
        }
        if self.too_long.is_some() {
            return self.too_long.take();
        }
        let is_open = std::mem::take(&mut self.start.in_array);
        if self.held.is_empty() && !is_open {
            return None;
        }
        self.start.in_array = is_open;
        let part = self.part(self.held.len(), false, false);
        Some(part)
    }

    /// Bytes to hold before a row is looked for: twice as many each time, so that the work is linear.
    fn next_search(&self) -> usize {
        (self.longest / 4).max(2 * self.searched)
    }

    /// Takes the first bytes of what is held.
    fn part(&mut self, end: usize, in_array: bool, continues: bool) -> Part {
        self.searched = 0;
        let rest = self.held.split_off(end);
        let text = std::mem::replace(&mut self.held, rest);
        let start = self.start;
        self.start = start.after(&text, in_array);
        Part { text, start, continues, dropped: 0 }
    }

    /// Scans what is held from a position on.
    fn find_end(&mut self, from: usize) {
        let text = &self.held[from..];
        let found = match self.layout {
            Layout::Lines => {
                steps::count(text.len());
                memrchr(b'\n', text).map(|newline| (newline + 1, false))
            }
            Layout::Values => self.scan.last_end(text),
        };
        if let Some((end, in_array)) = found {
            self.end = Some((from + end, in_array));
        }
    }

    /// Ends the part before the last row that looks like the start of another record.
    fn end_before_row(&mut self) {
        let Some(first) = memchr(b'{', &self.held) else { return };
        let indent = memrchr2(b'\n', b'\r', &self.held[..first]).map_or(self.start.row + first, |end| first - end - 1);
        let mut before = self.held.len();
        while let Some(end) = memrchr2(b'\n', b'\r', &self.held[first..before]) {
            let row = first + end + 1;
            let blanks = self.held[row..].iter().take_while(|byte| b" \t".contains(byte)).count();
            steps::count(before - row + 1);
            if self.held.get(row + blanks) == Some(&b'{') && blanks <= indent {
                self.end = Some((row + blanks, self.scan.in_array));
                self.scan = Scan { in_array: self.scan.in_array, ..Scan::default() };
                let rest = self.held[row + blanks..].to_vec();
                if let Some((later, in_array)) = self.scan.last_end(&rest) {
                    self.end = Some((row + blanks + later, in_array));
                }
                return;
            }
            before = row - 1;
        }
    }

    /// Skips text of a record that is too long. Returns how much.
    fn skip(&mut self, text: &[u8]) -> usize {
        let found = match self.layout {
            Layout::Lines => {
                let newline = memchr(b'\n', text);
                steps::count(newline.unwrap_or(text.len()));
                newline.map(|newline| (newline + 1, false))
            }
            Layout::Values => self.scan.first_end(text),
        };
        let (end, in_array) = found.unwrap_or((text.len(), self.start.in_array));
        self.start = self.start.after(&text[..end], in_array);
        if found.is_some() {
            self.end_skip();
        }
        end
    }

    fn end_skip(&mut self) {
        if let Some((start, text)) = self.skipped.take() {
            let dropped = self.start.offset - start.offset - text.len();
            self.too_long = Some(Part { text, start, continues: true, dropped });
        }
    }
}

impl Scan {
    /// The last place in a text where a part may end, and whether it is within an array.
    fn last_end(&mut self, text: &[u8]) -> Option<(usize, bool)> {
        let (mut at, mut last) = (0, None);
        while let Some((end, in_array)) = self.next_end(text, at) {
            (at, last) = (end, Some((end, in_array)));
        }
        last
    }

    fn first_end(&mut self, text: &[u8]) -> Option<(usize, bool)> {
        self.next_end(text, 0)
    }

    /// The next place at or after `at` where a part may end.
    #[inline(always)]
    fn next_end(&mut self, text: &[u8], mut at: usize) -> Option<(usize, bool)> {
        let mut depth = self.depth;
        if self.in_string {
            at = self.pass_string(text, at);
        }
        while let Some(&byte) = text.get(at) {
            steps::count(1);
            at += 1;
            match byte {
                b'"' => {
                    at = self.pass_string(text, at);
                    continue;
                }
                b'{' => depth += 1,
                b'[' if depth > 0 || self.in_array => depth += 1,
                b'[' => self.in_array = true,
                b'}' | b']' if depth > 1 => depth -= 1,
                b'}' | b']' if depth == 1 => {
                    depth = 0;
                    if !self.in_array {
                        self.depth = depth;
                        return Some((at, false));
                    }
                }
                b']' if self.in_array => {
                    self.in_array = false;
                    self.depth = depth;
                    return Some((at, false));
                }
                b',' if depth == 0 && self.in_array => {
                    self.depth = depth;
                    return Some((at, true));
                }
                b'\n' if depth == 0 && !self.in_array => {
                    self.depth = depth;
                    return Some((at, false));
                }
                _ => {}
            }
        }
        self.depth = depth;
        None
    }

    /// The end of a string that is open at `at`, or of the text. A raw newline ends a string, too: no string contains one.
    #[inline(always)]
    fn pass_string(&mut self, text: &[u8], mut at: usize) -> usize {
        self.in_string = true;
        if self.escaped && at < text.len() {
            self.escaped = false;
            at += usize::from(!matches!(text[at], b'\n' | b'\r'));
        }
        loop {
            let ordinary = ordinary_prefix(&text[at..]);
            steps::count(1 + ordinary);
            at += ordinary;
            match text.get(at) {
                None => return at,
                Some(b'"') => {
                    self.in_string = false;
                    return at + 1;
                }
                Some(b'\n' | b'\r') => {
                    self.in_string = false;
                    return at;
                }
                Some(b'\\') if at + 1 == text.len() => {
                    self.escaped = true;
                    return at + 1;
                }
                Some(b'\\') => at += 1 + usize::from(!matches!(text[at + 1], b'\n' | b'\r')),
                Some(_) => at += 1,
            }
        }
    }
}

#[cfg(test)]
mod tests;
