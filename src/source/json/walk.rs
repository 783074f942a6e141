//! The walk of an event: values are pushed by their spelling, and names that may repeat stop it.

use super::names::{Names, hash};
use super::scalars::{push_escaped_key, push_scalar, push_text};
use super::stop::Stop;
use crate::scan::{Scanner, unescape_exactly};
use crate::source::Sink;
use crate::vectors::{Baseline, Vectors, Work};

/// The walk of an event.
///
/// An object or array is walked with a copy of the scanner, which is copied back at its end. As no pointer to the copy
/// exists, it stays in registers; through memory the walk takes a third longer.
pub(super) struct Walk<'n, V> {
    pub(super) names: &'n mut Vec<u32>,
    pub(super) vectors: V,
}

impl<'a, V: Vectors> Walk<'_, V> {
    /// Pushes an event. One that is neither object nor array is not compiled for wide vectors, so it does without.
    #[inline(always)]
    pub(super) fn event<S: Sink>(mut self, scanner: &mut Scanner<'a>, sink: &mut S) -> Result<(), Stop> {
        match scanner.peek() {
            Some(bracket @ (b'{' | b'[')) => self.container(bracket, scanner, sink),
            _ => Walk { names: self.names, vectors: Baseline }.value(scanner, sink),
        }
    }

    #[inline(always)]
    fn value<S: Sink>(&mut self, scanner: &mut Scanner<'a>, sink: &mut S) -> Result<(), Stop> {
        match scanner.peek() {
            Some(b'"') => push_text(scanner, sink, self.vectors)?,
            Some(bracket @ (b'{' | b'[')) => self.container(bracket, scanner, sink)?,
            _ => push_scalar(scanner, sink, self.vectors)?,
        }
        Ok(())
    }

    #[inline(always)]
    fn container<S: Sink>(&mut self, bracket: u8, scanner: &mut Scanner<'a>, sink: &mut S) -> Result<(), Stop> {
        let mut inside = *scanner;
        if bracket == b'{' {
            self.object(&mut inside, sink)?
        } else {
            self.array(&mut inside, sink)?
        }
        *scanner = inside;
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

/// Walks the members of an object: the walk, a scanner at the object's start, and the sink.
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

/// Walks the elements of an array: the walk, a scanner at the array's start, and the sink.
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
