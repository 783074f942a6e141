//! Names of members: what they mean to the rules, and those that are written otherwise than they were given.

use super::{ChangedName, EventWriter, Kind, Place};
use crate::long_text::LongTexts;
use crate::rules::Rule;
use crate::serialize::{string_at, unescape, write_name};
use crate::truncate::{Advice, Truncation, cut};

impl EventWriter {
    /// The comma before a member, and where its name begins.
    #[inline(always)]
    pub(super) fn begin_member(&mut self) {
        if self.top.count != 0 {
            self.out.push(b',');
        }
        self.top.count += 1;
        self.top.name_at = self.out.len();
    }

    /// What the value of a name is, as the rules see it.
    #[inline(always)]
    pub(super) fn place_of(&mut self, name: &str) -> Place {
        match self.top.kind {
            Kind::Properties => self.property(name),
            Kind::Event => self.field(name),
            Kind::Object | Kind::Array => Place::Plain,
        }
    }

    /// What a member of `properties` is, by its name.
    #[inline(always)]
    pub(super) fn property(&mut self, name: &str) -> Place {
        match name {
            "time" => {
                self.seen.time = true;
                Place::Time
            }
            "distinct_id" => {
                self.seen.distinct_id = true;
                Place::DistinctId
            }
            "$insert_id" => {
                self.seen.insert_id = true;
                Place::InsertId
            }
            "token" => {
                self.seen.token = true;
                Place::Plain
            }
            _ => Place::Plain,
        }
    }

    /// What a member of the event is, by its name.
    pub(super) fn field(&mut self, name: &str) -> Place {
        match name {
            "event" => {
                self.seen.event = true;
                Place::Name
            }
            "properties" => {
                self.seen.properties = true;
                Place::Properties
            }
            _ => {
                self.find(Rule::UnknownField, || {
                    "an event has only 'event' and 'properties': move this field into 'properties'".into()
                });
                Place::Plain
            }
        }
    }

    /// Writes a name that is longer than the limit in bytes, cut if it must be.
    #[cold]
    pub(super) fn write_long_name(&mut self, name: &str) {
        let max = self.limits.max_string;
        let Some((kept, length)) = cut(name, max, self.limits.truncate_unit) else {
            return write_name(&mut self.out, name);
        };
        write_name(&mut self.out, kept);
        self.top.names_may_repeat = true;
        let (findings, truncations) = (self.findings.len(), self.truncations.len());
        self.truncations.push(Truncation { index: 0, path: self.path(), length, advice: Advice::Text });
        self.find(Rule::KeyTruncated, || format!("the name is {length} long and was cut to {max}: use a shorter one"));
        self.remember_name(name, findings, truncations);
    }

    /// Remembers a name as it was given, with what was found since there were so many findings and truncations.
    pub(super) fn remember_name(&mut self, name: &str, findings: usize, truncations: usize) {
        self.changed_name = Some(ChangedName {
            name: name.to_owned(),
            name_at: self.top.name_at,
            findings: findings..self.findings.len(),
            truncations: truncations..self.truncations.len(),
        });
    }

    /// The name that was written last as it was given, if its long text may be converted: that of an ordinary member.
    pub(crate) fn name_to_convert(&self) -> Option<String> {
        let is_converted = self.long_texts != LongTexts::default() && !self.is_converting;
        if !is_converted || !matches!(self.top.kind, Kind::Object | Kind::Properties) {
            return None;
        }
        let name = match &self.changed_name {
            Some(changed) if changed.name_at == self.top.name_at => changed.name.clone(),
            _ => unescape(string_at(&self.out, self.top.name_at).0).text,
        };
        let has_own_rules = ["time", "distinct_id", "$insert_id", "token"].contains(&name.as_str());
        (self.top.kind == Kind::Object || !has_own_rules).then_some(name)
    }

    /// Takes back the name that was written last, and what was found of it.
    pub(crate) fn take_back_name(&mut self) {
        if let Some(changed) = self.changed_name.take_if(|changed| changed.name_at == self.top.name_at) {
            self.findings.drain(changed.findings);
            self.truncations.drain(changed.truncations);
        }
        self.top.count -= 1;
        // The comma before it too, if there is one.
        self.out.truncate(self.top.name_at - usize::from(self.top.count > 0));
    }
}
