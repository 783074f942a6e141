//! The places of an event with different rules, and the members that an event has.

/// The place of a value, which decides its rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Event,
    Name,
    Properties,
    Time,
    DistinctId,
    InsertId,
    /// The value of a member, under the general rules only.
    Plain,
    /// An element of an array, under the general rules only.
    Element,
}

/// A kind of object or array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Event,
    Properties,
    Object,
    Array,
}

impl Place {
    /// The place of a value in an object or array; in an object, until its name is known.
    pub(super) fn inside(kind: Kind) -> Place {
        if kind == Kind::Array { Place::Element } else { Place::Plain }
    }
}

/// The members named by rules that an event has: a bit for each.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen(u8);

impl Seen {
    pub(super) const NONE: Seen = Seen(0);
    pub(super) const EVENT: Seen = Seen(1);
    pub(super) const PROPERTIES: Seen = Seen(2);
    pub(super) const TIME: Seen = Seen(4);
    pub(super) const DISTINCT_ID: Seen = Seen(8);
    pub(super) const INSERT_ID: Seen = Seen(16);
    pub(super) const TOKEN: Seen = Seen(32);

    pub(super) fn has(self, member: Seen) -> bool {
        self.0 & member.0 != 0
    }

    pub(super) fn add(&mut self, member: Seen) {
        self.0 |= member.0;
    }

    pub(super) fn has_all(self, members: Seen) -> bool {
        self.0 & members.0 == members.0
    }
}

/// The meaning of a member's name to the rules.
#[derive(Clone, Copy, Debug)]
pub(super) struct Meaning {
    /// In `properties`.
    pub(super) place: Place,
    pub(super) seen: Seen,
    /// In the event itself, which has only two members.
    pub(super) field: Option<(Place, Seen)>,
}

impl Meaning {
    pub(super) const NONE: Meaning = Meaning { place: Place::Plain, seen: Seen::NONE, field: None };

    pub(super) fn of(name: &str) -> Meaning {
        let property = |place, seen| Meaning { place, seen, field: None };
        match name {
            "time" => property(Place::Time, Seen::TIME),
            "distinct_id" => property(Place::DistinctId, Seen::DISTINCT_ID),
            "$insert_id" => property(Place::InsertId, Seen::INSERT_ID),
            "token" => property(Place::Plain, Seen::TOKEN),
            "event" => Meaning { field: Some((Place::Name, Seen::EVENT)), ..Meaning::NONE },
            "properties" => Meaning { field: Some((Place::Properties, Seen::PROPERTIES)), ..Meaning::NONE },
            _ => Meaning::NONE,
        }
    }
}
