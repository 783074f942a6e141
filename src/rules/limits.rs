//! The limits of the API, each with its source. No other file has them.

pub use crate::rules::endpoint::{Endpoint, Identity};
use crate::rules::{Action, RULES, Rule};

/// The unit of a string's length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TruncateUnit {
    /// Unicode scalar values: "We truncate all strings down to 255 characters" (Import Events).
    Chars,
    /// Bytes of UTF-8, never truncating inside a character: what the server is reported to do.
    Bytes,
}

/// Every limit as the largest accepted number, and what each broken rule does.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Longest text in `truncate_unit`; a longer one is truncated, not rejected (Import Events: 255 characters).
    pub max_string: usize,
    /// The unit of `max_string`.
    pub truncate_unit: TruncateUnit,
    /// Members of `properties` (Import Events: fewer than 255).
    pub max_properties: usize,
    /// Members of a nested object (Import Events: fewer than 255).
    pub max_keys: usize,
    /// Elements of an array (Import Events: fewer than 255).
    pub max_elements: usize,
    /// Nesting of objects within `properties`, which is depth 0 (Import Events: 3; the server is reported to accept 10).
    pub max_depth: usize,
    /// Bytes of one event or update as written (Import Events: smaller than 1 MB, taken as 1,000,000; Profile documents:
    /// 1 MB).
    pub max_event_bytes: usize,
    /// Bytes of `$insert_id` (server: 36).
    pub max_insert_id_bytes: usize,
    /// Events, or updates, in a request (Import Events, Profile documents: 2000).
    pub max_batch_events: usize,
    /// Bytes of a request before gzip. Whether the limit is 10 MB or 10 MiB is unclear, so this is below both.
    pub max_batch_bytes: usize,
    /// Properties that an operation of a profile's update names (Profile documents: 2000 for a profile).
    pub max_profile_properties: usize,
    /// Bytes of a list or object that is the value of a profile's property (Profile documents: 256 KB, taken as 262,144).
    pub max_value_bytes: usize,
    actions: [Option<Action>; RULES.len()],
    observed: bool,
}

/// Levels of objects and arrays inside `properties`, whatever the limits: the walks recurse, and the stack is finite.
pub const MAX_LEVELS: usize = 64;

/// The smallest `time` in milliseconds: as seconds it would be the year 2969, as milliseconds it is 1971-01-01.
pub const FIRST_MILLISECONDS: i64 = 31_536_000_000;

/// 1971-01-01 in milliseconds: the oldest time that /import accepts.
pub const OLDEST_IMPORT_MS: i64 = 31_536_000_000;

/// /track accepts the last 5 days only.
pub const TRACK_WINDOW_MS: i64 = 5 * 86_400_000;

/// An hour: a `time` further ahead of the clock than this is in the future.
pub const FUTURE_TOLERANCE_MS: i64 = 3_600_000;

/// Values that Import Events disallows for `distinct_id` and `$insert_id`, compared without regard to ASCII case.
pub const DISALLOWED_IDS: [&str; 17] = [
    "00000000-0000-0000-0000-000000000000",
    "anon",
    "anonymous",
    "nil",
    "none",
    "null",
    "n/a",
    "na",
    "undefined",
    "unknown",
    "<nil>",
    "0",
    "-1",
    "true",
    "false",
    "[]",
    "{}",
];

impl Limits {
    /// The limits of Mixpanel's documents.
    pub fn documented() -> Limits {
        Limits {
            max_string: 255,
            truncate_unit: TruncateUnit::Chars,
            max_properties: 254,
            max_keys: 254,
            max_elements: 254,
            max_depth: 3,
            max_event_bytes: 999_999,
            max_insert_id_bytes: 36,
            max_batch_events: 2000,
            max_batch_bytes: 9_500_000,
            max_profile_properties: 2000,
            max_value_bytes: 262_144,
            actions: [None; RULES.len()],
            observed: false,
        }
    }

    /// The limits that the server is known to have: strings of 255 bytes, depth 10, no future time.
    pub fn observed() -> Limits {
        Limits { truncate_unit: TruncateUnit::Bytes, max_depth: 10, observed: true, ..Limits::documented() }
    }

    /// Sets what a rule does.
    pub fn set_action(&mut self, rule: Rule, action: Action) {
        self.actions[rule as usize] = Some(action);
    }

    /// The actions that were set by [`Limits::set_action`].
    pub fn set_actions(&self) -> impl Iterator<Item = (Rule, Action)> + '_ {
        RULES.iter().filter_map(|info| self.actions[info.rule as usize].map(|action| (info.rule, action)))
    }

    /// What a rule does on an endpoint.
    pub fn action(&self, rule: Rule, endpoint: Endpoint) -> Action {
        match (rule, endpoint) {
            // There is nothing to write, whatever was set.
            (Rule::InvalidJson | Rule::EventNotObject, _) => return Action::Reject,
            _ if !rule.info().endpoints.contains(&endpoint) => return Action::Off,
            _ => {}
        }
        let default = match (rule, endpoint) {
            (Rule::DistinctIdMissing, Endpoint::Track) => Action::Off,
            // The documents limit the lists of a profile by their bytes.
            (Rule::TooManyElements, Endpoint::Engage | Endpoint::Groups) => Action::Off,
            _ if self.observed => rule.info().observed,
            _ => rule.info().documented,
        };
        self.actions[rule as usize].unwrap_or(default)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_action_wins_over_the_profile_and_the_endpoint() {
        let mut limits = Limits::observed();
        assert_eq!(limits.action(Rule::TimeInFuture, Endpoint::Import), Action::Reject);
        assert_eq!(limits.action(Rule::DistinctIdMissing, Endpoint::Track), Action::Off);
        limits.set_action(Rule::TimeInFuture, Action::Off);
        limits.set_action(Rule::DistinctIdMissing, Action::Warn);
        assert_eq!(limits.action(Rule::TimeInFuture, Endpoint::Import), Action::Off);
        assert_eq!(limits.action(Rule::DistinctIdMissing, Endpoint::Track), Action::Warn);
    }
}
