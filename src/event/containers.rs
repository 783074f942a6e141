//! Objects and arrays: their depth, their size, and whether their names are different.

use std::collections::HashSet;

use super::frames::{Frame, MAX_OPEN};
use super::place::{Kind, Place};
use super::writer::EventWriter;
use crate::rules::limits::MAX_LEVELS;
use crate::rules::{Action, Rule};
use crate::scan::{Scanner, unescape};

/// Bytes beyond the limit of an event from which on the rest of it is not walked.
const MAX_EXCESS_BYTES: usize = 1 << 20;

/// The rules for a value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ValueRules {
    /// Those for every value.
    General,
    /// Those of its place too.
    Special,
}

impl EventWriter {
    /// Starts a value: writes the comma before an element of an array. The comma before a member is written with its name.
    #[inline(always)]
    pub(super) fn begin_value(&mut self) -> ValueRules {
        if self.place == Place::Plain {
            return ValueRules::General;
        }
        if self.place == Place::Element {
            self.begin_element();
            return ValueRules::General;
        }
        if self.place == Place::UnsetName {
            self.begin_element();
        }
        ValueRules::Special
    }

    #[inline(always)]
    fn begin_element(&mut self) {
        if self.json.open.top().count != 0 {
            self.json.text.push(b',');
        }
        self.json.open.top_mut().count += 1;
    }

    /// Opens an object or array and returns true; or writes null if it must not be walked.
    pub(super) fn open_container(&mut self, kind: Kind, bracket: u8) -> bool {
        let depth = self.json.open.top().depth + i8::from(kind != Kind::Array);
        let written = self.json.event_length();
        // The event and its properties are the first two levels.
        let may_be_hopeless = self.is_hopeless
            || self.json.open.open_count() > MAX_LEVELS + 1
            || written > self.rules.limits.max_event_bytes;
        let is_skipped = may_be_hopeless && self.becomes_hopeless(written);
        let is_too_deep = kind == Kind::Object && depth as usize == self.rules.limits.max_depth + 1;
        if is_skipped || (is_too_deep && self.rejects_too_deep(depth)) {
            self.json.text.extend_from_slice(b"null");
            return false;
        }
        self.json.open.push(kind, depth, self.json.text.len());
        self.json.text.push(bracket);
        self.place = Place::inside(kind);
        true
    }

    /// Whether the event is past all limits with the object or array that starts now.
    #[cold]
    fn becomes_hopeless(&mut self, written: usize) -> bool {
        if self.json.open.open_count() > MAX_LEVELS + 1 && !self.is_hopeless {
            self.find_past_levels();
        }
        debug_assert_eq!(written, self.json.event_length());
        self.is_hopeless |= self.is_far_too_large();
        self.is_hopeless
    }

    /// Whether the event is rejected for its size, and so large that the rest of it does not matter.
    pub(super) fn is_far_too_large(&self) -> bool {
        self.json.event_length() > self.max_written()
    }

    /// The bytes of an event from which on the rest of it does not matter, as it is rejected for its size.
    pub(crate) fn max_written(&self) -> usize {
        match self.rules.action(Rule::EventTooLarge) {
            Action::Reject => self.rules.limits.max_event_bytes.saturating_add(MAX_EXCESS_BYTES),
            _ => usize::MAX,
        }
    }

    /// Records that the object that starts now is one level too deep; returns whether that rejects the event.
    #[cold]
    fn rejects_too_deep(&mut self, depth: i8) -> bool {
        let max = self.rules.limits.max_depth;
        self.find(Rule::TooDeep, || {
            format!("an object {depth} deep; {max} is the limit: flatten it, as in a_b_c instead of a.b.c")
        });
        self.rules.action(Rule::TooDeep) == Action::Reject
    }

    #[cold]
    fn find_past_levels(&mut self) {
        self.report.lists_finding(Rule::TooDeep);
        let json = &self.json;
        let message = format!("more than {MAX_LEVELS} levels of objects and arrays; does the value contain itself?");
        self.report.add_finding(Rule::TooDeep, Action::Reject, |text| json.push_path(text), message.into());
        self.is_hopeless = true;
    }

    /// Closes the innermost object or array, and returns it.
    #[inline(always)]
    pub(super) fn close_container(&mut self, bracket: u8) -> Frame {
        if self.json.open.top().names_may_repeat {
            self.compare_names();
        }
        self.json.text.push(bracket);
        let closed = self.json.open.pop();
        self.place = Place::inside(self.json.open.top().kind);
        closed
    }

    /// Checks the size of a list or object that has just ended, if it is the value of a profile's property.
    #[inline(always)]
    pub(super) fn check_value(&mut self, start: usize) {
        if self.json.open.top().kind.is_of_profile() {
            self.check_value_size(start);
        }
    }

    #[inline(never)]
    fn check_value_size(&mut self, start: usize) {
        let (written, max) = (self.json.text.len() - start, self.rules.limits.max_value_bytes);
        if written > max {
            self.find(Rule::ValueTooLarge, || format!("the value has {written} bytes as written; {max} is the limit"));
        }
    }

    pub(super) fn check_profile_properties(&mut self, count: u32) {
        let max = self.rules.limits.max_profile_properties;
        self.check_count(Rule::TooManyProfileProperties, count, max, "properties");
    }

    #[inline]
    pub(super) fn check_count(&mut self, rule: Rule, count: u32, max: usize, what: &str) {
        if count as usize > max {
            self.find(rule, || format!("{count} {what}; {max} is the limit"));
        }
    }

    /// Finds members of the same name in the innermost object, which is about to end.
    #[cold]
    fn compare_names(&mut self) {
        let mut names = HashSet::new();
        let mut repeated = Vec::new();
        let start = self.json.open.top().start + 1;
        let members = std::str::from_utf8(&self.json.text[start..]).expect("only UTF-8 is written");
        let mut scanner = Scanner::new(members, 0);
        for _ in 0..self.json.open.top().count {
            scanner.take(b',');
            let at = start + scanner.at();
            let name = scanner.string("a name").expect("the written text is JSON").inside;
            scanner.take(b':');
            scanner.skip_value().expect("the written text is JSON");
            if !names.insert(unescape(name).text) {
                repeated.push(at);
            }
        }
        for at in repeated {
            self.json.open.top_mut().name_at = at;
            self.find(
                Rule::KeyCollision,
                || "two names of this object are the same once they are cut or repaired: rename one of them",
            );
        }
    }
}

const _: () = assert!(MAX_LEVELS + 2 < MAX_OPEN, "a container past the levels still has a frame");
