//! What is filled in where an update of a profile has none.

/// What is filled in where an update has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FillIns {
    /// `$group_key` of an update for `/groups`.
    pub group_key: Option<String>,
    /// `"$ip": "0"`, for `/engage`: the server then takes no location from the address of the request.
    pub no_ip: bool,
    /// `"$ignore_time": true`, for `/engage`: the server then leaves the profile's `$last_seen`.
    pub ignore_time: bool,
}
