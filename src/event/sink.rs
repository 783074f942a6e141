//! Write each pushed value and check it.

use super::checks::WrongType;
use super::containers::ValueRules;
use super::convert::Conversion;
use super::frames::Frame;
use super::known_names::KnownName;
use super::place::{Kind, Meaning, Place};
use super::writer::EventWriter;
use crate::rules::Rule;
use crate::rules::finding::shown_number;
use crate::rules::limits::TruncateUnit;
use crate::serialize::{
    Moment, MomentText, is_beyond_double, may_be_beyond_double, write_boolean, write_decimal, write_integer,
    write_other_float, write_spelled_name, write_spelled_string, write_string, write_string_with,
};
use crate::source::Sink;
use crate::truncate::{advise, cut};
use crate::vectors::{Baseline, CodePoints, Vectors};

impl Sink for EventWriter {
    fn begin_object(&mut self) -> bool {
        self.begin_value();
        let kind = match self.place {
            Place::Plain | Place::Element => Kind::Object,
            Place::Properties => Kind::Properties,
            Place::Event => Kind::Event,
            Place::Update => Kind::Update,
            Place::Set => Kind::Set,
            Place::Operation => Kind::Operation,
            Place::Addends => Kind::Addends,
            Place::Unions => Kind::Unions,
            _ => {
                if self.wrong_type("an object") == WrongType::Null {
                    self.json.text.extend_from_slice(b"null");
                    return false;
                }
                Kind::Object
            }
        };
        self.open_container(kind, b'{')
    }

    fn end_object(&mut self) {
        match self.json.open.top().kind {
            Kind::Properties => self.end_properties(),
            Kind::Update => self.end_update(),
            _ => {}
        }
        let Frame { kind, count, start, .. } = self.close_container(b'}');
        let limits = &self.rules.limits;
        match kind {
            Kind::Properties => {
                self.check_count(Rule::TooManyProperties, count, limits.max_properties, "properties");
            }
            Kind::Object => {
                self.check_count(Rule::TooManyKeys, count, limits.max_keys, "keys");
                self.check_value(start);
            }
            Kind::Event | Kind::Update | Kind::Array | Kind::Names => {}
            Kind::Set | Kind::Operation | Kind::Addends | Kind::Unions => self.check_profile_properties(count),
        }
    }

    fn begin_array(&mut self) -> bool {
        let mut kind = Kind::Array;
        if self.begin_value() == ValueRules::Special {
            if self.place == Place::Unset {
                kind = Kind::Names;
            } else if self.place != Place::Union && self.wrong_type("an array") == WrongType::Null {
                self.json.text.extend_from_slice(b"null");
                return false;
            }
        }
        self.open_container(kind, b'[')
    }

    fn end_array(&mut self) {
        let Frame { kind, count, start, .. } = self.close_container(b']');
        if kind == Kind::Names {
            return self.check_profile_properties(count);
        }
        self.check_value(start);
        self.check_count(Rule::TooManyElements, count, self.rules.limits.max_elements, "elements");
    }

    #[inline(always)]
    fn key(&mut self, name: &str) {
        match self.json.expected(|expected| expected.is(name.as_bytes())) {
            Some(member) => {
                let (meaning, kind) = member.write();
                self.enter_member(meaning, kind);
            }
            None => {
                self.unexpected_key(name, None);
            }
        }
    }

    #[inline(always)]
    fn expected_key(&mut self, text: &[u8], vectors: impl Vectors) -> usize {
        let mut length = 0;
        let expected = self.json.expected(|expected| {
            length = expected.written_length();
            expected.length != 0 && vectors.begins_with(text, &expected.written, length)
        });
        let Some(member) = expected else { return 0 };
        let (meaning, kind) = member.write();
        self.enter_member(meaning, kind);
        length
    }

    #[inline(always)]
    fn key_with_tag(&mut self, name: &str, tag: usize) -> bool {
        let is_right = |expected: &KnownName| expected.takes_no_tag() && expected.is(name.as_bytes());
        let Some(mut member) = self.json.expected(is_right) else { return self.unexpected_key(name, Some(tag)) };
        member.drop_tag();
        let (meaning, kind) = member.write();
        self.enter_member(meaning, kind);
        false
    }

    /// Where the expected name has no tag, the source makes new ones all the time, and none is looked for.
    #[inline(always)]
    fn tagged_key(&mut self, tag: usize) -> bool {
        let mut expected_tag = 0;
        let expected = self.json.expected(|expected| {
            expected_tag = expected.tag;
            expected_tag == tag
        });
        let Some(member) = expected else { return expected_tag != 0 && self.unexpected_tag(tag) };
        let (meaning, kind) = member.write();
        self.enter_member(meaning, kind);
        true
    }

    fn repaired_key(&mut self, name: &str) {
        let mark = self.report.mark();
        self.key(name);
        self.report_repaired_name();
        self.report.remember_name(name, self.json.open.top().name_at, mark);
    }

    #[inline(always)]
    fn spelled_key(&mut self, name: &str, spelling: &str) {
        let is_spelled_out = name.len() == spelling.len();
        if is_spelled_out || self.is_long(name) {
            return self.key(name);
        }
        self.json.begin_member();
        write_spelled_name(&mut self.json.text, spelling);
        self.enter_member(Meaning::of(name), self.json.open.top().kind);
    }

    fn duplicate_key(&mut self, times: usize) {
        self.find(Rule::DuplicateKey, || format!("the object has this name {times} times; the last one counts"));
    }

    fn unsupported_key(&mut self, message: &str) {
        if self.lists(Rule::UnsupportedType) {
            let (json, action) = (&self.json, self.rules.action(Rule::UnsupportedType));
            let message = format!("a name must be text, and one is {message}");
            let push_field = |text: &mut String| json.push_path_of_container(text);
            self.report.add_finding(Rule::UnsupportedType, action, push_field, message.into());
        }
    }

    fn names_may_repeat(&mut self) {
        self.json.open.top_mut().names_may_repeat = true;
    }

    fn is_far_too_large(&self) -> bool {
        EventWriter::is_far_too_large(self)
    }

    fn skip(&mut self, count: usize) {
        let top = self.json.open.top_mut();
        top.count = top.count.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
        top.names_may_repeat = false; // the event is rejected, and the count is not that of the members any more
    }

    #[inline(always)]
    fn text(&mut self, text: &str) {
        self.write_text(text, Baseline);
    }

    #[inline(always)]
    fn text_with(&mut self, text: &str, vectors: impl Vectors) {
        self.write_text(text, vectors);
    }

    #[inline(always)]
    fn text_of_codes(&mut self, codes: CodePoints<'_>, vectors: impl Vectors) -> bool {
        let is_element = self.place == Place::Element;
        if self.place != Place::Plain && !is_element || !self.never_cuts(codes) {
            return false;
        }
        let before = self.json.text.len();
        self.begin_value();
        let is_written = vectors.append_quoted_codes(&mut self.json.text, codes);
        if !is_written {
            self.json.text.truncate(before);
            self.json.open.top_mut().count -= u32::from(is_element);
        }
        is_written
    }

    fn repaired_text(&mut self, text: &str) {
        if self.write_text(text, Baseline) == Conversion::Kept {
            self.find(Rule::InvalidUnicode, || "the text had a lone surrogate or broken UTF-8, written as U+FFFD");
        }
    }

    #[inline(always)]
    fn spelled_text(&mut self, text: &str, spelling: &str) {
        if self.is_long(text) {
            return self.text(text);
        }
        if self.begin_value() == ValueRules::Special {
            self.check_text(text);
        }
        write_spelled_string(&mut self.json.text, spelling);
    }

    #[inline(always)]
    fn plain_text(&mut self, text: &str, vectors: impl Vectors) {
        if self.is_long(text) {
            return self.text(text);
        }
        if self.begin_value() == ValueRules::Special {
            self.check_text(text);
        }
        vectors.append_verbatim(&mut self.json.text, text.as_bytes(), true);
    }

    #[inline(always)]
    fn integer(&mut self, value: i64) {
        if self.begin_value() == ValueRules::Special {
            self.check_small_integer(value);
        }
        write_integer(&mut self.json.text, value);
    }

    #[inline(always)]
    fn number(&mut self, spelling: &str) {
        if may_be_beyond_double(spelling) && is_beyond_double(spelling) {
            return self.number_beyond_double(spelling);
        }
        if self.begin_value() == ValueRules::Special {
            return self.special_number(spelling);
        }
        self.json.text.extend_from_slice(spelling.as_bytes());
    }

    #[inline(always)]
    fn number_with(&mut self, spelling: &str, vectors: impl Vectors) {
        if may_be_beyond_double(spelling) && is_beyond_double(spelling) {
            return self.number_beyond_double(spelling);
        }
        if self.begin_value() == ValueRules::Special {
            return self.special_number(spelling);
        }
        vectors.append_verbatim(&mut self.json.text, spelling.as_bytes(), false);
    }

    #[inline(always)]
    fn float(&mut self, value: f64) {
        if self.begin_value() == ValueRules::Special {
            return self.special_float(value);
        }
        self.plain_float(value);
    }

    #[inline(always)]
    fn boolean(&mut self, value: bool) {
        if self.begin_value() == ValueRules::Special && self.place != Place::Flag {
            self.wrong_type(if value { "true" } else { "false" });
        }
        write_boolean(&mut self.json.text, value);
    }

    #[inline(always)]
    fn null(&mut self) {
        // A null `$device_id` or `$user_id` is none.
        if self.begin_value() == ValueRules::Special && !matches!(self.place, Place::DeviceId | Place::UserId) {
            self.wrong_type("null");
        }
        self.json.text.extend_from_slice(b"null");
    }

    fn moment(&mut self, moment: Moment) {
        if self.place != Place::Time {
            return self.text(MomentText::of(moment).as_str());
        }
        if moment.utc {
            let milliseconds = moment.milliseconds();
            self.check_milliseconds(milliseconds.into(), || milliseconds.to_string());
            return write_integer(&mut self.json.text, milliseconds);
        }
        self.wrong_type("a date or datetime without a timezone: attach one, as in value.replace(tzinfo=timezone.utc)");
        self.moment(moment);
    }

    fn unsupported(&mut self, message: &str) {
        if self.begin_value() == ValueRules::General || self.wrong_type(message) == WrongType::AsGiven {
            self.find(Rule::UnsupportedType, || message.to_owned());
        }
        self.json.text.extend_from_slice(b"null");
    }
}

impl EventWriter {
    #[inline(always)]
    fn write_text(&mut self, text: &str, vectors: impl Vectors) -> Conversion {
        if self.begin_value() == ValueRules::Special {
            self.check_text(text);
        }
        if text.len() > self.rules.limits.max_string {
            return self.write_long_text(text);
        }
        write_string_with(&mut self.json.text, text, vectors);
        Conversion::Kept
    }

    /// Writes a text that has more bytes than the limit, truncated or converted if it is too long in the limit's unit too.
    #[cold]
    fn write_long_text(&mut self, text: &str) -> Conversion {
        let Some((kept, length)) = cut(text, self.rules.limits.max_string, self.rules.limits.truncate_unit) else {
            write_string(&mut self.json.text, text);
            return Conversion::Kept;
        };
        let advice = advise(text);
        self.report_truncation(length, advice);
        let conversion = self.convert(text, advice);
        if conversion == Conversion::Kept {
            write_string(&mut self.json.text, kept);
        }
        conversion
    }

    /// Whether a text of these code points is short enough without counting its bytes.
    #[inline(always)]
    fn never_cuts(&self, codes: CodePoints<'_>) -> bool {
        let longest = match self.rules.limits.truncate_unit {
            TruncateUnit::Chars => 1,
            TruncateUnit::Bytes => 4,
        };
        codes.count() <= self.rules.limits.max_string / longest
    }

    #[inline(always)]
    fn is_long(&self, text: &str) -> bool {
        text.len() > self.rules.limits.max_string && self.is_truncated(text)
    }

    #[cold]
    fn is_truncated(&self, text: &str) -> bool {
        cut(text, self.rules.limits.max_string, self.rules.limits.truncate_unit).is_some()
    }

    /// Writes null for a number that no double can hold, as for an infinity: the API refuses a whole batch for one.
    #[cold]
    fn number_beyond_double(&mut self, spelling: &str) {
        let shown = shown_number(spelling);
        if self.begin_value() == ValueRules::General
            || self.wrong_type(&format!("the number {shown}")) == WrongType::AsGiven
        {
            self.find(Rule::NotANumber, || {
                format!("the number {shown} is beyond the range of a double and was written as null")
            });
        }
        self.json.text.extend_from_slice(b"null");
    }

    /// Writes a float, or null if JSON has no form for it.
    #[inline(always)]
    pub(super) fn plain_float(&mut self, value: f64) {
        if !write_decimal(&mut self.json.text, value) {
            self.other_float(value);
        }
    }

    #[inline(never)]
    fn other_float(&mut self, value: f64) {
        if value.is_finite() {
            write_other_float(&mut self.json.text, value);
        } else {
            self.find(Rule::NotANumber, || match value {
                f64::INFINITY => "inf is not a JSON number and was written as null",
                f64::NEG_INFINITY => "-inf is not a JSON number and was written as null",
                _ => "NaN is not a JSON number and was written as null",
            });
            self.json.text.extend_from_slice(b"null");
        }
    }
}
