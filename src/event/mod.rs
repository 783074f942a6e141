//! Write one event as JSON while its values are pushed in, and check it against the rules on the way.
//!
//! The writer is the only sink that matters: every source pushes into it. It appends to the body of the open batch. A
//! rejected event is removed by truncating the body to where the event starts. A good event pays nothing for error
//! messages: the path of a finding is read back out of the JSON that was written.
//!
//! - `json`: the JSON that was written, with the objects and arrays that are open (`frames`) and the names that are
//!   expected (`known_names`).
//! - `applied_rules`: the limits, the endpoint and the action of each rule; `place`: the places with different rules.
//! - `report`: the findings and truncations, and the verdict.
//! - `writer` has these parts. `sink`, `containers`, `names` and `convert` write the pushed values; `checks` calls
//!   `validate` and records the broken rules.

mod applied_rules;
mod checks;
mod containers;
mod convert;
pub(crate) mod derived_id;
mod frames;
mod json;
mod known_names;
mod names;
mod place;
mod report;
mod sink;
mod writer;

pub use report::Verdict;
pub use writer::EventWriter;
