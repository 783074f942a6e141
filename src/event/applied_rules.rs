//! The rules that events are checked against: limits, endpoint, clock, and what each rule does.

use super::place::Seen;
use crate::rules::limits::{Endpoint, Identity, Limits};
use crate::rules::{Action, RULES, Rule};

/// The limits, the endpoint and the clock, with the action of each rule.
pub(crate) struct AppliedRules {
    pub(crate) limits: Limits,
    pub(super) endpoint: Endpoint,
    /// The clock, in milliseconds since the epoch; set for each batch.
    pub(crate) now_ms: i64,
    actions: [Action; RULES.len()],
    /// How the project identifies its users.
    pub(super) identity: Identity,
    /// The members of `properties`, or of an update, that are required, or added where they are missing.
    pub(super) wanted: Seen,
}

/// The members of `properties` that a rule requires.
const OF_EVENTS: &[(Rule, Seen)] = &[
    (Rule::TimeMissing, Seen::TIME),
    (Rule::DistinctIdMissing, Seen::DISTINCT_ID),
    (Rule::InsertIdMissing, Seen::INSERT_ID),
    (Rule::TokenMissing, Seen::TOKEN),
];

/// The members of an update that a rule requires.
const OF_UPDATES: &[(Rule, Seen)] = &[
    (Rule::OperationMissing, Seen::OPERATION),
    (Rule::DistinctIdMissing, Seen::PROFILE),
    (Rule::GroupKeyMissing, Seen::GROUP_KEY),
    (Rule::GroupIdMissing, Seen::PROFILE),
    (Rule::TokenMissing, Seen::UPDATE_TOKEN),
];

impl AppliedRules {
    /// The rules of an endpoint; `adds_token`: a missing token is added.
    pub(super) fn new(limits: Limits, endpoint: Endpoint, adds_token: bool) -> AppliedRules {
        let actions: [Action; RULES.len()] = std::array::from_fn(|rule| limits.action(RULES[rule].rule, endpoint));
        let mut rules =
            AppliedRules { limits, endpoint, now_ms: 0, actions, identity: Identity::Unknown, wanted: Seen::NONE };
        for (rule, member) in rules.required() {
            if rules.action(*rule) != Action::Off {
                rules.wanted.add(*member);
            }
        }
        if adds_token {
            rules.wanted.add(if endpoint.takes_updates() { Seen::UPDATE_TOKEN } else { Seen::TOKEN });
        }
        rules
    }

    /// The members that rules require, each with its rule.
    pub(super) fn required(&self) -> &'static [(Rule, Seen)] {
        if self.endpoint.takes_updates() { OF_UPDATES } else { OF_EVENTS }
    }

    /// The action of a rule on this endpoint.
    pub(super) fn action(&self, rule: Rule) -> Action {
        self.actions[rule as usize]
    }
}
