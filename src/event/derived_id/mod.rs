//! Derive an `$insert_id` from the content of an event, the same on every machine and from every source.
//!
//! It is the first 36 characters of the lower-case hex SHA-256 of a canonical text, which is the compact JSON of
//!
//! ```text
//! [event, time in milliseconds, distinct_id, {the other properties}]
//! ```
//!
//! without `token` and `$insert_id`; or, with `fields`, of the array of the values of those fields. Names are sorted by code
//! point at every level, a missing value is null, and nothing is truncated. A number without fraction and exponent is
//! written by its digits, any other as the shortest text that reads back as the same double;
//! one that no double can hold is null, as NaN is.

mod buffer;
mod sink;

use std::ops::Range;
use std::sync::Arc;

use sha2::{Digest, Sha256};

pub use buffer::Fault;
use buffer::{Buffer, Member, Value};

use crate::steps;

/// Properties with a separate place in the canonical text, or none.
const APART: [&str; 4] = ["time", "distinct_id", "$insert_id", "token"];
const TIME: usize = 0;
const INSERT_ID: usize = 2;

/// A sink that collects the content of the canonical text of an event. Its memory is reused from one event to the next.
#[derive(Default)]
pub struct Canonical {
    buffer: Buffer,
    open: Vec<Open>,
    /// The members of the open objects, those of outer ones first.
    members: Vec<Member>,
    event: Option<Value>,
    /// The last values of the properties `APART`.
    apart: [Option<Value>; APART.len()],
    /// The other properties.
    others: Vec<Member>,
    /// The time in milliseconds, if there is one.
    milliseconds: Option<String>,
    is_object: bool,
    /// A name of the event or its properties is not text.
    fault: Option<u32>,
    /// A field or property nests too deep, and the rest of it is not walked.
    is_too_deep: bool,
    /// Elements of arrays so far, and the number of them with which an event is far too large anyway.
    elements: usize,
    max_elements: Option<usize>,
    /// The properties that the id is derived from; None is all.
    wanted: Option<Arc<[String]>>,
    /// Whether the property that is pushed is none of them.
    skips: bool,
    text: Vec<u8>,
}

/// An open object or array.
enum Open {
    Event { field: Field },
    Properties { name: Range<usize>, apart: Option<usize> },
    Object { name: Range<usize>, start: usize, first_member: usize, fault: Option<u32> },
    Array { start: usize, fault: Option<u32> },
}

/// A field of an event.
enum Field {
    Event,
    Properties,
    Other,
}

impl Canonical {
    /// Takes the next event, for an id of these fields, or of the whole event. It is rejected for its size if its arrays
    /// have more than so many elements.
    pub(crate) fn begin(&mut self, wanted: Option<&Arc<[String]>>, max_elements: usize) {
        self.buffer.clear();
        self.open.clear();
        self.members.clear();
        (self.event, self.fault) = (None, None);
        self.clear_properties();
        (self.is_object, self.is_too_deep, self.skips) = (false, false, false);
        (self.elements, self.max_elements) = (0, Some(max_elements));
        self.wanted = wanted.cloned();
    }

    /// Forgets the last event, and gives memory back, but for so many bytes of each buffer.
    pub(crate) fn forget(&mut self, bytes: usize) {
        self.begin(None, 0);
        self.buffer.shrink_to(bytes);
        self.members.shrink_to(bytes / size_of::<Member>());
        self.others.shrink_to(bytes / size_of::<Member>());
        self.text.clear();
        self.text.shrink_to(bytes);
    }

    /// Whether the event has an `$insert_id`, of whatever kind.
    pub fn has_insert_id(&self) -> bool {
        self.apart[INSERT_ID].is_some()
    }

    /// Whether each of the fields, if there are any, is missing or null.
    pub(crate) fn has_none_of(&self, fields: Option<&[String]>) -> bool {
        fields.is_some_and(|fields| fields.iter().all(|field| self.json_of(field) == b"null"))
    }

    /// Whether the event is an object, as an event must be.
    pub fn is_object(&self) -> bool {
        self.is_object
    }

    /// The id, of the whole event or of some fields. A value without a JSON form is an error if `strict`, and null otherwise.
    pub fn insert_id(&mut self, fields: Option<&[String]>, strict: bool) -> Result<String, Fault> {
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        let fault = self.write(&mut text, fields);
        let hash = Sha256::digest(&text);
        self.text = text;
        match fault.map(|number| self.buffer.fault(number)) {
            Some(fault) if strict || *fault == Fault::TooDeep => Err(fault.clone()),
            _ => Ok(hex(&hash[..18])),
        }
    }

    /// Writes the canonical text, and returns the number of the first fault. In `fields`, `event` is the event's name and any
    /// other name a property.
    fn write(&mut self, text: &mut Vec<u8>, fields: Option<&[String]>) -> Option<u32> {
        let mut fault = self.fault;
        let mut write = |text: &mut Vec<u8>, field: &str| {
            text.push(if text.is_empty() { b'[' } else { b',' });
            text.extend_from_slice(self.json_of(field));
            fault = fault.or(self.fault_of(field));
        };
        if let Some(fields) = fields {
            fields.iter().for_each(|field| write(text, field));
        } else {
            ["event", "time", "distinct_id"].iter().for_each(|field| write(text, field));
            text.push(b',');
            self.buffer.sort(&mut self.others);
            fault = fault.or(self.buffer.write_object(text, &self.others));
        }
        if text.is_empty() {
            text.push(b'[');
        }
        text.push(b']');
        steps::count(text.len());
        fault
    }

    fn value_of(&self, field: &str) -> Option<&Value> {
        if field == "event" {
            return self.event.as_ref();
        }
        if let Some(place) = place_apart(field) {
            return self.apart[place].as_ref();
        }
        self.others.iter().rev().find(|member| self.buffer.name(member) == field).map(|member| &member.value)
    }

    fn json_of(&self, field: &str) -> &[u8] {
        if field == APART[TIME] {
            return self.milliseconds.as_ref().map_or(b"null", |milliseconds| milliseconds.as_bytes());
        }
        self.value_of(field).map_or(b"null", |value| &self.buffer.json[value.json.clone()])
    }

    fn fault_of(&self, field: &str) -> Option<u32> {
        self.value_of(field).and_then(|value| value.fault)
    }

    fn clear_properties(&mut self) {
        self.apart = Default::default();
        self.others.clear();
        self.milliseconds = None;
    }
}

/// The place of a property in `APART`.
fn place_apart(name: &str) -> Option<usize> {
    APART.iter().position(|apart| *apart == name)
}

fn hex(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            digits.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
        }
    }
    digits
}
