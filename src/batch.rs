//! Batch: accepted events are packed into bodies of at most so many events and so many bytes.

use crate::event::EventWriter;
use crate::event::derived_id::Canonical;
use crate::gzip::press::Hint;
use crate::rules::limits::{Endpoint, Limits};
use crate::source::Source;
use crate::truncate::LongTexts;

pub use crate::event::Verdict;
#[doc(hidden)] // its name before
pub use crate::event::Verdict as Added;
pub use crate::rules::finding::Origin;

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
    /// Where it may repeat itself, if the batcher gives hints.
    pub hints: Vec<Hint>,
    /// Position in the batch -> position in the input; ascending.
    pub indexes: Vec<usize>,
    /// Position in the batch -> line of the input, where that is JSON text; else empty.
    pub lines: Vec<usize>,
}

/// Packs events, one after another, into batches.
pub struct Batcher {
    writer: EventWriter,
    derives_ids: bool,
    gives_hints: bool,
    format: Format,
    indexes: Vec<usize>,
    lines: Vec<usize>,
    full: Option<Packed>,
    /// A buffer for the next body, with room for one of the last one's size: fresh memory costs more than what is written.
    spare: Vec<u8>,
    spare_hints: Vec<Hint>,
}

impl Batcher {
    /// A batcher with nothing in it; `token` becomes `properties.token` where an event has none.
    pub fn new(limits: Limits, endpoint: Endpoint, format: Format, token: Option<String>) -> Batcher {
        Batcher {
            writer: EventWriter::new(limits, endpoint, token),
            derives_ids: false,
            gives_hints: false,
            format,
            indexes: Vec::new(),
            lines: Vec::new(),
            full: None,
            spare: Vec::new(),
            spare_hints: Vec::new(),
        }
    }

    /// From now on an event without an `$insert_id` gets one that is derived from the rest of it.
    pub fn derive_ids(&mut self) {
        self.derives_ids = true;
    }

    /// From now on a batch comes with hints for its compression.
    pub fn give_hints(&mut self) {
        self.gives_hints = true;
    }

    /// From now on long texts of some kinds are converted instead of cut.
    pub fn convert_long_texts(&mut self, long_texts: LongTexts) {
        self.writer.long_texts = long_texts;
    }

    /// Sets the clock, in milliseconds since the epoch.
    pub fn set_now(&mut self, now_ms: i64) {
        self.writer.rules.now_ms = now_ms;
    }

    /// How many events the open batch has.
    pub fn count(&self) -> usize {
        self.indexes.len()
    }

    /// Bytes that are held, of the open batch and of one that is full.
    pub fn held_bytes(&self) -> usize {
        self.writer.json.text.len() + self.full.as_ref().map_or(0, |packed| packed.json.len())
    }

    /// Adds an event. A batch that became full by it must be taken by [`Batcher::take_full`] before the next.
    pub fn add<S: Source>(&mut self, origin: Origin, source: &S) -> Result<Verdict, S::Interrupted> {
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
        let verdict = self.writer.end_event(origin);
        match verdict {
            Verdict::Rejected(_) => self.writer.json.take_back(separator_at),
            Verdict::Plain | Verdict::Accepted { .. } => self.accept(origin, separator_at),
        }
        Ok(verdict)
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

    /// The event that was just written stays; where it is one too many it begins the next batch.
    fn accept(&mut self, origin: Origin, separator_at: usize) {
        let (max_events, max_bytes) =
            (self.writer.rules.limits.max_batch_events, self.writer.rules.limits.max_batch_bytes);
        // The closing bracket or the last newline: one byte either way.
        if !self.indexes.is_empty() && self.writer.json.text.len() + 1 > max_bytes {
            let mut next = std::mem::take(&mut self.spare);
            if self.format != Format::Ndjson {
                next.push(b'[');
            }
            next.extend_from_slice(self.writer.json.event());
            self.writer.json.take_back(separator_at);
            let full = std::mem::replace(&mut self.writer.json.text, next);
            self.full = Some(self.pack(full));
        } else if self.gives_hints {
            self.writer.json.keep_hints(); // an event that begins the next batch goes without: its names have moved
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
            self.writer.json.text.clear();
            self.writer.json.hints.clear();
            return None;
        }
        let spare = std::mem::take(&mut self.spare);
        let json = std::mem::replace(&mut self.writer.json.text, spare);
        Some(self.pack(json))
    }

    /// Takes back the buffers of a batch that a body has been made of.
    pub fn reuse(&mut self, mut packed: Packed) {
        packed.json.clear();
        packed.hints.clear();
        (self.spare, self.spare_hints) = (packed.json, packed.hints);
    }

    /// Forgets everything, as after an error half-way.
    pub fn clear(&mut self) {
        self.writer.json.text.clear();
        self.writer.json.hints.clear();
        self.indexes.clear();
        self.lines.clear();
        self.full = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::value::Value;

    fn event(time: i64, padding: usize) -> Value {
        let properties = [
            ("time", time.into()),
            ("distinct_id", "u".into()),
            ("$insert_id", "i".into()),
            ("a name", Value::from("x".repeat(padding).as_str())),
            ("nested", Value::from([("a name", 1.into())])),
        ];
        Value::from([("event", Value::from("e")), ("properties", Value::from(properties))])
    }

    fn batcher(max_bytes: usize) -> Batcher {
        let mut limits = Limits::documented();
        limits.max_batch_bytes = max_bytes;
        let mut batcher = Batcher::new(limits, Endpoint::Import, Format::Json, None);
        batcher.set_now(1_800_000_000_000);
        batcher.give_hints();
        batcher
    }

    /// The name that stands at a place.
    fn name_at(json: &[u8], at: u32) -> &[u8] {
        let rest = &json[at as usize..];
        assert_eq!(rest[0], b'"');
        &rest[..rest.iter().position(|&byte| byte == b':').unwrap()]
    }

    fn add(batcher: &mut Batcher, event: &Value, index: usize) -> Verdict {
        let Ok(added) = batcher.add(Origin { index, line: None }, event);
        added
    }

    #[test]
    fn a_hint_says_where_a_name_stood_last_and_a_rejected_event_leaves_none() {
        let mut batcher = batcher(1_000_000);
        for index in 0..6 {
            let is_rejected = matches!(
                add(&mut batcher, &event(if index == 3 { 1 } else { 1_700_000_000 }, index), index),
                Verdict::Rejected(_)
            );
            assert_eq!(is_rejected, index == 3);
        }
        let Packed { json, hints, .. } = batcher.finish().unwrap();
        let names_of_an_event = 8;
        assert_eq!(hints.len(), 5 * names_of_an_event);
        assert!(hints.is_sorted_by_key(|hint| hint.at));
        for hint in &hints[names_of_an_event..2 * names_of_an_event] {
            assert_eq!(name_at(&json, hint.at), name_at(&json, hint.like));
        }
        let nested = &hints[names_of_an_event - 1];
        assert_eq!((name_at(&json, nested.at), name_at(&json, nested.like)), (&b"\"a name\""[..], &b"\"a name\""[..]));
    }

    #[test]
    fn an_event_that_begins_the_next_batch_leaves_its_hints_behind() {
        let mut batcher = batcher(1000);
        for index in 0..20 {
            add(&mut batcher, &event(1_700_000_000, 150), index);
            if let Some(packed) = batcher.take_full() {
                assert!(packed.hints.iter().all(|hint| (hint.at as usize) < packed.json.len()));
                assert!(packed.hints.len() >= 8);
                batcher.reuse(packed);
            }
        }
    }
}
