//! The engine of an encoder: its clock, and the workspaces and compressors that are not in use.

use std::cell::RefCell;
use std::sync::PoisonError;
use std::time::{SystemTime, UNIX_EPOCH};

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use super::batch::Batch;
use super::encoder::Encoder;
use super::findings::{Finding, Findings, Rejection, Truncation};
use super::snapshot::snapshot;
use super::walk::{GivenEvent, Memory, NeedsSnapshot, SnapshotEvent};
use crate::batch::{Added, Batcher, Packed};
use crate::encoder::Settings;
use crate::gzip::Gzip;
use crate::rules::finding::Origin;

/// What one call works with; its buffers are kept for the next.
pub struct Workspace {
    pub batcher: Batcher,
    memory: RefCell<Memory>,
}

impl Workspace {
    fn new(py: Python<'_>, settings: &Settings) -> Workspace {
        Workspace { batcher: settings.batcher(), memory: RefCell::new(Memory::new(py)) }
    }

    /// Whether a batch begins with the next event.
    pub fn is_empty(&self) -> bool {
        self.batcher.count() == 0
    }

    /// Whether a batch must be sealed before the next event.
    pub fn is_full(&self) -> bool {
        self.batcher.is_full()
    }

    /// How many events the open batch has.
    pub fn count(&self) -> usize {
        self.batcher.count()
    }

    /// Bytes of JSON that wait to be sealed.
    pub fn held_bytes(&self) -> usize {
        self.batcher.held_bytes()
    }
}

impl Encoder {
    /// Takes up what became of an event. A rejection is returned, and left to the caller to keep.
    pub fn take_up(&self, py: Python<'_>, findings: &Findings, added: Added) -> PyResult<Option<Py<Rejection>>> {
        match added {
            Added::Rejected(found) => return Rejection::of(py, found, self.explain).map(Some),
            Added::Plain => {}
            Added::Accepted { warnings, truncations } => {
                for finding in warnings.into_iter().flat_map(Finding::each) {
                    findings.warnings.bind(py).append(Py::new(py, finding)?)?;
                }
                for truncation in truncations {
                    findings.truncated.bind(py).append(Truncation::from(truncation))?;
                }
            }
        }
        Ok(None)
    }

    /// A workspace with nothing in it. The lock is taken and let go without detaching, so no fork can find it taken.
    pub fn workspace(&self, py: Python<'_>) -> Workspace {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.unwrap_or_else(|| Workspace::new(py, &self.settings))
    }

    /// Keeps a workspace for the next call.
    pub fn give_back(&self, mut workspace: Workspace) {
        workspace.batcher.clear();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(workspace);
    }

    /// Adds an event to the open batch; a batch that became full by it must be sealed before the next. What there is to
    /// say of the event goes to `found`.
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
        let snapshot = snapshot(event, self.default.as_ref())?;
        let snapshot = SnapshotEvent { event: &snapshot, memory: &workspace.memory };
        let added = workspace.batcher.add(origin, &snapshot);
        let added = added.map_err(|_| PyTypeError::new_err("an event's snapshot can't be read; please report this"))?;
        found.extend((added != Added::Plain).then_some(added));
        Ok(())
    }

    /// Sets the clock for a batch that begins.
    pub fn set_clock(&self, py: Python<'_>, workspace: &mut Workspace) -> PyResult<()> {
        workspace.batcher.set_now(self.clock(py)?);
        Ok(())
    }

    /// Milliseconds since the epoch.
    fn clock(&self, py: Python<'_>) -> PyResult<i64> {
        let seconds = match &self.now {
            Some(now) => now.call0(py)?.extract::<f64>(py)?,
            None => SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64(),
        };
        Ok((seconds * 1000.0).round() as i64)
    }

    /// The batch that became full, if one did.
    pub fn seal_full(&self, py: Python<'_>, workspace: &mut Workspace) -> Option<Batch> {
        let packed = workspace.batcher.take_full()?;
        Some(self.seal(py, workspace, packed))
    }

    /// The open batch, if there is an event in it.
    pub fn seal_rest(&self, py: Python<'_>, workspace: &mut Workspace) -> Option<Batch> {
        let packed = workspace.batcher.finish()?;
        Some(self.seal(py, workspace, packed))
    }

    pub(super) fn seal(&self, py: Python<'_>, workspace: &mut Workspace, mut packed: Packed) -> Batch {
        let batch = self.with_gzip(|gzip| {
            let sealed = py.detach(|| self.settings.seal(&mut packed, gzip));
            Batch::new(py, sealed, self.settings.endpoint, self.settings.level)
        });
        workspace.batcher.reuse(packed);
        batch
    }

    /// Lends a compressor. No lock is held meanwhile.
    pub fn with_gzip<T>(&self, make: impl FnOnce(&mut Gzip) -> T) -> T {
        let idle = self.idle_gzips.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut gzip = idle.unwrap_or_else(|| Gzip::new(self.settings.level));
        let made = make(&mut gzip);
        self.idle_gzips.lock().unwrap_or_else(PoisonError::into_inner).push(gzip);
        made
    }
}
