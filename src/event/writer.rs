//! The writer of events: one after another, each with a verdict at its end.

use super::applied_rules::AppliedRules;
use super::fill_ins::FillIns;
use super::identity_event::IdentityEvent;
use super::json::WrittenJson;
use super::place::{Place, Seen};
use super::report::{Outcome, Report};
use crate::rules::finding::Message;
use crate::rules::limits::{Endpoint, Limits};
use crate::rules::{Action, Rule};
use crate::truncate::{Advice, LongTexts};

/// Writes events and checks them against the rules.
pub struct EventWriter {
    pub(crate) json: WrittenJson,
    pub(crate) rules: AppliedRules,
    pub(crate) report: Report,
    /// The place of the next value.
    pub(super) place: Place,
    /// The members that were written.
    pub(super) seen: Seen,
    /// Which long texts are converted instead of truncated.
    pub(crate) long_texts: LongTexts,
    /// Whether the members that are being written replace one with a long text.
    pub(super) is_converting: bool,
    /// Becomes `properties.token` of an event that has none, or `$token` of an update.
    pub(super) token: Option<String>,
    /// What is filled in where an update has none.
    pub(super) fill_ins: FillIns,
    /// Becomes `properties.$insert_id` of the event that is being written, if it has none.
    pub(crate) derived_id: Option<String>,
    /// What the event is, if it merges users.
    pub(super) identity_event: Option<IdentityEvent>,
    /// The event has no id of a user.
    pub(super) lacks_identity: bool,
    /// Where the quote of the event's `$insert_id` is in the JSON.
    pub(super) insert_id_at: Option<usize>,
    /// The event is past all limits, and no further object or array of it is walked. Without this, one that contains
    /// itself twice would be walked 2^64 times.
    pub(super) is_hopeless: bool,
}

impl EventWriter {
    /// A writer for an endpoint; `token` becomes `properties.token` of an event that has none, or `$token` of an update.
    pub fn new(limits: Limits, endpoint: Endpoint, token: Option<String>) -> EventWriter {
        EventWriter {
            json: WrittenJson::new(),
            rules: AppliedRules::new(limits, endpoint, token.is_some()),
            report: Report::default(),
            place: Place::of_all(endpoint),
            seen: Seen::NONE,
            long_texts: LongTexts::default(),
            is_converting: false,
            token,
            fill_ins: FillIns::default(),
            derived_id: None,
            identity_event: None,
            lacks_identity: false,
            insert_id_at: None,
            is_hopeless: false,
        }
    }

    /// Fills in more than the token in further updates.
    pub(crate) fn fill_in(&mut self, fill_ins: FillIns) {
        if fill_ins.group_key.is_some() {
            self.rules.wanted.add(Seen::GROUP_KEY);
        }
        if fill_ins.no_ip {
            self.rules.wanted.add(Seen::IP);
        }
        if fill_ins.ignore_time {
            self.rules.wanted.add(Seen::IGNORE_TIME);
        }
        self.fill_ins = fill_ins;
    }

    /// Starts an event.
    pub fn begin_event(&mut self) {
        self.json.begin_event();
        self.report.clear();
        self.place = Place::of_all(self.rules.endpoint);
        self.seen = Seen::NONE;
        self.identity_event = None;
        self.lacks_identity = false;
        self.insert_id_at = None;
        self.is_hopeless = false;
    }

    /// Whether the event that was written has an `$insert_id`.
    pub(crate) fn has_insert_id(&self) -> bool {
        self.seen.has(Seen::INSERT_ID)
    }

    /// Ends an event. A rejected one stays in the JSON until [`WrittenJson::take_back`] is called, and the report until the
    /// next one starts.
    #[inline(always)]
    pub(crate) fn end_event(&mut self) -> Outcome {
        self.check_event();
        if self.report.is_empty() { Outcome::Plain } else { self.complete_report() }
    }

    #[cold]
    fn complete_report(&mut self) -> Outcome {
        let json = &self.json;
        self.report.complete(self.insert_id_at.map(|at| move |text: &mut String| json.push_name(at, text)))
    }

    /// Records a broken rule at the value that is being written, or was written last.
    #[cold]
    pub(super) fn find<'a, M: Into<Message<'a>>>(&mut self, rule: Rule, message: impl FnOnce() -> M) {
        if self.lists(rule) {
            let (json, action) = (&self.json, self.rules.action(rule));
            self.report.add_finding(rule, action, |text| json.push_path(text), message().into());
        }
    }

    /// Records a broken rule at a field.
    #[cold]
    pub(super) fn find_at<'a, M: Into<Message<'a>>>(&mut self, rule: Rule, field: &str, message: impl FnOnce() -> M) {
        if self.lists(rule) {
            self.report.add_finding(rule, self.rules.action(rule), |text| text.push_str(field), message().into());
        }
    }

    /// Counts a broken rule that is not off; returns whether to list it.
    pub(super) fn lists(&mut self, rule: Rule) -> bool {
        self.rules.action(rule) != Action::Off && self.report.lists_finding(rule)
    }

    /// Records that the text that is being written was truncated, or the name that was written last.
    pub(super) fn report_truncation(&mut self, length: usize, advice: Advice) {
        if self.report.lists_truncation() {
            let json = &self.json;
            self.report.add_truncation(|text| json.push_path(text), length, advice);
        }
    }
}
