//! The rules of updates of profiles.

use mixpress::limits::Endpoint;
use mixpress::rules::Rule;
use mixpress::source::value::Value;

use super::{Members, Walk, has, is_disallowed, is_number, text_of};

/// Each operation, and whether updates of groups have it.
const OPERATIONS: [(&str, bool); 8] = [
    ("$set", true),
    ("$set_once", true),
    ("$union", true),
    ("$remove", true),
    ("$unset", true),
    ("$delete", true),
    ("$add", false),
    ("$append", false),
];

const OF_USERS: [&str; 5] = ["$token", "$distinct_id", "$ip", "$ignore_time", "$ignore_alias"];
const OF_GROUPS: [&str; 3] = ["$token", "$group_key", "$group_id"];

impl Walk<'_> {
    pub(super) fn update(&mut self, update: &Value) -> String {
        let Value::Object(given) = update else {
            self.find(Rule::EventNotObject, "");
            return String::new();
        };
        let is_group = self.settings.endpoint == Endpoint::Groups;
        let members = self.filled_in(given);
        let json = self.members(&members, "", |walk, name, value, path| walk.update_member(name, value, path));
        if !is_group && has(&members, "$ignore_alias") && !has(&members, "$delete") {
            self.find(Rule::UnknownField, "$ignore_alias");
        }
        if !OPERATIONS.iter().any(|(name, of_groups)| (*of_groups || !is_group) && has(&members, name)) {
            self.find(Rule::OperationMissing, "");
        }
        for (name, rule, of_group) in [
            ("$distinct_id", Rule::DistinctIdMissing, false),
            ("$group_key", Rule::GroupKeyMissing, true),
            ("$group_id", Rule::GroupIdMissing, true),
            ("$token", Rule::TokenMissing, is_group),
        ] {
            if of_group == is_group && !has(&members, name) {
                self.find(rule, name);
            }
        }
        json
    }

    fn filled_in(&self, given: &Members) -> Vec<(String, Value)> {
        let text = |text: &String| Value::Text(text.clone());
        let fill_ins = &self.settings.fill_ins;
        let wanted = [
            ("$token", self.settings.token.as_ref().map(text)),
            ("$group_key", fill_ins.group_key.as_ref().map(text)),
            ("$ip", fill_ins.no_ip.then(|| Value::Text("0".into()))),
            ("$ignore_time", fill_ins.ignore_time.then_some(Value::Boolean(true))),
        ];
        let missing = wanted.into_iter().filter(|(name, _)| !has(given, name));
        let added = missing.filter_map(|(name, value)| Some((name.to_owned(), value?)));
        given.iter().cloned().chain(added).collect()
    }

    fn update_member(&mut self, name: &str, value: &Value, path: &str) -> String {
        let is_group = self.settings.endpoint == Endpoint::Groups;
        let (own, others) = if is_group { (&OF_GROUPS[..], &OF_USERS[..]) } else { (&OF_USERS[..], &OF_GROUPS[..]) };
        if OPERATIONS.iter().any(|(operation, of_groups)| *operation == name && (*of_groups || !is_group)) {
            return self.operation(name, value, path);
        }
        match name {
            "$distinct_id" if !is_group => {
                return self.profile_id(Rule::DistinctIdType, Rule::DistinctIdMissing, value, path);
            }
            "$group_key" if is_group => return self.profile_id(Rule::GroupKeyType, Rule::GroupKeyMissing, value, path),
            "$group_id" if is_group => return self.profile_id(Rule::GroupIdType, Rule::GroupIdMissing, value, path),
            _ if own.contains(&name) => return self.beside(name, value, path),
            _ if others.contains(&name) || !name.starts_with('$') => self.find(Rule::UnknownField, path),
            _ => self.find(Rule::OperationUnknown, path),
        }
        self.value(value, path, -1, 0)
    }

    /// Writes a member beside the operation.
    fn beside(&mut self, name: &str, value: &Value, path: &str) -> String {
        let text = text_of(value);
        let is_zero = match value {
            Value::Integer(number) => *number == 0,
            Value::Number(spelling) => ["0", "-0"].contains(&spelling.as_str()),
            _ => false,
        };
        let is_right = match name {
            "$token" => text.is_some(),
            "$ip" => text.is_some() || is_zero,
            _ => matches!(value, Value::Boolean(_)),
        };
        if !is_right {
            return self.wrong_type(Rule::FieldType, value, path, -1, 0);
        }
        if name == "$token" && text.is_some_and(|token| token.is_empty()) {
            self.find(Rule::TokenMissing, path);
        }
        self.value(value, path, -1, 0)
    }

    fn profile_id(&mut self, wrong: Rule, missing: Rule, value: &Value, path: &str) -> String {
        let Some(id) = text_of(value) else { return self.wrong_type(wrong, value, path, -1, 0) };
        if id.is_empty() {
            self.find(missing, path);
        }
        if missing == Rule::DistinctIdMissing && is_disallowed(&id) {
            self.find(Rule::DistinctIdDisallowed, path);
        }
        self.text(&id, path)
    }

    fn operation(&mut self, name: &str, value: &Value, path: &str) -> String {
        if std::mem::replace(&mut self.has_operation, true) {
            self.find(Rule::OperationRepeated, path);
        }
        let max = self.settings.limits.max_profile_properties;
        match (name, value) {
            ("$delete", _) if text_of(value).is_some() => self.value(value, path, -1, 0),
            ("$unset", Value::Array(_))
            | ("$set" | "$set_once" | "$add" | "$union" | "$append" | "$remove", Value::Object(_))
                if self.skips(path, 0) =>
            {
                "null".into()
            }
            ("$unset", Value::Array(elements)) => {
                let written: Vec<_> = elements
                    .iter()
                    .enumerate()
                    .map(|(position, element)| self.unset_name(element, &format!("{path}[{position}]")))
                    .collect();
                self.count(Rule::TooManyProfileProperties, elements.len(), max, path);
                format!("[{}]", written.join(","))
            }
            ("$set" | "$set_once" | "$add" | "$union" | "$append" | "$remove", Value::Object(members)) => {
                let json = self.members(members, path, |walk, _, value, path| walk.operand(name, value, path));
                self.count(Rule::TooManyProfileProperties, members.len(), max, path);
                json
            }
            _ => self.wrong_type(Rule::OperationType, value, path, -1, 0),
        }
    }

    fn unset_name(&mut self, value: &Value, path: &str) -> String {
        match text_of(value) {
            Some(name) => self.text(&name, path),
            None => self.wrong_type(Rule::UnsetNotAName, value, path, -1, 1),
        }
    }

    fn operand(&mut self, operation: &str, value: &Value, path: &str) -> String {
        let written = match (operation, value) {
            ("$add", Value::Integer(_)) => self.value(value, path, 0, 1),
            ("$add", Value::Float(number)) if number.is_finite() => self.value(value, path, 0, 1),
            ("$add", Value::Number(spelling)) if is_number(spelling) && !super::is_beyond_double(spelling) => {
                self.value(value, path, 0, 1)
            }
            ("$add", _) => self.wrong_type(Rule::AddNotANumber, value, path, 0, 1),
            ("$union", Value::Array(_)) => self.value(value, path, 0, 1),
            ("$union", _) => self.wrong_type(Rule::UnionNotAList, value, path, 0, 1),
            _ => self.value(value, path, 0, 1),
        };
        let is_container = matches!(value, Value::Array(_) | Value::Object(_)) && written != "null";
        if is_container && written.len() > self.settings.limits.max_value_bytes {
            self.find(Rule::ValueTooLarge, path);
        }
        written
    }
}
