//! `Batch`: a request body, as Python sees it.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyRange, PyTuple};

use crate::encoder;
use crate::gzip::Gzip;

#[pyclass(frozen, module = "mixpress")]
pub struct Batch {
    /// The body's bytes live in the Python object alone, so that asking for them copies nothing.
    body: Py<PyBytes>,
    inner: encoder::Batch,
    level: Option<u8>,
}

impl Batch {
    pub fn new(py: Python<'_>, mut inner: encoder::Batch, level: Option<u8>) -> Batch {
        let body = PyBytes::new(py, &std::mem::take(&mut inner.body)).unbind();
        Batch { body, inner, level }
    }

    pub fn len(&self) -> usize {
        self.inner.indexes.len()
    }

    fn with_body(&self, py: Python<'_>) -> encoder::Batch {
        encoder::Batch { body: self.body.as_bytes(py).to_vec(), ..self.inner.clone() }
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
        headers.set_item("Content-Type", self.inner.content_type())?;
        if self.inner.gzip {
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
        let indexes = &self.inner.indexes;
        match (indexes.first(), indexes.last()) {
            (Some(&first), Some(&last)) if last - first + 1 == indexes.len() => {
                Ok(PyRange::new(py, first as isize, last as isize + 1)?.into_any())
            }
            _ => Ok(PyTuple::new(py, indexes)?.into_any()),
        }
    }

    #[getter]
    fn raw_size(&self) -> usize {
        self.inner.raw_size
    }

    fn events<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyBytes>>> {
        let batch = self.with_body(py);
        let events = py.detach(|| batch.events()).ok_or_else(foreign_body)?;
        Ok(events.iter().map(|event| PyBytes::new(py, event)).collect())
    }

    fn split(&self, py: Python<'_>) -> PyResult<Vec<Batch>> {
        let batch = self.with_body(py);
        let halves = py.detach(|| batch.split(&mut Gzip::new(self.level))).ok_or_else(foreign_body)?;
        Ok(halves.into_iter().map(|half| Batch::new(py, half, self.level)).collect())
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        let (count, body, raw) = (self.count(), self.body.as_bytes(py).len(), self.inner.raw_size);
        format!("Batch(count={count}, {body} bytes, {raw} before gzip)")
    }
}
