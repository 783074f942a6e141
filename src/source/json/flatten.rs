//! Flatten a JSON object into members with joined names.

use std::ops::ControlFlow;

use super::repeated::{collect_members, last_of_each_name};
use crate::rules::limits::MAX_LEVELS;
use crate::scan::{Scanner, unescape};
use crate::truncate::JoinedName;

/// A value of a flattened object, and its joined name.
pub(crate) struct FlatMember<'n, 'a> {
    pub(crate) name: &'n JoinedName,
    /// Whether the name had lone surrogates.
    pub(crate) repaired: bool,
    pub(crate) value: Scanner<'a>,
}

/// Whether the objects of a JSON text nest at most 64 levels deep, not counting those in arrays.
pub(crate) fn can_be_flattened(text: &str) -> bool {
    fn within(mut value: Scanner<'_>, levels: usize) -> bool {
        let Some(members) = members_of(&mut value, levels) else { return true };
        levels <= MAX_LEVELS && members.into_iter().all(|member| within(member, levels + 1))
    }
    within(Scanner::new(text, 0), 0)
}

/// The values of the members of an object that is flattened; None if the value is not.
fn members_of<'a>(value: &mut Scanner<'a>, levels: usize) -> Option<Vec<Scanner<'a>>> {
    let members = if value.peek() == Some(b'{') { collect_members(value).ok()? } else { return None };
    let values = last_of_each_name(members).into_iter().map(|(member, _)| member.value);
    Some(values.collect()).filter(|values: &Vec<_>| levels == 0 || !values.is_empty())
}

/// Passes the members of a JSON object to `take` under the names `<name>_<key>`, recursively; an array keeps the name.
pub(crate) fn flatten<'a>(
    value: Scanner<'a>,
    name: &mut JoinedName,
    take: &mut impl FnMut(FlatMember<'_, 'a>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    flatten_within(value, name, false, 0, take)
}

fn flatten_within<'a>(
    mut value: Scanner<'a>,
    name: &mut JoinedName,
    repaired: bool,
    levels: usize,
    take: &mut impl FnMut(FlatMember<'_, 'a>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let members = if value.peek() == Some(b'{') { collect_members(&mut value.clone()).ok() } else { None };
    match members {
        Some(members) if levels == 0 || !members.is_empty() => {
            for (member, _) in last_of_each_name(members) {
                let (key, mark) = (unescape(member.name), name.mark());
                name.push("_");
                name.push(&key.text);
                flatten_within(member.value, name, repaired || key.repaired, levels + 1, take)?;
                name.return_to(mark);
            }
            ControlFlow::Continue(())
        }
        _ => take(FlatMember { name, repaired, value }),
    }
}
