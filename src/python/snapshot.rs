//! Snapshots: copies of events that can be read without running Python code, and the classes that only they contain.

use pyo3::prelude::*;
use pyo3::types::{PyList, PyString};
use pyo3::{PyTraverseError, PyVisit};

use crate::serialize;

/// A copy of an event that can be read without running Python code.
pub fn snapshot<'py>(event: &Bound<'py, PyAny>, default: Option<Py<PyAny>>) -> PyResult<Bound<'py, PyAny>> {
    event.py().import("mixpress.snapshot")?.call_method1("snapshot", (event, default))
}

/// A date and time, in a snapshot: of a subclass of `datetime`, or in another timezone than UTC.
#[pyclass(frozen, module = "mixpress._core")]
pub struct Moment(pub(super) serialize::Moment);

#[pymethods]
impl Moment {
    /// `date` is the year, month and day; `clock` the hour, minute, second and microsecond.
    #[new]
    fn new(date: (i32, u8, u8), clock: (u8, u8, u8, u32), utc: bool) -> Moment {
        Moment(serialize::Moment::from_civil(date, clock, utc))
    }
}

/// A number by its spelling, in a snapshot: a Decimal becomes one. The walk checks that the spelling is a JSON number.
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
    #[pyo3(get)]
    pub(super) pairs: Py<PyList>,
}

#[pymethods]
impl Members {
    #[new]
    fn new(pairs: Py<PyList>) -> Members {
        Members { pairs }
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.pairs)
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
