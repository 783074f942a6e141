//! Text that is not JSON: what is wrong, and where.

use crate::rules::finding::{EventFindings, Finding, Origin};
use crate::rules::{Action, Rule};
use crate::steps;

/// Broken text of which the end is not known yet.
pub(super) struct Pending {
    pub(super) broken: Broken,
    /// The byte of the text from which on it was skipped.
    pub(super) from: usize,
    /// Whether an object starts in what was skipped.
    pub(super) has_object: bool,
}

/// An error that several values have, one inside another: each is found without walking to the error again.
pub(super) struct Known {
    /// The byte of the text where the first one starts.
    pub(super) begin: usize,
    /// The distances from there to their starts, ascending.
    pub(super) starts: Vec<u32>,
    pub(super) broken: Broken,
}

impl Known {
    pub(super) fn has(&self, start: usize) -> bool {
        let distance = start.checked_sub(self.begin).and_then(|distance| u32::try_from(distance).ok());
        distance.is_some_and(|distance| self.starts.binary_search(&distance).is_ok())
    }
}

/// What is wrong with a text, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The line, counted from 1.
    pub line: usize,
    /// The character of the line, counted from 1.
    pub column: usize,
    /// The byte of the text, counted from 0.
    pub offset: usize,
    /// What was expected there.
    pub wanted: &'static str,
    /// Bytes that are skipped and may contain events.
    pub given_up: usize,
}

impl Broken {
    /// The finding about it, for the event with this index.
    pub fn found(&self, index: usize) -> EventFindings {
        let Broken { line, column, offset, wanted, given_up } = self;
        let mut message =
            format!("line {line}, column {column} (byte {offset}) is not JSON: {wanted} was wanted there");
        if *given_up > 0 {
            message += &format!("; {given_up} bytes from there on are skipped, with any events in them");
        }
        let finding = Finding { rule: Rule::InvalidJson, action: Action::Reject, field: String::new(), message };
        EventFindings { origin: Origin { index, line: Some(*line) }, insert_id: None, findings: vec![finding] }
    }
}

/// What is skipped after a broken event.
#[derive(Clone, Copy)]
pub(super) enum Skip {
    /// The rest of the line: most events are one line.
    Line,
    /// All up to a line that starts with a brace indented no deeper than the broken event, which has several lines.
    ToObject { indent: isize, at_line_start: bool },
}

/// Characters of UTF-8, valid or not: the bytes that are not continuation bytes.
pub(super) fn count_characters(bytes: &[u8]) -> usize {
    steps::count(bytes.len());
    bytes.iter().filter(|&&byte| byte & 0xC0 != 0x80).count()
}
