//! Odd values: those that only Python code can read.
//!
//! A walk runs no Python code, so it stops at an odd value. A second walk then notes every odd value, and holds it; once it
//! has ended, Python code converts each to a value of one level, whose parts may be odd again. The walk is repeated, and
//! finds what a value was converted to by its address. As the value is held, no other object can have that address.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use pyo3::Borrowed;
use pyo3::prelude::*;

use crate::serialize::Moment;
use crate::source::Sink;

/// Deeper than the core's limit of levels, so that the core still sees what it has to reject.
const MAX_DEPTH: usize = 70;

/// The odd values of one event.
#[derive(Default)]
pub struct Odd {
    conversions: HashMap<usize, Conversion, BuildHasherDefault<AddressHasher>>,
    noted: Vec<Py<PyAny>>,
    pub walk: Repeated,
    /// Whether the last event had one. Then the next is likely to have one too, and a first walk of it would be in vain.
    pub are_expected: bool,
}

/// What a repeated walk does with an odd value that is not converted.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub enum Repeated {
    /// It stops.
    #[default]
    Reading,
    /// It notes the value.
    Noting,
    /// It reads a snapshot, in which a class of another type has no form.
    Snapshot,
}

struct Conversion {
    /// None until it is converted.
    result: Option<Py<PyAny>>,
    /// Held for its address.
    _value: Py<PyAny>,
}

/// What is known of an odd value.
pub enum Known {
    Converted(Py<PyAny>),
    /// It was noted, and is not converted yet.
    Noted,
    Unknown,
}

impl Odd {
    #[inline]
    pub fn find(&self, value: Borrowed<'_, '_, PyAny>) -> Known {
        match self.conversions.get(&value.as_ptr().addr()) {
            Some(Conversion { result: Some(result), .. }) => Known::Converted(result.clone_ref(value.py())),
            Some(_) => Known::Noted,
            None => Known::Unknown,
        }
    }

    pub fn note(&mut self, value: Borrowed<'_, '_, PyAny>) {
        let held = value.to_owned().unbind();
        self.noted.push(held.clone_ref(value.py()));
        self.conversions.insert(value.as_ptr().addr(), Conversion { result: None, _value: held });
    }

    /// What was noted since the last call.
    pub fn take_noted(&mut self) -> Vec<Py<PyAny>> {
        std::mem::take(&mut self.noted)
    }

    /// Lets a value be read in place.
    pub fn forget(&mut self, value: &Bound<'_, PyAny>) {
        self.conversions.remove(&value.as_ptr().addr());
    }

    /// Drops what was noted and converted. Python code may run where the result is dropped.
    pub fn take_all(&mut self) -> Odd {
        let are_expected = !self.conversions.is_empty();
        std::mem::replace(self, Odd { are_expected, ..Odd::default() })
    }

    /// As if there had been no event, but for what the next is like.
    pub fn forget_all(&mut self) {
        *self = Odd { are_expected: self.are_expected, ..Odd::default() };
    }

    pub fn convert(&mut self, value: &Bound<'_, PyAny>, result: &Bound<'_, PyAny>) {
        if let Some(conversion) = self.conversions.get_mut(&value.as_ptr().addr()) {
            conversion.result = Some(result.clone().unbind());
        }
    }
}

/// Hashes an address. Who chooses addresses can't choose many that collide: objects are at least 16 bytes apart.
#[derive(Default)]
pub struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_usize(usize::from(*byte));
        }
    }

    #[inline]
    fn write_usize(&mut self, address: usize) {
        let product = u128::from(self.0 ^ address as u64) * 0x9E37_79B9_7F4A_7C15_F39C;
        self.0 = (product as u64) ^ (product >> 64) as u64;
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }
}

/// The sink of a walk that notes odd values. It leaves out what lies too deep, and after that all containers up to the next
/// property: the copies of a value that contains itself twice would never end.
pub struct Noting<'a> {
    depth: usize,
    is_past_depth: bool,
    /// Values that may still be read, of all walks of an event.
    values: &'a mut usize,
}

impl Noting<'_> {
    pub fn new(values: &mut usize) -> Noting<'_> {
        Noting { depth: 0, is_past_depth: false, values }
    }

    #[inline]
    fn count(&mut self) {
        *self.values = self.values.saturating_sub(1);
    }

    fn begin(&mut self) -> bool {
        self.count();
        if self.depth <= 2 {
            self.is_past_depth = false; // the core may skip one property and read the next
        }
        self.is_past_depth |= self.depth > MAX_DEPTH;
        let enters = !self.is_past_depth && *self.values != 0;
        self.depth += usize::from(enters);
        enters
    }
}

impl Sink for Noting<'_> {
    fn begin_object(&mut self) -> bool {
        self.begin()
    }
    fn end_object(&mut self) {
        self.depth -= 1;
    }
    fn begin_array(&mut self) -> bool {
        self.begin()
    }
    fn end_array(&mut self) {
        self.depth -= 1;
    }
    fn key(&mut self, _: &str) {}
    fn repaired_key(&mut self, _: &str) {}
    fn spelled_key(&mut self, _: &str, _: &str) {}
    fn duplicate_key(&mut self, _: usize) {}
    fn unsupported_key(&mut self, _: &str) {}
    fn names_may_repeat(&mut self) {}
    fn text(&mut self, _: &str) {
        self.count();
    }
    fn repaired_text(&mut self, _: &str) {
        self.count();
    }
    fn spelled_text(&mut self, _: &str, _: &str) {
        self.count();
    }
    fn integer(&mut self, _: i64) {
        self.count();
    }
    fn number(&mut self, _: &str) {
        self.count();
    }
    fn float(&mut self, _: f64) {
        self.count();
    }
    fn boolean(&mut self, _: bool) {
        self.count();
    }
    fn null(&mut self) {
        self.count();
    }
    fn moment(&mut self, _: Moment) {
        self.count();
    }
    fn unsupported(&mut self, _: &str) {
        self.count();
    }
}
