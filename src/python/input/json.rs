//! Input of JSON text.

use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyByteArray, PyBytes, PyMemoryView, PySlice, PyString};

use super::fill::{Filled, HANDED_OVER};
use crate::batch::Added;
use crate::python::encoder::Encoder;
use crate::python::engine::Workspace;
use crate::rules::finding::Origin;
use crate::source::json::{JsonReader, Next, Window};

/// Bytes of text that are copied from a buffer at a time.
const WINDOW: usize = 1 << 20;

/// A JSON text that is read event by event.
pub struct JsonInput {
    pub(super) reader: JsonReader,
    pub(super) text: Text,
}

pub enum Text {
    /// Bytes that never change, read where they lie.
    Whole(PyBackedBytes),
    /// Bytes that may change or be a file: copied window by window.
    Windows { view: Py<PyMemoryView>, size: usize, copied: usize, window: Vec<u8> },
}

impl Text {
    pub fn of(data: &Bound<'_, PyAny>) -> PyResult<Text> {
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
    pub fn fill(
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

/// Whether it is bytes or text of any kind, rather than an iterable of events.
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
