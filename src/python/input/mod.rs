//! The inputs of an encoder: Python objects, JSON text or Arrow record batches.

mod arrow;
mod arrow_check;
pub mod fill;
mod json;
mod objects;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyIterator, PyList, PyMapping};
use pyo3::{PyTraverseError, PyVisit};

use self::arrow::ArrowInput;
use self::fill::{Filled, Filling};
use self::json::{JsonInput, is_text};
use self::objects::fill_from_objects;
use super::engine::Engine;
use super::raw;
use super::words::with_article;
use crate::rules::limits::Endpoint;

fn one(name: &str) -> String {
    format!("one {name}: put it in a list, as [event]")
}

/// Where events come from.
pub enum Input {
    /// A list of Python objects, which is read faster than another iterable, and the number of objects read.
    List(Py<PyList>, usize),
    /// Any other iterable of Python objects.
    Objects(Py<PyIterator>),
    /// JSON text.
    Json(Box<JsonInput>),
    /// Arrow record batches.
    Arrow(Box<ArrowInput>),
    /// Nothing: the garbage collector took the input.
    Taken,
}

impl Input {
    /// An iterable of events. A single event, or text, is a wrong argument and not an iterable of bad events.
    pub fn objects(events: &Bound<'_, PyAny>) -> PyResult<Input> {
        if let Ok(list) = events.cast_exact::<PyList>() {
            return Ok(Input::List(list.clone().unbind(), 0)); // first: to look for Arrow's method takes half a microsecond
        }
        let hint = if events.is_instance_of::<PyDict>() {
            one("dict")
        } else if is_text(events) {
            "text: pass JSON to encode_json()".to_owned()
        } else if ArrowInput::takes(events)? {
            "Arrow data: pass it to encode_arrow()".to_owned()
        } else {
            let name = events.get_type().name()?;
            match events.try_iter() {
                _ if events.cast::<PyMapping>().is_ok() => one(&name.to_string_lossy()),
                Ok(events) => return Ok(Input::Objects(events.unbind())),
                Err(_) => with_article(&name.to_string_lossy()),
            }
        };
        Err(PyTypeError::new_err(format!("events must be an iterable of events, got {hint}")))
    }

    /// JSON text: NDJSON, an array, or objects one after another.
    pub fn json(data: &Bound<'_, PyAny>) -> PyResult<Input> {
        if !is_text(data) {
            let name = data.get_type().name()?;
            return Err(PyTypeError::new_err(format!(
                "data must be JSON text (bytes, bytearray, memoryview, str or mmap), got {}",
                with_article(&name.to_string_lossy())
            )));
        }
        Ok(Input::Json(Box::new(JsonInput::of(data)?)))
    }

    /// An object that gives Arrow record batches.
    pub fn arrow(
        source: &Bound<'_, PyAny>,
        event: Option<&Bound<'_, PyAny>>,
        columns: Option<&Bound<'_, PyAny>>,
        endpoint: Endpoint,
    ) -> PyResult<Input> {
        Ok(Input::Arrow(Box::new(ArrowInput::open(source, event, columns, endpoint)?)))
    }

    /// An input of any kind, recognised by its type.
    pub fn any(
        source: &Bound<'_, PyAny>,
        event: Option<&Bound<'_, PyAny>>,
        columns: Option<&Bound<'_, PyAny>>,
        endpoint: Endpoint,
    ) -> PyResult<Input> {
        if event.is_some() || columns.is_some() || ArrowInput::takes(source)? {
            Input::arrow(source, event, columns, endpoint)
        } else if is_text(source) {
            Input::json(source)
        } else {
            Input::objects(source)
        }
    }

    /// Visits the objects that can be part of a cycle.
    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self {
            Input::List(events, _) => visit.call(events),
            Input::Objects(events) => visit.call(events),
            Input::Json(json) => json.traverse(visit),
            Input::Arrow(_) | Input::Taken => Ok(()),
        }
    }

    /// Adds events until a batch is full, there is much to report, or there are no more.
    pub fn fill(&mut self, py: Python<'_>, engine: &Engine, filling: &mut Filling<'_>) -> PyResult<Filled> {
        match self {
            Input::List(events, read) => {
                let events = events.bind(py);
                let unread = || {
                    // An event's own code may shorten or extend the list.
                    let event = raw::element(events, *read).map(Ok);
                    *read += 1;
                    event
                };
                fill_from_objects(std::iter::from_fn(unread), engine, filling)
            }
            Input::Objects(events) => fill_from_objects(events.bind(py).clone(), engine, filling),
            Input::Json(json) => json.fill(py, engine, filling),
            Input::Arrow(rows) => rows.fill(py, engine, filling),
            Input::Taken => Ok(Filled::Input),
        }
    }
}
