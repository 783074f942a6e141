//! Derive: an `$insert_id` made of what makes an event unique, the same on every machine and from every source.
//!
//! It is the first 36 characters of the lower-case hex SHA-256 of a canonical text, which is the compact JSON of
//!
//! ```text
//! [event, time in milliseconds, distinct_id, {the other properties}]
//! ```
//!
//! without `token` and `$insert_id`; or, by `fields`, of the array of those fields' values. Names are sorted by code point
//! at every level, what is missing is null, nothing is cut. A number without a fraction or exponent is written by its
//! digits, any other as the shortest text that reads back as the same double.

use sha2::{Digest, Sha256};

use crate::rules::limits::{FIRST_MILLISECONDS, MAX_LEVELS};
use crate::serialize::{Moment, write_float, write_integer, write_moment, write_string};
use crate::source::Sink;
use crate::validate::float_milliseconds;

/// Properties that have a place of their own in the canonical text, or none.
const APART: [&str; 4] = ["time", "distinct_id", "$insert_id", "token"];

/// Collects what the canonical text of an event is made of.
#[derive(Default)]
pub struct Canonical {
    open: Vec<Open>,
    event: Option<Value>,
    milliseconds: Option<Vec<u8>>,
    properties: Vec<(String, Value)>,
    is_object: bool,
    /// The event or its properties have a name that is no text.
    fault: Option<Fault>,
    /// A field or property nests too deep, and no more of it is looked into.
    is_too_deep: bool,
}

/// A value in canonical JSON.
#[derive(Clone, Default)]
struct Value {
    json: Vec<u8>,
    /// What in it could not be written, and is null.
    fault: Option<Fault>,
}

/// An object or array that has not ended, with the canonical JSON of what is in it so far.
enum Open {
    Event { name: String },
    Properties { name: String },
    Object { name: String, members: Vec<(String, Value)>, fault: Option<Fault> },
    Array { elements: Vec<Value> },
}

/// Why a value has no canonical JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It nests past 64 levels, or contains itself.
    TooDeep,
    /// JSON has no form for something in it; the sentence says what.
    Unsupported(String),
}

impl Canonical {
    /// Whether the event has an `$insert_id`, of whatever kind.
    pub fn has_insert_id(&self) -> bool {
        self.properties.iter().any(|(name, _)| name == "$insert_id")
    }

    /// Whether the event is an object, as an event must be.
    pub fn is_object(&self) -> bool {
        self.is_object
    }

    /// The id, by all of the event or by some of its fields. Of what has no JSON form, `strict` is a fault, else null.
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

    /// The canonical text. In `fields`, `event` is the event's name and any other a property.
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

    /// Whether the value that comes now is `properties.time`.
    fn is_time(&self) -> bool {
        matches!(self.open.last(), Some(Open::Properties { name }) if name == "time")
    }

    /// Takes a value that is complete into what is around it.
    fn value(&mut self, value: Value) {
        match self.open.last_mut() {
            Some(Open::Event { name }) if name == "event" => self.event = Some(value),
            Some(Open::Event { .. }) | None => {}
            Some(Open::Properties { name }) => {
                // Of several times, the last.
                if name == "time" {
                    self.milliseconds = None;
                }
                self.properties.push((std::mem::take(name), value));
            }
            Some(Open::Object { name, members, .. }) => members.push((std::mem::take(name), value)),
            Some(Open::Array { elements }) => elements.push(value),
        }
    }

    fn value_and_time(&mut self, json: Vec<u8>, milliseconds: Option<Vec<u8>>) {
        let is_time = self.is_time();
        self.value(Value { json, fault: None });
        if is_time {
            self.milliseconds = milliseconds;
        }
    }

    /// A container is not looked into: it has no place in the text, or nests too deep.
    fn pass_over(&mut self) {
        let fault = self.is_too_deep.then_some(Fault::TooDeep);
        self.value(Value { fault, ..null() });
    }

    /// Whether a container that begins now is looked into.
    fn looks_into(&mut self) -> bool {
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

fn null() -> Value {
    Value { json: b"null".to_vec(), fault: None }
}

fn array(values: Vec<Value>) -> Value {
    let elements: Vec<&[u8]> = values.iter().map(|value| value.json.as_slice()).collect();
    let json = [b"[", elements.join(&b',').as_slice(), b"]"].concat();
    Value { json, fault: values.into_iter().find_map(|value| value.fault) }
}

fn object(mut members: Vec<(String, Value)>, fault: Option<Fault>) -> Value {
    // By the bytes of UTF-8, which is by code point.
    members.sort_by(|(one, _), (other, _)| one.cmp(other));
    let mut json = vec![b'{'];
    for (position, (name, value)) in members.iter().enumerate() {
        if position > 0 {
            json.push(b',');
        }
        write_string(&mut json, name);
        json.push(b':');
        json.extend_from_slice(&value.json);
    }
    json.push(b'}');
    Value { json, fault: fault.or_else(|| members.into_iter().find_map(|(_, value)| value.fault)) }
}

fn text(text: &str) -> Value {
    let mut json = Vec::with_capacity(text.len() + 2);
    write_string(&mut json, text);
    Value { json, fault: None }
}

fn integer(value: i64) -> Vec<u8> {
    let mut json = Vec::new();
    write_integer(&mut json, value);
    json
}

impl Sink for Canonical {
    fn begin_object(&mut self) -> bool {
        let is_properties = matches!(self.open.as_slice(), [Open::Event { name }] if name == "properties");
        let name = String::new();
        let opened = if self.open.is_empty() {
            self.is_object = true;
            Open::Event { name }
        } else if is_properties {
            self.properties.clear(); // of several, the last
            self.milliseconds = None;
            Open::Properties { name }
        } else if self.looks_into() {
            Open::Object { name, members: Vec::new(), fault: None }
        } else {
            self.pass_over();
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
        if is_field || !self.looks_into() {
            self.pass_over();
            return false;
        }
        self.open.push(Open::Array { elements: Vec::new() });
        true
    }

    fn end_array(&mut self) {
        if let Some(Open::Array { elements }) = self.open.pop() {
            self.value(array(elements));
        }
    }

    fn key(&mut self, key: &str) {
        // One field or property may be too deep, and the next not.
        self.is_too_deep &= self.open.len() > 2;
        if let Some(Open::Event { name } | Open::Properties { name } | Open::Object { name, .. }) = self.open.last_mut()
        {
            key.clone_into(name);
        }
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

    fn text(&mut self, value: &str) {
        self.value(text(value));
    }

    fn repaired_text(&mut self, value: &str) {
        self.value(text(value));
    }

    fn spelled_text(&mut self, value: &str, _spelling: &str) {
        self.value(text(value));
    }

    fn integer(&mut self, value: i64) {
        let is_milliseconds = value.unsigned_abs() >= FIRST_MILLISECONDS.unsigned_abs();
        let milliseconds = if is_milliseconds { value } else { value * 1000 };
        self.value_and_time(integer(value), Some(integer(milliseconds)));
    }

    fn number(&mut self, spelling: &str) {
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
        let mut written = vec![b'"'];
        write_moment(&mut written, moment);
        written.push(b'"');
        self.value_and_time(written, moment.utc.then(|| integer(moment.milliseconds())));
    }

    fn unsupported(&mut self, message: &str) {
        self.value(Value { fault: Some(Fault::Unsupported(message.to_owned())), ..null() });
    }
}
