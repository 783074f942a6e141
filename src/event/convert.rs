//! What may be done with a long text instead of cutting it, as the documents recommend: a URL is parsed into its parts,
//! JSON is flattened into properties, other text is left out.

use super::writer::EventWriter;
use crate::source::Sink;
use crate::source::json::{flatten, push_value};
use crate::truncate::{Advice, parts_of_url};

impl EventWriter {
    /// Writes the members that stand in for one with a long text. False, with nothing written, where it is to be cut.
    pub(crate) fn convert(&mut self, text: &str, advice: Advice) -> bool {
        let Some(name) = self.name_to_convert() else { return false };
        let converts = match advice {
            Advice::Url => self.long_texts.parse_urls,
            Advice::Json => self.long_texts.flatten_json,
            Advice::Text => self.long_texts.drop_text,
        };
        let flat = if converts && advice == Advice::Json { flatten(text, &name) } else { Some(Vec::new()) };
        let (true, Some(flat)) = (converts, flat) else { return false };
        self.take_back_name();
        self.is_converting = true; // what is long in its turn is only cut
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
            push_value(&mut member.value, self).expect("the text was seen to be JSON");
        }
        self.is_converting = false;
        self.names_may_repeat();
        true
    }
}
