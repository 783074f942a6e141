//! Check the members of an update of a profile.

use super::Violation;
use crate::rules::Rule;
use crate::rules::finding::quote;
use crate::rules::limits::Endpoint;

const OF_USERS: &str = "'$set', '$set_once', '$add', '$union', '$append', '$remove', '$unset' and '$delete'";
const OF_GROUPS: &str = "'$set', '$set_once', '$union', '$remove', '$unset' and '$delete'";
const FIELDS_OF_USERS: &str = "'$token', '$distinct_id', '$ip', '$ignore_time' and '$ignore_alias'";
const FIELDS_OF_GROUPS: &str = "'$token', '$group_key' and '$group_id'";

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
    let fields = if endpoint == Endpoint::Groups { FIELDS_OF_GROUPS } else { FIELDS_OF_USERS };
    let meant = format!("'${name}'");
    let remedy = if [fields, operations].iter().any(|names| names.contains(&meant)) {
        format!("write {meant}")
    } else {
        "move it into the object of an operation".to_owned()
    };
    (Rule::UnknownField, format!("{} is no field of an update: {remedy}", quote(name)))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_field_is_explained_by_what_it_may_be_meant_for() {
        let explained = |name, is_of_the_other, endpoint| unknown_field(name, is_of_the_other, endpoint);
        let (rule, message) = explained("$group_id", true, Endpoint::Engage);
        assert_eq!((rule, &*message), (Rule::UnknownField, "\"$group_id\" is a field of /groups only: leave it out"));
        let (rule, message) = explained("$add", false, Endpoint::Groups);
        assert!(rule == Rule::OperationUnknown && message.ends_with(OF_GROUPS), "{message}");
        let (rule, message) = explained("plan", false, Endpoint::Engage);
        assert!(rule == Rule::UnknownField && message.contains("into the object of an operation"), "{message}");
    }

    #[test]
    fn a_name_without_its_dollar_is_explained_by_the_name_with_it() {
        let remedy = |name, endpoint| unknown_field(name, false, endpoint).1.split_once(": ").unwrap().1.to_owned();
        for name in ["distinct_id", "set", "token", "add"] {
            assert_eq!(remedy(name, Endpoint::Engage), format!("write '${name}'"));
        }
        for name in ["group_id", "group_key", "token", "set"] {
            assert_eq!(remedy(name, Endpoint::Groups), format!("write '${name}'"));
        }
        for name in ["", "se", "', '$set", "Set"] {
            assert_eq!(remedy(name, Endpoint::Engage), "move it into the object of an operation");
        }
        assert!(["add", "distinct_id"].iter().all(|name| remedy(name, Endpoint::Groups).starts_with("move")));
    }

    #[test]
    fn the_operations_that_messages_name_differ_by_add_and_append() {
        assert_eq!(OF_USERS.replace("'$add', ", "").replace("'$append', ", ""), OF_GROUPS);
    }

    #[test]
    fn an_empty_id_is_reported_as_missing_and_a_blank_is_an_id() {
        let rules = [Rule::DistinctIdMissing, Rule::GroupKeyMissing, Rule::GroupIdMissing, Rule::TokenMissing];
        for (rule, name) in rules.into_iter().zip(["$distinct_id", "$group_key", "$group_id", "$token"]) {
            let violation = empty_id(rule, "").unwrap();
            assert!(violation.rule == rule && (violation.message)().contains(&format!("'{name}' is empty")));
            assert!(empty_id(rule, " ").is_none());
        }
    }
}
