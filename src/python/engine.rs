//! `Engine`: what an encoder, its builders and its iterators share: settings, clock, idle workspaces and compressors.

use std::cell::RefCell;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use super::callback::Callback;
use super::convert::walk_converted;
use super::walk::{GivenEvent, Interrupted, Memory};
use crate::batch::{Added, Batcher};
use crate::encoder::Settings;
use crate::gzip::Gzip;
use crate::rules::finding::Origin;

/// The buffers that one call works with; they are kept for the next call.
pub struct Workspace {
    pub batcher: Batcher,
    memory: RefCell<Memory>,
}

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
        Workspace { batcher: settings.batcher(), memory: RefCell::new(Memory::new(py)) }
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
        idle.unwrap_or_else(|| Workspace::new(py, &self.settings))
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
        if workspace.memory.get_mut().odd.are_expected {
            return self.add_converted(workspace, origin, event, found);
        }
        match workspace.batcher.add(origin, &GivenEvent { event, memory: &workspace.memory }) {
            Ok(Added::Plain) => Ok(()),
            Ok(added) => {
                found.push(added);
                Ok(())
            }
            Err(Interrupted) => self.add_converted(workspace, origin, event, found),
        }
    }

    #[cold]
    fn add_converted(
        &self,
        workspace: &mut Workspace,
        origin: Origin,
        event: &Bound<'_, PyAny>,
        found: &mut Vec<Added>,
    ) -> PyResult<()> {
        let Workspace { batcher, memory } = workspace;
        let default = self.default.get(event.py());
        let added = walk_converted(event, default, memory, |event| batcher.add(origin, event))?;
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
        self.default.traverse(&visit)?;
        // What is in use is not visited, and so not collected.
        let Ok(idle) = self.idle.try_lock() else { return Ok(()) };
        idle.iter()
            .filter_map(|workspace| workspace.memory.try_borrow().ok())
            .try_for_each(|memory| memory.types.traverse(&visit))
    }

    fn __clear__(&self) {
        self.now.clear();
        self.default.clear();
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        drop(idle); // its own code may run, so not under the lock
    }
}
