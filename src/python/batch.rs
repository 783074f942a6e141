//! `Batch`: a request body, as Python sees it.

use std::ffi::c_int;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::PyValueError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{IntoPyDict, PyBytes, PyDict, PyRange, PyTuple, PyType};

use super::encoder::Encoder;
use super::engine::Workspace;
use super::given::Given;
use super::words::{ENDPOINTS, LAYOUTS, one_of, word_of};
use crate::batch::Packed;
use crate::encoder::{self, Contents, Raw};
use crate::gzip::Gzip;
use crate::rules::limits::Endpoint;

#[pyclass(frozen, module = "mixpress")]
pub struct Batch {
    /// Its lock is never held while detached, so no fork can find it taken.
    body: Mutex<Body>,
    contents: Contents,
    endpoint: Endpoint,
    level: Option<u8>,
}

enum Body {
    Made(Py<PyBytes>),
    /// Gzipped when it is asked for, by a compressor of that encoder.
    Raw(Arc<Raw>, Py<Encoder>),
}

/// All that a batch is but its body, as it is pickled: endpoint, layout, whether it is gzipped and how, `raw_size`,
/// `indexes`, `lines`.
type State<'py> = (String, String, bool, Option<u8>, usize, Bound<'py, PyAny>, Option<Vec<usize>>);
/// The function that restores a batch, and its arguments.
type Reduced<'py> = (Bound<'py, PyAny>, (Py<PyBytes>, State<'py>));

impl Batch {
    pub fn new(py: Python<'_>, batch: encoder::Batch<'_>, endpoint: Endpoint, level: Option<u8>) -> Batch {
        let body = Body::Made(PyBytes::new(py, &batch.body).unbind());
        Batch { body: Mutex::new(body), contents: batch.contents, endpoint, level }
    }

    pub fn later(raw: Raw, contents: Contents, encoder: Py<Encoder>, endpoint: Endpoint, level: Option<u8>) -> Batch {
        Batch { body: Mutex::new(Body::Raw(Arc::new(raw), encoder)), contents, endpoint, level }
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

impl Encoder {
    /// As [`Encoder::seal_full`]; but what is to be gzipped is that when its body is asked for.
    pub fn lay_out_full(slf: &Py<Encoder>, py: Python<'_>, workspace: &mut Workspace) -> Option<Batch> {
        let packed = workspace.batcher.take_full()?;
        Some(Encoder::lay_out(slf, py, workspace, packed))
    }

    /// As [`Encoder::seal_rest`]; but what is to be gzipped is that when its body is asked for.
    pub fn lay_out_rest(slf: &Py<Encoder>, py: Python<'_>, workspace: &mut Workspace) -> Option<Batch> {
        let packed = workspace.batcher.finish()?;
        Some(Encoder::lay_out(slf, py, workspace, packed))
    }

    fn lay_out(slf: &Py<Encoder>, py: Python<'_>, workspace: &mut Workspace, packed: Packed) -> Batch {
        let encoder = slf.get();
        if !encoder.settings.gzip {
            return encoder.seal(py, workspace, packed);
        }
        let (raw, contents) = encoder.settings.lay_out(packed);
        Batch::later(raw, contents, slf.clone_ref(py), encoder.settings.endpoint, encoder.settings.level)
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
    fn endpoint(&self) -> &'static str {
        word_of(self.endpoint, ENDPOINTS)
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
            Batch::new(py, encoder::Batch { body: body.into(), contents }, self.endpoint, self.level)
        };
        Ok(halves.into_iter().map(batch).collect())
    }

    #[pyo3(signature = (base_url, auth, *, strict=true, ip=false, verbose=true))]
    fn request<'py>(
        slf: &Bound<'py, Self>,
        base_url: &Bound<'py, PyAny>,
        auth: &Bound<'py, PyAny>,
        strict: bool,
        ip: bool,
        verbose: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let options = [("strict", strict), ("ip", ip), ("verbose", verbose)].into_py_dict(py)?;
        py.import("mixpress.envelope")?.call_method("request_of", (slf, base_url, auth), Some(&options))
    }

    /// Events are somebody's data, and a `repr` ends in a log: it says how many there are, and how large they are.
    fn __repr__(&self, py: Python<'_>) -> String {
        let (count, raw, layout) = (self.count(), self.contents.raw_size, word_of(self.contents.format, LAYOUTS));
        match &*self.state() {
            Body::Made(body) if self.contents.gzip => {
                format!("Batch(count={count}, {} bytes of {layout}, {raw} before gzip)", body.as_bytes(py).len())
            }
            Body::Made(_) => format!("Batch(count={count}, {raw} bytes of {layout})"),
            Body::Raw(..) => format!("Batch(count={count}, {raw} bytes of {layout} before gzip)"),
        }
    }

    /// Lends the body, as the `bytes` that it is: whoever holds the view holds those, and not the batch.
    ///
    /// # Safety
    /// `view` is a `Py_buffer` that may be written to, which the interpreter sees to.
    unsafe fn __getbuffer__(&self, py: Python<'_>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        // SAFETY: the view is the caller's; `bytes` fill it, or set an exception, and stand in it as what to give back.
        match unsafe { ffi::PyObject_GetBuffer(self.body(py).as_ptr(), view, flags) } {
            0 => Ok(()),
            _ => Err(PyErr::fetch(py)),
        }
    }

    /// By a method of its class, so that every protocol of pickle can, and nobody else makes a batch by accident.
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Reduced<'py>> {
        let (py, batch) = (slf.py(), slf.get());
        let contents = &batch.contents;
        let state = (
            word_of(batch.endpoint, ENDPOINTS).to_owned(),
            word_of(contents.format, LAYOUTS).to_owned(),
            contents.gzip,
            batch.level,
            contents.raw_size,
            batch.indexes(py)?,
            (!contents.lines.is_empty()).then(|| contents.lines.clone()),
        );
        Ok((slf.get_type().getattr("_restore")?, (batch.body(py), state)))
    }

    /// What `__reduce__` took apart. `ValueError` where it was changed on the way.
    #[classmethod]
    fn _restore(_class: &Bound<'_, PyType>, body: Py<PyBytes>, state: State<'_>) -> PyResult<Batch> {
        let (endpoint, layout, gzip, level, raw_size, indexes, lines) = state;
        let indexes: Vec<usize> = indexes.try_iter()?.map(|index| index?.extract()).collect::<PyResult<_>>()?;
        let lines = lines.unwrap_or_default();
        if indexes.is_empty() || !indexes.is_sorted_by(|one, next| one < next) {
            return Err(PyValueError::new_err("the indexes of a batch ascend, and there is one at least"));
        }
        if !lines.is_empty() && lines.len() != indexes.len() {
            return Err(PyValueError::new_err("a batch has a line for each of its events, or none at all"));
        }
        let endpoint = one_of("endpoint", Given::Right(endpoint), ENDPOINTS)?;
        let format = one_of("layout", Given::Right(layout), LAYOUTS)?;
        let contents = Contents { indexes, lines, raw_size, format, gzip };
        Ok(Batch { body: Mutex::new(Body::Made(body)), contents, endpoint, level })
    }
}
