//! Encode Mixpanel events into request bodies: validate, truncate, serialize, batch and gzip in one pass.
//!
//! ```text
//! event -> validate -> truncate -> serialize -> batch -> gzip
//! ```
//!
//! This is the core of the Python package [mixpress](https://pypi.org/project/mixpress/), for clients in other languages to
//! embed: it sends nothing, starts no thread and knows no Python. It takes JSON text, and returns the bodies to send and
//! every rejected event with the rules that it breaks:
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
//! `examples/encode.rs` is this as a program. [`Settings`] has the options of a body, and [`Limits`] every limit and what
//! each [`rule`](rules) does.
//!
//! # The parts
//!
//! A client whose events are not JSON text combines the parts itself: [`Settings::batcher`] returns a [`Batcher`], which
//! accepts one event at a time from any [`source::Source`] ([`source::value::Value`] is the simplest), and
//! [`Settings::seal`] makes a body of each packed batch. A source walks its data and pushes values; the writer checks them
//! against the [`rules`] and writes JSON.
//!
//! # Features
//!
//! None is on by default. `arrow` adds `source::arrow`, a source of Arrow record batches. `python` and `abi3` build the
//! Python binding.

pub mod batch;
#[cfg_attr(not(feature = "python"), allow(dead_code))] // files are read in Python
mod csv;
pub mod encoder;
#[doc(hidden)] // hidden items are for the fuzzers and benchmarks and may change with any version
pub mod event;
pub mod gzip;
#[cfg(feature = "python")]
mod python;
pub mod rules;
mod scan;
pub mod serialize;
pub mod source;
mod steps;
pub mod truncate;
mod validate;
#[doc(hidden)]
pub mod vectors;

pub use batch::{Batcher, Format};
pub use encoder::json::Output;
pub use encoder::{Batch, Contents, Settings};
pub use event::{FillIns, Verdict};
#[doc(hidden)]
pub use gzip::press;
#[doc(hidden)]
pub use rules::finding::Found;
pub use rules::finding::{EventFindings, Finding, Origin};
pub use rules::limits::{Endpoint, Identity, Limits};
pub use truncate::Truncation;

/// Derive an `$insert_id` from the content of an event.
pub mod derive {
    pub use crate::event::derived_id::{Canonical, Fault};
}

/// Findings: the rules that an event breaks, as data.
pub mod finding {
    #[doc(hidden)]
    pub use crate::rules::finding::Found;
    pub use crate::rules::finding::{EventFindings, Finding, Origin, quote};
}

/// The limits of the API, each with its source, and what each rule does.
pub mod limits {
    pub use crate::rules::limits::*;
    pub use crate::validate::is_disallowed_id;
}

/// Convert long texts instead of truncating them.
pub mod long_text {
    pub use crate::truncate::LongTexts;
}

/// Encode JSON text from any reader into bodies.
pub mod stream {
    pub use crate::encoder::json::Output;
}
