//! Event: one event is written as JSON while its values are pushed in, and held to the rules as they pass.
//!
//! The writer is the one receiver of every source. It appends to the body of the open batch; an event that turns out to
//! be rejected is taken back by shortening the body to where the event began. A good event pays for no bookkeeping of
//! where it is: the path of a finding is read back out of what was written.

mod checks;
mod containers;
mod convert;
pub(crate) mod derived_id;
mod frames;
mod known_names;
mod names;
mod path;
mod place;
mod sink;
mod texts;
mod writer;

pub use writer::{EventWriter, Verdict};
