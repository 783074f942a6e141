//! The settings of an encoder, and the bodies that it makes of batches.

mod body;
mod form;
pub(crate) mod json;
#[cfg(test)]
pub(crate) mod work_tests;

use crate::batch::{Batcher, Format, Packed};
use crate::event::FillIns;
use crate::gzip::Gzip;
use crate::rules::limits::{Endpoint, Identity, Limits};
use crate::truncate::LongTexts;

pub use body::{Batch, Contents, Raw};
use body::{laid_out, seal};

/// The settings of an encoder. Create them by [`Settings::new`], then set the fields.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Settings {
    /// The endpoint that the bodies are for.
    pub endpoint: Endpoint,
    /// The layout of a body.
    pub format: Format,
    /// Whether bodies are gzipped.
    pub gzip: bool,
    /// The gzip level, 1 to 9; None is the default level.
    pub level: Option<u8>,
    /// Becomes `properties.token` of an event that has none, or `$token` of an update.
    pub token: Option<String>,
    /// What else is filled in where an update of a profile has none.
    pub fill_ins: FillIns,
    /// How the project identifies its users, which decides the ids that an event needs.
    pub identity: Identity,
    /// Whether an event without an `$insert_id` gets one derived from its content.
    pub derives_ids: bool,
    /// The fields from which it is derived: `event`, or names of properties. None is the whole event.
    pub id_fields: Option<Vec<String>>,
    /// Which long texts are converted instead of truncated.
    pub long_texts: LongTexts,
    /// The limits, and what each rule does.
    pub limits: Limits,
}

/// The token is a credential: the text says whether there is one, and not which.
impl std::fmt::Debug for Settings {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Settings {
            endpoint,
            format,
            gzip,
            level,
            token,
            fill_ins,
            identity,
            derives_ids,
            id_fields,
            long_texts,
            limits,
        } = self;
        let token = token.as_ref().map(|_| format_args!("..."));
        formatter
            .debug_struct("Settings")
            .field("endpoint", endpoint)
            .field("format", format)
            .field("gzip", gzip)
            .field("level", level)
            .field("token", &token)
            .field("fill_ins", fill_ins)
            .field("identity", identity)
            .field("derives_ids", derives_ids)
            .field("id_fields", id_fields)
            .field("long_texts", long_texts)
            .field("limits", limits)
            .finish()
    }
}

impl Settings {
    /// Settings for JSON arrays under the documented limits, gzipped for events: by the documents the endpoints of
    /// profiles take no gzip. An update for [`Endpoint::Engage`] changes neither location nor `$last_seen`.
    pub fn new(endpoint: Endpoint) -> Settings {
        let is_engage = endpoint == Endpoint::Engage;
        Settings {
            endpoint,
            format: Format::Json,
            gzip: !endpoint.takes_updates(),
            level: None,
            token: None,
            fill_ins: FillIns { group_key: None, no_ip: is_engage, ignore_time: is_engage },
            identity: Identity::Unknown,
            derives_ids: false,
            id_fields: None,
            long_texts: LongTexts::default(),
            limits: Limits::documented(),
        }
    }

    /// A batcher for these settings.
    pub fn batcher(&self) -> Batcher {
        let mut batcher = Batcher::new(self.limits.clone(), self.endpoint, self.format, self.token.clone());
        batcher.fill_in(self.fill_ins.clone());
        batcher.identify_by(self.identity);
        if self.derives_ids {
            batcher.derive_ids();
            batcher.derive_ids_from(self.id_fields.clone());
        }
        batcher.convert_long_texts(self.long_texts);
        // Percent-encoding a form moves all places, so hints would be wrong.
        if self.gzip && Gzip::takes_hints(self.level) && matches!(self.format, Format::Json | Format::Ndjson) {
            batcher.give_hints();
        }
        batcher
    }

    /// Makes the body of a batch: percent-encodes it for a form, then gzips it.
    pub fn seal<'a>(&self, packed: &'a mut Packed, gzip: &'a mut Gzip) -> Batch<'a> {
        let (indexes, lines) = (std::mem::take(&mut packed.indexes), std::mem::take(&mut packed.lines));
        seal(&packed.json, &packed.hints, (indexes, lines), self.format, self.gzip.then_some(gzip))
    }

    /// Does what [`Settings::seal`] does, without gzip.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_settings_says_whether_there_is_a_token_and_not_which() {
        let settings =
            |token: Option<&str>| Settings { token: token.map(str::to_owned), ..Settings::new(Endpoint::Track) };
        assert!(format!("{:?}", settings(None)).contains("token: None"));
        let shown = format!("{:?} {:#?}", settings(Some("a secret")), settings(Some("a secret")));
        assert!(shown.contains("token: Some(...)") && !shown.contains("secret"));
        assert_ne!(settings(Some("a")), settings(Some("b")));
    }
}
