//! Input of JSON text.

use std::convert::Infallible;

use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyByteArray, PyBytes, PyMemoryView, PySlice, PyString};

use super::fill::{Filled, Filling, Step};
use crate::batch::{Added, Origin};
use crate::python::engine::Engine;
use crate::source::json::{JsonReader, Next, Window};

/// Bytes that are copied from a buffer at a time.
const WINDOW: usize = 1 << 20;

/// A JSON text that is read event by event.
pub struct JsonInput {
    pub(super) reader: JsonReader,
    pub(super) text: Text,
}

pub enum Text {
    /// Immutable bytes, read in place.
    Whole(PyBackedBytes),
    /// Bytes that may change, or that map a file: copied window by window.
    Windows { view: Py<PyMemoryView>, size: usize, copied: usize, window: Vec<u8> },
}

impl Text {
    pub fn of(data: &Bound<'_, PyAny>) -> PyResult<Text> {
        if data.is_instance_of::<PyString>() {
            // UTF-8 can't represent a lone surrogate. As an escape, JSON can.
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

    /// The bytes available now, and whether they are the last.
    fn window(&self) -> (&[u8], bool) {
        match self {
            Text::Whole(bytes) => (bytes, true),
            Text::Windows { size, copied, window, .. } => (window, copied == size),
        }
    }

    /// Drops the first `done` bytes and copies more: at least as many as are left, since an event may be longer.
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
    /// Adds events until a batch is full, there is much to report, or the text ends. The interpreter is detached from
    /// this thread meanwhile.
    pub fn fill(&mut self, py: Python<'_>, engine: &Engine, filling: &mut Filling<'_>) -> PyResult<Filled> {
        loop {
            if filling.workspace.is_empty() {
                engine.set_clock(py, filling.workspace)?;
            }
            let (window, is_last) = self.text.window();
            let reader = &mut self.reader;
            if let Some(filled) = py.detach(|| fill_from_window(reader, window, is_last, filling)) {
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
    filling: &mut Filling<'_>,
) -> Option<Filled> {
    let mut window = Window::new(window, is_last);
    let filled: Result<_, Infallible> = filling.add_all(|filling| {
        let (index, batcher) = (*filling.index, &mut filling.workspace.batcher);
        match reader.next(&mut window, |event, line| batcher.add(Origin { index, line: Some(line) }, event)) {
            Next::Event(added) => filling.keep(added),
            Next::Broken(broken) => filling.keep(Added::Rejected(broken.found(index))),
            Next::MoreText => return Ok(Step::MoreText),
            Next::End => return Ok(Step::End),
        }
        *filling.index += 1;
        Ok(Step::Event)
    });
    let Ok(filled) = filled;
    filled
}

/// Whether an object is bytes or text of any kind, and not an iterable of events.
pub fn is_text(data: &Bound<'_, PyAny>) -> bool {
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
