//! `BatchIterator`: batches as they close, in memory bounded by one batch, as a Python class.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, TryLockError};

use pyo3::exceptions::{PyException, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::types::PyList;

use super::batch::Batch;
use super::engine::{Engine, Workspace};
use super::findings::Findings;
use super::input::Input;
use super::input::fill::{Filled, Filling};

#[pyclass(frozen, module = "mixpress")]
pub struct BatchIterator {
    engine: Py<Engine>,
    on_rejected: Option<Py<PyAny>>,
    total: AtomicUsize,
    findings: Mutex<Findings>,
    state: Mutex<State>,
}

struct State {
    input: Input,
    /// None after the last event.
    workspace: Option<Workspace>,
    /// An exception of the iterable, raised after the open batch is returned.
    raised: Option<PyErr>,
}

impl BatchIterator {
    pub fn new(py: Python<'_>, engine: Py<Engine>, input: Input, on_rejected: Option<Py<PyAny>>) -> Self {
        let findings = Mutex::new(Findings::none(py));
        let workspace = Some(engine.get().workspace(py));
        let state = Mutex::new(State { input, workspace, raised: None });
        BatchIterator { engine, on_rejected, total: AtomicUsize::new(0), findings, state }
    }

    /// Reads events until a batch is full. None: there are no more events.
    fn read(
        &self,
        py: Python<'_>,
        input: &mut Input,
        workspace: &mut Workspace,
        findings: &Findings,
    ) -> PyResult<Option<Batch>> {
        let engine = self.engine.get();
        let mut found = Vec::new();
        loop {
            let mut total = self.total();
            let mut filling = Filling { workspace: &mut *workspace, index: &mut total, found: &mut found };
            let filled = input.fill(py, engine, &mut filling);
            self.total.store(total, Ordering::Relaxed);
            for added in found.drain(..) {
                if let Some(rejection) = findings.take(py, added, engine.explain)? {
                    match &self.on_rejected {
                        Some(on_rejected) => drop(on_rejected.call1(py, (rejection,))?),
                        None => findings.rejected.bind(py).append(rejection)?,
                    }
                }
            }
            match filled? {
                Filled::Batch => return Ok(Batch::seal_full(py, engine, workspace)),
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
        let engine = self.engine.get();
        let rest = Batch::seal_rest(py, engine, &mut workspace);
        engine.give_back(workspace);
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
        let mut state = self.state.try_lock().map_err(|error| {
            PyRuntimeError::new_err(match error {
                TryLockError::WouldBlock => {
                    "another thread, or the events' own code, is reading these batches; \
                     use one iterator for each thread, or a lock"
                }
                TryLockError::Poisoned(_) => {
                    "an earlier call of this iterator failed half-way (a defect of mixpress; please report it), \
                     so the open batch is lost; the batches before it are whole"
                }
            })
        })?;
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

/// Whether an exception may wait for the open batch. One that ends the program, such as `KeyboardInterrupt`, may not.
fn can_wait(py: Python<'_>, error: &PyErr) -> bool {
    error.is_instance_of::<PyException>(py)
}
