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

/// A sentence about a broken rule. What it takes to spell it is left until somebody asks for it.
pub(crate) enum Message<'a> {
    Fixed(&'static str),
    /// A value, which is quoted between two texts.
    Quoted(&'static str, &'a str, &'static str),
    /// The result of a function of a text and numbers.
    Later(fn(&str, [i64; 2]) -> String, String, [i64; 2]),
    Spelled(String),
}

impl From<&'static str> for Message<'_> {
    fn from(text: &'static str) -> Self {
        Message::Fixed(text)
    }
}

impl From<String> for Message<'_> {
    fn from(text: String) -> Self {
        Message::Spelled(text)
    }
}

/// The characters of a value that a message shows.
const SHOWN: usize = 60;

/// The start of a value that a message shows, and the number of characters after it.
pub(crate) fn excerpt(text: &str) -> (&str, usize) {
    if text.len() <= SHOWN {
        return (text, 0); // never more characters than bytes
    }
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => (&text[..end], text[end..].chars().count()),
        None => (text, 0),
    }
}

/// Quotes an excerpt.
pub(crate) fn quote_excerpt(shown: &str, more: usize) -> String {
    match more {
        0 => format!("{shown:?}"),
        _ => format!("{shown:?} (and {more} characters more)"),
    }
}

/// Quote a value for a message, shortened to 60 characters.
pub fn quote(text: &str) -> String {
    let (shown, more) = excerpt(text);
    quote_excerpt(shown, more)
}
