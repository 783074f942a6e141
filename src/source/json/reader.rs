//! Find the events of a JSON text, and continue after a broken one.
//!
//! The text is read in windows of bytes: each is the rest of the last one and the bytes read since. A part of a window is
//! validated as UTF-8 at a time, so that it is still in the processor's cache when it is walked. An event that does not
//! end within the part is walked again in a larger one.

use std::cell::RefCell;

use memchr::{memchr, memchr_iter, memchr2, memrchr, memrchr2};

use super::broken::{Broken, Known, Pending, Skip, count_characters};
use super::event::{JsonEvent, take_whole};
use super::inside::{Inside, Next, Skipped};
use super::part::{Part, Span, Start};
use super::recovery::{Resume, Rows, Search, object_before, open_at, open_starts};
use super::stop::Stop;
use super::window::{Checked, Window, starts_with_mark};
use crate::steps;

/// Bytes that are validated as UTF-8 at a time; more if an event is longer.
pub(super) const PART: usize = 1 << 16;

/// An error this near to the end of a part may be caused by the end: the longest word, `-Infinity`, has nine bytes.
const LONGEST_WORD: usize = 16;

/// Finds the events of a text.
pub struct JsonReader {
    /// Position in the window.
    at: usize,
    /// Bytes of the text before the window.
    offset: usize,
    /// Number of the line at `at`, counted from 1.
    line: usize,
    /// Characters of that line before `counted`.
    column: usize,
    /// The position in the window up to which the characters of the line were counted.
    counted: usize,
    /// Where the row at `at` starts in the window; negative if it starts before the window. CR ends a row too.
    row_start: isize,
    inside: Inside,
    skip: Option<Skip>,
    /// What is reported after the skip.
    pending: Option<Pending>,
    known: Option<Known>,
    names: RefCell<Vec<u32>>,
    /// The line on which the last event, or broken text, starts, and its place in the window.
    last: (usize, usize),
    /// Whether more text follows the last window: an array that is open there is no error.
    continues: bool,
}

impl JsonReader {
    /// A reader at the start of a text.
    pub fn new() -> JsonReader {
        JsonReader::at(Start::TEXT, false)
    }

    /// A reader of a part.
    pub fn of_part(part: &Part) -> JsonReader {
        JsonReader::at(part.start, part.continues)
    }

    fn at(start: Start, continues: bool) -> JsonReader {
        let Start { offset, line, column, row, in_array } = start;
        let inside = match offset {
            0 => Inside::Start,
            _ if in_array => Inside::ArrayComma,
            _ => Inside::Text,
        };
        let (row_start, names) = (-(row as isize), RefCell::new(Vec::new()));
        let (at, counted, last, skip, pending, known) = (0, 0, (line, 0), None, None, None);
        JsonReader {
            at,
            offset,
            line,
            column,
            counted,
            row_start,
            inside,
            skip,
            pending,
            known,
            names,
            last,
            continues,
        }
    }

    /// The line on which the last event, or broken text, starts, and where it starts and ends in the window.
    pub fn last_span(&self) -> Span {
        let (line, begin) = self.last;
        Span { line, begin, end: self.at }
    }

    /// Bytes of the window that were read. The next window must start after them.
    pub fn release(&mut self, window: &[u8]) -> usize {
        let done = self.at;
        self.count_columns(window);
        self.counted = 0;
        self.row_start -= done as isize;
        self.offset += done;
        self.at = 0;
        done
    }

    /// Finds the next event and passes it to `take` with the line on which it starts, counted from 1. After an error `take`
    /// may be called again with the same event and more text.
    pub fn next<T>(
        &mut self,
        window: &mut Window<'_>,
        take: impl FnMut(&JsonEvent<'_>, usize) -> Result<T, Stop>,
    ) -> Next<T> {
        let (bytes, is_last) = (window.bytes, window.is_last);
        loop {
            if self.pending.is_some() {
                return self.skipped(window);
            }
            let next = self.peek(bytes);
            if self.inside == Inside::Start {
                match starts_with_mark(&bytes[self.at..]) {
                    _ if self.at > 0 || next.is_none() && is_last => {}
                    None if !is_last => return Next::MoreText,
                    Some(true) => self.at += 3,
                    _ => {}
                }
                self.inside = Inside::Text;
                continue;
            }
            let Some(next) = next else {
                return if is_last { self.end(window) } else { Next::MoreText };
            };
            match (self.inside, next) {
                (Inside::Text, b'[') => self.advance(Inside::ArrayStart),
                (Inside::ArrayStart | Inside::ArrayElement | Inside::ArrayBroken, b']') => self.advance(Inside::Text),
                (Inside::ArrayElement | Inside::ArrayBroken, b',') => self.advance(Inside::ArrayComma),
                (Inside::ArrayElement, _) => {
                    return self.broken(window, self.at, "a comma or the end of the array");
                }
                _ => return self.event(window, take),
            }
        }
    }

    fn advance(&mut self, inside: Inside) {
        self.at += 1;
        self.inside = inside;
    }

    /// The end of the text: an array may be open.
    fn end<T>(&mut self, window: &Window<'_>) -> Next<T> {
        self.last = (self.line, self.at);
        match self.inside {
            _ if self.continues => Next::End,
            Inside::ArrayStart | Inside::ArrayComma => self.broken(window, self.at, "a value"),
            Inside::ArrayElement => self.broken(window, self.at, "the end of the array"),
            Inside::Start | Inside::Text | Inside::ArrayBroken => Next::End,
        }
    }

    /// The next byte that isn't whitespace. Counts lines.
    fn peek(&mut self, window: &[u8]) -> Option<u8> {
        while let Some(&byte) = window.get(self.at) {
            steps::count(1);
            match byte {
                b'\n' => self.count_line(self.at),
                b'\r' => self.row_start = self.at as isize + 1,
                b' ' | b'\t' => {}
                _ => return Some(byte),
            }
            self.at += 1;
        }
        None
    }

    fn count_line(&mut self, newline: usize) {
        self.line += 1;
        self.row_start = newline as isize + 1;
        (self.column, self.counted) = (0, newline + 1);
    }

    /// Counts the characters of the line before `at`.
    fn count_columns(&mut self, window: &[u8]) {
        self.column += count_characters(&window[self.counted..self.at]);
        self.counted = self.at;
    }

    /// Moves to a position. Counts lines.
    fn move_to(&mut self, window: &[u8], to: usize) {
        let passed = &window[self.at..to];
        steps::count(passed.len());
        let newlines = memchr_iter(b'\n', passed).count();
        if newlines > 0 {
            self.line += newlines - 1;
            let last = memrchr(b'\n', passed).unwrap_or(0);
            self.count_line(self.at + last);
        }
        if let Some(last) = memrchr2(b'\n', b'\r', passed) {
            self.row_start = (self.at + last) as isize + 1;
        }
        self.at = to;
    }

    /// Passes the event that starts here to `take`, in a part that is large enough.
    fn event<T>(
        &mut self,
        window: &mut Window<'_>,
        mut take: impl FnMut(&JsonEvent<'_>, usize) -> Result<T, Stop>,
    ) -> Next<T> {
        let (begin, line) = (self.at, self.line);
        self.last = (line, begin);
        if let Some(known) = &self.known
            && known.has(self.offset + begin)
        {
            let broken = known.broken.clone();
            return self.recover(window, broken.offset - self.offset, broken);
        }
        if window.part.end() <= begin {
            window.part = Checked::take(window.bytes, begin, PART);
        }
        loop {
            let part = window.part;
            let text = &part.text[begin - part.begin..];
            let is_whole = part.is_broken || (window.is_last && part.ends_window);
            let event = JsonEvent::new(text, 0, &self.names);
            let error = match take_whole(&event, is_whole, &mut |event| take(event, line)) {
                Ok(taken) => {
                    let end = begin + event.end();
                    // Text without whitespace has no newlines to count.
                    if event.may_span_lines() {
                        self.move_to(window.bytes, end);
                    } else {
                        self.at = end;
                    }
                    if self.inside != Inside::Text {
                        self.inside = Inside::ArrayElement;
                    }
                    return Next::Event(taken);
                }
                Err(error) => error,
            };
            if is_whole || error.at + LONGEST_WORD < text.len() {
                let at_broken_byte = error.at == text.len() && part.end() < window.bytes.len();
                let wanted = if at_broken_byte { "text in UTF-8" } else { error.wanted };
                return self.broken(window, begin + error.at, wanted);
            }
            if part.ends_window {
                return Next::MoreText;
            }
            window.part = Checked::take(window.bytes, begin, 2 * text.len().max(PART));
        }
    }

    /// Reports text that starts here and stops being JSON at `error`, both in the window.
    fn broken<T>(&mut self, window: &Window<'_>, error: usize, wanted: &'static str) -> Next<T> {
        let broken = self.place(window.bytes, error, wanted);
        self.recover(window, error, broken)
    }

    /// Moves to where reading continues after text that starts here and has an error at `error`.
    fn recover<T>(&mut self, window: &Window<'_>, error: usize, broken: Broken) -> Next<T> {
        let (bytes, begin) = (window.bytes, self.at);
        self.last = (self.line, begin);
        let is_one_row = memchr2(b'\n', b'\r', &bytes[begin..error]).is_none();
        let rows = if is_one_row { Rows::One } else { Rows::Several { indent: begin as isize - self.row_start } };
        let in_array = !matches!(self.inside, Inside::Start | Inside::Text);
        let object = match rows {
            Rows::One => None,
            Rows::Several { indent } => object_before(bytes, begin, error, indent),
        };
        if let Some(object) = object {
            self.remember(bytes, error, &broken);
            self.move_to(bytes, object);
        } else {
            let open = open_at(bytes, begin, error);
            match (Search { window: bytes, is_last: window.is_last, in_array, rows }).resume(&open) {
                Resume::MoreText => return Next::MoreText,
                Resume::At(end) => self.move_to(bytes, end),
                Resume::AfterRows => {
                    self.move_to(bytes, open.token);
                    let from = self.offset + open.token;
                    self.pending = Some(Pending { broken: broken.clone(), from, has_object: false });
                    self.skip = Some(match rows {
                        Rows::One => Skip::Line,
                        Rows::Several { indent } => Skip::ToObject { indent, at_line_start: false },
                    });
                }
            }
        }
        self.inside = if in_array { Inside::ArrayBroken } else { Inside::Text };
        if self.pending.is_some() { self.skipped(window) } else { Next::Broken(broken) }
    }

    /// Keeps an error that is after the known one, with the values in which it is.
    fn remember(&mut self, window: &[u8], error: usize, broken: &Broken) {
        if self.known.as_ref().is_none_or(|known| known.broken.offset < broken.offset) {
            let starts = open_starts(window, self.at, error);
            self.known = Some(Known { begin: self.offset + self.at, starts, broken: broken.clone() });
        }
    }

    /// Line, column and byte of a position that is not before the reader's.
    fn place(&mut self, window: &[u8], position: usize, wanted: &'static str) -> Broken {
        self.count_columns(window);
        let passed = &window[self.at..position];
        steps::count(passed.len());
        let newlines = memchr_iter(b'\n', passed).count();
        let (start, before) = match memrchr(b'\n', passed) {
            Some(last) => (self.at + last + 1, 0),
            None => (self.at, self.column),
        };
        let column = before + count_characters(&window[start..position]) + 1;
        Broken { line: self.line + newlines, column, offset: self.offset + position, wanted, given_up: 0 }
    }

    /// Skips the rest of broken text, and reports it at the end.
    fn skipped<T>(&mut self, window: &Window<'_>) -> Next<T> {
        if let Some(skip) = self.skip
            && self.skip(skip, window.bytes, window.is_last) == Skipped::SoFar
        {
            return Next::MoreText;
        }
        let Some(Pending { broken, from, has_object }) = self.pending.take() else { return Next::MoreText };
        let given_up = if has_object { self.offset + self.at - from } else { 0 };
        Next::Broken(Broken { given_up, ..broken })
    }

    /// Skips the rest of a broken event.
    fn skip(&mut self, skip: Skip, window: &[u8], is_last: bool) -> Skipped {
        let mut at_line_start = matches!(skip, Skip::ToObject { at_line_start: true, .. });
        loop {
            if let (Skip::ToObject { indent, .. }, true) = (skip, at_line_start) {
                let rest = &window[self.at..];
                let blank = rest.iter().position(|byte| !b" \t\r\n".contains(byte));
                let Some(blank) = blank else {
                    // The start of the line is after the window, unless the text ends.
                    self.skip = (!is_last).then_some(Skip::ToObject { indent, at_line_start });
                    self.move_to(window, if is_last { window.len() } else { self.at });
                    return if is_last { Skipped::All } else { Skipped::SoFar };
                };
                self.move_to(window, self.at + blank);
                if window[self.at] == b'{' && self.at as isize - self.row_start <= indent {
                    break;
                }
            }
            let newline = memchr2(b'\n', b'\r', &window[self.at..]);
            let end = newline.map_or(window.len(), |newline| self.at + newline + 1);
            if let Some(pending) = &mut self.pending {
                pending.has_object |= memchr(b'{', &window[self.at..end]).is_some();
            }
            self.move_to(window, end);
            match (newline, skip) {
                (None, _) if !is_last => {
                    if let Skip::ToObject { indent, .. } = skip {
                        self.skip = Some(Skip::ToObject { indent, at_line_start: false });
                    }
                    return Skipped::SoFar;
                }
                (None, _) | (_, Skip::Line) => break,
                (Some(_), Skip::ToObject { .. }) => at_line_start = true,
            }
        }
        self.skip = None;
        Skipped::All
    }
}

impl Default for JsonReader {
    fn default() -> JsonReader {
        JsonReader::new()
    }
}
