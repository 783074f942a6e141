//! Draw difficult events: mostly valid, with one or two rules broken.

mod updates;

pub use updates::update;

use mixpress::limits::{DISALLOWED_IDS, FIRST_MILLISECONDS, FUTURE_TOLERANCE_MS, TRACK_WINDOW_MS};
use mixpress::serialize::Moment;
use mixpress::source::value::Value;

use crate::draw::Draw;
use crate::settings::NOW;
use crate::texts::{letters, text};

type Members = Vec<(String, Value)>;

/// Levels of objects and arrays that are drawn; chains have more.
const DRAWN_LEVELS: usize = 4;

/// Draws an event. `around` is the length to which texts are truncated.
pub fn event(draw: &mut Draw<'_>, around: usize) -> Value {
    let mut properties = Members::new();
    for (name, kind) in [("time", Kind::Time), ("distinct_id", Kind::Id), ("$insert_id", Kind::Id)] {
        add(draw, &mut properties, name, kind, around);
    }
    for _ in 0..draw.below(5) {
        let place = draw.below(properties.len() + 1);
        properties.insert(place, (name(draw, around), value(draw, around, DRAWN_LEVELS)));
    }
    for _ in 0..draw.one_of(&[0, 0, 0, 1, 2, 3]) {
        let id = draw.one_of(&["$device_id", "$user_id", "$identified_id", "$anon_id", "alias", "$distinct_ids"]);
        let member = match id {
            "$distinct_ids" => two(draw, around),
            "$device_id" if draw.once_in(4) => Value::Text("$device:d".to_owned()),
            "$device_id" | "$user_id" if draw.once_in(4) => value(draw, around, DRAWN_LEVELS),
            _ => Value::Text(self::id(draw, around)),
        };
        if !properties.iter().any(|(other, _)| other == id) {
            properties.push((id.to_owned(), member));
        }
    }
    let mut members = Members::new();
    if draw.once_in(6) {
        let name = draw.one_of(&["$identify", "$create_alias", "$merge", "$merged"]);
        members.push(("event".to_owned(), Value::Text(name.to_owned())));
    } else {
        add(draw, &mut members, "event", Kind::Id, around);
    }
    add(draw, &mut members, "properties", Kind::Properties(properties), around);
    if draw.once_in(12) {
        let place = draw.below(members.len() + 1);
        members.insert(place, (name(draw, around), value(draw, around, DRAWN_LEVELS)));
    }
    if draw.once_in(40) { value(draw, around, DRAWN_LEVELS) } else { Value::Object(members) }
}

/// The kind of a member that the rules require.
enum Kind {
    Time,
    Id,
    Properties(Members),
}

/// Adds a member of a kind; sometimes another value, or none.
fn add(draw: &mut Draw<'_>, members: &mut Members, name: &str, kind: Kind, around: usize) {
    let breaks = draw.below(16);
    if breaks == 15 {
        return;
    }
    let member = match kind {
        _ if breaks == 14 => value(draw, around, DRAWN_LEVELS),
        Kind::Time => time(draw),
        Kind::Id => Value::Text(id(draw, around)),
        Kind::Properties(members) => Value::Object(members),
    };
    members.push((name.to_owned(), member));
}

/// Draws a list of two texts, or another.
fn two(draw: &mut Draw<'_>, around: usize) -> Value {
    Value::Array((0..draw.one_of(&[2, 2, 1, 3])).map(|_| Value::Text(id(draw, around))).collect())
}

fn id(draw: &mut Draw<'_>, around: usize) -> String {
    match draw.below(16) {
        14 => text(draw, around),
        13 => letters(draw, 3),
        12 => draw.one_of(&DISALLOWED_IDS).to_uppercase(),
        11 => "i".repeat(35 + draw.below(4)),
        length => "u-9bZ".chars().cycle().take(length % 5 + 1).collect(),
    }
}

fn time(draw: &mut Draw<'_>) -> Value {
    let edges = [
        NOW,
        NOW + FUTURE_TOLERANCE_MS,
        NOW - TRACK_WINDOW_MS,
        FIRST_MILLISECONDS,
        0,
        -FIRST_MILLISECONDS,
        i64::MAX - 9,
    ];
    let milliseconds = draw.one_of(&edges) - 3 + draw.below(7) as i64;
    match draw.below(10) {
        0 | 1 => Value::Integer(milliseconds),
        2 | 3 => Value::Integer(milliseconds / 1000),
        4 => Value::Float(milliseconds as f64),
        5 => Value::Float(milliseconds as f64 / 1000.0),
        6 => Value::Float(milliseconds as f64 + 0.5),
        7 => Value::Moment(Moment {
            micros: milliseconds.saturating_mul(1000).saturating_add(draw.below(256) as i64),
            utc: true,
        }),
        8 => Value::Number(format!("{milliseconds}{}", draw.one_of(&["", "0", ".5", "e2", ".0e-3", "E+400"]))),
        _ => scalar(draw, 12),
    }
}

fn name(draw: &mut Draw<'_>, around: usize) -> String {
    const NAMES: [&str; 10] =
        ["a", "b", "", "a.b", "time", "$insert_id", "distinct_id", "token", "event", "properties"];
    if draw.once_in(3) { text(draw, around) } else { draw.one_of(&NAMES).to_owned() }
}

fn value(draw: &mut Draw<'_>, around: usize, levels: usize) -> Value {
    match draw.below(if levels == 0 { 4 } else { 8 }) {
        0..4 => scalar(draw, around),
        4 => Value::Array((0..draw.below(5)).map(|_| value(draw, around, levels - 1)).collect()),
        5 | 6 => {
            Value::Object((0..draw.below(5)).map(|_| (name(draw, around), value(draw, around, levels - 1))).collect())
        }
        _ => chain(draw, around),
    }
}

/// A value inside many objects and arrays.
fn chain(draw: &mut Draw<'_>, around: usize) -> Value {
    let mut inner = scalar(draw, around);
    let count = draw.one_of(&[2, 4, 5, 62, 63, 64, 65, 66, 70]);
    let objects = draw.byte();
    for level in 0..count {
        let sibling = draw.once_in(8).then(|| scalar(draw, around));
        inner = if objects >> (level % 8) & 1 == 1 {
            Value::Object([sibling, Some(inner)].into_iter().flatten().map(|value| ("n".to_owned(), value)).collect())
        } else {
            Value::Array([sibling, Some(inner)].into_iter().flatten().collect())
        };
    }
    inner
}

fn scalar(draw: &mut Draw<'_>, around: usize) -> Value {
    match draw.below(12) {
        0..4 => Value::Text(text(draw, around)),
        4 => Value::Null,
        5 => Value::Boolean(draw.once_in(2)),
        6 => Value::Integer(draw.number() as i64),
        7 => Value::Float(f64::from_bits(draw.number())),
        8 => {
            Value::Float(draw.one_of(&[1e16, 9999999999999998.0, 1e-5, 9.9e-6, -0.0, 5e-324, f64::NAN, f64::INFINITY]))
        }
        9 => Value::Number(spelling(draw)),
        10 => Value::Moment(moment(draw)),
        _ => Value::Unsupported("a socket, which JSON has no form for".to_owned()),
    }
}

/// Draws a number's spelling, or sometimes one that only looks like it.
fn spelling(draw: &mut Draw<'_>) -> String {
    const PIECES: [&str; 12] = ["1", "0", "12345678901234567890", "-", ".", "e", "E", "+", "00", "7", "-0", "x"];
    (0..1 + draw.below(5)).map(|_| draw.one_of(&PIECES)).collect()
}

/// Draws a moment between the years 1 and 9999, or near these limits.
fn moment(draw: &mut Draw<'_>) -> Moment {
    const YEAR_1: i64 = -62_135_596_800_000_000;
    const YEAR_10000: i64 = 253_402_300_800_000_000;
    let micros = match draw.below(4) {
        0 => (draw.number() as i64).rem_euclid(YEAR_10000 - YEAR_1) + YEAR_1,
        1 => draw.number() as i64,
        2 => YEAR_1 - 1 + draw.below(3) as i64,
        _ => YEAR_10000 - 1 + draw.below(3) as i64,
    };
    Moment { micros, utc: draw.once_in(2) }
}
