//! Event: one event is written as JSON while its values are pushed in, and held to the rules as they pass.
//!
//! The writer is the one receiver of every source. It appends to the body of the open batch; an event that turns out to
//! be rejected is taken back by shortening the body to where the event began. A good event pays for no bookkeeping of
//! where it is: the path of a finding is read back out of what was written.

use std::ops::Range;

use crate::finding::Finding;
use crate::limits::{Endpoint, Limits, MAX_LEVELS};
use crate::long_text::LongTexts;
use crate::rules::{Action, RULES, Rule};
use crate::serialize::{
    Moment, string_at, unescape, write_float, write_integer, write_moment, write_name, write_spelled_name,
    write_spelled_string, write_string,
};
use crate::source::Sink;
use crate::source::scan::Scanner;
use crate::truncate::{Advice, Truncation, advise, cut};

/// What the next value is, as the rules see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Event,
    Name,
    Properties,
    Time,
    DistinctId,
    InsertId,
    /// A value that only the general rules apply to.
    Plain,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Event,
    Properties,
    Object,
    Array,
}

/// An open object or array.
#[derive(Clone, Copy, Debug)]
struct Frame {
    kind: Kind,
    /// Members or elements so far.
    count: usize,
    /// Objects around it within `properties`, which is 0. Arrays add nothing.
    depth: isize,
    /// Where its opening bracket stands in the output.
    start: usize,
    /// Where the quote of the last member's name stands in the output.
    name_at: usize,
    /// A name was changed or may stand twice: the names are compared at the end.
    names_may_repeat: bool,
}

const OUTSIDE: Frame = Frame { kind: Kind::Event, count: 0, depth: -2, start: 0, name_at: 0, names_may_repeat: false };

/// A name that was written otherwise than it was given, and what was reported of it.
#[derive(Debug)]
struct ChangedName {
    name: String,
    name_at: usize,
    findings: Range<usize>,
    truncations: Range<usize>,
}

/// Bytes beyond the limit of an event after which the rest of it is not looked into.
const LOOKED_AT_BEYOND: usize = 1 << 20;

/// Which of the members that the rules ask for have passed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) event: bool,
    pub(crate) properties: bool,
    pub(crate) time: bool,
    pub(crate) distinct_id: bool,
    pub(crate) insert_id: bool,
    pub(crate) token: bool,
}

/// Writes events and holds them to the rules.
pub struct EventWriter {
    pub(crate) limits: Limits,
    pub(crate) endpoint: Endpoint,
    /// The clock, in milliseconds since the epoch; set for each batch.
    pub(crate) now_ms: i64,
    pub(crate) out: Vec<u8>,
    /// What the next value is.
    pub(crate) place: Place,
    pub(crate) seen: Seen,
    /// Where the quote of the event's `$insert_id` stands in the output.
    pub(crate) insert_id_at: Option<usize>,
    actions: [Action; RULES.len()],
    /// Which long texts are converted instead of cut.
    pub(crate) long_texts: LongTexts,
    /// Members are being written that stand in for one with a long text.
    pub(crate) is_converting: bool,
    changed_name: Option<ChangedName>,
    token: Option<String>,
    /// Becomes `properties.$insert_id` of the event that is being written, where it has none.
    pub(crate) derived_id: Option<String>,
    event_start: usize,
    top: Frame,
    below: Vec<Frame>,
    /// The event is past all limits: no other object or array of it is looked into. Else one that holds itself twice
    /// would be walked two to the power of 64 times.
    is_hopeless: bool,
    findings: Vec<Finding>,
    truncations: Vec<Truncation>,
}

/// What became of an event that was written to its end.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It stands in the output.
    Accepted {
        /// What was let through with a warning.
        warnings: Vec<Finding>,
        /// What was cut; the index is left 0.
        truncations: Vec<Truncation>,
    },
    /// It was taken back. The findings that reject it, in the order of the rules.
    Rejected(Vec<Finding>),
}

impl EventWriter {
    /// A writer for an endpoint; `token` becomes `properties.token` where an event has none.
    pub fn new(limits: Limits, endpoint: Endpoint, token: Option<String>) -> EventWriter {
        let actions = std::array::from_fn(|position| limits.action(RULES[position].rule, endpoint));
        EventWriter {
            limits,
            endpoint,
            now_ms: 0,
            out: Vec::new(),
            place: Place::Event,
            actions,
            long_texts: LongTexts::default(),
            is_converting: false,
            changed_name: None,
            token,
            derived_id: None,
            event_start: 0,
            top: OUTSIDE,
            below: Vec::new(),
            seen: Seen::default(),
            insert_id_at: None,
            is_hopeless: false,
            findings: Vec::new(),
            truncations: Vec::new(),
        }
    }

    /// An event begins.
    pub fn begin_event(&mut self) {
        self.event_start = self.out.len();
        self.place = Place::Event;
        self.top = OUTSIDE;
        self.below.clear();
        self.seen = Seen::default();
        self.insert_id_at = None;
        self.is_hopeless = false;
        self.changed_name = None;
        self.findings.clear();
        self.truncations.clear();
    }

    /// Takes back what was written since [`EventWriter::begin_event`].
    pub fn take_back(&mut self) {
        self.out.truncate(self.event_start);
    }

    /// Where the event that was begun last begins in the output.
    pub fn event_start(&self) -> usize {
        self.event_start
    }

    /// The `$insert_id` of the event that was written last, if it is text.
    pub fn insert_id(&self) -> Option<String> {
        self.insert_id_at.map(|at| unescape(string_at(&self.out, at).0).text)
    }

    /// The event ends: what is missing is known now, and whether it is accepted. A rejected one still stands in the
    /// output, until [`EventWriter::take_back`].
    pub fn end_event(&mut self) -> Verdict {
        self.check_missing();
        let written = self.out.len() - self.event_start;
        // One that is rejected anyway was not written in full.
        if written > self.limits.max_event_bytes && !self.is_rejected() {
            self.find_at(Rule::EventTooLarge, String::new(), || {
                format!("the event has {written} bytes as written; send less with it, or split it into several events")
            });
        }
        if self.findings.is_empty() && self.truncations.is_empty() {
            return Verdict::Accepted { warnings: Vec::new(), truncations: Vec::new() };
        }
        let is_rejected = self.is_rejected();
        let mut findings = std::mem::take(&mut self.findings);
        let truncations = std::mem::take(&mut self.truncations);
        findings.sort_by_key(|finding| finding.rule);
        if is_rejected {
            findings.retain(|finding| finding.action == Action::Reject);
            return Verdict::Rejected(findings);
        }
        Verdict::Accepted { warnings: findings, truncations }
    }

    /// Whether something was found that rejects the event.
    fn is_rejected(&self) -> bool {
        self.findings.iter().any(|finding| finding.action == Action::Reject)
    }

    /// What becomes `properties.token` where an event has none.
    pub(crate) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// What a rule does here.
    pub(crate) fn action(&self, rule: Rule) -> Action {
        self.actions[rule as usize]
    }

    /// Whether the event is an object, so that it can lack something.
    pub(crate) fn has_fields(&self) -> bool {
        self.out.get(self.event_start) == Some(&b'{')
    }

    /// Records that a rule is broken by the value that comes now (or has just been written).
    #[cold]
    pub(crate) fn find(&mut self, rule: Rule, message: impl FnOnce() -> String) {
        self.find_at(rule, self.path(), message);
    }

    /// Records that a rule is broken at a field.
    #[cold]
    pub(crate) fn find_at(&mut self, rule: Rule, field: String, message: impl FnOnce() -> String) {
        let action = self.action(rule);
        if action != Action::Off {
            self.findings.push(Finding { rule, action, field, message: message() });
        }
    }

    /// Where the writer is, as in `properties.a.b[2]`.
    fn path(&self) -> String {
        self.path_through(self.below.iter().chain([&self.top]))
    }

    /// Where the object or array is that was opened last.
    fn path_of_container(&self) -> String {
        self.path_through(&self.below)
    }

    /// The names are read back out of the output, so that a good event does nothing for a path.
    fn path_through<'a>(&self, frames: impl IntoIterator<Item = &'a Frame>) -> String {
        let mut path = String::new();
        for frame in frames {
            match frame.kind {
                Kind::Array => path.push_str(&format!("[{}]", frame.count.saturating_sub(1))),
                _ if frame.count > 0 => {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(&unescape(string_at(&self.out, frame.name_at).0).text);
                }
                _ => {}
            }
        }
        path
    }

    /// The comma before an element of an array; a member's stands before its name.
    #[inline(always)]
    fn begin_value(&mut self) {
        if self.top.kind == Kind::Array {
            if self.top.count != 0 {
                self.out.push(b',');
            }
            self.top.count += 1;
        }
    }

    /// Opens an object or array, if it is not too deep.
    fn begin(&mut self, kind: Kind, bracket: u8) -> bool {
        let depth = self.top.depth + isize::from(kind != Kind::Array);
        if self.passes_over() {
            self.out.extend_from_slice(b"null");
            return false;
        }
        if kind == Kind::Object && depth == self.limits.max_depth as isize + 1 {
            let max = self.limits.max_depth;
            self.find(Rule::TooDeep, || {
                format!("an object {depth} deep; {max} is the limit: flatten it, as in a_b_c instead of a.b.c")
            });
            if self.action(Rule::TooDeep) == Action::Reject {
                self.out.extend_from_slice(b"null");
                return false;
            }
        }
        self.below.push(self.top);
        let start = self.out.len();
        self.top = Frame { kind, count: 0, depth, start, name_at: start, names_may_repeat: false };
        self.out.push(bracket);
        self.place = Place::Plain;
        true
    }

    /// Whether the object or array that begins now is not looked into.
    #[inline]
    fn passes_over(&mut self) -> bool {
        // The event and its properties are the first two levels.
        if self.below.len() > MAX_LEVELS + 1 && !self.is_hopeless {
            self.find_past_levels();
        }
        let written = self.out.len() - self.event_start;
        let far_too_large = written > self.limits.max_event_bytes.saturating_add(LOOKED_AT_BEYOND);
        if far_too_large && self.action(Rule::EventTooLarge) == Action::Reject {
            self.is_hopeless = true;
        }
        self.is_hopeless
    }

    #[cold]
    fn find_past_levels(&mut self) {
        let field = self.path();
        let message = format!("more than {MAX_LEVELS} levels of objects and arrays; does the value contain itself?");
        self.findings.push(Finding { rule: Rule::TooDeep, action: Action::Reject, field, message });
        self.is_hopeless = true;
    }

    /// Closes what was opened last; returns it, the writer being at the value that it is in what is around it.
    fn end(&mut self, bracket: u8) -> Frame {
        if self.top.names_may_repeat {
            self.compare_names();
        }
        self.out.push(bracket);
        self.place = Place::Plain;
        let ended = self.top;
        self.top = self.below.pop().unwrap_or(OUTSIDE);
        ended
    }

    #[inline]
    fn check_count(&mut self, rule: Rule, count: usize, max: usize, what: &str) {
        if count > max {
            self.find(rule, || format!("{count} {what}; {max} is the limit"));
        }
    }

    /// Looks for two members of the same name in the object that is about to end.
    #[cold]
    fn compare_names(&mut self) {
        let mut names = std::collections::HashSet::new();
        let mut repeated = Vec::new();
        let start = self.top.start + 1;
        let members = std::str::from_utf8(&self.out[start..]).expect("only UTF-8 is written");
        let mut scanner = Scanner::new(members, 0);
        for _ in 0..self.top.count {
            scanner.take(b',');
            let at = start + scanner.at();
            let name = scanner.string("a name").expect("what was written is JSON").inside;
            scanner.take(b':');
            scanner.skip_value().expect("what was written is JSON");
            if !names.insert(unescape(name).text) {
                repeated.push(at);
            }
        }
        for at in repeated {
            self.top.name_at = at;
            self.find(Rule::KeyCollision, || {
                "two names of this object are the same once they are cut or repaired: rename one of them".into()
            });
        }
    }

    /// The comma before a member, and where its name begins.
    #[inline(always)]
    fn begin_member(&mut self) {
        if self.top.count != 0 {
            self.out.push(b',');
        }
        self.top.count += 1;
        self.top.name_at = self.out.len();
    }

    /// What the value of a name is, as the rules see it.
    #[inline(always)]
    fn place_of(&mut self, name: &str) -> Place {
        match self.top.kind {
            Kind::Properties => self.property(name),
            Kind::Event => self.field(name),
            Kind::Object | Kind::Array => Place::Plain,
        }
    }

    #[inline(always)]
    fn is_long(&self, text: &str) -> bool {
        text.len() > self.limits.max_string && self.is_cut(text)
    }

    #[cold]
    fn is_cut(&self, text: &str) -> bool {
        cut(text, self.limits.max_string, self.limits.truncate_unit).is_some()
    }

    /// What a member of `properties` is, by its name.
    #[inline(always)]
    fn property(&mut self, name: &str) -> Place {
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
    fn field(&mut self, name: &str) -> Place {
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
    fn write_long_name(&mut self, name: &str) {
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

    /// Writes a float, or null where JSON has no form for it.
    #[inline]
    pub(crate) fn plain_float(&mut self, value: f64) {
        if value.is_finite() {
            write_float(&mut self.out, value);
        } else {
            self.find(Rule::NotANumber, || format!("{value} is not a JSON number and was written as null"));
            self.out.extend_from_slice(b"null");
        }
    }

    /// Writes a text that is longer than the limit in bytes, cut if it must be. True: something else was written instead.
    #[cold]
    fn write_long_text(&mut self, text: &str) -> bool {
        let Some((kept, length)) = cut(text, self.limits.max_string, self.limits.truncate_unit) else {
            write_string(&mut self.out, text);
            return false;
        };
        let advice = advise(text);
        self.truncations.push(Truncation { index: 0, path: self.path(), length, advice });
        if self.convert(text, advice) {
            return true;
        }
        write_string(&mut self.out, kept);
        false
    }

    /// Writes a text. True: something else was written instead.
    #[inline(always)]
    fn write_text(&mut self, text: &str) -> bool {
        self.begin_value();
        if self.place != Place::Plain {
            self.check_text(text);
        }
        if text.len() > self.limits.max_string {
            return self.write_long_text(text);
        }
        write_string(&mut self.out, text);
        false
    }

    /// Remembers a name as it was given, with what was found since there were so many findings and truncations.
    fn remember_name(&mut self, name: &str, findings: usize, truncations: usize) {
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

impl Sink for EventWriter {
    fn begin_object(&mut self) -> bool {
        self.begin_value();
        let kind = match self.place {
            Place::Plain => Kind::Object,
            Place::Properties => Kind::Properties,
            Place::Event => Kind::Event,
            _ => {
                if !self.wrong_type("an object") {
                    self.out.extend_from_slice(b"null");
                    return false;
                }
                Kind::Object
            }
        };
        self.begin(kind, b'{')
    }

    fn end_object(&mut self) {
        if self.top.kind == Kind::Properties {
            self.end_properties();
        }
        let ended = self.end(b'}');
        match ended.kind {
            Kind::Properties => {
                self.check_count(Rule::TooManyProperties, ended.count, self.limits.max_properties, "properties");
            }
            Kind::Object => self.check_count(Rule::TooManyKeys, ended.count, self.limits.max_keys, "keys"),
            Kind::Event | Kind::Array => {}
        }
    }

    fn begin_array(&mut self) -> bool {
        self.begin_value();
        if self.place != Place::Plain && !self.wrong_type("an array") {
            self.out.extend_from_slice(b"null");
            return false;
        }
        self.begin(Kind::Array, b'[')
    }

    fn end_array(&mut self) {
        let ended = self.end(b']');
        self.check_count(Rule::TooManyElements, ended.count, self.limits.max_elements, "elements");
    }

    #[inline(always)]
    fn key(&mut self, name: &str) {
        self.begin_member();
        if name.len() <= self.limits.max_string {
            write_name(&mut self.out, name);
        } else {
            self.write_long_name(name);
        }
        self.place = self.place_of(name);
    }

    fn repaired_key(&mut self, name: &str) {
        let (findings, truncations) = (self.findings.len(), self.truncations.len());
        self.key(name);
        self.top.names_may_repeat = true;
        self.find(Rule::InvalidUnicode, || "the name had a lone surrogate or broken UTF-8, written as U+FFFD".into());
        self.remember_name(name, findings, truncations);
    }

    #[inline(always)]
    fn spelled_key(&mut self, name: &str, spelling: &str) {
        if self.is_long(name) {
            return self.key(name);
        }
        self.begin_member();
        write_spelled_name(&mut self.out, spelling);
        self.place = self.place_of(name);
    }

    fn duplicate_key(&mut self, times: usize) {
        self.find(Rule::DuplicateKey, || format!("the object has this name {times} times; the last one counts"));
    }

    fn unsupported_key(&mut self, message: &str) {
        let field = self.path_of_container();
        self.find_at(Rule::UnsupportedType, field, || format!("a name must be text, and one is {message}"));
    }

    fn names_may_repeat(&mut self) {
        self.top.names_may_repeat = true;
    }

    #[inline(always)]
    fn text(&mut self, text: &str) {
        self.write_text(text);
    }

    fn repaired_text(&mut self, text: &str) {
        if !self.write_text(text) {
            self.find(Rule::InvalidUnicode, || {
                "the text had a lone surrogate or broken UTF-8, written as U+FFFD".into()
            });
        }
    }

    #[inline(always)]
    fn spelled_text(&mut self, text: &str, spelling: &str) {
        if self.is_long(text) {
            return self.text(text);
        }
        self.begin_value();
        if self.place != Place::Plain {
            self.check_text(text);
        }
        write_spelled_string(&mut self.out, spelling);
    }

    #[inline(always)]
    fn integer(&mut self, value: i64) {
        self.begin_value();
        if self.place != Place::Plain {
            self.check_integer(i128::from(value), || value.to_string());
        }
        write_integer(&mut self.out, value);
    }

    #[inline(always)]
    fn number(&mut self, spelling: &str) {
        self.begin_value();
        if self.place != Place::Plain {
            return self.special_number(spelling);
        }
        self.out.extend_from_slice(spelling.as_bytes());
    }

    #[inline(always)]
    fn float(&mut self, value: f64) {
        self.begin_value();
        if self.place != Place::Plain {
            return self.special_float(value);
        }
        self.plain_float(value);
    }

    #[inline(always)]
    fn boolean(&mut self, value: bool) {
        self.begin_value();
        let word = if value { "true" } else { "false" };
        self.expect_plain(word);
        self.out.extend_from_slice(word.as_bytes());
    }

    #[inline(always)]
    fn null(&mut self) {
        self.begin_value();
        self.expect_plain("null");
        self.out.extend_from_slice(b"null");
    }

    fn moment(&mut self, moment: Moment) {
        if self.place != Place::Time {
            let mut text = Vec::new();
            write_moment(&mut text, moment);
            return self.text(&String::from_utf8(text).unwrap_or_default());
        }
        if moment.utc {
            let milliseconds = moment.milliseconds();
            self.check_milliseconds(milliseconds.into(), || milliseconds.to_string());
            return write_integer(&mut self.out, milliseconds);
        }
        self.wrong_type("a date or datetime without a timezone: attach one, as in value.replace(tzinfo=timezone.utc)");
        self.moment(moment);
    }

    fn unsupported(&mut self, message: &str) {
        self.begin_value();
        if self.place == Place::Plain || self.wrong_type(message) {
            self.find(Rule::UnsupportedType, || message.to_owned());
        }
        self.out.extend_from_slice(b"null");
    }
}
