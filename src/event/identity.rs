//! Who an event belongs to: the ids that it needs, and the events that merge users.

use super::identity_event::IdentityEvent;
use super::place::Seen;
use super::writer::EventWriter;
use crate::rules::finding::shown_number;
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
        self.check_merged_ids(event);
    }

    /// Checks the ids that an identity event merges. They are read back, as the name of the event may come after them.
    fn check_merged_ids(&mut self, event: IdentityEvent) {
        let text = std::str::from_utf8(self.json.event()).expect("only UTF-8 is written");
        let MergedIds { has_properties, found, wrong } = MergedIds::read(event, text);
        if has_properties && found[..event.members().len()].contains(&false) {
            self.find_at(Rule::IdentityMembers, "properties", || match event {
                IdentityEvent::Identify => "'$identify' needs '$identified_id' and '$anon_id'",
                IdentityEvent::CreateAlias => "'$create_alias' needs 'distinct_id' and 'alias'",
                IdentityEvent::Merge => "'$merge' needs '$distinct_ids', a list of exactly two ids",
            });
        }
        for (member, message) in wrong {
            self.find_at(Rule::IdentityMembers, &format!("properties.{member}"), || message);
        }
    }
}

/// The ids of an identity event, as they were written.
#[derive(Default)]
struct MergedIds {
    /// There is such an object.
    has_properties: bool,
    /// Whether each of the members that the event needs is in it.
    found: [bool; 2],
    /// The ids that cannot be merged, each with the reason.
    wrong: Vec<(String, String)>,
}

impl MergedIds {
    fn read(event: IdentityEvent, written: &str) -> MergedIds {
        let mut ids = MergedIds::default();
        for_each_member(Scanner::new(written, 0), &mut |name, mut properties| {
            if name != "properties" || properties.peek() != Some(b'{') {
                return;
            }
            ids.has_properties = true;
            for_each_member(properties, &mut |name, value| {
                if let Some(position) = event.members().iter().position(|member| *member == name) {
                    ids.found[position] |= ids.add(event, name, value);
                }
            });
        });
        ids
    }

    /// Adds the value of a member that an event needs; returns false if it is not the member.
    fn add(&mut self, event: IdentityEvent, name: &str, value: Scanner<'_>) -> bool {
        if event != IdentityEvent::Merge {
            self.check(name, value);
            return true;
        }
        let Some(pair) = pair_of(value) else { return false };
        for (position, id) in pair.into_iter().enumerate() {
            self.check(&format!("{name}[{position}]"), id);
        }
        true
    }

    fn check(&mut self, member: &str, mut value: Scanner<'_>) {
        const WRITTEN: &str = "the written text is JSON";
        let is_text = value.peek() == Some(b'"');
        let id = is_text.then(|| unescape(value.string("an id").expect(WRITTEN).inside).text);
        let what = || match value.rest().first() {
            Some(b'{') => "an object".to_owned(),
            Some(b'[') => "an array".to_owned(),
            Some(b't') => "true".to_owned(),
            Some(b'f') => "false".to_owned(),
            Some(b'n') => "null as written".to_owned(),
            _ => format!("the number {}", shown_number({ value }.number().expect(WRITTEN))),
        };
        if let Some(message) = validate::merged_id(member, id.as_deref(), what) {
            self.wrong.push((member.to_owned(), message));
        }
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

/// The elements of the array that comes next, if there are two.
fn pair_of(mut scanner: Scanner<'_>) -> Option<[Scanner<'_>; 2]> {
    let mut elements = Vec::new();
    if scanner.take(b'[') {
        while scanner.peek() != Some(b']') && elements.len() < 3 {
            scanner.take(b',');
            elements.push(scanner);
            scanner.skip_value().expect("the written text is JSON");
        }
    }
    elements.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::{Batcher, Format, Origin};
    use crate::event::Verdict;
    use crate::rules::limits::Limits;
    use crate::source::value::Value;

    /// The path and the rule of each finding of an event with these properties.
    fn found(endpoint: Endpoint, identity: Identity, event: &str, members: &[(&str, Value)]) -> Vec<(String, Rule)> {
        let mut batcher = Batcher::new(Limits::documented(), endpoint, Format::Json, Some("t".to_owned()));
        batcher.set_now(1_700_000_000_000);
        batcher.identify_by(identity);
        let usual = [("time", 1_700_000_000.into()), ("$insert_id", "i".into())];
        let properties = [&usual, members].concat().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let event = Value::from([("properties", Value::Object(properties)), ("event", event.into())]);
        match batcher.add(Origin { index: 0, line: None }, &event) {
            Ok(Verdict::Rejected(found)) => found.findings.into_iter().map(|one| (one.field, one.rule)).collect(),
            _ => vec![],
        }
    }

    fn rules(identity: Identity, event: &str, members: &[(&str, Value)]) -> Vec<Rule> {
        found(Endpoint::Import, identity, event, members).into_iter().map(|(_, rule)| rule).collect()
    }

    #[test]
    fn which_ids_are_enough_depends_on_the_project() {
        let device = [("$device_id", Value::from("d"))];
        assert_eq!(rules(Identity::Unknown, "e", &device), []);
        assert_eq!(rules(Identity::Simplified, "e", &device), []);
        assert_eq!(rules(Identity::Original, "e", &device), [Rule::DistinctIdMissing]);
        for not_enough in [Value::from(""), Value::Null] {
            assert_eq!(rules(Identity::Simplified, "e", &[("$user_id", not_enough)]), [Rule::IdentityMissing]);
        }
        assert_eq!(rules(Identity::Unknown, "e", &[("distinct_id", "".into())]), []);
        assert_eq!(rules(Identity::Simplified, "e", &[("$device_id", "Null".into())]), [Rule::DeviceIdDisallowed]);
        assert_eq!(rules(Identity::Unknown, "e", &[("$device_id", "Null".into())]), []);
    }

    #[test]
    fn another_id_of_a_simplified_project_is_text() {
        let device = ("$device_id", Value::from("d"));
        for wrong in [Value::from(5), true.into(), vec!["u".into()].into(), Value::Number("1e999".into())] {
            let members = [device.clone(), ("$user_id", wrong.clone())];
            assert_eq!(rules(Identity::Simplified, "e", &members), [Rule::UserIdType], "{wrong:?}");
            assert_eq!(rules(Identity::Unknown, "e", &members), [], "{wrong:?}");
            let alone = [("$device_id", wrong.clone())];
            assert_eq!(rules(Identity::Simplified, "e", &alone), [Rule::DeviceIdType, Rule::IdentityMissing]);
        }
    }

    #[test]
    fn an_identity_event_needs_its_own_members_and_no_other_id() {
        let pair = || Value::from(vec!["u".into(), "a".into()]);
        let whole: [(&str, &[(&str, Value)]); 3] = [
            ("$identify", &[("$identified_id", "u".into()), ("$anon_id", "a".into())]),
            ("$create_alias", &[("distinct_id", "u".into()), ("alias", "a".into())]),
            ("$merge", &[("$distinct_ids", pair())]),
        ];
        for (event, members) in whole {
            assert_eq!(rules(Identity::Original, event, members), [], "{event}");
            assert_eq!(rules(Identity::Original, event, &members[1..]), [Rule::IdentityMembers], "{event}");
            assert_eq!(rules(Identity::Simplified, event, members), [Rule::IdentityEvent], "{event}");
        }
        let on_track = found(Endpoint::Track, Identity::Unknown, "$merge", &[("$distinct_ids", pair())]);
        assert_eq!(on_track, [("event".to_owned(), Rule::IdentityEvent)]);
    }

    #[test]
    fn the_ids_that_are_merged_are_texts_and_no_placeholders() {
        let unfit = [Value::from(""), "NULL".into(), 7.into(), Value::Null, vec!["u".into()].into()];
        for id in unfit {
            let members = [("$identified_id", Value::from("u")), ("$anon_id", id.clone())];
            let expected = [("properties.$anon_id".to_owned(), Rule::IdentityMembers)];
            assert_eq!(found(Endpoint::Import, Identity::Unknown, "$identify", &members), expected, "{id:?}");
            let members = [("$distinct_ids", Value::from(vec![id.clone(), "u".into()]))];
            let expected = [("properties.$distinct_ids[0]".to_owned(), Rule::IdentityMembers)];
            assert_eq!(found(Endpoint::Import, Identity::Unknown, "$merge", &members), expected, "{id:?}");
        }
    }

    #[test]
    fn a_merge_is_of_exactly_two_ids() {
        for ids in [vec![], vec!["u".into()], vec!["u".into(), "v".into(), "w".into()]] {
            assert_eq!(rules(Identity::Unknown, "$merge", &[("$distinct_ids", ids.into())]), [Rule::IdentityMembers]);
        }
        assert_eq!(rules(Identity::Unknown, "$merge", &[("$distinct_ids", "uv".into())]), [Rule::IdentityMembers]);
    }
}
