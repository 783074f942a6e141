//! `Workspace`: the buffers that one call works with, and a few that ended encoders left to the next ones.

use std::cell::RefCell;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use pyo3::prelude::*;

use super::lock::locked;
use super::walk::Memory;
use crate::batch::Batcher;
use crate::encoder::Settings;

/// The most workspaces that ended encoders leave.
const MOST_SHARED: usize = 4;

/// Left by ended encoders, the newest last, with the settings that they were made for: only an encoder with equal settings
/// takes one. They hold no object of a caller: of types they know, and refer to them weakly. The lock is never held while detached, so no fork can find it taken.
static SHARED: Mutex<Vec<(Settings, Box<Workspace>)>> = Mutex::new(Vec::new());

/// The buffers that one call works with; they are kept for the next call. It has kilobytes, so it is boxed: moving it would
/// cost a call with one event a tenth of its time.
pub struct Workspace {
    pub batcher: Batcher,
    pub memory: RefCell<Memory>,
    /// When other threads could run last.
    pub held_since: Instant,
}

/// The time after which other threads may run between two events. A batch usually takes less.
const HOLD: Duration = Duration::from_micros(1500);

/// The least pause. A thread that waits for the lock takes a while to wake up: without a pause, this one would take it again.
const PAUSE: Duration = Duration::from_micros(1);

impl Workspace {
    pub fn new(py: Python<'_>, settings: &Settings) -> Box<Workspace> {
        Box::new(Workspace {
            batcher: settings.batcher(),
            memory: RefCell::new(Memory::new(py)),
            held_since: Instant::now(),
        })
    }

    /// A workspace that an ended encoder with the same settings left. It writes what a new one writes.
    pub fn shared(py: Python<'_>, settings: &Settings) -> Option<Box<Workspace>> {
        let mut shared = locked(&SHARED, py);
        let place = shared.iter().rposition(|(other, _)| other == settings)?;
        let (other, workspace) = shared.remove(place);
        drop(shared);
        drop(other);
        Some(workspace)
    }

    /// Leaves this workspace to later encoders with the same settings.
    pub fn share(mut self: Box<Self>, settings: &Settings) {
        self.memory.get_mut().forget();
        self.batcher.forget();
        let settings = settings.clone();
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.push((settings, self));
        let oldest = (shared.len() > MOST_SHARED).then(|| shared.remove(0));
        drop(shared);
        drop(oldest); // freeing its memory takes longer than the lock may be held
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
