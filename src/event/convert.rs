//! Convert a long text instead of truncating it: a URL into its parts, JSON into properties; other text is dropped.

use std::ops::ControlFlow;

use super::writer::EventWriter;
use crate::scan::Scanner;
use crate::source::Sink;
use crate::source::json::{FlatMember, can_be_flattened, flatten, push_value};
use crate::truncate::{Advice, JoinedName, parts_of_url};

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
        if !converts || advice == Advice::Json && !can_be_flattened(text) {
            return Conversion::Kept;
        }
        self.take_back_name();
        self.is_converting = true; // long texts inside are only truncated
        let mut name = JoinedName::new(&name, self.rules.limits.max_string, self.rules.limits.truncate_unit);
        match advice {
            Advice::Url => self.write_parts(text, &mut name),
            Advice::Json => {
                let scanner = Scanner::new(text, 0);
                let _ = flatten(scanner, &mut name, &mut |member| self.write_flat(member));
            }
            Advice::Text => {}
        }
        self.is_converting = false;
        self.names_may_repeat();
        Conversion::Converted
    }

    fn write_parts(&mut self, url: &str, name: &mut JoinedName) {
        for (part, value) in parts_of_url(url) {
            let mark = name.mark();
            name.push("_");
            name.push(&part);
            self.write_joined_name(name);
            self.text(&value);
            name.return_to(mark);
            if self.is_far_too_large() {
                return;
            }
        }
    }

    fn write_flat(&mut self, mut member: FlatMember<'_, '_>) -> ControlFlow<()> {
        self.write_joined_name(member.name);
        if member.repaired {
            self.report_repaired_name();
        }
        push_value(&mut member.value, self).expect("the text was scanned as JSON");
        if self.is_far_too_large() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}
