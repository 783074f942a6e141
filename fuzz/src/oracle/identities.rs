//! The rules about who an event belongs to.

use mixpress::Identity;
use mixpress::limits::Endpoint;
use mixpress::rules::Rule;
use mixpress::source::value::Value;

use super::{Members, Walk, has};
use crate::spell;

impl Walk<'_> {
    /// Checks who the event belongs to. The members of an event that merges users are those that are written.
    pub(super) fn identity(&mut self, members: &Members) {
        let is_simplified = self.settings.identity == Identity::Simplified;
        let objects = members.iter().filter(|(name, _)| name == "properties").filter_map(|(_, value)| match value {
            Value::Object(properties) => Some(properties.as_slice()),
            _ => None,
        });
        let objects: Vec<&Members> = objects.collect();
        let merging = std::mem::take(&mut self.name);
        let is_written = |wanted: &str, is_right: fn(&Value) -> bool| {
            let is_it = |name: &str| spell::cut(name, &self.settings.limits) == wanted;
            objects.iter().any(|properties| properties.iter().any(|(name, value)| is_it(name) && is_right(value)))
        };
        let is_pair = |value: &Value| matches!(value, Value::Array(ids) if ids.len() == 2);
        let lacks = match merging.as_str() {
            "$identify" => !(is_written("$identified_id", |_| true) && is_written("$anon_id", |_| true)),
            "$create_alias" => !(is_written("distinct_id", |_| true) && is_written("alias", |_| true)),
            "$merge" => !is_written("$distinct_ids", is_pair),
            _ => {
                let has_id = objects.iter().any(|properties| has(properties, "distinct_id"));
                if !objects.is_empty() && !has_id && !self.is_identified {
                    let rule = if is_simplified { Rule::IdentityMissing } else { Rule::DistinctIdMissing };
                    self.find(rule, if is_simplified { "properties" } else { "properties.distinct_id" });
                }
                return;
            }
        };
        if is_simplified || merging == "$merge" && self.settings.endpoint == Endpoint::Track {
            self.find(Rule::IdentityEvent, "event");
        }
        if lacks && !objects.is_empty() && spell::cut("properties", &self.settings.limits) == "properties" {
            self.find(Rule::IdentityMembers, "properties");
        }
    }
}
