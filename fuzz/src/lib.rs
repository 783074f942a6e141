//! The targets of the fuzzers: functions of bytes that panic if the core and a slow, obvious twin differ.
//!
//! - [`walk`]: events with one or two rules broken, under small limits, against the second reading of the rules in [`oracle`]
//! - [`json_text`]: JSON text in windows, against one window, serde_json and the oracle
//! - [`cutter`]: JSON text in parts, against the whole text
//! - [`scan`]: the tokens of JSON text, against serde_json
//! - [`quoted`]: the loop with `unsafe`, against a character at a time
//! - [`press`]: gzip by hints, some of them wrong, against the decompressed text

pub mod cutter;
pub mod draw;
pub mod events;
pub mod json_text;
pub mod oracle;
pub mod parsed;
pub mod press;
pub mod quoted;
pub mod scan;
pub mod settings;
pub mod spell;
pub mod texts;
pub mod walk;
