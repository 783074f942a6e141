//! `BatchIterator`: batches as they close, in memory bounded by one batch, as a Python class.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, TryLockError};

use pyo3::exceptions::{PyBaseException, PyException, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::types::PyList;
use pyo3::{PyTraverseError, PyVisit};

use super::batch::Batch;
use super::callback::Callback;
use super::engine::{Engine, Workspace};
use super::findings::Findings;
use super::input::Input;
use super::input::fill::{Filled, Filling};
use super::lock::{locked, replace};
use crate::batch::Added;

#[pyclass(frozen, module = "mixpress")]
pub struct BatchIterator {
    engine: Py<Engine>,
    on_rejected: Callback,
    total: AtomicUsize,
    findings: Mutex<Findings>,
    state: Mutex<State>,
}

struct State {
    input: Input,
    /// None after the last event.
    workspace: Option<Workspace>,
    /// What there is to report of events that were read: `on_rejected` raised before all of it was.
    found: VecDeque<Added>,
    /// Whether the input has no more events.
    is_read: bool,
    /// An exception of the iterable, raised after the open batch is returned.
    raised: Option<Py<PyBaseException>>,
}

impl BatchIterator {
    pub fn new(py: Python<'_>, engine: Py<Engine>, input: Input, on_rejected: Option<Py<PyAny>>) -> Self {
        let findings = Mutex::new(Findings::none(py));
        let workspace = Some(engine.get().workspace(py));
        let state = State { input, workspace, found: VecDeque::new(), is_read: false, raised: None };
        let (state, on_rejected) = (Mutex::new(state), Callback::new(on_rejected));
        BatchIterator { engine, on_rejected, total: AtomicUsize::new(0), findings, state }
    }

    /// Reads events until a batch is full. None: there are no more events.
    fn read(
        &self,
        py: Python<'_>,
        state: &mut State,
        workspace: &mut Workspace,
        findings: &Findings,
    ) -> Result<Option<Batch>, Stopped> {
        let engine = self.engine.get();
        loop {
            // First what an earlier call left: a batch that is full, and findings that are not reported.
            self.report(py, state, findings).map_err(Stopped::ByCallback)?;
            if let Some(batch) = Batch::seal_full(py, engine, workspace) {
                return Ok(Some(batch));
            }
            if state.is_read {
                return Ok(None);
            }
            let (mut total, mut found) = (self.total(), Vec::new());
            let mut filling = Filling { workspace: &mut *workspace, index: &mut total, found: &mut found };
            let filled = state.input.fill(py, engine, &mut filling);
            self.total.store(total, Ordering::Relaxed);
            state.found.extend(found);
            match filled {
                Ok(filled) => state.is_read = filled == Filled::Input,
                Err(raised) => {
                    state.is_read = true;
                    if !can_wait(py, &raised) {
                        return Err(Stopped::ByInput(raised));
                    }
                    state.raised = Some(raised.into_value(py));
                }
            }
        }
    }

    /// Reports the findings. Where `on_rejected` raises, it was called for that rejection, and the others are left.
    fn report(&self, py: Python<'_>, state: &mut State, findings: &Findings) -> PyResult<()> {
        while let Some(added) = state.found.pop_front() {
            if let Some(rejection) = findings.take(py, added, self.engine.get().explain)? {
                match self.on_rejected.get(py) {
                    Some(on_rejected) => drop(on_rejected.call1(py, (rejection,))?),
                    None => findings.rejected.bind(py).append(rejection)?,
                }
            }
        }
        Ok(())
    }

    fn next_batch(&self, py: Python<'_>, state: &mut State, findings: &Findings) -> PyResult<Option<Batch>> {
        let Some(mut workspace) = state.workspace.take() else {
            return state.raised.take().map_or(Ok(None), |raised| Err(raised_again(py, raised)));
        };
        match self.read(py, state, &mut workspace, findings) {
            Ok(Some(batch)) => {
                state.workspace = Some(workspace);
                return Ok(Some(batch));
            }
            Ok(None) => {}
            // A callback's exception costs nothing but itself: the next call goes on.
            Err(Stopped::ByCallback(raised)) => {
                state.workspace = Some(workspace);
                return Err(raised);
            }
            Err(Stopped::ByInput(raised)) => return Err(raised),
        }
        let engine = self.engine.get();
        let rest = Batch::seal_rest(py, engine, &mut workspace);
        engine.give_back(py, workspace);
        match rest {
            Some(batch) => Ok(Some(batch)),
            None => state.raised.take().map_or(Ok(None), |raised| Err(raised_again(py, raised))),
        }
    }

    fn findings_list(&self, py: Python<'_>, which: impl Fn(&Findings) -> &Py<PyList>) -> Py<PyList> {
        which(&locked(&self.findings, py)).clone_ref(py)
    }
}

/// Why a call read no batch.
enum Stopped {
    /// `on_rejected` raised.
    ByCallback(PyErr),
    /// The iterable raised.
    ByInput(PyErr),
}

fn raised_again(py: Python<'_>, raised: Py<PyBaseException>) -> PyErr {
    PyErr::from_value(raised.into_bound(py).into_any())
}

#[pymethods]
impl BatchIterator {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.engine)?;
        self.on_rejected.traverse(&visit)?;
        // Where a call holds a lock, its objects are in use: what is not visited is not collected.
        self.findings.try_lock().map_or(Ok(()), |findings| findings.traverse(&visit))?;
        self.state.try_lock().map_or(Ok(()), |state| {
            visit.call(&state.raised)?;
            state.input.traverse(&visit)
        })
    }

    fn __clear__(&self) {
        self.on_rejected.clear();
        let taken = self.state.try_lock().map(|mut state| {
            state.is_read = true;
            (std::mem::replace(&mut state.input, Input::Taken), state.raised.take())
        });
        drop(taken); // their own code may run, so not under the lock
    }

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
        replace(&self.findings, py, findings);
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
