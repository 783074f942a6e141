//! Snapshots: copies of events that can be read without running Python code, and the classes that only they contain.

use pyo3::prelude::*;
use pyo3::types::{PyList, PyString};

/// A copy of an event that can be read without running Python code.
pub fn snapshot<'py>(event: &Bound<'py, PyAny>, default: Option<&Py<PyAny>>) -> PyResult<Bound<'py, PyAny>> {
    event.py().import("mixpress.snapshot")?.call_method1("snapshot", (event, default))
}

/// A number by its spelling, in a snapshot: a Decimal becomes one.
#[pyclass(frozen, module = "mixpress._core")]
pub struct Number {
    pub(super) spelling: Py<PyString>,
}

#[pymethods]
impl Number {
    #[new]
    fn new(spelling: Py<PyString>) -> Number {
        Number { spelling }
    }
}

/// The members of a mapping that is not an exact dict, in a snapshot: a list of pairs.
#[pyclass(frozen, module = "mixpress._core")]
pub struct Members {
    pub(super) pairs: Py<PyList>,
}

#[pymethods]
impl Members {
    #[new]
    fn new(pairs: Py<PyList>) -> Members {
        Members { pairs }
    }
}

/// A value that JSON can't represent, in a snapshot, and the sentence that says so.
#[pyclass(frozen, module = "mixpress._core")]
pub struct Unsupported {
    pub(super) message: Py<PyString>,
}

#[pymethods]
impl Unsupported {
    #[new]
    fn new(message: Py<PyString>) -> Unsupported {
        Unsupported { message }
    }
}
