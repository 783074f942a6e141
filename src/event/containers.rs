//! Objects and arrays: how deep, how many in them, and whether their names are different.

use super::place::{Kind, Place};
use super::writer::{EventWriter, LOOKED_AT_BEYOND};
use crate::rules::finding::Finding;
use crate::rules::limits::MAX_LEVELS;
use crate::rules::{Action, Rule};
use crate::scan::Scanner;
use crate::scan::unescape;

impl EventWriter {
    /// A value begins: writes the comma before an element of an array; a member's stands before its name. True: the value
    /// has rules of its own.
    #[inline(always)]
    pub(super) fn begin_value(&mut self) -> bool {
        match self.place {
            Place::Plain => false,
            Place::Element => {
                if self.open.top().count != 0 {
                    self.out.push(b',');
                }
                self.open.top_mut().count += 1;
                false
            }
            _ => true,
        }
    }

    /// Opens an object or array, if it is not too deep.
    pub(super) fn begin(&mut self, kind: Kind, bracket: u8) -> bool {
        let depth = self.open.top().depth + i8::from(kind != Kind::Array);
        let written = self.out.len() - self.event_start;
        // What is far too deep or too large is not looked into; the event and its properties are the first two levels.
        let may_pass =
            self.is_hopeless || self.open.open_count() > MAX_LEVELS + 1 || written > self.limits.max_event_bytes;
        let is_passed = may_pass && self.passes_over(written);
        let is_too_deep = kind == Kind::Object && depth as usize == self.limits.max_depth + 1;
        if is_passed || (is_too_deep && self.rejects_too_deep(depth)) {
            self.out.extend_from_slice(b"null");
            return false;
        }
        self.open.push(kind, depth, self.out.len());
        self.out.push(bracket);
        self.place = Place::inside(kind);
        true
    }

    /// Whether the object or array that begins now is not looked into, and neither are those behind it.
    #[cold]
    fn passes_over(&mut self, written: usize) -> bool {
        if self.open.open_count() > MAX_LEVELS + 1 && !self.is_hopeless {
            self.find_past_levels();
        }
        let is_far_too_large = written > self.limits.max_event_bytes.saturating_add(LOOKED_AT_BEYOND);
        self.is_hopeless |= is_far_too_large && self.action(Rule::EventTooLarge) == Action::Reject;
        self.is_hopeless
    }

    /// Whether the object that begins now and is one level too deep is left out for it.
    #[cold]
    fn rejects_too_deep(&mut self, depth: i8) -> bool {
        let max = self.limits.max_depth;
        self.find(Rule::TooDeep, || {
            format!("an object {depth} deep; {max} is the limit: flatten it, as in a_b_c instead of a.b.c")
        });
        self.action(Rule::TooDeep) == Action::Reject
    }

    #[cold]
    fn find_past_levels(&mut self) {
        let field = self.path();
        let message = format!("more than {MAX_LEVELS} levels of objects and arrays; does the value contain itself?");
        self.findings.push(Finding { rule: Rule::TooDeep, action: Action::Reject, field, message });
        self.is_hopeless = true;
    }

    /// Closes what was opened last; returns its kind and count, the writer being at the value that it is in what is around it.
    pub(super) fn end(&mut self, bracket: u8) -> (Kind, u32) {
        if self.open.top().names_may_repeat {
            self.compare_names();
        }
        self.out.push(bracket);
        let ended = self.open.pop();
        self.place = Place::inside(self.open.top().kind);
        ended
    }

    #[inline]
    pub(super) fn check_count(&mut self, rule: Rule, count: u32, max: usize, what: &str) {
        if count as usize > max {
            self.find(rule, || format!("{count} {what}; {max} is the limit"));
        }
    }

    /// Looks for two members of the same name in the object that is about to end.
    #[cold]
    fn compare_names(&mut self) {
        let mut names = std::collections::HashSet::new();
        let mut repeated = Vec::new();
        let start = self.open.top().start + 1;
        let members = std::str::from_utf8(&self.out[start..]).expect("only UTF-8 is written");
        let mut scanner = Scanner::new(members, 0);
        for _ in 0..self.open.top().count {
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
            self.open.top_mut().name_at = at;
            self.find(Rule::KeyCollision, || {
                "two names of this object are the same once they are cut or repaired: rename one of them".into()
            });
        }
    }
}
