//! `Compressors`: those of an encoder, and a few that ended encoders left to the next ones.
//!
//! What a compressor returns does not depend on what it compressed before, so those of one level can be exchanged.

use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;

use super::lock::locked;
use crate::gzip::Gzip;

/// The levels whose compressors are shared. Those above take megabytes each.
const SHARED_LEVELS: std::ops::RangeInclusive<u8> = 1..=6;

/// The most compressors that ended encoders leave.
const MOST_SHARED: usize = 4;

/// What a shared compressor may hold of the last body, in bytes.
const MOST_HELD: usize = 1 << 20;

/// Left by ended encoders, the newest last. The lock is never held while detached, so no fork can find it taken.
static SHARED: Mutex<Vec<(Option<u8>, Gzip)>> = Mutex::new(Vec::new());

/// Compressors that no call of an encoder uses at the moment.
pub struct Compressors {
    level: Option<u8>,
    idle: Mutex<Vec<Gzip>>,
}

impl Compressors {
    pub fn new(level: Option<u8>) -> Compressors {
        Compressors { level, idle: Mutex::new(Vec::new()) }
    }

    /// Lends a compressor to `make`. No lock is held meanwhile.
    pub fn lend<T>(&self, py: Python<'_>, make: impl FnOnce(&mut Gzip) -> T) -> T {
        let idle = locked(&self.idle, py).pop();
        let mut gzip = idle.or_else(|| shared(self.level)).unwrap_or_else(|| Gzip::new(self.level));
        let made = make(&mut gzip);
        locked(&self.idle, py).push(gzip);
        made
    }
}

impl Drop for Compressors {
    fn drop(&mut self) {
        let idle = std::mem::take(self.idle.get_mut().unwrap_or_else(PoisonError::into_inner));
        if self.level.is_none_or(|level| SHARED_LEVELS.contains(&level)) {
            idle.into_iter()
                .filter(|gzip| gzip.held_bytes() <= MOST_HELD)
                .take(1)
                .for_each(|gzip| share(self.level, gzip));
        }
    }
}

/// A compressor that an ended encoder left.
fn shared(level: Option<u8>) -> Option<Gzip> {
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    let place = shared.iter().rposition(|(other, _)| *other == level)?;
    Some(shared.remove(place).1)
}

fn share(level: Option<u8>, gzip: Gzip) {
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    shared.push((level, gzip));
    let oldest = (shared.len() > MOST_SHARED).then(|| shared.remove(0));
    drop(shared);
    drop(oldest); // freeing its memory takes longer than the lock may be held
}
