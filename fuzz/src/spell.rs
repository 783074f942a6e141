//! Spell and truncate values, one character at a time.

use mixpress::limits::{Limits, TruncateUnit};
use mixpress::serialize::Moment;
use mixpress::truncate::Advice;

pub fn text(text: &str) -> String {
    let escaped: String = text.chars().map(escape).collect();
    format!("\"{escaped}\"")
}

fn escape(letter: char) -> String {
    match letter {
        '"' => "\\\"".into(),
        '\\' => "\\\\".into(),
        '\u{8}' => "\\b".into(),
        '\t' => "\\t".into(),
        '\n' => "\\n".into(),
        '\u{c}' => "\\f".into(),
        '\r' => "\\r".into(),
        '\0'..=' ' if letter != ' ' => format!("\\u{:04x}", u32::from(letter)),
        _ => letter.into(),
    }
}

/// Spells a float by the shortest digits that read back the same: positional from 1e-5 to below 1e16, otherwise like 1.5e-7
/// and 1e+16.
pub fn float(value: f64) -> String {
    let sign = if value.is_sign_negative() { "-" } else { "" };
    let scientific = format!("{:e}", value.abs());
    let (mantissa, exponent) = scientific.split_once('e').expect("the form of {:e}");
    let (digits, exponent) = (mantissa.replace('.', ""), exponent.parse::<i32>().expect("the form of {:e}"));
    let point = (exponent + 1).max(0) as usize;
    match exponent {
        -5..0 => format!("{sign}0.{}{digits}", "0".repeat((-exponent - 1) as usize)),
        0..16 if digits.len() <= point => format!("{sign}{digits}{}.0", "0".repeat(point - digits.len())),
        0..16 => format!("{sign}{}.{}", &digits[..point], &digits[point..]),
        _ => format!("{sign}{mantissa}e{exponent:+}"),
    }
}

/// Spells a moment as `YYYY-MM-DDTHH:MM:SS`, by counting years and months.
pub fn moment(moment: Moment) -> String {
    let seconds = moment.micros.div_euclid(1_000_000);
    let clock = seconds.rem_euclid(86_400);
    let days = seconds.div_euclid(86_400);
    // The calendar repeats every 400 years.
    let (mut year, mut rest) = (1970 + 400 * days.div_euclid(146_097), days.rem_euclid(146_097));
    while rest >= days_of(year) {
        rest -= days_of(year);
        year += 1;
    }
    let february = if days_of(year) == 366 { 29 } else { 28 };
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if rest < length {
            break;
        }
        rest -= length;
        month += 1;
    }
    let (hour, minute, second) = (clock / 3600, clock / 60 % 60, clock % 60);
    format!("{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}", rest + 1)
}

fn days_of(year: i64) -> i64 {
    if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) { 366 } else { 365 }
}

pub fn length(text: &str, unit: TruncateUnit) -> usize {
    match unit {
        TruncateUnit::Chars => text.chars().count(),
        TruncateUnit::Bytes => text.len(),
    }
}

pub fn is_long(text: &str, limits: &Limits) -> bool {
    length(text, limits.truncate_unit) > limits.max_string
}

pub fn cut(text: &str, limits: &Limits) -> String {
    let mut kept = String::new();
    for letter in text.chars() {
        let longer = format!("{kept}{letter}");
        if is_long(&longer, limits) {
            break;
        }
        kept = longer;
    }
    kept
}

/// Unicode's White_Space.
pub fn is_white(letter: char) -> bool {
    matches!(u32::from(letter), 9..=13 | 32 | 0x85 | 0xA0 | 0x1680 | 0x2000..=0x200A | 0x2028 | 0x2029 | 0x202F | 0x205F
        | 0x3000)
}

pub fn advise(text: &str) -> Advice {
    let is_json = || serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    let begin = text.trim_start_matches([' ', '\t', '\n', '\r']);
    if text.match_indices("://").any(|(at, mark)| is_scheme(&text[..at]) && is_address(&text[at + mark.len()..])) {
        Advice::Url
    } else if begin.starts_with(['{', '[']) && is_json() {
        Advice::Json
    } else {
        Advice::Text
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || ['+', '.', '-'].contains(&letter))
}

fn is_address(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(|letter| is_white(letter) || letter < ' ')
}
