//! `BatchIterator`: batches as they close, in memory bounded by one of them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyIterator, PyList};

use super::batch::Batch;
use super::encoder::{Encoder, Findings, Workspace, iterate};

#[pyclass(frozen, module = "mixpress")]
pub struct BatchIterator {
    encoder: Py<Encoder>,
    events: Py<PyIterator>,
    on_rejected: Option<Py<PyAny>>,
    total: AtomicUsize,
    findings: Mutex<Findings>,
    state: Mutex<State>,
}

struct State {
    /// None once the events are at their end.
    workspace: Option<Workspace>,
    /// What the iterable raised, held back until the batch that was begun is out.
    raised: Option<PyErr>,
}

impl BatchIterator {
    pub fn new(encoder: Py<Encoder>, events: &Bound<'_, PyAny>, on_rejected: Option<Py<PyAny>>) -> PyResult<Self> {
        let findings = Mutex::new(Findings::none(events.py()));
        let events = iterate(events)?.unbind();
        let state = Mutex::new(State { workspace: Some(encoder.get().workspace()), raised: None });
        Ok(BatchIterator { encoder, events, on_rejected, total: AtomicUsize::new(0), findings, state })
    }

    /// Reads events until a batch is full. None: they are at their end.
    fn read(&self, py: Python<'_>, workspace: &mut Workspace, findings: &Findings) -> PyResult<Option<Batch>> {
        let encoder = self.encoder.get();
        for event in self.events.bind(py).clone() {
            let event = event?;
            let index = self.total.fetch_add(1, Ordering::Relaxed);
            if let Some(rejection) = findings.take_up(py, encoder.add(workspace, index, &event)?)? {
                match &self.on_rejected {
                    Some(on_rejected) => drop(on_rejected.call1(py, (rejection,))?),
                    None => findings.rejected.bind(py).append(rejection)?,
                }
            }
            if let Some(batch) = encoder.seal_full(py, workspace) {
                return Ok(Some(batch));
            }
        }
        Ok(None)
    }

    fn next_batch(&self, py: Python<'_>, state: &mut State, findings: &Findings) -> PyResult<Option<Batch>> {
        let Some(mut workspace) = state.workspace.take() else {
            return state.raised.take().map_or(Ok(None), Err);
        };
        match self.read(py, &mut workspace, findings) {
            Ok(Some(batch)) => {
                state.workspace = Some(workspace);
                return Ok(Some(batch));
            }
            Ok(None) => {}
            Err(raised) => state.raised = Some(raised),
        }
        let rest = self.encoder.get().seal_rest(py, &mut workspace);
        self.encoder.get().give_back(workspace);
        match rest {
            Some(batch) => Ok(Some(batch)),
            None => state.raised.take().map_or(Ok(None), Err),
        }
    }

    fn findings_list(&self, py: Python<'_>, which: impl Fn(&Findings) -> &Py<PyList>) -> Py<PyList> {
        which(&self.findings.lock().unwrap_or_else(PoisonError::into_inner)).clone_ref(py)
    }
}

#[pymethods]
impl BatchIterator {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Batch>> {
        let Ok(mut state) = self.state.try_lock() else {
            return Err(PyRuntimeError::new_err(
                "these batches are being read already, by another thread or by the events' own code",
            ));
        };
        let findings = Findings::none(py);
        let batch = self.next_batch(py, &mut state, &findings);
        *self.findings.lock().unwrap_or_else(PoisonError::into_inner) = findings;
        batch
    }

    #[getter]
    fn total(&self) -> usize {
        self.total.load(Ordering::Relaxed)
    }

    #[getter]
    fn rejected(&self, py: Python<'_>) -> Py<PyList> {
        self.findings_list(py, |findings| &findings.rejected)
    }

    #[getter]
    fn truncated(&self, py: Python<'_>) -> Py<PyList> {
        self.findings_list(py, |findings| &findings.truncated)
    }

    #[getter]
    fn warnings(&self, py: Python<'_>) -> Py<PyList> {
        self.findings_list(py, |findings| &findings.warnings)
    }
}
