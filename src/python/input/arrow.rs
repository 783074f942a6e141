//! Input of Arrow record batches, by the Arrow PyCapsule interface. No cell becomes a Python object, and the interpreter
//! is detached while rows are read.

use std::ffi::CStr;
use std::ptr::NonNull;

use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi_and_data_type};
use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_array::{ArrayRef, make_array};
use arrow_schema::{ArrowError, DataType};
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyMapping};

use super::arrow_check::{check_schema, check_structure, check_table, unknown_type, without_panic};
use super::fill::{Filled, Filling, Step};
use crate::python::engine::Engine;
use crate::python::words::with_article;
use crate::rules::limits::Endpoint;
use crate::source::arrow::{ArrowRows, Plan};

type Batches = Box<dyn Iterator<Item = Result<ArrayRef, ArrowError>> + Send>;

/// The rows of an Arrow stream.
pub struct ArrowInput {
    rows: ArrowRows<Batches>,
}

impl ArrowInput {
    /// Whether an object gives Arrow data.
    pub fn takes(source: &Bound<'_, PyAny>) -> PyResult<bool> {
        Ok(source.hasattr("__arrow_c_stream__")? || source.hasattr("__arrow_c_array__")?)
    }

    /// Opens an object that gives Arrow data. `event`: the name of every event. `columns`: maps the name of a member of
    /// an event or an update to the name of its column.
    pub fn open(
        source: &Bound<'_, PyAny>,
        event: Option<&Bound<'_, PyAny>>,
        columns: Option<&Bound<'_, PyAny>>,
        endpoint: Endpoint,
    ) -> PyResult<ArrowInput> {
        if endpoint.takes_updates() && event.is_some() {
            return Err(PyValueError::new_err("event needs endpoint=\"import\" or \"track\": an update has no name"));
        }
        let event = event.map(event_name).transpose()?;
        let named = columns.map_or_else(|| Ok(Vec::new()), named_columns)?;
        let (kind, batches) = import(source)?;
        let DataType::Struct(fields) = kind else {
            return Err(PyTypeError::new_err(format!(
                "the source must be a table, and this {} has values of the Arrow type {kind}",
                name_of(source)
            )));
        };
        let plan = if endpoint.takes_updates() {
            Plan::of_updates(&fields, &named)
        } else {
            Plan::new(&fields, event.as_deref(), &named)
        };
        let plan = plan.map_err(|error| PyValueError::new_err(error.0))?;
        Ok(ArrowInput { rows: ArrowRows::new(plan, batches) })
    }

    /// Adds rows until a batch is full, there is much to report, or there are no more. The interpreter is detached from
    /// this thread meanwhile.
    pub fn fill(&mut self, py: Python<'_>, engine: &Engine, filling: &mut Filling<'_>) -> PyResult<Filled> {
        if filling.workspace.is_empty() {
            engine.set_clock(py, filling.workspace)?;
        }
        let rows = &mut self.rows;
        let filled = py.detach(|| fill_from_rows(rows, filling));
        filled.map_err(|error| stream_failed(&error, *filling.index))
    }
}

fn fill_from_rows(rows: &mut ArrowRows<Batches>, filling: &mut Filling<'_>) -> Result<Filled, ArrowError> {
    let filled = filling.add_all(|filling| {
        let Some(row) = rows.next_row().transpose()? else { return Ok(Step::End) };
        let origin = filling.next_origin();
        let Ok(()) = filling.workspace.batcher.add_recording(origin, &row, filling.records);
        Ok::<_, ArrowError>(Step::Event)
    })?;
    Ok(filled.unwrap_or(Filled::Input))
}

fn event_name(event: &Bound<'_, PyAny>) -> PyResult<String> {
    event.extract().map_err(|_| {
        let shown = event.repr().map_or_else(|_| name_of(event), |repr| repr.to_string());
        PyTypeError::new_err(format!("event must be text, the name of every event, got {shown}"))
    })
}

/// The pairs of a mapping of texts to texts.
fn named_columns(columns: &Bound<'_, PyAny>) -> PyResult<Vec<(String, String)>> {
    let pairs = columns.cast::<PyMapping>().ok().map(|mapping| mapping.items()?.extract::<Vec<(String, String)>>());
    pairs.and_then(Result::ok).ok_or_else(|| {
        let shown = columns.repr().map_or_else(|_| name_of(columns), |repr| repr.to_string());
        PyTypeError::new_err(format!("columns must be a dict of names, as in {{\"time\": \"ts\"}}, got {shown}"))
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
        let stream = py.detach(|| Stream::open(stream)).map_err(|error| stream_failed(&error, 0))?;
        return Ok((stream.kind.clone(), Box::new(stream)));
    }
    if let Some(method) = source.getattr_opt("__arrow_c_array__")? {
        let (schema, array) = method.call0()?.extract()?;
        let array = take_array(&schema, &array)?;
        return Ok((array.data_type().clone(), Box::new(std::iter::once(Ok(array)))));
    }
    Err(PyTypeError::new_err(format!(
        "the source must give Arrow data by __arrow_c_stream__, as a pyarrow Table or RecordBatchReader, a Polars or pandas \
         DataFrame and a DuckDB relation do, and {} does not; encode() takes dicts",
        with_article(&name_of(source))
    )))
}

/// The record batches of a stream. After an error there are no more.
struct Stream {
    stream: FFI_ArrowArrayStream,
    kind: DataType,
    has_ended: bool,
}

impl Stream {
    fn open(mut stream: FFI_ArrowArrayStream) -> Result<Stream, ArrowError> {
        let mut schema = FFI_ArrowSchema::empty();
        let (Some(_), Some(get_schema)) = (stream.release(), stream.get_schema()) else {
            return Err(ArrowError::CDataInterface("the stream was released".to_owned()));
        };
        // SAFETY: the callback belongs to the stream, which is not released, and fills in an empty schema.
        let status = unsafe { get_schema(&raw mut stream, &raw mut schema) };
        if status != 0 {
            return Err(producer_error(&mut stream, status));
        }
        let kind = kind_of(&schema)?;
        Ok(Stream { stream, kind, has_ended: false })
    }

    fn read(&mut self) -> Result<Option<ArrayRef>, ArrowError> {
        let Some(get_next) = self.stream.get_next() else { return Ok(None) };
        let mut array = FFI_ArrowArray::empty();
        // SAFETY: the callback belongs to the stream, which is not released, and fills in an empty array.
        let status = unsafe { get_next(&raw mut self.stream, &raw mut array) };
        if status != 0 {
            return Err(producer_error(&mut self.stream, status));
        }
        if array.is_released() {
            return Ok(None); // the end of the stream
        }
        checked_array(array, &self.kind).map(Some)
    }
}

impl Iterator for Stream {
    type Item = Result<ArrayRef, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_ended {
            return None;
        }
        let next = self.read().transpose();
        self.has_ended = !matches!(next, Some(Ok(_)));
        next
    }
}

/// What a producer says about its failure.
fn producer_error(stream: &mut FFI_ArrowArrayStream, status: i32) -> ArrowError {
    let said = stream.get_last_error().and_then(|get_last_error| {
        // SAFETY: the callback belongs to the stream, which is not released and whose last call failed.
        let said = unsafe { get_last_error(&raw mut *stream) };
        // SAFETY: null, or a C string that is valid until the next call.
        (!said.is_null()).then(|| unsafe { CStr::from_ptr(said) }.to_string_lossy().into_owned())
    });
    let said = said.unwrap_or_else(|| format!("error code {status}"));
    ArrowError::CDataInterface(format!("Producer error: {said}"))
}

fn kind_of(schema: &FFI_ArrowSchema) -> Result<DataType, ArrowError> {
    without_panic(|| {
        check_schema(schema)?;
        DataType::try_from(schema).map_err(|error| unknown_type(schema).unwrap_or(error))
    })
}

/// The array of what a producer gave, if that is valid.
fn checked_array(mut array: FFI_ArrowArray, kind: &DataType) -> Result<ArrayRef, ArrowError> {
    without_panic(|| {
        check_structure(&mut array, kind)?;
        // SAFETY: by the interface the buffers fit the type; the structure was checked.
        let data = unsafe { from_ffi_and_data_type(array, kind.clone()) }?;
        check_table(&data)?;
        Ok(make_array(data))
    })
}

fn take_array(schema: &Bound<'_, PyAny>, array: &Bound<'_, PyAny>) -> PyResult<ArrayRef> {
    let schema = take(schema, c"arrow_schema", FFI_ArrowSchema::from_raw)?;
    let array = take(array, c"arrow_array", FFI_ArrowArray::from_raw)?;
    kind_of(&schema).and_then(|kind| checked_array(array, &kind)).map_err(|error| stream_failed(&error, 0))
}

/// Moves the struct out of a capsule of that name, as the interface asks of a consumer: the capsule has nothing left to
/// release.
fn take<T>(capsule: &Bound<'_, PyAny>, name: &CStr, take: unsafe fn(*mut T) -> T) -> PyResult<T> {
    let pointer: NonNull<T> = capsule.cast::<PyCapsule>()?.pointer_checked(Some(name))?.cast();
    // SAFETY: by the interface a capsule of this name points to a valid struct of this type, which the capsule owns and
    // no Python code has run that could have freed it.
    Ok(unsafe { take(pointer.as_ptr()) })
}

/// The producer's error; or the reason why its data can't be read.
fn stream_failed(error: &ArrowError, rows: usize) -> PyErr {
    if let ArrowError::SchemaError(message) = error {
        return PyValueError::new_err(message.clone());
    }
    let error = error.to_string();
    let said = error.strip_prefix("C Data interface error: ").unwrap_or(&error);
    let said = said.strip_prefix("Producer error: ").unwrap_or(said);
    PyRuntimeError::new_err(format!("the Arrow source failed after {rows} rows: {said}"))
}
