//! Read JSON text by serde_json into values: numbers by their spelling, members in order, the last one of each name.

use mixpress::source::value::Value;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The events of a text, each with the offset of its start: its values, or the elements of its arrays. None if the text is
/// not JSON throughout.
pub fn events(text: &str) -> Option<Vec<(usize, Value)>> {
    let mut events = Vec::new();
    for raw in serde_json::Deserializer::from_str(text).into_iter::<&RawValue>() {
        let raw = raw.ok()?.get();
        let offset = |part: &str| part.as_ptr() as usize - text.as_ptr() as usize;
        if raw.starts_with('[') {
            let elements: Vec<&RawValue> = serde_json::from_str(raw).ok()?;
            events.extend(elements.iter().map(|element| (offset(element.get()), value(element.get()))));
        } else {
            events.push((offset(raw), value(raw)));
        }
    }
    Some(events)
}

/// The members of an object, in order, with the JSON of each, also if one name has several. None of another value.
pub fn members(object: &str) -> Option<Vec<(String, String)>> {
    object.starts_with('{').then(|| {
        let Members(members) = read(object);
        members.iter().map(|(name, value)| (name.to_text(), value.get().to_owned())).collect()
    })
}

/// The value of a text that is valid JSON.
pub fn value(raw: &str) -> Value {
    match raw.as_bytes()[0] {
        b'n' => Value::Null,
        b't' | b'f' => Value::Boolean(raw == "true"),
        b'"' => Value::Text(read::<Wtf8>(raw).to_text()),
        b'[' => Value::Array(read::<Vec<&RawValue>>(raw).iter().map(|element| value(element.get())).collect()),
        b'{' => {
            let Members(members) = read(raw);
            let is_last = |at: usize| !members[at + 1..].iter().any(|(name, _)| *name == members[at].0);
            let last = members.iter().enumerate().filter(|(at, _)| is_last(*at));
            Value::Object(last.map(|(_, (name, member))| (name.to_text(), value(member.get()))).collect())
        }
        _ => Value::Number(raw.to_owned()),
    }
}

fn read<'a, T: Deserialize<'a>>(raw: &'a str) -> T {
    serde_json::from_str(raw).expect("a part of JSON is JSON")
}

/// A string's bytes, with lone surrogates encoded like any code point.
#[derive(PartialEq)]
pub struct Wtf8(pub Vec<u8>);

impl Wtf8 {
    pub fn has_surrogates(&self) -> bool {
        std::str::from_utf8(&self.0).is_err()
    }

    /// The text, with U+FFFD for each surrogate, which is ED, then A0 to BF, and a third byte.
    pub fn to_text(&self) -> String {
        let Wtf8(bytes) = self;
        let mut clean = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            let is_surrogate = bytes[at] == 0xED && bytes[at + 1] >= 0xA0;
            clean.extend_from_slice(if is_surrogate { "\u{fffd}".as_bytes() } else { &bytes[at..at + 1] });
            at += if is_surrogate { 3 } else { 1 };
        }
        String::from_utf8(clean).expect("only surrogates were not UTF-8")
    }
}

impl<'de> Deserialize<'de> for Wtf8 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Wtf8, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Wtf8;
            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a string")
            }
            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Wtf8, E> {
                Ok(Wtf8(bytes.to_vec()))
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}

struct Members<'a>(Vec<(Wtf8, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Members<'a>, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Vec<(Wtf8, &'de RawValue)>;
            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(InOrder).map(Members)
    }
}
