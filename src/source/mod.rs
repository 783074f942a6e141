//! Sources, which walk one kind of data each and push an event's values into a [`Sink`].
//!
//! A source knows its data and no rules; the sink knows the rules and no data. No tree is built between them, and each pair
//! of source and sink is compiled into one loop.

#[cfg(feature = "arrow")]
pub mod arrow;
pub mod json;
pub mod value;

use crate::serialize::Moment;
use crate::vectors::{CodePoints, Vectors};

/// The scanner of JSON text.
#[doc(hidden)]
pub mod scan {
    pub use crate::scan::{RawString, Scanner, SyntaxError, Unescaped, is_object_or_array, string_at, unescape};
}

/// Receives the values of one event in the order of the source.
///
/// An object is `begin_object`, then `key` and one value for each member, then `end_object`. An array is `begin_array`, the
/// elements, then `end_array`. If a `begin_*` returns false, the source skips the contents and does not call `end_*`.
pub trait Sink {
    /// Starts an object; returns whether to walk its contents and to end it.
    fn begin_object(&mut self) -> bool;
    /// Ends the innermost object.
    fn end_object(&mut self);
    /// Starts an array; returns whether to walk its contents and to end it.
    fn begin_array(&mut self) -> bool;
    /// Ends the innermost array.
    fn end_array(&mut self);
    /// Pushes the name of the member whose value comes next.
    fn key(&mut self, name: &str);
    /// Pushes the name at the start of a text, in quotes and with a colon, if the sink expects it. Returns the bytes of the
    /// text that were consumed; 0 if the sink did nothing.
    #[inline(always)]
    fn expected_key(&mut self, _text: &[u8], _vectors: impl Vectors) -> usize {
        0
    }
    /// Pushes the name with this tag, if the sink expects it. Returns whether it did; if not, the source must push the name.
    #[inline(always)]
    fn tagged_key(&mut self, _tag: usize) -> bool {
        false
    }
    /// Pushes a name and offers a tag for it, which must not be 0. Returns whether the sink accepted the tag: then the source
    /// must not use it for another name. A sink accepts a limited number of tags.
    fn key_with_tag(&mut self, name: &str, _tag: usize) -> bool {
        self.key(name);
        false
    }
    /// Pushes a name in which lone surrogates or broken UTF-8 were replaced by U+FFFD.
    fn repaired_key(&mut self, name: &str);
    /// Pushes a name with its valid JSON spelling between the quotes, which is kept.
    fn spelled_key(&mut self, name: &str, spelling: &str);
    /// Reports that the last name occurs `times` times in its object, and that only this member is pushed.
    fn duplicate_key(&mut self, times: usize);
    /// Reports a member whose name is not text; it has no value. The message describes the name.
    fn unsupported_key(&mut self, message: &str);
    /// Reports that members of the innermost object may have the same name: the sink compares them at its end.
    fn names_may_repeat(&mut self);
    /// Whether the event is far too large whatever follows. A source then may leave out the rest of a list or a map, which
    /// in Arrow takes no memory if its elements are nulls or a run, and calls [`Sink::skip`].
    fn is_far_too_large(&self) -> bool {
        false
    }
    /// Counts elements or members of the innermost container that are left out.
    fn skip(&mut self, _count: usize) {}
    /// Pushes a text.
    fn text(&mut self, text: &str);
    /// Pushes a text, which these instructions can copy.
    #[inline(always)]
    fn text_with(&mut self, text: &str, _vectors: impl Vectors) {
        self.text(text);
    }
    /// Pushes a text by its code points, if the sink can write it at once. Returns whether it did; if not, the source must
    /// push the text.
    #[inline(always)]
    fn text_of_codes(&mut self, _codes: CodePoints<'_>, _vectors: impl Vectors) -> bool {
        false
    }
    /// Pushes a text in which lone surrogates or broken UTF-8 were replaced by U+FFFD.
    fn repaired_text(&mut self, text: &str);
    /// Pushes a text with its valid JSON spelling between the quotes, which is kept.
    fn spelled_text(&mut self, text: &str, spelling: &str);
    /// Pushes a text that is its own JSON spelling, which these instructions can copy.
    #[inline(always)]
    fn plain_text(&mut self, text: &str, _vectors: impl Vectors) {
        self.spelled_text(text, text);
    }
    /// Pushes an integer of 64 bits.
    fn integer(&mut self, value: i64);
    /// Pushes a number by its valid JSON spelling, which is kept.
    fn number(&mut self, spelling: &str);
    /// Pushes a number by its spelling, which these instructions can copy.
    #[inline(always)]
    fn number_with(&mut self, spelling: &str, _vectors: impl Vectors) {
        self.number(spelling);
    }
    /// Pushes a float, which may be infinite or NaN.
    fn float(&mut self, value: f64);
    /// Pushes true or false.
    fn boolean(&mut self, value: bool);
    /// Pushes null.
    fn null(&mut self);
    /// Pushes a date and time.
    fn moment(&mut self, moment: Moment);
    /// Pushes a value that JSON has no form for. The message describes it.
    fn unsupported(&mut self, message: &str);
}

/// One event in any form.
pub trait Source {
    /// Why a walk stops before its end; the sink then discards what was pushed.
    type Interrupted;

    /// Pushes the event into the sink.
    fn walk<S: Sink>(&self, sink: &mut S) -> Result<(), Self::Interrupted>;
}
