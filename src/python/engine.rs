//! `Engine`: what an encoder, its builders and its iterators share: settings, clock, idle workspaces and compressors.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use super::callback::Callback;
use super::compressors::Compressors;
use super::convert::walk_converted;
use super::lock::locked;
use super::walk::{GivenEvent, Interrupted};
use super::workspace::Workspace;
use crate::batch::Records;
use crate::encoder::Settings;
use crate::rules::finding::Origin;

/// It is a Python object, though Python never sees it, so that each of the classes that use it can hold a reference.
#[pyclass(frozen)]
pub struct Engine {
    pub settings: Settings,
    now: Callback,
    default: Callback,
    /// Whether a rejection lists every rule that its event broke.
    pub explain: bool,
    /// Threads share an encoder, and each call takes a workspace out of here.
    idle: Mutex<Vec<Box<Workspace>>>,
    pub compressors: Arc<Compressors>,
}

impl Engine {
    pub fn new(settings: Settings, now: Option<Py<PyAny>>, default: Option<Py<PyAny>>, explain: bool) -> Engine {
        let compressors = Arc::new(Compressors::new(settings.level));
        let (now, default) = (Callback::new(now), Callback::new(default));
        Engine { settings, now, default, explain, idle: Mutex::new(Vec::new()), compressors }
    }

    /// An engine with the same functions and other settings.
    pub fn with_settings(&self, py: Python<'_>, settings: Settings) -> Engine {
        Engine::new(settings, self.now.get(py), self.default.get(py), self.explain)
    }

    /// An empty workspace. The lock is never held while detached, so no fork can find it taken.
    pub fn workspace(&self, py: Python<'_>) -> Box<Workspace> {
        let idle = locked(&self.idle, py).pop();
        let mut workspace = idle.unwrap_or_else(|| {
            Workspace::shared(py, &self.settings).unwrap_or_else(|| Workspace::new(py, &self.settings))
        });
        workspace.held_since = Instant::now();
        workspace
    }

    /// Keeps a workspace for the next call.
    pub fn give_back(&self, py: Python<'_>, mut workspace: Box<Workspace>) {
        workspace.batcher.clear();
        locked(&self.idle, py).push(workspace);
    }

    /// Adds an event to the open batch. If that fills the batch, it must be taken before the next event is added.
    /// What there is to report of the event goes to `records`: returned by value, it would cost each good event a copy.
    pub fn add(
        &self,
        workspace: &mut Workspace,
        origin: Origin,
        event: &Bound<'_, PyAny>,
        records: &mut Records,
    ) -> PyResult<()> {
        if workspace.is_empty() {
            self.set_clock(event.py(), workspace)?;
        }
        if workspace.memory.get_mut().odd.are_expected {
            return self.add_converted(workspace, origin, event, records);
        }
        match workspace.batcher.add_recording(origin, &GivenEvent { event, memory: &workspace.memory }, records) {
            Ok(()) => Ok(()),
            Err(Interrupted) => self.add_converted(workspace, origin, event, records),
        }
    }

    #[cold]
    fn add_converted(
        &self,
        workspace: &mut Workspace,
        origin: Origin,
        event: &Bound<'_, PyAny>,
        records: &mut Records,
    ) -> PyResult<()> {
        let Workspace { batcher, memory, .. } = workspace;
        let default = self.default.get(event.py());
        walk_converted(event, default, memory, |event| batcher.add_recording(origin, event, records))
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

impl Drop for Engine {
    /// Leaves an idle workspace to later encoders with the same settings.
    fn drop(&mut self) {
        let idle = std::mem::take(self.idle.get_mut().unwrap_or_else(PoisonError::into_inner));
        idle.into_iter().take(1).for_each(|workspace| workspace.share(&self.settings));
    }
}

#[pymethods]
impl Engine {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.now.traverse(&visit)?;
        self.default.traverse(&visit) // workspaces hold no object that could lead to this one
    }

    fn __clear__(&self) {
        self.now.clear();
        self.default.clear();
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        drop(idle); // its own code may run, so not under the lock
    }
}
