//! `Builder`: a batch that grows by one event at a time, as a Python class.

use std::sync::{Arc, Mutex, MutexGuard, TryLockError};

use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyList;
use pyo3::{PyTraverseError, PyVisit};

use super::batch::Batch;
use super::engine::Engine;
use super::findings::Rejection;
use super::found::{Found, Kind};
use super::tallies::Tallies;
use super::workspace::Workspace;
use crate::batch::{Origin, Records};
use crate::event::FoundEvent;

#[pyclass(frozen, module = "mixpress")]
pub struct Builder {
    engine: Py<Engine>,
    state: Mutex<State>,
}

struct State {
    workspace: Box<Workspace>,
    /// What was found since the last batch, except for the newest events.
    found: Arc<Found>,
    /// What was found in the newest events that were accepted.
    records: Records,
    full: Option<Batch>,
    /// Events added so far, rejected ones included.
    total: usize,
}

impl State {
    /// Reports the last of the records: an event that was rejected is returned, and is counted alone.
    #[cold]
    fn found_one(&mut self, py: Python<'_>, explain: bool) -> PyResult<Option<Py<Rejection>>> {
        let last = self.records.count() - 1;
        let mut rejection = None;
        if let Some(event) = self.records.events(last..last + 1).next().filter(FoundEvent::is_rejected) {
            event.findings().first().inspect(|finding| self.found.count_handed_over(py, finding.rule, 1));
            rejection = Some(Rejection::of(py, &event, explain));
        }
        if let Some(rejection) = rejection {
            self.records.pop();
            return rejection.map(Some);
        }
        if self.records.is_full() || self.found.is_read(py) {
            self.hand_over(py)?;
        }
        Ok(None)
    }

    fn hand_over(&mut self, py: Python<'_>) -> PyResult<()> {
        let records = std::mem::take(&mut self.records);
        let all = 0..records.count();
        self.found.add(py, Arc::new(records), all)
    }
}

impl Builder {
    /// What was found since the last batch. The builder is not in use any more when a list is made of it.
    fn found(&self, py: Python<'_>) -> PyResult<Arc<Found>> {
        let mut state = self.state()?;
        if state.records.count() > 0 {
            state.hand_over(py)?;
        }
        Ok(Arc::clone(&state.found))
    }

    pub fn new(py: Python<'_>, engine: Py<Engine>) -> Builder {
        let workspace = engine.get().workspace(py);
        let found = Arc::new(Found::nothing(engine.get().explain));
        let state = State { workspace, found, records: Records::default(), full: None, total: 0 };
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
        self.state.try_lock().map_or(Ok(()), |state| state.found.traverse(&visit))
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
        let before = state.records.count();
        engine.add(&mut state.workspace, origin, event, &mut state.records)?;
        state.total += 1;
        state.full = Batch::lay_out_full(py, engine, &mut state.workspace);
        if state.records.count() == before { Ok(None) } else { state.found_one(py, engine.explain) }
    }

    fn finish(&self, py: Python<'_>) -> PyResult<Batch> {
        let mut state = self.state()?;
        let batch = match state.full.take() {
            Some(full) => Some(full),
            None => Batch::lay_out_rest(py, self.engine.get(), &mut state.workspace),
        };
        let nothing = Arc::new(Found::nothing(self.engine.get().explain));
        let found = std::mem::replace(&mut state.found, nothing);
        state.records = Records::default();
        drop(state);
        drop(found); // the own code of what a caller put into its lists may run, so not under the lock
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
        self.found(py)?.list(py, Kind::Truncated)
    }

    #[getter]
    fn warnings(&self, py: Python<'_>) -> PyResult<Py<PyList>> {
        self.found(py)?.list(py, Kind::Warned)
    }

    fn tallies(&self, py: Python<'_>) -> PyResult<Tallies> {
        Ok(Tallies::of(py, &*self.found(py)?))
    }
}
