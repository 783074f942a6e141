//! Push the cells of a column into a sink.

use std::ops::Range;

use super::cells::Spans;
use super::column::{Cells, Column};
use crate::source::Sink;
use crate::steps;

/// Elements of a list that are pushed between two looks at the size of the event.
const PUSHED_AT_ONCE: usize = 1 << 12;

const NO_YEAR: &str = "a date outside of the years 1 to 9999, which JSON has no form for: correct it, or drop it";

impl Column {
    #[inline]
    pub(super) fn is_null(&self, row: usize) -> bool {
        self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
            || match &self.cells {
                Cells::Null => true,
                Cells::Indirect { positions, values } => values.is_null(positions.at(row)),
                _ => false,
            }
    }

    /// Pushes a member of the innermost object, unless it is null.
    #[inline]
    pub(super) fn push_member<S: Sink>(&self, name: &str, row: usize, sink: &mut S) {
        if !self.is_null(row) {
            sink.key(name);
            self.push(row, sink);
        }
    }

    /// Pushes a value that is not null. Longer cases are never inlined: their stack frame would cost the usual values some
    /// 5 % of the time.
    #[inline]
    pub(super) fn push<S: Sink>(&self, row: usize, sink: &mut S) {
        steps::count(1);
        match &self.cells {
            Cells::Null => sink.null(),
            Cells::Boolean(values) => sink.boolean(values.value(row)),
            Cells::Integers(integers) => sink.integer(integers.at(row)),
            Cells::UInt64(values) => sink.number(itoa::Buffer::new().format(values[row])),
            Cells::Floats(floats) => sink.float(floats.at(row)),
            Cells::Decimals(decimals) => decimals.spell(row, |spelling| sink.number(spelling)),
            Cells::Moments(moments) => match moments.at(row) {
                Some(moment) => sink.moment(moment),
                None => sink.unsupported(NO_YEAR),
            },
            Cells::Texts(texts) => push_text(texts.at(row), sink),
            Cells::Uuids(uuids) => push_uuid(uuids.value(row), sink),
            Cells::Lists { spans, elements } => push_list(spans, elements, row, sink),
            Cells::Object { members, names_may_repeat } => push_object(members, *names_may_repeat, row, sink),
            Cells::Maps { spans, names, values } => push_map(spans, names, values, row, sink),
            Cells::Indirect { positions, values } => values.push(positions.at(row), sink),
            Cells::Unsupported(message) => sink.unsupported(message),
        }
    }

    /// Pushes an element of an array.
    fn push_element<S: Sink>(&self, row: usize, sink: &mut S) {
        if self.is_null(row) {
            sink.null();
        } else {
            self.push(row, sink);
        }
    }

    /// A cell's text; None if it is null or not text.
    fn text_at(&self, row: usize) -> Option<Result<&str, &[u8]>> {
        match &self.cells {
            _ if self.is_null(row) => None,
            Cells::Texts(texts) => Some(texts.at(row)),
            Cells::Indirect { positions, values } => values.text_at(positions.at(row)),
            _ => None,
        }
    }
}

fn push_text<S: Sink>(text: Result<&str, &[u8]>, sink: &mut S) {
    match text {
        Ok(text) => sink.text(text),
        Err(bytes) => sink.repaired_text(&String::from_utf8_lossy(bytes)),
    }
}

#[inline(never)]
fn push_uuid<S: Sink>(bytes: &[u8], sink: &mut S) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut text = [b'-'; 36];
    let places = (0..36).filter(|place| ![8, 13, 18, 23].contains(place));
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    for (place, digit) in places.zip(digits) {
        text[place] = HEX[usize::from(digit)];
    }
    sink.text(std::str::from_utf8(&text).expect("hexadecimal digits are ASCII"));
}

#[inline(never)]
fn push_list<S: Sink>(spans: &Spans, elements: &Column, row: usize, sink: &mut S) {
    if !sink.begin_array() {
        return;
    }
    let Range { mut start, end } = spans.at(row);
    while start < end {
        if sink.is_far_too_large() {
            sink.skip(end - start);
            break;
        }
        let some = start..end.min(start + PUSHED_AT_ONCE);
        start = some.end;
        steps::count(some.len());
        match (&elements.nulls, &elements.cells) {
            // The usual lists of numbers: the type is matched once, not for each element.
            (None, Cells::Floats(floats)) => some.for_each(|element| sink.float(floats.at(element))),
            (None, Cells::Integers(integers)) => some.for_each(|element| sink.integer(integers.at(element))),
            _ => some.for_each(|element| elements.push_element(element, sink)),
        }
    }
    sink.end_array();
}

#[inline(never)]
fn push_object<S: Sink>(members: &[(String, Column)], names_may_repeat: bool, row: usize, sink: &mut S) {
    if !sink.begin_object() {
        return;
    }
    if names_may_repeat {
        sink.names_may_repeat();
    }
    for (name, column) in members {
        column.push_member(name, row, sink);
    }
    sink.end_object();
}

#[inline(never)]
fn push_map<S: Sink>(spans: &Spans, names: &Column, values: &Column, row: usize, sink: &mut S) {
    if !sink.begin_object() {
        return;
    }
    if may_repeat(names, spans.at(row)) {
        sink.names_may_repeat();
    }
    let entries = spans.at(row);
    for entry in entries.clone().filter(|entry| !values.is_null(*entry)) {
        if entry % PUSHED_AT_ONCE == 0 && sink.is_far_too_large() {
            sink.skip(entries.end - entry);
            break;
        }
        steps::count(1);
        let Some(name) = names.text_at(entry) else {
            sink.unsupported_key("of another type, in a map: cast the map's keys to text");
            continue;
        };
        match name {
            Ok(name) => sink.key(name),
            Err(bytes) => sink.repaired_key(&String::from_utf8_lossy(bytes)),
        }
        values.push(entry, sink);
    }
    sink.end_object();
}

/// Whether two of these names may be the same. Many names are not compared here.
fn may_repeat(names: &Column, entries: Range<usize>) -> bool {
    const COMPARED: usize = 16;
    let is_earlier = |entry| (entries.start..entry).any(|earlier| names.text_at(earlier) == names.text_at(entry));
    entries.len() > COMPARED || entries.clone().any(is_earlier)
}
