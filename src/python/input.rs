//! What an encoder reads: Python objects or JSON text, until a batch is full or the input is at its end.

use pyo3::exceptions::{PyException, PyTypeError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyByteArray, PyBytes, PyDict, PyIterator, PyList, PyMemoryView, PySlice, PyString};

use super::arrow::ArrowInput;
use super::encoder::{Encoder, Workspace};
use crate::batch::{Added, Origin};
use crate::source::json::{JsonReader, Next, Window};

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

/// How far a call of [`Input::fill`] came.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Filled {
    /// A batch is full.
    Batch,
    /// Enough was found for it to be handed over.
    Findings,
    /// There are no more events.
    Input,
}

/// Findings are handed over at the latest when there are so many, so that input that is all bad takes no more memory.
pub const HANDED_OVER: usize = 1000;

/// Bytes of text that are copied from a buffer at a time.
const WINDOW: usize = 1 << 20;

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

/// Whether it is bytes or text of any kind, rather than an iterable of events.
fn is_text(data: &Bound<'_, PyAny>) -> bool {
    data.is_instance_of::<PyBytes>()
        || data.is_instance_of::<PyString>()
        || data.is_instance_of::<PyByteArray>()
        || data.is_instance_of::<PyMemoryView>()
        || is_mmap(data).unwrap_or(false)
}

fn is_mmap(data: &Bound<'_, PyAny>) -> PyResult<bool> {
    let py = data.py();
    data.is_instance(&py.import("mmap")?.getattr("mmap")?)
}

fn fill_from_objects<'py>(
    events: impl Iterator<Item = PyResult<Bound<'py, PyAny>>>,
    encoder: &Encoder,
    workspace: &mut Workspace,
    index: &mut usize,
    found: &mut Vec<Added>,
) -> PyResult<Filled> {
    for event in events {
        let event = event?;
        let origin = Origin { index: *index, line: None };
        *index += 1;
        encoder.add(workspace, origin, &event, found)?;
        if workspace.is_full() {
            return Ok(Filled::Batch);
        }
        if found.len() >= HANDED_OVER {
            return Ok(Filled::Findings);
        }
    }
    Ok(Filled::Input)
}

/// A JSON text that is read event by event.
pub struct JsonInput {
    reader: JsonReader,
    text: Text,
}

enum Text {
    /// Bytes that never change, read where they lie.
    Whole(PyBackedBytes),
    /// Bytes that may change or be a file: copied window by window.
    Windows { view: Py<PyMemoryView>, size: usize, copied: usize, window: Vec<u8> },
}

impl Text {
    fn of(data: &Bound<'_, PyAny>) -> PyResult<Text> {
        if data.is_instance_of::<PyString>() {
            // A lone surrogate has no UTF-8; as an escape it is what JSON makes of it.
            let bytes = data.call_method1("encode", ("utf-8", "backslashreplace"))?;
            return Ok(Text::Whole(bytes.extract()?));
        }
        if data.is_instance_of::<PyBytes>() {
            return Ok(Text::Whole(data.extract()?));
        }
        let view = PyMemoryView::from(data)?.call_method1("cast", ("B",))?.cast_into::<PyMemoryView>()?;
        let size = view.len()?;
        Ok(Text::Windows { view: view.unbind(), size, copied: 0, window: Vec::new() })
    }

    /// The bytes that are at hand, and whether they are the last.
    fn window(&self) -> (&[u8], bool) {
        match self {
            Text::Whole(bytes) => (bytes, true),
            Text::Windows { size, copied, window, .. } => (window, copied == size),
        }
    }

    /// Drops bytes that are done with and copies more: as many as are left at least, since an event may be longer.
    fn copy_more(&mut self, py: Python<'_>, done: usize) -> PyResult<()> {
        let Text::Windows { view, size, copied, window } = self else { return Ok(()) };
        window.drain(..done);
        let end = (*size).min(*copied + WINDOW.max(window.len()));
        let more = view.bind(py).get_item(PySlice::new(py, *copied as isize, end as isize, 1))?;
        window.extend_from_slice(&more.call_method0("tobytes")?.extract::<PyBackedBytes>()?);
        *copied = end;
        Ok(())
    }
}

impl JsonInput {
    fn fill(
        &mut self,
        py: Python<'_>,
        encoder: &Encoder,
        workspace: &mut Workspace,
        index: &mut usize,
        found: &mut Vec<Added>,
    ) -> PyResult<Filled> {
        loop {
            if workspace.is_empty() {
                encoder.set_clock(py, workspace)?;
            }
            let (window, is_last) = self.text.window();
            let reader = &mut self.reader;
            let filled = py.detach(|| fill_from_window(reader, window, is_last, workspace, index, found));
            if let Some(filled) = filled {
                return Ok(filled);
            }
            let done = self.reader.release(self.text.window().0);
            self.text.copy_more(py, done)?;
        }
    }
}

/// Adds the events of a window. None: more of the text is needed.
fn fill_from_window(
    reader: &mut JsonReader,
    window: &[u8],
    is_last: bool,
    workspace: &mut Workspace,
    index: &mut usize,
    found: &mut Vec<Added>,
) -> Option<Filled> {
    let mut window = Window::new(window, is_last);
    loop {
        let next = reader
            .next(&mut window, |event, line| workspace.batcher.add(Origin { index: *index, line: Some(line) }, event));
        match next {
            Next::Event(added) => {
                if !matches!(added, Added::Plain) {
                    found.push(added);
                }
            }
            Next::Broken(broken) => found.push(Added::Rejected(broken.found(*index))),
            Next::MoreText => return None,
            Next::End => return Some(Filled::Input),
        }
        *index += 1;
        if workspace.is_full() {
            return Some(Filled::Batch);
        }
        if found.len() >= HANDED_OVER {
            return Some(Filled::Findings);
        }
    }
}

/// Whether an exception is one that code handles, and not one that ends a program: that is not held back.
pub fn can_wait(py: Python<'_>, error: &PyErr) -> bool {
    error.is_instance_of::<PyException>(py)
}
