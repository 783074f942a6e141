//! Values of the canonical text of an event.

use crate::serialize::{write_integer, write_string};
use crate::steps;

/// A value in canonical JSON.
#[derive(Clone, Default)]
pub(super) struct Value {
    pub(super) json: Vec<u8>,
    /// Why something in it is written as null.
    pub(super) fault: Option<Fault>,
}

/// Why a value has no canonical JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It nests deeper than 64 levels, or contains itself.
    TooDeep,
    /// JSON has no form for something in it, which the message names.
    Unsupported(String),
}

pub(super) fn null() -> Value {
    Value { json: b"null".to_vec(), fault: None }
}

pub(super) fn array(values: Vec<Value>) -> Value {
    let elements: Vec<&[u8]> = values.iter().map(|value| value.json.as_slice()).collect();
    let json = [b"[", elements.join(&b',').as_slice(), b"]"].concat();
    steps::count(json.len());
    Value { json, fault: values.into_iter().find_map(|value| value.fault) }
}

pub(super) fn object(mut members: Vec<(String, Value)>, fault: Option<Fault>) -> Value {
    // The order of UTF-8 bytes is the order of code points.
    members.sort_by(|(one, _), (other, _)| {
        steps::count(1 + one.len().min(other.len()));
        one.cmp(other)
    });
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
    steps::count(json.len());
    Value { json, fault: fault.or_else(|| members.into_iter().find_map(|(_, value)| value.fault)) }
}

pub(super) fn text(text: &str) -> Value {
    let mut json = Vec::with_capacity(text.len() + 2);
    write_string(&mut json, text);
    Value { json, fault: None }
}

pub(super) fn integer(value: i64) -> Vec<u8> {
    let mut json = Vec::new();
    write_integer(&mut json, value);
    json
}
