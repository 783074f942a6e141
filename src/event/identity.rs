//! Who an event belongs to: the ids that it needs, and the events that merge users.

use super::identity_event::IdentityEvent;
use super::place::Seen;
use super::writer::EventWriter;
use crate::rules::limits::{Endpoint, Identity};
use crate::rules::{Action, Rule};
use crate::scan::{Scanner, unescape};
use crate::validate;

impl EventWriter {
    /// Sets how the project of further events identifies its users.
    pub(crate) fn identify_by(&mut self, identity: Identity) {
        self.rules.identity = identity;
        if identity == Identity::Simplified && self.rules.action(Rule::IdentityMissing) != Action::Off {
            self.rules.wanted.add(Seen::DISTINCT_ID);
        }
    }

    /// Checks a `$device_id` or `$user_id`. One with characters identifies the user as `distinct_id` does.
    pub(super) fn check_other_id(&mut self, rule: Rule, before: &'static str, id: &str) {
        if !id.is_empty() && self.rules.identity != Identity::Original {
            self.seen.add(Seen::DISTINCT_ID);
        }
        if self.rules.identity == Identity::Simplified {
            self.record(validate::disallowed_id(rule, before, id));
        }
    }

    /// Checks at the end of an event that merges users, or has no id of one.
    #[cold]
    pub(super) fn check_identity(&mut self) {
        let Some(event) = self.identity_event else {
            if self.seen.has(Seen::DISTINCT_ID) {
                return;
            }
            let is_simplified = self.rules.identity == Identity::Simplified;
            return self.record_missing(if is_simplified { Rule::IdentityMissing } else { Rule::DistinctIdMissing });
        };
        if self.rules.identity == Identity::Simplified {
            self.find_at(Rule::IdentityEvent, "event", || {
                "a project with simplified identity takes no identity events: send $device_id and $user_id together instead"
            });
        } else if event == IdentityEvent::Merge && self.rules.endpoint == Endpoint::Track {
            self.find_at(Rule::IdentityEvent, "event", || "/track takes no '$merge': send it to /import");
        }
        if self.lacks_members_of(event) {
            self.find_at(Rule::IdentityMembers, "properties", || match event {
                IdentityEvent::Identify => "'$identify' needs '$identified_id' and '$anon_id'",
                IdentityEvent::CreateAlias => "'$create_alias' needs 'distinct_id' and 'alias'",
                IdentityEvent::Merge => "'$merge' needs '$distinct_ids', a list of exactly two ids",
            });
        }
    }

    /// Whether the properties that were written lack one that an identity event needs. False if there is no such object.
    fn lacks_members_of(&self, event: IdentityEvent) -> bool {
        let text = std::str::from_utf8(self.json.event()).expect("only UTF-8 is written");
        let (mut has_properties, mut found) = (false, [false; 2]);
        for_each_member(Scanner::new(text, 0), &mut |name, mut properties| {
            if name != "properties" || properties.peek() != Some(b'{') {
                return;
            }
            has_properties = true;
            for_each_member(properties, &mut |name, value| {
                let position = event.members().iter().position(|member| *member == name);
                if let Some(position) = position.filter(|_| event != IdentityEvent::Merge || has_two_elements(value)) {
                    found[position] = true;
                }
            });
        });
        has_properties && found[..event.members().len()].contains(&false)
    }
}

/// Calls a function with each name of the object that comes next, and a scanner at its value.
fn for_each_member<'a>(mut scanner: Scanner<'a>, visit: &mut dyn FnMut(&str, Scanner<'a>)) {
    const WRITTEN: &str = "the written text is JSON";
    if !scanner.take(b'{') {
        return;
    }
    while scanner.peek() != Some(b'}') {
        scanner.take(b',');
        let name = unescape(scanner.string("a name").expect(WRITTEN).inside);
        scanner.take(b':');
        visit(&name.text, scanner);
        scanner.skip_value().expect(WRITTEN);
    }
}

fn has_two_elements(mut scanner: Scanner<'_>) -> bool {
    let mut count = 0;
    if scanner.take(b'[') {
        while scanner.peek() != Some(b']') {
            scanner.take(b',');
            scanner.skip_value().expect("the written text is JSON");
            count += 1;
        }
    }
    count == 2
}
