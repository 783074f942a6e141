//! The rules for events: one table, from which the code, the docs and `mixpress.rules()` are generated.

pub(crate) mod finding;
pub(crate) mod limits;

/// What happens when a rule is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The event is not sent; it becomes a rejection.
    Reject,
    /// The event is sent; the finding is reported as a warning.
    Warn,
    /// The rule is not checked.
    Off,
}

impl Action {
    /// The word used in `Limits(rules={...})`.
    pub fn word(self) -> &'static str {
        match self {
            Action::Reject => "reject",
            Action::Warn => "warn",
            Action::Off => "off",
        }
    }

    /// The action of a word.
    pub fn from_word(word: &str) -> Option<Action> {
        [Action::Reject, Action::Warn, Action::Off].into_iter().find(|action| action.word() == word)
    }
}

/// Defines the rules in a fixed order: of several that an event breaks, the first one is reported.
macro_rules! rules {
    ($($variant:ident $id:literal $documented:ident $observed:ident $source:literal $says:literal;)*) => {
        /// A rule; the order of the variants is the order in which broken rules are reported.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs)] // the table describes each variant
        pub enum Rule { $($variant,)* }

        /// Every rule, in order.
        pub const RULES: &[RuleInfo] = &[$(RuleInfo {
            rule: Rule::$variant, id: $id, says: $says, source: $source,
            documented: Action::$documented, observed: Action::$observed,
        },)*];
    };
}

/// One row of the table.
pub struct RuleInfo {
    /// The rule itself.
    pub rule: Rule,
    /// Its stable word, as in `Rejection.rule`.
    pub id: &'static str,
    /// What it requires.
    pub says: &'static str,
    /// The source of the requirement.
    pub source: &'static str,
    /// What happens by default under `Limits.documented()`.
    pub documented: Action,
    /// What happens by default under `Limits.observed()`.
    pub observed: Action,
}

impl Rule {
    /// The row of the table.
    pub fn info(self) -> &'static RuleInfo {
        &RULES[self as usize]
    }

    /// The stable word, as in `Rejection.rule`.
    pub fn id(self) -> &'static str {
        self.info().id
    }

    /// The rule of a word.
    pub fn from_id(id: &str) -> Option<Rule> {
        RULES.iter().find(|info| info.id == id).map(|info| info.rule)
    }
}

rules! {
    InvalidJson "invalid-json" Reject Reject "RFC 8259"
        "JSON text must be an object that can be parsed (always rejects: there is nothing to send)";
    EventNotObject "event-not-object" Reject Reject "Track Events, OpenAPI: items are objects"
        "an event is an object (always rejects: there is nothing to send)";
    EventMissing "event-missing" Reject Reject "Track Events, OpenAPI: event is required"
        "an event has a name, `event`";
    EventType "event-type" Reject Reject "Track Events, OpenAPI: event is a string"
        "`event` is text";
    EventBlank "event-blank" Reject Reject "server: 'event' must not be missing or blank"
        "`event` is more than whitespace";
    PropertiesMissing "properties-missing" Reject Reject "Track Events, OpenAPI: properties is required"
        "an event has `properties`";
    PropertiesType "properties-type" Reject Reject "Track Events, OpenAPI: properties is an object"
        "`properties` is an object";
    UnknownField "unknown-field" Reject Reject "Track Events, OpenAPI: additionalProperties is false"
        "an event has no fields beside `event` and `properties`";
    TimeMissing "time-missing" Reject Reject "Import Events: time is required"
        "`properties` has a `time`";
    TimeType "time-type" Reject Reject "Track Events, OpenAPI: time is an integer; server: must be specified as seconds since epoch"
        "`time` is a number of seconds or milliseconds since the epoch, or a datetime with a timezone";
    TimeTooOld "time-too-old" Reject Reject "Import Events: any time after 1971-01-01; /track: the last 5 days only"
        "`time` is not before 1971-01-01 (import), nor more than 5 days ago (track)";
    TimeInFuture "time-in-future" Warn Reject "Track Events: a future time is overwritten with the present; server: must not be in the future"
        "`time` is at most an hour ahead of the clock";
    DistinctIdMissing "distinct-id-missing" Reject Reject "Import Events (off on /track, where the server can compute one)"
        "`properties` has a `distinct_id`";
    DistinctIdType "distinct-id-type" Reject Reject "Track Events, OpenAPI: distinct_id is a string"
        "`distinct_id` is text (it may be empty)";
    DistinctIdDisallowed "distinct-id-disallowed" Reject Reject "Import Events: 17 disallowed values"
        "`distinct_id` is not a placeholder such as `null` or `anonymous`, in any case";
    InsertIdMissing "insert-id-missing" Reject Reject "Import Events: $insert_id is required on all events"
        "`properties` has an `$insert_id`";
    InsertIdType "insert-id-type" Reject Reject "Track Events, OpenAPI: $insert_id is a string"
        "`$insert_id` is text";
    InsertIdTooLong "insert-id-too-long" Reject Reject "server: at most 36 bytes"
        "`$insert_id` has at most `max_insert_id_bytes` bytes";
    InsertIdCharset "insert-id-charset" Reject Reject "server: must only contain alphanumeric or hyphen '-' characters"
        "`$insert_id` is one or more of A-Z, a-z, 0-9 and '-'";
    InsertIdDisallowed "insert-id-disallowed" Reject Reject "Import Events: 17 disallowed values"
        "`$insert_id` is not a placeholder such as `null` or `0`, in any case";
    TokenMissing "token-missing" Reject Reject "Track Events: token authenticates (track only)"
        "`properties` has a `token`, or the encoder was given one";
    TooManyProperties "too-many-properties" Reject Reject "Import Events: fewer than 255 properties"
        "`properties` has at most `max_properties` members";
    TooManyKeys "too-many-keys" Reject Reject "Import Events: nested objects have fewer than 255 keys"
        "a nested object has at most `max_keys` members";
    TooManyElements "too-many-elements" Reject Reject "Import Events: arrays have fewer than 255 elements"
        "an array has at most `max_elements` elements";
    TooDeep "too-deep" Reject Reject "Import Events: max nesting depth is 3 (the server is reported to enforce 10)"
        "objects nest at most `max_depth` deep inside `properties`; past 64 levels of any nesting always rejects";
    UnsupportedType "unsupported-type" Reject Reject "RFC 8259"
        "every value can be written as JSON, and every name is text";
    NotANumber "not-a-number" Warn Warn "RFC 8259 has no NaN or infinity"
        "a number is finite and fits into a double; NaN, infinities and larger numbers are written as null";
    InvalidUnicode "invalid-unicode" Warn Warn "server: string should be valid utf8"
        "text has no lone surrogate and no broken UTF-8; each is written as U+FFFD";
    DuplicateKey "duplicate-key" Warn Warn "RFC 8259: names should be unique"
        "an object of a JSON text names each member once; the last one wins";
    KeyTruncated "key-truncated" Warn Warn "server: property names are cut too"
        "a name is no longer than `max_string`; a longer one is cut";
    KeyCollision "key-collision" Reject Reject "one of the two values would be lost"
        "no two names of an object are equal once they are cut";
    EventTooLarge "event-too-large" Reject Reject "Import Events: smaller than 1MB of uncompressed JSON"
        "an event as it is written has at most `max_event_bytes` bytes";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_variants_and_ids_are_unique() {
        for (position, info) in RULES.iter().enumerate() {
            assert_eq!(info.rule as usize, position);
            assert_eq!(Rule::from_id(info.id), Some(info.rule));
        }
    }
}
