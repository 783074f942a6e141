//! The writer: what is written, held to the rules, and found.

use std::ops::Range;

use super::frames::Frames;
use super::known_names::KnownNames;
use super::place::{Place, Seen};
use crate::gzip::press::Hint;
use crate::rules::finding::Finding;
use crate::rules::limits::{Endpoint, Limits, MAX_LEVELS};
use crate::rules::{Action, RULES, Rule};
use crate::scan::{string_at, unescape};
use crate::truncate::LongTexts;
use crate::truncate::Truncation;

/// Objects and arrays that can be open at once: the event, its properties, and what is in those.
pub(super) const MAX_OPEN: usize = MAX_LEVELS + 3;

/// A name that was written otherwise than it was given, and what was reported of it.
#[derive(Debug)]
pub(super) struct ChangedName {
    pub(super) name: String,
    pub(super) name_at: usize,
    pub(super) findings: Range<usize>,
    pub(super) truncations: Range<usize>,
}

/// Where the known names of an event stand, and where they stood before: hints, if the event is kept.
///
/// A list of fixed size, and no question whether hints are wanted, since either would take longer than the noting.
pub(super) struct Noted {
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
    pub(super) fn note(&mut self, hint: Hint) {
        self.hints[self.count.min(NOTED - 1)] = hint;
        self.count += 1;
    }

    fn hints(&self) -> &[Hint] {
        &self.hints[..self.count.min(NOTED)]
    }
}

/// Bytes beyond the limit of an event after which the rest of it is not looked into.
pub(super) const LOOKED_AT_BEYOND: usize = 1 << 20;

/// The rules that `properties` must have a member.
const MISSING: [(Rule, Seen); 4] = [
    (Rule::TimeMissing, Seen::TIME),
    (Rule::DistinctIdMissing, Seen::DISTINCT_ID),
    (Rule::InsertIdMissing, Seen::INSERT_ID),
    (Rule::TokenMissing, Seen::TOKEN),
];

/// Writes events and holds them to the rules.
pub struct EventWriter {
    pub(crate) limits: Limits,
    pub(crate) endpoint: Endpoint,
    /// The clock, in milliseconds since the epoch; set for each batch.
    pub(crate) now_ms: i64,
    pub(crate) out: Vec<u8>,
    /// Hints for the events that are kept.
    pub(crate) hints: Vec<Hint>,
    pub(super) noted: Noted,
    /// What the next value is.
    pub(crate) place: Place,
    pub(crate) seen: Seen,
    /// The members of `properties` that an event should have, or that are added where it has none.
    pub(crate) wanted: Seen,
    /// Where the quote of the event's `$insert_id` stands in the output.
    pub(crate) insert_id_at: Option<usize>,
    pub(super) actions: [Action; RULES.len()],
    /// Which long texts are converted instead of cut.
    pub(crate) long_texts: LongTexts,
    /// Members are being written that stand in for one with a long text.
    pub(crate) is_converting: bool,
    pub(super) changed_name: Option<ChangedName>,
    pub(super) known_names: KnownNames,
    pub(super) token: Option<String>,
    /// Becomes `properties.$insert_id` of the event that is being written, where it has none.
    pub(crate) derived_id: Option<String>,
    pub(super) event_start: usize,
    pub(super) open: Frames,
    /// The event is past all limits: no other object or array of it is looked into. Else one that holds itself twice
    /// would be walked two to the power of 64 times.
    pub(super) is_hopeless: bool,
    pub(super) findings: Vec<Finding>,
    pub(super) truncations: Vec<Truncation>,
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
