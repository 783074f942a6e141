//! Where one event of a text ends and the next begins, and how reading goes on after one that is broken.
//!
//! The text comes in windows of bytes, each the rest of the last one and what was read since. A part of a window is
//! taken as text (UTF-8) at a time, so that what is checked is still in the processor's cache when it is walked; an event
//! that does not end within that part is walked again in a larger one.

use std::cell::RefCell;

use memchr::{memchr, memchr_iter, memrchr};

use super::window::{Part, Window};
use super::{JsonEvent, Stop};
use crate::rules::finding::{EventFindings, Finding, Origin};
use crate::rules::{Action, Rule};
use crate::scan::SyntaxError;

/// Bytes that are taken as text at a time; more where an event is longer.
const PART: usize = 1 << 16;

/// An error this near to the end of a part may come of the end: the longest word, `-Infinity`, has nine bytes.
const LONGEST_WORD: usize = 16;

/// Finds the events of a text.
pub struct JsonReader {
    /// Position in the window.
    at: usize,
    /// Bytes that came before the window.
    offset: usize,
    /// Number of the line at `at`, from 1.
    line: usize,
    /// Where that line begins in the window; negative where it begins before it.
    line_start: isize,
    /// Characters of that line that came before the window.
    column: usize,
    inside: Inside,
    skip: Option<Skip>,
    names: RefCell<Vec<u32>>,
}

/// What may come next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    /// The beginning of the text, where a byte order mark is passed over.
    Beginning,
    /// Events one after another, or an array of them.
    Text,
    /// After an array's bracket.
    ArrayBegun,
    /// After an array's comma.
    ArrayComma,
    /// After an element of an array.
    ArrayElement,
    /// After a broken element of an array: whether there was a comma can't be told.
    ArrayBroken,
}

/// What is passed over after a broken event.
#[derive(Clone, Copy)]
enum Skip {
    /// The rest of the line: mostly an event is a line.
    Line,
    /// All up to a line that begins with a brace no deeper indented than the broken event: one of several lines.
    ToObject { indent: isize, at_line_start: bool },
}

/// What is wrong with a text, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Line, from 1.
    pub line: usize,
    /// Character of the line, from 1.
    pub column: usize,
    /// Byte of the text, from 0.
    pub offset: usize,
    /// What was wanted there.
    pub wanted: &'static str,
}

impl Broken {
    /// The finding about it, as of an event of that index.
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
    /// An event was handed over, and this came of it.
    Event(T),
    /// Something that can't be read.
    Broken(Broken),
    /// More of the text is needed to say.
    MoreText,
    /// Nothing.
    End,
}

impl JsonReader {
    /// A reader at the beginning of a text.
    pub fn new() -> JsonReader {
        JsonReader {
            at: 0,
            offset: 0,
            line: 1,
            line_start: 0,
            column: 0,
            inside: Inside::Beginning,
            skip: None,
            names: RefCell::new(Vec::new()),
        }
    }

    /// Bytes of the window that are done with. The next window must begin behind them.
    pub fn release(&mut self, window: &[u8]) -> usize {
        let done = self.at;
        let seen_of_line = &window[self.line_start.max(0) as usize..done];
        self.column += count_characters(seen_of_line);
        self.line_start -= done as isize;
        self.offset += done;
        self.at = 0;
        done
    }

    /// Finds the next event and hands it to `take` with the line that it begins on, from 1. After an error `take` may be
    /// called with the same event again, in more text. `is_last`: nothing comes after the window.
    pub fn next<T>(
        &mut self,
        window: &mut Window<'_>,
        take: impl FnMut(&JsonEvent<'_>, usize) -> Result<T, Stop>,
    ) -> Next<T> {
        let (bytes, is_last) = (window.bytes, window.is_last);
        loop {
            if let Some(skip) = self.skip
                && !self.pass_over(skip, bytes, is_last)
            {
                return Next::MoreText;
            }
            let next = self.peek(bytes);
            if self.inside == Inside::Beginning {
                match begins_with_mark(&bytes[self.at..]) {
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
                (Inside::Text, b'[') => self.go_on(Inside::ArrayBegun),
                (Inside::ArrayBegun | Inside::ArrayElement | Inside::ArrayBroken, b']') => self.go_on(Inside::Text),
                (Inside::ArrayElement | Inside::ArrayBroken, b',') => self.go_on(Inside::ArrayComma),
                (Inside::ArrayElement, _) => {
                    return self.broken(bytes, self.at, self.at, "a comma or the end of the array");
                }
                _ => return self.event(window, take),
            }
        }
    }

    fn go_on(&mut self, inside: Inside) {
        self.at += 1;
        self.inside = inside;
    }

    /// The text is at its end: an array may be left open.
    fn end<T>(&mut self, window: &[u8]) -> Next<T> {
        match self.inside {
            Inside::ArrayBegun | Inside::ArrayComma => self.broken(window, self.at, self.at, "a value"),
            Inside::ArrayElement => self.broken(window, self.at, self.at, "the end of the array"),
            Inside::Beginning | Inside::Text | Inside::ArrayBroken => Next::End,
        }
    }

    /// The next byte that isn't whitespace; lines are counted on the way.
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

    /// Moves on, counting lines on the way.
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

    /// Hands the event that begins here to `take`, in a part that is large enough.
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
                    // What has no whitespace is on one line: the count of its newlines is spared.
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

    /// Something can't be read: it began at `begin` and stops being JSON at `error`, both in the window.
    fn broken<T>(&mut self, window: &[u8], begin: usize, error: usize, wanted: &'static str) -> Next<T> {
        let indent = begin as isize - self.line_start;
        let is_one_line = !window[begin..error].contains(&b'\n');
        let broken = self.place(window, error, wanted);
        self.skip = Some(if is_one_line { Skip::Line } else { Skip::ToObject { indent, at_line_start: false } });
        self.inside = match self.inside {
            Inside::Beginning | Inside::Text => Inside::Text,
            _ => Inside::ArrayBroken,
        };
        Next::Broken(broken)
    }

    /// Line, column and byte of a position that is not before the reader's own.
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

    /// Passes over what is left of a broken event. False: more of the text is needed for that.
    fn pass_over(&mut self, skip: Skip, window: &[u8], is_last: bool) -> bool {
        let mut at_line_start = matches!(skip, Skip::ToObject { at_line_start: true, .. });
        loop {
            if let (Skip::ToObject { indent, .. }, true) = (skip, at_line_start) {
                let rest = &window[self.at..];
                let blank = rest.iter().position(|byte| !b" \t\r\n".contains(byte));
                let Some(blank) = blank else {
                    // What the line begins with is behind the window, unless that is the end.
                    self.skip = (!is_last).then_some(Skip::ToObject { indent, at_line_start });
                    self.move_to(window, if is_last { window.len() } else { self.at });
                    return is_last;
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
                    return false;
                }
                (None, _) | (_, Skip::Line) => break,
                (Some(_), Skip::ToObject { .. }) => at_line_start = true,
            }
        }
        self.skip = None;
        true
    }
}

impl Default for JsonReader {
    fn default() -> JsonReader {
        JsonReader::new()
    }
}

/// Hands an event over, and once more where its names repeat. `is_whole`: nothing comes behind the event's part.
fn take_whole<T>(
    event: &JsonEvent<'_>,
    is_whole: bool,
    take: &mut impl FnMut(&JsonEvent<'_>) -> Result<T, Stop>,
) -> Result<T, SyntaxError> {
    if !is_whole && event.may_go_on() {
        return Err(SyntaxError { at: event.text.len(), wanted: "a value" });
    }
    let mut taken = take(event);
    if matches!(taken, Err(Stop::NamesRepeat)) {
        event.collect_members();
        taken = take(event);
    }
    taken.map_err(|stop| match stop {
        Stop::Broken(error) => error,
        Stop::NamesRepeat => unreachable!("members that are collected are not compared"),
    })
}

/// Characters of UTF-8, broken or not: bytes that don't continue one.
fn count_characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte & 0xC0 != 0x80).count()
}

/// Whether a text begins with the byte order mark of UTF-8; None where it is too short to say.
fn begins_with_mark(window: &[u8]) -> Option<bool> {
    const MARK: &[u8] = b"\xEF\xBB\xBF";
    if window.len() >= MARK.len() {
        Some(window.starts_with(MARK))
    } else if MARK.starts_with(window) {
        None
    } else {
        Some(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::{Batcher, Format, Origin, Verdict};
    use crate::rules::limits::{Endpoint, Limits};

    /// What becomes of a text that comes in windows of a size: each event as accepted or rejected, or what is broken.
    fn read(text: &[u8], size: usize) -> (Vec<String>, Vec<u8>) {
        let mut batcher = Batcher::new(Limits::documented(), Endpoint::Import, Format::Ndjson, None);
        let (mut reader, mut window, mut fed, mut seen) = (JsonReader::new(), Vec::new(), 0, Vec::new());
        loop {
            let index = seen.len();
            let add = |event: &JsonEvent<'_>, line| {
                batcher.add(Origin { index, line: Some(line) }, event).map(|added| (added, line))
            };
            match reader.next(&mut Window::new(&window, fed == text.len()), add) {
                Next::Event((Verdict::Plain | Verdict::Accepted { .. }, line)) => seen.push(format!("{line} accepted")),
                Next::Event((Verdict::Rejected(found), line)) => {
                    seen.push(format!("{line} {}", found.findings[0].rule.id()));
                }
                Next::Broken(broken) => seen.push(format!("{broken:?}")),
                Next::MoreText => {
                    window.drain(..reader.release(&window));
                    let more = &text[fed..text.len().min(fed + size)];
                    window.extend_from_slice(more);
                    fed += more.len();
                }
                Next::End => return (seen, batcher.finish().map_or(Vec::new(), |packed| packed.json)),
            }
        }
    }

    #[test]
    fn windows_of_any_size_give_the_same() {
        let good =
            r#"{"event":"é","properties":{"time":1700000000,"distinct_id":"u","$insert_id":"i","a":[1,{"b":"\n"}]}}"#;
        let texts = [
            format!("{good}\n{good}\n"),
            format!("\u{feff} [{good},\n{good} , 123,tru,{good}]{good}"),
            format!(
                "{good}\n{{\"event\": \"cut\n{good}\n  {{\n  \"event\": 5,\n  x\n  }}\n{good}\n-Infinity\nnull\n12"
            ),
            format!("[{good}, {good}"),
            format!("{good} [] [1,] [,] {{\"a\":1,\"a\":2}}"),
        ];
        for text in
            texts.iter().map(|text| text.as_bytes().to_vec()).chain([b"{\"event\":\"\xff\"}\n1\n\xe2\x82".to_vec()])
        {
            let whole = read(&text, text.len());
            for size in 1..40 {
                assert_eq!(read(&text, size), whole, "{size} {}", String::from_utf8_lossy(&text));
            }
        }
    }

    #[test]
    fn a_broken_line_costs_no_other() {
        let good = r#"{"event":"e","properties":{"time":1700000000,"distinct_id":"u","$insert_id":"i"}}"#;
        let (seen, json) = read(format!("{good}\n{}\n{good}\n", &good[..40]).as_bytes(), usize::MAX);
        assert_eq!(seen.len(), 3);
        assert!(seen[1].contains("line: 2, column: 41") || seen[1].contains("line: 3"), "{}", seen[1]);
        assert_eq!(json, format!("{good}\n{good}\n").as_bytes());
    }

    #[test]
    fn lines_are_counted_wherever_an_event_may_break() {
        let tokens = [
            "{",
            "\"event\"",
            ":",
            "\"e\"",
            ",",
            "\"a\"",
            ":",
            "[",
            "1",
            ",",
            "{",
            "\"b\"",
            ":",
            "[",
            "]",
            "}",
            "]",
            ",",
            "\"a\"",
            ":",
            "{",
            "}",
            "}",
        ];
        for kept in [tokens.len(), 17] {
            // With the second `a` and without: names that repeat are read in another way.
            let tokens = [&tokens[..kept], &["}"][..usize::from(kept == 17)]].concat();
            for at in 1..tokens.len() {
                for break_ in ["", " ", "\n", " \r\n\t\n"] {
                    let event = [&tokens[..at], &[break_], &tokens[at..]].concat().concat();
                    let line = 1 + break_.matches('\n').count();
                    let seen = read(format!("{event}\n{event}").as_bytes(), usize::MAX).0;
                    assert!(seen[0].starts_with("1 "), "{event} {}", seen[0]);
                    assert!(seen[1].starts_with(&format!("{} ", line + 1)), "{event} {}", seen[1]);
                }
            }
        }
    }

    #[test]
    fn an_event_longer_than_a_part_is_read_whole() {
        let long = "x".repeat(3 * PART);
        let text = format!(
            r#"{{"event":"e","properties":{{"time":1700000000,"distinct_id":"u","$insert_id":"i","a":"{long}"}}}} 5"#
        );
        assert_eq!(read(text.as_bytes(), usize::MAX).0, ["1 accepted", "1 event-not-object"]);
        assert_eq!(read(text.as_bytes(), 1000).0, ["1 accepted", "1 event-not-object"]);
    }
}
