//! A second, simple reading of the rules: the findings, truncations and JSON of an event in memory.

mod identities;
mod listed;
mod updates;

use std::collections::HashSet;

use mixpress::Identity;
use mixpress::encoder::Settings;
use mixpress::limits::{
    DISALLOWED_IDS, Endpoint, FIRST_MILLISECONDS, FUTURE_TOLERANCE_MS, MAX_LEVELS, OLDEST_IMPORT_MS, TRACK_WINDOW_MS,
};
use mixpress::rules::{Action, Rule};
use mixpress::source::value::Value;
use mixpress::truncate::Advice;

use self::listed::Unlisted;
use crate::settings::NOW;
use crate::spell;

/// The expected result for an event.
pub struct Expected {
    /// Rule, action and field, in the order of the rules; of a rejected event only those that reject it.
    pub findings: Vec<(Rule, Action, String)>,
    pub is_rejected: bool,
    /// Path, original length and advice.
    pub truncations: Vec<(String, usize, Advice)>,
    pub insert_id: Option<String>,
    /// The JSON, unless the event is rejected.
    pub json: String,
}

pub fn judge(event: &Value, settings: &Settings) -> Expected {
    let mut walk = Walk {
        settings,
        findings: vec![],
        truncations: vec![],
        unlisted: Unlisted::default(),
        insert_id: None,
        is_past_levels: false,
        has_operation: false,
        is_identified: false,
        lacks_identity: false,
        name: String::new(),
    };
    let json = if settings.endpoint.takes_updates() { walk.update(event) } else { walk.event(event) };
    if !walk.is_rejected() && json.len() > settings.limits.max_event_bytes {
        walk.find(Rule::EventTooLarge, "");
    }
    walk.add_unlisted();
    let is_rejected = walk.is_rejected();
    let Walk { mut findings, truncations, insert_id, .. } = walk;
    findings.sort_by_key(|(rule, _, _)| *rule);
    findings.retain(|(_, action, _)| !is_rejected || *action == Action::Reject);
    Expected { findings, is_rejected, truncations, insert_id, json }
}

type Members = [(String, Value)];

struct Walk<'a> {
    settings: &'a Settings,
    findings: Vec<(Rule, Action, String)>,
    truncations: Vec<(String, usize, Advice)>,
    unlisted: Unlisted,
    insert_id: Option<String>,
    is_past_levels: bool,
    /// Of an update: an operation was written.
    has_operation: bool,
    /// Of an event: another id than `distinct_id` is enough.
    is_identified: bool,
    /// Of an event: its `properties` have no id that is enough.
    lacks_identity: bool,
    /// Of an event: its name, the last one if there are several.
    name: String,
}

impl Walk<'_> {
    fn find(&mut self, rule: Rule, field: &str) {
        let action = self.action(rule);
        if action != Action::Off {
            self.add_finding(rule, action, field);
        }
    }

    fn action(&self, rule: Rule) -> Action {
        self.settings.limits.action(rule, self.settings.endpoint)
    }

    fn is_rejected(&self) -> bool {
        self.findings.iter().any(|(_, action, _)| *action == Action::Reject)
    }

    // --- an event, and the members with special rules ---

    fn event(&mut self, event: &Value) -> String {
        let Value::Object(members) = event else {
            self.find(Rule::EventNotObject, "");
            return String::new();
        };
        let json = self.members(members, "", |walk, name, value, path| match name {
            "event" => walk.event_name(value, path),
            "properties" => walk.properties(value, path),
            _ => {
                walk.find(Rule::UnknownField, path);
                walk.value(value, path, -1, 0)
            }
        });
        for (name, rule) in [("event", Rule::EventMissing), ("properties", Rule::PropertiesMissing)] {
            if !has(members, name) {
                self.find(rule, name);
            }
        }
        self.identity(&json);
        json
    }

    fn other_id(&mut self, rule: Rule, of_type: Rule, value: &Value, path: &str) -> String {
        let is_simplified = self.settings.identity == Identity::Simplified;
        if let Some(id) = text_of(value) {
            self.is_identified |= !id.is_empty() && self.settings.identity != Identity::Original;
            if is_simplified && is_disallowed(&id) {
                self.find(rule, path);
            }
            if is_simplified && of_type == Rule::DeviceIdType && id.starts_with("$device:") {
                self.find(Rule::DeviceIdPrefix, path);
            }
        } else if is_simplified && !matches!(value, Value::Null) {
            return self.wrong_type(of_type, value, path, 0, 1);
        }
        self.value(value, path, 0, 1)
    }

    fn event_name(&mut self, value: &Value, path: &str) -> String {
        let Some(name) = text_of(value) else { return self.wrong_type(Rule::EventType, value, path, -1, 0) };
        self.name.clone_from(&name);
        if name.chars().all(spell::is_white) {
            self.find(Rule::EventBlank, path);
        }
        self.text(&name, path)
    }

    fn properties(&mut self, value: &Value, path: &str) -> String {
        (self.insert_id, self.is_identified, self.lacks_identity) = (None, false, false);
        let Value::Object(given) = value else { return self.wrong_type(Rule::PropertiesType, value, path, -1, 0) };
        if self.skips(path, 0) {
            return "null".into();
        }
        let mut members = given.clone();
        if let (Some(token), false) = (&self.settings.token, has(given, "token")) {
            members.push(("token".into(), Value::Text(token.clone())));
        }
        let json = self.members(&members, path, |walk, name, value, path| match name {
            "time" => walk.time(value, path),
            "distinct_id" => walk.distinct_id(value, path),
            "$insert_id" => walk.own_insert_id(value, path),
            "$device_id" => walk.other_id(Rule::DeviceIdDisallowed, Rule::DeviceIdType, value, path),
            "$user_id" => walk.other_id(Rule::UserIdDisallowed, Rule::UserIdType, value, path),
            _ => walk.value(value, path, 0, 1),
        });
        self.count(Rule::TooManyProperties, members.len(), self.settings.limits.max_properties, path);
        self.lacks_identity = !has(&members, "distinct_id") && !self.is_identified;
        for (name, rule) in
            [("time", Rule::TimeMissing), ("$insert_id", Rule::InsertIdMissing), ("token", Rule::TokenMissing)]
        {
            if !has(&members, name) {
                self.find(rule, &format!("properties.{name}"));
            }
        }
        json
    }

    /// Writes a value of a wrong type: null if that rejects the event, otherwise the value.
    fn wrong_type(&mut self, rule: Rule, value: &Value, path: &str, depth: isize, level: usize) -> String {
        self.find(rule, path);
        if self.action(rule) == Action::Reject { "null".into() } else { self.value(value, path, depth, level) }
    }

    fn time(&mut self, value: &Value, path: &str) -> String {
        let Some((milliseconds, written)) = time_of(value) else {
            return self.wrong_type(Rule::TimeType, value, path, 0, 1);
        };
        let oldest = match self.settings.endpoint {
            Endpoint::Track => NOW - TRACK_WINDOW_MS,
            _ => OLDEST_IMPORT_MS,
        };
        if milliseconds < oldest.into() {
            self.find(Rule::TimeTooOld, path);
        }
        if milliseconds > (NOW + FUTURE_TOLERANCE_MS).into() {
            self.find(Rule::TimeInFuture, path);
        }
        written
    }

    fn distinct_id(&mut self, value: &Value, path: &str) -> String {
        let Some(id) = text_of(value) else { return self.wrong_type(Rule::DistinctIdType, value, path, 0, 1) };
        if is_disallowed(&id) {
            self.find(Rule::DistinctIdDisallowed, path);
        }
        self.text(&id, path)
    }

    fn own_insert_id(&mut self, value: &Value, path: &str) -> String {
        let Some(id) = text_of(value) else { return self.wrong_type(Rule::InsertIdType, value, path, 0, 1) };
        if id.len() > self.settings.limits.max_insert_id_bytes {
            self.find(Rule::InsertIdTooLong, path);
        }
        if id.is_empty() || !id.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-') {
            self.find(Rule::InsertIdCharset, path);
        }
        if is_disallowed(&id) {
            self.find(Rule::InsertIdDisallowed, path);
        }
        self.insert_id = Some(spell::cut(&id, &self.settings.limits));
        self.text(&id, path)
    }

    // --- values of any kind; `depth` is the depth of the enclosing object, `level` the level of the value ---

    fn value(&mut self, value: &Value, path: &str, depth: isize, level: usize) -> String {
        match value {
            Value::Array(elements) => return self.array(elements, path, depth, level),
            Value::Object(members) => return self.object(members, path, depth + 1, level),
            Value::Boolean(value) => return value.to_string(),
            Value::Integer(value) => return value.to_string(),
            Value::Number(spelling) if is_beyond_double(spelling) => self.find(Rule::NotANumber, path),
            Value::Number(spelling) if is_number(spelling) => return spelling.clone(),
            Value::Float(value) if value.is_finite() => return spell::float(*value),
            Value::Text(text) => return self.text(text, path),
            Value::Moment(moment) => return self.text(&spell::moment(*moment), path),
            Value::Float(_) => self.find(Rule::NotANumber, path),
            Value::Number(_) | Value::Unsupported(_) => self.find(Rule::UnsupportedType, path),
            Value::Null => {}
        }
        "null".into()
    }

    fn array(&mut self, elements: &[Value], path: &str, depth: isize, level: usize) -> String {
        if self.skips(path, level) {
            return "null".into();
        }
        let written: Vec<_> = elements
            .iter()
            .enumerate()
            .map(|(position, element)| self.value(element, &format!("{path}[{position}]"), depth, level + 1))
            .collect();
        self.count(Rule::TooManyElements, elements.len(), self.settings.limits.max_elements, path);
        format!("[{}]", written.join(","))
    }

    fn object(&mut self, members: &Members, path: &str, depth: isize, level: usize) -> String {
        if self.skips(path, level) {
            return "null".into();
        }
        if depth == self.settings.limits.max_depth as isize + 1 {
            self.find(Rule::TooDeep, path);
            if self.action(Rule::TooDeep) == Action::Reject {
                return "null".into();
            }
        }
        let json = self.members(members, path, |walk, _, value, path| walk.value(value, path, depth, level + 1));
        self.count(Rule::TooManyKeys, members.len(), self.settings.limits.max_keys, path);
        json
    }

    /// Whether to skip an object or array: past 64 levels an event is rejected, and none of its others is walked.
    fn skips(&mut self, path: &str, level: usize) -> bool {
        if level > MAX_LEVELS && !self.is_past_levels {
            self.add_finding(Rule::TooDeep, Action::Reject, path);
            self.is_past_levels = true;
        }
        self.is_past_levels
    }

    fn count(&mut self, rule: Rule, count: usize, max: usize, path: &str) {
        if count > max {
            self.find(rule, path);
        }
    }

    fn members(
        &mut self,
        members: &Members,
        path: &str,
        write: impl Fn(&mut Self, &str, &Value, &str) -> String,
    ) -> String {
        let limits = self.settings.limits.clone();
        let path_of = |name: &str| {
            let shown = spell::cut(name, &limits);
            if path.is_empty() { shown } else { format!("{path}.{shown}") }
        };
        let mut written = Vec::new();
        for (name, value) in members {
            let path = path_of(name);
            if spell::is_long(name, &limits) {
                let length = spell::length(name, limits.truncate_unit);
                self.add_truncation(path.clone(), length, Advice::Text);
                self.find(Rule::KeyTruncated, &path);
            }
            let spelled = spell::text(&spell::cut(name, &limits));
            written.push(format!("{spelled}:{}", write(self, name, value, &path)));
        }
        let mut names = HashSet::new();
        for (name, _) in members {
            if !names.insert(spell::cut(name, &limits)) {
                self.find(Rule::KeyCollision, &path_of(name));
            }
        }
        format!("{{{}}}", written.join(","))
    }

    fn text(&mut self, text: &str, path: &str) -> String {
        let limits = &self.settings.limits;
        if spell::is_long(text, limits) {
            let length = spell::length(text, limits.truncate_unit);
            self.add_truncation(path.to_owned(), length, spell::advise(text));
        }
        spell::text(&spell::cut(text, limits))
    }
}

fn has(members: &Members, wanted: &str) -> bool {
    members.iter().any(|(name, _)| name == wanted)
}

/// The text of a value that is written as text.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(text.clone()),
        Value::Moment(moment) => Some(spell::moment(*moment)),
        _ => None,
    }
}

/// A time in milliseconds, and its JSON.
fn time_of(value: &Value) -> Option<(i128, String)> {
    match value {
        Value::Integer(given) => Some((scaled((*given).into()), given.to_string())),
        Value::Number(spelling) if !is_number(spelling) || is_beyond_double(spelling) => None,
        Value::Number(spelling) if spelling.contains(['.', 'e', 'E']) => time_of_float(spelling.parse().ok()?),
        Value::Number(spelling) => {
            let beyond = if spelling.starts_with('-') { i128::MIN } else { i128::MAX };
            Some((spelling.parse().map_or(beyond, scaled), spelling.clone()))
        }
        Value::Float(given) => time_of_float(*given),
        Value::Moment(moment) if moment.utc => {
            let micros = i128::from(moment.micros);
            let below = micros.div_euclid(1000);
            let milliseconds = match (micros - below * 1000).cmp(&500) {
                std::cmp::Ordering::Less => below,
                std::cmp::Ordering::Equal => below + below.rem_euclid(2),
                std::cmp::Ordering::Greater => below + 1,
            };
            Some((milliseconds, milliseconds.to_string()))
        }
        _ => None,
    }
}

fn scaled(given: i128) -> i128 {
    if (-i128::from(FIRST_MILLISECONDS) < given) && (given < FIRST_MILLISECONDS.into()) { given * 1000 } else { given }
}

fn time_of_float(given: f64) -> Option<(i128, String)> {
    let exact = if given.abs() < FIRST_MILLISECONDS as f64 { given * 1000.0 } else { given };
    let whole = exact.round_ties_even();
    let written = format!("{whole:.0}").replace("-0", "0");
    given.is_finite().then(|| (whole as i128, if whole == 0.0 { "0".into() } else { written }))
}

fn is_number(spelling: &str) -> bool {
    let is_value = serde_json::from_str::<serde::de::IgnoredAny>(spelling).is_ok();
    is_value && spelling.chars().all(|letter| letter.is_ascii_digit() || "+-.eE".contains(letter))
}

/// Whether a number reads back as an infinity.
fn is_beyond_double(spelling: &str) -> bool {
    is_number(spelling) && spelling.parse().is_ok_and(f64::is_infinite)
}

fn is_disallowed(id: &str) -> bool {
    DISALLOWED_IDS.contains(&id.to_ascii_lowercase().as_str())
}
