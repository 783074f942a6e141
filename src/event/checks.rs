//! The checks of an event while it is written: `validate` decides, this records the broken rules.

use super::applied_rules::AppliedRules;
use super::identity_event::IdentityEvent;
use super::place::{Field, Kind, Meaning, Place, Seen};
use super::writer::EventWriter;
use crate::rules::finding::{Message, quote, shown_number};
use crate::rules::limits::Identity;
use crate::rules::{Action, Rule};
use crate::source::Sink;
use crate::validate::{self, Violation};

/// How a value of a wrong type is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum WrongType {
    /// The value: the rule does not reject, so it is a plain value.
    AsGiven,
    /// Null: the event is rejected.
    Null,
}

impl EventWriter {
    /// Records a broken rule of the value that is being written, or was written last.
    #[inline(always)]
    pub(super) fn record<'a, M: Into<Message<'a>>>(&mut self, violation: Option<Violation<impl FnOnce() -> M>>) {
        if let Some(Violation { rule, message }) = violation {
            self.find(rule, message);
        }
    }

    /// Sets the place of the value after a name, which is in an object of this kind.
    #[inline(always)]
    pub(super) fn enter_member(&mut self, meaning: Meaning, kind: Kind) {
        debug_assert_eq!(kind, self.json.open.top().kind);
        if kind == Kind::Properties {
            self.seen.add(meaning.seen);
            self.place = meaning.place;
        } else {
            self.place = if kind.has_own_members() { self.enter_field(meaning.field, kind) } else { Place::Plain };
        }
    }

    /// The place of a member of the event itself, of an update, or of an operation whose values have rules.
    #[inline(never)]
    fn enter_field(&mut self, field: Field, kind: Kind) -> Place {
        let (place, seen) = match (kind, field) {
            (Kind::Event, Field::Event) => (Place::Name, Seen::EVENT),
            (Kind::Event, Field::Properties) => {
                self.begin_properties();
                (Place::Properties, Seen::PROPERTIES)
            }
            (Kind::Update, _) => return self.enter_update_field(field),
            (Kind::Addends, _) => return Place::Addend,
            (Kind::Unions, _) => return Place::Union,
            _ => {
                self.find(
                    Rule::UnknownField,
                    || "an event has only 'event' and 'properties': move this field into 'properties'",
                );
                return Place::Plain;
            }
        };
        self.seen.add(seen);
        place
    }

    /// Checks a text at a place with special rules.
    pub(super) fn check_text(&mut self, text: &str) {
        match self.place {
            Place::Plain | Place::Element => {}
            Place::Name => {
                self.identity_event = IdentityEvent::of(text);
                self.record(validate::event_name(text));
            }
            Place::DistinctId => {
                self.record(validate::disallowed_id(Rule::DistinctIdDisallowed, "'distinct_id' is ", text));
            }
            Place::InsertId => {
                self.insert_id_at = Some(self.json.text.len());
                self.record(validate::insert_id_length(text, self.rules.limits.max_insert_id_bytes));
                self.record(validate::insert_id_characters(text));
                self.record(validate::disallowed_id(Rule::InsertIdDisallowed, "'$insert_id' is ", text));
            }
            Place::ProfileId => {
                self.record(validate::empty_id(Rule::DistinctIdMissing, text));
                self.record(validate::disallowed_id(Rule::DistinctIdDisallowed, "'$distinct_id' is ", text));
            }
            Place::GroupKey => self.record(validate::empty_id(Rule::GroupKeyMissing, text)),
            Place::GroupId => self.record(validate::empty_id(Rule::GroupIdMissing, text)),
            Place::DeviceId => {
                self.check_other_id(Rule::DeviceIdDisallowed, "'$device_id' is ", text);
                if self.rules.identity == Identity::Simplified {
                    self.record(validate::device_id_prefix(text));
                }
            }
            Place::UserId => self.check_other_id(Rule::UserIdDisallowed, "'$user_id' is ", text),
            Place::Token => self.record(validate::empty_id(Rule::TokenMissing, text)),
            Place::Address | Place::UnsetName | Place::Delete => {}
            _ => {
                self.wrong_type(&format!("the text {}", quote(text)));
            }
        }
    }

    /// Checks an integer of 64 bits at a place with special rules.
    #[inline]
    pub(super) fn check_small_integer(&mut self, value: i64) {
        let AppliedRules { endpoint, now_ms, .. } = self.rules;
        if self.place != Place::Time || !validate::is_usual_time(value, endpoint, now_ms) {
            self.check_integer(value.into(), || value.to_string());
        }
    }

    /// Checks an integer at a place with special rules.
    fn check_integer(&mut self, value: i128, spelling: impl Fn() -> String) {
        if self.place == Place::Time {
            self.check_milliseconds(validate::milliseconds(value), spelling);
        } else if self.place != Place::Addend && !(self.place == Place::Address && value == 0) {
            self.wrong_type(&format!("the number {}", shown_number(&spelling())));
        }
    }

    /// Checks a time that is known in milliseconds.
    pub(super) fn check_milliseconds(&mut self, milliseconds: i128, spelling: impl Fn() -> String) {
        let AppliedRules { endpoint, now_ms, .. } = self.rules;
        self.record(validate::too_old(milliseconds, endpoint, now_ms, &spelling));
        self.record(validate::in_future(milliseconds, now_ms, &spelling));
    }

    /// Writes a number, by its spelling, at a place with special rules.
    pub(super) fn special_number(&mut self, spelling: &str) {
        let is_integer = !spelling.contains(['.', 'e', 'E']);
        if let (true, Ok(small)) = (is_integer, spelling.parse()) {
            self.check_small_integer(small); // the usual time: 64 bits parse several times as fast as 128
        } else if is_integer || self.place != Place::Time {
            self.check_integer(validate::saturating_integer(spelling), || spelling.to_owned());
        } else {
            return self.special_float(spelling.parse().unwrap_or(f64::NAN));
        }
        self.json.text.extend_from_slice(spelling.as_bytes());
    }

    /// Writes a float at a place with special rules: a time as integer milliseconds.
    #[cold]
    pub(super) fn special_float(&mut self, value: f64) {
        if self.place == Place::Addend && value.is_finite() {
            return self.plain_float(value);
        }
        if self.place != Place::Time || !value.is_finite() {
            return match self.wrong_type(&format!("the number {}", shown_number(&value.to_string()))) {
                WrongType::AsGiven => self.plain_float(value),
                WrongType::Null => self.json.text.extend_from_slice(b"null"),
            };
        }
        let milliseconds = validate::float_milliseconds(value);
        self.check_milliseconds(milliseconds as i128, || value.to_string());
        // All digits, as of any integer; `+ 0.0` turns -0 into 0.
        self.json.text.extend_from_slice(format!("{:.0}", milliseconds + 0.0).as_bytes());
    }

    /// Records that a value of this type is not allowed here. Does nothing where every type is.
    #[cold]
    pub(super) fn wrong_type(&mut self, found: &str) -> WrongType {
        let rule = match self.place {
            Place::Event => Rule::EventNotObject,
            Place::Name => Rule::EventType,
            Place::Properties => Rule::PropertiesType,
            Place::Time => Rule::TimeType,
            Place::DistinctId => Rule::DistinctIdType,
            Place::InsertId => Rule::InsertIdType,
            Place::Update => Rule::EventNotObject,
            Place::ProfileId => Rule::DistinctIdType,
            Place::GroupKey => Rule::GroupKeyType,
            Place::GroupId => Rule::GroupIdType,
            Place::Token | Place::Address | Place::Flag => Rule::FieldType,
            Place::Set | Place::Operation | Place::Addends | Place::Unions | Place::Unset | Place::Delete => {
                Rule::OperationType
            }
            Place::Addend => Rule::AddNotANumber,
            Place::Union => Rule::UnionNotAList,
            Place::UnsetName => Rule::UnsetNotAName,
            Place::DeviceId if self.rules.identity == Identity::Simplified => Rule::DeviceIdType,
            Place::UserId if self.rules.identity == Identity::Simplified => Rule::UserIdType,
            Place::Plain | Place::Element | Place::DeviceId | Place::UserId => return WrongType::AsGiven,
        };
        let wanted = match self.place {
            Place::Unset => validate::Wanted::List,
            Place::Delete => validate::Wanted::Text,
            Place::Token => validate::Wanted::Token,
            Place::Address => validate::Wanted::Address,
            Place::Flag => validate::Wanted::Flag,
            _ => validate::Wanted::of(self.rules.endpoint),
        };
        self.record(Some(validate::wrong_type(rule, wanted, found)));
        if self.place != Place::UnsetName {
            self.place = Place::Plain; // an element's place is that of the next one too
        }
        if self.rules.action(rule) == Action::Reject { WrongType::Null } else { WrongType::AsGiven }
    }

    pub(super) fn record_missing(&mut self, rule: Rule) {
        let (path, Violation { rule, message }) = validate::missing(rule, self.rules.endpoint);
        self.find_at(rule, path, message);
    }

    /// Checks at the end of an event for missing fields.
    #[cold]
    fn check_fields(&mut self) {
        if self.rules.endpoint.takes_updates() || self.json.event().first() != Some(&b'{') {
            return;
        }
        if !self.seen.has(Seen::EVENT) {
            self.record_missing(Rule::EventMissing);
        }
        if !self.seen.has(Seen::PROPERTIES) {
            self.record_missing(Rule::PropertiesMissing);
        }
    }

    /// Checks at the end of an event for missing fields, and its size.
    pub(super) fn check_event(&mut self) {
        if !self.seen.has_all(Seen::FIELDS) {
            self.check_fields();
        }
        if self.lacks_identity || self.identity_event.is_some() {
            self.check_identity();
        }
        let written = self.json.event_length();
        // A rejected event was not written in full, so its size is unknown.
        if written > self.rules.limits.max_event_bytes && !self.report.is_rejected() {
            let what = if self.rules.endpoint.takes_updates() { "update" } else { "event" };
            self.find_at(Rule::EventTooLarge, "", || {
                format!(
                    "the {what} has {written} bytes as written; send less with it, or split it into several {what}s"
                )
            });
        }
    }

    /// Forgets the members of earlier `properties`: of several, which only a mapping or a Rust value can have, each is
    /// checked, and the last one says who the event belongs to.
    fn begin_properties(&mut self) {
        self.seen = self.seen.of_event();
        self.lacks_identity = false;
        self.insert_id_at = None;
    }

    /// Adds the token and a derived id at the end of `properties`, and checks for missing members.
    pub(super) fn end_properties(&mut self) {
        if self.seen.has_all(self.rules.wanted) && self.derived_id.is_none() {
            return;
        }
        if let (false, Some(token)) = (self.seen.has(Seen::TOKEN), self.token.clone()) {
            self.key("token");
            self.text(&token);
        }
        if let (false, Some(id)) = (self.seen.has(Seen::INSERT_ID), self.derived_id.clone()) {
            self.key("$insert_id");
            self.text(&id);
            self.insert_id_at = None; // a derived id is not reported as the event's
        }
        // Whether an id is needed depends on the name of the event, which may come later.
        self.lacks_identity = self.rules.wanted.has(Seen::DISTINCT_ID) && !self.seen.has(Seen::DISTINCT_ID);
        for (rule, member) in self.rules.required() {
            if !self.seen.has(*member) && *rule != Rule::DistinctIdMissing {
                self.record_missing(*rule);
            }
        }
    }
}
