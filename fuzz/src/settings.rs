//! Draw settings with small limits, so that events are often just below or above them.

use mixpress::Identity;
use mixpress::batch::Format;
use mixpress::encoder::Settings;
use mixpress::limits::{Endpoint, Limits, TruncateUnit};
use mixpress::long_text::LongTexts;
use mixpress::rules::{Action, RULES};

use crate::draw::Draw;

/// The clock of every run, in milliseconds.
pub const NOW: i64 = 1_700_000_000_000;

pub fn settings(draw: &mut Draw<'_>) -> Settings {
    let (endpoint, format) = draw.one_of(&[
        (Endpoint::Import, Format::Json),
        (Endpoint::Import, Format::Ndjson),
        (Endpoint::Track, Format::Json),
        (Endpoint::Track, Format::Form),
        (Endpoint::Track, Format::FormBase64),
        (Endpoint::Engage, Format::Json),
        (Endpoint::Engage, Format::Form),
        (Endpoint::Groups, Format::Json),
    ]);
    let token = draw.one_of(&[None, Some("tok"), Some("a token that is cut\n")]).map(str::to_owned);
    let gzip = draw.once_in(16);
    let (derives_ids, long_texts) = additions(draw);
    let mut settings = Settings::new(endpoint);
    (settings.format, settings.gzip, settings.token) = (format, gzip, token);
    settings.identity = draw.one_of(&[Identity::Unknown, Identity::Simplified, Identity::Original]);
    if endpoint == Endpoint::Groups {
        settings.fill_ins.group_key = draw.one_of(&[None, Some("company"), Some("a key\n")]).map(str::to_owned);
    }
    if endpoint == Endpoint::Engage {
        (settings.fill_ins.no_ip, settings.fill_ins.ignore_time) = (draw.once_in(2), draw.once_in(2));
    }
    let derives_ids = derives_ids && !endpoint.takes_updates();
    (settings.derives_ids, settings.long_texts, settings.limits) = (derives_ids, long_texts, limits(draw));
    settings
}

/// Draws the options that the oracle does not implement; usually all are off.
fn additions(draw: &mut Draw<'_>) -> (bool, LongTexts) {
    let bits = if draw.once_in(3) { draw.byte() } else { 0 };
    let is_set = |bit: u8| bits >> bit & 1 == 1;
    (is_set(0), LongTexts { parse_urls: is_set(1), flatten_json: is_set(2), drop_text: is_set(3) })
}

/// The settings without the options that the oracle does not implement.
pub fn without_additions(settings: &Settings) -> Settings {
    let mut settings = settings.clone();
    (settings.derives_ids, settings.long_texts) = (false, LongTexts::default());
    settings
}

fn limits(draw: &mut Draw<'_>) -> Limits {
    let mut limits = if draw.once_in(4) { Limits::observed() } else { Limits::documented() };
    limits.max_string = draw.one_of(&[12, 13, 255, 5, 1, 0]);
    limits.truncate_unit = draw.one_of(&[TruncateUnit::Chars, TruncateUnit::Bytes]);
    limits.max_properties = draw.one_of(&[254, 3, 4, 5, 0]);
    limits.max_profile_properties = draw.one_of(&[2000, 1, 2, 0]);
    limits.max_value_bytes = draw.one_of(&[262_144, 2, 10, 30]);
    limits.max_keys = draw.one_of(&[254, 1, 2, 0]);
    limits.max_elements = draw.one_of(&[254, 1, 2, 0]);
    limits.max_depth = draw.one_of(&[limits.max_depth, 0, 1, 2, 100]);
    limits.max_event_bytes = draw.one_of(&[999_999, 80, 100, 130, 0]);
    limits.max_insert_id_bytes = draw.one_of(&[36, 1, 3, 0]);
    limits.max_batch_events = draw.one_of(&[2000, 1, 2, 3]);
    limits.max_batch_bytes = draw.one_of(&[9_500_000, 80, 150, 240, 0]);
    for _ in 0..draw.one_of(&[0, 0, 1, 3, RULES.len()]) {
        let rule = RULES[draw.below(RULES.len())].rule;
        limits.set_action(rule, draw.one_of(&[Action::Warn, Action::Off, Action::Reject]));
    }
    limits
}
