//! Findings, and where they are: the path is read back out of what was written.

use super::frames::Frame;
use super::place::Kind;
use super::writer::EventWriter;
use crate::rules::finding::Finding;
use crate::rules::{Action, Rule};
use crate::scan::{string_at, unescape};

impl EventWriter {
    /// Records that a rule is broken by the value that comes now (or has just been written).
    #[cold]
    pub(crate) fn find(&mut self, rule: Rule, message: impl FnOnce() -> String) {
        if self.action(rule) != Action::Off {
            self.find_at(rule, &self.path(), message);
        }
    }

    /// Records that a rule is broken at a field.
    #[cold]
    pub(crate) fn find_at(&mut self, rule: Rule, field: &str, message: impl FnOnce() -> String) {
        let action = self.action(rule);
        if action != Action::Off {
            self.findings.push(Finding { rule, action, field: field.to_owned(), message: message() });
        }
    }

    /// Where the writer is, as in `properties.a.b[2]`.
    pub(super) fn path(&self) -> String {
        self.path_through(self.open.all())
    }

    /// Where the object or array is that was opened last.
    pub(super) fn path_of_container(&self) -> String {
        self.path_through(&self.open.all()[..self.open.open_count()])
    }

    /// The names are read back out of the output, so that a good event does nothing for a path.
    pub(super) fn path_through(&self, frames: &[Frame]) -> String {
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
}
