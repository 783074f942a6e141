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

use std::sync::Arc;

use sha2::{Digest, Sha256};

pub use super::canonical::Fault;
use super::canonical::{Value, array, integer, null, object, text};
use crate::rules::limits::{FIRST_MILLISECONDS, MAX_LEVELS};
use crate::serialize::{Moment, MomentText, is_beyond_double, write_float};
use crate::source::Sink;
use crate::steps;
use crate::validate::float_milliseconds;

/// Properties with a separate place in the canonical text, or none.
const APART: [&str; 4] = ["time", "distinct_id", "$insert_id", "token"];

/// A sink that collects the content of the canonical text of an event.
pub struct Canonical {
    open: Vec<Open>,
    event: Option<Value>,
    milliseconds: Option<Vec<u8>>,
    properties: Vec<(String, Value)>,
    is_object: bool,
    /// A name of the event or its properties is not text.
    fault: Option<Fault>,
    /// A field or property nests too deep, and the rest of it is not walked.
    is_too_deep: bool,
    /// Elements of arrays so far, and the number of them with which an event is far too large anyway.
    elements: usize,
    max_elements: usize,
    /// The properties that the id is derived from; None is all.
    wanted: Option<Arc<[String]>>,
    /// Whether the property that is pushed is none of them.
    skips: bool,
}

impl Default for Canonical {
    fn default() -> Canonical {
        Canonical::of_fields(None, usize::MAX)
    }
}

/// An open object or array, with the canonical JSON of its values so far.
enum Open {
    Event {
        name: String,
    },
    Properties {
        name: String,
    },
    Object {
        name: String,
        members: Vec<(String, Value)>,
        fault: Option<Fault>,
    },
    /// Its JSON so far, without the closing bracket.
    Array(Value),
}

impl Canonical {
    /// A sink for an id of these fields, or of the event, which is rejected for its size if its arrays have more elements.
    pub(crate) fn of_fields(wanted: Option<Arc<[String]>>, max_elements: usize) -> Canonical {
        Canonical {
            open: Vec::new(),
            event: None,
            milliseconds: None,
            properties: Vec::new(),
            is_object: false,
            fault: None,
            is_too_deep: false,
            elements: 0,
            max_elements,
            wanted,
            skips: false,
        }
    }

    /// Whether the event has an `$insert_id`, of whatever kind.
    pub fn has_insert_id(&self) -> bool {
        self.properties.iter().any(|(name, _)| name == "$insert_id")
    }

    /// Whether each of the fields, if there are any, is missing or null.
    pub(crate) fn has_none_of(&self, fields: Option<&[String]>) -> bool {
        fields.is_some_and(|fields| fields.iter().all(|field| self.value_of(field).json == b"null"))
    }

    /// Whether the event is an object, as an event must be.
    pub fn is_object(&self) -> bool {
        self.is_object
    }

    /// The id, of the whole event or of some fields. A value without a JSON form is an error if `strict`, and null otherwise.
    pub fn insert_id(self, fields: Option<&[String]>, strict: bool) -> Result<String, Fault> {
        let own_fault = self.fault.clone();
        let Value { json, fault } = self.text(fields);
        match own_fault.or(fault) {
            Some(fault) if strict || fault == Fault::TooDeep => return Err(fault),
            _ => {}
        }
        let hash = Sha256::digest(json);
        Ok(hash.iter().flat_map(|byte| [byte >> 4, byte & 15]).take(36).map(hex_digit).collect())
    }

    /// The canonical text. In `fields`, `event` is the event's name and any other name a property.
    fn text(self, fields: Option<&[String]>) -> Value {
        if let Some(fields) = fields {
            return array(fields.iter().map(|field| self.value_of(field)).collect());
        }
        let mut values = ["event", "time", "distinct_id"].map(|field| self.value_of(field)).to_vec();
        let others = self.properties.into_iter().filter(|(name, _)| !APART.contains(&name.as_str()));
        values.push(object(others.collect(), None));
        array(values)
    }

    fn value_of(&self, field: &str) -> Value {
        let property =
            |name| self.properties.iter().rev().find(|(other, _)| other == name).map(|(_, value)| value.clone());
        let found = match field {
            "event" => self.event.clone(),
            "time" => {
                let fault = property(field).and_then(|time| time.fault);
                Some(Value { json: self.milliseconds.clone().unwrap_or_else(|| b"null".to_vec()), fault })
            }
            _ => property(field),
        };
        found.unwrap_or_else(null)
    }

    /// Whether the next value is `properties.time`.
    fn is_time(&self) -> bool {
        matches!(self.open.last(), Some(Open::Properties { name }) if name == "time")
    }

    /// Adds a complete value to the innermost open container.
    fn value(&mut self, value: Value) {
        match self.open.last_mut() {
            Some(Open::Event { name }) if name == "event" => self.event = Some(value),
            Some(Open::Event { .. }) | None => {}
            Some(Open::Properties { .. }) if self.skips => {}
            Some(Open::Properties { name }) => {
                // The last of several times counts.
                if name == "time" {
                    self.milliseconds = None;
                }
                self.properties.push((std::mem::take(name), value));
            }
            Some(Open::Object { name, members, .. }) => members.push((std::mem::take(name), value)),
            Some(Open::Array(array)) => {
                if array.json.len() > 1 {
                    array.json.push(b',');
                }
                array.json.extend_from_slice(&value.json);
                array.fault = array.fault.take().or(value.fault);
                self.elements += 1;
            }
        }
    }

    fn value_and_time(&mut self, json: Vec<u8>, milliseconds: Option<Vec<u8>>) {
        let is_time = self.is_time();
        self.value(Value { json, fault: None });
        if is_time {
            self.milliseconds = milliseconds;
        }
    }

    /// Adds null for a container that is not walked: it has no place in the text, or nests too deep.
    fn skip_container(&mut self) {
        if self.skips {
            return;
        }
        let fault = self.is_too_deep.then_some(Fault::TooDeep);
        self.value(Value { fault, ..null() });
    }

    /// Whether to walk the container that starts now.
    fn walks_container(&mut self) -> bool {
        if self.skips {
            return false;
        }
        let level = match self.open.first() {
            Some(Open::Event { name }) if name == "event" => self.open.len(),
            Some(Open::Event { name }) if name == "properties" => self.open.len() - 1,
            _ => return false,
        };
        self.is_too_deep |= level > MAX_LEVELS;
        !self.is_too_deep
    }
}

fn hex_digit(digit: u8) -> char {
    char::from(b"0123456789abcdef"[usize::from(digit)])
}

impl Sink for Canonical {
    fn begin_object(&mut self) -> bool {
        let is_properties = matches!(self.open.as_slice(), [Open::Event { name }] if name == "properties");
        let name = String::new();
        let opened = if self.open.is_empty() {
            self.is_object = true;
            Open::Event { name }
        } else if is_properties {
            self.properties.clear(); // the last of several counts
            self.milliseconds = None;
            Open::Properties { name }
        } else if self.walks_container() {
            Open::Object { name, members: Vec::new(), fault: None }
        } else {
            self.skip_container();
            return false;
        };
        self.open.push(opened);
        true
    }

    fn end_object(&mut self) {
        if let Some(Open::Object { members, fault, .. }) = self.open.pop() {
            self.value(object(members, fault));
        }
    }

    fn begin_array(&mut self) -> bool {
        let is_field = matches!(self.open.last(), Some(Open::Event { name }) if name == "properties");
        if is_field || !self.walks_container() {
            self.skip_container();
            return false;
        }
        self.open.push(Open::Array(Value { json: vec![b'['], fault: None }));
        true
    }

    fn end_array(&mut self) {
        if let Some(Open::Array(mut array)) = self.open.pop() {
            array.json.push(b']');
            steps::count(array.json.len());
            self.value(array);
        }
    }

    fn key(&mut self, key: &str) {
        // The next field or property may be less deep.
        self.is_too_deep &= self.open.len() > 2;
        if let Some(Open::Event { name } | Open::Properties { name } | Open::Object { name, .. }) = self.open.last_mut()
        {
            key.clone_into(name);
        }
        self.skips = match (self.open.as_slice(), &self.wanted) {
            ([_, Open::Properties { .. }], Some(wanted)) => {
                key != "$insert_id" && !wanted.iter().any(|name| name == key)
            }
            ([_], _) => false,
            _ => self.skips,
        };
    }

    fn repaired_key(&mut self, name: &str) {
        self.key(name);
    }

    fn spelled_key(&mut self, name: &str, _spelling: &str) {
        self.key(name);
    }

    fn duplicate_key(&mut self, _times: usize) {}

    fn unsupported_key(&mut self, message: &str) {
        let found = || Fault::Unsupported(format!("a name must be text, and one is {message}"));
        let fault = match self.open.last_mut() {
            Some(Open::Object { fault, .. }) => fault,
            _ => &mut self.fault,
        };
        fault.get_or_insert_with(found);
    }

    fn names_may_repeat(&mut self) {}

    fn is_far_too_large(&self) -> bool {
        self.elements > self.max_elements
    }

    fn text(&mut self, value: &str) {
        if self.skips {
            return;
        }
        self.value(text(value));
    }

    fn repaired_text(&mut self, value: &str) {
        Sink::text(self, value);
    }

    fn spelled_text(&mut self, value: &str, _spelling: &str) {
        Sink::text(self, value);
    }

    fn integer(&mut self, value: i64) {
        let is_milliseconds = value.unsigned_abs() >= FIRST_MILLISECONDS.unsigned_abs();
        let milliseconds = if is_milliseconds { value } else { value * 1000 };
        self.value_and_time(integer(value), Some(integer(milliseconds)));
    }

    fn number(&mut self, spelling: &str) {
        if self.skips {
            return;
        }
        if is_beyond_double(spelling) {
            return self.float(f64::INFINITY);
        }
        if spelling.contains(['.', 'e', 'E']) {
            return self.float(spelling.parse().unwrap_or(f64::NAN));
        }
        match spelling.parse() {
            Ok(value) => Sink::integer(self, value),
            Err(_) => self.value_and_time(spelling.into(), Some(spelling.into())),
        }
    }

    fn float(&mut self, value: f64) {
        if !value.is_finite() {
            return self.value_and_time(b"null".to_vec(), None);
        }
        let mut json = Vec::new();
        write_float(&mut json, value);
        self.value_and_time(json, Some(format!("{:.0}", float_milliseconds(value) + 0.0).into_bytes()));
    }

    fn boolean(&mut self, value: bool) {
        self.value(Value { json: if value { b"true".to_vec() } else { b"false".to_vec() }, fault: None });
    }

    fn null(&mut self) {
        self.value(null());
    }

    fn moment(&mut self, moment: Moment) {
        let written = format!("\"{}\"", MomentText::of(moment).as_str()).into_bytes();
        self.value_and_time(written, moment.utc.then(|| integer(moment.milliseconds())));
    }

    fn unsupported(&mut self, message: &str) {
        self.value(Value { fault: Some(Fault::Unsupported(message.to_owned())), ..null() });
    }
}
