//! Updates of profiles: their members, what is filled in, and what is missing.

use super::place::{Field, Place, Seen};
use super::writer::EventWriter;
use crate::rules::Rule;
use crate::rules::limits::Endpoint;
use crate::source::Sink;
use crate::validate;

impl EventWriter {
    /// The place of a member of an update itself.
    #[inline(never)]
    pub(super) fn enter_update_field(&mut self, field: Field) -> Place {
        let is_for_groups = self.rules.endpoint == Endpoint::Groups;
        let (place, seen) = match field {
            Field::Token => (Place::Token, Seen::UPDATE_TOKEN),
            Field::DistinctId if !is_for_groups => (Place::ProfileId, Seen::PROFILE),
            Field::GroupKey if is_for_groups => (Place::GroupKey, Seen::GROUP_KEY),
            Field::GroupId if is_for_groups => (Place::GroupId, Seen::PROFILE),
            Field::Ip if !is_for_groups => (Place::Address, Seen::IP),
            Field::IgnoreTime if !is_for_groups => (Place::Flag, Seen::IGNORE_TIME),
            Field::IgnoreAlias if !is_for_groups => (Place::Flag, Seen::IGNORE_ALIAS),
            Field::Set => return self.enter_operation(Place::Set),
            Field::Union => return self.enter_operation(Place::Unions),
            Field::Remove => return self.enter_operation(Place::Operation),
            Field::Unset => return self.enter_operation(Place::Unset),
            Field::Add if !is_for_groups => return self.enter_operation(Place::Addends),
            Field::Append if !is_for_groups => return self.enter_operation(Place::Operation),
            Field::Delete => {
                self.seen.add(Seen::DELETE);
                return self.enter_operation(Place::Delete);
            }
            _ => return self.enter_unknown_field(field),
        };
        self.seen.add(seen);
        place
    }

    fn enter_operation(&mut self, place: Place) -> Place {
        if self.seen.has(Seen::OPERATION) {
            self.find(
                Rule::OperationRepeated,
                || "the update has an operation before this one: send an update for each, in this order",
            );
        }
        self.seen.add(Seen::OPERATION);
        place
    }

    #[cold]
    fn enter_unknown_field(&mut self, field: Field) -> Place {
        let is_of_the_other =
            !matches!(field, Field::None | Field::Event | Field::Properties | Field::Add | Field::Append);
        let name_at = self.json.open.top().name_at;
        let name = self.report.changed_name(name_at).map_or_else(|| self.json.last_name(), str::to_owned);
        let (rule, message) = validate::unknown_field(&name, is_of_the_other, self.rules.endpoint);
        self.find(rule, || message);
        Place::Plain
    }

    /// Fills in what an update lacks, at its end, and checks for missing members.
    pub(super) fn end_update(&mut self) {
        if self.seen.has(Seen::IGNORE_ALIAS) && !self.seen.has(Seen::DELETE) {
            self.find_at(Rule::UnknownField, "$ignore_alias", || "'$ignore_alias' is for '$delete' only: leave it out");
        }
        if self.seen.has_all(self.rules.wanted) {
            return;
        }
        self.write_fill_ins();
        for (rule, member) in self.rules.required() {
            if !self.seen.has(*member) {
                self.record_missing(*rule);
            }
        }
    }

    fn write_fill_ins(&mut self) {
        // Each text is taken and put back: a copy would take longer than writing it.
        if !self.seen.has(Seen::UPDATE_TOKEN)
            && let Some(token) = self.token.take()
        {
            self.key("$token");
            self.text(&token);
            self.token = Some(token);
        }
        if !self.seen.has(Seen::GROUP_KEY)
            && let Some(group_key) = self.fill_ins.group_key.take()
        {
            self.key("$group_key");
            self.text(&group_key);
            self.fill_ins.group_key = Some(group_key);
        }
        if self.fill_ins.no_ip && !self.seen.has(Seen::IP) {
            self.key("$ip");
            self.text("0");
        }
        if self.fill_ins.ignore_time && !self.seen.has(Seen::IGNORE_TIME) {
            self.key("$ignore_time");
            self.boolean(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::{Batcher, Format, Origin};
    use crate::event::{FillIns, Verdict};
    use crate::rules::limits::Limits;
    use crate::source::value::Value;

    fn batcher(endpoint: Endpoint, fill_ins: FillIns) -> Batcher {
        let mut batcher = Batcher::new(Limits::documented(), endpoint, Format::Ndjson, Some("t".to_owned()));
        batcher.fill_in(fill_ins);
        batcher
    }

    /// The JSON of an update; or the path and the rule of each finding.
    fn encode(batcher: &mut Batcher, update: &Value) -> Result<String, Vec<(String, Rule)>> {
        let Ok(verdict) = batcher.add(Origin { index: 0, line: None }, update);
        match verdict {
            Verdict::Rejected(found) => Err(found.findings.into_iter().map(|one| (one.field, one.rule)).collect()),
            _ => Ok(String::from_utf8(batcher.finish().unwrap().json).unwrap().trim_end().to_owned()),
        }
    }

    fn of_user(members: &[(&str, Value)]) -> Value {
        let id = ("$distinct_id", Value::from("u"));
        Value::Object([&[id], members].concat().into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    fn rules_of_user(members: &[(&str, Value)]) -> Vec<(String, Rule)> {
        encode(&mut batcher(Endpoint::Engage, FillIns::default()), &of_user(members)).err().unwrap_or_default()
    }

    fn empty() -> Value {
        Value::Object(vec![])
    }

    #[test]
    fn what_an_update_lacks_is_filled_in_at_its_end_and_what_it_has_is_kept() {
        let mut users = batcher(Endpoint::Engage, FillIns { no_ip: true, ignore_time: true, group_key: None });
        let bare = of_user(&[("$set", empty())]);
        let filled = r#"{"$distinct_id":"u","$set":{},"$token":"t","$ip":"0","$ignore_time":true}"#;
        assert_eq!(encode(&mut users, &bare).unwrap(), filled);
        let own =
            of_user(&[("$ip", 0.into()), ("$token", "own".into()), ("$set", empty()), ("$ignore_time", false.into())]);
        let kept = r#"{"$distinct_id":"u","$ip":0,"$token":"own","$set":{},"$ignore_time":false}"#;
        assert_eq!(encode(&mut users, &own).unwrap(), kept);
        assert_eq!(encode(&mut users, &bare).unwrap(), filled, "an update leaves the next one what is filled in");
    }

    #[test]
    fn an_update_of_a_group_gets_its_key() {
        let fill_ins = FillIns { group_key: Some("company".to_owned()), ..FillIns::default() };
        let update = Value::from([("$group_id", "g".into()), ("$unset", vec!["a".into()].into())]);
        let filled = r#"{"$group_id":"g","$unset":["a"],"$token":"t","$group_key":"company"}"#;
        assert_eq!(encode(&mut batcher(Endpoint::Groups, fill_ins), &update).unwrap(), filled);
        let found = encode(&mut batcher(Endpoint::Groups, FillIns::default()), &empty()).unwrap_err();
        let expected =
            [("", Rule::OperationMissing), ("$group_key", Rule::GroupKeyMissing), ("$group_id", Rule::GroupIdMissing)];
        assert_eq!(found, expected.map(|(field, rule)| (field.to_owned(), rule)));
    }

    #[test]
    fn an_update_has_one_operation_of_its_endpoint() {
        assert_eq!(rules_of_user(&[]), [(String::new(), Rule::OperationMissing)]);
        assert_eq!(
            rules_of_user(&[("$set", empty()), ("$add", empty())]),
            [("$add".to_owned(), Rule::OperationRepeated)]
        );
        let unknown =
            rules_of_user(&[("$set", empty()), ("$foo", empty()), ("plan", 1.into()), ("$group_id", 1.into())]);
        assert_eq!(
            unknown.iter().map(|(_, rule)| *rule).collect::<Vec<_>>(),
            [Rule::UnknownField, Rule::UnknownField, Rule::OperationUnknown]
        );
        let group = Value::from([("$group_key", "k".into()), ("$group_id", "g".into()), ("$add", empty())]);
        let found = encode(&mut batcher(Endpoint::Groups, FillIns::default()), &group).unwrap_err();
        assert!(found.contains(&("$add".to_owned(), Rule::OperationUnknown)), "{found:?}");
    }

    #[test]
    fn each_operation_has_values_of_its_type() {
        let text = || Value::from("a");
        for operation in ["$set", "$set_once", "$add", "$union", "$append", "$remove", "$unset"] {
            assert_eq!(rules_of_user(&[(operation, text())]), [(operation.to_owned(), Rule::OperationType)]);
        }
        assert_eq!(rules_of_user(&[("$delete", empty())]), [("$delete".to_owned(), Rule::OperationType)]);
        let add = Value::from([("a", 1.into()), ("b", 1.5.into()), ("c", text())]);
        assert_eq!(rules_of_user(&[("$add", add)]), [("$add.c".to_owned(), Rule::AddNotANumber)]);
        let union = Value::from([("a", vec![text()].into()), ("b", text())]);
        assert_eq!(rules_of_user(&[("$union", union)]), [("$union.b".to_owned(), Rule::UnionNotAList)]);
        assert_eq!(
            rules_of_user(&[("$unset", vec![text(), 1.into()].into())]),
            [("$unset[1]".to_owned(), Rule::UnsetNotAName)]
        );
    }

    #[test]
    fn the_members_beside_the_operation_have_types_too() {
        let wrong: [(&str, &[Value]); 3] = [
            ("$token", &[Value::Null, 7.into(), vec![].into()]),
            ("$ip", &[1.into(), 0.0.into(), false.into(), Value::Null]),
            ("$ignore_time", &[0.into(), "true".into(), Value::Null]),
        ];
        for (name, values) in wrong {
            for value in values {
                let found = rules_of_user(&[("$set", empty()), (name, value.clone())]);
                assert_eq!(found, [(name.to_owned(), Rule::FieldType)], "{value:?}");
            }
        }
        assert_eq!(
            rules_of_user(&[("$set", empty()), ("$token", "".into())]),
            [("$token".to_owned(), Rule::TokenMissing)]
        );
    }

    #[test]
    fn an_alias_is_ignored_beside_delete_only() {
        let ignored =
            |operation: &str, value: Value| rules_of_user(&[(operation, value), ("$ignore_alias", true.into())]);
        assert_eq!(ignored("$delete", "".into()), []);
        assert_eq!(ignored("$set", empty()), [("$ignore_alias".to_owned(), Rule::UnknownField)]);
    }
}
