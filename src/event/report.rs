//! The findings and truncations of an event, and the verdict that follows from them.

use std::ops::Range;

use crate::rules::finding::{EventFindings, Finding, Origin};
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

/// Findings of one rule that an event lists, and truncations that it lists. Those beyond are counted.
pub(super) const LISTED: usize = 100;

/// Bytes of the paths that an event lists. Past them it lists only the first finding of each further rule.
const PATH_BYTES: usize = 1 << 16;

/// The findings and truncations so far of the event that is being written.
#[derive(Default)]
pub(super) struct Report {
    findings: Vec<Finding>,
    truncations: Vec<Truncation>,
    counts: Counts,
    path_bytes: usize,
    changed_name: Option<ChangedName>,
}

/// How many findings and truncations an event has, listed or not.
#[derive(Clone, Copy, Default)]
struct Counts {
    findings: [usize; RULES.len()],
    truncations: usize,
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
        self.counts = Counts::default();
        self.path_bytes = 0;
        self.findings.clear();
        self.truncations.clear();
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

    pub(super) fn add_finding(&mut self, finding: Finding) {
        crate::steps::count(finding.field.len() + finding.message.len());
        self.path_bytes += finding.field.len();
        self.findings.push(finding);
    }

    pub(super) fn add_truncation(&mut self, truncation: Truncation) {
        self.path_bytes += truncation.path.len();
        self.truncations.push(truncation);
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

    /// Empties the report into a verdict.
    pub(super) fn take_verdict(&mut self, origin: Origin, insert_id: impl FnOnce() -> Option<String>) -> Verdict {
        let is_rejected = self.is_rejected();
        self.add_rest();
        let mut findings = std::mem::take(&mut self.findings);
        let mut truncations = std::mem::take(&mut self.truncations);
        findings.sort_by_key(|finding| finding.rule);
        if is_rejected {
            findings.retain(|finding| finding.action == Action::Reject);
            return Verdict::Rejected(EventFindings { origin, insert_id: insert_id(), findings });
        }
        truncations.iter_mut().for_each(|truncation| truncation.index = origin.index);
        let warnings = (!findings.is_empty()).then(|| EventFindings { origin, insert_id: insert_id(), findings });
        Verdict::Accepted { warnings, truncations }
    }
    /// Adds a finding for those of a rule that are not listed, and a truncation for those that are not listed.
    fn add_rest(&mut self) {
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
                let (rule, action) = (info.rule, actions[at]);
                self.findings.push(Finding { rule, action, field: String::new(), message });
            }
        }
        let more = self.counts.truncations.saturating_sub(self.truncations.len());
        if more > 0 {
            let path = format!("(and {more} more)");
            self.truncations.push(Truncation { index: 0, path, length: 0, advice: Advice::Text });
        }
    }
}
