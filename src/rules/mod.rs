//! The rules for events and for updates of profiles: one table, from which the code, the docs and `mixpress.rules()` are generated.

pub(crate) mod endpoint;
pub(crate) mod finding;
pub(crate) mod limits;

use endpoint::Endpoint;

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
    ($($variant:ident $id:literal $endpoints:ident $documented:ident $observed:ident $source:literal $says:literal;)*) => {
        /// A rule; the order of the variants is the order in which broken rules are reported.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs)] // the table describes each variant
        pub enum Rule { $($variant,)* }

        /// Every rule, in order.
        pub const RULES: &[RuleInfo] = &[$(RuleInfo {
            rule: Rule::$variant, id: $id, says: $says, source: $source, endpoints: $endpoints,
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
    /// The endpoints for which it is checked.
    pub endpoints: &'static [Endpoint],
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

const ALL: &[Endpoint] = &[Endpoint::Import, Endpoint::Track, Endpoint::Engage, Endpoint::Groups];
const EVENTS: &[Endpoint] = &[Endpoint::Import, Endpoint::Track];
const UPDATES: &[Endpoint] = &[Endpoint::Engage, Endpoint::Groups];
const ENGAGE: &[Endpoint] = &[Endpoint::Engage];
const GROUPS: &[Endpoint] = &[Endpoint::Groups];
/// Where the id of a user is.
const USERS: &[Endpoint] = &[Endpoint::Import, Endpoint::Track, Endpoint::Engage];
/// Where a token authenticates.
const TOKENS: &[Endpoint] = &[Endpoint::Track, Endpoint::Engage, Endpoint::Groups];

rules! {
    InvalidJson "invalid-json" ALL Reject Reject "RFC 8259"
        "JSON text must be an object that can be parsed (always rejects: there is nothing to send)";
    EventNotObject "event-not-object" ALL Reject Reject "Track Events, OpenAPI: items are objects"
        "an event, or an update of a profile, is an object (always rejects: there is nothing to send)";
    EventMissing "event-missing" EVENTS Reject Reject "Track Events, OpenAPI: event is required"
        "an event has a name, `event`";
    EventType "event-type" EVENTS Reject Reject "Track Events, OpenAPI: event is a string"
        "`event` is text";
    EventBlank "event-blank" EVENTS Reject Reject "server: 'event' must not be missing or blank"
        "`event` is more than whitespace";
    PropertiesMissing "properties-missing" EVENTS Reject Reject "Track Events, OpenAPI: properties is required"
        "an event has `properties`";
    PropertiesType "properties-type" EVENTS Reject Reject "Track Events, OpenAPI: properties is an object"
        "`properties` is an object";
    UnknownField "unknown-field" ALL Reject Reject "Track Events, OpenAPI: additionalProperties is false"
        "an event has no fields beside `event` and `properties`; an update has only those of the documents, and `$ignore_alias` only beside `$delete`";
    FieldType "field-type" UPDATES Reject Reject "Profile documents: the values of each member"
        "an update's `$token` is text, its `$ip` text or 0, its `$ignore_time` and `$ignore_alias` are true or false";
    OperationUnknown "operation-unknown" UPDATES Reject Reject "Profile documents: the operations of each endpoint"
        "a name with `$` is an operation of the endpoint: `$set`, `$set_once`, `$union`, `$remove`, `$unset`, `$delete`; for users also `$add` and `$append`";
    OperationMissing "operation-missing" UPDATES Reject Reject "Profile documents: one operation an update"
        "an update has an operation, such as `$set`";
    OperationRepeated "operation-repeated" UPDATES Reject Reject "Profile documents: one operation an update"
        "an update has one operation";
    OperationType "operation-type" UPDATES Reject Reject "Profile documents, OpenAPI: the type of each operation"
        "an operation is an object, `$unset` a list, and `$delete` a text";
    AddNotANumber "add-not-a-number" ENGAGE Reject Reject "Profile documents: numbers are added"
        "each value of `$add` is a number";
    UnionNotAList "union-not-a-list" UPDATES Reject Reject "Profile documents: lists are united"
        "each value of `$union` is a list";
    UnsetNotAName "unset-not-a-name" UPDATES Reject Reject "Profile documents, OpenAPI: $unset is an array of strings"
        "each element of `$unset` is text, the name of a property";
    TimeMissing "time-missing" EVENTS Reject Reject "Import Events: time is required"
        "`properties` has a `time`";
    TimeType "time-type" EVENTS Reject Reject "Track Events, OpenAPI: time is an integer; server: must be specified as seconds since epoch"
        "`time` is a number of seconds or milliseconds since the epoch, or a datetime with a timezone";
    TimeTooOld "time-too-old" EVENTS Reject Reject "Import Events: any time after 1971-01-01; /track: the last 5 days only"
        "`time` is not before 1971-01-01 (import), nor more than 5 days ago (track)";
    TimeInFuture "time-in-future" EVENTS Warn Reject "Track Events: a future time is overwritten with the present; server: must not be in the future"
        "`time` is at most an hour ahead of the clock";
    DistinctIdMissing "distinct-id-missing" USERS Reject Reject "Import Events (off on /track, where the server can compute one)"
        "`properties` has a `distinct_id`, or a `$device_id` or `$user_id` (unless `identity=\"original\"`); a user's update has a `$distinct_id`, which is not empty";
    DistinctIdType "distinct-id-type" USERS Reject Reject "Track Events, OpenAPI: distinct_id is a string"
        "`distinct_id`, which may be empty, or an update's `$distinct_id` is text";
    DistinctIdDisallowed "distinct-id-disallowed" USERS Reject Reject "Import Events: 17 disallowed values"
        "`distinct_id`, or an update's `$distinct_id`, is not a placeholder such as `null` or `anonymous`, in any case";
    DeviceIdType "device-id-type" EVENTS Reject Reject "Identity documents: $device_id is a string"
        "with `identity=\"simplified\"`, `$device_id` is text or null";
    UserIdType "user-id-type" EVENTS Reject Reject "Identity documents: $user_id is a string"
        "with `identity=\"simplified\"`, `$user_id` is text or null";
    IdentityMissing "identity-missing" EVENTS Reject Reject "Identity documents: simplified events have $device_id or $user_id"
        "with `identity=\"simplified\"`, `properties` has a `distinct_id`, `$device_id` or `$user_id`, the last two not empty";
    DeviceIdDisallowed "device-id-disallowed" EVENTS Reject Reject "Import Events: 17 disallowed values"
        "with `identity=\"simplified\"`, `$device_id` is not a placeholder, in any case";
    UserIdDisallowed "user-id-disallowed" EVENTS Reject Reject "Import Events: 17 disallowed values"
        "with `identity=\"simplified\"`, `$user_id` is not a placeholder, in any case";
    DeviceIdPrefix "device-id-prefix" EVENTS Warn Warn "Identity documents: the server puts $device: before $device_id"
        "with `identity=\"simplified\"`, `$device_id` does not start with `$device:`";
    IdentityEvent "identity-event" EVENTS Reject Reject "server: identity events are not allowed when project is using simplified identity management"
        "`$identify`, `$create_alias` and `$merge` are not sent with `identity=\"simplified\"`, and `$merge` not to /track";
    IdentityMembers "identity-members" EVENTS Reject Reject "Identity documents, OpenAPI: required properties"
        "`$identify` has `$identified_id` and `$anon_id`, `$create_alias` has `distinct_id` and `alias`, `$merge` has two `$distinct_ids`: texts that are not empty, and no placeholders";
    GroupKeyMissing "group-key-missing" GROUPS Reject Reject "Group documents, OpenAPI: $group_key is required"
        "a group's update has a `$group_key`, which is not empty, or the encoder was given one";
    GroupKeyType "group-key-type" GROUPS Reject Reject "Group documents, OpenAPI: $group_key is a string"
        "`$group_key` is text";
    GroupIdMissing "group-id-missing" GROUPS Reject Reject "Group documents, OpenAPI: $group_id is required"
        "a group's update has a `$group_id`, which is not empty";
    GroupIdType "group-id-type" GROUPS Reject Reject "Group documents, OpenAPI: $group_id is a string"
        "`$group_id` is text";
    InsertIdMissing "insert-id-missing" EVENTS Reject Reject "Import Events: $insert_id is required on all events"
        "`properties` has an `$insert_id`";
    InsertIdType "insert-id-type" EVENTS Reject Reject "Track Events, OpenAPI: $insert_id is a string"
        "`$insert_id` is text";
    InsertIdTooLong "insert-id-too-long" EVENTS Reject Reject "server: at most 36 bytes"
        "`$insert_id` has at most `max_insert_id_bytes` bytes";
    InsertIdCharset "insert-id-charset" EVENTS Reject Reject "server: must only contain alphanumeric or hyphen '-' characters"
        "`$insert_id` is one or more of A-Z, a-z, 0-9 and '-'";
    InsertIdDisallowed "insert-id-disallowed" EVENTS Reject Reject "Import Events: 17 disallowed values"
        "`$insert_id` is not a placeholder such as `null` or `0`, in any case";
    TokenMissing "token-missing" TOKENS Reject Reject "Track Events: token authenticates (not on /import)"
        "`properties` has a `token`, an update a `$token`, which is not empty, or the encoder was given one";
    TooManyProperties "too-many-properties" EVENTS Reject Reject "Import Events: fewer than 255 properties"
        "`properties` has at most `max_properties` members";
    TooManyProfileProperties "too-many-profile-properties" UPDATES Reject Reject "Profile documents: at most 2000 properties"
        "an operation names at most `max_profile_properties` properties";
    TooManyKeys "too-many-keys" ALL Reject Reject "Import Events: nested objects have fewer than 255 keys"
        "a nested object has at most `max_keys` members";
    TooManyElements "too-many-elements" ALL Reject Reject "Import Events: arrays have fewer than 255 elements"
        "an array has at most `max_elements` elements (off for updates, whose lists have a limit of bytes)";
    TooDeep "too-deep" ALL Reject Reject "Import Events: max nesting depth is 3 (the server is reported to enforce 10)"
        "objects nest at most `max_depth` deep inside `properties` or an operation; past 64 levels of any nesting always rejects";
    ValueTooLarge "value-too-large" UPDATES Reject Reject "Profile documents: a list or object of at most 256 KB"
        "a list or object that is the value of a profile's property has at most `max_value_bytes` bytes as written";
    UnsupportedType "unsupported-type" ALL Reject Reject "RFC 8259"
        "every value can be written as JSON, and every name is text";
    NotANumber "not-a-number" ALL Warn Warn "RFC 8259 has no NaN or infinity"
        "a number is finite and fits into a double; NaN, infinities and larger numbers are written as null";
    InvalidUnicode "invalid-unicode" ALL Warn Warn "server: string should be valid utf8"
        "text has no lone surrogate and no broken UTF-8; each is written as U+FFFD";
    DuplicateKey "duplicate-key" ALL Warn Warn "RFC 8259: names should be unique"
        "an object of a JSON text names each member once; the last one wins";
    KeyTruncated "key-truncated" ALL Warn Warn "server: property names are cut too"
        "a name is no longer than `max_string`; a longer one is cut";
    KeyCollision "key-collision" ALL Reject Reject "one of the two values would be lost"
        "no two names of an object are equal once they are cut";
    EventTooLarge "event-too-large" ALL Reject Reject "Import Events: smaller than 1MB of uncompressed JSON"
        "an event or an update as it is written has at most `max_event_bytes` bytes";
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
