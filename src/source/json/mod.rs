//! The source of JSON text: objects one after another, on separate lines or not, and the elements of arrays.
//!
//! [`JsonReader`] finds events in a text that is read in windows, and continues after a broken one; [`JsonEvent`] is one
//! event of the text. Strings and numbers go to the sink by their spelling, which is kept if nothing changes.
//!
//! [`Cutter`] cuts a long text into [`Part`]s that several threads can read.
//!
//! Repeated names are noticed by their hashes, mostly without a comparison. Only then is the event read again with the
//! members of each object collected, so that the last of each name wins.

mod broken;
mod cutter;
mod event;
mod flatten;
mod inside;
mod names;
mod part;
mod reader;
mod recovery;
mod repeated;
mod scalars;
mod skip;
mod spans;
mod stop;
#[cfg(test)]
mod tests;
mod walk;
mod window;

pub use broken::Broken;
pub use cutter::{Cutter, Layout};
pub use event::JsonEvent;
pub(crate) use flatten::{FlatMember, can_be_flattened, flatten};
pub use inside::Next;
pub use part::{Part, Span, Start};
pub use reader::JsonReader;
pub(crate) use repeated::push_value;
pub use stop::Stop;
pub use window::Window;
