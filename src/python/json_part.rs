//! `JsonCutter` and `JsonPart`: a JSON text in parts that threads encode, as Python classes.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::words::{one_of, word_of};
use crate::python::given::Given;
use crate::source::json::{Cutter, Layout, Part, Span};

const LAYOUTS: &[(&str, Layout)] = &[("lines", Layout::Lines), ("values", Layout::Values)];

/// Some whole records of a JSON text.
#[pyclass(frozen, module = "mixpress._core")]
pub struct JsonPart(pub Part);

#[pymethods]
impl JsonPart {
    #[getter]
    fn text<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.text)
    }

    #[getter]
    fn start(&self) -> usize {
        self.0.start.offset
    }

    #[getter]
    fn end(&self) -> usize {
        self.0.end()
    }

    #[getter]
    fn line(&self) -> usize {
        self.0.start.line
    }

    fn next_line(&self, py: Python<'_>) -> Option<usize> {
        let is_known = self.0.dropped == 0 && self.0.text.ends_with(b"\n");
        is_known.then(|| py.detach(|| self.0.start.after(&self.0.text, false).line))
    }

    #[getter]
    fn dropped(&self) -> usize {
        self.0.dropped
    }

    #[pyo3(signature = (records=None))]
    fn spans(&self, py: Python<'_>, records: Option<Vec<usize>>) -> PyResult<Vec<(usize, usize, usize)>> {
        if !records.as_ref().is_none_or(|records| records.is_sorted()) {
            return Err(PyValueError::new_err("records must be in ascending order"));
        }
        let spans = py.detach(|| match records {
            None => self.0.spans(|_| Some(true)),
            Some(records) => {
                let mut wanted = records.into_iter().peekable();
                self.0.spans(|number| wanted.peek().copied().map(|next| wanted.next_if(|_| next == number).is_some()))
            }
        });
        Ok(spans.into_iter().map(|Span { line, begin, end }| (line, begin, end)).collect())
    }

    /// Four checksums rather than one: the change of one byte is then found with certainty, that of many almost.
    #[pyo3(signature = (end=None))]
    fn digest<'py>(&self, py: Python<'py>, end: Option<usize>) -> Bound<'py, PyBytes> {
        let text = &self.0.text;
        let length = end.map_or(usize::MAX, |end| end.saturating_sub(self.start()));
        let (text, dropped) = if length < text.len() { (&text[..length], 0) } else { (&text[..], self.0.dropped) };
        let digest: Vec<u8> = py.detach(|| {
            let sums = text.chunks(text.len().div_ceil(4).max(1)).map(crc32fast::hash);
            let size = (text.len() + dropped) as u64;
            size.to_le_bytes().into_iter().chain(sums.flat_map(u32::to_le_bytes)).collect()
        });
        PyBytes::new(py, &digest)
    }

    fn __repr__(&self) -> String {
        format!("JsonPart(start={}, end={}, line={})", self.start(), self.end(), self.line())
    }
}

/// Cuts a JSON text.
#[pyclass(module = "mixpress._core")]
pub struct JsonCutter {
    cutter: Cutter,
    layout: Layout,
}

#[pymethods]
impl JsonCutter {
    #[new]
    #[pyo3(signature = (layout, *, longest))]
    fn new(layout: Given<String>, longest: usize) -> PyResult<JsonCutter> {
        let layout = one_of("layout", layout, LAYOUTS)?;
        Ok(JsonCutter { cutter: Cutter::new(layout, longest), layout })
    }

    #[staticmethod]
    fn at(longest: usize, offset: usize, line: usize) -> JsonCutter {
        JsonCutter { cutter: Cutter::at(longest, offset, line), layout: Layout::Lines }
    }

    #[getter]
    fn layout(&self) -> &'static str {
        word_of(self.layout, LAYOUTS)
    }

    #[getter]
    fn held(&self) -> usize {
        self.cutter.held()
    }

    #[pyo3(signature = (text, /))]
    fn push(&mut self, py: Python<'_>, text: &[u8]) {
        let cutter = &mut self.cutter;
        py.detach(|| cutter.push(text));
    }

    fn cut(&mut self, py: Python<'_>) -> Option<JsonPart> {
        let cutter = &mut self.cutter;
        py.detach(|| cutter.cut()).map(JsonPart)
    }

    fn finish(&mut self, py: Python<'_>) -> Option<JsonPart> {
        let cutter = &mut self.cutter;
        py.detach(|| cutter.finish()).map(JsonPart)
    }
}
