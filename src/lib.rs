//! Mixpanel events into request bodies: validated, cut, serialized, packed and gzipped in one pass.
//!
//! ```text
//! event -> validate -> truncate -> serialize -> batch -> gzip
//! ```
//!
//! A [`source`] walks its own kind of data and pushes values into the one [`event::EventWriter`], which holds them to the
//! [`rules`] as they pass and writes JSON; [`batch`] packs the events, [`gzip`] compresses the bodies, and [`encoder`]
//! runs them in a row. Nothing here knows Python; the binding is the folder `python`, behind the feature of that name.

pub mod batch;
pub mod derive;
pub mod encoder;
pub mod event;
pub mod finding;
pub mod gzip;
pub mod limits;
pub mod long_text;
pub mod press;
mod quoted;
pub mod rules;
pub mod serialize;
pub mod source;
pub mod truncate;
mod validate;
pub mod vectors;

#[cfg(feature = "python")]
mod python;
