//! `Encoder` and `Encoded`, as Python sees them.

use std::cell::RefCell;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use super::batch::Batch;
use super::builder::Builder;
use super::findings::{Finding, Rejection, Truncation};
use super::given::Given;
use super::gzip::level_of;
use super::input::{Filled, Input};
use super::limits::Limits;
use super::stream::BatchIterator;
use super::walk::{GivenEvent, Memory, NeedsSnapshot, SnapshotEvent};
use super::words::{ENDPOINTS, one_of, word_of};
use crate::batch::{Added, Batcher, Format, Origin, Packed};
use crate::encoder::Settings;
use crate::gzip::Gzip;
use crate::rules::limits::{self, Endpoint};
use crate::truncate::LongTexts;

#[pyclass(frozen, module = "mixpress")]
pub struct Encoder {
    settings: Settings,
    now: Option<Py<PyAny>>,
    default: Option<Py<PyAny>>,
    explain: bool,
    /// Batchers and compressors that are not in use: threads share an encoder, and each call takes its own.
    idle: Mutex<Vec<Workspace>>,
    idle_gzips: Mutex<Vec<Gzip>>,
}

/// What one call works with; its buffers are kept for the next.
pub struct Workspace {
    pub batcher: Batcher,
    memory: RefCell<Memory>,
}

#[pyclass(frozen, get_all, module = "mixpress")]
pub struct Encoded {
    batches: Py<PyList>,
    rejected: Py<PyList>,
    truncated: Py<PyList>,
    warnings: Py<PyList>,
}

/// What was found in the events of a call so far.
pub struct Findings {
    pub rejected: Py<PyList>,
    pub truncated: Py<PyList>,
    pub warnings: Py<PyList>,
}

impl Findings {
    pub fn none(py: Python<'_>) -> Findings {
        let list = || PyList::empty(py).unbind();
        Findings { rejected: list(), truncated: list(), warnings: list() }
    }
}

impl Encoder {
    /// Takes up what became of an event. A rejection is returned, and left to the caller to keep.
    pub fn take_up(&self, py: Python<'_>, findings: &Findings, added: Added) -> PyResult<Option<Py<Rejection>>> {
        match added {
            Added::Rejected(found) => return Rejection::of(py, found, self.explain).map(Some),
            Added::Plain => {}
            Added::Accepted { warnings, truncations } => {
                for finding in warnings.into_iter().flat_map(Finding::each) {
                    findings.warnings.bind(py).append(Py::new(py, finding)?)?;
                }
                for truncation in truncations {
                    findings.truncated.bind(py).append(Truncation::from(truncation))?;
                }
            }
        }
        Ok(None)
    }

    /// A workspace with nothing in it. The lock is taken and let go without detaching, so no fork can find it taken.
    pub fn workspace(&self, py: Python<'_>) -> Workspace {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.unwrap_or_else(|| Workspace::new(py, &self.settings))
    }

    /// Keeps a workspace for the next call.
    pub fn give_back(&self, mut workspace: Workspace) {
        workspace.batcher.clear();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(workspace);
    }

    /// Adds an event to the open batch; a batch that became full by it must be sealed before the next. What there is to
    /// say of the event goes to `found`.
    pub fn add(
        &self,
        workspace: &mut Workspace,
        origin: Origin,
        event: &Bound<'_, PyAny>,
        found: &mut Vec<Added>,
    ) -> PyResult<()> {
        if workspace.is_empty() {
            self.set_clock(event.py(), workspace)?;
        }
        match workspace.batcher.add(origin, &GivenEvent { event, memory: &workspace.memory }) {
            Ok(Added::Plain) => Ok(()),
            Ok(added) => {
                found.push(added);
                Ok(())
            }
            Err(NeedsSnapshot) => self.add_snapshot(workspace, origin, event, found),
        }
    }

    #[cold]
    fn add_snapshot(
        &self,
        workspace: &mut Workspace,
        origin: Origin,
        event: &Bound<'_, PyAny>,
        found: &mut Vec<Added>,
    ) -> PyResult<()> {
        let snapshot = snapshot(event, self.default.as_ref())?;
        let snapshot = SnapshotEvent { event: &snapshot, memory: &workspace.memory };
        let added = workspace.batcher.add(origin, &snapshot);
        let added = added.map_err(|_| PyTypeError::new_err("an event's snapshot can't be read; please report this"))?;
        found.extend((added != Added::Plain).then_some(added));
        Ok(())
    }

    /// Sets the clock for a batch that begins.
    pub fn set_clock(&self, py: Python<'_>, workspace: &mut Workspace) -> PyResult<()> {
        workspace.batcher.set_now(self.clock(py)?);
        Ok(())
    }

    /// Milliseconds since the epoch.
    fn clock(&self, py: Python<'_>) -> PyResult<i64> {
        let seconds = match &self.now {
            Some(now) => now.call0(py)?.extract::<f64>(py)?,
            None => SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64(),
        };
        Ok((seconds * 1000.0).round() as i64)
    }

    /// The batch that became full, if one did.
    pub fn seal_full(&self, py: Python<'_>, workspace: &mut Workspace) -> Option<Batch> {
        let packed = workspace.batcher.take_full()?;
        Some(self.seal(py, workspace, packed))
    }

    /// The open batch, if there is an event in it.
    pub fn seal_rest(&self, py: Python<'_>, workspace: &mut Workspace) -> Option<Batch> {
        let packed = workspace.batcher.finish()?;
        Some(self.seal(py, workspace, packed))
    }

    fn seal(&self, py: Python<'_>, workspace: &mut Workspace, mut packed: Packed) -> Batch {
        let batch = self.with_gzip(|gzip| {
            let sealed = py.detach(|| self.settings.seal(&mut packed, gzip));
            Batch::new(py, sealed, self.settings.endpoint, self.settings.level)
        });
        workspace.batcher.reuse(packed);
        batch
    }

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

    /// Lends a compressor. No lock is held meanwhile.
    pub fn with_gzip<T>(&self, make: impl FnOnce(&mut Gzip) -> T) -> T {
        let idle = self.idle_gzips.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut gzip = idle.unwrap_or_else(|| Gzip::new(self.settings.level));
        let made = make(&mut gzip);
        self.idle_gzips.lock().unwrap_or_else(PoisonError::into_inner).push(gzip);
        made
    }

    fn encode_input(&self, py: Python<'_>, input: PyResult<Input>) -> PyResult<Encoded> {
        let mut workspace = self.workspace(py);
        let encoded = self.encode_all(py, &mut workspace, input?);
        self.give_back(workspace);
        encoded
    }

    fn encode_all(&self, py: Python<'_>, workspace: &mut Workspace, mut input: Input) -> PyResult<Encoded> {
        let batches = PyList::empty(py);
        let findings = Findings::none(py);
        let (mut index, mut found) = (0, Vec::new());
        loop {
            let filled = input.fill(py, self, workspace, &mut index, &mut found)?;
            py.check_signals()?; // no Python code may have run, and so no Ctrl-C
            for added in found.drain(..) {
                if let Some(rejection) = self.take_up(py, &findings, added)? {
                    findings.rejected.bind(py).append(rejection)?;
                }
            }
            let batch = match filled {
                Filled::Batch => self.seal_full(py, workspace),
                Filled::Findings => None,
                Filled::Input => self.seal_rest(py, workspace),
            };
            if let Some(batch) = batch {
                batches.append(batch)?;
            }
            if filled == Filled::Input {
                let Findings { rejected, truncated, warnings } = findings;
                return Ok(Encoded { batches: batches.unbind(), rejected, truncated, warnings });
            }
        }
    }
}

impl Workspace {
    fn new(py: Python<'_>, settings: &Settings) -> Workspace {
        Workspace { batcher: settings.batcher(), memory: RefCell::new(Memory::new(py)) }
    }

    /// Whether a batch begins with the next event.
    pub fn is_empty(&self) -> bool {
        self.batcher.count() == 0
    }

    /// Whether a batch must be sealed before the next event.
    pub fn is_full(&self) -> bool {
        self.batcher.is_full()
    }

    /// How many events the open batch has.
    pub fn count(&self) -> usize {
        self.batcher.count()
    }

    /// Bytes of JSON that wait to be sealed.
    pub fn held_bytes(&self) -> usize {
        self.batcher.held_bytes()
    }
}

/// A copy of an event that takes no Python code to read.
pub fn snapshot<'py>(event: &Bound<'py, PyAny>, default: Option<&Py<PyAny>>) -> PyResult<Bound<'py, PyAny>> {
    event.py().import("mixpress.plain")?.call_method1("snapshot", (event, default))
}

fn check_callable(py: Python<'_>, given: Option<&Py<PyAny>>, message: &'static str) -> PyResult<()> {
    match given {
        Some(given) if !given.bind(py).is_callable() => {
            let given = given.bind(py).repr()?;
            Err(PyTypeError::new_err(format!("{message}, and is {given}")))
        }
        _ => Ok(()),
    }
}

fn check_settings(settings: &Settings) -> PyResult<()> {
    let wrong = match (settings.endpoint, settings.format) {
        (Endpoint::Track, Format::Ndjson) => "format=\"ndjson\" is for endpoint=\"import\" only".to_owned(),
        (Endpoint::Import, Format::Form | Format::FormBase64) => {
            "format=\"form\" is for endpoint=\"track\" only".to_owned()
        }
        _ if settings.level.is_some() && !settings.gzip => {
            "level is for compression=\"gzip\", and compression is None".to_owned()
        }
        _ => return Ok(()),
    };
    Err(PyValueError::new_err(wrong))
}

#[pymethods]
impl Encoder {
    #[new]
    #[pyo3(signature = (endpoint=Given::from("import"), *, format=Given::from("json"),
        compression=Some(Given::from("gzip")), level=None, token=None, insert_id=Given::from("require"), limits=None,
        now=None, explain=Given::from(false), default=None, form_base64=Given::from(false),
        on_long_url=Given::from("cut"), on_long_json=Given::from("cut"), on_long_text=Given::from("cut")),
        text_signature = "(endpoint='import', *, format='json', compression='gzip', level=None, token=None, \
        insert_id='require', limits=None, now=None, explain=False, default=None, form_base64=False, on_long_url='cut', \
        on_long_json='cut', on_long_text='cut')")]
    #[allow(clippy::too_many_arguments)] // Python's keywords
    fn new(
        py: Python<'_>,
        endpoint: Given<String>,
        format: Given<String>,
        compression: Option<Given<String>>,
        level: Option<Given<i64>>,
        token: Option<Given<String>>,
        insert_id: Given<String>,
        limits: Option<Given<Py<Limits>>>,
        now: Option<Py<PyAny>>,
        explain: Given<bool>,
        default: Option<Py<PyAny>>,
        form_base64: Given<bool>,
        on_long_url: Given<String>,
        on_long_json: Given<String>,
        on_long_text: Given<String>,
    ) -> PyResult<Encoder> {
        let long_texts = LongTexts {
            parse_urls: one_of("on_long_url", on_long_url, &[("cut", false), ("parse", true)])?,
            flatten_json: one_of("on_long_json", on_long_json, &[("cut", false), ("flatten", true)])?,
            drop_text: one_of("on_long_text", on_long_text, &[("cut", false), ("drop", true)])?,
        };
        let derives_ids = one_of("insert_id", insert_id, &[("require", false), ("derive", true)])?;
        let endpoint = one_of("endpoint", endpoint, ENDPOINTS)?;
        let format =
            one_of("format", format, &[("json", Format::Json), ("ndjson", Format::Ndjson), ("form", Format::Form)])?;
        let gzip = compression.map(|word| one_of("compression", word, &[("gzip", ())])).transpose()?.is_some();
        let level = level.map(level_of).transpose()?;
        let token = token.map(|token| token.or_say_type("token", "text")).transpose()?;
        let explain = explain.or_say("explain", "True or False")?;
        let form_base64 = form_base64.or_say("form_base64", "True or False")?;
        let limits = limits.map(|limits| limits.or_say("limits", "a Limits")).transpose()?;
        let limits = limits.map_or_else(limits::Limits::documented, |limits| limits.get().0.clone());
        let format = match (format, form_base64) {
            (Format::Form, true) => Format::FormBase64,
            (_, true) => return Err(PyValueError::new_err("form_base64 is for format=\"form\" only")),
            (format, false) => format,
        };
        check_callable(py, now.as_ref(), "now must be a function that returns seconds since the epoch")?;
        check_callable(py, default.as_ref(), "default must be a function that converts a value")?;
        let settings = Settings { endpoint, format, gzip, level, token, derives_ids, long_texts, limits };
        check_settings(&settings)?;
        let (idle, idle_gzips) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
        Ok(Encoder { settings, now, default, explain, idle, idle_gzips })
    }

    fn encode(&self, events: &Bound<'_, PyAny>) -> PyResult<Encoded> {
        self.encode_input(events.py(), Input::objects(events))
    }

    fn encode_json(&self, data: &Bound<'_, PyAny>) -> PyResult<Encoded> {
        self.encode_input(data.py(), Input::json(data))
    }

    #[pyo3(signature = (source, *, event=None, columns=None))]
    fn encode_arrow(
        &self,
        source: &Bound<'_, PyAny>,
        event: Option<&Bound<'_, PyAny>>,
        columns: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Encoded> {
        self.encode_input(source.py(), Input::arrow(source, event, columns))
    }

    #[pyo3(signature = (source, *, event=None, columns=None, on_rejected=None))]
    fn iter_batches(
        slf: Py<Self>,
        source: &Bound<'_, PyAny>,
        event: Option<&Bound<'_, PyAny>>,
        columns: Option<&Bound<'_, PyAny>>,
        on_rejected: Option<Py<PyAny>>,
    ) -> PyResult<BatchIterator> {
        Ok(BatchIterator::new(source.py(), slf, Input::any(source, event, columns)?, on_rejected))
    }

    fn builder(slf: Py<Self>, py: Python<'_>) -> Builder {
        Builder::new(py, slf)
    }

    #[getter]
    fn endpoint(&self) -> &'static str {
        word_of(self.settings.endpoint, ENDPOINTS)
    }

    #[getter]
    fn format(&self) -> &'static str {
        match self.settings.format {
            Format::Json => "json",
            Format::Ndjson => "ndjson",
            Format::Form | Format::FormBase64 => "form",
        }
    }

    #[getter]
    fn compression(&self) -> Option<&'static str> {
        self.settings.gzip.then_some("gzip")
    }

    #[getter]
    fn level(&self) -> Option<u8> {
        self.settings.level
    }

    #[getter]
    fn limits(&self) -> Limits {
        Limits(self.settings.limits.clone())
    }

    /// The token is a credential of sorts: it is named, not shown.
    fn __repr__(&self) -> String {
        let quoted = |word: Option<&str>| word.map_or_else(|| "None".to_owned(), |word| format!("{word:?}"));
        let level = self.settings.level.map_or_else(|| "None".to_owned(), |level| level.to_string());
        let token = if self.settings.token.is_some() { "'...'" } else { "None" };
        format!(
            "Encoder(endpoint={:?}, format={:?}, compression={}, level={level}, token={token})",
            self.endpoint(),
            self.format(),
            quoted(self.compression()),
        )
    }
}

/// An encoder for one call: its keywords are those of `Encoder`, which says what is wrong with them.
#[pyfunction]
#[pyo3(signature = (events, **settings),
    text_signature = "(events, *, endpoint='import', format='json', compression='gzip', level=None, token=None, \
    insert_id='require', limits=None, now=None, explain=False, default=None, form_base64=False, on_long_url='cut', \
    on_long_json='cut', on_long_text='cut')")]
pub fn encode(events: &Bound<'_, PyAny>, settings: Option<&Bound<'_, PyDict>>) -> PyResult<Encoded> {
    let encoder = events.py().get_type::<Encoder>().call((), settings)?.cast_into::<Encoder>()?;
    encoder.get().encode(events)
}

#[pymethods]
impl Encoded {
    fn __repr__(&self, py: Python<'_>) -> String {
        let length = |list: &Py<PyList>| list.bind(py).len();
        format!(
            "Encoded({} batches, {} rejected, {} truncated, {} warnings)",
            length(&self.batches),
            length(&self.rejected),
            length(&self.truncated),
            length(&self.warnings),
        )
    }
}
