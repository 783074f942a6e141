//! The findings and truncations of an event, and the verdict that follows from them.

use std::ops::Range;

use super::records::{CutRecord, FindingRecord, FoundEvent, Records, Sentence, Span};
use crate::rules::finding::{EventFindings, Message, Origin};
use crate::rules::{Action, RULES, Rule};
use crate::truncate::{Advice, Truncation};

/// The verdict about an event.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is in a batch, and nothing was found.
    Plain,
    /// It is in a batch.
    Accepted {
        /// The broken rules that only warn.
        warnings: Option<EventFindings>,
        /// The strings that were truncated.
        truncations: Vec<Truncation>,
    },
    /// It is in no batch.
    Rejected(EventFindings),
}

/// What became of an event. Its report has the details.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It can be in a batch, and nothing was found.
    Plain,
    /// It can be in a batch, and something was found.
    Accepted,
    /// It can be in no batch.
    Rejected,
}

/// Findings of one rule that an event lists, and truncations that it lists. Those beyond are counted.
pub(super) const LISTED: usize = 100;

/// Bytes of the paths that an event lists. Past them it lists only the first finding of each further rule.
const PATH_BYTES: usize = 1 << 16;

/// The findings and truncations so far of the event that is being written.
#[derive(Default)]
pub(crate) struct Report {
    findings: Vec<FindingRecord>,
    truncations: Vec<CutRecord>,
    /// What the records refer to.
    text: String,
    insert_id: Option<Span>,
    counts: Counts,
    path_bytes: usize,
    changed_name: Option<ChangedName>,
}

/// How many findings and truncations an event has, listed or not.
#[derive(Clone, Copy)]
struct Counts {
    findings: [usize; RULES.len()],
    truncations: usize,
}

impl Default for Counts {
    fn default() -> Counts {
        Counts { findings: [0; RULES.len()], truncations: 0 }
    }
}

impl Counts {
    fn without(&self, other: &Counts) -> Counts {
        let findings = std::array::from_fn(|rule| self.findings[rule] - other.findings[rule]);
        Counts { findings, truncations: self.truncations - other.truncations }
    }
}

/// A position in a report, to find what was added after it.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    findings: usize,
    truncations: usize,
    counts: Counts,
}

/// A name that was written differently than it was given, with its findings and truncations.
struct ChangedName {
    name: String,
    name_at: usize,
    findings: Range<usize>,
    truncations: Range<usize>,
    /// How many it has, listed or not.
    added: Counts,
}

impl Report {
    pub(super) fn clear(&mut self) {
        self.changed_name = None;
        if !self.is_empty() {
            self.counts = Counts::default(); // the first finding of each rule is listed, so there are no other counts
        }
        self.path_bytes = 0;
        self.findings.clear();
        self.truncations.clear();
        self.text.clear();
        self.insert_id = None;
    }

    /// Counts a finding of a rule. Returns whether to add it: its path and message are not made otherwise.
    pub(super) fn lists_finding(&mut self, rule: Rule) -> bool {
        let count = &mut self.counts.findings[rule as usize];
        *count += 1;
        *count == 1 || (*count <= LISTED && self.path_bytes <= PATH_BYTES)
    }

    /// Counts a truncation. Returns whether to add it.
    pub(super) fn lists_truncation(&mut self) -> bool {
        self.counts.truncations += 1;
        self.counts.truncations <= LISTED && self.path_bytes <= PATH_BYTES
    }

    /// Adds a finding; `push_field` appends its path.
    pub(super) fn add_finding(
        &mut self,
        rule: Rule,
        action: Action,
        push_field: impl FnOnce(&mut String),
        message: Message<'_>,
    ) {
        let before = self.text.len();
        let field = Span::appended(&mut self.text, push_field);
        let sentence = Sentence::of(message, &mut self.text);
        crate::steps::count(self.text.len() - before);
        self.path_bytes += field.length();
        self.findings.push(FindingRecord { rule, action, field, sentence });
    }

    /// Adds a truncation; `push_path` appends its path.
    pub(super) fn add_truncation(&mut self, push_path: impl FnOnce(&mut String), length: usize, advice: Advice) {
        let path = Span::appended(&mut self.text, push_path);
        self.path_bytes += path.length();
        self.truncations.push(CutRecord { path, length, advice });
    }

    pub(super) fn mark(&self) -> Mark {
        Mark { findings: self.findings.len(), truncations: self.truncations.len(), counts: self.counts }
    }

    /// Remembers the name written at `name_at` as it was given, with what was added since the mark.
    pub(super) fn remember_name(&mut self, name: &str, name_at: usize, since: Mark) {
        self.changed_name = Some(ChangedName {
            name: name.to_owned(),
            name_at,
            findings: since.findings..self.findings.len(),
            truncations: since.truncations..self.truncations.len(),
            added: self.counts.without(&since.counts),
        });
    }

    /// The name written at `name_at` as it was given, if that was different.
    pub(super) fn changed_name(&self, name_at: usize) -> Option<&str> {
        self.changed_name.as_ref().filter(|changed| changed.name_at == name_at).map(|changed| changed.name.as_str())
    }

    /// Removes the findings and truncations of the name written at `name_at`.
    pub(super) fn take_back_name(&mut self, name_at: usize) {
        if let Some(changed) = self.changed_name.take_if(|changed| changed.name_at == name_at) {
            self.findings.drain(changed.findings);
            self.truncations.drain(changed.truncations);
            self.counts = self.counts.without(&changed.added);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.findings.is_empty() && self.counts.truncations == 0
    }

    pub(super) fn is_rejected(&self) -> bool {
        self.findings.iter().any(|finding| finding.action == Action::Reject)
    }

    /// Completes the report at the end of an event in which something was found: sorts the findings, and removes what is not
    /// reported of a rejected event. `push_insert_id` appends its id, if it has one.
    pub(super) fn complete(&mut self, push_insert_id: Option<impl FnOnce(&mut String)>) -> Outcome {
        let is_rejected = self.is_rejected();
        self.add_rest();
        self.findings.sort_by_key(|finding| finding.rule);
        if is_rejected {
            self.findings.retain(|finding| finding.action == Action::Reject);
            self.truncations.clear();
        }
        if !self.findings.is_empty() {
            self.insert_id = push_insert_id.map(|push| Span::appended(&mut self.text, push));
        }
        if is_rejected { Outcome::Rejected } else { Outcome::Accepted }
    }

    fn found(&self, origin: Origin, outcome: Outcome) -> FoundEvent<'_> {
        let Report { findings, truncations, text, insert_id, .. } = self;
        FoundEvent::new(origin, *insert_id, outcome == Outcome::Rejected, findings, truncations, text)
    }

    /// Adds a completed report to the records of other events.
    #[cfg_attr(not(feature = "python"), allow(dead_code))]
    #[cold]
    pub(crate) fn record(&self, origin: Origin, outcome: Outcome, records: &mut Records) {
        records.add(&self.found(origin, outcome));
    }

    /// The verdict of a completed report, with all texts.
    #[inline]
    pub(crate) fn verdict(&self, origin: Origin, outcome: Outcome) -> Verdict {
        if outcome == Outcome::Plain { Verdict::Plain } else { self.spell(origin, outcome) }
    }

    #[cold]
    fn spell(&self, origin: Origin, outcome: Outcome) -> Verdict {
        let found = self.found(origin, outcome);
        if found.is_rejected() {
            return Verdict::Rejected(found.spell_all());
        }
        Verdict::Accepted {
            warnings: (!found.findings().is_empty()).then(|| found.spell_all()),
            truncations: found.cuts().iter().map(|cut| found.spell_cut(cut)).collect(),
        }
    }

    /// Adds a finding for those of a rule that are not listed, and a truncation for those that are not listed.
    fn add_rest(&mut self) {
        let more = self.counts.truncations.saturating_sub(self.truncations.len());
        if more > 0 {
            self.add_truncation(|text| text.push_str(&format!("(and {more} more)")), 0, Advice::Text);
        }
        let count: usize = self.counts.findings.iter().sum();
        if count <= self.findings.len() {
            return; // all are listed
        }
        let mut listed = [0; RULES.len()];
        let mut actions = [Action::Off; RULES.len()];
        for finding in &self.findings {
            listed[finding.rule as usize] += 1;
            actions[finding.rule as usize] = finding.action;
        }
        for info in RULES {
            let at = info.rule as usize;
            let more = self.counts.findings[at].saturating_sub(listed[at]);
            if more > 0 {
                let message =
                    format!("{more} more findings of this rule are not listed: an event lists at most {LISTED}");
                self.add_finding(info.rule, actions[at], |_| {}, message.into());
            }
        }
    }
}
