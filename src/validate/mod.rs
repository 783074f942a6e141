//! Check `event`, `properties`, `time` and the ids: pure functions that return the rule that a value breaks.
//!
//! They know neither the writer nor what a rule does when it is broken. A message is formatted only if it is asked for.

mod ids;
mod time;

use crate::rules::Rule;
use crate::rules::finding::Message;

pub use ids::is_disallowed_id;
pub(crate) use ids::{disallowed_id, insert_id_characters, insert_id_length};
pub(crate) use time::{float_milliseconds, in_future, is_usual_time, milliseconds, saturating_integer, too_old};

/// A broken rule, and how to say so.
pub(crate) struct Violation<Say> {
    pub(crate) rule: Rule,
    /// A function that returns the message.
    pub(crate) message: Say,
}

/// `event` must be more than whitespace.
#[inline(always)]
pub(crate) fn event_name<'a>(name: &'a str) -> Option<Violation<impl FnOnce() -> Message<'a>>> {
    let starts_visible = name.as_bytes().first().is_some_and(u8::is_ascii_graphic);
    (!starts_visible && name.trim().is_empty()).then_some(Violation {
        rule: Rule::EventBlank,
        message: move || Message::Quoted("'event' is ", name, ": give the event a name"),
    })
}

/// A value of a type that a rule does not allow, described by `found`. `rule` must be a rule about a type.
pub(crate) fn wrong_type(rule: Rule, found: &str) -> Violation<impl FnOnce() -> String> {
    let wanted = match rule {
        Rule::EventNotObject => "an event must be an object with 'event' and 'properties'",
        Rule::EventType => "'event' must be text, the name of what happened",
        Rule::PropertiesType => "'properties' must be an object",
        Rule::TimeType => {
            "'time' must be a number of seconds or milliseconds since the epoch, or a datetime with a timezone"
        }
        Rule::DistinctIdType => "'distinct_id' must be text",
        Rule::InsertIdType => "'$insert_id' must be text",
        _ => unreachable!("no rule about a type"),
    };
    Violation { rule, message: move || format!("{wanted}, and is {found}") }
}

/// A missing field or property: its path, and the message. `rule` must be a rule about one that is missing.
pub(crate) fn missing(rule: Rule) -> (&'static str, Violation<impl FnOnce() -> &'static str>) {
    let (path, message) = match rule {
        Rule::EventMissing => {
            ("event", "the event has no 'event': give it the name of what happened, such as \"Signed Up\"")
        }
        Rule::PropertiesMissing => {
            ("properties", "the event has no 'properties': give it an object with time, distinct_id and $insert_id")
        }
        Rule::TimeMissing => {
            ("properties.time", "the event has no 'time': set it to seconds or milliseconds since the epoch")
        }
        Rule::DistinctIdMissing => (
            "properties.distinct_id",
            "the event has no 'distinct_id': set it to the user's id, or to \"\" for an anonymous event",
        ),
        Rule::InsertIdMissing => (
            "properties.$insert_id",
            "the event has no '$insert_id': set it to a unique id such as a UUID, or let the encoder derive one",
        ),
        Rule::TokenMissing => {
            ("properties.token", "the event has no 'token': set it to the project's token, or give the encoder token=")
        }
        _ => unreachable!("no rule about a missing field"),
    };
    (path, Violation { rule, message: move || message })
}
