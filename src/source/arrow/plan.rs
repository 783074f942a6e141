//! Decide from the schema of a table what each column is.

use std::sync::Arc;

use arrow_schema::{DataType, Fields};

/// What the column of a name can be chosen for, in a table of events.
pub const NAMEABLE: [&str; 4] = ["event", "time", "distinct_id", "$insert_id"];

/// The same in a table of updates of profiles.
pub const NAMEABLE_OF_UPDATES: [&str; 4] = ["$token", "$distinct_id", "$group_key", "$group_id"];

/// What each column of a table is.
#[derive(Debug, PartialEq, Eq)]
pub struct Plan {
    pub(super) event: EventName,
    pub(super) properties: Properties,
    /// The properties in order, each with its name as written and the position of its column.
    pub(super) members: Vec<(String, usize)>,
}

/// Where an event's name comes from.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum EventName {
    Constant(Arc<str>),
    Column(usize),
    /// A row is an update of a profile, which has no name: its columns are the members.
    None,
}

/// Where the properties are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Properties {
    /// The columns of the table.
    Columns,
    /// The fields of the column at this position, which is a struct.
    StructAt(usize),
}

/// Why no plan can be made: a message with the columns of the table.
#[derive(Debug, PartialEq, Eq)]
pub struct PlanError(pub String);

impl Plan {
    /// A plan for the columns of a table. `event` is the name of every event; `named` has pairs of one of [`NAMEABLE`] and its
    /// column. Without a pair, it is the column of the same name.
    pub fn new(columns: &Fields, event: Option<&str>, named: &[(String, String)]) -> Result<Plan, PlanError> {
        check_nameable(named, NAMEABLE)?;
        let event_named = named.iter().find(|(what, _)| what == "event").map(|(_, column)| column.as_str());
        let event = match (event, event_named) {
            (Some(_), Some(column)) => {
                let message = format!("event= and columns={{\"event\": {column:?}}} both name the events: pass one");
                return Err(PlanError(message));
            }
            (Some(name), None) => EventName::Constant(name.into()),
            (None, column) => EventName::Column(event_column(columns, column)?),
        };
        let (properties, fields) = find_properties(columns, &event);
        let members = name_members(fields, columns, &event, &properties, named)?;
        Ok(Plan { event, properties, members })
    }

    /// A plan for a table of updates of profiles, of which each column is a member. `named` has pairs of one of
    /// [`NAMEABLE_OF_UPDATES`] and its column.
    pub fn of_updates(columns: &Fields, named: &[(String, String)]) -> Result<Plan, PlanError> {
        check_nameable(named, NAMEABLE_OF_UPDATES)?;
        let (event, properties) = (EventName::None, Properties::Columns);
        let members = name_members(columns, columns, &event, &properties, named)?;
        Ok(Plan { event, properties, members })
    }
}

fn check_nameable<const COUNT: usize>(
    named: &[(String, String)],
    nameable: [&'static str; COUNT],
) -> Result<(), PlanError> {
    match named.iter().find(|(what, _)| !nameable.contains(&what.as_str())) {
        Some((what, _)) => Err(PlanError(format!("columns names {what:?}, and can name {} only", list(nameable)))),
        None => Ok(()),
    }
}

fn event_column(columns: &Fields, named: Option<&str>) -> Result<usize, PlanError> {
    let name = named.unwrap_or("event");
    let mut found = columns.iter().enumerate().filter(|(_, column)| column.name() == name).map(|(at, _)| at);
    match (found.next(), found.next(), named) {
        (Some(_), Some(_), _) => Err(PlanError(format!("two columns are named {name:?}: rename or drop one"))),
        (Some(at), None, _) => Ok(at),
        (None, _, Some(_)) => Err(missing("event", name, columns)),
        (None, _, None) => Err(PlanError(format!(
            "no column is named \"event\": pass event=\"Signed Up\" for a name that all events share, or \
             columns={{\"event\": ...}} for the column that has it; {}",
            what_is_there(columns)
        ))),
    }
}

/// Finds the properties: the fields of a struct column `properties` if the only other column is the event's name, as when
/// JSON events are read into a table; otherwise the columns.
fn find_properties<'a>(columns: &'a Fields, event: &EventName) -> (Properties, &'a Fields) {
    let mut others = columns.iter().enumerate().filter(|(at, _)| *event != EventName::Column(*at));
    if let (Some((at, only)), None) = (others.next(), others.next())
        && let ("properties", DataType::Struct(fields)) = (only.name().as_str(), only.data_type())
    {
        return (Properties::StructAt(at), fields);
    }
    (Properties::Columns, columns)
}

fn name_members(
    fields: &Fields,
    columns: &Fields,
    event: &EventName,
    properties: &Properties,
    named: &[(String, String)],
) -> Result<Vec<(String, usize)>, PlanError> {
    let named: Vec<_> = named.iter().filter(|(what, _)| what != "event").collect();
    if let Some((what, column)) = named.iter().find(|(_, column)| !fields.iter().any(|field| field.name() == column)) {
        return Err(missing(what, column, if *properties == Properties::Columns { columns } else { fields }));
    }
    let mut members: Vec<(String, usize)> = Vec::new();
    for (at, field) in fields.iter().enumerate() {
        let whats: Vec<_> = named.iter().filter(|(_, column)| column == field.name()).map(|(what, _)| what).collect();
        let is_event = *properties == Properties::Columns && *event == EventName::Column(at);
        let own = (whats.is_empty() && !is_event).then_some(field.name());
        for name in whats.into_iter().chain(own) {
            if let Some((_, other)) = members.iter().find(|(taken, _)| taken == name) {
                let (other, column) = (fields[*other].name(), field.name());
                let message = format!("{other:?} and {column:?} would both be written as {name:?}: rename or drop one");
                return Err(PlanError(message));
            }
            members.push((name.clone(), at));
        }
    }
    Ok(members)
}

fn missing(what: &str, column: &str, columns: &Fields) -> PlanError {
    PlanError(format!(
        "columns says that {what:?} is in {column:?}, and there is no such column; {}",
        what_is_there(columns)
    ))
}

fn what_is_there(columns: &Fields) -> String {
    const SHOWN: usize = 40;
    let more = match columns.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    match columns.len() {
        0 => "there are no columns".to_owned(),
        _ => format!("the columns are {}{more}", list(columns.iter().take(SHOWN).map(|column| column.name().as_str()))),
    }
}

fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ")
}
