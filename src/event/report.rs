//! The findings and truncations of an event, and the verdict that follows from them.

use std::ops::Range;

use crate::rules::Action;
use crate::rules::finding::{EventFindings, Finding, Origin};
use crate::truncate::Truncation;

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

/// The findings and truncations so far of the event that is being written.
#[derive(Default)]
pub(super) struct Report {
    findings: Vec<Finding>,
    truncations: Vec<Truncation>,
    changed_name: Option<ChangedName>,
}

/// A position in a report, to find what was added after it.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    findings: usize,
    truncations: usize,
}

/// A name that was written differently than it was given, with its findings and truncations.
struct ChangedName {
    name: String,
    name_at: usize,
    findings: Range<usize>,
    truncations: Range<usize>,
}

impl Report {
    pub(super) fn clear(&mut self) {
        self.changed_name = None;
        self.findings.clear();
        self.truncations.clear();
    }

    pub(super) fn add_finding(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    pub(super) fn add_truncation(&mut self, truncation: Truncation) {
        self.truncations.push(truncation);
    }

    pub(super) fn mark(&self) -> Mark {
        Mark { findings: self.findings.len(), truncations: self.truncations.len() }
    }

    /// Remembers the name written at `name_at` as it was given, with what was added since the mark.
    pub(super) fn remember_name(&mut self, name: &str, name_at: usize, since: Mark) {
        self.changed_name = Some(ChangedName {
            name: name.to_owned(),
            name_at,
            findings: since.findings..self.findings.len(),
            truncations: since.truncations..self.truncations.len(),
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
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.findings.is_empty() && self.truncations.is_empty()
    }

    pub(super) fn is_rejected(&self) -> bool {
        self.findings.iter().any(|finding| finding.action == Action::Reject)
    }

    /// Empties the report into a verdict.
    pub(super) fn take_verdict(&mut self, origin: Origin, insert_id: impl FnOnce() -> Option<String>) -> Verdict {
        let is_rejected = self.is_rejected();
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
}
