//! Check `event`, `properties`, `time` and the ids: pure functions that return the rule that a value breaks.
//!
//! They know neither the writer nor what a rule does when it is broken. A message is formatted only if it is asked for.

mod ids;
mod time;
mod updates;

use crate::rules::Rule;
use crate::rules::finding::Message;
use crate::rules::limits::Endpoint;

pub use ids::is_disallowed_id;
pub(crate) use ids::{device_id_prefix, disallowed_id, insert_id_characters, insert_id_length, merged_id};
pub(crate) use time::{float_milliseconds, in_future, is_usual_time, milliseconds, saturating_integer, too_old};
pub(crate) use updates::{empty_id, unknown_field};

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

/// What a rule about a type is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// An event, or something in it.
    Event,
    /// An update of a profile, or something in it.
    Update,
    /// An operation that is a list.
    List,
    /// An operation that is a text.
    Text,
    /// The token of an update.
    Token,
    /// The address of a user.
    Address,
    /// A member of an update that is true or false.
    Flag,
}

impl Wanted {
    pub(crate) fn of(endpoint: Endpoint) -> Wanted {
        if endpoint.takes_updates() { Wanted::Update } else { Wanted::Event }
    }
}

/// A value of a type that a rule does not allow, described by `found`. `rule` must be a rule about a type.
pub(crate) fn wrong_type(rule: Rule, wanted: Wanted, found: &str) -> Violation<impl FnOnce() -> String> {
    let wanted = match (rule, wanted) {
        (Rule::EventNotObject, Wanted::Update) => "an update must be an object with an id and an operation",
        (Rule::DistinctIdType, Wanted::Update) => "'$distinct_id' must be text",
        (Rule::OperationType, Wanted::List) => "'$unset' must be a list of the names of properties",
        (Rule::OperationType, Wanted::Text) => "'$delete' must be text, as in '\"$delete\": \"\"'",
        (Rule::FieldType, Wanted::Token) => "'$token' must be text, the project's token",
        (Rule::FieldType, Wanted::Address) => "'$ip' must be an address as text, or \"0\" for no location",
        (Rule::FieldType, _) => "'$ignore_time' or '$ignore_alias' must be true or false",
        _ => wanted_of(rule),
    };
    Violation { rule, message: move || format!("{wanted}, and is {found}") }
}

fn wanted_of(rule: Rule) -> &'static str {
    match rule {
        Rule::EventNotObject => "an event must be an object with 'event' and 'properties'",
        Rule::EventType => "'event' must be text, the name of what happened",
        Rule::PropertiesType => "'properties' must be an object",
        Rule::TimeType => {
            "'time' must be a number of seconds or milliseconds since the epoch, or a datetime with a timezone"
        }
        Rule::DistinctIdType => "'distinct_id' must be text",
        Rule::DeviceIdType => "'$device_id' must be text, the id of the device or the session",
        Rule::UserIdType => "'$user_id' must be text, the user's id",
        Rule::InsertIdType => "'$insert_id' must be text",
        Rule::OperationType => "an operation must be an object of properties",
        Rule::AddNotANumber => "a value of '$add' must be a number",
        Rule::UnionNotAList => "a value of '$union' must be a list",
        Rule::UnsetNotAName => "an element of '$unset' must be text, the name of a property",
        Rule::GroupKeyType => "'$group_key' must be text",
        Rule::GroupIdType => "'$group_id' must be text",
        _ => unreachable!("no rule about a type"),
    }
}

/// A missing field or property: its path, and the message. `rule` must be a rule about one that is missing.
pub(crate) fn missing(rule: Rule, endpoint: Endpoint) -> (&'static str, Violation<impl FnOnce() -> &'static str>) {
    let (path, message) = match rule {
        Rule::OperationMissing => ("", "the update has no operation: give it one, such as '$set'"),
        Rule::DistinctIdMissing if endpoint.takes_updates() => {
            ("$distinct_id", "the update has no '$distinct_id': set it to the user's id")
        }
        Rule::GroupKeyMissing => (
            "$group_key",
            "the update has no '$group_key': set it to the property that groups are identified by, or give the encoder \
             group_key=",
        ),
        Rule::GroupIdMissing => ("$group_id", "the update has no '$group_id': set it to the group's id"),
        Rule::TokenMissing if endpoint.takes_updates() => {
            ("$token", "the update has no '$token': set it to the project's token, or give the encoder token=")
        }
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
        Rule::IdentityMissing => (
            "properties",
            "the event has no '$device_id' or '$user_id' that is text and not empty, and no 'distinct_id': set \
             '$device_id' to the id of the device or the session, or '$user_id' to the user's id",
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
