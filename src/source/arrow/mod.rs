//! The source of Arrow tables: each row is an event, and its columns are the properties; or each row is an update of a
//! profile, and its columns are the members.
//!
//! ```text
//! schema        -> Plan           once per stream: what each column is
//! record batch  -> ArrowEvents    once per batch: the type of each column
//! row           -> Row            pushed into the sink, cell by cell
//! ```
//!
//! Null is left out, except as an element of a list. No text is trusted to be UTF-8, since not every producer validates it
//! (a Parquet file can have any bytes): other bytes are repaired, with a finding.

mod cells;
mod column;
mod decimal;
mod plan;
mod push;
#[cfg(test)]
mod work_tests;

use std::convert::Infallible;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, StructArray};
use arrow_buffer::NullBuffer;
use arrow_schema::ArrowError;

use self::column::Column;
use self::plan::{EventName, Properties};
pub use self::plan::{NAMEABLE, NAMEABLE_OF_UPDATES, Plan, PlanError};
use super::{Sink, Source};

/// The events of a record batch.
pub struct ArrowEvents {
    rows: usize,
    /// Rows that are null as a whole, which only a stream of structs can have.
    nulls: Option<NullBuffer>,
    name: Name,
    properties: Column,
}

enum Name {
    Constant(Arc<str>),
    Column(Column),
    /// A row is an update: the properties are its members.
    None,
}

/// One event: a row of a record batch.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    events: &'a ArrowEvents,
    row: usize,
}

impl ArrowEvents {
    /// The events of a record batch; the plan must be of its schema.
    pub fn new(plan: &Plan, batch: &StructArray) -> ArrowEvents {
        let column = |at: usize| Column::new(&batch.fields()[at], batch.column(at));
        let name = match &plan.event {
            EventName::Constant(name) => Name::Constant(Arc::clone(name)),
            EventName::Column(at) => Name::Column(column(*at)),
            EventName::None => Name::None,
        };
        let properties = match plan.properties {
            Properties::Columns => Column::object(plan.members.iter().map(|(name, at)| (name.clone(), column(*at)))),
            Properties::StructAt(at) => {
                let inside = batch.column(at).as_struct();
                let member = |at: usize| Column::new(&inside.fields()[at], inside.column(at));
                let members = plan.members.iter().map(|(name, at)| (name.clone(), member(*at)));
                Column::object(members).with_nulls(inside.nulls().cloned())
            }
        };
        ArrowEvents { rows: batch.len(), nulls: batch.nulls().cloned(), name, properties }
    }

    /// The number of events.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there are no events.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The event at a position of the record batch.
    pub fn row(&self, row: usize) -> Row<'_> {
        Row { events: self, row }
    }
}

impl Source for Row<'_> {
    type Interrupted = Infallible;

    #[inline]
    fn walk<S: Sink>(&self, sink: &mut S) -> Result<(), Infallible> {
        let Row { events, row } = *self;
        if events.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            sink.null();
        } else if matches!(events.name, Name::None) {
            events.properties.push(row, sink);
        } else if sink.begin_object() {
            match &events.name {
                Name::None => {}
                Name::Constant(name) => {
                    sink.key("event");
                    sink.text(name);
                }
                Name::Column(column) => column.push_member("event", row, sink),
            }
            events.properties.push_member("properties", row, sink);
            sink.end_object();
        }
        Ok(())
    }
}

/// The events of a stream of record batches. One record batch is in memory at a time.
pub struct ArrowRows<I> {
    batches: I,
    plan: Plan,
    events: Option<ArrowEvents>,
    next: usize,
}

impl<I: Iterator<Item = Result<ArrayRef, ArrowError>>> ArrowRows<I> {
    /// The events of record batches (as struct arrays); the plan must be of their schema.
    pub fn new(plan: Plan, batches: I) -> ArrowRows<I> {
        ArrowRows { batches, plan, events: None, next: 0 }
    }

    /// The next event; None at the end. After an error, which is the stream's, nothing can be read.
    pub fn next_row(&mut self) -> Option<Result<Row<'_>, ArrowError>> {
        while self.events.as_ref().is_none_or(|events| self.next >= events.len()) {
            self.events = None; // before the next batch is read, so that only one is in memory
            self.next = 0;
            match self.batches.next()? {
                Ok(batch) => self.events = Some(ArrowEvents::new(&self.plan, batch.as_struct())),
                Err(error) => return Some(Err(error)),
            }
        }
        let row = self.next;
        self.next += 1;
        self.events.as_ref().map(|events| Ok(events.row(row)))
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::{Int64Array, StringArray};
    use arrow_schema::{DataType, Field, Fields};

    use super::*;
    use crate::batch::{Batcher, Format, Origin};
    use crate::rules::limits::{Endpoint, Limits};

    fn batch(times: Vec<Option<i64>>) -> ArrayRef {
        let texts = |text: &str| Arc::new(StringArray::from(vec![text; times.len()])) as ArrayRef;
        let field = |name, kind| Arc::new(Field::new(name, kind, true));
        Arc::new(StructArray::from(vec![
            (field("user", DataType::Utf8), texts("u")),
            (field("$insert_id", DataType::Utf8), texts("i")),
            (field("time", DataType::Int64), Arc::new(Int64Array::from(times.clone())) as ArrayRef),
        ]))
    }

    fn plan() -> Result<Plan, PlanError> {
        let named = [("distinct_id".to_owned(), "user".to_owned())];
        Plan::new(batch(vec![]).as_struct().fields(), Some("e"), &named)
    }

    #[test]
    fn the_rows_of_all_batches_are_events() {
        let batches =
            [vec![], vec![Some(1_700_000_000), None], vec![Some(1_700_000_001)]].map(|times| Ok(batch(times)));
        let mut rows = ArrowRows::new(plan().unwrap(), batches.into_iter());
        let mut batcher = Batcher::new(Limits::documented(), Endpoint::Import, Format::Ndjson, None);
        let mut index = 0;
        while let Some(row) = rows.next_row() {
            let Ok(_) = batcher.add(Origin { index, line: None }, &row.unwrap());
            index += 1;
        }
        let packed = batcher.finish().unwrap();
        assert_eq!(packed.indexes, [0, 2]);
        let line = |time| {
            let properties = format!(r#"{{"distinct_id":"u","$insert_id":"i","time":{time}}}"#);
            format!("{{\"event\":\"e\",\"properties\":{properties}}}\n")
        };
        assert_eq!(String::from_utf8(packed.json).unwrap(), line(1_700_000_000) + &line(1_700_000_001));
    }

    #[test]
    fn an_error_of_the_stream_follows_the_rows_before_it() {
        let failed = || ArrowError::ComputeError("gone".to_owned());
        let batches = [Ok(batch(vec![Some(1)])), Err(failed())];
        let mut rows = ArrowRows::new(plan().unwrap(), batches.into_iter());
        assert!(matches!(rows.next_row(), Some(Ok(_))));
        assert!(matches!(rows.next_row(), Some(Err(ArrowError::ComputeError(said))) if said == "gone"));
    }

    #[test]
    fn an_error_names_the_missing_column() {
        let PlanError(message) = Plan::new(&Fields::empty(), None, &[]).unwrap_err();
        assert!(message.contains("there are no columns"), "{message}");
    }
}
