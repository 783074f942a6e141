//! Draw updates of profiles: mostly valid, with one or two rules broken.

use mixpress::limits::Endpoint;
use mixpress::source::value::Value;

use super::{DRAWN_LEVELS, Kind, Members, add, name, scalar, value};
use crate::draw::Draw;
use crate::texts::text;

const OPERATIONS: [&str; 10] =
    ["$set", "$add", "$union", "$unset", "$delete", "$append", "$remove", "$set_once", "$foo", "properties"];
const OTHERS: [&str; 7] = ["$token", "$ip", "$ignore_time", "$ignore_alias", "$distinct_id", "$group_key", "$group_id"];

/// Draws an update for an endpoint. `around` is the length to which texts are truncated.
pub fn update(draw: &mut Draw<'_>, around: usize, endpoint: Endpoint) -> Value {
    let mut members = Members::new();
    let ids: &[&str] = if endpoint == Endpoint::Groups { &["$group_key", "$group_id"] } else { &["$distinct_id"] };
    for id in ids {
        add(draw, &mut members, id, Kind::Id, around);
    }
    for _ in 0..draw.one_of(&[1, 1, 1, 1, 1, 1, 0, 2]) {
        let operation = draw.one_of(&OPERATIONS);
        insert(draw, &mut members, operation, |draw| operand(draw, operation, around));
    }
    for _ in 0..draw.below(3) {
        let other = draw.one_of(&OTHERS);
        insert(draw, &mut members, other, |draw| beside(draw, other, around));
    }
    if draw.once_in(12) {
        let other = name(draw, around);
        insert(draw, &mut members, &other, |draw| value(draw, around, DRAWN_LEVELS));
    }
    if draw.once_in(40) { value(draw, around, DRAWN_LEVELS) } else { Value::Object(members) }
}

/// Draws a member beside the operation, usually of the right type.
fn beside(draw: &mut Draw<'_>, name: &str, around: usize) -> Value {
    match name {
        "$ignore_time" | "$ignore_alias" if !draw.once_in(4) => Value::Boolean(draw.once_in(2)),
        "$ip" if draw.once_in(4) => draw.one_of(&[0, 1]).into(),
        _ if !draw.once_in(4) => Value::Text(text(draw, around)),
        _ => scalar(draw, around),
    }
}

/// Inserts a member that the update does not have yet.
fn insert(draw: &mut Draw<'_>, members: &mut Members, name: &str, value: impl FnOnce(&mut Draw<'_>) -> Value) {
    let place = draw.below(members.len() + 1);
    let value = value(draw);
    if !members.iter().any(|(other, _)| other == name) {
        members.insert(place, (name.to_owned(), value));
    }
}

fn operand(draw: &mut Draw<'_>, operation: &str, around: usize) -> Value {
    if draw.once_in(12) {
        return value(draw, around, DRAWN_LEVELS);
    }
    match operation {
        "$delete" => Value::Text(text(draw, around)),
        "$unset" => Value::Array((0..draw.below(4)).map(|_| unset_name(draw, around)).collect()),
        _ => {
            Value::Object((0..draw.below(4)).map(|_| (name(draw, around), property(draw, operation, around))).collect())
        }
    }
}

fn unset_name(draw: &mut Draw<'_>, around: usize) -> Value {
    if draw.once_in(6) { value(draw, around, DRAWN_LEVELS) } else { Value::Text(text(draw, around)) }
}

fn property(draw: &mut Draw<'_>, operation: &str, around: usize) -> Value {
    match operation {
        "$add" if !draw.once_in(6) => Value::Integer(draw.number() as i64),
        "$union" if !draw.once_in(6) => {
            Value::Array((0..draw.below(4)).map(|_| value(draw, around, DRAWN_LEVELS)).collect())
        }
        _ => value(draw, around, DRAWN_LEVELS),
    }
}
