//! Convert a long text instead of truncating it: a URL into its parts, JSON into properties; other text is dropped.

use super::writer::EventWriter;
use crate::source::Sink;
use crate::source::json::{flatten, push_value};
use crate::truncate::{Advice, parts_of_url};

/// The result for a long text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Conversion {
    /// Other members were written instead of its member, or none.
    Converted,
    /// Nothing was written: it is to be truncated.
    Kept,
}

impl EventWriter {
    /// Replaces the member whose value is a long text, if the settings say so.
    pub(super) fn convert(&mut self, text: &str, advice: Advice) -> Conversion {
        let Some(name) = self.name_to_convert() else { return Conversion::Kept };
        let converts = match advice {
            Advice::Url => self.long_texts.parse_urls,
            Advice::Json => self.long_texts.flatten_json,
            Advice::Text => self.long_texts.drop_text,
        };
        let flat = if converts && advice == Advice::Json { flatten(text, &name) } else { Some(Vec::new()) };
        let (true, Some(flat)) = (converts, flat) else { return Conversion::Kept };
        self.take_back_name();
        self.is_converting = true; // long texts inside are only truncated
        if advice == Advice::Url {
            for (part, value) in parts_of_url(text) {
                self.key(&format!("{name}_{part}"));
                self.text(&value);
            }
        }
        for mut member in flat {
            if member.repaired {
                self.repaired_key(&member.name)
            } else {
                self.key(&member.name)
            }
            push_value(&mut member.value, self).expect("the text was scanned as JSON");
        }
        self.is_converting = false;
        self.names_may_repeat();
        Conversion::Converted
    }
}
