//! Checks of Arrow data from a producer, before the arrays are made of it: a wrong one is an ordinary error.

use std::any::Any;
use std::ffi::{CStr, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use arrow_buffer::ArrowNativeType;
use arrow_data::ArrayData;
use arrow_schema::{ArrowError, DataType};

/// The most levels of a type that are read, far more than an event may have: reading recurses, and the stack is finite.
const MAX_TYPE_LEVELS: usize = 200;

/// The most rows of an array, offset included, so that no length of a buffer overflows.
const MAX_ROWS: i64 = 1 << 40;

/// The start of a schema, by the C data interface.
#[repr(C)]
struct SchemaStart {
    format: *const c_char,
    name: *const c_char,
}

/// The start of an array, by the C data interface.
#[repr(C)]
struct ArrayStart {
    length: i64,
    null_count: i64,
    offset: i64,
    n_buffers: i64,
    n_children: i64,
    buffers: *const *const u8,
    children: *mut *mut FFI_ArrowArray,
    dictionary: *mut FFI_ArrowArray,
}

/// Checks that types are not nested deep enough to overflow the stack, and that names are UTF-8.
pub(super) fn check_schema(schema: &FFI_ArrowSchema) -> Result<(), ArrowError> {
    let mut open = vec![(schema, 0)];
    while let Some((schema, level)) = open.pop() {
        if level > MAX_TYPE_LEVELS {
            let message = format!("a column's type has more than {MAX_TYPE_LEVELS} levels: flatten it, or drop it");
            return Err(ArrowError::SchemaError(message));
        }
        // SAFETY: a schema starts with these two pointers, by the C data interface.
        let SchemaStart { format, name } = unsafe { (&raw const *schema).cast::<SchemaStart>().read() };
        for (what, text) in [("format", format), ("name", name)] {
            // SAFETY: by the interface each is null or a C string that lives as long as the schema.
            let text = (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_bytes());
            if let Some(Err(_)) = text.map(std::str::from_utf8) {
                let shown = String::from_utf8_lossy(text.unwrap_or_default()).into_owned();
                let message = format!("a column's {what} is not UTF-8: {shown:?}; rename the column");
                return Err(ArrowError::SchemaError(message));
            }
        }
        open.extend(schema.children().chain(schema.dictionary()).map(|inside| (inside, level + 1)));
    }
    Ok(())
}

/// The error that names the first column whose type is not Arrow's, as a producer's own 128-bit integers are not.
pub(super) fn unknown_type(schema: &FFI_ArrowSchema) -> Option<ArrowError> {
    let is_unknown = |schema: &&FFI_ArrowSchema| DataType::try_from(*schema).is_err();
    let column = schema.children().find(is_unknown)?;
    let mut inside = column;
    while let Some(unknown) = inside.children().chain(inside.dictionary()).find(is_unknown) {
        inside = unknown;
    }
    Some(ArrowError::CDataInterface(format!(
        "the column {:?} has values of the type {:?}, which is not one of Arrow's or not yet read: cast the column to a \
         64-bit integer, a decimal or text, or drop it",
        column.name().unwrap_or_default(),
        inside.format()
    )))
}

/// Checks the structure of an array against its type. An array of nulls has no buffers afterwards: some producers give it a
/// bitmap, which the reading would refuse.
pub(super) fn check_structure(array: &mut FFI_ArrowArray, kind: &DataType) -> Result<(), ArrowError> {
    let start = (&raw mut *array).cast::<ArrayStart>();
    // SAFETY: an array starts with these fields, by the C data interface, and nothing else uses it.
    let start = unsafe { &mut *start };
    if *kind == DataType::Null {
        start.n_buffers = 0;
    }
    let is_possible = start.length >= 0
        && start.offset >= 0
        && start.length.saturating_add(start.offset) < MAX_ROWS
        && (-1..=start.length).contains(&start.null_count)
        && (start.n_buffers == 0 || (start.n_buffers > 0 && !start.buffers.is_null()))
        && (start.n_children == 0 || (start.n_children > 0 && !start.children.is_null()));
    let inside: Vec<&DataType> = match kind {
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::FixedSizeList(field, _)
        | DataType::ListView(field)
        | DataType::LargeListView(field)
        | DataType::Map(field, _) => vec![field.data_type()],
        DataType::Struct(fields) => fields.iter().map(|field| field.data_type()).collect(),
        DataType::Union(fields, _) => fields.iter().map(|(_, field)| field.data_type()).collect(),
        DataType::RunEndEncoded(ends, values) => vec![ends.data_type(), values.data_type()],
        _ => Vec::new(),
    };
    if !is_possible || start.n_children as usize != inside.len() {
        return Err(invalid("its length, offset, buffers or children do not fit its type"));
    }
    for (at, kind) in inside.iter().enumerate() {
        // SAFETY: `children` has `n_children` pointers, each null or to an array that belongs to this one.
        let child = unsafe { (*start.children.add(at)).as_mut() };
        check_structure(child.ok_or_else(|| invalid("a child is missing"))?, kind)?;
    }
    if let DataType::Dictionary(_, values) = kind {
        // SAFETY: null, or an array that belongs to this one.
        let dictionary = unsafe { start.dictionary.as_mut() };
        check_structure(dictionary.ok_or_else(|| invalid("the dictionary is missing"))?, values)?;
    }
    Ok(())
}

/// Checks the values of a table, column by column: offsets, positions in dictionaries, and counts of nulls. The length of a
/// buffer is not known to a consumer.
pub(super) fn check_table(table: &ArrayData) -> Result<(), ArrowError> {
    let DataType::Struct(fields) = table.data_type() else { return check_values(table) };
    for (field, column) in fields.iter().zip(table.child_data()) {
        check_values(column).map_err(|error| named(field.name(), &error))?;
    }
    check_own_values(table)
}

/// An error with the name of its column.
pub(super) fn named(column: &str, error: &ArrowError) -> ArrowError {
    let error = error.to_string();
    let reason = error.split_once(": ").map_or(error.as_str(), |(_, reason)| reason);
    ArrowError::CDataInterface(format!("the column {column:?} is not valid Arrow data: {reason}"))
}

fn check_values(data: &ArrayData) -> Result<(), ArrowError> {
    data.child_data().iter().try_for_each(check_values)?;
    check_own_values(data)
}

fn check_own_values(data: &ArrayData) -> Result<(), ArrowError> {
    data.validate()?;
    if data.nulls().is_some_and(|nulls| nulls.len() - nulls.inner().count_set_bits() != nulls.null_count()) {
        return Err(invalid("the count of nulls is wrong"));
    }
    if has_rising_offsets(data) {
        return Ok(());
    }
    // Texts need not be UTF-8: other bytes are repaired, with a finding.
    let binary = match data.data_type() {
        DataType::Utf8 => DataType::Binary,
        DataType::LargeUtf8 => DataType::LargeBinary,
        DataType::Utf8View => DataType::BinaryView,
        _ => return data.validate_values(),
    };
    data.clone().into_builder().data_type(binary).build().map(drop)
}

/// Whether the data has offsets, all of them right: `validate` has compared the first and the last with the values' length,
/// so the others are within it if none is less than the one before. Arrow's own check takes ten times as long.
fn has_rising_offsets(data: &ArrayData) -> bool {
    match data.data_type() {
        DataType::Utf8 | DataType::Binary | DataType::List(_) | DataType::Map(..) => rise::<i32>(data),
        DataType::LargeUtf8 | DataType::LargeBinary | DataType::LargeList(_) => rise::<i64>(data),
        _ => false,
    }
}

fn rise<Offset: ArrowNativeType>(data: &ArrayData) -> bool {
    let offsets = data.buffers()[0].typed_data::<Offset>();
    let Some(offsets) = offsets.get(data.offset()..=data.offset() + data.len()) else { return false };
    // The loop has no exit, so it is vectorised.
    offsets.iter().zip(&offsets[1..]).fold(true, |rise, (from, to)| rise & (from <= to))
}

fn invalid(reason: &str) -> ArrowError {
    ArrowError::CDataInterface(reason.to_owned())
}

/// Calls code of Arrow that panics at data which the checks do not know.
pub(super) fn without_panic<T>(read: impl FnOnce() -> Result<T, ArrowError>) -> Result<T, ArrowError> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|panic: Box<dyn Any + Send>| {
        let reason = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref().copied());
        Err(invalid(&format!("it is not valid Arrow data: {}", reason.unwrap_or("it cannot be read"))))
    })
}
