//! `Builder`: a batch that grows by one event at a time.

use std::sync::{Mutex, MutexGuard};

use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyList;

use super::batch::Batch;
use super::encoder::Encoder;
use super::engine::Workspace;
use super::findings::{Findings, Rejection};
use crate::rules::finding::Origin;

#[pyclass(frozen, module = "mixpress")]
pub struct Builder {
    encoder: Py<Encoder>,
    state: Mutex<State>,
}

struct State {
    workspace: Workspace,
    findings: Findings,
    full: Option<Batch>,
    /// Events added so far, rejected ones too.
    total: usize,
}

impl Builder {
    pub fn new(py: Python<'_>, encoder: Py<Encoder>) -> Builder {
        let workspace = encoder.get().workspace(py);
        let state = State { workspace, findings: Findings::none(py), full: None, total: 0 };
        Builder { encoder, state: Mutex::new(state) }
    }

    fn state(&self) -> PyResult<MutexGuard<'_, State>> {
        self.state.try_lock().map_err(|_| {
            PyRuntimeError::new_err(
                "this builder is in use by another thread or by the event's own code; give each its own, or a lock",
            )
        })
    }
}

#[pymethods]
impl Builder {
    fn add(&self, event: &Bound<'_, PyAny>) -> PyResult<Option<Py<Rejection>>> {
        let py = event.py();
        let mut state = self.state()?;
        let state = &mut *state;
        if state.full.is_some() {
            return Err(PyValueError::new_err("the batch is full: finish() it before the next event"));
        }
        let encoder = self.encoder.get();
        let origin = Origin { index: state.total, line: None };
        let mut found = Vec::new(); // allocates nothing for an event with nothing to say of it
        encoder.add(&mut state.workspace, origin, event, &mut found)?;
        state.total += 1;
        state.full = Encoder::lay_out_full(&self.encoder, py, &mut state.workspace);
        found.pop().map_or(Ok(None), |added| encoder.take_up(py, &state.findings, added))
    }

    fn finish(&self, py: Python<'_>) -> PyResult<Batch> {
        let mut state = self.state()?;
        let batch = match state.full.take() {
            Some(full) => Some(full),
            None => Encoder::lay_out_rest(&self.encoder, py, &mut state.workspace),
        };
        state.findings = Findings::none(py);
        batch.ok_or_else(|| PyValueError::new_err("there is no event to finish a batch with"))
    }

    #[getter]
    fn full(&self) -> PyResult<bool> {
        Ok(self.state()?.full.is_some())
    }

    /// Bytes of JSON that wait for `finish`, for a bound on memory.
    #[getter]
    fn held_bytes(&self) -> PyResult<usize> {
        Ok(self.state()?.workspace.held_bytes())
    }

    fn __len__(&self) -> PyResult<usize> {
        let state = self.state()?;
        Ok(state.workspace.count() + state.full.as_ref().map_or(0, Batch::len))
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
