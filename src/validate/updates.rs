//! Check the members of an update of a profile.

use super::Violation;
use crate::rules::Rule;
use crate::rules::finding::quote;
use crate::rules::limits::Endpoint;

const OF_USERS: &str = "'$set', '$set_once', '$add', '$union', '$append', '$remove', '$unset' and '$delete'";
const OF_GROUPS: &str = "'$set', '$set_once', '$union', '$remove', '$unset' and '$delete'";

/// A field that an update for this endpoint does not have: the rule and the message. `is_of_the_other`: one for the other
/// endpoint has it.
pub(crate) fn unknown_field(name: &str, is_of_the_other: bool, endpoint: Endpoint) -> (Rule, String) {
    let (path, other, operations) = match endpoint {
        Endpoint::Groups => ("/groups", "/engage", OF_GROUPS),
        _ => ("/engage", "/groups", OF_USERS),
    };
    if is_of_the_other {
        return (Rule::UnknownField, format!("{} is a field of {other} only: leave it out", quote(name)));
    }
    if name.starts_with('$') {
        let message = format!("{} is no operation of {path}, which has {operations}", quote(name));
        return (Rule::OperationUnknown, message);
    }
    (Rule::UnknownField, format!("{} is no field of an update: move it into the object of an operation", quote(name)))
}

/// The id of a profile, or the token of an update, must not be empty. `rule` must be the one about an id that is missing.
#[inline(always)]
pub(crate) fn empty_id(rule: Rule, id: &str) -> Option<Violation<impl FnOnce() -> &'static str>> {
    id.is_empty().then_some(Violation {
        rule,
        message: move || match rule {
            Rule::GroupKeyMissing => "'$group_key' is empty: set it to the property that groups are identified by",
            Rule::GroupIdMissing => "'$group_id' is empty: set it to the group's id",
            Rule::TokenMissing => "'$token' is empty: set it to the project's token",
            _ => "'$distinct_id' is empty: set it to the user's id",
        },
    })
}
