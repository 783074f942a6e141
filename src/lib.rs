//! Mixpanel events into request bodies: validated, cut, serialized, packed and gzipped in one pass.
//!
//! ```text
//! event -> validate -> truncate -> serialize -> batch -> gzip
//! ```
//!
//! This is the core of the Python package [mixpress](https://pypi.org/project/mixpress/), for clients in other languages to
//! embed: it sends nothing, starts no thread and knows no Python. JSON text goes in, and out come the bodies to send and a
//! verdict for every event that is in none:
//!
//! ```
//! use std::time::SystemTime;
//!
//! use mixpress::{Endpoint, Output, Settings};
//!
//! let text = br#"
//!     {"event": "Signed Up", "properties": {"time": 1700000000, "distinct_id": "u-1", "$insert_id": "5d958f87"}}
//!     {"event": "Signed Up", "properties": {"time": 1700000000, "distinct_id": "NA", "$insert_id": "5d958f88"}}
//!     {"event": "Signed U
//! "#;
//! let settings = Settings::new(Endpoint::Import);
//! let (mut bodies, mut rejected) = (Vec::new(), Vec::new());
//! let total = settings.encode_json(&text[..], SystemTime::now(), |output| {
//!     match output {
//!         Output::Batch(batch) => bodies.push((batch.body.into_owned(), batch.contents)),
//!         Output::Rejected(found) => rejected.push(found),
//!         Output::Warned(_) | Output::Truncated(_) => {}
//!     }
//!     Ok(())
//! })?;
//!
//! let [(body, contents)] = &bodies[..] else { panic!("one body for one good event") };
//! assert!(body.starts_with(b"\x1f\x8b")); // gzip
//! assert_eq!((total, contents.indexes.as_slice(), contents.content_type()), (3, &[0][..], "application/json"));
//!
//! assert_eq!(rejected[0].origin.index, 1);
//! assert_eq!(rejected[0].findings[0].rule.id(), "distinct-id-disallowed");
//! assert_eq!(rejected[0].findings[0].field, "properties.distinct_id");
//! assert_eq!((rejected[1].origin.line, rejected[1].findings[0].rule.id()), (Some(4), "invalid-json"));
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! `examples/encode.rs` is that as a program. [`Settings`] says what a body is made with, and [`Limits`] holds every number
//! and what each [`rule`](rules) does.
//!
//! # The parts
//!
//! A client whose events are no JSON text puts the parts together itself: [`Settings::batcher`] gives a [`Batcher`], which
//! takes one event at a time from any [`source::Source`] ([`source::value::Value`] is the simplest), and
//! [`Settings::seal`] makes a body of each batch that it packed. A source walks its own kind of data and pushes values;
//! what receives them holds them to the [`rules`] as they pass and writes JSON.
//!
//! # Features
//!
//! None is on by default. `arrow` adds `source::arrow`, Arrow record batches as a source. `python` and `abi3` are the
//! binding, which the wheels are built with.

pub mod batch;
pub mod encoder;
#[doc(hidden)] // for the fuzzers and benchmarks, like the rest that is hidden: it may change with any version
pub mod event;
pub mod gzip;
#[cfg(feature = "python")]
mod python;
pub mod rules;
mod scan;
pub mod serialize;
pub mod source;
pub mod truncate;
mod validate;
#[doc(hidden)]
pub mod vectors;

pub use batch::{Batcher, Format};
pub use encoder::json::Output;
pub use encoder::{Batch, Contents, Settings};
pub use event::Verdict;
#[doc(hidden)]
pub use gzip::press;
#[doc(hidden)]
pub use rules::finding::Found;
pub use rules::finding::{EventFindings, Finding, Origin};
pub use rules::limits::{Endpoint, Limits};
pub use truncate::Truncation;

/// An `$insert_id` derived from the event that it is for.
pub mod derive {
    pub use crate::event::derived_id::{Canonical, Fault};
}

/// What was found wrong with an event: data, collected, never an exception.
pub mod finding {
    #[doc(hidden)]
    pub use crate::rules::finding::Found;
    pub use crate::rules::finding::{EventFindings, Finding, Origin, quote};
}

/// The numbers of the API, each with its source, and what each rule does.
pub mod limits {
    pub use crate::rules::limits::*;
    pub use crate::validate::is_disallowed_id;
}

/// What may be done with a long text instead of cutting it.
pub mod long_text {
    pub use crate::truncate::LongTexts;
}

/// JSON text from any reader to bodies.
pub mod stream {
    pub use crate::encoder::json::Output;
}
