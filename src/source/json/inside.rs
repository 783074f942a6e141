//! What a reader of JSON text is inside, and what comes next.

use super::broken::Broken;

/// What the reader is inside, which says what may come next.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Inside {
    /// The start of the text, where a byte order mark is skipped.
    Start,
    /// Events one after another, or an array of them.
    Text,
    /// After an array's bracket.
    ArrayStart,
    /// After an array's comma.
    ArrayComma,
    /// After an element of an array.
    ArrayElement,
    /// After a broken element of an array: whether a comma followed is unknown.
    ArrayBroken,
}

/// How much of a broken event was skipped.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Skipped {
    All,
    /// What is in the window: more of the text is needed.
    SoFar,
}

/// What comes next in a text.
#[derive(Debug, PartialEq, Eq)]
pub enum Next<T> {
    /// An event, and what `take` returned for it.
    Event(T),
    /// Text that is not an event.
    Broken(Broken),
    /// Unknown: more of the text is needed.
    MoreText,
    /// The end of the text.
    End,
}
