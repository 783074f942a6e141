//! Pack accepted events into batches that are limited in events and bytes.

use std::sync::Arc;

use crate::event::derived_id::Canonical;
use crate::event::{EventWriter, FillIns, Outcome};
use crate::gzip::press::Hint;
use crate::rules::limits::{Endpoint, Identity, Limits};
use crate::source::Source;
use crate::truncate::LongTexts;

pub(crate) use crate::event::Records;
pub use crate::event::Verdict;
#[doc(hidden)] // its name before
pub use crate::event::Verdict as Added;
pub use crate::rules::finding::Origin;

/// Bytes of each buffer that [`Batcher::forget`] keeps.
const KEPT_BYTES: usize = 1 << 18;

/// The layout of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A JSON array of events.
    Json,
    /// One event per line, each ended by a newline (import only).
    Ndjson,
    /// `data=` and the percent-encoded JSON array (track only).
    Form,
    /// `data=` and the percent-encoded base64 of the JSON array, an older layout (track only).
    FormBase64,
}

/// A closed batch: its JSON, before percent-encoding and gzip.
#[derive(Debug)]
pub struct Packed {
    /// The JSON array, or the lines.
    pub json: Vec<u8>,
    /// Where the JSON may repeat itself, if the batcher gives hints.
    pub hints: Vec<Hint>,
    /// For each event its position in the input; ascending.
    pub indexes: Vec<usize>,
    /// For each event its line in the input, if that is JSON text; otherwise empty.
    pub lines: Vec<usize>,
}

/// Packs events into batches.
pub struct Batcher {
    writer: EventWriter,
    derives_ids: bool,
    id_fields: Option<Arc<[String]>>,
    canonical: Canonical,
    /// Whether the last event had an id: then the next one is written at once, and an id is derived only if it has none.
    expects_ids: bool,
    gives_hints: bool,
    format: Format,
    indexes: Vec<usize>,
    lines: Vec<usize>,
    full: Option<Packed>,
    /// The last batch's buffer, for the next one: fresh memory costs more than writing to it.
    spare: Vec<u8>,
    spare_hints: Vec<Hint>,
}

impl Batcher {
    /// An empty batcher; `token` becomes `properties.token` of an event that has none, or `$token` of an update.
    pub fn new(limits: Limits, endpoint: Endpoint, format: Format, token: Option<String>) -> Batcher {
        Batcher {
            writer: EventWriter::new(limits, endpoint, token),
            derives_ids: false,
            id_fields: None,
            canonical: Canonical::default(),
            expects_ids: false,
            gives_hints: false,
            format,
            indexes: Vec::new(),
            lines: Vec::new(),
            full: None,
            spare: Vec::new(),
            spare_hints: Vec::new(),
        }
    }

    /// Derives an `$insert_id` for each further event that has none.
    pub fn derive_ids(&mut self) {
        self.derives_ids = true;
    }

    /// Derives further ids from some fields, `event` or names of properties, instead of the whole event.
    pub fn derive_ids_from(&mut self, fields: Option<Vec<String>>) {
        self.id_fields = fields.map(Arc::from);
    }

    /// Adds hints for the compression to each further batch.
    pub fn give_hints(&mut self) {
        self.gives_hints = true;
        self.writer.json.notes_hints = true;
    }

    /// Converts long texts of some kinds instead of truncating them, in further events.
    pub fn convert_long_texts(&mut self, long_texts: LongTexts) {
        self.writer.long_texts = long_texts;
    }

    /// Fills in more than the token in further updates of profiles.
    pub fn fill_in(&mut self, fill_ins: FillIns) {
        self.writer.fill_in(fill_ins);
    }

    /// Sets how the project of further events identifies its users.
    pub fn identify_by(&mut self, identity: Identity) {
        self.writer.identify_by(identity);
    }

    /// Sets the clock, in milliseconds since the epoch.
    pub fn set_now(&mut self, now_ms: i64) {
        self.writer.rules.now_ms = now_ms;
    }

    /// The number of events in the open batch.
    pub fn count(&self) -> usize {
        self.indexes.len()
    }

    /// The bytes of JSON in the open batch and in a full one.
    pub fn held_bytes(&self) -> usize {
        self.writer.json.text.len() + self.full.as_ref().map_or(0, |packed| packed.json.len())
    }

    /// Adds an event. If it fills a batch, [`Batcher::take_full`] must be called before the next event.
    pub fn add<S: Source>(&mut self, origin: Origin, source: &S) -> Result<Verdict, S::Interrupted> {
        let outcome = self.add_event(origin, source)?;
        Ok(self.writer.report.verdict(origin, outcome))
    }

    /// Adds an event as [`Batcher::add`] does, and what was found in it to the records.
    #[cfg_attr(not(feature = "python"), allow(dead_code))]
    #[inline(always)]
    pub(crate) fn add_recording<S: Source>(
        &mut self,
        origin: Origin,
        source: &S,
        records: &mut Records,
    ) -> Result<(), S::Interrupted> {
        match self.add_event(origin, source)? {
            Outcome::Plain => {}
            outcome => self.writer.report.record(origin, outcome, records),
        }
        Ok(())
    }

    fn add_event<S: Source>(&mut self, origin: Origin, source: &S) -> Result<Outcome, S::Interrupted> {
        let separator_at = self.writer.json.text.len();
        match (self.format, separator_at) {
            (Format::Ndjson, _) => {}
            (_, 0) => self.writer.json.text.push(b'['),
            _ => self.writer.json.text.push(b','),
        }
        if let Err(interrupted) = self.write(source) {
            self.writer.json.take_back(separator_at);
            return Err(interrupted);
        }
        let outcome = self.writer.end_event();
        match outcome {
            Outcome::Rejected => self.writer.json.take_back(separator_at),
            Outcome::Plain | Outcome::Accepted => self.accept(origin, separator_at),
        }
        Ok(outcome)
    }

    fn write<S: Source>(&mut self, source: &S) -> Result<(), S::Interrupted> {
        self.writer.begin_event();
        if !self.derives_ids {
            return source.walk(&mut self.writer);
        }
        self.writer.derived_id = None;
        if self.expects_ids {
            source.walk(&mut self.writer)?;
            if self.writer.has_insert_id() {
                return Ok(());
            }
            self.writer.json.take_back(usize::MAX);
            self.writer.begin_event();
        }
        self.derive_id(source)?;
        source.walk(&mut self.writer)
    }

    fn derive_id<S: Source>(&mut self, source: &S) -> Result<(), S::Interrupted> {
        let canonical = &mut self.canonical;
        // An element takes a byte at least, and is never left out.
        canonical.begin(self.id_fields.as_ref(), self.writer.max_written());
        source.walk(canonical)?;
        self.expects_ids = canonical.has_insert_id();
        let fields = self.id_fields.as_deref();
        // All events without any of the fields would get the same id.
        if !self.expects_ids && !canonical.has_none_of(fields) {
            // An event too deep for an id is rejected anyway.
            self.writer.derived_id = canonical.insert_id(fields, false).ok();
        }
        Ok(())
    }

    /// Keeps the event that was just written. If it is one too many, it starts the next batch.
    fn accept(&mut self, origin: Origin, separator_at: usize) {
        let (max_events, max_bytes) =
            (self.writer.rules.limits.max_batch_events, self.writer.rules.limits.max_batch_bytes);
        // One byte for the closing bracket or the last newline.
        if !self.indexes.is_empty() && self.writer.json.text.len() + 1 > max_bytes {
            let mut next = std::mem::take(&mut self.spare);
            if self.format != Format::Ndjson {
                next.push(b'[');
            }
            next.extend_from_slice(self.writer.json.event());
            self.writer.json.move_on(separator_at);
            let full = std::mem::replace(&mut self.writer.json.text, next);
            self.full = Some(self.pack(full));
        } else if self.gives_hints {
            self.writer.json.keep_hints(); // not for an event that starts the next batch, whose names have moved
        }
        self.indexes.push(origin.index);
        self.lines.extend(origin.line);
        if self.format == Format::Ndjson {
            self.writer.json.text.push(b'\n');
        }
        if self.full.is_none() && self.indexes.len() >= max_events {
            self.full = self.finish();
        }
    }

    fn pack(&mut self, mut json: Vec<u8>) -> Packed {
        if self.format != Format::Ndjson {
            json.push(b']');
        }
        let hints = std::mem::replace(&mut self.writer.json.hints, std::mem::take(&mut self.spare_hints));
        Packed { json, hints, indexes: std::mem::take(&mut self.indexes), lines: std::mem::take(&mut self.lines) }
    }

    /// Whether a batch is full and must be taken before the next event.
    pub fn is_full(&self) -> bool {
        self.full.is_some()
    }

    /// Takes the full batch, if there is one.
    pub fn take_full(&mut self) -> Option<Packed> {
        self.full.take()
    }

    /// Closes the open batch, if it has an event.
    pub fn finish(&mut self) -> Option<Packed> {
        if self.indexes.is_empty() {
            self.writer.json.text.clear();
            self.writer.json.hints.clear();
            return None;
        }
        let spare = std::mem::take(&mut self.spare);
        let json = std::mem::replace(&mut self.writer.json.text, spare);
        Some(self.pack(json))
    }

    /// Reuses the buffers of a batch whose body was made.
    pub fn reuse(&mut self, mut packed: Packed) {
        packed.json.clear();
        packed.hints.clear();
        (self.spare, self.spare_hints) = (packed.json, packed.hints);
    }

    /// Forgets the events before, so that the next batch is what it would be of a new batcher. Of the memory at most a
    /// megabyte is kept.
    pub fn forget(&mut self) {
        self.clear();
        self.writer.json.forget();
        self.writer.derived_id = None;
        self.canonical.forget(KEPT_BYTES);
        self.expects_ids = false;
        self.spare.shrink_to(KEPT_BYTES);
        self.spare_hints.shrink_to(KEPT_BYTES / size_of::<Hint>());
    }

    /// Discards everything, as after an error during an event.
    pub fn clear(&mut self) {
        self.writer.json.text.clear();
        self.writer.json.hints.clear();
        self.indexes.clear();
        self.lines.clear();
        self.full = None;
    }
}

#[cfg(test)]
mod tests;
