//! The rules about who an event belongs to.

use mixpress::Identity;
use mixpress::limits::Endpoint;
use mixpress::rules::Rule;
use mixpress::source::value::Value;

use super::{Walk, is_disallowed};
use crate::parsed;

impl Walk<'_> {
    /// Checks who the event belongs to. `json`: the event as it is written.
    pub(super) fn identity(&mut self, json: &str) {
        let is_simplified = self.settings.identity == Identity::Simplified;
        let wanted: &[&str] = match self.name.as_str() {
            "$identify" => &["$identified_id", "$anon_id"],
            "$create_alias" => &["distinct_id", "alias"],
            "$merge" => &["$distinct_ids"],
            _ => return self.own_identity(is_simplified),
        };
        if is_simplified || self.name == "$merge" && self.settings.endpoint == Endpoint::Track {
            self.find(Rule::IdentityEvent, "event");
        }
        self.merged_ids(wanted, json);
    }

    fn own_identity(&mut self, is_simplified: bool) {
        if self.lacks_identity {
            let rule = if is_simplified { Rule::IdentityMissing } else { Rule::DistinctIdMissing };
            self.find(rule, if is_simplified { "properties" } else { "properties.distinct_id" });
        }
    }

    /// Checks the ids of an event that merges users: those that are written.
    fn merged_ids(&mut self, wanted: &[&str], json: &str) {
        let written = parsed::members(json).into_iter().flatten();
        let objects: Vec<_> =
            written.filter(|(name, _)| name == "properties").filter_map(|(_, value)| parsed::members(&value)).collect();
        let mut found = Vec::new();
        let mut ids = Vec::new();
        for (name, value) in objects.iter().flatten().filter(|(name, _)| wanted.contains(&name.as_str())) {
            match parsed::value(value) {
                Value::Array(pair) if name == "$distinct_ids" && pair.len() == 2 => {
                    ids.extend(pair.into_iter().enumerate().map(|(at, id)| (format!("{name}[{at}]"), id)));
                }
                _ if name == "$distinct_ids" => continue,
                id => ids.push((name.clone(), id)),
            }
            found.push(name.as_str());
        }
        if !objects.is_empty() && !wanted.iter().all(|name| found.contains(name)) {
            self.find(Rule::IdentityMembers, "properties");
        }
        for (place, id) in ids {
            if !matches!(id, Value::Text(id) if !id.is_empty() && !is_disallowed(&id)) {
                self.find(Rule::IdentityMembers, &format!("properties.{place}"));
            }
        }
    }
}
