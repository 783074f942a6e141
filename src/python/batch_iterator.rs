//! `BatchIterator`: batches as they close, in memory bounded by one of them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::{PyException, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::types::PyList;

use super::batch::Batch;
use super::encoder::Encoder;
use super::engine::Workspace;
use super::findings::Findings;
use super::input::Input;
use super::input::fill::Filled;

#[pyclass(frozen, module = "mixpress")]
pub struct BatchIterator {
    encoder: Py<Encoder>,
    on_rejected: Option<Py<PyAny>>,
    total: AtomicUsize,
    findings: Mutex<Findings>,
    state: Mutex<State>,
}

struct State {
    input: Input,
    /// None once the events are at their end.
    workspace: Option<Workspace>,
    /// What the iterable raised, held back until the batch that was begun is out.
    raised: Option<PyErr>,
}

impl BatchIterator {
    pub fn new(py: Python<'_>, encoder: Py<Encoder>, input: Input, on_rejected: Option<Py<PyAny>>) -> Self {
        let findings = Mutex::new(Findings::none(py));
        let workspace = Some(encoder.get().workspace(py));
        let state = Mutex::new(State { input, workspace, raised: None });
        BatchIterator { encoder, on_rejected, total: AtomicUsize::new(0), findings, state }
    }

    /// Reads events until a batch is full. None: they are at their end.
    fn read(
        &self,
        py: Python<'_>,
        input: &mut Input,
        workspace: &mut Workspace,
        findings: &Findings,
    ) -> PyResult<Option<Batch>> {
        let encoder = self.encoder.get();
        let mut found = Vec::new();
        loop {
            let mut total = self.total();
            let filled = input.fill(py, encoder, workspace, &mut total, &mut found);
            self.total.store(total, Ordering::Relaxed);
            for added in found.drain(..) {
                if let Some(rejection) = encoder.take_up(py, findings, added)? {
                    match &self.on_rejected {
                        Some(on_rejected) => drop(on_rejected.call1(py, (rejection,))?),
                        None => findings.rejected.bind(py).append(rejection)?,
                    }
                }
            }
            match filled? {
                Filled::Batch => return Ok(encoder.seal_full(py, workspace)),
                Filled::Findings => {}
                Filled::Input => return Ok(None),
            }
        }
    }

    fn next_batch(&self, py: Python<'_>, state: &mut State, findings: &Findings) -> PyResult<Option<Batch>> {
        let Some(mut workspace) = state.workspace.take() else {
            return state.raised.take().map_or(Ok(None), Err);
        };
        match self.read(py, &mut state.input, &mut workspace, findings) {
            Ok(Some(batch)) => {
                state.workspace = Some(workspace);
                return Ok(Some(batch));
            }
            Ok(None) => {}
            Err(raised) if can_wait(py, &raised) => state.raised = Some(raised),
            Err(raised) => return Err(raised),
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

/// Whether an exception is one that code handles, and not one that ends a program: that is not held back.
fn can_wait(py: Python<'_>, error: &PyErr) -> bool {
    error.is_instance_of::<PyException>(py)
}
