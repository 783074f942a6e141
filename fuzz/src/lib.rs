//! What the fuzzers check. Each target is a function of bytes that panics where the core and a slow, obvious twin differ.
//!
//! - [`walk`]: events with one or two things broken, under small limits, against the rules as [`oracle`] reads them
//! - [`scan`]: the tokens of JSON text, against serde_json
//! - [`quoted`]: the one loop that has `unsafe`, against a byte at a time
//! - [`press`]: gzip by hints, some of which lie, against what is read back

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
