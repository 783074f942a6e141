//! Sources: what walks its own kind of data and pushes an event's values into a [`Sink`].
//!
//! A source knows its data and no rules; the sink knows the rules and no data. Nothing stands between them: no tree is
//! built, and each pair of source and sink is compiled as one loop.

#[cfg(feature = "arrow")]
pub mod arrow;
pub mod json;
pub mod value;

use crate::serialize::Moment;
use crate::vectors::Vectors;

/// The tokens of JSON text.
#[doc(hidden)]
pub mod scan {
    pub use crate::scan::{RawString, Scanner, SyntaxError, Unescaped, is_object_or_array, string_at, unescape};
}

/// Receives the values of one event in the order in which the source has them.
///
/// An object is `begin_object`, then `key` and one value for each member, then `end_object`; an array likewise. Where a
/// `begin_*` answers false the contents are of no interest: the source passes over them and does not call `end_*`.
pub trait Sink {
    /// An object begins. False: pass over its contents, and don't end it.
    fn begin_object(&mut self) -> bool;
    /// The object that was begun last ends.
    fn end_object(&mut self);
    /// An array begins. False: pass over its contents, and don't end it.
    fn begin_array(&mut self) -> bool;
    /// The array that was begun last ends.
    fn end_array(&mut self);
    /// The name of the member whose value comes next.
    fn key(&mut self, name: &str);
    /// The name that a text begins with, in quotes and with a colon, if it is the one that the sink expects. Gives how many
    /// bytes of the text that is; 0, with nothing done, where it is another or can't be told.
    #[inline(always)]
    fn expected_key(&mut self, _text: &[u8], _vectors: impl Vectors) -> usize {
        0
    }
    /// The name that was given this tag, if it is the one that the sink expects. False, with nothing done, where not: the
    /// source then says the name itself.
    #[inline(always)]
    fn tagged_key(&mut self, _tag: usize) -> bool {
        false
    }
    /// A name, and a tag for it, which is not 0. True: the sink may know the name by it from now on, so the source must not
    /// give it to another. That comes a limited number of times.
    fn key_with_tag(&mut self, name: &str, _tag: usize) -> bool {
        self.key(name);
        false
    }
    /// A name in which lone surrogates or broken UTF-8 were replaced by U+FFFD.
    fn repaired_key(&mut self, name: &str);
    /// A name, and its valid JSON spelling between the quotes, which is kept.
    fn spelled_key(&mut self, name: &str, spelling: &str);
    /// The member whose name came just now replaces earlier ones; the name was there so many times.
    fn duplicate_key(&mut self, times: usize);
    /// A member whose name is no text; it has no value. The message says what the name is.
    fn unsupported_key(&mut self, message: &str);
    /// Two members of the object that was begun last may have the same name: it is to be looked at when it ends.
    fn names_may_repeat(&mut self);
    /// A text.
    fn text(&mut self, text: &str);
    /// A text, which these vectors can copy.
    #[inline(always)]
    fn text_with(&mut self, text: &str, _vectors: impl Vectors) {
        self.text(text);
    }
    /// A text in which lone surrogates or broken UTF-8 were replaced by U+FFFD.
    fn repaired_text(&mut self, text: &str);
    /// A text, and its valid JSON spelling between the quotes, which is kept.
    fn spelled_text(&mut self, text: &str, spelling: &str);
    /// A text that is spelled as it is, which these vectors can copy.
    #[inline(always)]
    fn plain_text(&mut self, text: &str, _vectors: impl Vectors) {
        self.spelled_text(text, text);
    }
    /// An integer of 64 bits.
    fn integer(&mut self, value: i64);
    /// A number by its valid JSON spelling, which is kept.
    fn number(&mut self, spelling: &str);
    /// The same, which these vectors can copy.
    #[inline(always)]
    fn number_with(&mut self, spelling: &str, _vectors: impl Vectors) {
        self.number(spelling);
    }
    /// A float; it need not be finite.
    fn float(&mut self, value: f64);
    /// True or false.
    fn boolean(&mut self, value: bool);
    /// Null.
    fn null(&mut self);
    /// A date and time.
    fn moment(&mut self, moment: Moment);
    /// A value that JSON has no form for. The message says what it is.
    fn unsupported(&mut self, message: &str);
}

/// One event, in whatever form it comes.
pub trait Source {
    /// Why a walk can stop half-way; what was pushed so far is then taken back.
    type Interrupted;

    /// Pushes the event into the sink.
    fn walk<S: Sink>(&self, sink: &mut S) -> Result<(), Self::Interrupted>;
}
