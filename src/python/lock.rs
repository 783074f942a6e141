//! The mutexes of the binding's classes.
//!
//! With the interpreter's lock no thread waits for one: it is held for a few instructions, by a thread that is attached and
//! does not detach meanwhile. In a free-threaded interpreter a thread can wait, and must not be attached then: the thread that
//! has the mutex could be waiting until every attached thread has stopped, for a garbage collection.

use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;
use pyo3::sync::MutexExt;

/// The guard of a mutex. No Python code may run, and no Python object be dropped, until the guard is.
pub fn locked<'a, T>(mutex: &'a Mutex<T>, py: Python<'_>) -> MutexGuard<'a, T> {
    mutex.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner)
}

/// Replaces what a mutex guards, and drops the former value after the mutex is free: its own code may run.
pub fn replace<T>(mutex: &Mutex<T>, py: Python<'_>, value: T) {
    let former = std::mem::replace(&mut *locked(mutex, py), value);
    drop(former);
}
