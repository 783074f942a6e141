//! Texts and floats: those that are written otherwise than they were given.

use super::writer::EventWriter;
use crate::rules::Rule;
use crate::serialize::{write_float, write_string, write_string_with};
use crate::truncate::{Truncation, advise, cut};
use crate::vectors::Vectors;

impl EventWriter {
    #[inline(always)]
    pub(super) fn is_long(&self, text: &str) -> bool {
        text.len() > self.limits.max_string && self.is_cut(text)
    }

    #[cold]
    pub(super) fn is_cut(&self, text: &str) -> bool {
        cut(text, self.limits.max_string, self.limits.truncate_unit).is_some()
    }

    /// Writes a float, or null where JSON has no form for it.
    #[inline]
    pub(crate) fn plain_float(&mut self, value: f64) {
        if value.is_finite() {
            write_float(&mut self.out, value);
        } else {
            self.find(Rule::NotANumber, || format!("{value} is not a JSON number and was written as null"));
            self.out.extend_from_slice(b"null");
        }
    }

    /// Writes a text that is longer than the limit in bytes, cut if it must be. True: something else was written instead.
    #[cold]
    pub(super) fn write_long_text(&mut self, text: &str) -> bool {
        let Some((kept, length)) = cut(text, self.limits.max_string, self.limits.truncate_unit) else {
            write_string(&mut self.out, text);
            return false;
        };
        let advice = advise(text);
        self.truncations.push(Truncation { index: 0, path: self.path(), length, advice });
        if self.convert(text, advice) {
            return true;
        }
        write_string(&mut self.out, kept);
        false
    }

    /// Writes a text. True: something else was written instead.
    #[inline(always)]
    pub(super) fn write_text(&mut self, text: &str, vectors: impl Vectors) -> bool {
        if self.begin_value() {
            self.check_text(text);
        }
        if text.len() > self.limits.max_string {
            return self.write_long_text(text);
        }
        write_string_with(&mut self.out, text, vectors);
        false
    }
}
