//! The rules that events are checked against: limits, endpoint, clock, and what each rule does.

use super::place::Seen;
use crate::rules::limits::{Endpoint, Limits};
use crate::rules::{Action, RULES, Rule};

/// The limits, the endpoint and the clock, with the action of each rule.
pub(crate) struct AppliedRules {
    pub(crate) limits: Limits,
    pub(super) endpoint: Endpoint,
    /// The clock, in milliseconds since the epoch; set for each batch.
    pub(crate) now_ms: i64,
    actions: [Action; RULES.len()],
    /// The members of `properties` that are required, or added if an event lacks them.
    pub(super) wanted: Seen,
}

/// The members of `properties` that a rule requires.
pub(super) const REQUIRED: [(Rule, Seen); 4] = [
    (Rule::TimeMissing, Seen::TIME),
    (Rule::DistinctIdMissing, Seen::DISTINCT_ID),
    (Rule::InsertIdMissing, Seen::INSERT_ID),
    (Rule::TokenMissing, Seen::TOKEN),
];

impl AppliedRules {
    /// The rules of an endpoint; `adds_token`: a missing token is added.
    pub(super) fn new(limits: Limits, endpoint: Endpoint, adds_token: bool) -> AppliedRules {
        let actions: [Action; RULES.len()] = std::array::from_fn(|rule| limits.action(RULES[rule].rule, endpoint));
        let mut wanted = if adds_token { Seen::TOKEN } else { Seen::NONE };
        for (rule, member) in REQUIRED {
            if actions[rule as usize] != Action::Off {
                wanted.add(member);
            }
        }
        AppliedRules { limits, endpoint, now_ms: 0, actions, wanted }
    }

    /// The action of a rule on this endpoint.
    pub(super) fn action(&self, rule: Rule) -> Action {
        self.actions[rule as usize]
    }
}
