//! How far an input is read at a time.

/// How far a call of [`Input::fill`] came.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Filled {
    /// A batch is full.
    Batch,
    /// Enough was found for it to be handed over.
    Findings,
    /// There are no more events.
    Input,
}

/// Findings are handed over at the latest when there are so many, so that input that is all bad takes no more memory.
pub const HANDED_OVER: usize = 1000;
