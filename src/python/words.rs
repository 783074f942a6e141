//! The words that select a choice in Python, used to read arguments and to show them.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::given::Given;
use crate::batch::Format;
use crate::rules::limits::{Endpoint, Identity};

pub const ENDPOINTS: &[(&str, Endpoint)] = &[
    ("import", Endpoint::Import),
    ("track", Endpoint::Track),
    ("engage", Endpoint::Engage),
    ("groups", Endpoint::Groups),
];

/// How a project identifies its users; None is [`Identity::Unknown`].
pub const IDENTITIES: &[(&str, Identity)] = &[("simplified", Identity::Simplified), ("original", Identity::Original)];

/// The layouts of a body. An encoder selects base64 by the option `form_base64`.
pub const LAYOUTS: &[(&str, Format)] =
    &[("json", Format::Json), ("ndjson", Format::Ndjson), ("form", Format::Form), ("form-base64", Format::FormBase64)];

/// The choice that a word names. `ValueError` for another word.
pub fn one_of<T: Copy>(name: &str, given: Given<String>, choices: &[(&str, T)]) -> PyResult<T> {
    let given = match given {
        Given::Right(word) => word,
        wrong => wrong.or_say(name, &listed(choices))?,
    };
    let choice = choices.iter().find(|(word, _)| *word == given).map(|(_, choice)| *choice);
    choice.ok_or_else(|| PyValueError::new_err(format!("{name} must be {}, got {given:?}", listed(choices))))
}

/// The name of a type after "an" if it starts with a, e, i or o, else after "a": names with u are as "UUID" and "Unit".
pub fn with_article(name: &str) -> String {
    let article = if name.starts_with(['a', 'e', 'i', 'o', 'A', 'E', 'I', 'O']) { "an" } else { "a" };
    format!("{article} {name}")
}

fn listed<T>(choices: &[(&str, T)]) -> String {
    let words: Vec<String> = choices.iter().map(|(word, _)| format!("{word:?}")).collect();
    words.join(" or ")
}

/// The word for one of the choices.
pub fn word_of<T: PartialEq>(choice: T, choices: &[(&'static str, T)]) -> &'static str {
    choices.iter().find(|(_, other)| *other == choice).map_or("", |(word, _)| word)
}
