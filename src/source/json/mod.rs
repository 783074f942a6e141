//! The source of JSON text: objects one after another, on lines of their own or not, and the elements of arrays.
//!
//! [`JsonReader`] finds events in a text that comes in windows, and goes on after one that is broken; [`JsonEvent`] is
//! one event as it stands there. Nothing is unpacked that need not be: a string or number goes to the sink by its
//! spelling, which is kept where nothing changes.
//!
//! Names that repeat are noticed by their hashes, mostly without a comparison. Only then is the event read again, with
//! the members of each object collected, so that the last of each name can win.

mod flatten;
mod names;
mod reader;
mod repeated;
mod scalars;
mod window;

use std::cell::{Cell, RefCell};

use self::names::{Names, hash};
use self::scalars::{push_escaped_key, push_scalar, push_text};
use crate::scan::{Scanner, SyntaxError, unescape_exactly};
use crate::source::{Sink, Source};
use crate::vectors::{Baseline, Vectors, Wide, Work};

pub(crate) use flatten::flatten;
pub use reader::{Broken, JsonReader, Next};
pub(crate) use repeated::push_value;
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
