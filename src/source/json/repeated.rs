//! Push objects with repeated names: of each name the last member only.

use std::collections::HashMap;

use super::scalars::{push_escaped_key, push_scalar, push_text};
use crate::scan::{Scanner, SyntaxError, unescape_exactly};
use crate::source::Sink;
use crate::vectors::Baseline;

/// Pushes the value at the scanner, and of each object in it the last member of each name.
pub(crate) fn push_value<S: Sink>(scanner: &mut Scanner<'_>, sink: &mut S) -> Result<(), SyntaxError> {
    match scanner.peek() {
        Some(b'"') => push_text(scanner, sink, Baseline),
        Some(b'{') => push_last_members(scanner, sink),
        Some(b'[') => push_last_of_elements(scanner, sink),
        _ => push_scalar(scanner, sink, Baseline),
    }
}

/// A member whose value was skipped: its name as spelled, whether that has escapes, and a scanner at the value.
pub(super) struct Member<'a> {
    pub(super) name: &'a str,
    escaped: bool,
    pub(super) value: Scanner<'a>,
}

fn push_last_members<S: Sink>(scanner: &mut Scanner<'_>, sink: &mut S) -> Result<(), SyntaxError> {
    if !sink.begin_object() {
        return scanner.skip_value();
    }
    let members = collect_members(scanner)?;
    for (mut member, times) in last_of_each_name(members) {
        if member.escaped {
            push_escaped_key(member.name, sink)
        } else {
            sink.spelled_key(member.name, member.name)
        }
        if times > 1 {
            sink.duplicate_key(times);
        }
        push_value(&mut member.value, sink)?;
    }
    sink.end_object();
    Ok(())
}

/// The last member of each name, and how often the name occurs.
pub(super) fn last_of_each_name(members: Vec<Member<'_>>) -> Vec<(Member<'_>, usize)> {
    let names: Vec<_> = members.iter().map(|member| unescape_exactly(member.name)).collect();
    let mut times_and_last: HashMap<&[u8], (usize, usize)> = HashMap::new();
    for (position, name) in names.iter().enumerate() {
        let (times, last) = times_and_last.entry(name).or_default();
        (*times, *last) = (*times + 1, position);
    }
    let members = members.into_iter().enumerate().filter_map(|(position, member)| {
        let (times, last) = times_and_last[names[position].as_slice()];
        (last == position).then_some((member, times))
    });
    members.collect()
}

pub(super) fn collect_members<'a>(scanner: &mut Scanner<'a>) -> Result<Vec<Member<'a>>, SyntaxError> {
    let mut members = Vec::new();
    scanner.take(b'{');
    if scanner.take(b'}') {
        return Ok(members);
    }
    loop {
        let name = scanner.string("a name in quotes")?;
        scanner.expect(b':', "a colon after the name")?;
        members.push(Member { name: name.inside, escaped: name.escaped, value: *scanner });
        scanner.skip_value()?;
        if !scanner.take(b',') {
            scanner.expect(b'}', "a comma or the end of the object")?;
            return Ok(members);
        }
    }
}

fn push_last_of_elements<S: Sink>(scanner: &mut Scanner<'_>, sink: &mut S) -> Result<(), SyntaxError> {
    if !sink.begin_array() {
        return scanner.skip_value();
    }
    scanner.take(b'[');
    if !scanner.take(b']') {
        loop {
            push_value(scanner, sink)?;
            if !scanner.take(b',') {
                break;
            }
        }
        scanner.expect(b']', "a comma or the end of the array")?;
    }
    sink.end_array();
    Ok(())
}
