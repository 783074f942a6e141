//! The error of a text that is not JSON.

/// Where a text stops being JSON, and what was expected there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// The offset of the byte.
    pub at: usize,
    /// What was expected, like `a value`.
    pub wanted: &'static str,
}
