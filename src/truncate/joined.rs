//! Names that are joined from the names above a value.

use crate::rules::limits::TruncateUnit;

/// A joined name. Of a name that is cut anyway only the start is kept, so that deep names take no more memory than others.
pub(crate) struct JoinedName {
    /// The name, or the start of it that is enough to cut it.
    pub(crate) text: String,
    /// The length of the rest, in the unit of the limit.
    pub(crate) omitted: usize,
    max_bytes: usize,
    unit: TruncateUnit,
}

/// The state of a name, to return to.
#[derive(Clone, Copy)]
pub(crate) struct NameMark {
    bytes: usize,
    omitted: usize,
}

impl JoinedName {
    /// A name that is cut to `max`.
    pub(crate) fn new(name: &str, max: usize, unit: TruncateUnit) -> JoinedName {
        // A character has at most four bytes; one more than the limit shows that the name is too long.
        let max_bytes = max.saturating_add(1).saturating_mul(4);
        let mut joined = JoinedName { text: String::new(), omitted: 0, max_bytes, unit };
        joined.push(name);
        joined
    }

    /// Appends to the name.
    pub(crate) fn push(&mut self, more: &str) {
        crate::steps::count(more.len());
        let room = if self.omitted > 0 { 0 } else { self.max_bytes.saturating_sub(self.text.len()) };
        let (kept, rest) = more.split_at(more.floor_char_boundary(room));
        self.text.push_str(kept);
        self.omitted += match self.unit {
            TruncateUnit::Bytes => rest.len(),
            TruncateUnit::Chars => rest.chars().count(),
        };
    }

    pub(crate) fn mark(&self) -> NameMark {
        NameMark { bytes: self.text.len(), omitted: self.omitted }
    }

    /// Removes what was appended since the mark.
    pub(crate) fn return_to(&mut self, mark: NameMark) {
        self.text.truncate(mark.bytes);
        self.omitted = mark.omitted;
    }
}
