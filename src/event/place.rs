//! Places: what a value is to the rules, and which members have passed.

/// What the next value is, as the rules see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Event,
    Name,
    Properties,
    Time,
    DistinctId,
    InsertId,
    /// A member's value that only the general rules apply to.
    Plain,
    /// An element of an array: the same, but that a comma may have to come before it.
    Element,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Event,
    Properties,
    Object,
    Array,
}

impl Place {
    /// What a value is in an object, before its name is known, or in an array.
    pub(super) fn inside(kind: Kind) -> Place {
        if kind == Kind::Array { Place::Element } else { Place::Plain }
    }
}

/// Which of the members that the rules ask for have passed: a bit for each.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen(u8);

impl Seen {
    pub(crate) const NONE: Seen = Seen(0);
    pub(crate) const EVENT: Seen = Seen(1);
    pub(crate) const PROPERTIES: Seen = Seen(2);
    pub(crate) const TIME: Seen = Seen(4);
    pub(crate) const DISTINCT_ID: Seen = Seen(8);
    pub(crate) const INSERT_ID: Seen = Seen(16);
    pub(crate) const TOKEN: Seen = Seen(32);

    pub(crate) fn has(self, member: Seen) -> bool {
        self.0 & member.0 != 0
    }

    pub(crate) fn add(&mut self, member: Seen) {
        self.0 |= member.0;
    }

    /// Whether all of these have passed.
    pub(crate) fn has_all(self, members: Seen) -> bool {
        self.0 & members.0 == members.0
    }
}

/// What the name of a member means to the rules.
#[derive(Clone, Copy, Debug)]
pub(super) struct Meaning {
    /// As a name of `properties`.
    pub(super) place: Place,
    pub(super) seen: Seen,
    /// As a name of the event itself, which has only two.
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
