//! An Arrow array whose type was matched once.

use arrow_array::cast::AsArray;
use arrow_array::types::{Int16Type, Int32Type, Int64Type, RunEndIndexType, UInt64Type};
use arrow_array::{Array, ArrayRef, FixedSizeBinaryArray, MapArray};
use arrow_buffer::{BooleanBuffer, NullBuffer, RunEndBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field, FieldRef};

use super::cells::{Floats, Integers, Moments, Spans, Texts, elements_of};
use super::decimal::Decimals;
use crate::rules::limits::MAX_LEVELS;

/// An array whose type was matched once, so that its cells can be pushed into a sink.
pub(super) struct Column {
    pub(super) nulls: Option<NullBuffer>,
    pub(super) cells: Cells,
}

/// The cells of an array, by the way to read them.
pub(super) enum Cells {
    Null,
    Boolean(BooleanBuffer),
    Integers(Integers),
    UInt64(ScalarBuffer<u64>),
    Floats(Floats),
    Decimals(Decimals),
    Moments(Moments),
    Texts(Texts),
    Uuids(FixedSizeBinaryArray),
    Lists {
        spans: Spans,
        elements: Box<Column>,
    },
    Object {
        members: Vec<(String, Column)>,
        names_may_repeat: bool,
    },
    Maps {
        spans: Spans,
        names: Box<Column>,
        values: Box<Column>,
    },
    /// A dictionary, or runs: each row has the position of its value.
    Indirect {
        positions: Positions,
        values: Box<Column>,
    },
    /// Values that JSON has no form for, with the message that describes them.
    Unsupported(String),
}

/// The positions of each row's value.
pub(super) enum Positions {
    Keys(Vec<usize>),
    // Searched for at each row: a list for each row would take memory for runs that take none.
    Runs16(RunEndBuffer<i16>),
    Runs32(RunEndBuffer<i32>),
    Runs64(RunEndBuffer<i64>),
}

impl Positions {
    #[inline]
    pub(super) fn at(&self, row: usize) -> usize {
        match self {
            Positions::Keys(keys) => keys[row],
            Positions::Runs16(runs) => runs.get_physical_index(row),
            Positions::Runs32(runs) => runs.get_physical_index(row),
            Positions::Runs64(runs) => runs.get_physical_index(row),
        }
    }
}

impl Column {
    /// The column of an array; its field has the extension type.
    pub(super) fn new(field: &Field, array: &ArrayRef) -> Column {
        // The sink walks no more levels than that.
        Column::within(field, array, MAX_LEVELS + 2)
    }

    /// A column of objects, with a column for each member.
    pub(super) fn object(members: impl Iterator<Item = (String, Column)>) -> Column {
        let members: Vec<_> = members.collect();
        let mut names = std::collections::HashSet::with_capacity(members.len());
        let names_may_repeat = !members.iter().all(|(name, _)| names.insert(name.as_str()));
        Column { nulls: None, cells: Cells::Object { members, names_may_repeat } }
    }

    /// The column with some rows null.
    pub(super) fn with_nulls(self, nulls: Option<NullBuffer>) -> Column {
        Column { nulls, ..self }
    }

    fn within(field: &Field, array: &ArrayRef, levels: usize) -> Column {
        let nulls =
            if let DataType::Union(..) = array.data_type() { array.logical_nulls() } else { array.nulls().cloned() };
        Column { nulls, cells: Cells::of(field, array, levels) }
    }
}

impl Cells {
    fn of(field: &Field, array: &ArrayRef, levels: usize) -> Cells {
        let Some(levels) = levels.checked_sub(1) else {
            return Cells::Unsupported("a value of too many levels".to_owned());
        };
        None.or_else(|| Integers::of(array).map(Cells::Integers))
            .or_else(|| Floats::of(array).map(Cells::Floats))
            .or_else(|| Decimals::of(array).map(Cells::Decimals))
            .or_else(|| Moments::of(array).map(Cells::Moments))
            .or_else(|| Texts::of(array).map(Cells::Texts))
            .or_else(|| Cells::nested(array, levels))
            .or_else(|| Cells::indirect(field, array, levels))
            .unwrap_or_else(|| match array.data_type() {
                DataType::Null => Cells::Null,
                DataType::Boolean => Cells::Boolean(array.as_boolean().values().clone()),
                DataType::UInt64 => Cells::UInt64(array.as_primitive::<UInt64Type>().values().clone()),
                DataType::FixedSizeBinary(16) if is_extension(field, "arrow.uuid") => {
                    Cells::Uuids(array.as_fixed_size_binary().clone())
                }
                other => Cells::Unsupported(unsupported(other)),
            })
    }

    fn nested(array: &ArrayRef, levels: usize) -> Option<Cells> {
        match array.data_type() {
            DataType::List(field)
            | DataType::LargeList(field)
            | DataType::FixedSizeList(field, _)
            | DataType::ListView(field)
            | DataType::LargeListView(field) => {
                let (spans, elements) = Spans::of(array)?;
                Some(Cells::Lists { spans, elements: Box::new(Column::within(field, &elements, levels)) })
            }
            DataType::Struct(fields) => {
                let columns = fields.iter().zip(array.as_struct().columns());
                let member =
                    |(field, column): (&FieldRef, _)| (field.name().clone(), Column::within(field, column, levels));
                Some(Column::object(columns.map(member)).cells)
            }
            DataType::Map(..) => Some(Cells::maps(array.as_map(), levels)),
            _ => None,
        }
    }

    fn maps(map: &MapArray, levels: usize) -> Cells {
        let column = |at: usize| {
            let elements = elements_of(map.offsets(), map.entries().column(at));
            Box::new(Column::within(&map.entries().fields()[at], &elements, levels))
        };
        Cells::Maps { spans: Spans::Offsets(map.offsets().clone()), names: column(0), values: column(1) }
    }

    /// The cells of a dictionary, or of runs.
    fn indirect(field: &Field, array: &ArrayRef, levels: usize) -> Option<Cells> {
        let (field, positions, values) = match array.data_type() {
            DataType::Dictionary(..) => {
                let dictionary = array.as_any_dictionary();
                if dictionary.values().is_empty() {
                    return Some(Cells::Null); // every row is null
                }
                (field, Positions::Keys(dictionary.normalized_keys()), dictionary.values())
            }
            DataType::RunEndEncoded(ends, field) => {
                let (positions, values) = match ends.data_type() {
                    DataType::Int16 => runs::<Int16Type>(array, Positions::Runs16),
                    DataType::Int32 => runs::<Int32Type>(array, Positions::Runs32),
                    _ => runs::<Int64Type>(array, Positions::Runs64),
                };
                (field.as_ref(), positions, values)
            }
            _ => return None,
        };
        // Of a large dictionary that many batches share, only the values of this batch are validated.
        let few = if values.len() > array.len() { Texts::one_by_one(values) } else { None };
        let values = match few {
            Some(texts) => Column { nulls: values.nulls().cloned(), cells: Cells::Texts(texts) },
            None => Column::within(field, values, levels),
        };
        Some(Cells::Indirect { positions, values: Box::new(values) })
    }
}

fn runs<T: RunEndIndexType>(
    array: &ArrayRef,
    positions: impl Fn(RunEndBuffer<T::Native>) -> Positions,
) -> (Positions, &ArrayRef) {
    let runs = array.as_run::<T>();
    (positions(runs.run_ends().clone()), runs.values())
}

fn unsupported(kind: &DataType) -> String {
    let what = match kind {
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => "a binary",
        DataType::Time32(_) | DataType::Time64(_) => "a time",
        DataType::Duration(_) => "a duration",
        DataType::Interval(_) => "an interval",
        DataType::Union(..) => "a union",
        _ => "an unknown",
    };
    format!("{what} column value, which JSON has no form for: cast the column to text or to a number, or drop it")
}

/// Whether the field has the extension type with this name.
fn is_extension(field: &Field, name: &str) -> bool {
    field.metadata().get("ARROW:extension:name").is_some_and(|found| found == name)
}
