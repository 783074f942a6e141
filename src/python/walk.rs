//! The source of Python objects: exact dicts, lists and scalars are walked in place, and no Python code runs meanwhile.
//!
//! Any other value (a dataclass, a mapping that is not a dict, a value that `default` converts) is odd: it needs Python
//! code to be read, and that code could change the dict of the walk. So the walk stops there, Python code converts the odd
//! values alone, and the event is walked again (see `odd`).

mod odd;
mod rare;
pub mod types;

use std::cell::RefCell;

use pyo3::Borrowed;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyModule, PyString, PyTuple};

use self::odd::{Noting, Odd, Repeated};
use self::types::Types;
use super::native;
use super::raw::instance::Instances;
use super::raw::{self, Array, Entries, VisitElement, VisitMember};
use crate::source::{Sink, Source};
use crate::vectors::{Baseline, Vectors, Wide, Work};

/// Bytes of a buffer that are kept from one encoder to the next.
const KEPT_BYTES: usize = 1 << 16;

/// The walk found an odd value.
pub struct Interrupted;

/// State that walks keep from one event to the next.
pub struct Memory {
    wide: Option<Wide>,
    entries: Option<Entries>,
    pub instances: Option<Instances>,
    /// A buffer for a text that is not ASCII.
    decoded: String,
    /// Names whose addresses are tags. As the names are held, no other object can have such an address.
    tagged: Vec<Py<PyString>>,
    pub odd: Odd,
    pub types: Types,
    /// `mixpress.snapshot`, once a value was converted.
    pub conversion: Option<Py<PyModule>>,
}

impl Memory {
    pub fn new(py: Python<'_>) -> Memory {
        Memory {
            wide: Wide::detect(),
            entries: Entries::verify(py),
            instances: Instances::verify(py),
            decoded: String::new(),
            tagged: Vec::new(),
            odd: Odd::default(),
            types: Types::default(),
            conversion: None,
        }
    }

    /// Drops the names and the text: what is left holds no object of the caller and nothing of an event. What is known of
    /// types stays. The writer's tags must be dropped too.
    pub fn forget(&mut self) {
        self.tagged.clear();
        self.odd.forget_all();
        self.decoded.clear();
        self.decoded.shrink_to(KEPT_BYTES);
    }

    /// A text with U+FFFD for each lone surrogate.
    fn decode(&mut self, text: &Bound<'_, PyString>) -> &str {
        raw::decode(text, &mut self.decoded, Baseline);
        &self.decoded
    }
}

/// An event as the caller gave it.
pub struct GivenEvent<'a, 'py> {
    pub event: &'a Bound<'py, PyAny>,
    pub memory: &'a RefCell<Memory>,
}

/// An event whose odd values were converted, or its snapshot.
pub struct RepeatedEvent<'a, 'py> {
    event: &'a Bound<'py, PyAny>,
    memory: &'a RefCell<Memory>,
    walk: Repeated,
}

impl<'a, 'py> RepeatedEvent<'a, 'py> {
    /// An event whose odd values were converted.
    pub fn converted(event: &'a Bound<'py, PyAny>, memory: &'a RefCell<Memory>) -> RepeatedEvent<'a, 'py> {
        RepeatedEvent { event, memory, walk: Repeated::Reading }
    }

    /// An event's snapshot, made by `mixpress.snapshot`.
    pub fn snapshot(event: &'a Bound<'py, PyAny>, memory: &'a RefCell<Memory>) -> RepeatedEvent<'a, 'py> {
        RepeatedEvent { event, memory, walk: Repeated::Snapshot }
    }
}

/// Notes the odd values in a value, or in what an odd value was converted to. `values` is the number of values that may
/// still be read.
pub fn note_odd(value: &Bound<'_, PyAny>, is_converted: bool, memory: &RefCell<Memory>, values: &mut usize) {
    let memory = &mut *memory.borrow_mut();
    memory.odd.walk = Repeated::Noting;
    let mut walk = Walk::<_, _, true> { sink: &mut Noting::new(values), memory, vectors: Baseline };
    let value = value.as_borrowed();
    let ended = if is_converted { walk.converted(value) } else { walk.value(value) };
    debug_assert!(ended.is_ok(), "a walk that notes does not stop");
}

impl Source for GivenEvent<'_, '_> {
    type Interrupted = Interrupted;

    #[inline(always)]
    fn walk<S: Sink>(&self, sink: &mut S) -> Result<(), Interrupted> {
        let memory = &mut *self.memory.borrow_mut();
        let event = self.event.as_borrowed();
        match (memory.wide, raw::exact::<PyDict>(event)) {
            (Some(vectors), Some(dict)) => Walk::<S, _, false> { sink, memory, vectors }.dict(&dict),
            _ => Walk::<S, _, false> { sink, memory, vectors: Baseline }.value(event),
        }
    }
}

impl Source for RepeatedEvent<'_, '_> {
    type Interrupted = Interrupted;

    fn walk<S: Sink>(&self, sink: &mut S) -> Result<(), Interrupted> {
        let memory = &mut *self.memory.borrow_mut();
        memory.odd.walk = self.walk;
        Walk::<S, _, true> { sink, memory, vectors: Baseline }.value(self.event.as_borrowed())
    }
}

/// A walk of an event, the first or a repeated one.
struct Walk<'w, S, V, const IS_REPEATED: bool> {
    sink: &'w mut S,
    memory: &'w mut Memory,
    vectors: V,
}

impl<S: Sink, V: Vectors, const IS_REPEATED: bool> Walk<'_, S, V, IS_REPEATED> {
    /// The walk by value. What is not inlined into the loop over a container takes it so, in registers: where it were in memory,
    /// each member would load the sink's address again.
    #[inline(always)]
    fn again(&mut self) -> Walk<'_, S, V, IS_REPEATED> {
        Walk { sink: self.sink, memory: self.memory, vectors: self.vectors }
    }

    /// Pushes a value. Inlined into the loop over a container: for a scalar, a call would cost as much as the value.
    #[inline(always)]
    fn value(&mut self, value: Borrowed<'_, '_, PyAny>) -> Result<(), Interrupted> {
        if let Some(text) = raw::exact::<PyString>(value) {
            self.text(&text);
        } else if let Some(integer) = raw::exact::<PyInt>(value) {
            match raw::small_integer(&integer) {
                Some(integer) => self.sink.integer(integer),
                None => return self.again().rare_value(value),
            }
        } else if let Some(float) = raw::exact::<PyFloat>(value) {
            self.sink.float(float.value());
        } else if let Some(boolean) = raw::exact::<PyBool>(value) {
            self.sink.boolean(boolean.is_true());
        } else if value.is_none() {
            self.sink.null();
        } else if let Some(dict) = raw::exact::<PyDict>(value) {
            return if IS_REPEATED { self.dict_or_members(&dict) } else { self.again().dict(&dict) };
        } else if let Some(list) = raw::exact::<PyList>(value) {
            return self.again().list(&list);
        } else {
            return self.again().rare_value(value);
        }
        Ok(())
    }

    #[inline(never)]
    fn dict(mut self, dict: &Bound<'_, PyDict>) -> Result<(), Interrupted> {
        if let Some(wide) = self.widened() {
            return wide.dict(dict);
        }
        if !self.sink.begin_object() {
            return Ok(());
        }
        match self.memory.entries.and_then(|entries| entries.of(dict)) {
            Some(array) => self.vectors.run(InArray(self.again(), dict, array))?,
            None => self.vectors.run(InDict(self.again(), dict))?,
        }
        self.sink.end_object();
        Ok(())
    }

    #[inline(never)]
    fn list(mut self, list: &Bound<'_, PyList>) -> Result<(), Interrupted> {
        if let Some(wide) = self.widened() {
            return wide.list(list);
        }
        if !self.sink.begin_array() {
            return Ok(());
        }
        self.vectors.run(InList(self.again(), list))?;
        self.sink.end_array();
        Ok(())
    }

    /// The walk with the wide vectors, where it has them not and they are there: a rare value was in between.
    #[inline(always)]
    fn widened(&mut self) -> Option<Walk<'_, S, Wide, IS_REPEATED>> {
        let vectors = self.memory.wide.filter(|_| !V::IS_WIDE && !IS_REPEATED)?;
        Some(Walk { sink: self.sink, memory: self.memory, vectors })
    }

    /// Pushes a rare value. This is not compiled for wide vectors, so it does without.
    #[inline(always)]
    fn rare_value(self, value: Borrowed<'_, '_, PyAny>) -> Result<(), Interrupted> {
        Walk::<S, _, IS_REPEATED> { sink: self.sink, memory: self.memory, vectors: Baseline }.rare_value_by_type(value)
    }
}

impl<S: Sink, const IS_REPEATED: bool> Walk<'_, S, Baseline, IS_REPEATED> {
    #[inline(never)]
    fn rare_value_by_type(mut self, value: Borrowed<'_, '_, PyAny>) -> Result<(), Interrupted> {
        if let Ok(tuple) = value.cast_exact::<PyTuple>() {
            return self.tuple(&tuple);
        }
        if let Some(dict) = raw::frozen(value) {
            return self.dict_or_members(&dict);
        }
        if native::push(value, &mut self.memory.decoded, self.sink) {
            return Ok(());
        }
        match native::objects(value) {
            Some(array) => self.objects(array),
            None => self.odd_value(value),
        }
    }
}

impl<S: Sink, V: Vectors, const IS_REPEATED: bool> Walk<'_, S, V, IS_REPEATED> {
    fn tuple(&mut self, tuple: &Bound<'_, PyTuple>) -> Result<(), Interrupted> {
        if !self.sink.begin_array() {
            return Ok(());
        }
        for element in tuple.iter_borrowed() {
            self.value(element)?;
        }
        self.sink.end_array();
        Ok(())
    }

    #[inline(always)]
    fn text(&mut self, text: &Bound<'_, PyString>) {
        match raw::ascii(text) {
            Some(text) => self.sink.text_with(text, self.vectors),
            None => self.again().other_text(text),
        }
    }

    #[inline(never)]
    fn other_text(self, text: &Bound<'_, PyString>) {
        if raw::with_code_points(text, |codes| self.sink.text_of_codes(codes, self.vectors)) {
            return;
        }
        match raw::decode(text, &mut self.memory.decoded, self.vectors) {
            false => self.vectors.run(Decoded(self)),
            true => self.sink.repaired_text(&self.memory.decoded),
        }
    }

    #[inline(always)]
    fn key(&mut self, name: &Bound<'_, PyString>) {
        let Some(ascii) = raw::ascii(name) else { return self.again().other_key(name) };
        if self.sink.key_with_tag(ascii, name.as_ptr().addr()) {
            self.memory.tagged.push(name.clone().unbind());
        }
    }

    #[inline(never)]
    fn other_key(self, name: &Bound<'_, PyString>) {
        let decoded = &mut self.memory.decoded;
        if raw::decode(name, decoded, self.vectors) {
            self.sink.repaired_key(decoded);
        } else if self.sink.key_with_tag(decoded, name.as_ptr().addr()) {
            self.memory.tagged.push(name.clone().unbind());
        }
    }
}

/// A text that was decoded.
struct Decoded<'w, S, V, const IS_REPEATED: bool>(Walk<'w, S, V, IS_REPEATED>);

impl<S: Sink, V: Vectors, const IS_REPEATED: bool> Work for Decoded<'_, S, V, IS_REPEATED> {
    type Done = ();

    #[inline(always)]
    fn run(self) {
        let Decoded(walk) = self;
        walk.sink.text_with(&walk.memory.decoded, walk.vectors);
    }
}

/// The members of a dict whose object was begun in the sink.
struct InDict<'w, 'py, S, V, const IS_REPEATED: bool>(Walk<'w, S, V, IS_REPEATED>, &'w Bound<'py, PyDict>);

impl<S: Sink, V: Vectors, const IS_REPEATED: bool> Work for InDict<'_, '_, S, V, IS_REPEATED> {
    type Done = Result<(), Interrupted>;

    #[inline(always)]
    fn run(self) -> Result<(), Interrupted> {
        let InDict(walk, dict) = self;
        // SAFETY: sinks have no access to Python. Of Python, `key` and `value` only compare types and their versions, read
        // fields of exact types, of the frozen classes of conversions and of objects whose type has a plan for its version,
        // and count references, of which others remain. `native::push` also calls the C function of an exact ZoneInfo, which
        // runs no Python code, and makes a datetime, which the collector does not track, so no collection starts. What pyo3
        // would initialise at its first use, which imports modules, was initialised with the module (`native::initialise`;
        // the classes of conversions are in it).
        unsafe { raw::for_each_member(dict, EachMember(walk, dict)) }
    }
}

/// The same, by the dict's array.
struct InArray<'w, 'py, S, V, const IS_REPEATED: bool>(Walk<'w, S, V, IS_REPEATED>, &'w Bound<'py, PyDict>, Array);

impl<S: Sink, V: Vectors, const IS_REPEATED: bool> Work for InArray<'_, '_, S, V, IS_REPEATED> {
    type Done = Result<(), Interrupted>;

    #[inline(always)]
    fn run(self) -> Result<(), Interrupted> {
        let InArray(walk, dict, array) = self;
        // SAFETY: as for `InDict`. Since the dict gave the array, the sink began an object at most.
        unsafe { raw::for_each_entry(dict, array, EachMember(walk, dict)) }
    }
}

/// Pushes a member of the dict.
struct EachMember<'w, 'py, S, V, const IS_REPEATED: bool>(Walk<'w, S, V, IS_REPEATED>, &'w Bound<'py, PyDict>);

impl<'py, S: Sink, V: Vectors, const IS_REPEATED: bool> VisitMember<'py> for EachMember<'_, 'py, S, V, IS_REPEATED> {
    type Stop = Interrupted;

    #[inline(always)]
    fn visit(&mut self, name: Borrowed<'_, 'py, PyAny>, value: Borrowed<'_, 'py, PyAny>) -> Result<(), Interrupted> {
        let EachMember(walk, dict) = self;
        if !walk.sink.tagged_key(name.as_ptr().addr()) {
            let Some(name) = raw::exact::<PyString>(name) else { return walk.odd_name(dict) };
            walk.key(&name);
        }
        walk.value(value)
    }
}

/// The elements of a list whose array was begun in the sink.
struct InList<'w, 'py, S, V, const IS_REPEATED: bool>(Walk<'w, S, V, IS_REPEATED>, &'w Bound<'py, PyList>);

impl<S: Sink, V: Vectors, const IS_REPEATED: bool> Work for InList<'_, '_, S, V, IS_REPEATED> {
    type Done = Result<(), Interrupted>;

    #[inline(always)]
    fn run(self) -> Result<(), Interrupted> {
        let InList(walk, list) = self;
        // SAFETY: `value` runs no Python code, makes no exception and allocates no container, as for a dict's members.
        unsafe { raw::for_each_element(list, EachElement(walk)) }
    }
}

/// Pushes an element of the list.
struct EachElement<'w, S, V, const IS_REPEATED: bool>(Walk<'w, S, V, IS_REPEATED>);

impl<'py, S: Sink, V: Vectors, const IS_REPEATED: bool> VisitElement<'py> for EachElement<'_, S, V, IS_REPEATED> {
    type Stop = Interrupted;

    #[inline(always)]
    fn visit(&mut self, element: Borrowed<'_, 'py, PyAny>) -> Result<(), Interrupted> {
        self.0.value(element)
    }
}
