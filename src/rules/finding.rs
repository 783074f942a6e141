//! Findings: the rules that an event breaks, as data.

use crate::rules::{Action, Rule};

/// A rule that is broken at one place of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: Rule,
    /// Whether the event is rejected, or sent with a warning.
    pub action: Action,
    /// The path of the value, like `properties.a.b[2]`; empty for the event as a whole.
    pub field: String,
    /// A sentence with the value, the limit and the remedy.
    pub message: String,
}

/// Where an event is in the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The number of events before it, bad ones included.
    pub index: usize,
    /// In JSON text, the line on which it starts, counted from 1.
    pub line: Option<usize>,
}

/// All findings of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventFindings {
    /// Where the event is in the input.
    pub origin: Origin,
    /// Its `$insert_id`, if that is text.
    pub insert_id: Option<String>,
    /// At least one, in the order of the rules, then of the event.
    pub findings: Vec<Finding>,
}

#[doc(hidden)] // its name before
pub use EventFindings as Found;

/// The spelling of a number for a message; one of more than 40 characters is cut, with its length.
pub(crate) fn shown_number(spelling: &str) -> String {
    match spelling.len() {
        0..=40 => spelling.to_owned(),
        length => format!("{}... ({length} characters)", &spelling[..20]),
    }
}

/// Quote a value for a message, shortened to 60 characters.
pub fn quote(text: &str) -> String {
    const SHOWN: usize = 60;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{:?} (and {} characters more)", &text[..end], text[end..].chars().count()),
        None => format!("{text:?}"),
    }
}
