//! Find the events of a JSON text, and continue after a broken one.
//!
//! The text is read in windows of bytes: each is the rest of the last one and the bytes read since. A part of a window is
//! validated as UTF-8 at a time, so that it is still in the processor's cache when it is walked. An event that does not
//! end within the part is walked again in a larger one.

use std::cell::RefCell;

use memchr::{memchr, memchr_iter, memrchr};

use super::event::JsonEvent;
use super::stop::Stop;
use super::window::{Part, Window};
use crate::rules::finding::{EventFindings, Finding, Origin};
use crate::rules::{Action, Rule};
use crate::scan::SyntaxError;

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
    /// Where that line starts in the window; negative if it starts before the window.
    line_start: isize,
    /// Characters of that line before the window.
    column: usize,
    inside: Inside,
    skip: Option<Skip>,
    names: RefCell<Vec<u32>>,
}

/// What the reader is inside, which says what may come next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    /// The start of the text, where a byte order mark is skipped.
    Start,
    /// Events one after another, or an array of them.
    Text,
    /// After an array's bracket.
    ArrayStart,
    /// After an array's comma.
    ArrayComma,
    /// After an element of an array.
    ArrayElement,
    /// After a broken element of an array: whether a comma followed is unknown.
    ArrayBroken,
}

/// What is skipped after a broken event.
#[derive(Clone, Copy)]
enum Skip {
    /// The rest of the line: most events are one line.
    Line,
    /// All up to a line that starts with a brace indented no deeper than the broken event, which has several lines.
    ToObject { indent: isize, at_line_start: bool },
}

/// How much of a broken event was skipped.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Skipped {
    All,
    /// What is in the window: more of the text is needed.
    SoFar,
}

/// What is wrong with a text, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The line, counted from 1.
    pub line: usize,
    /// The character of the line, counted from 1.
    pub column: usize,
    /// The byte of the text, counted from 0.
    pub offset: usize,
    /// What was expected there.
    pub wanted: &'static str,
}

impl Broken {
    /// The finding about it, for the event with this index.
    pub fn found(&self, index: usize) -> EventFindings {
        let Broken { line, column, offset, wanted } = self;
        let message = format!("line {line}, column {column} (byte {offset}) is not JSON: {wanted} was wanted there");
        let finding = Finding { rule: Rule::InvalidJson, action: Action::Reject, field: String::new(), message };
        EventFindings { origin: Origin { index, line: Some(*line) }, insert_id: None, findings: vec![finding] }
    }
}

/// What comes next in a text.
#[derive(Debug, PartialEq, Eq)]
pub enum Next<T> {
    /// An event, and what `take` returned for it.
    Event(T),
    /// Text that is not an event.
    Broken(Broken),
    /// Unknown: more of the text is needed.
    MoreText,
    /// The end of the text.
    End,
}

impl JsonReader {
    /// A reader at the start of a text.
    pub fn new() -> JsonReader {
        JsonReader {
            at: 0,
            offset: 0,
            line: 1,
            line_start: 0,
            column: 0,
            inside: Inside::Start,
            skip: None,
            names: RefCell::new(Vec::new()),
        }
    }

    /// Bytes of the window that were read. The next window must start after them.
    pub fn release(&mut self, window: &[u8]) -> usize {
        let done = self.at;
        let seen_of_line = &window[self.line_start.max(0) as usize..done];
        self.column += count_characters(seen_of_line);
        self.line_start -= done as isize;
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
            if let Some(skip) = self.skip
                && self.skip(skip, bytes, is_last) == Skipped::SoFar
            {
                return Next::MoreText;
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
                return if is_last { self.end(bytes) } else { Next::MoreText };
            };
            match (self.inside, next) {
                (Inside::Text, b'[') => self.advance(Inside::ArrayStart),
                (Inside::ArrayStart | Inside::ArrayElement | Inside::ArrayBroken, b']') => self.advance(Inside::Text),
                (Inside::ArrayElement | Inside::ArrayBroken, b',') => self.advance(Inside::ArrayComma),
                (Inside::ArrayElement, _) => {
                    return self.broken(bytes, self.at, self.at, "a comma or the end of the array");
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
    fn end<T>(&mut self, window: &[u8]) -> Next<T> {
        match self.inside {
            Inside::ArrayStart | Inside::ArrayComma => self.broken(window, self.at, self.at, "a value"),
            Inside::ArrayElement => self.broken(window, self.at, self.at, "the end of the array"),
            Inside::Start | Inside::Text | Inside::ArrayBroken => Next::End,
        }
    }

    /// The next byte that isn't whitespace. Counts lines.
    fn peek(&mut self, window: &[u8]) -> Option<u8> {
        while let Some(&byte) = window.get(self.at) {
            match byte {
                b'\n' => self.count_line(self.at),
                b' ' | b'\r' | b'\t' => {}
                _ => return Some(byte),
            }
            self.at += 1;
        }
        None
    }

    fn count_line(&mut self, newline: usize) {
        self.line += 1;
        self.line_start = newline as isize + 1;
        self.column = 0;
    }

    /// Moves to a position. Counts lines.
    fn move_to(&mut self, window: &[u8], to: usize) {
        let passed = &window[self.at..to];
        let newlines = memchr_iter(b'\n', passed).count();
        if newlines > 0 {
            self.line += newlines - 1;
            let last = memrchr(b'\n', passed).unwrap_or(0);
            self.count_line(self.at + last);
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
        if window.part.end() <= begin {
            window.part = Part::take(window.bytes, begin, PART);
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
                return self.broken(window.bytes, begin, begin + error.at, wanted);
            }
            if part.ends_window {
                return Next::MoreText;
            }
            window.part = Part::take(window.bytes, begin, 2 * text.len().max(PART));
        }
    }

    /// Reports text that starts at `begin` and stops being JSON at `error`, both in the window; sets what to skip.
    fn broken<T>(&mut self, window: &[u8], begin: usize, error: usize, wanted: &'static str) -> Next<T> {
        let indent = begin as isize - self.line_start;
        let is_one_line = !window[begin..error].contains(&b'\n');
        let broken = self.place(window, error, wanted);
        self.skip = Some(if is_one_line { Skip::Line } else { Skip::ToObject { indent, at_line_start: false } });
        self.inside = match self.inside {
            Inside::Start | Inside::Text => Inside::Text,
            _ => Inside::ArrayBroken,
        };
        Next::Broken(broken)
    }

    /// Line, column and byte of a position that is not before the reader's.
    fn place(&self, window: &[u8], position: usize, wanted: &'static str) -> Broken {
        let passed = &window[self.at..position];
        let newlines = memchr_iter(b'\n', passed).count();
        let (line_start, before) = match memrchr(b'\n', passed) {
            Some(last) => (self.at + last + 1, 0),
            None => (self.line_start.max(0) as usize, self.column),
        };
        let column = before + count_characters(&window[line_start..position]) + 1;
        Broken { line: self.line + newlines, column, offset: self.offset + position, wanted }
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
                if window[self.at] == b'{' && self.at as isize - self.line_start <= indent {
                    break;
                }
            }
            let newline = memchr(b'\n', &window[self.at..]);
            let end = newline.map_or(window.len(), |newline| self.at + newline + 1);
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

/// Passes an event to `take`, and again if its names repeat. `is_whole`: the text ends with the event's part.
fn take_whole<T>(
    event: &JsonEvent<'_>,
    is_whole: bool,
    take: &mut impl FnMut(&JsonEvent<'_>) -> Result<T, Stop>,
) -> Result<T, SyntaxError> {
    if !is_whole && event.may_continue() {
        return Err(SyntaxError { at: event.text_length(), wanted: "a value" });
    }
    let mut taken = take(event);
    if matches!(taken, Err(Stop::NamesRepeat)) {
        event.collect_members();
        taken = take(event);
    }
    taken.map_err(|stop| match stop {
        Stop::Broken(error) => error,
        Stop::NamesRepeat => unreachable!("collected members are not compared"),
    })
}

/// Characters of UTF-8, valid or not: the bytes that are not continuation bytes.
fn count_characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte & 0xC0 != 0x80).count()
}

/// Whether a text starts with the byte order mark of UTF-8; None if it is too short to say.
fn starts_with_mark(window: &[u8]) -> Option<bool> {
    const MARK: &[u8] = b"\xEF\xBB\xBF";
    if window.len() >= MARK.len() {
        Some(window.starts_with(MARK))
    } else if MARK.starts_with(window) {
        None
    } else {
        Some(false)
    }
}
