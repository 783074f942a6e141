//! Names of members: recognised, truncated, or removed together with a value that is converted.

use super::place::{Kind, Meaning};
use super::writer::EventWriter;
use crate::rules::Rule;
use crate::serialize::write_name;
use crate::source::Sink;
use crate::truncate::{Advice, JoinedName, LongTexts, cut};

impl EventWriter {
    /// Writes a name that may not be the expected one. Returns whether the tag was accepted for it.
    #[inline(never)]
    pub(super) fn unexpected_key(&mut self, name: &str, tag: Option<usize>) -> bool {
        if !self.json.known_names.find(name) && !self.make_known(name) {
            let is_noted = self.json.known_names.has_noted(name);
            self.write_unknown_name(name);
            if is_noted {
                self.json.hint_new_name();
            }
            return false;
        }
        let is_tagged = tag.is_some_and(|tag| self.json.known_names.tag_last(tag));
        self.write_known_name();
        is_tagged
    }

    /// Writes the name with this tag, if there is one; returns whether it did.
    #[inline(never)]
    pub(super) fn unexpected_tag(&mut self, tag: usize) -> bool {
        let found = self.json.known_names.find_tagged(tag);
        if found {
            self.write_known_name();
        }
        found
    }

    fn write_known_name(&mut self) {
        let (meaning, kind) = self.json.last_known().write();
        self.enter_member(meaning, kind);
    }

    /// Makes a name known; returns whether that is possible.
    fn make_known(&mut self, name: &str) -> bool {
        name.len() <= self.rules.limits.max_string && self.json.known_names.remember(name)
    }

    /// Writes a name that may be long or need escapes.
    #[inline(never)]
    pub(super) fn write_unknown_name(&mut self, name: &str) {
        self.json.begin_member();
        if name.len() <= self.rules.limits.max_string {
            write_name(&mut self.json.text, name);
        } else {
            self.write_long_name(name, 0);
        }
        self.enter_member(Meaning::of(name), self.json.open.top().kind);
    }

    /// Writes a joined name. What is left out of its text is cut anyway.
    pub(super) fn write_joined_name(&mut self, name: &JoinedName) {
        if name.omitted == 0 {
            return self.key(&name.text);
        }
        self.json.begin_member();
        self.write_long_name(&name.text, name.omitted);
        self.enter_member(Meaning::NONE, self.json.open.top().kind);
    }

    /// Writes a name that has more bytes than the limit, truncated if it is too long in the limit's unit too. `omitted`: its
    /// length beyond `name`.
    #[cold]
    fn write_long_name(&mut self, name: &str, omitted: usize) {
        let max = self.rules.limits.max_string;
        let Some((kept, length)) = cut(name, max, self.rules.limits.truncate_unit) else {
            return write_name(&mut self.json.text, name);
        };
        let length = length + omitted;
        write_name(&mut self.json.text, kept);
        self.json.open.top_mut().names_may_repeat = true;
        let mark = self.report.mark();
        self.report_truncation(length, Advice::Text);
        self.find(Rule::KeyTruncated, || format!("the name is {length} long and was cut to {max}: use a shorter one"));
        self.report.remember_name(name, self.json.open.top().name_at, mark);
    }

    /// Reports that something in the name that was written last was replaced by U+FFFD.
    pub(super) fn report_repaired_name(&mut self) {
        self.json.open.top_mut().names_may_repeat = true;
        self.find(Rule::InvalidUnicode, || "the name had a lone surrogate or broken UTF-8, written as U+FFFD");
    }

    /// The name that was written last, as it was given, if its long text may be converted.
    pub(super) fn name_to_convert(&self) -> Option<String> {
        let converts = self.long_texts != LongTexts::default() && !self.is_converting;
        let top = self.json.open.top();
        if !converts || !matches!(top.kind, Kind::Object | Kind::Properties | Kind::Set) {
            return None;
        }
        let name = self.report.changed_name(top.name_at).map_or_else(|| self.json.last_name(), str::to_owned);
        let has_own_rules =
            ["time", "distinct_id", "$insert_id", "token", "$device_id", "$user_id"].contains(&name.as_str());
        (top.kind != Kind::Properties || !has_own_rules).then_some(name)
    }

    /// Removes the name that was written last, with its findings and truncations.
    pub(super) fn take_back_name(&mut self) {
        self.report.take_back_name(self.json.open.top().name_at);
        self.json.take_back_name();
    }
}
