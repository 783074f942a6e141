//! Encoder: what a body is made with, and the body that comes of it.

mod body;
mod form;
pub(crate) mod json;

use crate::batch::{Batcher, Format, Packed};
use crate::gzip::Gzip;
use crate::rules::limits::{Endpoint, Limits};
use crate::truncate::LongTexts;

pub use body::{Batch, Contents, Raw};
use body::{laid_out, seal};

/// What an encoder is told once. [`Settings::new`] makes some, whose fields are then set.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// Where the bodies go.
    pub endpoint: Endpoint,
    /// How they are laid out.
    pub format: Format,
    /// Whether they are gzipped.
    pub gzip: bool,
    /// The gzip level, 1 to 9; None is the default.
    pub level: Option<u8>,
    /// Becomes `properties.token` where an event has none.
    pub token: Option<String>,
    /// Whether an event without an `$insert_id` gets one that is derived from the rest of it.
    pub derives_ids: bool,
    /// Which long texts are converted instead of cut.
    pub long_texts: LongTexts,
    /// The numbers, and what each rule does.
    pub limits: Limits,
}

impl Settings {
    /// A gzipped JSON array for an endpoint, under the documents' limits; every field can be changed.
    pub fn new(endpoint: Endpoint) -> Settings {
        Settings {
            endpoint,
            format: Format::Json,
            gzip: true,
            level: None,
            token: None,
            derives_ids: false,
            long_texts: LongTexts::default(),
            limits: Limits::documented(),
        }
    }

    /// A batcher for these settings.
    pub fn batcher(&self) -> Batcher {
        let mut batcher = Batcher::new(self.limits.clone(), self.endpoint, self.format, self.token.clone());
        if self.derives_ids {
            batcher.derive_ids();
        }
        batcher.convert_long_texts(self.long_texts);
        // A form's text is another one, percent-encoded, in which all places have moved.
        if self.gzip && Gzip::takes_hints(self.level) && matches!(self.format, Format::Json | Format::Ndjson) {
            batcher.give_hints();
        }
        batcher
    }

    /// Makes the body of a batch: percent-encoded for a form, then gzipped.
    pub fn seal<'a>(&self, packed: &'a mut Packed, gzip: &'a mut Gzip) -> Batch<'a> {
        let (indexes, lines) = (std::mem::take(&mut packed.indexes), std::mem::take(&mut packed.lines));
        seal(&packed.json, &packed.hints, (indexes, lines), self.format, self.gzip.then_some(gzip))
    }

    /// All of [`Settings::seal`] but the gzip.
    pub fn lay_out(&self, packed: Packed) -> (Raw, Contents) {
        let Packed { json, hints, indexes, lines } = packed;
        let text = match self.format {
            Format::Json | Format::Ndjson => json,
            Format::Form | Format::FormBase64 => laid_out(&json, self.format).into_owned(),
        };
        let contents = Contents { indexes, lines, raw_size: text.len(), format: self.format, gzip: self.gzip };
        (Raw { text, hints }, contents)
    }
}
