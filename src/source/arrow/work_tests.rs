//! Twice the values take at most 2.5 times the steps, however they are stored.

use std::sync::Arc;

use arrow_array::builder::{ListBuilder, MapBuilder, StringBuilder};
use arrow_array::types::Int32Type;
use arrow_array::{
    Array, ArrayRef, DictionaryArray, FixedSizeListArray, Int32Array, Int64Array, ListArray, NullArray, RunArray,
    StringArray, StringViewArray, StructArray,
};
use arrow_buffer::OffsetBuffer;
use arrow_schema::Field;

use super::{ArrowRows, Plan};
use crate::batch::Origin;
use crate::encoder::work_tests::{PARTS, Way, check};
use crate::steps;

fn list_of(values: ArrayRef, offsets: Vec<i32>) -> ArrayRef {
    let field = Arc::new(Field::new_list_field(values.data_type().clone(), true));
    Arc::new(ListArray::new(field, OffsetBuffer::new(offsets.into()), values, None))
}

fn dictionary(values: ArrayRef, rows: usize) -> ArrayRef {
    let keys = Int32Array::from_iter_values((0..rows as i32).map(|row| row % values.len() as i32));
    Arc::new(DictionaryArray::<Int32Type>::new(keys, values))
}

fn map(entries: usize) -> ArrayRef {
    let mut builder = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    for entry in 0..entries {
        builder.keys().append_value(format!("{}{}", "k".repeat(300), entry / 2));
        builder.values().append_value("v");
    }
    builder.append(true).unwrap();
    Arc::new(builder.finish())
}

fn texts(n: usize, text: &str) -> ArrayRef {
    Arc::new(StringArray::from(vec![text; n]))
}

/// Columns whose rows have about `n` values in all.
fn columns(n: usize) -> Vec<(&'static str, ArrayRef)> {
    let nulls: ArrayRef = Arc::new(NullArray::new(n));
    let empty = FixedSizeListArray::try_new_with_length(
        Arc::new(Field::new_list_field(nulls.data_type().clone(), true)),
        0,
        Arc::new(NullArray::new(0)),
        None,
        n,
    );
    let empty: ArrayRef = Arc::new(empty.unwrap());
    let all = vec![0, n as i32];
    let run = RunArray::<Int32Type>::try_new(&Int32Array::from(vec![n as i32]), &Int64Array::from(vec![7]));
    let run: ArrayRef = Arc::new(run.unwrap());
    let mut many = ListBuilder::new(StringBuilder::new());
    for at in 0..n {
        many.values().append_value(format!("{}{at}", "x".repeat(300)));
        many.append(true);
    }
    let nested = (0..60).fold(nulls.clone(), |inside, _| {
        let offsets = (0..=inside.len() as i32).collect();
        list_of(inside, offsets)
    });
    let members: Vec<_> = (0..n)
        .map(|at| (Arc::new(Field::new(format!("m{}", at / 2), run.data_type().clone(), true)), run.slice(0, 1)))
        .collect();
    vec![
        ("nulls", nulls.clone()),
        ("a list of nulls", list_of(nulls, all.clone())),
        ("a list of empty lists", list_of(empty, all.clone())),
        ("a run", run.clone()),
        ("a list of a run", list_of(run, all.clone())),
        ("lists of long texts", Arc::new(many.finish())),
        ("nested lists", list_of(nested, all)),
        ("a dictionary", dictionary(texts(7, "x"), n)),
        ("a dictionary of many", dictionary(texts(n, &"x".repeat(300)), n)),
        ("a dictionary of JSON", dictionary(texts(3, &format!("[{}]", vec!["1"; 300].join(","))), n)),
        ("views", Arc::new(StringViewArray::from(vec!["a text that is not in its view"; n]))),
        ("a map whose names collide", map(n)),
        ("a struct", Arc::new(StructArray::from(members))),
    ]
}

fn steps_of(column: &ArrayRef) -> usize {
    let field = |name: &str, array: &ArrayRef| Arc::new(Field::new(name, array.data_type().clone(), true));
    let rows = column.len();
    let (ids, times) = (texts(rows, "u"), Arc::new(Int64Array::from(vec![1_700_000_000; rows])) as ArrayRef);
    let columns = [("distinct_id", &ids), ("$insert_id", &ids), ("time", &times), ("a", column)];
    let table = StructArray::from(columns.map(|(name, array)| (field(name, array), Arc::clone(array))).to_vec());
    let plan = Plan::new(table.fields(), Some("e"), &[]).unwrap();
    let mut rows = ArrowRows::new(plan, std::iter::once(Ok(Arc::new(table) as ArrayRef)));
    let mut batcher = Way { derives_ids: true, ..Way::default() }.batcher();
    steps::of(|| {
        let mut index = 0;
        while let Some(row) = rows.next_row() {
            assert!(batcher.add(Origin { index, line: None }, &row.unwrap()).is_ok());
            batcher.take_full();
            index += 1;
        }
    })
}

#[test]
fn arrow_data_takes_steps_in_proportion_to_its_values() {
    for ((input, once), (_, twice)) in columns(PARTS).iter().zip(columns(2 * PARTS)) {
        check("Arrow", input, steps_of(once), steps_of(&twice));
    }
}

/// Nulls, empty lists and a run take no memory, however many they are: of an event that is far too large the rest is
/// left out.
#[test]
fn a_list_of_what_takes_no_memory_is_left_out_beyond_the_limit_of_an_event() {
    const MANY: i32 = i32::MAX - 1;
    let nulls: ArrayRef = Arc::new(NullArray::new(MANY as usize));
    let run = RunArray::<Int32Type>::try_new(&Int32Array::from(vec![MANY]), &Int64Array::from(vec![7]));
    for inside in [nulls, Arc::new(run.unwrap()) as ArrayRef] {
        assert!(steps_of(&list_of(inside, vec![0, MANY])) < 100_000_000);
    }
}
