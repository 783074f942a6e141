//! Write one event as JSON while its values are pushed in, and check it against the rules on the way.
//!
//! The writer is the only sink that matters: every source pushes into it. It appends to the body of the open batch. A
//! rejected event is removed by truncating the body to where the event starts. A good event pays nothing for error
//! messages: the path of a finding is read back out of the JSON that was written.
//!
//! - `json`: the JSON that was written, with the objects and arrays that are open (`frames`) and the names that are
//!   expected (`known_names`).
//! - `applied_rules`: the limits, the endpoint and the action of each rule; `place`: the places with different rules.
//! - `report`: the findings and truncations of the event, and the verdict; `records`: those of many events.
//! - `writer` has these parts. `sink`, `containers`, `names` and `convert` write the pushed values; `checks` calls
//!   `validate` and records the broken rules; `identity` has what identifies users,
//!   `update` what is only in updates of profiles.

mod applied_rules;
mod checks;
mod containers;
mod convert;
pub(crate) mod derived_id;
mod fill_ins;
mod frames;
mod identity;
mod identity_event;
mod json;
mod known_names;
mod names;
mod place;
#[cfg_attr(not(feature = "python"), allow(dead_code))] // the binding keeps records; a Rust program gets verdicts
mod records;
mod report;
mod sink;
mod update;
mod writer;

pub use fill_ins::FillIns;
pub(crate) use records::Records;
#[cfg(feature = "python")]
pub(crate) use records::{FindingRecord, FoundEvent};
pub(crate) use report::Outcome;
pub use report::Verdict;
pub use writer::EventWriter;
