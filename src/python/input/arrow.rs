//! Arrow tables from Python, by the Arrow PyCapsule interface: no Python object is made of a cell, and the interpreter is
//! let go while rows are read.

use std::ffi::CStr;
use std::ptr::NonNull;

use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi};
use arrow_array::ffi_stream::{ArrayStreamReader, FFI_ArrowArrayStream};
use arrow_array::{ArrayReader, ArrayRef, make_array};
use arrow_schema::{ArrowError, DataType};
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyMapping};

use super::fill::{Filled, HANDED_OVER};
use crate::batch::Added;
use crate::python::encoder::Encoder;
use crate::python::engine::Workspace;
use crate::rules::finding::Origin;
use crate::source::arrow::{ArrowRows, Plan};

type Batches = Box<dyn Iterator<Item = Result<ArrayRef, ArrowError>> + Send>;

/// Levels of a type that are read, far more than an event may have: reading recurses, and the stack is finite.
const MAX_TYPE_LEVELS: usize = 200;

/// The rows of an Arrow stream, on their way into batches.
pub struct ArrowInput {
    rows: ArrowRows<Batches>,
}

impl ArrowInput {
    /// Whether something gives Arrow data.
    pub fn takes(source: &Bound<'_, PyAny>) -> PyResult<bool> {
        Ok(source.hasattr("__arrow_c_stream__")? || source.hasattr("__arrow_c_array__")?)
    }

    /// Opens whatever gives Arrow data. `event`: the name of every event. `columns`: a mapping of what an event needs to
    /// the name of the column that has it.
    pub fn open(
        source: &Bound<'_, PyAny>,
        event: Option<&Bound<'_, PyAny>>,
        columns: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<ArrowInput> {
        let event = event.map(event_name).transpose()?;
        let named = columns.map_or_else(|| Ok(Vec::new()), named_columns)?;
        let (kind, batches) = import(source)?;
        let DataType::Struct(fields) = kind else {
            return Err(PyTypeError::new_err(format!(
                "the source must be a table, and this {} has values of the Arrow type {kind}",
                name_of(source)
            )));
        };
        let plan = Plan::new(&fields, event.as_deref(), &named).map_err(|error| PyValueError::new_err(error.0))?;
        Ok(ArrowInput { rows: ArrowRows::new(plan, batches) })
    }

    /// Adds rows until a batch is full, much is to be reported, or there are no more. The interpreter is let go meanwhile.
    pub fn fill(
        &mut self,
        py: Python<'_>,
        encoder: &Encoder,
        workspace: &mut Workspace,
        index: &mut usize,
        found: &mut Vec<Added>,
    ) -> PyResult<Filled> {
        if workspace.is_empty() {
            encoder.set_clock(py, workspace)?;
        }
        let rows = &mut self.rows;
        py.detach(|| fill_from_rows(rows, workspace, index, found)).map_err(|error| stream_failed(&error, *index))
    }
}

fn fill_from_rows(
    rows: &mut ArrowRows<Batches>,
    workspace: &mut Workspace,
    index: &mut usize,
    found: &mut Vec<Added>,
) -> Result<Filled, ArrowError> {
    while let Some(row) = rows.next_row() {
        let Ok(added) = workspace.batcher.add(Origin { index: *index, line: None }, &row?);
        *index += 1;
        if !matches!(added, Added::Plain) {
            found.push(added);
        }
        if workspace.is_full() {
            return Ok(Filled::Batch);
        }
        if found.len() >= HANDED_OVER {
            return Ok(Filled::Findings);
        }
    }
    Ok(Filled::Input)
}

fn event_name(event: &Bound<'_, PyAny>) -> PyResult<String> {
    event.extract().map_err(|_| {
        let shown = event.repr().map_or_else(|_| name_of(event), |repr| repr.to_string());
        PyTypeError::new_err(format!("event must be text, the name of every event, and is {shown}"))
    })
}

/// The pairs of a mapping of texts to texts.
fn named_columns(columns: &Bound<'_, PyAny>) -> PyResult<Vec<(String, String)>> {
    let pairs = columns.cast::<PyMapping>().ok().map(|mapping| mapping.items()?.extract::<Vec<(String, String)>>());
    pairs.and_then(Result::ok).ok_or_else(|| {
        let shown = columns.repr().map_or_else(|_| name_of(columns), |repr| repr.to_string());
        PyTypeError::new_err(format!("columns must be a dict of names, as in {{\"time\": \"ts\"}}, and is {shown}"))
    })
}

fn name_of(value: &Bound<'_, PyAny>) -> String {
    value.get_type().name().map_or_else(|_| "object".to_owned(), |name| name.to_string())
}

/// The type of a source's rows, and its record batches.
fn import(source: &Bound<'_, PyAny>) -> PyResult<(DataType, Batches)> {
    let py = source.py();
    if let Some(method) = source.getattr_opt("__arrow_c_stream__")? {
        let stream = take(&method.call0()?, c"arrow_array_stream", FFI_ArrowArrayStream::from_raw)?;
        let reader = py.detach(|| open_stream(stream)).map_err(|error| stream_failed(&error, 0))?;
        return Ok((reader.field().data_type().clone(), Box::new(reader)));
    }
    if let Some(method) = source.getattr_opt("__arrow_c_array__")? {
        let (schema, array) = method.call0()?.extract()?;
        let array = take_array(&schema, &array)?;
        return Ok((array.data_type().clone(), Box::new(std::iter::once(Ok(array)))));
    }
    Err(PyTypeError::new_err(format!(
        "the source must give Arrow data by __arrow_c_stream__, as a pyarrow Table or RecordBatchReader, a Polars or pandas \
         DataFrame and a DuckDB relation do, and a {} does not; encode() takes dicts",
        name_of(source)
    )))
}

/// A reader of a stream whose types are not nested so deep that reading them would overflow the stack.
fn open_stream(mut stream: FFI_ArrowArrayStream) -> Result<ArrayStreamReader, ArrowError> {
    let mut schema = FFI_ArrowSchema::empty();
    if let (Some(_), Some(get_schema)) = (stream.release(), stream.get_schema()) {
        // SAFETY: the callback is that of the stream, which is not released, and fills in a schema that is empty.
        let status = unsafe { get_schema(&raw mut stream, &raw mut schema) };
        if status == 0 {
            check_levels(&schema)?;
        }
    }
    ArrayStreamReader::try_new(stream)
}

fn check_levels(schema: &FFI_ArrowSchema) -> Result<(), ArrowError> {
    let mut open = vec![(schema, 0)];
    while let Some((schema, level)) = open.pop() {
        if level > MAX_TYPE_LEVELS {
            let message = format!("a column's type has more than {MAX_TYPE_LEVELS} levels: flatten it, or drop it");
            return Err(ArrowError::SchemaError(message));
        }
        open.extend(schema.children().chain(schema.dictionary()).map(|inside| (inside, level + 1)));
    }
    Ok(())
}

fn take_array(schema: &Bound<'_, PyAny>, array: &Bound<'_, PyAny>) -> PyResult<ArrayRef> {
    let schema = take(schema, c"arrow_schema", FFI_ArrowSchema::from_raw)?;
    let array = take(array, c"arrow_array", FFI_ArrowArray::from_raw)?;
    check_levels(&schema).map_err(|error| stream_failed(&error, 0))?;
    // SAFETY: by the interface the two describe one array, and all buffers are as the schema says.
    let data = unsafe { from_ffi(array, &schema) };
    data.map(make_array).map_err(|error| stream_failed(&error, 0))
}

/// Moves out what a capsule of that name points to, as the interface asks of a consumer: nothing is left to be released.
fn take<T>(capsule: &Bound<'_, PyAny>, name: &CStr, take: unsafe fn(*mut T) -> T) -> PyResult<T> {
    let pointer: NonNull<T> = capsule.cast::<PyCapsule>()?.pointer_checked(Some(name))?.cast();
    // SAFETY: by the interface a capsule of this name points to a valid struct of this type, which the capsule owns and
    // no Python code has run that could have freed it.
    Ok(unsafe { take(pointer.as_ptr()) })
}

/// What the producer said; or, of data that can't be read, what is wrong with it.
fn stream_failed(error: &ArrowError, rows: usize) -> PyErr {
    if let ArrowError::SchemaError(message) = error {
        return PyValueError::new_err(message.clone());
    }
    let error = error.to_string();
    let said = error.split_once("Producer error: ").map_or(error.as_str(), |(_, said)| said);
    PyRuntimeError::new_err(format!("the Arrow source failed after {rows} rows: {said}"))
}
