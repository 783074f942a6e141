//! `Engine`: what an encoder, its builders and its iterators share: settings, clock, idle workspaces and compressors.

use std::cell::RefCell;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use super::callback::Callback;
use super::snapshot::snapshot;
use super::walk::{GivenEvent, Memory, NeedsSnapshot, SnapshotEvent};
use crate::batch::{Added, Batcher};
use crate::encoder::Settings;
use crate::gzip::Gzip;
use crate::rules::finding::Origin;

/// The buffers that one call works with; they are kept for the next call.
pub struct Workspace {
    pub batcher: Batcher,
    memory: RefCell<Memory>,
    /// When other threads could run last.
    held_since: Instant,
}

/// The time after which other threads may run between two events. A batch usually takes less.
const HOLD: Duration = Duration::from_micros(1500);

/// The least pause. A thread that waits for the lock takes a while to wake up: without a pause, this one would take it again.
const PAUSE: Duration = Duration::from_micros(1);

/// Compressors that no call uses at the moment.
pub struct Compressors {
    level: Option<u8>,
    idle: Mutex<Vec<Gzip>>,
}

/// It is a Python object, though Python never sees it, so that each of the classes that use it can hold a reference.
#[pyclass(frozen)]
pub struct Engine {
    pub settings: Settings,
    now: Callback,
    default: Callback,
    /// Whether a rejection lists every rule that its event broke.
    pub explain: bool,
    /// Threads share an encoder, and each call takes a workspace out of here.
    idle: Mutex<Vec<Workspace>>,
    pub compressors: Arc<Compressors>,
}

impl Workspace {
    fn new(py: Python<'_>, settings: &Settings) -> Workspace {
        Workspace { batcher: settings.batcher(), memory: RefCell::new(Memory::new(py)), held_since: Instant::now() }
    }

    /// Releases the interpreter's lock for a moment, if it was held for long.
    pub fn let_others_run(&mut self, py: Python<'_>) {
        if self.held_since.elapsed() > HOLD {
            py.detach(|| std::thread::sleep(PAUSE));
            self.held_since = Instant::now();
        }
    }

    /// Whether the next event starts a batch.
    pub fn is_empty(&self) -> bool {
        self.batcher.count() == 0
    }
}

impl Compressors {
    /// Lends a compressor to `make`. No lock is held meanwhile.
    pub fn lend<T>(&self, make: impl FnOnce(&mut Gzip) -> T) -> T {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut gzip = idle.unwrap_or_else(|| Gzip::new(self.level));
        let made = make(&mut gzip);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(gzip);
        made
    }
}

impl Engine {
    pub fn new(settings: Settings, now: Option<Py<PyAny>>, default: Option<Py<PyAny>>, explain: bool) -> Engine {
        let compressors = Arc::new(Compressors { level: settings.level, idle: Mutex::new(Vec::new()) });
        let (now, default) = (Callback::new(now), Callback::new(default));
        Engine { settings, now, default, explain, idle: Mutex::new(Vec::new()), compressors }
    }

    /// An empty workspace. The lock is never held while detached, so no fork can find it taken.
    pub fn workspace(&self, py: Python<'_>) -> Workspace {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut workspace = idle.unwrap_or_else(|| Workspace::new(py, &self.settings));
        workspace.held_since = Instant::now();
        workspace
    }

    /// Keeps a workspace for the next call.
    pub fn give_back(&self, mut workspace: Workspace) {
        workspace.batcher.clear();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(workspace);
    }

    /// Adds an event to the open batch. If that fills the batch, it must be taken before the next event is added.
    /// What there is to report of the event goes to `found`: returned by value, it would cost each good event a copy.
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
        let snapshot = snapshot(event, self.default.get(event.py()))?;
        let snapshot = SnapshotEvent { event: &snapshot, memory: &workspace.memory };
        let added = workspace.batcher.add(origin, &snapshot);
        let added = added.map_err(|_| PyTypeError::new_err("an event's snapshot can't be read; please report this"))?;
        found.extend((added != Added::Plain).then_some(added));
        Ok(())
    }

    /// Sets the clock of the next batch.
    pub fn set_clock(&self, py: Python<'_>, workspace: &mut Workspace) -> PyResult<()> {
        workspace.batcher.set_now(self.now_ms(py)?);
        Ok(())
    }

    /// Milliseconds since the epoch.
    fn now_ms(&self, py: Python<'_>) -> PyResult<i64> {
        let seconds = match self.now.get(py) {
            Some(now) => now.call0(py)?.extract::<f64>(py)?,
            None => SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64(),
        };
        Ok((seconds * 1000.0).round() as i64)
    }
}

#[pymethods]
impl Engine {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.now.traverse(&visit)?;
        self.default.traverse(&visit)
    }

    fn __clear__(&self) {
        self.now.clear();
        self.default.clear();
    }
}
