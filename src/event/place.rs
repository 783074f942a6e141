//! The places of an event or an update with different rules, and the members that it has.

use crate::rules::limits::Endpoint;

/// The place of a value, which decides its rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Event,
    Name,
    Properties,
    Time,
    DistinctId,
    InsertId,
    /// `$device_id` or `$user_id`, which can identify the user instead of `distinct_id`.
    DeviceId,
    UserId,
    /// A whole update of a profile.
    Update,
    /// Its `$distinct_id`.
    ProfileId,
    GroupKey,
    GroupId,
    /// Its `$token`.
    Token,
    /// Its `$ip`.
    Address,
    /// Its `$ignore_time` or `$ignore_alias`.
    Flag,
    /// The object of `$set` or `$set_once`.
    Set,
    /// The object of `$append` or `$remove`.
    Operation,
    /// The object of `$add`, and a value in it.
    Addends,
    Addend,
    /// The object of `$union`, and a value in it.
    Unions,
    Union,
    /// The list of `$unset`, and an element of it.
    Unset,
    UnsetName,
    Delete,
    /// The value of a member, under the general rules only.
    Plain,
    /// An element of an array, under the general rules only.
    Element,
}

/// A kind of object or array. The order makes each of the questions below one comparison: they are asked of every event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Properties,
    Object,
    Array,
    /// The list of `$unset`.
    Names,
    /// The object of `$set` or `$set_once`, whose long texts may be converted.
    Set,
    /// The object of `$append` or `$remove`.
    Operation,
    /// The object of `$add`.
    Addends,
    /// The object of `$union`.
    Unions,
    Event,
    Update,
}

impl Kind {
    /// Whether the members of this kind of object have separate rules, other than those of `properties`.
    #[inline(always)]
    pub(super) fn has_own_members(self) -> bool {
        self as u8 >= Kind::Addends as u8
    }

    /// Whether this is the object of an operation, whose members are properties of a profile.
    #[inline(always)]
    pub(super) fn is_of_profile(self) -> bool {
        (self as u8).wrapping_sub(Kind::Set as u8) <= Kind::Unions as u8 - Kind::Set as u8
    }
}

impl Place {
    /// The place of what an endpoint takes: a whole event or update.
    pub(super) fn of_all(endpoint: Endpoint) -> Place {
        if endpoint.takes_updates() { Place::Update } else { Place::Event }
    }

    /// The place of a value in an object or array; in an object, until its name is known.
    #[inline(always)]
    pub(super) fn inside(kind: Kind) -> Place {
        match kind {
            Kind::Array => Place::Element,
            Kind::Names => Place::UnsetName,
            _ => Place::Plain,
        }
    }
}

/// The members named by rules that an event or an update has: a bit for each.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen(u8);

impl Seen {
    pub(super) const NONE: Seen = Seen(0);
    pub(super) const EVENT: Seen = Seen(1);
    pub(super) const PROPERTIES: Seen = Seen(2);
    /// Both fields of an event. An update may have these bits too, or not.
    pub(super) const FIELDS: Seen = Seen(3);
    pub(super) const TIME: Seen = Seen(4);
    /// A `distinct_id`, or another id that is enough.
    pub(super) const DISTINCT_ID: Seen = Seen(8);
    pub(super) const INSERT_ID: Seen = Seen(16);
    pub(super) const TOKEN: Seen = Seen(32);

    // Of an update, which has none of those above.
    pub(super) const UPDATE_TOKEN: Seen = Seen(1);
    /// `$distinct_id` or `$group_id`.
    pub(super) const PROFILE: Seen = Seen(2);
    pub(super) const GROUP_KEY: Seen = Seen(4);
    pub(super) const IP: Seen = Seen(8);
    pub(super) const IGNORE_TIME: Seen = Seen(16);
    pub(super) const IGNORE_ALIAS: Seen = Seen(32);
    pub(super) const OPERATION: Seen = Seen(64);
    /// The operation is `$delete`.
    pub(super) const DELETE: Seen = Seen(128);

    pub(super) fn has(self, member: Seen) -> bool {
        self.0 & member.0 != 0
    }

    pub(super) fn add(&mut self, member: Seen) {
        self.0 |= member.0;
    }

    /// Without the members of `properties`.
    pub(super) fn of_event(self) -> Seen {
        Seen(self.0 & Seen::FIELDS.0)
    }

    pub(super) fn has_all(self, members: Seen) -> bool {
        self.0 & members.0 == members.0
    }
}

/// The meaning of a name in an event itself, or in an update itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    None,
    Event,
    Properties,
    Token,
    DistinctId,
    GroupKey,
    GroupId,
    Ip,
    IgnoreTime,
    IgnoreAlias,
    /// `$set` or `$set_once`.
    Set,
    Add,
    Union,
    Append,
    Remove,
    Unset,
    Delete,
}

impl Field {
    fn of(name: &str) -> Field {
        match name {
            "event" => Field::Event,
            "properties" => Field::Properties,
            "$token" => Field::Token,
            "$distinct_id" => Field::DistinctId,
            "$group_key" => Field::GroupKey,
            "$group_id" => Field::GroupId,
            "$ip" => Field::Ip,
            "$ignore_time" => Field::IgnoreTime,
            "$ignore_alias" => Field::IgnoreAlias,
            "$set" | "$set_once" => Field::Set,
            "$add" => Field::Add,
            "$union" => Field::Union,
            "$append" => Field::Append,
            "$remove" => Field::Remove,
            "$unset" => Field::Unset,
            "$delete" => Field::Delete,
            _ => Field::None,
        }
    }
}

/// The meaning of a member's name to the rules.
#[derive(Clone, Copy, Debug)]
pub(super) struct Meaning {
    /// In `properties`.
    pub(super) place: Place,
    pub(super) seen: Seen,
    /// In the event or the update itself.
    pub(super) field: Field,
}

impl Meaning {
    pub(super) const NONE: Meaning = Meaning { place: Place::Plain, seen: Seen::NONE, field: Field::None };

    pub(super) fn of(name: &str) -> Meaning {
        let property = |place, seen| Meaning { place, seen, field: Field::None };
        match name {
            "time" => property(Place::Time, Seen::TIME),
            "distinct_id" => property(Place::DistinctId, Seen::DISTINCT_ID),
            "$insert_id" => property(Place::InsertId, Seen::INSERT_ID),
            "token" => property(Place::Plain, Seen::TOKEN),
            "$device_id" => property(Place::DeviceId, Seen::NONE),
            "$user_id" => property(Place::UserId, Seen::NONE),
            _ => Meaning { field: Field::of(name), ..Meaning::NONE },
        }
    }
}
