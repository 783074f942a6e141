//! What an event lists: up to a limit; beyond it, findings and truncations are counted.

use mixpress::rules::{Action, Rule};
use mixpress::truncate::Advice;

use super::Walk;

/// Findings of one rule, and truncations, that an event lists.
const LISTED: usize = 100;
/// Bytes of all listed paths; past them an event lists only the first finding of each further rule.
const PATH_BYTES: usize = 1 << 16;

/// The findings and truncations that are not listed.
#[derive(Default)]
pub(super) struct Unlisted {
    findings: Vec<(Rule, Action)>,
    truncations: usize,
    /// Of those that are listed.
    path_bytes: usize,
}

impl Walk<'_> {
    pub(super) fn add_finding(&mut self, rule: Rule, action: Action, field: &str) {
        let count = self.findings.iter().filter(|(other, ..)| *other == rule).count();
        if count == 0 || (count < LISTED && self.unlisted.path_bytes <= PATH_BYTES) {
            self.unlisted.path_bytes += field.len();
            self.findings.push((rule, action, field.to_owned()));
        } else if !self.unlisted.findings.contains(&(rule, action)) {
            self.unlisted.findings.push((rule, action));
        }
    }

    pub(super) fn add_truncation(&mut self, path: String, length: usize, advice: Advice) {
        if self.truncations.len() < LISTED && self.unlisted.path_bytes <= PATH_BYTES {
            self.unlisted.path_bytes += path.len();
            self.truncations.push((path, length, advice));
        } else {
            self.unlisted.truncations += 1;
        }
    }

    /// Adds a finding for those of a rule that are not listed, and a truncation for the others.
    pub(super) fn add_unlisted(&mut self) {
        let unlisted = std::mem::take(&mut self.unlisted);
        self.findings.extend(unlisted.findings.into_iter().map(|(rule, action)| (rule, action, String::new())));
        if unlisted.truncations > 0 {
            self.truncations.push((format!("(and {} more)", unlisted.truncations), 0, Advice::Text));
        }
    }
}
