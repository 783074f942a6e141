//! Batch: accepted events are packed into bodies of at most so many events and so many bytes.

use crate::derive::Canonical;
use crate::event::{EventWriter, Verdict};
use crate::finding::{Finding, Found};

pub use crate::finding::Origin;
use crate::limits::{Endpoint, Limits};
use crate::long_text::LongTexts;
use crate::source::Source;
use crate::truncate::Truncation;

/// How a body is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A JSON array of events.
    Json,
    /// An event a line, each ended by a newline (import only).
    Ndjson,
    /// `data=` and the percent-encoded JSON array (track only).
    Form,
    /// `data=` and the percent-encoded base64 of the JSON array, the older habit (track only).
    FormBase64,
}

/// A batch that takes no more events: its JSON, before percent-encoding and gzip.
#[derive(Debug)]
pub struct Packed {
    /// The JSON array, or the lines.
    pub json: Vec<u8>,
    /// Position in the batch -> position in the input; ascending.
    pub indexes: Vec<usize>,
    /// Position in the batch -> line of the input, where that is JSON text; else empty.
    pub lines: Vec<usize>,
}

/// What became of an event that was added.
#[derive(Debug, PartialEq, Eq)]
pub enum Added {
    /// It is in a batch, and there is nothing to say of it.
    Plain,
    /// It is in a batch.
    Accepted {
        /// What was let through with a warning.
        warnings: Option<Found>,
        /// What was cut.
        truncations: Vec<Truncation>,
    },
    /// It is in none.
    Rejected(Found),
}

/// Packs events, one after another, into batches.
pub struct Batcher {
    writer: EventWriter,
    derives_ids: bool,
    format: Format,
    indexes: Vec<usize>,
    lines: Vec<usize>,
    full: Option<Packed>,
    /// A buffer for the next body, with room for one of the last one's size: fresh memory costs more than what is written.
    spare: Vec<u8>,
}

impl Batcher {
    /// A batcher with nothing in it; `token` becomes `properties.token` where an event has none.
    pub fn new(limits: Limits, endpoint: Endpoint, format: Format, token: Option<String>) -> Batcher {
        Batcher {
            writer: EventWriter::new(limits, endpoint, token),
            derives_ids: false,
            format,
            indexes: Vec::new(),
            lines: Vec::new(),
            full: None,
            spare: Vec::new(),
        }
    }

    /// From now on an event without an `$insert_id` gets one that is derived from the rest of it.
    pub fn derive_ids(&mut self) {
        self.derives_ids = true;
    }

    /// From now on long texts of some kinds are converted instead of cut.
    pub fn convert_long_texts(&mut self, long_texts: LongTexts) {
        self.writer.long_texts = long_texts;
    }

    /// Sets the clock, in milliseconds since the epoch.
    pub fn set_now(&mut self, now_ms: i64) {
        self.writer.now_ms = now_ms;
    }

    /// How many events the open batch has.
    pub fn count(&self) -> usize {
        self.indexes.len()
    }

    /// Bytes that are held, of the open batch and of one that is full.
    pub fn held_bytes(&self) -> usize {
        self.writer.out.len() + self.full.as_ref().map_or(0, |packed| packed.json.len())
    }

    /// Adds an event. A batch that became full by it must be taken by [`Batcher::take_full`] before the next.
    pub fn add<S: Source>(&mut self, origin: Origin, source: &S) -> Result<Added, S::Interrupted> {
        let separator_at = self.writer.out.len();
        match (self.format, separator_at) {
            (Format::Ndjson, _) => {}
            (_, 0) => self.writer.out.push(b'['),
            _ => self.writer.out.push(b','),
        }
        if let Err(interrupted) = self.write(source) {
            self.writer.out.truncate(separator_at);
            return Err(interrupted);
        }
        match self.writer.end_event() {
            Verdict::Rejected(findings) => {
                let found = self.found(origin, findings);
                self.writer.out.truncate(separator_at);
                Ok(Added::Rejected(found))
            }
            Verdict::Plain => {
                self.accept(origin, separator_at);
                Ok(Added::Plain)
            }
            Verdict::Accepted { warnings, mut truncations } => {
                let warnings = (!warnings.is_empty()).then(|| self.found(origin, warnings));
                truncations.iter_mut().for_each(|truncation| truncation.index = origin.index);
                self.accept(origin, separator_at);
                Ok(Added::Accepted { warnings, truncations })
            }
        }
    }

    fn write<S: Source>(&mut self, source: &S) -> Result<(), S::Interrupted> {
        self.writer.begin_event();
        if self.derives_ids {
            let mut canonical = Canonical::default();
            source.walk(&mut canonical)?;
            // One that is too deep for a text is rejected anyway.
            self.writer.derived_id =
                if canonical.has_insert_id() { None } else { canonical.insert_id(None, false).ok() };
        }
        source.walk(&mut self.writer)
    }

    fn found(&self, origin: Origin, findings: Vec<Finding>) -> Found {
        Found { origin, insert_id: self.writer.insert_id(), findings }
    }

    /// The event that was just written stays; where it is one too many it begins the next batch.
    fn accept(&mut self, origin: Origin, separator_at: usize) {
        let (max_events, max_bytes) = (self.writer.limits.max_batch_events, self.writer.limits.max_batch_bytes);
        // The closing bracket or the last newline: one byte either way.
        if !self.indexes.is_empty() && self.writer.out.len() + 1 > max_bytes {
            let mut next = std::mem::take(&mut self.spare);
            if self.format != Format::Ndjson {
                next.push(b'[');
            }
            next.extend_from_slice(&self.writer.out[self.writer.event_start()..]);
            self.writer.out.truncate(separator_at);
            let full = std::mem::replace(&mut self.writer.out, next);
            self.full = Some(self.pack(full));
        }
        self.indexes.push(origin.index);
        self.lines.extend(origin.line);
        if self.format == Format::Ndjson {
            self.writer.out.push(b'\n');
        }
        if self.full.is_none() && self.indexes.len() >= max_events {
            self.full = self.finish();
        }
    }

    fn pack(&mut self, mut json: Vec<u8>) -> Packed {
        if self.format != Format::Ndjson {
            json.push(b']');
        }
        Packed { json, indexes: std::mem::take(&mut self.indexes), lines: std::mem::take(&mut self.lines) }
    }

    /// Whether a batch became full, and must be taken before the next event.
    pub fn is_full(&self) -> bool {
        self.full.is_some()
    }

    /// The batch that became full, if one did.
    pub fn take_full(&mut self) -> Option<Packed> {
        self.full.take()
    }

    /// Closes the open batch, if there is an event in it.
    pub fn finish(&mut self) -> Option<Packed> {
        if self.indexes.is_empty() {
            self.writer.out.clear();
            return None;
        }
        let spare = std::mem::take(&mut self.spare);
        let json = std::mem::replace(&mut self.writer.out, spare);
        Some(self.pack(json))
    }

    /// Takes back the buffer of a body that has been made of a batch.
    pub fn reuse(&mut self, mut buffer: Vec<u8>) {
        buffer.clear();
        self.spare = buffer;
    }

    /// Forgets everything, as after an error half-way.
    pub fn clear(&mut self) {
        self.writer.out.clear();
        self.indexes.clear();
        self.lines.clear();
        self.full = None;
    }
}
