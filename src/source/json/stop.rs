//! Why the walk of a JSON text stops before its end.

use crate::scan::SyntaxError;

/// Why the walk of a JSON text stops before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The text is not JSON.
    Broken(SyntaxError),
    /// Two members of an object may have the same name: the event has to be walked with its members collected.
    NamesRepeat,
}

impl From<SyntaxError> for Stop {
    fn from(error: SyntaxError) -> Stop {
        Stop::Broken(error)
    }
}
