//! The source of JSON text: objects one after another, on separate lines or not, and the elements of arrays.
//!
//! [`JsonReader`] finds events in a text that is read in windows, and continues after a broken one; [`JsonEvent`] is one
//! event of the text. Strings and numbers go to the sink by their spelling, which is kept if nothing changes.
//!
//! Repeated names are noticed by their hashes, mostly without a comparison. Only then is the event read again with the
//! members of each object collected, so that the last of each name wins.

mod broken;
mod event;
mod flatten;
mod names;
mod reader;
mod recovery;
mod repeated;
mod scalars;
mod stop;
#[cfg(test)]
mod tests;
mod walk;
mod window;

pub use broken::Broken;
pub use event::JsonEvent;
pub(crate) use flatten::{FlatMember, can_be_flattened, flatten};
pub use reader::{JsonReader, Next};
pub(crate) use repeated::push_value;
pub use stop::Stop;
pub use window::Window;
