//! The simplest source: an event as a value in memory, for Rust programs, fuzzers and benchmarks.
//!
//! ```
//! use mixpress::batch::{Batcher, Format, Origin};
//! use mixpress::limits::{Endpoint, Limits};
//! use mixpress::source::value::Value;
//!
//! let properties = [("time", 1_700_000_000.into()), ("distinct_id", "u-1".into()), ("$insert_id", "i-1".into())];
//! let event = Value::from([("event", Value::from("Signed Up")), ("properties", Value::from(properties))]);
//! let mut batcher = Batcher::new(Limits::documented(), Endpoint::Import, Format::Ndjson, None);
//! batcher.add(Origin { index: 0, line: None }, &event).unwrap();
//! assert!(batcher.finish().unwrap().json.starts_with(b"{\"event\":\"Signed Up\",\"properties\":{\"time\":1700000000,"));
//! ```

use std::collections::HashSet;
use std::convert::Infallible;

use super::{Sink, Source};
use crate::scan::Scanner;
use crate::serialize::Moment;

/// A value of an event, or an event.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Null.
    Null,
    /// True or false.
    Boolean(bool),
    /// An integer of 64 bits.
    Integer(i64),
    /// A number by its JSON spelling, which is kept: for larger integers, and decimals.
    Number(String),
    /// A float, which may be infinite or NaN.
    Float(f64),
    /// A text.
    Text(String),
    /// A date and time.
    Moment(Moment),
    /// A value that JSON has no form for, with a message that describes it.
    Unsupported(String),
    /// An array.
    Array(Vec<Value>),
    /// An object, with its members in order.
    Object(Vec<(String, Value)>),
}

impl Source for Value {
    type Interrupted = Infallible;

    fn walk<S: Sink>(&self, sink: &mut S) -> Result<(), Infallible> {
        push(self, sink);
        Ok(())
    }
}

fn push<S: Sink>(value: &Value, sink: &mut S) {
    match value {
        Value::Null => sink.null(),
        Value::Boolean(value) => sink.boolean(*value),
        Value::Integer(value) => sink.integer(*value),
        Value::Number(spelling) if is_number(spelling) => sink.number(spelling),
        Value::Number(spelling) => sink.unsupported(&format!("{spelling:?}, which is no JSON number")),
        Value::Float(value) => sink.float(*value),
        Value::Text(text) => sink.text(text),
        Value::Moment(moment) => sink.moment(*moment),
        Value::Unsupported(message) => sink.unsupported(message),
        Value::Array(elements) => push_array(elements, sink),
        Value::Object(members) => push_object(members, sink),
    }
}

fn push_array<S: Sink>(elements: &[Value], sink: &mut S) {
    if sink.begin_array() {
        elements.iter().for_each(|element| push(element, sink));
        sink.end_array();
    }
}

fn push_object<S: Sink>(members: &[(String, Value)], sink: &mut S) {
    if !sink.begin_object() {
        return;
    }
    let mut names = HashSet::with_capacity(members.len());
    if !members.iter().all(|(name, _)| names.insert(name)) {
        sink.names_may_repeat();
    }
    for (name, value) in members {
        sink.key(name);
        push(value, sink);
    }
    sink.end_object();
}

fn is_number(spelling: &str) -> bool {
    let mut scanner = Scanner::new(spelling, 0);
    scanner.number().is_ok() && scanner.at() == spelling.len()
}

impl From<bool> for Value {
    fn from(value: bool) -> Value {
        Value::Boolean(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Value {
        Value::Integer(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Value {
        Value::Float(value)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.to_owned())
    }
}

impl From<Vec<Value>> for Value {
    fn from(elements: Vec<Value>) -> Value {
        Value::Array(elements)
    }
}

impl<const COUNT: usize> From<[(&str, Value); COUNT]> for Value {
    fn from(members: [(&str, Value); COUNT]) -> Value {
        Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::{Batcher, Format, Origin, Verdict};
    use crate::rules::Rule;
    use crate::rules::limits::{Endpoint, Limits};

    fn event(members: Vec<(String, Value)>) -> Value {
        let required = [("time", 1_700_000_000.into()), ("distinct_id", "u".into()), ("$insert_id", "i".into())];
        let Value::Object(mut properties) = Value::from(required) else { unreachable!() };
        properties.extend(members);
        Value::from([("event", Value::from("e")), ("properties", Value::Object(properties))])
    }

    fn add(event: &Value) -> (Verdict, Option<String>) {
        let mut batcher = Batcher::new(Limits::documented(), Endpoint::Import, Format::Json, None);
        let verdict = batcher.add(Origin { index: 0, line: None }, event).unwrap();
        (verdict, batcher.finish().map(|packed| String::from_utf8(packed.json).unwrap()))
    }

    #[test]
    fn each_kind_of_value_is_written_as_json() {
        let values = vec![
            Value::Null,
            true.into(),
            (-5).into(),
            1.5.into(),
            "é\"".into(),
            Value::Number("1.50e40".into()),
            Value::Moment(Moment { micros: 0, utc: false }),
            Value::from([("b", Value::Array(vec![]))]),
        ];
        let (_, json) = add(&event(vec![("a".into(), values.into())]));
        let expected = concat!(
            r#"[{"event":"e","properties":{"time":1700000000,"distinct_id":"u","$insert_id":"i","#,
            r#""a":[null,true,-5,1.5,"é\"",1.50e40,"1970-01-01T00:00:00",{"b":[]}]}}]"#
        );
        assert_eq!(json.as_deref(), Some(expected));
    }

    #[test]
    fn values_without_a_json_form_are_rejected() {
        let unsupported = Value::Unsupported("a socket".into());
        let no_number = Value::Number("1.".into());
        let twice = Value::from([("b", 1.into()), ("b", 2.into())]);
        for (value, rule) in
            [(unsupported, Rule::UnsupportedType), (no_number, Rule::UnsupportedType), (twice, Rule::KeyCollision)]
        {
            let (verdict, json) = add(&event(vec![("a".into(), value)]));
            assert!(matches!(verdict, Verdict::Rejected(found) if found.findings[0].rule == rule));
            assert_eq!(json, None);
        }
    }
}
