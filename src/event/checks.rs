//! Validate: what `event`, `properties`, `time` and the ids must be.

use super::place::{Place, Seen};
use super::writer::EventWriter;
use crate::rules::finding::quote;
use crate::rules::limits::{Endpoint, FIRST_MILLISECONDS, FUTURE_TOLERANCE_MS, OLDEST_IMPORT_MS, TRACK_WINDOW_MS};
use crate::rules::{Action, Rule};
use crate::source::Sink;
use crate::validate::{calendar, has_only_id_characters, is_disallowed_id, saturating_integer};

impl EventWriter {
    /// Checks a text that stands at one of the places with rules of their own.
    pub(crate) fn check_text(&mut self, text: &str) {
        match self.place {
            Place::Plain | Place::Element => {}
            Place::Name => self.check_name(text),
            Place::DistinctId => self.check_disallowed(Rule::DistinctIdDisallowed, "distinct_id", text),
            Place::InsertId => {
                self.insert_id_at = Some(self.out.len());
                self.check_insert_id(text);
            }
            Place::Event | Place::Properties | Place::Time => {
                self.wrong_type(&format!("the text {}", quote(text)));
            }
        }
    }

    fn check_name(&mut self, name: &str) {
        let begins_black = name.as_bytes().first().is_some_and(u8::is_ascii_graphic);
        if !begins_black && name.trim().is_empty() {
            self.find(Rule::EventBlank, || format!("'event' is {}: give the event a name", quote(name)));
        }
    }

    fn check_insert_id(&mut self, id: &str) {
        let max = self.limits.max_insert_id_bytes;
        if id.len() > max {
            self.find(Rule::InsertIdTooLong, || {
                format!("'$insert_id' has {} bytes, and {max} is the limit: {}", id.len(), quote(id))
            });
        }
        if id.is_empty() || !has_only_id_characters(id.as_bytes()) {
            self.find(Rule::InsertIdCharset, || {
                format!("'$insert_id' is {}: use only A-Z, a-z, 0-9 and '-', at least one of them", quote(id))
            });
        }
        self.check_disallowed(Rule::InsertIdDisallowed, "$insert_id", id);
    }

    #[inline]
    fn check_disallowed(&mut self, rule: Rule, name: &str, id: &str) {
        if is_disallowed_id(id) {
            self.find(rule, || {
                format!("'{name}' is {}, one of the placeholders that the API disallows: send a real id", quote(id))
            });
        }
    }

    /// Checks an integer of 64 bits that stands at one of the places with rules of their own.
    #[inline]
    pub(crate) fn check_small_integer(&mut self, value: i64) {
        if self.place != Place::Time || !self.is_usual_time(value) {
            self.check_integer(value.into(), || value.to_string());
        }
    }

    /// Whether a time breaks no rule, as nearly all do.
    #[inline]
    fn is_usual_time(&self, value: i64) -> bool {
        let milliseconds = if (0..FIRST_MILLISECONDS).contains(&value) { value * 1000 } else { value };
        let oldest = match self.endpoint {
            Endpoint::Import => OLDEST_IMPORT_MS,
            Endpoint::Track => self.now_ms.saturating_sub(TRACK_WINDOW_MS),
        };
        0 <= value && oldest <= milliseconds && milliseconds <= self.now_ms.saturating_add(FUTURE_TOLERANCE_MS)
    }

    /// Checks an integer that stands at one of the places with rules of their own.
    pub(crate) fn check_integer(&mut self, value: i128, spelling: impl Fn() -> String) {
        if self.place != Place::Time {
            self.wrong_type(&format!("the number {}", spelling()));
            return;
        }
        let is_milliseconds = value.unsigned_abs() >= FIRST_MILLISECONDS.unsigned_abs().into();
        let milliseconds = if is_milliseconds { value } else { value * 1000 };
        self.check_milliseconds(milliseconds, spelling);
    }

    /// Checks a time that is known in milliseconds.
    pub(crate) fn check_milliseconds(&mut self, milliseconds: i128, spelling: impl Fn() -> String) {
        let now = i128::from(self.now_ms);
        let shown = || format!("'time' is {}{}", spelling(), calendar(milliseconds));
        match self.endpoint {
            Endpoint::Import if milliseconds < OLDEST_IMPORT_MS.into() => self.find(Rule::TimeTooOld, || {
                format!("{}, before 1971-01-01 (31536000), the oldest that /import takes", shown())
            }),
            Endpoint::Track if milliseconds < now - i128::from(TRACK_WINDOW_MS) => self.find(Rule::TimeTooOld, || {
                format!("{}, and /track takes the last 5 days only: send it to /import", shown())
            }),
            _ => {}
        }
        if milliseconds > now + i128::from(FUTURE_TOLERANCE_MS) {
            self.find(Rule::TimeInFuture, || {
                format!("{}, more than an hour ahead of the clock{}", shown(), calendar(now))
            });
        }
    }

    /// Writes a number that stands at one of the places with rules of their own, by its spelling.
    pub(crate) fn special_number(&mut self, spelling: &str) {
        let is_integer = !spelling.contains(['.', 'e', 'E']);
        if let (true, Ok(small)) = (is_integer, spelling.parse()) {
            self.check_small_integer(small); // a time mostly is, and 64 bits are read several times as fast
        } else if is_integer || self.place != Place::Time {
            self.check_integer(saturating_integer(spelling), || spelling.to_owned());
        } else {
            let value = spelling.parse().unwrap_or(f64::NAN);
            if value.is_finite() {
                return self.special_float(value);
            }
            self.wrong_type(&format!("the number {spelling}"));
        }
        self.out.extend_from_slice(spelling.as_bytes());
    }

    /// Writes a float that stands at one of the places with rules of their own: a time as integer milliseconds.
    #[cold]
    pub(crate) fn special_float(&mut self, value: f64) {
        if self.place != Place::Time || !value.is_finite() {
            if self.wrong_type(&format!("the number {value}")) {
                return self.plain_float(value);
            }
            return self.out.extend_from_slice(b"null");
        }
        let seconds = value.abs() < FIRST_MILLISECONDS as f64;
        let milliseconds = if seconds { value * 1000.0 } else { value }.round_ties_even();
        self.check_milliseconds(milliseconds as i128, || value.to_string());
        // Every digit of a whole float, as of any integer.
        self.out.extend_from_slice(format!("{:.0}", milliseconds + 0.0).as_bytes());
    }

    /// A value that may not stand here. True: it is let through, as a plain value.
    #[cold]
    pub(crate) fn wrong_type(&mut self, what: &str) -> bool {
        let (rule, wanted) = match self.place {
            Place::Event => (Rule::EventNotObject, "an event must be an object with 'event' and 'properties'"),
            Place::Name => (Rule::EventType, "'event' must be text, the name of what happened"),
            Place::Properties => (Rule::PropertiesType, "'properties' must be an object"),
            Place::Time => (
                Rule::TimeType,
                "'time' must be a number of seconds or milliseconds since the epoch, or a datetime with a timezone",
            ),
            Place::DistinctId => (Rule::DistinctIdType, "'distinct_id' must be text"),
            Place::InsertId => (Rule::InsertIdType, "'$insert_id' must be text"),
            Place::Plain | Place::Element => return true,
        };
        self.find(rule, || format!("{wanted}, and is {what}"));
        self.place = Place::Plain;
        self.action(rule) != Action::Reject
    }

    /// What an event lacks is known at its end.
    pub(crate) fn check_missing(&mut self) {
        let seen = self.seen;
        if !seen.has(Seen::EVENT) && self.has_fields() {
            self.find_at(Rule::EventMissing, "event", || {
                "the event has no 'event': give it the name of what happened, such as \"Signed Up\"".into()
            });
        }
        if !seen.has(Seen::PROPERTIES) && self.has_fields() {
            self.find_at(Rule::PropertiesMissing, "properties", || {
                "the event has no 'properties': give it an object with time, distinct_id and $insert_id".into()
            });
        }
    }

    /// What `properties` lacks is known at its end; a token and a derived id are added there.
    pub(crate) fn end_properties(&mut self) {
        if self.seen.has_all(self.wanted) && self.derived_id.is_none() {
            return;
        }
        if let (false, Some(token)) = (self.seen.has(Seen::TOKEN), self.token().map(str::to_owned)) {
            self.key("token");
            self.text(&token);
        }
        if let (false, Some(id)) = (self.seen.has(Seen::INSERT_ID), self.derived_id.take()) {
            self.key("$insert_id");
            self.text(&id);
            self.insert_id_at = None; // it is not the event's own name for itself
        }
        let seen = self.seen;
        if !seen.has(Seen::TIME) {
            self.find_at(Rule::TimeMissing, "properties.time", || {
                "the event has no 'time': set it to seconds or milliseconds since the epoch".into()
            });
        }
        if !seen.has(Seen::DISTINCT_ID) {
            self.find_at(Rule::DistinctIdMissing, "properties.distinct_id", || {
                "the event has no 'distinct_id': set it to the user's id, or to \"\" for an anonymous event".into()
            });
        }
        if !seen.has(Seen::INSERT_ID) {
            self.find_at(Rule::InsertIdMissing, "properties.$insert_id", || {
                "the event has no '$insert_id': set it to a unique id such as a UUID, or let the encoder derive one"
                    .into()
            });
        }
        if !self.seen.has(Seen::TOKEN) {
            self.find_at(Rule::TokenMissing, "properties.token", || {
                "the event has no 'token': set it to the project's token, or give the encoder token=".into()
            });
        }
    }
}
