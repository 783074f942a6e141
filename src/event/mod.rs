//! Event: one event is written as JSON while its values are pushed in, and held to the rules as they pass.
//!
//! The writer is the one receiver of every source. It appends to the body of the open batch; an event that turns out to
//! be rejected is taken back by shortening the body to where the event began. A good event pays for no bookkeeping of
//! where it is: the path of a finding is read back out of what was written.

mod containers;
mod frames;
mod known;
mod names;
mod path;
mod sink;
mod texts;

use std::ops::Range;

use crate::finding::Finding;
use crate::limits::{Endpoint, Limits, MAX_LEVELS};
use crate::long_text::LongTexts;
use crate::press::Hint;
use crate::rules::{Action, RULES, Rule};
use crate::serialize::{string_at, unescape};
use crate::truncate::Truncation;
use frames::Frames;
use known::KnownNames;

/// What the next value is, as the rules see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Event,
    Name,
    Properties,
    Time,
    DistinctId,
    InsertId,
    /// A member's value that only the general rules apply to.
    Plain,
    /// An element of an array: the same, but that a comma may have to come before it.
    Element,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Event,
    Properties,
    Object,
    Array,
}

impl Place {
    /// What a value is in an object, before its name is known, or in an array.
    fn inside(kind: Kind) -> Place {
        if kind == Kind::Array { Place::Element } else { Place::Plain }
    }
}

/// Objects and arrays that can be open at once: the event, its properties, and what is in those.
const MAX_OPEN: usize = MAX_LEVELS + 3;

/// A name that was written otherwise than it was given, and what was reported of it.
#[derive(Debug)]
struct ChangedName {
    name: String,
    name_at: usize,
    findings: Range<usize>,
    truncations: Range<usize>,
}

/// Where the known names of an event stand, and where they stood before: hints, if the event is kept.
///
/// A list of fixed size, and no question whether hints are wanted, since either would take longer than the noting.
struct Noted {
    hints: [Hint; NOTED],
    count: usize,
}

/// Names that are noted of one event at the most; the last one takes the place of those behind.
const NOTED: usize = 256;

impl Noted {
    fn nothing() -> Noted {
        Noted { hints: [Hint { at: 0, like: 0 }; NOTED], count: 0 }
    }

    #[inline(always)]
    fn note(&mut self, hint: Hint) {
        self.hints[self.count.min(NOTED - 1)] = hint;
        self.count += 1;
    }

    fn hints(&self) -> &[Hint] {
        &self.hints[..self.count.min(NOTED)]
    }
}

/// Bytes beyond the limit of an event after which the rest of it is not looked into.
const LOOKED_AT_BEYOND: usize = 1 << 20;

/// Which of the members that the rules ask for have passed: a bit for each.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen(u8);

impl Seen {
    pub(crate) const NONE: Seen = Seen(0);
    pub(crate) const EVENT: Seen = Seen(1);
    pub(crate) const PROPERTIES: Seen = Seen(2);
    pub(crate) const TIME: Seen = Seen(4);
    pub(crate) const DISTINCT_ID: Seen = Seen(8);
    pub(crate) const INSERT_ID: Seen = Seen(16);
    pub(crate) const TOKEN: Seen = Seen(32);

    pub(crate) fn has(self, member: Seen) -> bool {
        self.0 & member.0 != 0
    }

    pub(crate) fn add(&mut self, member: Seen) {
        self.0 |= member.0;
    }

    /// Whether all of these have passed.
    pub(crate) fn has_all(self, members: Seen) -> bool {
        self.0 & members.0 == members.0
    }
}

/// The rules that `properties` must have a member.
const MISSING: [(Rule, Seen); 4] = [
    (Rule::TimeMissing, Seen::TIME),
    (Rule::DistinctIdMissing, Seen::DISTINCT_ID),
    (Rule::InsertIdMissing, Seen::INSERT_ID),
    (Rule::TokenMissing, Seen::TOKEN),
];

/// What the name of a member means to the rules.
#[derive(Clone, Copy, Debug)]
struct Meaning {
    /// As a name of `properties`.
    place: Place,
    seen: Seen,
    /// As a name of the event itself, which has only two.
    field: Option<(Place, Seen)>,
}

impl Meaning {
    const NONE: Meaning = Meaning { place: Place::Plain, seen: Seen::NONE, field: None };

    fn of(name: &str) -> Meaning {
        let property = |place, seen| Meaning { place, seen, field: None };
        match name {
            "time" => property(Place::Time, Seen::TIME),
            "distinct_id" => property(Place::DistinctId, Seen::DISTINCT_ID),
            "$insert_id" => property(Place::InsertId, Seen::INSERT_ID),
            "token" => property(Place::Plain, Seen::TOKEN),
            "event" => Meaning { field: Some((Place::Name, Seen::EVENT)), ..Meaning::NONE },
            "properties" => Meaning { field: Some((Place::Properties, Seen::PROPERTIES)), ..Meaning::NONE },
            _ => Meaning::NONE,
        }
    }
}

/// Writes events and holds them to the rules.
pub struct EventWriter {
    pub(crate) limits: Limits,
    pub(crate) endpoint: Endpoint,
    /// The clock, in milliseconds since the epoch; set for each batch.
    pub(crate) now_ms: i64,
    pub(crate) out: Vec<u8>,
    /// Hints for the events that are kept.
    pub(crate) hints: Vec<Hint>,
    noted: Noted,
    /// What the next value is.
    pub(crate) place: Place,
    pub(crate) seen: Seen,
    /// The members of `properties` that an event should have, or that are added where it has none.
    pub(crate) wanted: Seen,
    /// Where the quote of the event's `$insert_id` stands in the output.
    pub(crate) insert_id_at: Option<usize>,
    actions: [Action; RULES.len()],
    /// Which long texts are converted instead of cut.
    pub(crate) long_texts: LongTexts,
    /// Members are being written that stand in for one with a long text.
    pub(crate) is_converting: bool,
    changed_name: Option<ChangedName>,
    known_names: KnownNames,
    token: Option<String>,
    /// Becomes `properties.$insert_id` of the event that is being written, where it has none.
    pub(crate) derived_id: Option<String>,
    event_start: usize,
    open: Frames,
    /// The event is past all limits: no other object or array of it is looked into. Else one that holds itself twice
    /// would be walked two to the power of 64 times.
    is_hopeless: bool,
    findings: Vec<Finding>,
    truncations: Vec<Truncation>,
}

/// What became of an event that was written to its end.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It stands in the output, and there is nothing to say of it.
    Plain,
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
        let actions: [Action; RULES.len()] = std::array::from_fn(|rule| limits.action(RULES[rule].rule, endpoint));
        let mut wanted = if token.is_some() { Seen::TOKEN } else { Seen::NONE };
        for (rule, member) in MISSING {
            if actions[rule as usize] != Action::Off {
                wanted.add(member);
            }
        }
        EventWriter {
            limits,
            endpoint,
            now_ms: 0,
            out: Vec::new(),
            hints: Vec::new(),
            noted: Noted::nothing(),
            place: Place::Event,
            actions,
            long_texts: LongTexts::default(),
            is_converting: false,
            changed_name: None,
            known_names: KnownNames::new(),
            token,
            derived_id: None,
            event_start: 0,
            open: Frames::none(),
            seen: Seen::NONE,
            wanted,
            insert_id_at: None,
            is_hopeless: false,
            findings: Vec::new(),
            truncations: Vec::new(),
        }
    }

    /// An event begins.
    pub fn begin_event(&mut self) {
        self.event_start = self.out.len();
        self.noted.count = 0;
        self.place = Place::Event;
        self.open.clear();
        self.known_names.begin();
        self.seen = Seen::NONE;
        self.insert_id_at = None;
        self.is_hopeless = false;
        self.changed_name = None;
        self.findings.clear();
        self.truncations.clear();
    }

    /// Takes back the event that was begun last, and what was written before it since the output was `to` long.
    pub fn take_back(&mut self, to: usize) {
        self.out.truncate(to.min(self.event_start));
    }

    /// Adds the hints of the event that was written last.
    pub(crate) fn keep_hints(&mut self) {
        self.hints.extend_from_slice(self.noted.hints());
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
            self.find_at(Rule::EventTooLarge, "", || {
                format!("the event has {written} bytes as written; send less with it, or split it into several events")
            });
        }
        if self.findings.is_empty() && self.truncations.is_empty() {
            return Verdict::Plain;
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
}
