//! `BatchIterator`: batches as they close, in memory bounded by one batch, as a Python class.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, TryLockError};

use pyo3::exceptions::{PyBaseException, PyException, PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::PyList;
use pyo3::{PyTraverseError, PyVisit};

use super::batch::Batch;
use super::callback::Callback;
use super::engine::Engine;
use super::findings::Rejection;
use super::found::{Found, Kind, Part};
use super::input::Input;
use super::input::fill::{Filled, Filling};
use super::lock::{locked, replace};
use super::rejections::Rejections;
use super::tallies::Tallies;
use super::workspace::Workspace;
use crate::batch::Records;

#[pyclass(frozen, module = "mixpress")]
pub struct BatchIterator {
    engine: Py<Engine>,
    receiver: Receiver,
    total: AtomicUsize,
    /// What was found since the batch before the last one.
    found: Mutex<Arc<Found>>,
    state: Mutex<State>,
}

/// The function that receives rejections, or none.
pub enum Receiver {
    /// `on_rejected`, called with each.
    OneByOne(Callback),
    /// `on_rejections`, called with many.
    Together(Callback),
}

impl Receiver {
    pub fn of(on_rejected: Option<Py<PyAny>>, on_rejections: Option<Py<PyAny>>) -> PyResult<Receiver> {
        match (on_rejected, on_rejections) {
            (Some(_), Some(_)) => {
                Err(PyTypeError::new_err("on_rejected and on_rejections both receive the rejections: pass one of them"))
            }
            (None, Some(function)) => Ok(Receiver::Together(Callback::new(Some(function)))),
            (function, None) => Ok(Receiver::OneByOne(Callback::new(function))),
        }
    }

    fn callback(&self) -> &Callback {
        match self {
            Receiver::OneByOne(callback) | Receiver::Together(callback) => callback,
        }
    }
}

struct State {
    input: Input,
    /// None after the last event.
    workspace: Option<Box<Workspace>>,
    /// What was found in events that were read, and is not reported: the callback raised before all of it was.
    unreported: Option<Part>,
    /// Whether the input has no more events.
    is_read: bool,
    /// An exception of the iterable, raised after the open batch is returned.
    raised: Option<Py<PyBaseException>>,
}

impl BatchIterator {
    pub fn new(py: Python<'_>, engine: Py<Engine>, input: Input, receiver: Receiver) -> Self {
        let found = Mutex::new(Arc::new(Found::nothing(engine.get().explain)));
        let workspace = Some(engine.get().workspace(py));
        let state = State { input, workspace, unreported: None, is_read: false, raised: None };
        BatchIterator { engine, receiver, total: AtomicUsize::new(0), found, state: Mutex::new(state) }
    }

    /// Reads events until a batch is full. None: there are no more events.
    fn read(
        &self,
        py: Python<'_>,
        state: &mut State,
        workspace: &mut Workspace,
        found: &Found,
    ) -> Result<Option<Batch>, Stopped> {
        let engine = self.engine.get();
        loop {
            // First what an earlier call left: a batch that is full, and findings that are not reported.
            self.report(py, state, found).map_err(Stopped::ByCallback)?;
            if let Some(batch) = Batch::seal_full(py, engine, workspace) {
                return Ok(Some(batch));
            }
            if state.is_read {
                return Ok(None);
            }
            let (mut total, mut records) = (self.total(), Records::default());
            let mut filling = Filling { workspace: &mut *workspace, index: &mut total, records: &mut records };
            let filled = state.input.fill(py, engine, &mut filling);
            self.total.store(total, Ordering::Relaxed);
            if records.count() > 0 {
                let range = 0..records.count();
                state.unreported = Some(Part { records: Arc::new(records), range });
            }
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

    /// Reports what was found. Where the callback raises, it was called for that rejection, or for those that it got
    /// together, and the others are left.
    fn report(&self, py: Python<'_>, state: &mut State, found: &Found) -> PyResult<()> {
        let Some(part) = state.unreported.take() else { return Ok(()) };
        let Some(function) = self.receiver.callback().get(py) else {
            return found.add(py, part.records, part.range);
        };
        match self.receiver {
            Receiver::OneByOne(_) => self.report_each(py, state, found, part, &function),
            Receiver::Together(_) => self.report_together(py, found, part, &function),
        }
    }

    fn report_each(
        &self,
        py: Python<'_>,
        state: &mut State,
        found: &Found,
        Part { records, range }: Part,
        function: &Py<PyAny>,
    ) -> PyResult<()> {
        // Rejections that are handed over are not kept: input that is all bad takes no more memory.
        let mut accepted = Records::default();
        let mut raised = Ok(());
        for at in range.clone() {
            let Some(event) = records.events(at..at + 1).next() else { break };
            if !event.is_rejected() {
                accepted.add(&event);
                continue;
            }
            event.findings().first().inspect(|finding| found.count_handed_over(py, finding.rule, 1));
            raised = Rejection::of(py, &event, self.engine.get().explain)
                .and_then(|rejection| function.call1(py, (rejection,)).map(drop));
            if raised.is_err() {
                let range = at + 1..range.end;
                state.unreported = (!range.is_empty()).then(|| Part { records: Arc::clone(&records), range });
                break;
            }
        }
        let all = 0..accepted.count();
        found.add(py, Arc::new(accepted), all)?;
        raised
    }

    fn report_together(&self, py: Python<'_>, found: &Found, part: Part, function: &Py<PyAny>) -> PyResult<()> {
        let (rejected, accepted) = parted(part);
        found.add(py, accepted.records, accepted.range)?;
        if rejected.range.is_empty() {
            return Ok(());
        }
        let rejections = Rejections::of(rejected.records, rejected.range, self.engine.get().explain);
        rejections.counts().for_each(|(rule, count)| found.count_handed_over(py, rule, count));
        function.call1(py, (rejections,)).map(drop)
    }

    fn next_batch(&self, py: Python<'_>, state: &mut State, found: &Found) -> PyResult<Option<Batch>> {
        let Some(mut workspace) = state.workspace.take() else {
            return state.raised.take().map_or(Ok(None), |raised| Err(raised_again(py, raised)));
        };
        match self.read(py, state, &mut workspace, found) {
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

    fn found(&self, py: Python<'_>) -> Arc<Found> {
        Arc::clone(&locked(&self.found, py))
    }
}

/// Why a call read no batch.
enum Stopped {
    /// `on_rejected` or `on_rejections` raised.
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
        self.receiver.callback().traverse(&visit)?;
        // Where a call holds a lock, its objects are in use: what is not visited is not collected.
        self.found.try_lock().map_or(Ok(()), |found| found.traverse(&visit))?;
        self.state.try_lock().map_or(Ok(()), |state| {
            visit.call(&state.raised)?;
            state.input.traverse(&visit)
        })
    }

    fn __clear__(&self) {
        self.receiver.callback().clear();
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
        let found = Arc::new(Found::nothing(self.engine.get().explain));
        let batch = self.next_batch(py, &mut state, &found);
        replace(&self.found, py, found);
        drop(state);
        batch
    }

    #[getter]
    fn total(&self) -> usize {
        self.total.load(Ordering::Relaxed)
    }

    #[getter]
    fn rejected(&self, py: Python<'_>) -> PyResult<Py<PyList>> {
        self.found(py).list(py, Kind::Rejected)
    }

    #[getter]
    fn truncated(&self, py: Python<'_>) -> PyResult<Py<PyList>> {
        self.found(py).list(py, Kind::Truncated)
    }

    #[getter]
    fn warnings(&self, py: Python<'_>) -> PyResult<Py<PyList>> {
        self.found(py).list(py, Kind::Warned)
    }

    fn tallies(&self, py: Python<'_>) -> Tallies {
        Tallies::of(py, &self.found(py))
    }
}

/// The rejected events of a part and the accepted ones, each in records with no others, which may be kept for long.
fn parted(part: Part) -> (Part, Part) {
    let nothing = || Part { records: Arc::default(), range: 0..0 };
    if part.events().all(|event| event.is_rejected()) {
        return (part, nothing());
    }
    if !part.events().any(|event| event.is_rejected()) {
        return (nothing(), part);
    }
    let [mut rejected, mut accepted] = [Records::default(), Records::default()];
    part.events().for_each(|event| if event.is_rejected() { rejected.add(&event) } else { accepted.add(&event) });
    let whole = |records: Records| {
        let range = 0..records.count();
        Part { records: Arc::new(records), range }
    };
    (whole(rejected), whole(accepted))
}

/// Whether an exception may wait for the open batch. One that ends the program, such as `KeyboardInterrupt`, may not.
fn can_wait(py: Python<'_>, error: &PyErr) -> bool {
    error.is_instance_of::<PyException>(py)
}
