//! `Batch`: a request body, as a Python class.

use std::ffi::c_int;
use std::sync::{Arc, Mutex};

use pyo3::exceptions::PyValueError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{IntoPyDict, PyBytes, PyDict, PyRange, PyTuple, PyType};

use super::compressors::Compressors;
use super::engine::Engine;
use super::given::Given;
use super::gzip::level_of;
use super::lock::{locked, replace};
use super::words::{ENDPOINTS, LAYOUTS, one_of, word_of};
use super::workspace::Workspace;
use crate::batch::{Format, Packed};
use crate::encoder::{self, Contents, Raw, Settings};
use crate::gzip::{Gzip, decompressed_size};
use crate::rules::limits::Endpoint;

#[pyclass(frozen, module = "mixpress")]
pub struct Batch {
    /// The lock is never held while detached, so no fork can find it taken.
    body: Mutex<Body>,
    contents: Contents,
    endpoint: Endpoint,
    level: Option<u8>,
}

enum Body {
    Made(Py<PyBytes>),
    /// Gzipped by one of these compressors when the body is first read.
    Raw(Arc<Raw>, Arc<Compressors>),
}

/// A batch without its body, as it is pickled: endpoint, layout, whether it is gzipped and at which level, `raw_size`,
/// `indexes`, `lines`.
type State<'py> = (String, String, bool, Option<u8>, usize, Bound<'py, PyAny>, Option<Vec<usize>>);
/// The same as it is read, when each field may be anything.
type Restored<'py> = (
    Given<String>,
    Given<String>,
    Given<bool>,
    Option<Given<i64>>,
    Given<usize>,
    Bound<'py, PyAny>,
    Option<Bound<'py, PyAny>>,
);
/// The function that restores a batch, and its arguments.
type Reduced<'py> = (Bound<'py, PyAny>, (Py<PyBytes>, State<'py>));

/// A body of fewer bytes takes microseconds at the default level: it is not worth a release of the interpreter's lock.
const QUICK_BYTES: usize = 4096;

impl Batch {
    /// The full batch of a workspace, gzipped; None where none is full.
    pub fn seal_full(py: Python<'_>, engine: &Engine, workspace: &mut Workspace) -> Option<Batch> {
        let packed = workspace.batcher.take_full()?;
        Some(Batch::seal(py, engine, workspace, packed))
    }

    /// The open batch of a workspace, gzipped; None where there is no event in it.
    pub fn seal_rest(py: Python<'_>, engine: &Engine, workspace: &mut Workspace) -> Option<Batch> {
        let packed = workspace.batcher.finish()?;
        Some(Batch::seal(py, engine, workspace, packed))
    }

    /// As [`Batch::seal_full`], but the gzip is left until the body is read.
    pub fn lay_out_full(py: Python<'_>, engine: &Engine, workspace: &mut Workspace) -> Option<Batch> {
        let packed = workspace.batcher.take_full()?;
        Some(Batch::lay_out(py, engine, workspace, packed))
    }

    /// As [`Batch::seal_rest`], but the gzip is left until the body is read.
    pub fn lay_out_rest(py: Python<'_>, engine: &Engine, workspace: &mut Workspace) -> Option<Batch> {
        let packed = workspace.batcher.finish()?;
        Some(Batch::lay_out(py, engine, workspace, packed))
    }

    fn seal(py: Python<'_>, engine: &Engine, workspace: &mut Workspace, mut packed: Packed) -> Batch {
        let Settings { endpoint, level, .. } = engine.settings;
        let is_quick = packed.json.len() < QUICK_BYTES && Gzip::takes_hints(level);
        let batch = engine.compressors.lend(py, |gzip| {
            let (settings, packed) = (&engine.settings, &mut packed);
            let sealed =
                if is_quick { settings.seal(packed, gzip) } else { py.detach(move || settings.seal(packed, gzip)) };
            Batch::made(py, sealed, endpoint, level)
        });
        workspace.batcher.reuse(packed);
        batch
    }

    fn lay_out(py: Python<'_>, engine: &Engine, workspace: &mut Workspace, packed: Packed) -> Batch {
        if !engine.settings.gzip {
            return Batch::seal(py, engine, workspace, packed);
        }
        let Settings { endpoint, level, .. } = engine.settings;
        let (raw, contents) = engine.settings.lay_out(packed);
        let body = Body::Raw(Arc::new(raw), Arc::clone(&engine.compressors));
        Batch { body: Mutex::new(body), contents, endpoint, level }
    }

    fn made(py: Python<'_>, batch: encoder::Batch<'_>, endpoint: Endpoint, level: Option<u8>) -> Batch {
        let body = Body::Made(PyBytes::new(py, &batch.body).unbind());
        Batch { body: Mutex::new(body), contents: batch.contents, endpoint, level }
    }

    /// The body before gzip, if it is not gzipped yet.
    fn raw(&self, py: Python<'_>) -> Option<Arc<Raw>> {
        match &*locked(&self.body, py) {
            Body::Raw(raw, _) => Some(Arc::clone(raw)),
            Body::Made(_) => None,
        }
    }

    fn read_events(&self, py: Python<'_>) -> PyResult<Vec<Vec<u8>>> {
        let events = match self.raw(py) {
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
    PyValueError::new_err("the body was not made by this encoder, so its events can't be read")
}

#[pymethods]
impl Batch {
    /// Two threads that read it first at the same time both gzip it, and get the same bytes.
    #[getter]
    fn body(&self, py: Python<'_>) -> Py<PyBytes> {
        let (raw, compressors) = match &*locked(&self.body, py) {
            Body::Made(body) => return body.clone_ref(py),
            Body::Raw(raw, compressors) => (Arc::clone(raw), Arc::clone(compressors)),
        };
        let body = compressors.lend(py, |gzip| {
            let gzipped = py.detach(|| raw.gzip(gzip));
            PyBytes::new(py, gzipped).unbind()
        });
        replace(&self.body, py, Body::Made(body.clone_ref(py)));
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

    /// A range where no event in between was rejected, which is nearly always the case.
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

    /// None where the input was not JSON text.
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
            Batch::made(py, encoder::Batch { body: body.into(), contents }, self.endpoint, self.level)
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
        py.import("mixpress.send.request")?.call_method("request_of", (slf, base_url, auth), Some(&options))
    }

    /// A `repr` ends in logs, and events are private: it has their number and size alone.
    fn __repr__(&self, py: Python<'_>) -> String {
        let (count, raw, layout) = (self.count(), self.contents.raw_size, word_of(self.contents.format, LAYOUTS));
        match &*locked(&self.body, py) {
            Body::Made(body) if self.contents.gzip => {
                format!("Batch(count={count}, {} bytes of {layout}, {raw} before gzip)", body.as_bytes(py).len())
            }
            Body::Made(_) => format!("Batch(count={count}, {raw} bytes of {layout})"),
            Body::Raw(..) => format!("Batch(count={count}, {raw} bytes of {layout} before gzip)"),
        }
    }

    /// Lends the body as a buffer. The view holds a reference to the `bytes`, not to the batch.
    ///
    /// # Safety
    /// `view` is a writable `Py_buffer`, as the interpreter's buffer protocol guarantees.
    unsafe fn __getbuffer__(&self, py: Python<'_>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        // SAFETY: the caller's contract; `bytes` fill in the view, themselves as its owner, or set an exception.
        match unsafe { ffi::PyObject_GetBuffer(self.body(py).as_ptr(), view, flags) } {
            0 => Ok(()),
            _ => Err(PyErr::fetch(py)),
        }
    }

    /// By a private method of the class: every pickle protocol can call it, and `Batch(...)` stays impossible.
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

    /// The batch that `__reduce__` took apart. `ValueError` or `TypeError` where the state was changed meanwhile.
    #[classmethod]
    fn _restore(_class: &Bound<'_, PyType>, body: Bound<'_, PyBytes>, state: Restored<'_>) -> PyResult<Batch> {
        let (endpoint, layout, gzip, level, raw_size, indexes, lines) = state;
        let endpoint = one_of("endpoint", endpoint, ENDPOINTS)?;
        let format = one_of("layout", layout, LAYOUTS)?;
        let gzip = gzip.or_say("gzip", "True or False")?;
        let level = level.map(level_of).transpose()?;
        let raw_size = raw_size.or_say("raw_size", "an integer >= 0")?;
        if matches!(format, Format::Form | Format::FormBase64) && endpoint == Endpoint::Import
            || format == Format::Ndjson && endpoint != Endpoint::Import
        {
            return Err(PyValueError::new_err("layout must be one that the endpoint takes"));
        }
        let size = if gzip { decompressed_size(body.as_bytes()) } else { Some(body.as_bytes().len()) };
        let size =
            size.ok_or_else(|| PyValueError::new_err("the body was not made by this encoder: it is no gzip stream"))?;
        if size != raw_size {
            let message = format!("raw_size must be the size of the body before gzip, {size}, got {raw_size}");
            return Err(PyValueError::new_err(message));
        }
        let most = raw_size / SMALLEST_EVENT; // a range of any length is a few bytes of a pickle
        let indexes = numbers("indexes", &indexes, most)?;
        let lines = lines.map_or(Ok(Vec::new()), |lines| numbers("lines", &lines, most))?;
        if indexes.is_empty() || !indexes.is_sorted_by(|one, next| one < next) {
            return Err(PyValueError::new_err("indexes must ascend, and a batch has at least one"));
        }
        if !lines.is_empty() && lines.len() != indexes.len() || !lines.is_sorted() {
            return Err(PyValueError::new_err("lines must have one entry for each event, or be None"));
        }
        let contents = Contents { indexes, lines, raw_size, format, gzip };
        if contents.events(body.as_bytes()).is_none() {
            return Err(foreign_body());
        }
        Ok(Batch { body: Mutex::new(Body::Made(body.unbind())), contents, endpoint, level })
    }
}

/// The bytes of the shortest event, `{}`.
const SMALLEST_EVENT: usize = 2;

/// Reads at most so many numbers.
fn numbers(name: &str, given: &Bound<'_, PyAny>, most: usize) -> PyResult<Vec<usize>> {
    let mut numbers = Vec::new();
    for number in given.try_iter()? {
        if numbers.len() == most {
            return Err(PyValueError::new_err(format!("{name} must be of no more events than the body has room for")));
        }
        // As they are shown again as a range, whose end is one more.
        let number = number?.extract::<Given<i64>>()?.or_say(name, "integers >= 0")?;
        let number = usize::try_from(number).ok().filter(|number| *number < isize::MAX as usize);
        numbers.push(number.ok_or_else(|| PyValueError::new_err(format!("{name} must be integers >= 0")))?);
    }
    Ok(numbers)
}
