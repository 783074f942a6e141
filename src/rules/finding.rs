//! What was found wrong with an event: data, collected, never an exception.

use crate::rules::{Action, Rule};

/// One rule broken at one place of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: Rule,
    /// What is done about it: the event is rejected, or sent with a warning.
    pub action: Action,
    /// Where, as in `properties.a.b[2]`; empty for the event as a whole.
    pub field: String,
    /// A sentence that names the value, the limit and the remedy.
    pub message: String,
}

/// Where an event was in the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// How many events came before it, bad ones too.
    pub index: usize,
    /// In JSON text, the line on which it begins, from 1.
    pub line: Option<usize>,
}

/// An event's findings with the event's own name for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where the event was.
    pub origin: Origin,
    /// Its `$insert_id` where that is text.
    pub insert_id: Option<String>,
    /// At least one, in the order of the rules, then of the event.
    pub findings: Vec<Finding>,
}

/// A value for a message: in quotes, shortened so that the sentence stays one.
pub fn quote(text: &str) -> String {
    const SHOWN: usize = 60;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{:?} (and {} characters more)", &text[..end], text[end..].chars().count()),
        None => format!("{text:?}"),
    }
}
