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
