//! The events that merge users.

/// An event that tells the server which ids are of one user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IdentityEvent {
    Identify,
    CreateAlias,
    Merge,
}

impl IdentityEvent {
    #[inline]
    pub(super) fn of(name: &str) -> Option<IdentityEvent> {
        if !name.starts_with('$') {
            return None;
        }
        match name {
            "$identify" => Some(IdentityEvent::Identify),
            "$create_alias" => Some(IdentityEvent::CreateAlias),
            "$merge" => Some(IdentityEvent::Merge),
            _ => None,
        }
    }

    /// The properties that it needs.
    pub(super) fn members(self) -> &'static [&'static str] {
        match self {
            IdentityEvent::Identify => &["$identified_id", "$anon_id"],
            IdentityEvent::CreateAlias => &["distinct_id", "alias"],
            IdentityEvent::Merge => &["$distinct_ids"],
        }
    }
}
