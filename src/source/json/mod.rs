//! The source of JSON text: objects one after another, on lines of their own or not, and the elements of arrays.
//!
//! [`JsonReader`] finds events in a text that comes in windows, and goes on after one that is broken; [`JsonEvent`] is
//! one event as it stands there. Nothing is unpacked that need not be: a string or number goes to the sink by its
//! spelling, which is kept where nothing changes.
//!
//! Names that repeat are noticed by their hashes, mostly without a comparison. Only then is the event read again, with
//! the members of each object collected, so that the last of each name can win.

mod names;
mod reader;
mod window;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use self::names::{Names, hash};

use crate::limits::MAX_LEVELS;
use crate::serialize::{unescape, unescape_exactly};
use crate::source::scan::{Scanner, SyntaxError};
use crate::source::{Sink, Source};
use crate::vectors::{Baseline, Vectors, Wide, Work};

pub use reader::{Broken, JsonReader, Next};
pub use window::Window;

/// Why the walk of a JSON text stops half-way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The text is not JSON.
    Broken(SyntaxError),
    /// Two members of an object may have the same name: it takes a second look.
    NamesRepeat,
}

impl From<SyntaxError> for Stop {
    fn from(error: SyntaxError) -> Stop {
        Stop::Broken(error)
    }
}

/// An event in a text, from a known start to wherever it ends.
pub struct JsonEvent<'a> {
    text: &'a str,
    start: usize,
    end: Cell<usize>,
    may_span_lines: Cell<bool>,
    names: &'a RefCell<Vec<u32>>,
    names_repeat: Cell<bool>,
}

impl<'a> JsonEvent<'a> {
    /// The event that begins at `start`. `names` is room for hashes of the names of the objects that are open.
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

    /// Where it ended, after a walk.
    pub fn end(&self) -> usize {
        self.end.get()
    }

    /// Whether there may be an end of a line in it, after a walk.
    pub fn may_span_lines(&self) -> bool {
        self.may_span_lines.get()
    }

    /// Whether the text is a number or word alone, which may go on behind it.
    fn may_go_on(&self) -> bool {
        self.text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    }

    /// After [`Stop::NamesRepeat`]: the next walk collects the members of each object before it pushes them, and the last
    /// one of each name wins, as if the earlier ones were not there.
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
                Some(vectors) => Walk { names, vectors }.value(&mut scanner, sink)?,
                None => Walk { names, vectors: Baseline }.value(&mut scanner, sink)?,
            }
        }
        self.end.set(scanner.at());
        // The scanners of collected members are copies, of which nothing is known.
        self.may_span_lines.set(scanner.passed_whitespace() || self.names_repeat.get());
        Ok(())
    }
}

/// The walk of an event.
///
/// An object or array is walked with a scanner of its own, a copy that is copied back at its end. So nobody else has the
/// address of the one that a loop moves, and it stays in registers; through memory the walk takes a third longer.
struct Walk<'n, V> {
    names: &'n mut Vec<u32>,
    vectors: V,
}

impl<'a, V: Vectors> Walk<'_, V> {
    #[inline(always)]
    fn value<S: Sink>(&mut self, scanner: &mut Scanner<'a>, sink: &mut S) -> Result<(), Stop> {
        match scanner.peek() {
            Some(b'"') => push_text(scanner, sink, self.vectors)?,
            Some(bracket @ (b'{' | b'[')) => {
                let mut inside = *scanner;
                if bracket == b'{' {
                    self.object(&mut inside, sink)?
                } else {
                    self.array(&mut inside, sink)?
                }
                *scanner = inside;
            }
            _ => push_scalar(scanner, sink, self.vectors)?,
        }
        Ok(())
    }

    #[inline(never)]
    fn object<S: Sink>(&mut self, outside: &mut Scanner<'a>, sink: &mut S) -> Result<(), Stop> {
        if !sink.begin_object() {
            return Ok(outside.skip_value()?);
        }
        self.vectors.run(Members(self, outside, sink))
    }

    #[inline(always)]
    fn name<S: Sink>(&mut self, scanner: &mut Scanner<'a>, names: &mut Names, sink: &mut S) -> Result<(), Stop> {
        scanner.peek();
        let expected = sink.expected_key(scanner.rest(), self.vectors);
        if expected > 0 {
            let name = &scanner.rest()[1..expected - 2];
            scanner.pass(expected);
            return if names.may_repeat(self.names, hash(name)) { Err(Stop::NamesRepeat) } else { Ok(()) };
        }
        let name = scanner.string_with("a name in quotes", self.vectors)?;
        scanner.expect(b':', "a colon after the name")?;
        let hash = if name.escaped { hash(&unescape_exactly(name.inside)) } else { hash(name.inside.as_bytes()) };
        if names.may_repeat(self.names, hash) {
            return Err(Stop::NamesRepeat);
        }
        if name.escaped {
            push_escaped_key(name.inside, sink)
        } else {
            sink.spelled_key(name.inside, name.inside)
        }
        Ok(())
    }

    #[inline(never)]
    fn array<S: Sink>(&mut self, outside: &mut Scanner<'a>, sink: &mut S) -> Result<(), Stop> {
        if !sink.begin_array() {
            return Ok(outside.skip_value()?);
        }
        self.vectors.run(Elements(self, outside, sink))
    }
}

/// The members of an object that was begun: the walk, a scanner that stands at it, and the sink.
struct Members<'w, 'n, 'a, S, V>(&'w mut Walk<'n, V>, &'w mut Scanner<'a>, &'w mut S);

impl<'a, S: Sink, V: Vectors> Work for Members<'_, '_, 'a, S, V> {
    type Done = Result<(), Stop>;

    #[inline(always)]
    fn run(self) -> Result<(), Stop> {
        let Members(walk, outside, sink) = self;
        let mut scanner = *outside;
        scanner.take(b'{');
        let mut names = Names::begin(walk.names);
        if !scanner.take(b'}') {
            loop {
                walk.name(&mut scanner, &mut names, sink)?;
                walk.value(&mut scanner, sink)?;
                if !scanner.take(b',') {
                    break;
                }
            }
            scanner.expect(b'}', "a comma or the end of the object")?;
        }
        names.end(walk.names);
        sink.end_object();
        *outside = scanner;
        Ok(())
    }
}

/// The elements of an array that was begun: the walk, a scanner that stands at it, and the sink.
struct Elements<'w, 'n, 'a, S, V>(&'w mut Walk<'n, V>, &'w mut Scanner<'a>, &'w mut S);

impl<'a, S: Sink, V: Vectors> Work for Elements<'_, '_, 'a, S, V> {
    type Done = Result<(), Stop>;

    #[inline(always)]
    fn run(self) -> Result<(), Stop> {
        let Elements(walk, outside, sink) = self;
        let mut scanner = *outside;
        scanner.take(b'[');
        if !scanner.take(b']') {
            loop {
                walk.value(&mut scanner, sink)?;
                if !scanner.take(b',') {
                    break;
                }
            }
            scanner.expect(b']', "a comma or the end of the array")?;
        }
        sink.end_array();
        *outside = scanner;
        Ok(())
    }
}

/// Pushes the text that the scanner stands at.
#[inline(always)]
fn push_text<S: Sink>(scanner: &mut Scanner<'_>, sink: &mut S, vectors: impl Vectors) -> Result<(), SyntaxError> {
    let text = scanner.string_with("a value", vectors)?;
    if text.escaped {
        push_escaped_text(text.inside, sink);
    } else {
        sink.plain_text(text.inside, vectors);
    }
    Ok(())
}

#[inline(never)]
fn push_escaped_text<S: Sink>(inside: &str, sink: &mut S) {
    let unescaped = unescape(inside);
    if unescaped.repaired { sink.repaired_text(&unescaped.text) } else { sink.spelled_text(&unescaped.text, inside) }
}

#[inline(never)]
fn push_escaped_key<S: Sink>(inside: &str, sink: &mut S) {
    let unescaped = unescape(inside);
    if unescaped.repaired { sink.repaired_key(&unescaped.text) } else { sink.spelled_key(&unescaped.text, inside) }
}

/// Pushes a number or a word.
#[inline(always)]
fn push_scalar<S: Sink>(scanner: &mut Scanner<'_>, sink: &mut S, vectors: impl Vectors) -> Result<(), SyntaxError> {
    match scanner.peek() {
        Some(b'-'..=b'9') if scanner.is_at_number() => sink.number_with(scanner.number()?, vectors),
        Some(b't') => {
            scanner.word("true")?;
            sink.boolean(true);
        }
        Some(b'f') => {
            scanner.word("false")?;
            sink.boolean(false);
        }
        Some(b'n') => {
            scanner.word("null")?;
            sink.null();
        }
        // No JSON, but what Python's json writes.
        _ => {
            let (word, value) = scanner.not_a_number()?;
            scanner.word(word)?;
            sink.float(value);
        }
    }
    Ok(())
}

/// Pushes the value that the scanner stands at, of each object the last member of each name.
pub(crate) fn push_value<S: Sink>(scanner: &mut Scanner<'_>, sink: &mut S) -> Result<(), SyntaxError> {
    match scanner.peek() {
        Some(b'"') => push_text(scanner, sink, Baseline),
        Some(b'{') => push_last_members(scanner, sink),
        Some(b'[') => push_last_of_elements(scanner, sink),
        _ => push_scalar(scanner, sink, Baseline),
    }
}

/// A member whose value has been passed over: its name as spelled, whether that has escapes, and where the value is.
struct Member<'a> {
    name: &'a str,
    escaped: bool,
    value: Scanner<'a>,
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

/// The last member of each name, and how often that name was there.
fn last_of_each_name(members: Vec<Member<'_>>) -> Vec<(Member<'_>, usize)> {
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

/// A value of a flattened object, and its name.
pub(crate) struct FlatMember<'a> {
    pub(crate) name: String,
    /// Whether the name had lone surrogates.
    pub(crate) repaired: bool,
    pub(crate) value: Scanner<'a>,
}

/// The members of a JSON object under the names `<name>_<key>`, those of objects in it likewise; an array under the name
/// itself. None where objects nest past 64 levels.
pub(crate) fn flatten<'a>(text: &'a str, name: &str) -> Option<Vec<FlatMember<'a>>> {
    let mut flat = Vec::new();
    flatten_into(&mut flat, Scanner::new(text, 0), name.to_owned(), false, 0).then_some(flat)
}

fn flatten_into<'a>(
    flat: &mut Vec<FlatMember<'a>>,
    mut value: Scanner<'a>,
    name: String,
    repaired: bool,
    levels: usize,
) -> bool {
    let members = if value.peek() == Some(b'{') { collect_members(&mut value.clone()).ok() } else { None };
    match members {
        Some(members) if levels == 0 || !members.is_empty() => {
            levels <= MAX_LEVELS
                && last_of_each_name(members).into_iter().all(|(member, _)| {
                    let key = unescape(member.name);
                    let name = format!("{name}_{}", key.text);
                    flatten_into(flat, member.value, name, repaired || key.repaired, levels + 1)
                })
        }
        _ => {
            flat.push(FlatMember { name, repaired, value });
            true
        }
    }
}

fn collect_members<'a>(scanner: &mut Scanner<'a>) -> Result<Vec<Member<'a>>, SyntaxError> {
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
