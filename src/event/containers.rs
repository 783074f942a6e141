//! Objects and arrays: how deep, how many in them, and whether their names are different.

use super::{EventWriter, Frame, Kind, LOOKED_AT_BEYOND, OUTSIDE, Place};
use crate::finding::Finding;
use crate::limits::MAX_LEVELS;
use crate::rules::{Action, Rule};
use crate::serialize::unescape;
use crate::source::scan::Scanner;

impl EventWriter {
    /// The comma before an element of an array; a member's stands before its name.
    #[inline(always)]
    pub(super) fn begin_value(&mut self) {
        if self.top.kind == Kind::Array {
            if self.top.count != 0 {
                self.out.push(b',');
            }
            self.top.count += 1;
        }
    }

    /// Opens an object or array, if it is not too deep.
    pub(super) fn begin(&mut self, kind: Kind, bracket: u8) -> bool {
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
    pub(super) fn passes_over(&mut self) -> bool {
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
    pub(super) fn find_past_levels(&mut self) {
        let field = self.path();
        let message = format!("more than {MAX_LEVELS} levels of objects and arrays; does the value contain itself?");
        self.findings.push(Finding { rule: Rule::TooDeep, action: Action::Reject, field, message });
        self.is_hopeless = true;
    }

    /// Closes what was opened last; returns it, the writer being at the value that it is in what is around it.
    pub(super) fn end(&mut self, bracket: u8) -> Frame {
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
    pub(super) fn check_count(&mut self, rule: Rule, count: usize, max: usize, what: &str) {
        if count > max {
            self.find(rule, || format!("{count} {what}; {max} is the limit"));
        }
    }

    /// Looks for two members of the same name in the object that is about to end.
    #[cold]
    pub(super) fn compare_names(&mut self) {
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
}
