//! What an encoder reads: Python objects or JSON text, until a batch is full or the input is at its end.

mod arrow;
pub mod fill;
mod json;
mod objects;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyIterator, PyList};

use self::arrow::ArrowInput;
use self::fill::Filled;
use self::json::{JsonInput, Text, is_text};
use self::objects::fill_from_objects;
use super::encoder::Encoder;
use super::engine::Workspace;
use crate::batch::Added;
use crate::source::json::JsonReader;

/// Where events come from.
pub enum Input {
    /// A list of Python objects, which can be read faster than any other iterable, and how many were read.
    List(Py<PyList>, usize),
    /// Any other iterable of Python objects.
    Objects(Py<PyIterator>),
    /// JSON text.
    Json(Box<JsonInput>),
    /// Arrow record batches.
    Arrow(Box<ArrowInput>),
}

impl Input {
    /// An iterable of events. What is one event, or text, is an argument error and not many bad events.
    pub fn objects(events: &Bound<'_, PyAny>) -> PyResult<Input> {
        let hint = if events.is_instance_of::<PyDict>() {
            "one dict; put it in a list: [event]".to_owned()
        } else if is_text(events) {
            "text; for JSON there is encode_json()".to_owned()
        } else if ArrowInput::takes(events)? {
            "Arrow data; for that there is encode_arrow()".to_owned()
        } else {
            if let Ok(list) = events.cast_exact::<PyList>() {
                return Ok(Input::List(list.clone().unbind(), 0));
            }
            match events.try_iter() {
                Ok(events) => return Ok(Input::Objects(events.unbind())),
                Err(_) => format!("a {}", events.get_type().name()?),
            }
        };
        Err(PyTypeError::new_err(format!("events must be an iterable of events, and is {hint}")))
    }

    /// JSON text: NDJSON, an array, or objects one after another.
    pub fn json(data: &Bound<'_, PyAny>) -> PyResult<Input> {
        if !is_text(data) {
            let name = data.get_type().name()?;
            return Err(PyTypeError::new_err(format!(
                "data must be JSON text (bytes, bytearray, memoryview, str or mmap), and is a {name}"
            )));
        }
        Ok(Input::Json(Box::new(JsonInput { reader: JsonReader::new(), text: Text::of(data)? })))
    }

    /// Whatever gives Arrow record batches.
    pub fn arrow(
        source: &Bound<'_, PyAny>,
        event: Option<&Bound<'_, PyAny>>,
        columns: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Input> {
        Ok(Input::Arrow(Box::new(ArrowInput::open(source, event, columns)?)))
    }

    /// Whatever kind of source it is.
    pub fn any(
        source: &Bound<'_, PyAny>,
        event: Option<&Bound<'_, PyAny>>,
        columns: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Input> {
        if event.is_some() || columns.is_some() || ArrowInput::takes(source)? {
            Input::arrow(source, event, columns)
        } else if is_text(source) {
            Input::json(source)
        } else {
            Input::objects(source)
        }
    }

    /// Adds events until a batch is full or there are no more. `index` counts them; what was found goes to `found`.
    pub fn fill(
        &mut self,
        py: Python<'_>,
        encoder: &Encoder,
        workspace: &mut Workspace,
        index: &mut usize,
        found: &mut Vec<Added>,
    ) -> PyResult<Filled> {
        match self {
            Input::List(events, read) => {
                let events = events.bind(py);
                let unread = || {
                    // It may have become shorter or longer meanwhile.
                    let event = (*read < events.len()).then(|| events.get_item(*read));
                    *read += 1;
                    event
                };
                fill_from_objects(std::iter::from_fn(unread), encoder, workspace, index, found)
            }
            Input::Objects(events) => fill_from_objects(events.bind(py).clone(), encoder, workspace, index, found),
            Input::Json(json) => json.fill(py, encoder, workspace, index, found),
            Input::Arrow(rows) => rows.fill(py, encoder, workspace, index, found),
        }
    }
}
