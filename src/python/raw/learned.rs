//! A value that is learned once in a process and kept for its life.
//!
//! Not a once-cell: those of pyo3 and of the standard library lock while they are initialised, and a fork at that moment
//! leaves them locked in the child.

use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

/// A place for one value. Null until it is learned.
pub struct Learned<T>(AtomicPtr<T>);

impl<T: Send + Sync + 'static> Learned<T> {
    pub const fn new() -> Learned<T> {
        Learned(AtomicPtr::new(ptr::null_mut()))
    }

    #[inline(always)]
    pub fn get(&self) -> Option<&'static T> {
        // SAFETY: a pointer that is not null comes from `set`, which published a value that is never dropped or changed.
        unsafe { self.0.load(Ordering::Acquire).as_ref() }
    }

    /// Keeps a value, unless there is one.
    pub fn set(&self, value: T) {
        if self.get().is_none() {
            // If another thread is faster, this value stays unused: it is small, and at most one a thread.
            let value = Box::into_raw(Box::new(value));
            let _ = self.0.compare_exchange(ptr::null_mut(), value, Ordering::Release, Ordering::Relaxed);
        }
    }
}
