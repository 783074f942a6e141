//! A sink that takes nothing: an event is only checked for JSON, and its end found.

use crate::serialize::Moment;
use crate::source::Sink;

/// Discards what is pushed, and lets the source skip containers.
pub(super) struct Skipping;

impl Sink for Skipping {
    fn begin_object(&mut self) -> bool {
        false
    }
    fn end_object(&mut self) {}
    fn begin_array(&mut self) -> bool {
        false
    }
    fn end_array(&mut self) {}
    fn key(&mut self, _name: &str) {}
    fn repaired_key(&mut self, _name: &str) {}
    fn spelled_key(&mut self, _name: &str, _spelling: &str) {}
    fn duplicate_key(&mut self, _times: usize) {}
    fn unsupported_key(&mut self, _message: &str) {}
    fn names_may_repeat(&mut self) {}
    fn text(&mut self, _text: &str) {}
    fn repaired_text(&mut self, _text: &str) {}
    fn spelled_text(&mut self, _text: &str, _spelling: &str) {}
    fn integer(&mut self, _value: i64) {}
    fn number(&mut self, _spelling: &str) {}
    fn float(&mut self, _value: f64) {}
    fn boolean(&mut self, _value: bool) {}
    fn null(&mut self) {}
    fn moment(&mut self, _moment: Moment) {}
    fn unsupported(&mut self, _message: &str) {}
}
