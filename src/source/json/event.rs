//! One event of a JSON text as a source.

use std::cell::{Cell, RefCell};

use super::repeated::push_value;
use super::stop::Stop;
use super::walk::Walk;
use crate::scan::{Scanner, SyntaxError};
use crate::source::{Sink, Source};
use crate::vectors::{Baseline, Wide};

/// An event in a text, from a known start; a walk finds its end.
pub struct JsonEvent<'a> {
    text: &'a str,
    start: usize,
    end: Cell<usize>,
    may_span_lines: Cell<bool>,
    names: &'a RefCell<Vec<u32>>,
    names_repeat: Cell<bool>,
}

impl<'a> JsonEvent<'a> {
    /// The event that starts at `start`. `names` is a buffer for the hashes of the names of the open objects.
    pub fn new(text: &'a str, start: usize, names: &'a RefCell<Vec<u32>>) -> JsonEvent<'a> {
        JsonEvent {
            text,
            start,
            end: Cell::new(start),
            may_span_lines: Cell::new(true),
            names,
            names_repeat: Cell::new(false),
        }
    }

    pub(super) fn text_length(&self) -> usize {
        self.text.len()
    }

    /// Its end in the text, after a walk.
    pub fn end(&self) -> usize {
        self.end.get()
    }

    /// Whether it may contain a newline, after a walk.
    pub fn may_span_lines(&self) -> bool {
        self.may_span_lines.get()
    }

    /// Whether the text is only a number or a word, which may continue after its end.
    pub(super) fn may_continue(&self) -> bool {
        self.text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    }

    /// After [`Stop::NamesRepeat`]: make the next walk collect the members of each object and push the last one of each
    /// name only.
    pub fn collect_members(&self) {
        self.names_repeat.set(true);
    }
}

impl Source for JsonEvent<'_> {
    type Interrupted = Stop;

    #[inline]
    fn walk<S: Sink>(&self, sink: &mut S) -> Result<(), Stop> {
        let mut scanner = Scanner::lenient(self.text, self.start);
        if self.names_repeat.get() {
            push_value(&mut scanner, sink)?;
        } else {
            let names = &mut *self.names.borrow_mut();
            names.clear();
            match Wide::detect() {
                Some(vectors) => Walk { names, vectors }.event(&mut scanner, sink)?,
                None => Walk { names, vectors: Baseline }.event(&mut scanner, sink)?,
            }
        }
        self.end.set(scanner.at());
        // Collected members are scanned by copies, whose whitespace is not recorded.
        self.may_span_lines.set(scanner.passed_whitespace() || self.names_repeat.get());
        Ok(())
    }
}

/// Passes an event to `take`, and again if its names repeat. `is_whole`: the text ends with the event's part.
pub(super) fn take_whole<T>(
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
