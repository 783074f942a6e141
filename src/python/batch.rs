//! `Batch`: a request body, as Python sees it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyRange, PyTuple};

use super::encoder::Encoder;
use crate::encoder::{self, Contents, Raw};
use crate::gzip::Gzip;

#[pyclass(frozen, module = "mixpress")]
pub struct Batch {
    /// Its lock is never held while detached, so no fork can find it taken.
    body: Mutex<Body>,
    contents: Contents,
    level: Option<u8>,
}

enum Body {
    Made(Py<PyBytes>),
    /// Gzipped when it is asked for, by a compressor of that encoder.
    Raw(Arc<Raw>, Py<Encoder>),
}

impl Batch {
    pub fn new(py: Python<'_>, batch: encoder::Batch<'_>, level: Option<u8>) -> Batch {
        let body = Body::Made(PyBytes::new(py, &batch.body).unbind());
        Batch { body: Mutex::new(body), contents: batch.contents, level }
    }

    pub fn later(raw: Raw, contents: Contents, encoder: Py<Encoder>, level: Option<u8>) -> Batch {
        Batch { body: Mutex::new(Body::Raw(Arc::new(raw), encoder)), contents, level }
    }

    fn state(&self) -> MutexGuard<'_, Body> {
        self.body.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The body before gzip, as long as it waits for that.
    fn raw(&self) -> Option<Arc<Raw>> {
        match &*self.state() {
            Body::Raw(raw, _) => Some(Arc::clone(raw)),
            Body::Made(_) => None,
        }
    }

    fn read_events(&self, py: Python<'_>) -> PyResult<Vec<Vec<u8>>> {
        let events = match self.raw() {
            Some(raw) => py.detach(|| self.contents.events_of_raw(raw.text())),
            None => {
                let body = self.body(py);
                let body = body.as_bytes(py);
                py.detach(|| self.contents.events(body))
            }
        };
        events.ok_or_else(foreign_body)
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
    /// Threads that ask for it at the same time each gzip it, and get the same bytes.
    #[getter]
    fn body(&self, py: Python<'_>) -> Py<PyBytes> {
        let (raw, encoder) = match &*self.state() {
            Body::Made(body) => return body.clone_ref(py),
            Body::Raw(raw, encoder) => (Arc::clone(raw), encoder.clone_ref(py)),
        };
        let body = encoder.get().with_gzip(|gzip| {
            let gzipped = py.detach(|| raw.gzip(gzip));
            PyBytes::new(py, gzipped).unbind()
        });
        let before = std::mem::replace(&mut *self.state(), Body::Made(body.clone_ref(py)));
        drop(before); // not under the lock: it may be the last to hold the encoder
        body
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
        Ok(self.read_events(py)?.iter().map(|event| PyBytes::new(py, event)).collect())
    }

    fn split(&self, py: Python<'_>) -> PyResult<Vec<Batch>> {
        let events = self.read_events(py)?;
        let halves = py.detach(|| self.contents.split(&events, &mut Gzip::new(self.level)));
        let batch = |(body, contents): (Vec<u8>, Contents)| {
            Batch::new(py, encoder::Batch { body: body.into(), contents }, self.level)
        };
        Ok(halves.into_iter().map(batch).collect())
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        let (count, raw) = (self.count(), self.contents.raw_size);
        match &*self.state() {
            Body::Made(body) => format!("Batch(count={count}, {} bytes, {raw} before gzip)", body.as_bytes(py).len()),
            Body::Raw(..) => format!("Batch(count={count}, {raw} bytes before gzip)"),
        }
    }
}
