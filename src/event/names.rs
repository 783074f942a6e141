//! Names of members: what they mean to the rules, and those that are written otherwise than they were given.

use super::place::{Kind, Meaning, Place};
use super::writer::{ChangedName, EventWriter};
use crate::gzip::press::Hint;
use crate::rules::Rule;
use crate::scan::{string_at, unescape};
use crate::serialize::write_name;
use crate::truncate::LongTexts;
use crate::truncate::{Advice, Truncation, cut};
use crate::vectors::baseline::append_member;

impl EventWriter {
    /// The comma before a member, and where its name begins.
    #[inline(always)]
    pub(super) fn begin_member(&mut self) {
        if self.open.top().count != 0 {
            self.out.push(b',');
        }
        self.open.top_mut().count += 1;
        self.open.top_mut().name_at = self.out.len();
    }

    /// Makes a name known, if it is one that can be.
    #[inline(never)]
    pub(super) fn make_known(&mut self, name: &str) -> bool {
        name.len() <= self.limits.max_string && self.known_names.remember(name)
    }

    /// Writes a name that may be long or need escapes, with its comma.
    #[inline(never)]
    pub(super) fn write_unknown_name(&mut self, name: &str) {
        self.begin_member();
        if name.len() <= self.limits.max_string {
            write_name(&mut self.out, name);
        } else {
            self.write_long_name(name);
        }
        self.place = self.place_of(Meaning::of(name));
    }

    /// Writes the known name that came last, with its comma.
    #[inline(always)]
    pub(super) fn write_known_name(&mut self) {
        let is_first = self.open.top().count == 0;
        let name_at = self.out.len() + usize::from(!is_first);
        self.open.top_mut().count += 1;
        self.open.top_mut().name_at = name_at;
        let like = std::mem::replace(&mut self.known_names.last_mut().last_at, name_at as u32);
        self.noted.note(Hint { at: name_at as u32, like });
        let known = self.known_names.last();
        let meaning = known.meaning; // read before the writing, which the compiler takes for one to anything
        append_member(&mut self.out, !is_first, &known.written, known.written_length());
        self.place = self.place_of(meaning);
    }

    /// What the value of a name is, as the rules see it.
    #[inline(always)]
    pub(super) fn place_of(&mut self, meaning: Meaning) -> Place {
        match self.open.top().kind {
            Kind::Properties => {
                self.seen.add(meaning.seen);
                meaning.place
            }
            Kind::Event => self.field(meaning),
            Kind::Object | Kind::Array => Place::Plain,
        }
    }

    /// What a member of the event is.
    fn field(&mut self, meaning: Meaning) -> Place {
        let Some((place, seen)) = meaning.field else {
            self.find(Rule::UnknownField, || {
                "an event has only 'event' and 'properties': move this field into 'properties'".into()
            });
            return Place::Plain;
        };
        self.seen.add(seen);
        place
    }

    /// Writes a name that is longer than the limit in bytes, cut if it must be.
    #[cold]
    pub(super) fn write_long_name(&mut self, name: &str) {
        let max = self.limits.max_string;
        let Some((kept, length)) = cut(name, max, self.limits.truncate_unit) else {
            return write_name(&mut self.out, name);
        };
        write_name(&mut self.out, kept);
        self.open.top_mut().names_may_repeat = true;
        let (findings, truncations) = (self.findings.len(), self.truncations.len());
        self.truncations.push(Truncation { index: 0, path: self.path(), length, advice: Advice::Text });
        self.find(Rule::KeyTruncated, || format!("the name is {length} long and was cut to {max}: use a shorter one"));
        self.remember_name(name, findings, truncations);
    }

    /// Remembers a name as it was given, with what was found since there were so many findings and truncations.
    pub(super) fn remember_name(&mut self, name: &str, findings: usize, truncations: usize) {
        self.changed_name = Some(ChangedName {
            name: name.to_owned(),
            name_at: self.open.top().name_at,
            findings: findings..self.findings.len(),
            truncations: truncations..self.truncations.len(),
        });
    }

    /// The name that was written last as it was given, if its long text may be converted: that of an ordinary member.
    pub(crate) fn name_to_convert(&self) -> Option<String> {
        let is_converted = self.long_texts != LongTexts::default() && !self.is_converting;
        if !is_converted || !matches!(self.open.top().kind, Kind::Object | Kind::Properties) {
            return None;
        }
        let name = match &self.changed_name {
            Some(changed) if changed.name_at == self.open.top().name_at => changed.name.clone(),
            _ => unescape(string_at(&self.out, self.open.top().name_at).0).text,
        };
        let has_own_rules = ["time", "distinct_id", "$insert_id", "token"].contains(&name.as_str());
        (self.open.top().kind == Kind::Object || !has_own_rules).then_some(name)
    }

    /// Takes back the name that was written last, and what was found of it.
    pub(crate) fn take_back_name(&mut self) {
        if let Some(changed) = self.changed_name.take_if(|changed| changed.name_at == self.open.top().name_at) {
            self.findings.drain(changed.findings);
            self.truncations.drain(changed.truncations);
        }
        self.open.top_mut().count -= 1;
        // The comma before it too, if there is one.
        self.out.truncate(self.open.top().name_at - usize::from(self.open.top().count > 0));
    }
}
