//! The endpoints of the API, and how a project identifies its users.

/// The ingestion endpoint that the events, or the updates of profiles, are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// `/import`: server-side, strict, any time after 1971-01-01.
    Import,
    /// `/track`: authenticated by a token in each event, the last 5 days only.
    Track,
    /// `/engage`: updates of the profiles of users.
    Engage,
    /// `/groups`: updates of the profiles of groups.
    Groups,
}

impl Endpoint {
    /// Whether it takes updates of profiles, not events.
    pub fn takes_updates(self) -> bool {
        matches!(self, Endpoint::Engage | Endpoint::Groups)
    }
}

/// How a project identifies its users.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Identity {
    /// Not known: an event needs a `distinct_id`, a `$device_id` or a `$user_id`.
    #[default]
    Unknown,
    /// Simplified: by `$device_id` and `$user_id`; it takes no identity events.
    Simplified,
    /// Original: an event needs a `distinct_id`.
    Original,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::RULES;

    #[test]
    fn an_endpoint_takes_events_or_updates_and_has_the_rules_of_these_alone() {
        for endpoint in [Endpoint::Import, Endpoint::Track, Endpoint::Engage, Endpoint::Groups] {
            let has = |id: &str| RULES.iter().any(|info| info.id == id && info.endpoints.contains(&endpoint));
            assert_eq!(has("time-missing"), !endpoint.takes_updates(), "{endpoint:?}");
            assert_eq!(has("operation-missing"), endpoint.takes_updates(), "{endpoint:?}");
            assert!(has("event-not-object") && has("too-deep"), "{endpoint:?}");
        }
    }
}
