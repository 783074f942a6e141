//! `Builder`: a batch that grows by one event at a time, as a Python class.

use std::sync::{Mutex, MutexGuard, TryLockError};

use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyList;
use pyo3::{PyTraverseError, PyVisit};

use super::batch::Batch;
use super::engine::{Engine, Workspace};
use super::findings::{Findings, Rejection};
use crate::batch::Origin;

#[pyclass(frozen, module = "mixpress")]
pub struct Builder {
    engine: Py<Engine>,
    state: Mutex<State>,
}

struct State {
    workspace: Workspace,
    findings: Findings,
    full: Option<Batch>,
    /// Events added so far, rejected ones included.
    total: usize,
}

impl Builder {
    pub fn new(py: Python<'_>, engine: Py<Engine>) -> Builder {
        let workspace = engine.get().workspace(py);
        let state = State { workspace, findings: Findings::none(py), full: None, total: 0 };
        Builder { engine, state: Mutex::new(state) }
    }

    fn state(&self) -> PyResult<MutexGuard<'_, State>> {
        self.state.try_lock().map_err(|error| {
            PyRuntimeError::new_err(match error {
                TryLockError::WouldBlock => {
                    "this builder is in use by another thread or by the event's own code; \
                     use one builder for each thread, or a lock"
                }
                TryLockError::Poisoned(_) => {
                    "an earlier call of this builder failed half-way (a defect of mixpress; please report it), \
                     so its batch can't be trusted; make a new one with encoder.builder()"
                }
            })
        })
    }
}

#[pymethods]
impl Builder {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.engine)?;
        // Where another call holds the lock, the lists are in use: what is not visited is not collected.
        self.state.try_lock().map_or(Ok(()), |state| state.findings.traverse(&visit))
    }

    fn add(&self, event: &Bound<'_, PyAny>) -> PyResult<Option<Py<Rejection>>> {
        let py = event.py();
        let mut state = self.state()?;
        let state = &mut *state;
        if state.full.is_some() {
            return Err(PyValueError::new_err("the batch is full: call finish() before the next event"));
        }
        let engine = self.engine.get();
        let origin = Origin { index: state.total, line: None };
        let mut found = Vec::new(); // does not allocate for an event without findings
        engine.add(&mut state.workspace, origin, event, &mut found)?;
        state.total += 1;
        state.full = Batch::lay_out_full(py, engine, &mut state.workspace);
        found.pop().map_or(Ok(None), |added| state.findings.take(py, added, engine.explain))
    }

    fn finish(&self, py: Python<'_>) -> PyResult<Batch> {
        let (mut state, none) = (self.state()?, Findings::none(py));
        let batch = match state.full.take() {
            Some(full) => Some(full),
            None => Batch::lay_out_rest(py, self.engine.get(), &mut state.workspace),
        };
        let findings = std::mem::replace(&mut state.findings, none);
        drop(state);
        drop(findings); // their own code may run, so not under the lock
        batch.ok_or_else(|| PyValueError::new_err("the batch has no event: call add() before finish()"))
    }

    #[getter]
    fn full(&self) -> PyResult<bool> {
        Ok(self.state()?.full.is_some())
    }

    #[getter]
    fn held_bytes(&self) -> PyResult<usize> {
        Ok(self.state()?.workspace.batcher.held_bytes())
    }

    fn __len__(&self) -> PyResult<usize> {
        let state = self.state()?;
        Ok(state.workspace.batcher.count() + state.full.as_ref().map_or(0, Batch::len))
    }

    #[getter]
    fn truncated(&self, py: Python<'_>) -> PyResult<Py<PyList>> {
        Ok(self.state()?.findings.truncated.clone_ref(py))
    }

    #[getter]
    fn warnings(&self, py: Python<'_>) -> PyResult<Py<PyList>> {
        Ok(self.state()?.findings.warnings.clone_ref(py))
    }
}
