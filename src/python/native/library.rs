//! What is learned of a library once the program has imported it.

use std::sync::atomic::{AtomicUsize, Ordering};

use pyo3::exceptions::{PyException, PyMemoryError, PyRecursionError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::python::raw::{self, learned::Learned};

/// What is known of a library's types. It is learned once in a process: subinterpreters can't import the core.
pub struct Library<T> {
    module: &'static str,
    /// None if something is not as expected.
    known: Learned<Option<T>>,
    learn: fn(&Bound<'_, PyAny>) -> PyResult<Option<T>>,
}

/// A look at the modules that the program has imported.
pub struct Look<'py> {
    modules: Bound<'py, PyDict>,
    /// Whether a library is being imported by another thread.
    is_early: bool,
}

impl<T: Send + Sync + 'static> Library<T> {
    /// `learn` is given the module. It runs Python code.
    pub const fn new(module: &'static str, learn: fn(&Bound<'_, PyAny>) -> PyResult<Option<T>>) -> Library<T> {
        Library { module, known: Learned::new(), learn }
    }

    /// What is known.
    #[inline(always)]
    pub fn get(&self) -> Option<&'static T> {
        self.known.get()?.as_ref()
    }

    /// Learns, if the program has imported the library since the last look.
    pub fn resolve(&self, look: &mut Look<'_>) -> PyResult<()> {
        if self.known.get().is_some() {
            return Ok(());
        }
        let Some(module) = look.modules.get_item(self.module)? else { return Ok(()) };
        let is_early = module.getattr("__spec__").and_then(|spec| spec.getattr("_initializing")?.is_truthy());
        if is_early.unwrap_or(false) {
            look.is_early = true;
            return Ok(());
        }
        let py = module.py();
        let known = match (self.learn)(&module) {
            Ok(known) => known,
            // The library is not as expected: its values are read by Python code.
            Err(error) if is_about_the_library(&error, py) => None,
            Err(error) => return Err(error),
        };
        self.known.set(known);
        Ok(())
    }
}

/// Whether an exception says something of the library, and not of this moment.
fn is_about_the_library(error: &PyErr, py: Python<'_>) -> bool {
    error.is_instance_of::<PyException>(py)
        && !error.is_instance_of::<PyMemoryError>(py)
        && !error.is_instance_of::<PyRecursionError>(py)
}

/// The number of modules at the last look. A module that is replaced by another of its name is not noticed: its values are
/// read by Python code.
static MODULES: AtomicUsize = AtomicUsize::new(0);

impl<'py> Look<'py> {
    /// None if no module was imported since the last look.
    pub fn at_new_modules(py: Python<'py>) -> Option<Look<'py>> {
        let modules = raw::modules(py);
        (modules.len() != MODULES.load(Ordering::Relaxed)).then_some(Look { modules, is_early: false })
    }

    /// Ends the look.
    pub fn end(self) {
        MODULES.store(if self.is_early { 0 } else { self.modules.len() }, Ordering::Relaxed);
    }
}
