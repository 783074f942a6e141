//! `Callback`: a function that a caller gave, as a part of an object that the garbage collector can take apart.

use std::sync::Mutex;

use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use super::lock::locked;

/// A function, or none. The lock is held only to copy or take the reference: never while Python code runs.
pub struct Callback(Mutex<Option<Py<PyAny>>>);

impl Callback {
    pub fn new(function: Option<Py<PyAny>>) -> Callback {
        Callback(Mutex::new(function))
    }

    /// The function. None also where the garbage collector took it, when nothing but garbage refers to the object.
    pub fn get(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        locked(&self.0, py).as_ref().map(|function| function.clone_ref(py))
    }

    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self.0.try_lock() {
            Ok(function) => visit.call(&*function),
            Err(_) => Ok(()), // what is not visited is not collected
        }
    }

    pub fn clear(&self) {
        let function = self.0.try_lock().map(|mut function| function.take()); // it is garbage, so no call has it
        drop(function); // its own code may run, so not under the lock
    }
}
