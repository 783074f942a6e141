//! Flatten a JSON object into members with joined names.

use super::repeated::{collect_members, last_of_each_name};
use crate::rules::limits::MAX_LEVELS;
use crate::scan::{Scanner, unescape};

/// A value of a flattened object, and its joined name.
pub(crate) struct FlatMember<'a> {
    pub(crate) name: String,
    /// Whether the name had lone surrogates.
    pub(crate) repaired: bool,
    pub(crate) value: Scanner<'a>,
}

/// The members of a JSON object under the names `<name>_<key>`, recursively; an array keeps the name. None if objects nest
/// deeper than 64 levels.
pub(crate) fn flatten<'a>(text: &'a str, name: &str) -> Option<Vec<FlatMember<'a>>> {
    let mut flat = Vec::new();
    flatten_into(&mut flat, Scanner::new(text, 0), name.to_owned(), false, 0).then_some(flat)
}

fn flatten_into<'a>(
    flat: &mut Vec<FlatMember<'a>>,
    mut value: Scanner<'a>,
    name: String,
    repaired: bool,
    levels: usize,
) -> bool {
    let members = if value.peek() == Some(b'{') { collect_members(&mut value.clone()).ok() } else { None };
    match members {
        Some(members) if levels == 0 || !members.is_empty() => {
            levels <= MAX_LEVELS
                && last_of_each_name(members).into_iter().all(|(member, _)| {
                    let key = unescape(member.name);
                    let name = format!("{name}_{}", key.text);
                    flatten_into(flat, member.value, name, repaired || key.repaired, levels + 1)
                })
        }
        _ => {
            flat.push(FlatMember { name, repaired, value });
            true
        }
    }
}
