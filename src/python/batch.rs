//! `Batch`: a request body, as Python sees it.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyRange, PyTuple};

use crate::encoder::{self, Contents};
use crate::gzip::Gzip;

#[pyclass(frozen, module = "mixpress")]
pub struct Batch {
    body: Py<PyBytes>,
    contents: Contents,
    level: Option<u8>,
}

impl Batch {
    pub fn new(py: Python<'_>, batch: encoder::Batch<'_>, level: Option<u8>) -> Batch {
        Batch { body: PyBytes::new(py, &batch.body).unbind(), contents: batch.contents, level }
    }

    pub fn len(&self) -> usize {
        self.contents.indexes.len()
    }
}

fn foreign_body() -> PyErr {
    PyValueError::new_err("the batch's body is not one that this encoder made")
}

#[pymethods]
impl Batch {
    #[getter]
    fn body(&self, py: Python<'_>) -> Py<PyBytes> {
        self.body.clone_ref(py)
    }

    #[getter]
    fn headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let headers = PyDict::new(py);
        headers.set_item("Content-Type", self.contents.content_type())?;
        if self.contents.gzip {
            headers.set_item("Content-Encoding", "gzip")?;
        }
        Ok(headers)
    }

    #[getter]
    fn count(&self) -> usize {
        self.len()
    }

    fn __len__(&self) -> usize {
        self.len()
    }

    /// A range where nothing was rejected in between, which is nearly always.
    #[getter]
    fn indexes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let indexes = &self.contents.indexes;
        match (indexes.first(), indexes.last()) {
            (Some(&first), Some(&last)) if last - first + 1 == indexes.len() => {
                Ok(PyRange::new(py, first as isize, last as isize + 1)?.into_any())
            }
            _ => Ok(PyTuple::new(py, indexes)?.into_any()),
        }
    }

    /// None where the input was no JSON text.
    #[getter]
    fn lines<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyTuple>>> {
        let lines = &self.contents.lines;
        (!lines.is_empty()).then(|| PyTuple::new(py, lines)).transpose()
    }

    #[getter]
    fn raw_size(&self) -> usize {
        self.contents.raw_size
    }

    fn events<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyBytes>>> {
        let body = self.body.as_bytes(py);
        let events = py.detach(|| self.contents.events(body)).ok_or_else(foreign_body)?;
        Ok(events.iter().map(|event| PyBytes::new(py, event)).collect())
    }

    fn split(&self, py: Python<'_>) -> PyResult<Vec<Batch>> {
        let body = self.body.as_bytes(py);
        let halves = py.detach(|| self.contents.split(body, &mut Gzip::new(self.level))).ok_or_else(foreign_body)?;
        let batch = |(body, contents): (Vec<u8>, Contents)| Batch {
            body: PyBytes::new(py, &body).unbind(),
            contents,
            level: self.level,
        };
        Ok(halves.into_iter().map(batch).collect())
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        let (count, body, raw) = (self.count(), self.body.as_bytes(py).len(), self.contents.raw_size);
        format!("Batch(count={count}, {body} bytes, {raw} before gzip)")
    }
}
