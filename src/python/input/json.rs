//! Input of JSON text.

use std::convert::Infallible;

use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyByteArray, PyBytes, PyMemoryView, PySlice, PyString, PyType};
use pyo3::{PyTraverseError, PyVisit};

use super::fill::{Filled, Filling, Step};
use crate::batch::Origin;
use crate::python::engine::Engine;
use crate::python::json_part::JsonPart;
use crate::source::json::{JsonReader, Next, Window};

/// Bytes that are copied from a buffer at a time.
const WINDOW: usize = 1 << 20;

/// A JSON text that is read event by event.
pub struct JsonInput {
    reader: JsonReader,
    text: Text,
}

enum Text {
    /// Immutable bytes, read in place.
    Whole(PyBackedBytes),
    /// A part of a text, read in place.
    Part(Py<JsonPart>),
    /// Bytes that may change, or that map a file: copied window by window.
    Windows { view: Py<PyMemoryView>, size: usize, copied: usize, window: Vec<u8> },
}

impl Text {
    fn of(data: &Bound<'_, PyAny>) -> PyResult<Text> {
        if data.is_instance_of::<PyString>() {
            return Ok(Text::Whole(utf8_of(data.cast::<PyString>()?)?.into()));
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
            Text::Part(part) => (&part.get().0.text, true),
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
    pub fn of(data: &Bound<'_, PyAny>) -> PyResult<JsonInput> {
        if let Ok(part) = data.cast_exact::<JsonPart>() {
            let reader = JsonReader::of_part(&part.get().0);
            return Ok(JsonInput { reader, text: Text::Part(part.clone().unbind()) });
        }
        Ok(JsonInput { reader: JsonReader::new(), text: Text::of(data)? })
    }

    /// Visits the memory view: the object that lends it may refer to anything.
    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        match &self.text {
            Text::Whole(_) | Text::Part(_) => Ok(()),
            Text::Windows { view, .. } => visit.call(view),
        }
    }

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
        let records = &mut *filling.records;
        let next = reader
            .next(&mut window, |event, line| batcher.add_recording(Origin { index, line: Some(line) }, event, records));
        match next {
            Next::Event(()) => {}
            Next::Broken(broken) => filling.records.add_rejected(broken.found(index)),
            Next::MoreText => return Ok(Step::MoreText),
            Next::End => return Ok(Step::End),
        }
        *filling.index += 1;
        Ok(Step::Event)
    });
    let Ok(filled) = filled;
    filled
}

/// A text as UTF-8. UTF-8 can't represent a lone surrogate, and JSON can by an escape, which takes its place here.
fn utf8_of<'py>(text: &Bound<'py, PyString>) -> PyResult<Bound<'py, PyBytes>> {
    if let Ok(utf8) = text.encode_utf8() {
        return Ok(utf8);
    }
    let py = text.py();
    let encoded = py.get_type::<PyString>().call_method1("encode", (text, "utf-8", "surrogatepass"))?;
    let encoded = encoded.cast_into::<PyBytes>()?;
    Ok(PyBytes::new(py, &surrogates_escaped(encoded.as_bytes())))
}

/// Escapes the surrogates of a text, which are three bytes each, except after a backslash that starts an escape: there no
/// surrogate can be, and its bytes, which are not UTF-8, remain for the scanner to refuse.
fn surrogates_escaped(text: &[u8]) -> Vec<u8> {
    let mut escaped = Vec::with_capacity(text.len() * 2);
    for part in text.utf8_chunks() {
        escaped.extend_from_slice(part.valid().as_bytes());
        // A surrogate is three invalid parts: 0xED alone, and two continuation bytes.
        escaped.extend_from_slice(part.invalid());
        if let [before @ .., 0xED, high, low] = escaped.as_slice()
            && !part.invalid().is_empty()
            && is_continuation(*high)
            && is_continuation(*low)
            && before.iter().rev().take_while(|&&byte| byte == b'\\').count() % 2 == 0
        {
            let code = 0xD000 | u16::from(high & 0x3F) << 6 | u16::from(low & 0x3F);
            escaped.truncate(escaped.len() - 3);
            escaped.extend_from_slice(format!("\\u{code:04x}").as_bytes());
        }
    }
    escaped
}

fn is_continuation(byte: u8) -> bool {
    byte & 0xC0 == 0x80
}

/// Whether an object is bytes or text of any kind, and not an iterable of events.
pub fn is_text(data: &Bound<'_, PyAny>) -> bool {
    data.is_instance_of::<PyBytes>()
        || data.is_instance_of::<PyString>()
        || data.is_instance_of::<PyByteArray>()
        || data.is_instance_of::<PyMemoryView>()
        || data.is_instance_of::<JsonPart>()
        || is_mmap(data)
}

/// By the names of its classes: importing `mmap` to compare the type would run a program's own import hooks.
fn is_mmap(data: &Bound<'_, PyAny>) -> bool {
    let is_named = |class: Bound<'_, PyAny>| {
        class.cast::<PyType>().is_ok_and(|class| class.fully_qualified_name().is_ok_and(|name| name == "mmap.mmap"))
    };
    data.get_type().mro().iter().any(is_named)
}
